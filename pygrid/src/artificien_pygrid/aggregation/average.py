"""The average of a cycle's diffs, and the checkpoint that follows from it."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..wire.tensors import (
    InvalidBlob,
    Schema,
    decode_diff,
    decode_state,
    encode_state,
    schema_of,
)
from .interpreter import run
from .mean import is_mean, streaming_mean
from .program import Program, parse_program


def average(
    diffs: Iterable[bytes],
    schema: Schema,
    plan: bytes | None,
    *,
    iterative: bool,
    exact: bool = False,
) -> list[np.ndarray]:
    """Average diffs by the averaging plan, or by their mean if there is none.

    Without a plan the mean is summed in float64 and rounded once to the model's dtype. A plan that
    is recognised as the mean gives the same, unless `exact`. Otherwise the plan is interpreted
    with torch's rounding after every operation, which can differ from the mean in the last bit
    (iteratively, n diffs are rounded about 3 n times). The interpreter reproduces a torch server
    bit for bit; it takes some ten times as long, and overflows where a partial sum leaves the
    dtype's range.

    Means of integers are rounded to the nearest, halves to even. Diffs of unsigned integers and
    booleans wrap around: only their mean over a single diff has a meaning.

    Memory is constant in the number of diffs, except that an interpreted plan that is not
    iterative needs all of them at once.

    Args:
        diffs: Serialized States in the order of their arrival; read once.
        schema: The dtype and shape of each parameter.
        plan: A serialized Plan; None or empty means the built-in mean.
        iterative: Whether the plan takes (average, diff, number of diffs in the average) and is
            called per diff, or takes all diffs at once.
        exact: Interpret the plan even if it is the mean.

    Returns:
        One array per parameter with the schema's dtype and shape; all finite.

    Raises:
        InvalidBlob: There are no diffs, one does not fit the schema, the plan cannot be used for
            this number of diffs, or the average is not finite.
    """
    decoded = (decode_diff(diff, schema) for diff in diffs)
    if not plan:
        return _conform(streaming_mean(decoded), schema)
    program = parse_program(plan)
    recognised = is_mean(program, len(schema), iterative=iterative)
    if recognised and not exact:
        return _conform(streaming_mean(decoded), schema)
    if iterative:
        return _conform(_iterate(program, decoded), schema)
    collected = list(decoded)
    if recognised and len(collected) * len(schema) != len(program.inputs):
        # The plan was traced for another number of diffs, but what it means is known.
        return _conform(streaming_mean(collected), schema)
    return _conform(run(program, [tensor for diff in collected for tensor in diff]), schema)


def next_checkpoint(model: bytes, average: Sequence[np.ndarray]) -> bytes:
    """Subtract an average diff from a model.

    Float parameters are subtracted in their own dtype; integers wrap around as in torch, booleans
    flip.

    Args:
        model: The current checkpoint, a serialized State.
        average: One array per parameter with the model's dtypes and shapes.

    Returns:
        The new checkpoint, a serialized State.

    Raises:
        InvalidBlob: `model` is invalid, does not fit `average`, or a finite parameter would become
            infinite.
    """
    old = decode_state(model)
    if schema_of(old) != schema_of(average):
        raise InvalidBlob("The average does not have the model's dtypes and shapes")
    new = [_subtract(parameter, change) for parameter, change in zip(old, average, strict=True)]
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if not np.isfinite(after[np.isfinite(before)]).all():
            raise InvalidBlob(f"Parameter {index} would leave the range of {after.dtype}")
    return encode_state(new)


def check_averaging_plan(
    blob: bytes, schema: Schema, iterative: bool, max_diffs: int | None
) -> None:
    """Check that an averaging plan fits its model, by running it on ones.

    Args:
        blob: A serialized Plan; empty means the built-in mean, which fits every model.
        schema: The dtype and shape of each parameter.
        iterative: As for `average`.
        max_diffs: The number of diffs of a full cycle, if there is one.

    Raises:
        InvalidBlob: The plan cannot be parsed or run, takes another number of inputs, or its
            outputs are not the model's parameters; the message names the remedy.
    """
    if not blob:
        return
    program = parse_program(blob)
    diff = [np.ones(spec.shape, spec.dtype) for spec in schema]
    diffs = max_diffs or 0
    expected = 2 * len(schema) + 1 if iterative else diffs * len(schema)
    if not iterative and not diffs:
        if is_mean(program, len(schema), iterative=False):
            return
        raise InvalidBlob(
            "An averaging plan that is not iterative takes a fixed number of diffs: set "
            "server_config.max_diffs to that number, or iterative_plan to true"
        )
    if len(program.inputs) != expected:
        arguments = "the average, a diff and a number" if iterative else f"{diffs} diffs"
        raise InvalidBlob(
            f"The averaging plan takes {len(program.inputs)} tensors, but {arguments} of a model "
            f"with {len(schema)} parameters are {expected}: trace it with such arguments, or "
            "change server_config.iterative_plan or max_diffs"
        )
    inputs = [*diff, *diff, _count(1)] if iterative else diff * diffs
    _check_shapes(run(program, inputs), schema)


def _iterate(program: Program, diffs: Iterator[list[np.ndarray]]) -> list[np.ndarray]:
    result: list[np.ndarray] | None = None
    for seen, diff in enumerate(diffs):
        result = diff if result is None else run(program, [*result, *diff, _count(seen)])
    if result is None:
        raise InvalidBlob("There are no diffs to average")
    return result


def _count(seen: int) -> np.ndarray:
    return np.array([seen], np.int64)


def _check_shapes(tensors: Sequence[np.ndarray], schema: Schema) -> None:
    if len(tensors) != len(schema):
        raise InvalidBlob(
            f"The averaging plan has {len(tensors)} outputs, the model {len(schema)} parameters: "
            "return one tensor per parameter"
        )
    for index, (tensor, spec) in enumerate(zip(tensors, schema, strict=True)):
        # The number of diffs has shape [1], and stretches a scalar parameter to that shape.
        if tensor.shape != spec.shape and (tensor.shape, spec.shape) != ((1,), ()):
            raise InvalidBlob(
                f"Output {index} of the averaging plan has shape {list(tensor.shape)}, the model's "
                f"parameter {list(spec.shape)}: return the parameters in the model's order"
            )


def _conform(tensors: Sequence[np.ndarray], schema: Schema) -> list[np.ndarray]:
    _check_shapes(tensors, schema)
    return [
        _round(index, tensor.reshape(spec.shape), np.dtype(spec.dtype))
        for index, (tensor, spec) in enumerate(zip(tensors, schema, strict=True))
    ]


def _round(index: int, tensor: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind != "f" and tensor.dtype.kind == "f":
        tensor = np.rint(tensor)
    with np.errstate(over="ignore"):
        rounded = tensor.astype(dtype, copy=False)
    if not np.isfinite(tensor).all() or not np.isfinite(rounded).all():
        raise InvalidBlob(f"The average of parameter {index} is not finite")
    return rounded


def _subtract(parameter: np.ndarray, change: np.ndarray) -> np.ndarray:
    operation = np.logical_xor if parameter.dtype.kind == "b" else np.subtract
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(operation(parameter, change))
