"""The mean of diffs, one at a time, and the plans that compute nothing else."""

import secrets
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from ..wire.tensors import InvalidBlob
from .program import Key, Operand, Operation, Program, Reference

_MAX_TERMS = 200_000  # of sums, and _MAX_BITS of fractions: a plan beyond them is interpreted
_MAX_BITS = 4096


def streaming_mean(diffs: Iterable[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Average diffs in float64, holding one diff and the sums.

    Args:
        diffs: Lists of finite arrays, all with the same shapes and dtypes.

    Returns:
        The mean of each tensor in float64; infinite where float64 overflows.

    Raises:
        InvalidBlob: There are no diffs.
    """
    sums: list[np.ndarray] = []
    count = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for diff in diffs:
            if not sums:
                sums = [np.zeros(tensor.shape) for tensor in diff]
            for total, tensor in zip(sums, diff, strict=True):
                np.add(total, tensor, out=total)
            count += 1
        if not count:
            raise InvalidBlob("There are no diffs to average")
        return [np.asarray(total / count) for total in sums]


def is_mean(program: Program, parameters: int, *, iterative: bool) -> bool:
    """Tell whether a plan computes the mean of the diffs and nothing else.

    The plan is run once over linear combinations of its inputs with exact fractions as
    coefficients. An iterative plan gets a random 64-bit number of earlier diffs: its coefficients
    are rational functions of that number, so that others than the mean's practically never agree.

    Args:
        program: A parsed averaging plan.
        parameters: The number of tensors in a diff.
        iterative: Whether the plan updates an average by one diff, or averages all diffs at once.
    """
    diffs, extra = divmod(len(program.inputs) - iterative, parameters)
    if extra or diffs < 1 or (iterative and diffs != 2):  # noqa: PLR2004 - the average and a diff
        return False
    if iterative:
        seen = Fraction(secrets.randbits(64) + 1)
        weights = [seen / (seen + 1), 1 / (seen + 1)]
        numbers = {program.inputs[-1]: seen}
    else:
        weights = [Fraction(1, diffs)] * diffs
        numbers = {}
    wanted = [
        {position + diff * parameters: weight for diff, weight in enumerate(weights)}
        for position in range(parameters)
    ]
    try:
        return _evaluate(program, numbers) == wanted
    except _NotLinearError:
        return False


class _NotLinearError(Exception):
    pass


# A weighted sum of inputs: coefficients other than 0 by the input's position, or by _ONE for a
# constant. A stack is the tuple of its parts.
_Form: TypeAlias = dict[int, Fraction]
_Symbol: TypeAlias = _Form | tuple[_Form, ...]
_ONE = -1


def _evaluate(program: Program, numbers: dict[Key, Fraction]) -> list[_Symbol]:
    values: dict[Key, _Symbol] = {
        key: {position: Fraction(1)} for position, key in enumerate(program.inputs)
    }
    values |= {key: _constant(value) for key, value in program.constants.items()}
    values |= {key: _form({_ONE: value}) for key, value in numbers.items()}
    terms = 0
    for operation in program.operations:
        result = _apply(operation, [_resolve(operand, values) for operand in operation.operands])
        terms += len(result)
        if terms > _MAX_TERMS:
            raise _NotLinearError
        values[operation.result] = result
    return [values[key] for key in program.outputs]


def _resolve(operand: Operand, values: dict[Key, _Symbol]) -> _Symbol:
    if isinstance(operand, Reference):
        return values[operand.key]
    if isinstance(operand, tuple):
        return tuple(_single(_resolve(item, values)) for item in operand)
    return _constant(np.asarray(operand))


def _constant(value: np.ndarray) -> _Form:
    if value.size != 1 or not np.isfinite(value).all():
        raise _NotLinearError
    return _form({_ONE: Fraction(value.item())})


def _single(symbol: _Symbol) -> _Form:
    if isinstance(symbol, tuple):
        raise _NotLinearError
    return symbol


def _apply(  # noqa: PLR0911 - one for each operation
    operation: Operation, operands: Sequence[_Symbol]
) -> _Symbol:
    match operation.name, operands:
        case "add", (left, right):
            return _sum([_single(left), _single(right)])
        case "sub", (left, right):
            return _sum([_single(left), _scale(_single(right), Fraction(-1))])
        case "neg", (value,):
            return _scale(_single(value), Fraction(-1))
        case "mul", (left, right):
            return _multiply(_single(left), _single(right))
        case "div", (left, right):
            return _scale(_single(left), 1 / _factor(_single(right)))
        case "stack", (parts,) if operation.options in ({}, {"dim": 0}):
            return parts
        case "sum", (tuple(parts),) if operation.options == {"dim": 0}:
            return _sum(parts)
        case "mean", (tuple(parts),) if operation.options == {"dim": 0} and parts:
            return _scale(_sum(parts), Fraction(1, len(parts)))
    raise _NotLinearError


def _factor(form: _Form) -> Fraction:
    if form.keys() != {_ONE}:
        raise _NotLinearError
    return form[_ONE]


def _multiply(left: _Form, right: _Form) -> _Form:
    if left.keys() == {_ONE}:
        return _scale(right, left[_ONE])
    return _scale(left, _factor(right))


def _sum(parts: Sequence[_Form]) -> _Form:
    total: _Form = {}
    for part in parts:
        for position, coefficient in part.items():
            total[position] = total.get(position, Fraction(0)) + coefficient
    return _form(total)


def _scale(value: _Form, factor: Fraction) -> _Form:
    return _form({position: factor * coefficient for position, coefficient in value.items()})


def _form(terms: _Form) -> _Form:
    for coefficient in terms.values():
        if max(map(int.bit_length, coefficient.as_integer_ratio())) > _MAX_BITS:
            raise _NotLinearError
    return {position: coefficient for position, coefficient in terms.items() if coefficient}
