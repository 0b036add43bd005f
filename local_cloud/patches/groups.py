"""Changes of a group of users."""

import time
from typing import Any

from local_cloud.patches.known import ERROR_PARAMETERS, known

FIELDS = ("Description", "Precedence", "RoleArn")

Record = dict[str, Any]


def patch(cognito: Any) -> None:
    """Add the operation UpdateGroup.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    dispatch = known(cognito, "_dispatch_idp", ["action", "data"])
    run = known(cognito, "_run_idp_handler", ["handler", "action", "data"])
    resolve_pool = known(cognito, "_resolve_pool", ["pool_id"])
    shown = known(cognito, "_group_out", ["group"])
    answer_json = known(cognito, "json_response", ["data", "status", "content_type"])
    refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)

    def update(data: Record) -> Any:
        pool, missing = resolve_pool(data.get("UserPoolId"))
        if missing:
            return missing
        group = pool["_groups"].get(data.get("GroupName"))
        if group is None:
            return refuse("ResourceNotFoundException", "Group not found.", 400)
        group.update({field: data[field] for field in FIELDS if field in data})
        group["LastModifiedDate"] = time.time()
        return answer_json({"Group": shown(group)})

    async def dispatch_more(action: str, data: Record) -> Any:
        if action == "UpdateGroup":
            return run(update, action, data)
        return await dispatch(action, data)

    cognito._dispatch_idp = dispatch_more
