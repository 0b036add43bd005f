"""The pickle that owners load: what is in it, and what loading it can call."""

import pickle
import pickletools

import numpy as np
from model_retrieval.model_file import model_pickle, parse_state

from tests.unit.lambdas.model_retrieval.states import state

ARRAYS = [
    np.arange(12, dtype=np.float32).reshape(3, 4),
    np.array([0.1, 0.2]),
    np.array(3, np.int64),
    np.array([[True, False]]),
    np.array([1.5], np.float16),
    np.array([200], np.uint8),
    np.zeros((2, 0), np.int32),
    np.arange(4, dtype=np.float32),
]
CALLABLES = {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}


def dump(*arrays: np.ndarray, model_id: str = "heart-1.0-ada") -> bytes:
    content = memoryview(state(*arrays))
    return b"".join(model_pickle(model_id, "1.0", 7, parse_state(content), content))


def test_loaded_model() -> None:
    loaded = pickle.loads(dump(*ARRAYS))  # noqa: S301 - written just above
    assert list(loaded) == ["model_id", "version", "checkpoint", "parameters", "state"]
    assert (loaded["model_id"], loaded["version"], loaded["checkpoint"]) == (
        "heart-1.0-ada",
        "1.0",
        7,
    )
    assert loaded["state"] == state(*ARRAYS)
    for array, given in zip(loaded["parameters"], ARRAYS, strict=True):
        assert (array.dtype, array.dtype.byteorder) == (given.dtype, given.dtype.byteorder)
        assert array.shape == given.shape
        assert np.array_equal(array, given)


def test_loaded_arrays_can_be_trained_on() -> None:
    (array,) = pickle.loads(dump(ARRAYS[0]))["parameters"]  # noqa: S301 - written just above
    array += 1
    assert array.flags.owndata
    assert array.flags.c_contiguous


def test_names_of_every_language() -> None:
    name = "Herz-ä-心-ada"
    assert pickle.loads(dump(ARRAYS[0], model_id=name))["model_id"] == name  # noqa: S301


def test_only_numpy_is_called() -> None:
    opcodes = list(pickletools.genops(dump(*ARRAYS)))
    named = {argument for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"}
    assert named == CALLABLES
    calling = {"REDUCE", "BUILD", "GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
    used = {opcode.name for opcode, _, _ in opcodes}
    assert used & (calling | {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"}) == {
        "REDUCE",
        "BUILD",
        "GLOBAL",
    }
    # A call per array, one per type of elements, and nothing besides.
    calls = sum(opcode.name == "REDUCE" for opcode, _, _ in opcodes)
    assert calls == len(ARRAYS) + len({array.dtype for array in ARRAYS})


def test_every_python_3_can_load_it() -> None:
    assert max(opcode.proto for opcode, _, _ in pickletools.genops(dump(*ARRAYS))) == 3


def test_same_checkpoint_gives_same_bytes() -> None:
    assert dump(*ARRAYS) == dump(*ARRAYS)
    assert dump(ARRAYS[0]) != dump(ARRAYS[0] + 1)
