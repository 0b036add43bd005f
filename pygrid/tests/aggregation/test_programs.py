"""The interpreter's arithmetic and bounds, and which plans count as the mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artificien_pygrid.aggregation.interpreter import run
from artificien_pygrid.aggregation.mean import is_mean
from artificien_pygrid.aggregation.program import parse_program
from artificien_pygrid.wire.tensors import InvalidBlob

GOLDEN = Path(__file__).parents[1] / "golden"
FLOATS = np.array([1.5, -2], np.float32)
INTEGERS = np.array([3, 4])
SCALAR = np.array(2.0)

type Trace = Callable[..., bytes]


# The dtypes are those of torch 1.4 and later.
@pytest.mark.parametrize(
    ("command", "arguments", "options", "dtype", "wanted"),
    [
        ("add", ["f", "i"], {}, "float32", [4.5, 2]),
        ("__add__", ["f", 1], {}, "float32", [2.5, -1]),
        ("__radd__", ["f", 1], {}, "float32", [2.5, -1]),
        ("__sub__", ["f", 1], {}, "float32", [0.5, -3]),
        ("__rsub__", ["f", 1], {}, "float32", [-0.5, 3]),
        ("torch.sub", ["f", "i"], {}, "float32", [-1.5, -6]),
        ("__mul__", ["i", 2], {}, "int64", [6, 8]),
        ("mul", ["i", 0.5], {}, "float32", [1.5, 2]),
        ("multiply", ["f", "s"], {}, "float32", [3, -4]),
        ("mul", ["i", "s"], {}, "float64", [6, 8]),
        ("__truediv__", ["i", 2], {}, "float32", [1.5, 2]),
        ("__rtruediv__", ["i", 12], {}, "float32", [4, 3]),
        ("div", ["f", "s"], {}, "float32", [0.75, -1]),
        ("torch.true_divide", ["i", "i"], {}, "float32", [1, 1]),
        ("__neg__", ["f"], {}, "float32", [-1.5, 2]),
        ("abs", ["f"], {}, "float32", [1.5, 2]),
        ("torch.sqrt", ["i"], {}, "float32", [np.sqrt(np.float32(3)), 2]),
        ("clamp", ["f", -1, 1], {}, "float32", [1, -1]),
        ("clamp", ["f"], {"max": 0}, "float32", [0, -2]),
        ("clamp", ["i", 3.5], {}, "float32", [3.5, 4]),
        ("torch.stack", [["f", "f"]], {}, "float32", [[1.5, -2], [1.5, -2]]),
        ("torch.stack", [["f", "f"]], {"dim": 1}, "float32", [[1.5, 1.5], [-2, -2]]),
        ("torch.cat", [["f", "i"], 0], {}, "float32", [1.5, -2, 3, 4]),
        ("torch.sum", ["f"], {}, "float32", -0.5),
        ("sum", ["i"], {"dim": 0, "keepdim": True}, "int64", [7]),
        ("torch.mean", ["f", 0], {}, "float32", -0.25),
        ("torch.mean", ["f"], {}, "float32", -0.25),
        ("add", ["f", np.array([1, 1], np.float32)], {}, "float32", [2.5, -1]),
        ("add", ["f", "c"], {}, "float32", [11.5, 8]),
    ],
)
def test_operations_have_the_values_and_dtypes_of_torch(  # noqa: PLR0917
    trace: Trace,
    command: str,
    arguments: list[Any],
    options: dict[str, Any],
    dtype: str,
    wanted: Any,
) -> None:
    plan = trace(
        ["f", "i", "s"],
        [(command, "r", arguments, options)],
        ["r"],
        {"c": np.array([10], np.float32)},
    )
    [result] = run(parse_program(plan), [FLOATS, INTEGERS, SCALAR])

    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.array(wanted, dtype))


def test_every_operation_rounds_to_float32(trace: Trace) -> None:
    plan = trace(["a"], [("add", "b", ["a", 1], {}), ("sub", "c", ["b", 1], {})], ["c"])
    [result] = run(parse_program(plan), [np.array([1e-9], np.float32)])
    assert result.tolist() == [0]


def test_a_reduced_value_remains_a_tensor(trace: Trace) -> None:
    plan = trace(["a"], [("mean", "m", ["a"], {}), ("add", "r", ["m", 1], {})], ["r"])
    [result] = run(parse_program(plan), [FLOATS])
    assert result.dtype == np.float32
    assert result.tolist() == 0.75


def test_the_mean_of_halves_does_not_overflow_on_the_way(trace: Trace) -> None:
    plan = trace(["a"], [("mean", "m", ["a"], {})], ["m"])
    [result] = run(parse_program(plan), [np.full(4, 60000, np.float16)])
    assert result.dtype == np.float16
    assert result == 60000


def test_a_plan_cannot_exhaust_the_memory(trace: Trace) -> None:
    size = 3000
    outer = trace(["a", "b"], [("mul", "x", ["a", "b"], {})], ["x"])
    with pytest.raises(InvalidBlob, match=r"operation 0 \('mul'\): it makes too many elements"):
        run(parse_program(outer), [np.ones((size, 1)), np.ones((1, size))])

    doubling: list[Any] = [
        ("torch.cat", f"x{step + 1}", [[f"x{step}", f"x{step}"]], {}) for step in range(40)
    ]
    with pytest.raises(InvalidBlob, match="too many elements"):
        run(parse_program(trace(["x0"], doubling, ["x40"])), [np.ones(size)])


def test_a_plan_cannot_keep_many_values(trace: Trace) -> None:
    def copies(count: int) -> bytes:
        names = [f"x{number}" for number in range(count)]
        return trace(["a"], [("neg", name, ["a"], {}) for name in names], names)

    tensor = np.ones(10_000)
    assert len(run(parse_program(copies(8)), [tensor])) == 8
    with pytest.raises(InvalidBlob, match=r"operation 8 \('neg'\): it makes too many elements"):
        run(parse_program(copies(9)), [tensor])


def test_a_plan_cannot_run_for_long(trace: Trace) -> None:
    def chain(length: int) -> bytes:
        steps: list[Any] = [("neg", f"x{step + 1}", [f"x{step}"], {}) for step in range(length)]
        return trace(["x0"], steps, [f"x{length}"])

    tensor = np.ones(10_000)
    # Values that nothing needs any more do not count as alive.
    run(parse_program(chain(200)), [tensor])
    with pytest.raises(InvalidBlob, match="too many elements"):
        run(parse_program(chain(300)), [tensor])
    with pytest.raises(InvalidBlob, match="100001 operations"):
        parse_program(chain(100_001))


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*avg_plan.bin")), ids=str)
def test_the_recorded_plans_are_the_mean(path: Path) -> None:
    program = parse_program(path.read_bytes())
    iterative = "noniter" not in str(path)

    assert is_mean(program, len(program.outputs), iterative=iterative)
    assert not is_mean(program, len(program.outputs), iterative=not iterative)


ITERATIVE = ["a", "d", "n"]
GROWING: list[Any] = [
    ("mul", "s", ["a", "n"], {}),
    ("add", "t", ["s", "d"], {}),
    ("add", "m", ["n", 1], {}),
]
DIVIDED: Any = ("div", "r", ["t", "m"], {})


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([*GROWING, DIVIDED], True),
        # a + (d - a) / (n + 1)
        (
            [
                ("sub", "x", ["d", "a"], {}),
                ("__radd__", "m", ["n", 1], {}),
                ("div", "y", ["x", "m"], {}),
                ("add", "r", ["a", "y"], {}),
            ],
            True,
        ),
        # (a * n + d) / n
        ([*GROWING, ("div", "r", ["t", "n"], {})], False),
        # (a * n + d) / (n + 1) but never below -1
        ([*GROWING, ("div", "x", ["t", "m"], {}), ("clamp", "r", ["x", -1], {})], False),
        # (a + d) / 2, right for the second diff only
        ([("add", "s", ["a", "d"], {}), ("div", "r", ["s", 2], {})], False),
        # (a * n + d) / (n + 1) + 1
        ([*GROWING, ("div", "x", ["t", "m"], {}), ("add", "r", ["x", 1], {})], False),
        # a * d
        ([("mul", "r", ["a", "d"], {})], False),
        ([("sub", "z", ["n", "n"], {}), ("div", "r", ["a", "z"], {})], False),
        (
            [("mul", "n1", ["n", "n"], {})]
            + [("mul", f"n{step + 1}", [f"n{step}", f"n{step}"], {}) for step in range(1, 60)]
            + [("mul", "r", ["a", "n60"], {})],
            False,
        ),
    ],
)
def test_which_iterative_plans_are_the_mean(
    trace: Trace, actions: list[Any], expected: bool
) -> None:
    assert is_mean(parse_program(trace(ITERATIVE, actions, ["r"])), 1, iterative=True) is expected


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([("torch.stack", "s", [["a", "b", "c"]], {}), ("torch.mean", "r", ["s", 0], {})], True),
        (
            [
                ("torch.stack", "s", [["a", "b", "c"]], {"dim": 0}),
                ("sum", "t", ["s"], {"dim": 0}),
                ("__rmul__", "u", ["t", 2], {}),
                ("div", "r", ["u", 6], {}),
            ],
            True,
        ),
        (
            [
                ("__radd__", "s", ["a", 0], {}),
                ("add", "t", ["s", "b"], {}),
                ("add", "u", ["t", "c"], {}),
                ("div", "r", ["u", 3], {}),
            ],
            True,
        ),
        ([("torch.stack", "s", [["a", "b", "b"]], {}), ("torch.mean", "r", ["s", 0], {})], False),
        ([("torch.stack", "s", [["a", "b", "c"]], {}), ("torch.sum", "r", ["s", 0], {})], False),
        ([("torch.stack", "s", [["a", "b", "c"], 1], {}), ("mean", "r", ["s", 1], {})], False),
        ([("torch.cat", "s", [["a", "b", "c"]], {}), ("mean", "r", ["s", 0], {})], False),
        ([("torch.stack", "r", [["a", "b", "c"]], {})], False),
    ],
)
def test_which_plans_of_three_diffs_are_the_mean(
    trace: Trace, actions: list[Any], expected: bool
) -> None:
    program = parse_program(trace(["a", "b", "c"], actions, ["r"]))
    assert is_mean(program, 1, iterative=False) is expected


def test_swapped_parameters_are_not_the_mean(trace: Trace) -> None:
    names = ["a", "b", "c", "d"]  # two diffs with two parameters
    actions: list[Any] = [
        ("add", "s", ["a", "c"], {}),
        ("div", "x", ["s", 2], {}),
        ("add", "t", ["b", "d"], {}),
        ("div", "y", ["t", 2], {}),
    ]
    assert is_mean(parse_program(trace(names, actions, ["x", "y"])), 2, iterative=False)
    assert not is_mean(parse_program(trace(names, actions, ["y", "x"])), 2, iterative=False)
