"""Models and diffs: what is read, what is written, what is refused."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from artificien_pygrid.wire.messages_pb2 import (
    SERIALIZER_ALL,
    Id,
    Parameter,
    Placeholder,
    Shape,
    State,
    StateTensor,
    TensorData,
    TorchTensor,
)
from artificien_pygrid.wire.tensors import (
    InvalidBlob,
    TensorSpec,
    decode_diff,
    decode_state,
    encode_state,
    schema_of,
)

GOLDEN = Path(__file__).parents[1] / "golden"
STATES = sorted(
    path
    for path in GOLDEN.rglob("*.bin")
    if path.stem.startswith(("checkpoint", "diff")) or path.stem.endswith("model")
)
DTYPES = ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")


def state(*tensors: TorchTensor) -> bytes:
    return bytes(
        State(
            placeholders=[Placeholder(id=Id(id_int=index)) for index in range(len(tensors))],
            tensors=[StateTensor(torch_tensor=tensor) for tensor in tensors],
        ).SerializeToString()
    )


def floats(*values: float, dims: list[int] | None = None, dtype: str = "float32") -> TorchTensor:
    shape = Shape(dims=[len(values)] if dims is None else dims)
    packed = np.array(values, "<f4").tobytes()
    return TorchTensor(
        contents_data=TensorData(shape=shape, dtype=dtype, contents_float32=[packed]),
        serializer=SERIALIZER_ALL,
    )


def integers(packed: bytes, count: int, dtype: str) -> TorchTensor:
    data = TensorData(shape=Shape(dims=[count]), dtype=dtype)
    getattr(data, f"contents_{dtype}").append(packed)
    return TorchTensor(contents_data=data, serializer=SERIALIZER_ALL)


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recorded_states_survive_decoding_and_encoding(path: Path) -> None:
    recorded = path.read_bytes()
    again = encode_state(decode_state(recorded))

    assert without_ids(again) == without_ids(recorded)
    ids = [item.id.id_int for item in State.FromString(again).placeholders]
    assert len({*ids}) == len(ids)
    assert 0 <= min(ids) <= max(ids) < 2**53


def without_ids(blob: bytes) -> bytes:
    message = State.FromString(blob)
    for placeholder in message.placeholders:
        assert placeholder.HasField("id")
        placeholder.ClearField("id")
        placeholder.ClearField("tags")
    for item in message.tensors:
        assert item.torch_tensor.HasField("id")
        item.torch_tensor.ClearField("id")
    return bytes(message.SerializeToString())


def test_a_recorded_model_has_its_shapes_and_values() -> None:
    tensors = decode_state((GOLDEN / "cycles/gcl/checkpoint_1.bin").read_bytes())

    assert schema_of(tensors) == (TensorSpec("float32", (2, 4)), TensorSpec("float32", (2,)))
    # pragma: allowlist nextline secret
    assert tensors[1].tobytes().hex() == "785a8e3d00c47abd"
    assert not tensors[0].flags.writeable


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0))
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_tensors_survive_encoding_and_decoding(tensors: list[np.ndarray]) -> None:
    decoded = decode_state(encode_state(tensors))

    assert schema_of(decoded) == schema_of(tensors)
    for found, wanted in zip(decoded, tensors, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_integers_are_the_varints_of_protobuf() -> None:
    # Shape has the same kind of field as int32 tensors; protobuf's own coder is the reference.
    values = [0, 1, 127, 128, -1, 300, 2**31 - 1, -(2**31)]
    packed = Shape(dims=values).SerializeToString()[2:]

    [decoded] = decode_state(state(integers(packed, len(values), "int32")))

    assert decoded.tolist() == values
    written = State.FromString(encode_state([decoded])).tensors[0].torch_tensor.contents_data
    assert written.contents_int32[0] == packed


def test_a_spec_survives_json() -> None:
    spec = TensorSpec("float32", (2, 3))
    assert TensorSpec.from_json(spec.to_json()) == spec


def test_parameters_and_split_fields_are_read() -> None:
    data = TensorData(shape=Shape(dims=[2]), dtype="float32")
    data.contents_float32.extend([np.float32(1).tobytes(), np.float32(2).tobytes()])
    parameter = Parameter(tensor=TorchTensor(contents_data=data, serializer=SERIALIZER_ALL))
    blob = State(
        placeholders=[Placeholder()], tensors=[StateTensor(torch_param=parameter)]
    ).SerializeToString()

    assert decode_state(blob)[0].tolist() == [1, 2]


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("serializer", [0, 1, 2, 3, 4, 7])
def test_a_pickle_is_refused_and_not_executed(tmp_path: Path, serializer: Any) -> None:
    trace = tmp_path / "executed"
    trap = pickle.dumps(Trap(trace))

    with pytest.raises(InvalidBlob, match=r"tensor 0: its serializer is .*set `serializer` to 4"):
        decode_state(state(TorchTensor(contents_bin=trap, serializer=serializer)))

    assert not trace.exists()
    pickle.loads(trap)  # noqa: S301 - proves that the trap works
    assert trace.exists()


@pytest.mark.parametrize("serializer", [0, 1, 2, 3])
def test_portable_contents_under_another_serializer_are_refused(serializer: Any) -> None:
    tensor = floats(1)
    tensor.serializer = serializer
    with pytest.raises(InvalidBlob, match=rf"serializer is \w+ \({serializer}\)"):
        decode_state(state(tensor))


def quantized() -> TorchTensor:
    tensor = floats(1)
    tensor.contents_data.is_quantized = True
    return tensor


def chained() -> TorchTensor:
    tensor = floats(1)
    tensor.chain = b"x"
    return tensor


def doubly_filled() -> TorchTensor:
    tensor = floats(1)
    tensor.contents_data.contents_int8.append(b"\1")
    return tensor


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "it is empty; send a serialized State"),
        (b"\x00\xff\x00", "no field of a State begins at byte 0; is it something else"),
        (b"\x0a\xff\xff", "its 3 bytes are not a serialized State"),
        (b"\x0a" + b"\x80" * 9, "no field of a State begins at byte 6"),
        (b"\x0a\x00" * 100_001, "more than 100000 placeholders and tensors"),
        (b"\x0a\x00", "1 placeholders for 0 tensors"),
        (state(), "it is empty"),
        (
            state(floats(1)) + b"\x1a\x03abc",
            r"no field of a State begins at byte \d+; .* the end garbage",
        ),
        (state(floats(1)) + b"\x12\x03ab", "are not a serialized State"),
        (state(floats(1, 2), floats(1, 2, dims=[3])), r"tensor 1: shape \[3\] means 3 elements"),
        (state(floats(1, dims=[-1])), "negative"),
        (state(floats(1, dims=[1] * 65)), "more than 64 dimensions"),
        (state(floats(dims=[2**31 - 1] * 3 + [0])), "too large"),
        (state(floats(1, dims=[2**31 - 1] * 9)), "means .* elements, but it has 1"),
        (state(floats(1, dtype="float64")), "dtype is float64, but contents_float32 is filled"),
        (state(floats(1, dtype="complex64")), "dtype 'complex64' is none of"),
        (state(floats(1, dtype="bfloat16")), "dtype 'bfloat16' is none of"),
        (state(floats(1, dtype="")), "dtype '' is none of"),
        (state(floats(1, dtype="qint8")), "quantized; dequantize"),
        (state(quantized()), "quantized; dequantize"),
        (state(chained()), "wraps another tensor"),
        (state(doubly_filled()), "but contents_int8 is filled"),
        (state(integers(b"\x80", 1, "int64")), "the last element is cut off"),
        (state(integers(b"\x80" * 10 + b"\1", 1, "int64")), "longer than 64 bits"),
        (state(integers(b"\x80\x02", 1, "uint8")), "out of the range of uint8"),
        (state(integers(b"\2", 1, "bool")), "out of the range of bool"),
        (State(placeholders=[Placeholder()], tensors=[StateTensor()]).SerializeToString(), "seria"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(blob: bytes, message: str) -> None:
    with pytest.raises(InvalidBlob, match=message):
        decode_state(blob)


def test_a_cut_element_is_said() -> None:
    tensor = floats(1)
    tensor.contents_data.contents_float32[0] += b"\0"
    with pytest.raises(InvalidBlob, match="cut off"):
        decode_state(state(tensor))


def test_elements_outside_a_packed_field_are_missing_elements() -> None:
    # Field 22 as a single fixed32: the encoding before proto3, which no client uses.
    data = TensorData(shape=Shape(dims=[1]), dtype="float32").SerializeToString()
    data += b"\xb5\x01" + np.float32(1).tobytes()
    tensor = TorchTensor(serializer=SERIALIZER_ALL)
    tensor.contents_data.ParseFromString(data)
    with pytest.raises(InvalidBlob, match="it has 0 packed elements in contents_float32"):
        decode_state(state(tensor))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([np.ones(2, np.float32)] * 2, "it has 2 tensors, the model has 1 parameters"),
        ([np.ones(3, np.float32)], r"tensor 0 is float32\[3\], the model's .* is float32\[2\]"),
        ([np.ones(2, np.float64)], r"tensor 0 is float64\[2\]"),
        ([np.array([1, np.nan], np.float32)], "tensor 0 has NaN or infinity"),
        ([np.array([np.inf, 1], np.float32)], "tensor 0 has NaN or infinity"),
    ],
)
def test_a_diff_must_fit_the_model(tensors: list[np.ndarray], message: str) -> None:
    with pytest.raises(InvalidBlob, match=message):
        decode_diff(encode_state(tensors), (TensorSpec("float32", (2,)),))


def test_a_half_that_overflows_is_not_finite() -> None:
    tensor = floats(1e30, dtype="float16")
    tensor.contents_data.contents_float16.append(tensor.contents_data.contents_float32.pop())
    with pytest.raises(InvalidBlob, match="NaN or infinity"):
        decode_diff(state(tensor), (TensorSpec("float16", (1,)),))


def test_only_tensors_of_the_protocol_are_encoded() -> None:
    with pytest.raises(InvalidBlob, match="dtype complex128 is none of"):
        encode_state([np.ones(1, np.complex128)])
    with pytest.raises(InvalidBlob, match="at least one tensor"):
        encode_state([])


def decodes_or_is_refused(blob: bytes) -> None:
    try:
        tensors = decode_state(blob)
    except InvalidBlob:
        return
    assert schema_of(decode_state(encode_state(tensors))) == schema_of(tensors)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(blob: bytes) -> None:
    decodes_or_is_refused(blob)


@settings(deadline=None)
@given(
    st.sampled_from(STATES).map(Path.read_bytes),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=5),
    st.integers(0, 20),
)
def test_damaged_states_decode_or_are_refused(
    blob: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(blob)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    decodes_or_is_refused(bytes(damaged[: len(damaged) - cut]))


@settings(deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.binary(max_size=40),
    st.lists(st.integers(-2, 6), max_size=3),
)
def test_any_contents_decode_or_are_refused(dtype: str, packed: bytes, dims: list[int]) -> None:
    tensor = integers(packed, 0, dtype)
    tensor.contents_data.shape.dims[:] = dims
    decodes_or_is_refused(state(tensor))
