"""Reads the tensors of a serialized State, as PySyft and the node write them.

Only portable tensors are read: shape, dtype and elements. Others carry pickles or files of a
framework, which are never looked into; the node refuses them when a model is hosted.
"""

import math
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched

from model_retrieval.model_file.wire import (
    DamagedState,
    count_varints,
    read_fields,
    read_varints,
)

# Numbers of fields, and all that each message may have.
_PLACEHOLDERS, _TENSORS = 1, 2
_STATE_FIELDS = {_PLACEHOLDERS, _TENSORS}
_TORCH_TENSOR, _TORCH_PARAMETER = 1, 2
_STATE_TENSOR_FIELDS = {_TORCH_TENSOR, _TORCH_PARAMETER}
_PARAMETER_TENSOR = 2
_PARAMETER_FIELDS = {1, _PARAMETER_TENSOR, 3, 4}
_DATA, _CHAIN, _GRADIENT_CHAIN, _SERIALIZER = 2, 4, 5, 8
_TENSOR_FIELDS = set(range(1, 9))
_SHAPE, _DTYPE, _IS_QUANTIZED = 1, 2, 3
_DATA_FIELDS = {*range(1, 6), *range(16, 29)}
_DIMENSIONS = 1

_PORTABLE = 4
# As many placeholders and tensors as the node lets a State have.
_MAX_FIELDS = 100_000
_MAX_DIMENSIONS = 32  # numpy's limit before 2.0
# So many elements are converted at a time.
_BATCH = 64 * 1024

type _Fields = dict[int, list[int | memoryview]]


@dataclass(frozen=True, slots=True)
class DType:
    """A type of elements: numpy's name of it, and how the State holds it."""

    code: str
    size_bytes: int
    field: int
    wire_bytes: int | None  # of one element; None for varints
    convert: Callable[[memoryview], Iterator[bytes | memoryview]]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One parameter of a model; `packed` holds its elements as they are in the State."""

    dtype: DType
    shape: tuple[int, ...]
    packed: tuple[memoryview, ...]

    @property
    def size_bytes(self) -> int:
        """The length of all `chunks`."""
        return math.prod(self.shape) * self.dtype.size_bytes

    def chunks(self) -> Iterator[bytes | memoryview]:
        """Yield the elements in C order, little-endian.

        Raises `DamagedState` for an element that its type cannot hold.
        """
        for part in self.packed:
            yield from self.dtype.convert(part)


def parse_state(state: memoryview) -> list[Tensor]:
    """Return the tensors, which are some, in the order of the model's parameters.

    Raises `DamagedState` if it is cut off, holds something else, or has a tensor whose elements are
    not as many as its shape says.
    """
    fields = _fields(state, _STATE_FIELDS, "the State")
    placeholders, tensors = fields.get(_PLACEHOLDERS, []), fields.get(_TENSORS, [])
    if not tensors:
        raise DamagedState("it has no tensors")
    if len(placeholders) != len(tensors):
        raise DamagedState(f"it has {len(placeholders)} placeholders for {len(tensors)} tensors")
    return [_state_tensor(index, _message(value)) for index, value in enumerate(tensors)]


def _state_tensor(index: int, message: memoryview) -> Tensor:
    try:
        fields = _fields(message, _STATE_TENSOR_FIELDS, "a StateTensor")
        if _TORCH_PARAMETER in fields:
            parameter = _fields(_only(fields, _TORCH_PARAMETER), _PARAMETER_FIELDS, "a Parameter")
            return _tensor(_only(parameter, _PARAMETER_TENSOR))
        return _tensor(_only(fields, _TORCH_TENSOR))
    except DamagedState as error:
        raise DamagedState(f"tensor {index}: {error}") from None


def _tensor(message: memoryview) -> Tensor:
    fields = _fields(message, _TENSOR_FIELDS, "a TorchTensor")
    if fields.get(_SERIALIZER) != [_PORTABLE] or _CHAIN in fields or _GRADIENT_CHAIN in fields:
        raise DamagedState("it is no plain, portable tensor")
    data = _fields(_only(fields, _DATA), _DATA_FIELDS, "a TensorData")
    name = _only(data, _DTYPE).tobytes().decode(errors="replace")
    dtype = DTYPES.get(name)
    if dtype is None or any(data.get(_IS_QUANTIZED, [])):
        raise DamagedState(f"elements of the type {name[:20]!r} are not known")
    if {number for number in data if number >= min(_CONTENTS)} - {dtype.field}:
        raise DamagedState(f"it has other elements than those of {name}")
    shape = _shape(_fields(_only(data, _SHAPE), {_DIMENSIONS}, "a Size")) if _SHAPE in data else ()
    packed = tuple(_message(value) for value in data.get(dtype.field, []))
    found = sum(_count(part, dtype) for part in packed)
    if found != math.prod(shape):
        raise DamagedState(f"the shape {list(shape)} does not mean {found} elements")
    return Tensor(dtype, shape, packed)


def _shape(fields: _Fields) -> tuple[int, ...]:
    dimensions: list[int] = []
    for value in fields.get(_DIMENSIONS, []):
        dimensions += [value] if isinstance(value, int) else read_varints(value)
    if len(dimensions) > _MAX_DIMENSIONS or any(not 0 <= size < 1 << 31 for size in dimensions):
        raise DamagedState(f"it has no shape of at most {_MAX_DIMENSIONS} dimensions")
    return tuple(dimensions)


def _count(packed: memoryview, dtype: DType) -> int:
    if dtype.wire_bytes is None:
        return count_varints(packed)
    if len(packed) % dtype.wire_bytes:
        raise DamagedState("the last element is cut off")
    return len(packed) // dtype.wire_bytes


def _fields(message: memoryview, known: set[int], name: str) -> _Fields:
    """Return the values of each field, which must be a known one of the message."""
    fields: _Fields = {}
    for index, (number, value) in enumerate(read_fields(message)):
        if number not in known:
            raise DamagedState(f"{name} has no field {number}")
        if index == _MAX_FIELDS:
            raise DamagedState(f"{name} has more than {_MAX_FIELDS} fields")
        fields.setdefault(number, []).append(value)
    return fields


def _only(fields: _Fields, number: int) -> memoryview:
    values = fields.get(number, [])
    if len(values) != 1:
        raise DamagedState(f"field {number} is there {len(values)} times instead of once")
    return _message(values[0])


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise DamagedState("there is a number in place of a message")
    return value


def _as_they_are(packed: memoryview) -> Iterator[bytes | memoryview]:
    yield packed


def _halves(packed: memoryview) -> Iterator[bytes]:
    for start in range(0, len(packed), 4 * _BATCH):
        part = packed[start : start + 4 * _BATCH]
        values = struct.unpack(f"<{len(part) // 4}f", part)
        try:
            yield struct.pack(f"<{len(values)}e", *values)
        except OverflowError:
            yield b"".join(map(_half, values))


def _half(value: float) -> bytes:
    try:
        return struct.pack("<e", value)
    except OverflowError:
        return struct.pack("<e", math.copysign(math.inf, value))  # as in torch


def _integers(typecode: str, largest: int | None = None) -> Callable[..., Iterator[bytes]]:
    """Return a function that converts varints to whole numbers of `array`'s type."""

    def convert(packed: memoryview) -> Iterator[bytes]:
        for values in batched(read_varints(packed), _BATCH, strict=False):
            try:
                elements = array(typecode, values)
            except OverflowError:
                elements = None
            if elements is None or (largest is not None and max(elements) > largest):
                raise DamagedState("an element is out of the range of its type")
            yield elements.tobytes()

    return convert


DTYPES = {
    "uint8": DType("u1", 1, 16, None, _integers("B")),
    "int8": DType("i1", 1, 17, None, _integers("b")),
    "int16": DType("i2", 2, 18, None, _integers("h")),
    "int32": DType("i4", 4, 19, None, _integers("i")),
    "int64": DType("i8", 8, 20, None, _integers("q")),
    "float16": DType("f2", 2, 21, 4, _halves),
    "float32": DType("f4", 4, 22, 4, _as_they_are),
    "float64": DType("f8", 8, 23, 8, _as_they_are),
    "bool": DType("b1", 1, 24, None, _integers("B", largest=1)),
}
_CONTENTS = range(16, 29)
