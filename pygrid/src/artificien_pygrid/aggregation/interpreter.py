"""Runs an averaging plan in numpy, with the result dtypes of torch.

For +, -, * and / of float32 the results equal torch's bit for bit: both round every operation once.
Sums and means over a dimension may differ in the last bit, where torch adds in another order.

A plan comes from outside: how many elements it may make, at once and in all, is bounded by the size
of its inputs. The bounds depend on shapes alone, so a plan that ran once keeps them.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from ..wire.tensors import InvalidBlob
from .program import Operand, Operation, Program, Reference, Scalar

_FLOOR = 4096  # elements that every plan may make, however small its inputs
_LIVE_FACTOR = 8  # elements alive at once per element of input
_LIVE_LIMIT = 2**28  # elements alive at once, whatever the inputs: 1 GiB of float32
_TOTAL_FACTOR = 256  # elements made in all per element of input
_DEFAULT_FLOAT = np.dtype(np.float32)

Value: TypeAlias = np.ndarray | Scalar
Resolved: TypeAlias = Value | tuple[Value, ...]


def run(program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a program.

    Args:
        program: A parsed averaging plan.
        inputs: One array per input placeholder.

    Returns:
        One array per output placeholder; elements may be NaN or infinite.

    Raises:
        InvalidBlob: The number of inputs, a shape or a dtype does not fit, or a bound is exceeded.
    """
    if len(inputs) != len(program.inputs):
        raise InvalidBlob(
            f"The averaging plan takes {len(program.inputs)} tensors, but gets {len(inputs)}"
        )
    values = {**program.constants, **dict(zip(program.inputs, inputs, strict=True))}
    given = frozenset(values)
    budget = _Budget(sum(value.size for value in values.values()))
    with np.errstate(all="ignore"):
        for position, (operation, released) in enumerate(
            zip(program.operations, program.released, strict=True)
        ):
            try:
                result = _apply(operation, values, budget)
            except (InvalidBlob, ValueError, TypeError, OverflowError) as error:
                raise InvalidBlob(
                    f"The averaging plan fails at operation {position} ({operation.name!r}): "
                    f"{error}"
                ) from None
            values[operation.result] = result
            for key in released:
                freed = values.pop(key)
                if key not in given:
                    budget.free(freed.size)
    return [values[key] for key in program.outputs]


class _Budget:
    def __init__(self, elements: int) -> None:
        self._live = min(_LIVE_FACTOR * elements + _FLOOR, _LIVE_LIMIT)
        self._total = _TOTAL_FACTOR * elements + _FLOOR

    def take(self, elements: int) -> None:
        self._live -= elements
        self._total -= elements
        if self._live < 0 or self._total < 0:
            raise InvalidBlob("it makes too many elements for the size of its inputs")

    def free(self, elements: int) -> None:
        self._live += elements


def _apply(
    operation: Operation, values: dict[int | str, np.ndarray], budget: _Budget
) -> np.ndarray:
    operands = [_resolve(operand, values) for operand in operation.operands]
    options = operation.options
    match operation.name:
        case "stack" | "cat":
            return _join(operation.name, operands[0], options.get("dim", 0), budget)
        case "sum" | "mean":
            return _reduce(operation.name, operands[0], options, budget)
        case "neg" | "abs" | "sqrt":
            return _elementwise(_UNARY[operation.name], operands[0], budget)
        case "clamp":
            return _clamp(operands[0], options, budget)
        case name:
            return _binary(name, operands[0], operands[1], budget)


def _resolve(operand: Operand, values: dict[int | str, np.ndarray]) -> Resolved:
    if isinstance(operand, Reference):
        return values[operand.key]
    if isinstance(operand, tuple):
        return tuple(_scalar_or_array(_resolve(item, values)) for item in operand)
    return operand


def _scalar_or_array(value: Resolved) -> Value:
    if isinstance(value, tuple):
        raise InvalidBlob("lists of lists are not supported")
    return value


_BINARY: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
}
_UNARY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "neg": np.negative,
    "abs": np.absolute,
    "sqrt": np.sqrt,
}


def _binary(name: str, left: Resolved, right: Resolved, budget: _Budget) -> np.ndarray:
    if isinstance(left, tuple) or isinstance(right, tuple):
        raise InvalidBlob("its operands must be tensors or numbers")
    if not isinstance(left, np.ndarray) and not isinstance(right, np.ndarray):
        raise InvalidBlob("one of its operands must be a tensor")
    dtype = _promote(left, right)
    if name == "div" and dtype.kind != "f":
        dtype = _DEFAULT_FLOAT
    budget.take(math.prod(np.broadcast_shapes(np.shape(left), np.shape(right))))
    # An operation of torch converts its operands to the dtype of the result beforehand.
    return np.asarray(_BINARY[name](_convert(left, dtype), _convert(right, dtype)))


def _convert(value: Value, dtype: np.dtype) -> np.ndarray:
    return np.asarray(value).astype(dtype, copy=False)


def _promote(*operands: Value) -> np.dtype:
    """Return the dtype that torch gives the result.

    Tensors with dimensions decide before tensors without, and those before numbers; the latter
    only count if they are of a higher kind (bool < integer < float).
    """
    ranks: list[list[np.dtype]] = [[], [], []]
    for operand in operands:
        if isinstance(operand, np.ndarray):
            ranks[0 if operand.ndim else 1].append(operand.dtype)
        elif isinstance(operand, bool):
            ranks[2].append(np.dtype(np.bool_))
        else:
            ranks[2].append(np.dtype(np.int64) if isinstance(operand, int) else _DEFAULT_FLOAT)
    dtypes = [_promote_equals(rank) for rank in ranks if rank]
    result = dtypes[0]
    for dtype in dtypes[1:]:
        if _kind(dtype) > _kind(result):
            result = dtype
    return result


def _promote_equals(dtypes: Sequence[np.dtype]) -> np.dtype:
    highest = max(map(_kind, dtypes))
    # Unlike in numpy, an integer tensor never widens the float tensor that it meets.
    return np.result_type(*(dtype for dtype in dtypes if _kind(dtype) == highest))


def _kind(dtype: np.dtype) -> int:
    return {"b": 0, "i": 1, "u": 1, "f": 2}[dtype.kind]


def _tensor(value: Resolved) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise InvalidBlob("its operand must be a tensor")
    return value


def _elementwise(
    function: Callable[[np.ndarray], np.ndarray], value: Resolved, budget: _Budget
) -> np.ndarray:
    tensor = _tensor(value)
    if function is np.sqrt and tensor.dtype.kind != "f":
        tensor = tensor.astype(_DEFAULT_FLOAT)
    budget.take(tensor.size)
    return np.asarray(function(tensor))


def _clamp(value: Resolved, options: dict[str, Scalar], budget: _Budget) -> np.ndarray:
    tensor = _tensor(value)
    if not options:
        raise InvalidBlob("it needs 'min' or 'max'")
    dtype = _promote(tensor, *options.values())
    low, high = options.get("min"), options.get("max")
    budget.take(tensor.size)
    return np.asarray(np.clip(tensor.astype(dtype, copy=False), low, high)).astype(dtype)


def _join(name: str, value: Resolved, dim: Scalar, budget: _Budget) -> np.ndarray:
    if not isinstance(value, tuple) or not value:
        raise InvalidBlob("its operand must be a list of tensors")
    tensors = [_tensor(item) for item in value]
    budget.take(sum(tensor.size for tensor in tensors))
    join = np.stack if name == "stack" else np.concatenate
    dtype = _promote(*tensors)
    return join([tensor.astype(dtype, copy=False) for tensor in tensors], axis=_axis(dim))


def _reduce(name: str, value: Resolved, options: dict[str, Scalar], budget: _Budget) -> np.ndarray:
    tensor = _tensor(value)
    dtype = tensor.dtype
    if dtype.kind != "f":
        if name == "mean":
            raise InvalidBlob("the mean of integers is undefined; convert them to float")
        dtype = np.dtype(np.int64)
    budget.take(tensor.size)
    axis = _axis(options["dim"]) if "dim" in options else None
    accumulator = _DEFAULT_FLOAT if dtype == np.float16 else dtype
    total = tensor.sum(axis=axis, dtype=accumulator, keepdims=True)
    if not options.get("keepdim", False):
        total = total.squeeze(axis)
    budget.free(tensor.size - total.size)
    if name == "mean":
        total = np.asarray(total / total.dtype.type(tensor.size // max(total.size, 1)))
    return total.astype(dtype, copy=False)


def _axis(dim: Scalar) -> int:
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise InvalidBlob("'dim' must be an integer")
    return dim
