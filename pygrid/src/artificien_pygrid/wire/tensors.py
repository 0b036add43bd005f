"""Models, diffs and checkpoints: lists of tensors in a serialized State.

Only portable tensors are read (serializer 4: shape, dtype and elements). The other serializers
carry pickles or framework files in `contents_bin`; they are refused and their bytes never read.
"""

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from .messages_pb2 import (
    SERIALIZER_ALL,
    Id,
    Placeholder,
    Serializer,
    Shape,
    State,
    StateTensor,
    TensorData,
    TorchTensor,
)
from .varints import decode_varints, encode_varints

_MAX_DIMENSIONS = 64  # numpy's limit
_STATE_KEYS = (0x0A, 0x12)  # placeholders and tensors, both length-delimited
_MAX_FIELDS = 100_000
_MAX_LENGTH_BITS = 35  # of a field's length: five varint bytes
_ID_BITS = 36  # as in PySyft, and exact in JavaScript's numbers
_WIRE_FLOATS = {"float16": "<f4", "float32": "<f4", "float64": "<f8"}
_WIRE_INTEGERS = ("uint8", "int8", "int16", "int32", "int64", "bool")
_CONTENTS = {dtype: f"contents_{dtype}" for dtype in (*_WIRE_FLOATS, *_WIRE_INTEGERS)}


class InvalidBlob(ValueError):  # noqa: N818 - it names the payload, not the failure
    """A model, diff or plan that the node refuses; the message is meant for the client."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """The dtype (torch's name without "torch.") and the shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return an object for `json.dumps`."""
        return {"dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the spec that `to_json` gave."""
        return cls(value["dtype"], tuple(value["shape"]))

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


Schema: TypeAlias = tuple[TensorSpec, ...]
_Message = TypeVar("_Message", bound=Message)
_Item = TypeVar("_Item")
_Decoded = TypeVar("_Decoded")


def parse(kind: type[_Message], blob: bytes) -> _Message:
    """Parse a serialized message.

    Raises:
        InvalidBlob: `blob` is empty or not such a message, or has fields of another one.
    """
    name = kind.DESCRIPTOR.name
    if not blob:
        raise InvalidBlob(f"it is empty; send a serialized {name}")
    message = kind()
    try:
        message.ParseFromString(blob)
    except DecodeError:
        raise InvalidBlob(f"its {len(blob)} bytes are not a serialized {name}") from None
    unknown = UnknownFieldSet(message)
    if len(unknown):
        raise InvalidBlob(f"a {name} has no field {unknown[0].field_number}; is the end garbage?")
    return message


def decode_state(blob: bytes) -> list[np.ndarray]:
    """Decode a model, diff or checkpoint.

    Args:
        blob: A serialized State.

    Returns:
        One read-only array per tensor, in the order of the parameters. Non-finite elements are
        kept.

    Raises:
        InvalidBlob: `blob` is empty or unparsable, has no tensors, or a tensor is not portable.
    """
    _check_fields(blob)
    tensors = decode_tensors(parse(State, blob))
    if not tensors:
        raise InvalidBlob("it has no tensors; send one for each parameter of the model")
    return tensors


def _check_fields(blob: bytes) -> None:
    """Count the placeholders and tensors before any is parsed.

    Parsed, an empty placeholder takes a hundred times its two bytes.
    """
    position = fields = 0
    while position < len(blob):
        if blob[position] not in _STATE_KEYS:
            raise InvalidBlob(
                f"no field of a State begins at byte {position}; is it something else, or the end "
                "garbage?"
            )
        fields += 1
        if fields > _MAX_FIELDS:
            raise InvalidBlob(f"it has more than {_MAX_FIELDS} placeholders and tensors")
        length = shift = 0
        more = True
        while more and shift < _MAX_LENGTH_BITS:
            position += 1
            octet = blob[position] if position < len(blob) else 0
            more = octet >= 0x80  # noqa: PLR2004 - the continuation bit
            length |= (octet & 0x7F) << shift
            shift += 7
        position += length + 1


def decode_tensors(state: State) -> list[np.ndarray]:
    """Decode the tensors of a parsed State, which may be none.

    Raises:
        InvalidBlob: A tensor is not portable, or placeholders and tensors do not pair.
    """
    if len(state.placeholders) != len(state.tensors):
        raise InvalidBlob(
            f"it has {len(state.placeholders)} placeholders for {len(state.tensors)} tensors; "
            "send one for each"
        )
    return [_at(index, _decode_state_tensor, item) for index, item in enumerate(state.tensors)]


def schema_of(tensors: Sequence[np.ndarray]) -> Schema:
    """Return the dtype and shape of each tensor."""
    return tuple(TensorSpec(tensor.dtype.name, tensor.shape) for tensor in tensors)


def decode_diff(blob: bytes, schema: Schema) -> list[np.ndarray]:
    """Decode a diff and check that it fits its model.

    Returns:
        One read-only, finite array per parameter with the schema's dtype and shape.

    Raises:
        InvalidBlob: As for `decode_state`, or the diff does not fit or has NaN or infinity.
    """
    tensors = decode_state(blob)
    if len(tensors) != len(schema):
        raise InvalidBlob(f"it has {len(tensors)} tensors, the model has {len(schema)} parameters")
    for index, (tensor, found, wanted) in enumerate(
        zip(tensors, schema_of(tensors), schema, strict=True)
    ):
        if found != wanted:
            raise InvalidBlob(f"tensor {index} is {found}, the model's parameter is {wanted}")
        if not np.isfinite(tensor).all():
            raise InvalidBlob(f"tensor {index} has NaN or infinity; has the training diverged?")
    return tensors


def encode_state(tensors: Sequence[np.ndarray]) -> bytes:
    """Encode a model, diff or checkpoint as PySyft does.

    Every placeholder and tensor gets a fresh id; ids mean nothing between messages.

    Args:
        tensors: One array per parameter; any dtype that `decode_state` gives.

    Raises:
        InvalidBlob: There are no tensors, or one has a dtype that the protocol lacks.
    """
    if not tensors:
        raise InvalidBlob("a State needs at least one tensor")
    state = State(
        placeholders=[
            Placeholder(id=_fresh_id(), expected_shape=Shape(dims=tensor.shape))
            for tensor in tensors
        ],
        tensors=[StateTensor(torch_tensor=_encode(tensor)) for tensor in tensors],
    )
    return bytes(state.SerializeToString())


def decode_tensor(tensor: TorchTensor) -> np.ndarray:
    """Decode one portable tensor.

    Returns:
        A read-only array, viewing the parsed bytes where the dtype allows.

    Raises:
        InvalidBlob: The tensor is not portable, or dtype, shape and elements do not fit.
    """
    if tensor.serializer != SERIALIZER_ALL or not tensor.HasField("contents_data"):
        raise InvalidBlob(
            f"its serializer is {_serializer_name(tensor.serializer)}; only SERIALIZER_ALL (4) "
            "with contents_data is read, set `serializer` to 4"
        )
    if tensor.chain or tensor.grad_chain:
        raise InvalidBlob("it wraps another tensor (chain); send the plain tensor")
    data = tensor.contents_data
    if data.is_quantized or data.dtype.startswith(("qint", "quint")):
        raise InvalidBlob("it is quantized; dequantize it before sending")
    if data.dtype not in _CONTENTS:
        raise InvalidBlob(f"dtype {data.dtype[:40]!r} is none of {', '.join(_CONTENTS)}")
    shape = tuple(data.shape.dims)
    if len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0:
        raise InvalidBlob(f"shape {list(shape[:8])} has a negative or more than 64 dimensions")
    return _reshape(_elements(data), data.dtype, shape)


def _elements(data: TensorData) -> np.ndarray:
    filled = {field.name for field, _ in data.ListFields() if field.name.startswith("contents_")}
    other = filled - {_CONTENTS[data.dtype]}
    if other:
        raise InvalidBlob(f"dtype is {data.dtype}, but {min(other)} is filled")
    chunks = getattr(data, _CONTENTS[data.dtype])
    packed: bytes = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    wire = _WIRE_FLOATS.get(data.dtype)
    if wire is None:
        try:
            values = decode_varints(packed)
        except ValueError as error:
            raise InvalidBlob(str(error)) from None
        return _narrow(values, data.dtype)
    if len(packed) % np.dtype(wire).itemsize:
        raise InvalidBlob("the last element is cut off")
    elements = np.frombuffer(packed, wire)
    if data.dtype == "float16":
        with np.errstate(over="ignore"):  # becomes infinity, as in torch
            return elements.astype(np.float16)
    return elements


def _narrow(values: np.ndarray, dtype: str) -> np.ndarray:
    narrow = values.astype(dtype)
    # A wider value would silently wrap around.
    if not np.array_equal(narrow, values):
        raise InvalidBlob(f"an element is out of the range of {dtype}")
    return narrow


def _reshape(values: np.ndarray, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if math.prod(shape) != values.size:
        raise InvalidBlob(
            f"shape {list(shape)} means {math.prod(shape)} elements, but it has {values.size} "
            f"packed elements in contents_{dtype}"
        )
    try:
        tensor = values.reshape(shape)
    except ValueError:  # an empty tensor whose other dimensions overflow
        raise InvalidBlob(f"shape {list(shape)} is too large") from None
    tensor.flags.writeable = False
    return tensor


def _decode_state_tensor(item: StateTensor) -> np.ndarray:
    if item.HasField("torch_param"):
        return decode_tensor(item.torch_param.tensor)
    return decode_tensor(item.torch_tensor)


def _at(index: int, decode: Callable[[_Item], _Decoded], item: _Item) -> _Decoded:
    try:
        return decode(item)
    except InvalidBlob as error:
        raise InvalidBlob(f"tensor {index}: {error}") from None


def _serializer_name(value: int) -> str:
    names = {number: name for name, number in Serializer.items()}
    return f"{names.get(value, 'unknown')} ({value})"


def _encode(tensor: np.ndarray) -> TorchTensor:
    dtype = tensor.dtype.name
    if dtype not in _CONTENTS:
        raise InvalidBlob(f"dtype {dtype} is none of {', '.join(_CONTENTS)}")
    wire = _WIRE_FLOATS.get(dtype)
    packed = encode_varints(tensor) if wire is None else tensor.astype(wire).tobytes()
    data = TensorData(shape=Shape(dims=tensor.shape), dtype=dtype)
    if packed:
        getattr(data, _CONTENTS[dtype]).append(packed)
    return TorchTensor(id=_fresh_id(), contents_data=data, serializer=SERIALIZER_ALL)


def _fresh_id() -> Id:
    return Id(id_int=secrets.randbits(_ID_BITS))
