"""Guests of an identity pool that has none."""

from typing import Any

from local_cloud.patches.known import ERROR_PARAMETERS, known, moved

Record = dict[str, Any]


def patch(cognito: Any) -> None:
    """Refuse an identity to whoever has not signed in, where the pool takes no guests.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    get_id = known(cognito, "_get_id", ["data"])
    refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)
    pools: Any = getattr(cognito, "_identity_pools", None)
    if not hasattr(pools, "get"):
        raise moved(f"{cognito.__name__}._identity_pools")

    def get_id_of_members(data: Record) -> Any:
        pool = pools.get(data.get("IdentityPoolId"))
        if pool and not data.get("Logins") and not pool.get("AllowUnauthenticatedIdentities"):
            return refuse(
                "NotAuthorizedException",
                "Unauthenticated access is not supported for this identity pool.",
                400,
            )
        return get_id(data)

    cognito._get_id = get_id_of_members
