"""Hosted plans: what the node checks, and the variants that it serves."""

from enum import StrEnum

from .messages_pb2 import Plan
from .tensors import InvalidBlob, parse


class Kind(StrEnum):
    """The form of a plan's operations that a device can run (`receive_operations_as`)."""

    LIST = "list"
    TORCHSCRIPT = "torchscript"
    TFJS = "tfjs"


def parse_plan(blob: bytes) -> Plan:
    """Parse a serialized Plan.

    Raises:
        InvalidBlob: `blob` is no Plan or has no operations; begins with "Plan is not valid".
    """
    try:
        plan = parse(Plan, blob)
    except InvalidBlob as error:
        raise InvalidBlob(f"Plan is not valid: {error}") from None
    if not plan.HasField("role"):
        raise InvalidBlob("Plan is not valid: it has no role; build it before hosting it")
    return plan


def check_plan(blob: bytes) -> None:
    """Check that a training plan can be served in all variants.

    Raises:
        InvalidBlob: It is no Plan ("Plan is not valid ...") or lacks operations for TensorFlow.js
            ("Failed to translate a Plan ...").
    """
    plan = parse_plan(blob)
    if Kind.TFJS not in plan.roles:
        raise InvalidBlob(
            "Failed to translate a Plan: it has no role 'tfjs'; build it with the translator to "
            "TensorFlow.js switched on"
        )


def variant(blob: bytes, kind: str | None) -> bytes:
    """Return a hosted plan reduced to one form of its operations.

    Args:
        blob: A Plan that passed `check_plan`.
        kind: "torchscript" or "tfjs"; anything else means "list", the operations of torch.

    Returns:
        A serialized Plan.
    """
    plan = parse_plan(blob)
    if kind == Kind.TORCHSCRIPT:
        plan.role.ClearField("actions")
    else:
        plan.ClearField("torchscript")
    if kind == Kind.TFJS:
        plan.role.CopyFrom(plan.roles[Kind.TFJS])
        plan.base_framework = Kind.TFJS
        plan.ClearField("roles")
    return plan.SerializeToString(deterministic=True)
