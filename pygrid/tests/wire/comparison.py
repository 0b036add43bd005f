"""When two plans are the same."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

from artificien_pygrid.wire.messages_pb2 import Plan, Role


def canonical(plan: Plan) -> dict[str, Any]:
    """Everything in a plan except for ids and the debug information of TorchScript."""
    code: dict[str, bytes] = {}
    if plan.torchscript:
        with ZipFile(BytesIO(plan.torchscript)) as archive:
            code = {
                name: archive.read(name)
                for name in archive.namelist()
                if not name.endswith("debug_pkl")
            }
    return {
        "torchscript": code,
        "role": canonical_role(plan.role),
        "roles": {name: canonical_role(role) for name, role in plan.roles.items()},
        "base_framework": plan.base_framework,
        "name": plan.name,
        "tags": [*plan.tags],
        "description": plan.description,
        "input_types": plan.input_types,
        "include_state": plan.include_state,
    }


def canonical_role(role: Role) -> bytes:
    """Number the ids by their first use from the inputs on, and sort the placeholders by them."""
    copy = Role()
    copy.CopyFrom(role)
    numbers: dict[int, int] = {}

    def rename(item: Any) -> None:
        item.id_int = numbers.setdefault(item.id_int, len(numbers))

    copy.id.Clear()
    for item in [*copy.input_placeholder_ids, *copy.output_placeholder_ids]:
        rename(item)
    for action in copy.actions:
        if action.HasField("target_placeholder_id"):
            rename(action.target_placeholder_id.value)
        for arg in action.args:
            if arg.HasField("arg_placeholder_id"):
                rename(arg.arg_placeholder_id.value)
        for returned in action.return_placeholder_ids:
            rename(returned.value)
    placeholders = [*copy.placeholders]
    if copy.actions:  # without them only the inputs and outputs can be told apart
        for placeholder in placeholders:
            rename(placeholder.id)
        placeholders.sort(key=lambda placeholder: placeholder.id.id_int)
    else:
        for placeholder in placeholders:
            placeholder.id.id_int = numbers.get(placeholder.id.id_int, -1)
    del copy.placeholders[:]
    copy.placeholders.extend(placeholders)
    return bytes(copy.SerializeToString(deterministic=True))
