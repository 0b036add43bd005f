"""Writes States as PySyft does, each message by hand, so that any part of them can be wrong."""

import struct
from collections.abc import Iterable, Sequence

import numpy as np

FIELDS = {
    "uint8": 16,
    "int8": 17,
    "int16": 18,
    "int32": 19,
    "int64": 20,
    "float16": 21,
    "float32": 22,
    "float64": 23,
    "bool": 24,
}
PORTABLE = 4


def varint(value: int) -> bytes:
    """Return the number, of 64 bits if negative, in groups of seven bits."""
    value %= 1 << 64
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def field(number: int, value: int | bytes) -> bytes:
    """Return one field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def packed(array: np.ndarray) -> bytes:
    """Return the elements as they are packed in a TensorData."""
    if array.dtype == np.float64:
        return array.astype("<f8").tobytes()
    if array.dtype.kind == "f":
        return array.astype("<f4").tobytes()
    return b"".join(varint(int(value)) for value in array.ravel())


def tensor_data(
    array: np.ndarray,
    *,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    parts: Iterable[bytes] | None = None,
    more: bytes = b"",
) -> bytes:
    """Return a TensorData of the array, of which the other arguments change something."""
    dimensions = array.shape if shape is None else shape
    content = field(1, field(1, b"".join(map(varint, dimensions))) if dimensions else b"")
    content += field(2, (dtype or array.dtype.name).encode())
    for part in [packed(array)] if parts is None else parts:
        if part:
            content += field(FIELDS[array.dtype.name], part)
    return content + more


def torch_tensor(data: bytes, *, serializer: int = PORTABLE, more: bytes = b"") -> bytes:
    """Return a TorchTensor."""
    content = field(1, field(1, 4711)) + field(2, data) + more
    return content + (field(8, serializer) if serializer else b"")


def parameter(tensor: bytes) -> bytes:
    """Return a StateTensor that wraps the tensor in a Parameter."""
    return field(2, field(1, field(1, 4712)) + field(2, tensor) + field(3, 1))


def state_of(tensors: Iterable[bytes], placeholders: int | None = None) -> bytes:
    """Return a State of StateTensors."""
    tensors = list(tensors)
    count = len(tensors) if placeholders is None else placeholders
    return b"".join(field(1, field(3, field(1, number))) for number in range(count)) + b"".join(
        field(2, tensor) for tensor in tensors
    )


def state(*arrays: np.ndarray) -> bytes:
    """Return a State of the arrays."""
    return state_of(field(1, torch_tensor(tensor_data(array))) for array in arrays)


def floats(*values: float) -> bytes:
    """Return packed floats of 32 bits."""
    return struct.pack(f"<{len(values)}f", *values)
