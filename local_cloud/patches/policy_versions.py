"""Versions of managed policies: an older one, or a new one, becomes the one that counts."""

from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

_ACTION = "SetDefaultPolicyVersion"

Parameters = dict[str, Any]


def patch(iam: ModuleType) -> None:
    """Add the operation SetDefaultPolicyVersion.

    Args:
        iam: the emulator's module ``ministack.services.iam``.

    Raises:
        LocalCloudError: what would be extended is not what is known.
    """
    parameter = known(iam, "_p", ["params", "key", "default"])
    answer = known(iam, "_xml", ["status", "root_tag", "inner", "ns"])
    refuse = known(iam, "_error", ["status", "code", "message", "ns"])
    handlers: Any = getattr(iam, "_IAM_HANDLERS", None)
    policies: Any = getattr(iam, "_policies", None)
    if not isinstance(handlers, dict) or not hasattr(policies, "get"):
        raise moved(f"{iam.__name__}._IAM_HANDLERS, _policies")

    def set_default(p: Parameters) -> Any:
        version = parameter(p, "VersionId")
        policy = policies.get(parameter(p, "PolicyArn")) or {"Versions": {}}
        if version not in policy["Versions"]:
            return refuse(404, "NoSuchEntity", f"Policy version {version} not found.", ns="iam")
        for each in policy["Versions"].values():
            each["IsDefaultVersion"] = each["VersionId"] == version
        policy["DefaultVersionId"] = version
        return answer(200, f"{_ACTION}Response", "", ns="iam")

    handlers[_ACTION] = set_default
