"""The parameters of SSM that a request reads, for the evaluation of IAM policies."""

import json
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known

_REQUEST = ["service", "method", "path", "headers", "body", "query_params", "region", "account_id"]
_CHECK = ["access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"]


class Arns(str):
    """The ARN of the first of several resources, each of which is checked."""

    __slots__ = ("every",)

    every: tuple[str, ...]

    @classmethod
    def of(cls, every: list[str]) -> "Arns":
        """Return the ARNs as one value."""
        arns = cls(every[0])
        arns.every = tuple(every)
        return arns


def patch(iam_actions: ModuleType, evaluator: ModuleType) -> None:
    """Check GetParameters against each parameter that it names.

    The emulator checks it against `*`, so that it asks for more than AWS does.

    Args:
        iam_actions: the emulator's module ``ministack.core.iam_actions``.
        evaluator: its module ``ministack.core.iam_evaluator``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    extract = known(iam_actions, "extract_resource_arn", _REQUEST)
    enforce = known(evaluator, "enforce", _CHECK)

    def extract_each(*request: Any) -> str:
        service, _, _, _, body, _, region, account_id = request
        names = _names(body) if service == "ssm" else []
        if not names:
            found: str = extract(*request)
            return found
        prefix = f"arn:aws:ssm:{region}:{account_id}:parameter/"
        return Arns.of([f"{prefix}{name.lstrip('/')}" for name in names])

    def enforce_each(*request: str, resource_arn: str = "*", **context: Any) -> Any:
        arns = resource_arn.every if isinstance(resource_arn, Arns) else (resource_arn,)
        checks = (enforce(*request, resource_arn=arn, **context) for arn in arns)
        return next((denied for denied in checks if denied), None)

    iam_actions.extract_resource_arn = extract_each  # type: ignore[attr-defined]
    evaluator.enforce = enforce_each  # type: ignore[attr-defined]


def _names(body: bytes) -> list[str]:
    """Return the names in a request of GetParameters."""
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return []
    names = data.get("Names") if isinstance(data, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
