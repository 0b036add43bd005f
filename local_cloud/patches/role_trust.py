"""The roles of an identity pool are given only to whom they trust."""

import json
from http import HTTPStatus
from types import ModuleType
from typing import Any

from local_cloud.patches.known import CONTEXT_PARAMETERS, ERROR_PARAMETERS, known, moved

SERVICE = "cognito-identity.amazonaws.com"

Record = dict[str, Any]


def patch(cognito: ModuleType, iam: ModuleType, evaluator: ModuleType) -> None:
    """Refuse credentials of a role that does not trust the identity pool, or may not be tagged.

    The emulator gives them whatever the role's trust policy says, and even without a role.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.
        iam: its module ``ministack.services.iam``.
        evaluator: its module ``ministack.core.iam_evaluator``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    credentials = known(cognito, "_get_credentials_for_identity", ["data"])
    refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)
    pools: Any = getattr(cognito, "_identity_pools", None)
    if not hasattr(pools, "values"):
        raise moved(f"{cognito.__name__}._identity_pools")
    trust = _Trust(iam, evaluator)

    def credentials_if_trusted(data: Record) -> Any:
        answer = credentials(data)
        identity_id = json.loads(answer[2]).get("IdentityId")
        pool = next((each for each in pools.values() if identity_id in each["_identities"]), None)
        if answer[0] != HTTPStatus.OK or not pool:
            return answer
        logins = data.get("Logins") or pool["_identities"][identity_id].get("Logins") or {}
        if trust.given(pool, logins):
            return answer
        return refuse(
            "InvalidIdentityPoolConfigurationException",
            "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
        )

    cognito._get_credentials_for_identity = credentials_if_trusted  # type: ignore[attr-defined]


def as_service(document: Record) -> Record:
    """Return a trust policy whose federated principals are written as services.

    The emulator knows federated principals for one action only.
    """
    statements = document.get("Statement") or []
    return document | {
        "Statement": [
            statement | {"Principal": {"Service": statement["Principal"]["Federated"]}}
            for statement in ([statements] if isinstance(statements, dict) else statements)
            if isinstance(statement.get("Principal"), dict)
            and "Federated" in statement["Principal"]
        ]
    }


class _Trust:
    def __init__(self, iam: Any, evaluator: Any) -> None:
        self._roles: Any = getattr(iam, "_roles", None)
        if not hasattr(self._roles, "get_scoped"):
            raise moved(f"{iam.__name__}._roles")
        self._evaluate = known(
            evaluator,
            "evaluate_resource_policy",
            ["doc", "ctx", "service", "named_only", "direct_only"],
        )
        self._context = known(evaluator, "EvalContext", CONTEXT_PARAMETERS)

    def given(self, pool: Record, logins: Record) -> bool:
        """Tell whether the pool may give its role to somebody with these logins."""
        kind = "authenticated" if logins else "unauthenticated"
        arn = (pool.get("_roles") or {}).get(kind) or ""
        role = (
            self._roles.get_scoped(arn.split(":")[4], None, arn.rpartition("/")[2]) if arn else {}
        )
        document = (role or {}).get("AssumeRolePolicyDocument") or {}
        if isinstance(document, str):
            document = json.loads(document)
        maps = pool.get("_principal_tags") or {}
        tagged = any(
            maps[provider]["UseDefaults"] or maps[provider]["PrincipalTags"]
            for provider in logins
            if provider in maps
        )
        actions = ["sts:AssumeRoleWithWebIdentity", *(["sts:TagSession"] if tagged else [])]
        keys = {
            f"{SERVICE}:aud": pool["IdentityPoolId"],
            f"{SERVICE}:amr": [kind, *logins],
        }
        return all(self._allows(as_service(document), action, arn, keys) for action in actions)

    def _allows(self, document: Record, action: str, arn: str, keys: Record) -> bool:
        context = self._context(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=arn,
            region="",
            service_context=keys,
        )
        return bool(self._evaluate(document, context, service=SERVICE).decision == "Allow")
