"""What every module of ours shares: clients, errors, tags and the one look at check mode."""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Any

import botocore.session
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
    from mypy_boto3_sts import STSClient

# How the keys of the tags begin that AWS sets, and that nobody else may set or remove.
SYSTEM_TAG = "aws:"
RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})

# Sessions read the descriptions of services, tens of milliseconds for each, by a loader that keeps
# them. Modules that run in one interpreter (docs/adr/0007) share it.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


class AwsError(Exception):
    """A call to AWS failed; the message names what was attempted and the cause."""


def client(module: AnsibleAWSModule, service: str) -> Any:
    """Return a boto3 client that retries throttling and passing faults by itself."""
    return module.client(service, aws_config=RETRIES)


def error_code(error: ClientError) -> str:
    """Return the service's own code of `error`, such as `AccessDeniedException`."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def aws_call[**P, T](attempt: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that calls AWS on behalf of a resource.

    Args:
        attempt: what the function does, for the message; `{0}`, `{1}`… stand for its arguments
            after the client.

    Raises:
        AwsError: for every error of the service or the connection.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except ClientError as error:
                reason = f"{error_code(error)}: {error.response['Error'].get('Message', '')}"
                raise AwsError(f"Failed to {attempt.format(*args[1:])}: {reason}") from error
            except BotoCoreError as error:
                raise AwsError(f"Failed to {attempt.format(*args[1:])}: {error}") from error

        return call

    return decorate


def none_if_missing[**P, T](*codes: str) -> Callable[[Callable[P, T]], Callable[P, T | None]]:
    """Decorate a reading function to return `None` where AWS answers one of the error `codes`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T | None]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T | None:
            try:
                return function(*args, **kwargs)
            except ClientError as error:
                if error_code(error) in codes:
                    return None
                raise

        return call

    return decorate


@aws_call("read the account of the credentials")
def read_account(client: STSClient) -> str:
    """Return the id of the account that the module works in."""
    return client.get_caller_identity()["Account"]


def wait_until(
    ready: Callable[[], bool], what: str, timeout_seconds: float, interval_seconds: float = 0.5
) -> None:
    """Poll `ready` until it is true.

    Raises:
        AwsError: `what` did not come about within `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if time.monotonic() >= deadline:
            raise AwsError(
                f"Waited {timeout_seconds:g} s for {what}. It goes on in AWS; run the playbook "
                "again later, it continues where this run stopped."
            )
        time.sleep(interval_seconds)


def accepted(
    call: Callable[[], object], passing: Callable[[ClientError], bool]
) -> Callable[[], bool]:
    """Return what `wait_until` polls to make `call` as soon as AWS takes it.

    Each poll makes the call; it is false where the call is refused with an error that `passing`
    knows to pass by itself. Any other error is raised.
    """

    def made() -> bool:
        try:
            call()
        except ClientError as error:
            if not passing(error):
                raise
            return False
        return True

    return made


def check_kms_key(owner: str, kms_key: str | None, otherwise: str) -> None:
    """Check that the `kms_key` option of `owner` has the form in which AWS answers with a key.

    Raises:
        ReconcileError: it is neither unset, nor the word `otherwise`, nor the ARN of a key.
    """
    if kms_key in (None, otherwise) or re.match(r"arn:[^:]+:kms:[^:]*:[^:]*:key/", str(kms_key)):
        return
    raise ReconcileError(
        f"{owner}: kms_key is {kms_key!r}; give {otherwise} or the ARN of the key itself, such as "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd. AWS answers with that ARN, so an alias "
        "or an id would differ on every run."
    )


def to_tag_list(tags: dict[str, str]) -> list[Any]:
    """Return `tags` in the form most services take: a list of `Key` and `Value`."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def from_tag_list(tags: Sequence[Any]) -> dict[str, str]:
    """Return a service's list of `Key` and `Value` as a dictionary, without the tags of AWS."""
    return own_tags({tag["Key"]: tag["Value"] for tag in tags})


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return `tags` without those of AWS, which no plan may remove."""
    return {key: value for key, value in tags.items() if not key.startswith(SYSTEM_TAG)}


def changed_tags(plan: Plan) -> tuple[dict[str, str], list[str]]:
    """Return the tags that `plan` sets, and the keys that it removes."""
    before = (plan.before or {}).get("tags") or {}
    after = (plan.after or {}).get("tags") or {}
    set_tags = {key: value for key, value in after.items() if before.get(key) != value}
    return set_tags, sorted(before.keys() - after.keys())


def converge(
    module: AnsibleAWSModule,
    plans: Callable[[], list[Plan]],
    apply: Callable[[Plan], None],
) -> list[Plan]:
    """Make the plans and, outside check mode, carry out those that change something.

    Returns the plans. Ends the module with one message if AWS or the wanted state refuses.
    """
    try:
        made = plans()
        if not module.check_mode:
            for plan in made:
                if plan.changed:
                    apply(plan)
    except (AwsError, ReconcileError) as error:
        module.fail_json(msg=str(error))
    return made


def result(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return what every module of ours reports: `changed` and the diff."""
    return {"changed": any(plan.changed for plan in plans), "diff": diff(plans)}
