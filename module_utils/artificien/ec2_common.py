"""What the modules for networks and hosts share: who uses a VPC, and patience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    AwsError,
    accepted,
    error_code,
    wait_until,
)
from ansible.module_utils.artificien.ec2_lookup import in_vpc
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.exceptions import ClientError
    from mypy_boto3_ec2 import EC2Client

# Something is still used by what was deleted a moment ago.
IN_USE = "DependencyViolation"
PATIENCE_SECONDS = 60


def find_interfaces(client: EC2Client, vpc_id: str) -> list[Any]:
    """Return the network interfaces of a VPC as EC2 describes them."""
    pages = client.get_paginator("describe_network_interfaces").paginate(Filters=in_vpc(vpc_id))
    return [
        interface
        for page in pages
        for interface in page["NetworkInterfaces"]
        if interface["VpcId"] == vpc_id
    ]


def label_interface(interface: Mapping[str, Any]) -> str:
    """Return the id of a network interface, and what tells a person whose it is."""
    instance = interface.get("Attachment", {}).get("InstanceId")
    owner = f"instance {instance}" if instance else interface.get("Description")
    return f"{interface['NetworkInterfaceId']} ({owner or 'without a description'})"


def wait_until_unused(name: str, users: Callable[[], list[str]], timeout_seconds: float) -> None:
    """Wait until `users` returns nothing any more.

    Raises:
        ReconcileError: something still uses `name`; the message says what.
    """
    left: list[str] = []

    def unused() -> bool:
        left[:] = users()
        return not left

    try:
        wait_until(unused, f"{name} to be used by nothing", timeout_seconds, interval_seconds=2)
    except AwsError as error:
        if not left:  # it is the look that failed
            raise
        raise ReconcileError(
            f"{name} is still used by {', '.join(left)}. Delete these first; nothing of {name} was "
            "deleted yet."
        ) from error


def eventually[T](call: Callable[[], T], passing: Callable[[ClientError], bool], what: str) -> T:
    """Make `call`, again while it is refused with an error that `passing` knows to pass."""
    answers: list[T] = []
    wait_until(accepted(lambda: answers.append(call()), passing), what, PATIENCE_SECONDS)
    return answers[0]


def when_known[T](call: Callable[[], T]) -> T:
    """Make a call that needs what was created a moment ago, which all of EC2 need not know yet."""
    return eventually(
        call,
        lambda error: error_code(error).endswith(".NotFound"),
        "EC2 to know everywhere what was just created",
    )


def when_free[T](call: Callable[[], T]) -> T:
    """Make a call that needs what was deleted a moment ago to be gone."""
    return eventually(
        call,
        lambda error: error_code(error) == IN_USE,
        f"EC2 to delete what others depend on, which it refused with {IN_USE}",
    )
