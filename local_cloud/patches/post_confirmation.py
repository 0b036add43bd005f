"""The function that a user pool runs after a confirmation."""

import contextvars
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from local_cloud.patches.known import CONTEXT_PARAMETERS, ERROR_PARAMETERS, known

PATIENCE_SECONDS = 15.0
"""AWS waits five seconds for a function and calls it three times; here it is called once."""

SIGN_UP = "PostConfirmation_ConfirmSignUp"
# pragma: allowlist nextline secret
FORGOT_PASSWORD = "PostConfirmation_ConfirmForgotPassword"  # noqa: S105 - the name of an event
# What AWS sends where an administrator, who uses no app client, confirms a user.
_NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"

Record = dict[str, Any]


class _TriggerError(Exception):
    """A function did not do its work: the name of AWS's error, and a message."""


class Trigger:
    """The function of the pool that a request is about, if it has one."""

    def __init__(
        self, cognito: ModuleType, lambda_service: ModuleType, evaluator: ModuleType
    ) -> None:
        self.refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)
        reference = ["function_ref"]
        self._find = known(lambda_service, "_get_func_record_for_ref", reference)
        self._find_base = known(lambda_service, "_get_base_func_record_for_ref", reference)
        self._record = known(lambda_service, "_execution_record_for_config", ["func", "config"])
        self._execute = known(
            lambda_service, "_execute_function_with_config_scope", ["func", "event"]
        )
        self._allows = known(
            evaluator,
            "evaluate_resource_policy",
            ["doc", "ctx", "service", "named_only", "direct_only"],
        )
        self._context = known(evaluator, "EvalContext", CONTEXT_PARAMETERS)
        self._pool_region = known(cognito, "_pool_region", ["pool_id"])
        self._pool = known(cognito, "_resolve_pool", ["pool_id"])
        self._pool_of_client = known(cognito, "_pool_for_client", ["cid"])
        self._user = known(cognito, "_resolve_user", ["pool", "username"])
        self._attributes = known(cognito, "_attr_list_to_dict", ["attrs"])

    def pool(self, data: Record) -> Any:
        """Return the pool that a request is about, or None."""
        if "UserPoolId" in data:
            return self._pool(data["UserPoolId"])[0]
        return self._pool_of_client(data.get("ClientId"))[0]

    def user(self, data: Record) -> Any:
        """Return the user that a request is about, or None."""
        pool = self.pool(data)
        return self._user(pool, data.get("Username"))[0] if pool else None

    def run(self, source: str, data: Record) -> Any:
        """Run the pool's function, if it has one; return the error to answer with, or None."""
        pool = self.pool(data)
        function = (pool.get("LambdaConfig") or {}).get("PostConfirmation")
        if not function:
            return None
        try:
            self._invoke(function, pool, self._event(pool, self.user(data), source, data))
        except _TriggerError as error:
            return self.refuse(*error.args)
        return None

    def _event(self, pool: Record, user: Record, source: str, data: Record) -> Record:
        attributes = self._attributes(user.get("Attributes", []))
        request: Record = {
            "userAttributes": attributes | {"cognito:user_status": user["UserStatus"]}
        }
        if data.get("ClientMetadata"):
            request["clientMetadata"] = data["ClientMetadata"]
        return {
            "version": "1",
            "region": self._pool_region(pool["Id"]),
            "userPoolId": pool["Id"],
            "userName": user["Username"],
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": data.get("ClientId", _NO_CLIENT),
            },
            "triggerSource": source,
            "request": request,
            "response": {},
        }

    def _invoke(self, function: str, pool: Record, event: Record) -> None:
        record, config, _ = self._find(function)
        if record is None or config is None or not self._may_invoke(function, pool):
            # AWS does not tell a function that is gone from one that it may not invoke.
            raise _TriggerError(
                "UnexpectedLambdaException",
                "PostConfirmation invocation failed due to error AccessDeniedException.",
            )
        result = within(
            PATIENCE_SECONDS, lambda: self._execute(self._record(record, config), event)
        )
        if result.get("throttle"):
            raise _TriggerError(
                "UnexpectedLambdaException",
                "PostConfirmation invocation failed due to error TooManyRequestsException.",
            )
        body = result.get("body")
        if result.get("error"):
            message = body.get("errorMessage") if isinstance(body, dict) else body
            raise _TriggerError(
                "UserLambdaValidationException", f"PostConfirmation failed with error {message}."
            )
        if not isinstance(body, dict) or "response" not in body:
            raise _TriggerError("InvalidLambdaResponseException", "Unrecognizable lambda output")

    def _may_invoke(self, function: str, pool: Record) -> bool:
        base, _, _ = self._find_base(function)
        context = self._context(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="lambda:InvokeFunction",
            resource_arn=function,
            region=self._pool_region(pool["Id"]),
            service_context={
                "aws:sourcearn": pool["Arn"],
                "aws:sourceaccount": pool["Arn"].split(":")[4],
            },
        )
        result = self._allows(
            (base or {}).get("policy"), context, service="cognito-idp.amazonaws.com"
        )
        return bool(result.decision == "Allow")


def within(seconds: float, call: Callable[[], Record]) -> Record:
    """Return what a call returns, unless it takes longer than this."""
    answers: list[Record] = []
    context = contextvars.copy_context()
    worker = threading.Thread(target=lambda: answers.append(context.run(call)), daemon=True)
    worker.start()
    worker.join(seconds)
    if not answers:
        raise _TriggerError(
            "UnexpectedLambdaException",
            "PostConfirmation invocation failed: the function did not answer in time.",
        )
    return answers[0]
