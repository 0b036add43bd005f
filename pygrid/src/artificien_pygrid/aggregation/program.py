"""An averaging plan's operations, reduced to a list that can be interpreted.

A plan names every value by a placeholder; each operation binds one new placeholder. Operations are
known by an allow-list, whose names come in torch's three spellings: the method ("mul"), the
operator ("__mul__", "__rmul__") and the function ("torch.mul").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..wire.messages_pb2 import Arg, ComputationAction, Id, Plan, Role
from ..wire.tensors import InvalidBlob, decode_tensor, decode_tensors, parse

_MAX_OPERATIONS = 100_000
_ALIASES = {
    "div": ("truediv", "true_divide", "divide"),
    "mul": ("multiply",),
    "sub": ("subtract",),
    "neg": ("negative",),
    "abs": ("absolute",),
    "clamp": ("clip",),
    "cat": ("concat",),
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "add": (),
    "sub": (),
    "mul": (),
    "div": (),
    "neg": (),
    "abs": (),
    "sqrt": (),
    "clamp": ("min", "max"),
    "stack": ("dim",),
    "cat": ("dim",),
    "sum": ("dim", "keepdim"),
    "mean": ("dim", "keepdim"),
}
_OPERANDS = {"add": 2, "sub": 2, "mul": 2, "div": 2}  # the others have one
_CANONICAL = {name: name for name in _OPTIONS} | {
    alias: name for name, aliases in _ALIASES.items() for alias in aliases
}

Key: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Reference:
    """A value by its placeholder."""

    key: Key


Scalar: TypeAlias = bool | int | float
Operand: TypeAlias = "Reference | Scalar | np.ndarray | tuple[Operand, ...]"


@dataclass(frozen=True, slots=True)
class Operation:
    """One step: `result` = `name`(*`operands`, **`options`)."""

    name: str
    operands: tuple[Operand, ...]
    options: dict[str, Any]
    result: Key


@dataclass(frozen=True, slots=True)
class Program:
    """A parsed averaging plan.

    Attributes:
        inputs: The placeholders of the flattened arguments, in order.
        outputs: The placeholders of the results, in order.
        constants: The values of the plan's own state.
        operations: The steps, each after those that it needs.
        released: For each step, the placeholders that no later step or output needs.
    """

    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    constants: dict[Key, np.ndarray]
    operations: tuple[Operation, ...]
    released: tuple[frozenset[Key], ...]


def parse_program(blob: bytes) -> Program:
    """Parse an averaging plan.

    Raises:
        InvalidBlob: `blob` is no Plan, has no outputs, uses an operation or argument outside the
            allow-list, or refers to a value before it is made.
    """
    try:
        return _parse_role(parse(Plan, blob).role)
    except InvalidBlob as error:
        raise InvalidBlob(f"The averaging plan cannot be used: {error}") from None


def _parse_role(role: Role) -> Program:
    if not role.output_placeholder_ids:
        raise InvalidBlob(
            "it has no outputs; trace a function that returns the list of averaged parameters"
        )
    if len(role.actions) > _MAX_OPERATIONS:
        raise InvalidBlob(f"it has {len(role.actions)} operations, at most {_MAX_OPERATIONS} run")
    constants = {
        _key(placeholder.id): value
        for placeholder, value in zip(
            role.state.placeholders, decode_tensors(role.state), strict=True
        )
    }
    inputs = tuple(_key(item) for item in role.input_placeholder_ids)
    outputs = tuple(_key(item) for item in role.output_placeholder_ids)
    if len({*inputs, *constants}) < len(inputs) + len(constants):
        raise InvalidBlob("two of its inputs or constants have the same id")
    operations = tuple(
        _parse_action(position, action) for position, action in enumerate(role.actions)
    )
    _check_order({*inputs, *constants}, operations, outputs)
    return Program(inputs, outputs, constants, operations, _lifetimes(operations, outputs))


def _parse_action(position: int, action: ComputationAction) -> Operation:
    try:
        return _translate(action)
    except InvalidBlob as error:
        raise InvalidBlob(f"operation {position} ({action.command[:40]!r}): {error}") from None


def _translate(action: ComputationAction) -> Operation:
    name, is_reversed = _canonical(action.command)
    if len(action.return_placeholder_ids) != 1 or action.return_ids:
        raise InvalidBlob("it must have exactly one result, a placeholder")
    arguments = [_argument(arg) for arg in action.args]
    match action.WhichOneof("target"):
        case None:
            pass
        case "target_placeholder_id":
            arguments.insert(0, Reference(_key(action.target_placeholder_id.value)))
        case "target_tensor":
            arguments.insert(0, decode_tensor(action.target_tensor))
        case other:
            raise InvalidBlob(f"its target is a {other}; use placeholders")
    count = _OPERANDS.get(name, 1)
    names = _OPTIONS[name]
    if not count <= len(arguments) <= count + len(names):
        raise InvalidBlob(f"it has {len(arguments)} arguments")
    options = dict(zip(names, arguments[count:], strict=False))
    for option, arg in action.kwargs.items():
        if option not in names or option in options:
            raise InvalidBlob(f"the argument {option[:40]!r} is unknown or given twice")
        options[option] = _argument(arg)
    for option, value in options.items():
        if not isinstance(value, bool | int | float):
            raise InvalidBlob(f"{option!r} must be a number")
    operands = tuple(arguments[:count])
    return Operation(
        name,
        operands[::-1] if is_reversed else operands,
        options,
        _key(action.return_placeholder_ids[0].value),
    )


def _canonical(command: str) -> tuple[str, bool]:
    bare = command.removeprefix("torch.")
    if bare.startswith("__") and bare.endswith("__"):
        bare = bare[2:-2]
    if bare in _CANONICAL:
        return _CANONICAL[bare], False
    reverse = _CANONICAL.get(bare[1:]) if bare.startswith("r") else None
    if reverse in _OPERANDS:
        return reverse, True
    raise InvalidBlob(
        f"it is not among the allowed operations ({', '.join(_OPTIONS)}); write the average with "
        "those, without changing a tensor in place"
    )


def _argument(arg: Arg) -> Operand:  # noqa: PLR0911 - one for each kind
    match arg.WhichOneof("arg"):
        case "arg_bool":
            return arg.arg_bool
        case "arg_int":
            return arg.arg_int
        case "arg_float":
            return arg.arg_float
        case "arg_tensor":
            return decode_tensor(arg.arg_tensor)
        case "arg_torch_param":
            return decode_tensor(arg.arg_torch_param.tensor)
        case "arg_placeholder":
            return Reference(_key(arg.arg_placeholder.id))
        case "arg_placeholder_id":
            return Reference(_key(arg.arg_placeholder_id.value))
        case "arg_list":
            return tuple(_argument(item) for item in arg.arg_list.args)
        case other:
            raise InvalidBlob(f"an argument of kind {other} is not supported")


def _key(identifier: Id) -> Key:
    return identifier.id_str if identifier.HasField("id_str") else identifier.id_int


def references(operands: Sequence[Operand]) -> frozenset[Key]:
    """Return the placeholders that the operands name, at any depth."""
    found: set[Key] = set()
    for operand in operands:
        if isinstance(operand, Reference):
            found.add(operand.key)
        elif isinstance(operand, tuple):
            found |= references(operand)
    return frozenset(found)


def _check_order(known: set[Key], operations: Sequence[Operation], outputs: Sequence[Key]) -> None:
    for position, operation in enumerate(operations):
        missing = references(operation.operands) - known
        if missing:
            raise InvalidBlob(
                f"operation {position} ({operation.name!r}) uses a value that no earlier one makes"
            )
        if operation.result in known:
            raise InvalidBlob(f"operation {position} ({operation.name!r}) redefines a value")
        known.add(operation.result)
    if not known.issuperset(outputs):
        raise InvalidBlob("an output is a value that no operation makes")


def _lifetimes(
    operations: Sequence[Operation], outputs: Sequence[Key]
) -> tuple[frozenset[Key], ...]:
    needed = set(outputs)
    released: list[frozenset[Key]] = []
    for operation in reversed(operations):
        used = references(operation.operands) | {operation.result}
        released.append(used - needed)
        needed |= used
    return tuple(reversed(released))
