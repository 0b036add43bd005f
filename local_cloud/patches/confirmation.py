"""The confirmation of users: a function runs after it, and mail that was answered is verified."""

from http import HTTPStatus
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known
from local_cloud.patches.post_confirmation import FORGOT_PASSWORD, SIGN_UP, Record, Trigger


def patch(cognito: ModuleType, lambda_service: ModuleType, evaluator: ModuleType) -> None:
    """Run a pool's function after a confirmation, and leave the user as AWS does.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.
        lambda_service: its module ``ministack.services.lambda_svc``.
        evaluator: its module ``ministack.core.iam_evaluator``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    trigger = Trigger(cognito, lambda_service, evaluator)
    _mend_sign_up(cognito, trigger)
    _mend_confirm_sign_up(cognito, trigger)
    _mend_admin_confirm_sign_up(cognito, trigger)
    _mend_confirm_forgot_password(cognito, trigger)


def _mend_sign_up(cognito: Any, trigger: Trigger) -> None:
    # Refused where only administrators create users; a user whom the function before the sign-up
    # confirms is confirmed like any other.
    sign_up = known(cognito, "_sign_up", ["data"])

    def sign_up_as_aws(data: Record) -> Any:
        pool = trigger.pool(data)
        if pool and (pool.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
            return trigger.refuse(
                "NotAuthorizedException", "SignUp is not permitted for this user pool", 400
            )
        answer = sign_up(data)
        user = trigger.user(data) if answer[0] == HTTPStatus.OK else None
        if user and user["UserStatus"] == "CONFIRMED":
            return trigger.run(SIGN_UP, data) or answer
        return answer

    cognito._sign_up = sign_up_as_aws


def _mend_confirm_sign_up(cognito: Any, trigger: Trigger) -> None:
    confirm = known(cognito, "_confirm_sign_up", ["data"])
    merge = known(cognito, "_merge_attributes", ["existing", "updates"])

    def confirm_and_run(data: Record) -> Any:
        answer = confirm(data)
        if answer[0] != HTTPStatus.OK:
            return answer
        pool, user = trigger.pool(data), trigger.user(data)
        names = {attribute["Name"] for attribute in user["Attributes"]}
        if "email" in names.intersection(pool.get("AutoVerifiedAttributes") or []):
            # Whoever knows the code has read the mail that it was sent in.
            verified = {"Name": "email_verified", "Value": "true"}
            user["Attributes"] = merge(user["Attributes"], [verified])
        return trigger.run(SIGN_UP, data) or answer

    cognito._confirm_sign_up = confirm_and_run


def _mend_admin_confirm_sign_up(cognito: Any, trigger: Trigger) -> None:
    confirm = known(cognito, "_admin_confirm_sign_up", ["data"])

    def confirm_and_run(data: Record) -> Any:
        user = trigger.user(data)
        if user and user["UserStatus"] != "UNCONFIRMED":
            return trigger.refuse(
                "NotAuthorizedException",
                f"User cannot be confirmed. Current status is {user['UserStatus']}",
                400,
            )
        answer = confirm(data)
        return answer if answer[0] != HTTPStatus.OK else trigger.run(SIGN_UP, data) or answer

    cognito._admin_confirm_sign_up = confirm_and_run


def _mend_confirm_forgot_password(cognito: Any, trigger: Trigger) -> None:
    confirm = known(cognito, "_confirm_forgot_password", ["data"])

    def confirm_and_run(data: Record) -> Any:
        answer = confirm(data)
        if answer[0] != HTTPStatus.OK:
            return answer
        return trigger.run(FORGOT_PASSWORD, data) or answer

    cognito._confirm_forgot_password = confirm_and_run
