"""Names of users, which a pool may compare without regard to case."""

from typing import Any

from local_cloud.patches.known import ERROR_PARAMETERS, known

Record = dict[str, Any]


def patch(cognito: Any) -> None:
    """Find users by their name or alias in any case, where the pool does not tell cases apart.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    resolve = known(cognito, "_resolve_user", ["pool", "username"])
    refuse_new = known(cognito, "_new_user_error", ["pool", "username", "attr_dict"])
    refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)

    def resolve_any_case(pool: Record, username: str | None) -> tuple[Record | None, Any]:
        user, missing = resolve(pool, username)
        for spelling in spellings(pool, username) if missing else ():
            user, missing_too = resolve(pool, spelling)
            if not missing_too:
                return user, None
        return user, missing

    def refuse_any_case(pool: Record, username: str, attr_dict: Record) -> Any:
        taken = {name.casefold() for name in pool["_users"]}
        if spellings(pool, username) and username.casefold() in taken:
            return refuse("UsernameExistsException", "User already exists.", 400)
        return refuse_new(pool, username, attr_dict)

    cognito._resolve_user = resolve_any_case
    cognito._new_user_error = refuse_any_case


def spellings(pool: Record, name: str | None) -> list[str]:
    """Return the names and aliases of the pool's users that are `name` in another case."""
    if name is None or pool.get("UsernameConfiguration", {}).get("CaseSensitive", True):
        return []
    aliases = {*(pool.get("AliasAttributes") or []), *(pool.get("UsernameAttributes") or [])}
    known_names = [*pool["_users"]] + [
        attribute["Value"]
        for user in pool["_users"].values()
        for attribute in user["Attributes"]
        if attribute["Name"] in aliases
    ]
    return [other for other in known_names if other.casefold() == name.casefold()]
