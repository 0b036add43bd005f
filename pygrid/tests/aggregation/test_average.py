"""From diffs to the next checkpoint: recorded cycles, the mean, and averaging plans."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from artificien_pygrid.aggregation.average import average, check_averaging_plan, next_checkpoint
from artificien_pygrid.wire.messages_pb2 import Plan
from artificien_pygrid.wire.tensors import (
    InvalidBlob,
    Schema,
    TensorSpec,
    decode_state,
    encode_state,
    schema_of,
)

GOLDEN = Path(__file__).parents[1] / "golden"
CYCLES = [("gcl", True), ("gcm", True), ("noniter", False)]
PAIR: Schema = (TensorSpec("float32", (2,)),)

type Trace = Callable[..., bytes]


class Cycle:
    """A recorded cycle."""

    def __init__(self, name: str) -> None:
        folder = GOLDEN / "cycles" / name
        self.model = (folder / "checkpoint_1.bin").read_bytes()
        self.plan = (folder / "avg_plan.bin").read_bytes()
        self.diffs = [path.read_bytes() for path in sorted(folder.glob("diff_*.bin"))]
        self.result = decode_state((folder / "checkpoint_2.bin").read_bytes())
        self.schema = schema_of(decode_state(self.model))


def bits(tensors: list[np.ndarray]) -> list[bytes]:
    return [tensor.tobytes() for tensor in tensors]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(("name", "iterative"), CYCLES)
def test_recorded_cycles_are_reproduced_bit_for_bit(
    name: str, iterative: bool, exact: bool
) -> None:
    cycle = Cycle(name)
    mean = average(cycle.diffs, cycle.schema, cycle.plan, iterative=iterative, exact=exact)
    assert bits(decode_state(next_checkpoint(cycle.model, mean))) == bits(cycle.result)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(("name", "iterative"), CYCLES)
def test_leaving_a_diff_out_is_noticed(name: str, iterative: bool, exact: bool) -> None:
    cycle = Cycle(name)
    for missing in range(len(cycle.diffs)):
        diffs = cycle.diffs[:missing] + cycle.diffs[missing + 1 :]
        mean = average(diffs, cycle.schema, cycle.plan, iterative=iterative, exact=exact)
        assert bits(decode_state(next_checkpoint(cycle.model, mean))) != bits(cycle.result)


def test_the_built_in_mean_gives_the_recorded_checkpoints() -> None:
    cycle = Cycle("gcm")
    for plan in (None, b""):
        mean = average(cycle.diffs, cycle.schema, plan, iterative=True)
        for found, wanted in zip(
            decode_state(next_checkpoint(cycle.model, mean)), cycle.result, strict=True
        ):
            np.testing.assert_array_almost_equal_nulp(found, wanted, 1)


FINITE = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None)
@given(npst.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 5)), elements=FINITE))
def test_the_mean_is_rounded_once(diffs: np.ndarray) -> None:
    blobs = [encode_state([diff]) for diff in diffs]
    [mean] = average(blobs, schema_of([diffs[0]]), None, iterative=True)

    np.testing.assert_array_equal(mean, diffs.mean(0, dtype=np.float64).astype(np.float32))


@settings(deadline=None)
@given(npst.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(8)), elements=FINITE))
def test_the_interpreted_mean_is_close(diffs: np.ndarray) -> None:
    shapes = [(2, 2), (2,), (), (1,)]
    schema = tuple(TensorSpec("float32", shape) for shape in shapes)
    blobs = [
        encode_state([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
        for parts in (np.split(diff, [4, 6, 7]) for diff in diffs)
    ]
    plan = (GOLDEN / "cycles/gcm/avg_plan.bin").read_bytes()
    check_averaging_plan(plan, schema, True, None)
    exact = average(blobs, schema, plan, iterative=True, exact=True)
    quick = average(blobs, schema, plan, iterative=True)

    assert schema_of(exact) == schema_of(quick) == schema
    # Three roundings a diff, each of half a unit in the last place.
    tolerance = 3 * len(diffs) * np.spacing(len(diffs) * np.abs(diffs).max())
    for one, other in zip(exact, quick, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_bit_for_bit_needs_the_interpreter() -> None:
    generator = np.random.default_rng(1)
    values = generator.standard_normal((50, 100)).astype(np.float32)
    diffs = [encode_state([value]) for value in values]
    schema = schema_of([values[0]])
    plan = plan_of_one_parameter()
    [exact] = average(diffs, schema, plan, iterative=True, exact=True)
    [quick] = average(diffs, schema, plan, iterative=True)
    by_hand = values[0]
    for seen, value in enumerate(values[1:], 1):
        by_hand = (by_hand * np.float32(seen) + value) / np.float32(seen + 1)

    np.testing.assert_array_equal(exact, by_hand)
    assert (exact != quick).any()
    np.testing.assert_allclose(exact, quick, atol=1e-6)


def plan_of_one_parameter() -> bytes:
    plan = Plan.FromString((GOLDEN / "cycles/gcl/avg_plan.bin").read_bytes())
    for index in (3, 1):
        del plan.role.input_placeholder_ids[index]
    del plan.role.output_placeholder_ids[1]
    del plan.role.actions[4:]
    return bytes(plan.SerializeToString())


@pytest.mark.parametrize(
    ("dtype", "diffs", "mean"),
    [
        ("int64", [[1, -3], [2, -4]], [2, -4]),  # 1.5 and -3.5 to even
        ("int8", [[127, -128], [127, -128]], [127, -128]),
        ("float16", [[60000, 1], [60000, 2]], [60000, 1.5]),
        ("float64", [[1e300, 1], [1e300, 2]], [1e300, 1.5]),
    ],
)
def test_dtypes_keep(dtype: str, diffs: list[Any], mean: list[float]) -> None:
    blobs = [encode_state([np.array(diff, dtype)]) for diff in diffs]
    [found] = average(blobs, (TensorSpec(dtype, (2,)),), None, iterative=True)
    assert found.dtype == dtype
    assert found.tolist() == mean


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float64"])
def test_one_diff_leads_to_the_trained_model(dtype: str) -> None:
    old = np.array([1, 0, 1, 0], dtype)
    new = np.array([0, 1, 1, 0], dtype)
    difference = old ^ new if dtype == "bool" else old - new
    mean = average([encode_state([difference])], schema_of([old]), None, iterative=True)

    [found] = decode_state(next_checkpoint(encode_state([old]), mean))
    np.testing.assert_array_equal(found, new)
    assert found.dtype == dtype


def test_memory_is_constant_in_the_number_of_diffs() -> None:
    diff = encode_state([np.ones(100_000, np.float32)])
    schema = (TensorSpec("float32", (100_000,)),)
    plan = plan_of_one_parameter()

    def peak(count: int, **options: Any) -> int:
        def arriving() -> Iterator[bytes]:
            for _ in range(count):
                yield bytes(bytearray(diff))

        tracemalloc.start()
        average(arriving(), schema, plan, iterative=True, **options)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    for options in ({"exact": False}, {"exact": True}):
        assert peak(60, **options) < peak(6, **options) + len(diff)


def test_there_must_be_diffs() -> None:
    plan = plan_of_one_parameter()
    for arguments in ((None, False), (plan, False), (plan, True)):
        with pytest.raises(InvalidBlob, match="no diffs"):
            average([], PAIR, arguments[0], iterative=True, exact=arguments[1])


def test_a_diff_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidBlob, match="the model's parameter is"):
        average([encode_state([np.ones(3, np.float32)])], PAIR, None, iterative=True)


def test_an_average_beyond_the_range_is_refused() -> None:
    huge = encode_state([np.full(2, 3e38, np.float32)])
    plan = plan_of_one_parameter()

    with pytest.raises(InvalidBlob, match="average of parameter 0 is not finite"):
        average([huge] * 3, PAIR, plan, iterative=True, exact=True)
    [mean] = average([huge] * 3, PAIR, plan, iterative=True)
    np.testing.assert_array_equal(mean, np.full(2, 3e38, np.float32))
    with pytest.raises(InvalidBlob, match="Parameter 0 would leave the range of float32"):
        next_checkpoint(huge, [-mean])


def test_an_average_of_another_model_is_refused() -> None:
    with pytest.raises(InvalidBlob, match="dtypes and shapes"):
        next_checkpoint(encode_state([np.ones(2, np.float32)]), [np.ones(3, np.float32)])


def test_a_mean_traced_for_another_number_of_diffs_is_still_the_mean(trace: Trace) -> None:
    mean_of_two = trace(
        ["a", "b"], [("add", "s", ["a", "b"], {}), ("div", "m", ["s", 2], {})], ["m"]
    )
    median_like = trace(["a", "b"], [("sub", "s", ["a", "b"], {})], ["s"])
    diffs = [encode_state([np.full(2, value, np.float32)]) for value in (1, 2, 6)]

    for exact in (False, True):
        [mean] = average(diffs, PAIR, mean_of_two, iterative=False, exact=exact)
        assert mean.tolist() == [3, 3]
    with pytest.raises(InvalidBlob, match="takes 2 tensors, but gets 3"):
        average(diffs, PAIR, median_like, iterative=False)


def test_a_plan_that_is_not_the_mean_is_interpreted(trace: Trace) -> None:
    momentum = trace(
        ["a", "d", "n"],
        [
            ("mul", "h", ["a", 0.5], {}),
            ("__rmul__", "g", ["d", 0.25], {}),
            ("add", "r", ["h", "g"], {}),
        ],
        ["r"],
    )
    check_averaging_plan(momentum, PAIR, True, None)
    diffs = [encode_state([np.full(2, value, np.float32)]) for value in (1, 2, 6)]

    [found] = average(diffs, PAIR, momentum, iterative=True)
    assert found.tolist() == [2, 2]  # ((1/2 + 2/4) / 2) + 6/4


@pytest.mark.parametrize(("name", "iterative"), CYCLES)
def test_recorded_averaging_plans_are_accepted(name: str, iterative: bool) -> None:
    cycle = Cycle(name)
    check_averaging_plan(cycle.plan, cycle.schema, iterative, len(cycle.diffs))
    with pytest.raises(InvalidBlob, match="The averaging plan takes"):
        check_averaging_plan(cycle.plan, cycle.schema[:-1], iterative, len(cycle.diffs))


PLAIN = ["a", "d", "n"]


@pytest.mark.parametrize(
    ("inputs", "actions", "outputs", "rules", "message"),
    [
        (PLAIN, [], [], (True, 2), "no outputs; trace a function that returns the list"),
        (["a", "d"], [], ["a"], (True, 2), "takes 2 tensors, but the average, a diff and a number"),
        (["a", "d"], [], ["a"], (False, 3), "takes 2 tensors, but 3 diffs .* are 3"),
        (["a", "d"], [], ["a"], (False, None), "set server_config.max_diffs"),
        (PLAIN, [], ["a", "d"], (True, 2), "has 2 outputs, the model 1 parameters"),
        (PLAIN, [], ["n"], (True, 2), r"Output 0 .* shape \[1\], the model's parameter \[2\]"),
        (
            PLAIN,
            [("torch.load", "x", ["a"], {})],
            ["x"],
            (True, 2),
            r"operation 0 \('torch.load'\): it is not among the allowed operations \(add, ",
        ),
        (PLAIN, [("__iadd__", "x", ["a", "d"], {})], ["x"], (True, 2), "in place"),
        (PLAIN, [("add", "x", ["a", "y"], {})], ["x"], (True, 2), "that no earlier one makes"),
        (PLAIN, [("add", "a", ["a", "d"], {})], ["a"], (True, 2), "redefines a value"),
        (["a", "a", "n"], [], ["a"], (True, 2), "have the same id"),
        (PLAIN, [], ["x"], (True, 2), "an output is a value that no operation makes"),
        (PLAIN, [("add", "x", ["a"], {})], ["x"], (True, 2), "it has 1 arguments"),
        (PLAIN, [("add", "x", ["a", "d"], {"alpha": 2})], ["x"], (True, 2), "'alpha' is unknown"),
        (PLAIN, [("add", "x", ["a", {}], {})], ["x"], (True, 2), "of kind arg_string"),
        (PLAIN, [("sum", "x", ["a", "d"], {})], ["x"], (True, 2), "'dim' must be a number"),
        (PLAIN, [("sum", "x", ["a", 4], {})], ["x"], (True, 2), r"operation 0 \('sum'\): axis 4"),
        (PLAIN, [("mean", "x", ["n"], {})], ["x"], (True, 2), "mean of integers"),
        (PLAIN, [("torch.add", "x", [1, 2], {})], ["x"], (True, 2), "must be a tensor"),
        (PLAIN, [("clamp", "x", ["a"], {})], ["x"], (True, 2), "needs 'min' or 'max'"),
        (
            PLAIN,
            [("torch.stack", "x", [["a"] * 5000], {})],
            ["x"],
            (True, 2),
            "too many elements for the size of its inputs",
        ),
    ],
)
def test_an_unusable_averaging_plan_is_refused(  # noqa: PLR0917
    trace: Trace,
    inputs: list[str],
    actions: list[Any],
    outputs: list[str],
    rules: tuple[bool, int | None],
    message: str,
) -> None:
    with pytest.raises(InvalidBlob, match=message):
        check_averaging_plan(trace(inputs, actions, outputs), PAIR, *rules)


def test_garbage_is_refused_but_an_empty_averaging_plan_means_the_mean() -> None:
    with pytest.raises(InvalidBlob, match="averaging plan cannot be used: its 3 bytes"):
        check_averaging_plan(b"\x00\xff\x00", PAIR, True, None)
    check_averaging_plan(b"", PAIR, True, None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_averaging_plan_averages_or_is_refused(changes: list[tuple[int, int]]) -> None:
    cycle = Cycle("gcl")
    damaged = bytearray(cycle.plan)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    try:
        check_averaging_plan(bytes(damaged), cycle.schema, True, 3)
        mean = average(cycle.diffs, cycle.schema, bytes(damaged), iterative=True, exact=True)
    except InvalidBlob:
        return
    assert schema_of(mean) == cycle.schema
