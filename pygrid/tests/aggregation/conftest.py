"""Averaging plans, traced by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from artificien_pygrid.wire.messages_pb2 import (
    Arg,
    ArgList,
    ComputationAction,
    Id,
    Placeholder,
    PlaceholderId,
    Plan,
    Role,
    State,
)
from artificien_pygrid.wire.tensors import encode_state

type Action = tuple[str, str, list[Any], dict[str, Any]]


def _argument(value: Any) -> Arg:  # noqa: PLR0911 - one for each kind
    match value:
        case bool():
            return Arg(arg_bool=value)
        case int():
            return Arg(arg_int=value)
        case float():
            return Arg(arg_float=value)
        case str():
            return Arg(arg_placeholder_id=PlaceholderId(value=Id(id_str=value)))
        case list():
            return Arg(arg_list=ArgList(args=[_argument(item) for item in value]))
        case np.ndarray():
            [tensor] = State.FromString(encode_state([value])).tensors
            return Arg(arg_tensor=tensor.torch_tensor)
        case _:
            return Arg(arg_string=str(value))


def _action(command: str, result: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    action = ComputationAction(
        command=command,
        return_placeholder_ids=[PlaceholderId(value=Id(id_str=result))],
        kwargs={name: _argument(value) for name, value in options.items()},
    )
    if not command.startswith("torch.") and isinstance(arguments[0], str):
        action.target_placeholder_id.value.id_str = arguments[0]
        arguments = arguments[1:]
    action.args.extend(_argument(value) for value in arguments)
    return action


@pytest.fixture(scope="session")
def trace() -> Callable[..., bytes]:
    """Make a serialized plan of inputs, actions (command, result, arguments, options), outputs."""

    def make(
        inputs: Sequence[str],
        actions: Sequence[Action],
        outputs: Sequence[str],
        constants: dict[str, np.ndarray] | None = None,
    ) -> bytes:
        role = Role(
            input_placeholder_ids=[Id(id_str=name) for name in inputs],
            output_placeholder_ids=[Id(id_str=name) for name in outputs],
            actions=[_action(*action) for action in actions],
        )
        if constants:
            role.state.CopyFrom(State.FromString(encode_state([*constants.values()])))
            del role.state.placeholders[:]
            role.state.placeholders.extend(Placeholder(id=Id(id_str=name)) for name in constants)
        return bytes(Plan(role=role).SerializeToString())

    return make
