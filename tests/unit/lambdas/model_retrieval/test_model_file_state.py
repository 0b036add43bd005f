"""Which States are checkpoints, and what is read of them."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_retrieval.model_file import DamagedState, Tensor, parse_state

from tests.unit.lambdas.model_retrieval.states import (
    field,
    floats,
    parameter,
    state,
    state_of,
    tensor_data,
    torch_tensor,
    varint,
)

GOLDEN = Path(__file__).resolve().parents[4] / "pygrid/tests/golden"
ONE = np.array([[1.5, -2.0, 3.25], [0.0, 7.0, -0.5]], np.float32)
DATA = tensor_data(ONE)


def parse(content: bytes) -> list[Tensor]:
    return parse_state(memoryview(content))


def array(tensor: Tensor) -> np.ndarray:
    content = b"".join(tensor.chunks())
    assert len(content) == tensor.size_bytes
    return np.frombuffer(content, f"<{tensor.dtype.code}").reshape(tensor.shape)


def wrapped(data: bytes) -> bytes:
    """Return a State of one tensor with this TensorData."""
    return state_of([field(1, torch_tensor(data))])


@pytest.mark.parametrize(
    "original",
    [
        ONE,
        np.array(0.1, np.float64),
        np.array([1, 2, 65504, -0.0, np.inf, -np.inf], np.float16),
        (np.arange(70_000) % 1000).astype(np.float16),
        np.array([np.nan, np.inf], np.float32),
        np.array([0, 127, 128, 255], np.uint8),
        np.array([-128, -1, 0, 127], np.int8),
        np.array([-(2**15), 2**15 - 1], np.int16),
        np.array([[-(2**31)], [2**31 - 1]], np.int32),
        np.array([-(2**63), -1, 0, 300, 2**63 - 1], np.int64),
        np.array([True, False, True]),
        np.zeros((3, 0, 2), np.float32),
        np.zeros((0,), np.int64),
    ],
    ids=lambda original: f"{original.dtype}{list(original.shape)}",
)
def test_tensors_of_every_type(original: np.ndarray) -> None:
    (tensor,) = parse(state(original))
    read = array(tensor)
    assert (read.dtype, read.shape) == (original.dtype, original.shape)
    assert read.tobytes() == original.tobytes()


def test_tensors_stay_in_order() -> None:
    shapes = [(2, 3), (3,), (), (1, 1, 4)]
    tensors = parse(state(*(np.zeros(shape, np.float32) for shape in shapes)))
    assert [tensor.shape for tensor in tensors] == shapes


def test_floats_are_not_copied() -> None:
    content = state(ONE)
    (tensor,) = parse(content)
    (chunk,) = tensor.chunks()
    assert isinstance(chunk, memoryview)
    assert chunk.obj is content


def test_parameter_is_the_tensor_in_it() -> None:
    (tensor,) = parse(state_of([parameter(torch_tensor(DATA))]))
    assert np.array_equal(array(tensor), ONE)


def test_elements_in_several_parts() -> None:
    parts = [floats(1.5, -2), floats(3.25), floats(0, 7, -0.5)]
    (tensor,) = parse(wrapped(tensor_data(ONE, parts=parts)))
    assert np.array_equal(array(tensor), ONE)


def test_floats_beyond_a_half_become_infinite() -> None:
    halves = np.zeros(3, np.float16)
    (tensor,) = parse(wrapped(tensor_data(halves, parts=[floats(1e6, -1e6, 2)])))
    assert array(tensor).tolist() == [np.inf, -np.inf, 2]


@pytest.mark.parametrize(
    "path",
    sorted(GOLDEN.glob("cycles/*/checkpoint_*.bin")),
    ids=lambda path: f"{path.parent.name} {path.stem}",
)
def test_recorded_checkpoints(path: Path) -> None:
    tensors = parse(path.read_bytes())
    assert tensors
    assert all(np.isfinite(array(tensor)).all() for tensor in tensors)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no tensors"),
        (b"<html><body>502 Bad Gateway</body></html>", "field 7 has the unknown wire type 4"),
        (state_of([field(1, torch_tensor(DATA))], placeholders=2), "2 placeholders for 1 tensors"),
        (field(1, b"") * 100_001, "the State has more than 100000 fields"),
        (state(ONE)[:-1], "field 2 is cut off"),
        (state(ONE) + b"\x0a", "a number is cut off"),
        (state(ONE) + field(3, b""), "the State has no field 3"),
        (field(1, b"") + field(2, 5), "a number in place of a message"),
        (state(ONE) + b"\x13", "field 2 has the unknown wire type 3"),
        (state(ONE) + b"\xff" * 11, "a number is longer than 64 bits"),
        (state_of([b""]), "tensor 0: field 1 is there 0 times"),
        (state_of([field(1, torch_tensor(DATA)) * 2]), "tensor 0: field 1 is there 2 times"),
        (state_of([field(1, torch_tensor(DATA, serializer=1))]), "no plain, portable tensor"),
        (state_of([field(1, torch_tensor(DATA, serializer=0))]), "no plain, portable tensor"),
        (state_of([field(1, torch_tensor(DATA, more=field(4, b"x")))]), "no plain, portable"),
        (state_of([field(1, torch_tensor(DATA, more=field(9, b"x")))]), "has no field 9"),
        (wrapped(tensor_data(ONE, shape=(2, 4))), "the shape [2, 4] does not mean 6 elements"),
        (wrapped(tensor_data(ONE, shape=())), "the shape [] does not mean 6 elements"),
        (wrapped(tensor_data(ONE, shape=(1,) * 33)), "no shape of at most 32 dimensions"),
        (wrapped(tensor_data(ONE, shape=(-2, -3))), "no shape of at most 32 dimensions"),
        (wrapped(tensor_data(ONE, dtype="bfloat16")), "the type 'bfloat16' are not known"),
        (wrapped(tensor_data(ONE, dtype="float64")), "other elements than those of float64"),
        (wrapped(tensor_data(ONE, more=field(3, 1))), "the type 'float32' are not known"),
        (wrapped(tensor_data(ONE, more=field(23, b"x" * 8))), "other elements than those"),
        (wrapped(tensor_data(ONE, parts=[b"x" * 25])), "the last element is cut off"),
        (wrapped(tensor_data(np.array([5]), parts=[b"\x85"])), "the last element is cut off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_states(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedState) as raised:
        parse(content)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("original", "part"),
    [
        (np.array([0], np.uint8), varint(256)),
        (np.array([0], np.uint8), varint(-1)),
        (np.array([0], np.int8), varint(128)),
        (np.array([0], np.int16), varint(-(2**15) - 1)),
        (np.array([0], np.int32), varint(2**31)),
        (np.array([False]), varint(2)),
        (np.array([0], np.int64), b"\x80" * 10 + b"\x01"),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, np.ndarray) else "",
)
def test_elements_out_of_range(original: np.ndarray, part: bytes) -> None:
    (tensor,) = parse(wrapped(tensor_data(original, parts=[part])))
    with pytest.raises(DamagedState, match="an element is"):
        list(tensor.chunks())


def test_every_cut_of_a_state_is_damaged() -> None:
    content = state(ONE, np.array([1, 300], np.int64))
    for length in range(len(content)):
        with pytest.raises(DamagedState):
            parse(content[:length])


@given(st.data())
def test_whatever_arrives_is_read_or_damaged(data: st.DataObject) -> None:
    content = bytearray(state(ONE, np.array([-1, 300], np.int64), np.array([0.5], np.float16)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DamagedState):
        for tensor in parse(bytes(content)):
            assert sum(map(len, tensor.chunks())) == tensor.size_bytes
