"""The namespace into which a request puts metrics, for the evaluation of IAM policies."""

import json
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known

ACTION = "cloudwatch:PutMetricData"
KEY = "cloudwatch:namespace"


def patch(iam_actions: ModuleType) -> None:
    """Fill in the condition key ``cloudwatch:namespace``.

    Args:
        iam_actions: the emulator's module ``ministack.core.iam_actions``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    context = known(iam_actions, "request_tag_context", ["service", "iam_action", "body", "params"])
    parameter = known(iam_actions, "_query_param", ["query_params", "key"])

    def context_with_namespace(
        service: str, iam_action: str, body: bytes, params: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = context(service, iam_action, body, params)
        if iam_action != ACTION:
            return found
        # Clients send JSON, or fields of a form, which the emulator has read already.
        return found | {KEY: _in_json(body) or parameter(params, "Namespace")}

    iam_actions.request_tag_context = context_with_namespace  # type: ignore[attr-defined]


def _in_json(body: bytes) -> str:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return ""
    return str(data.get("Namespace", "")) if isinstance(data, dict) else ""
