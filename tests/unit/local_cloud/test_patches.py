"""Patches of the emulator find what they mend, or say that it has moved."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import (
    browser_sessions,
    client_secrets,
    confirmation,
    dynamodb_conditions,
    groups,
    guests,
    hosted_ui,
    iam,
    metric_namespaces,
    names,
    principal_tags,
    refresh_grants,
    role_trust,
    ssm_parameters,
    streams,
    user_info,
)


class Evaluator(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("evaluator")
        self.pinned: list[tuple[str, bool]] = []
        self.pin_request_origin: Any = self._pin
        self._fnmatch_compile: Any = self._compile
        self._first_match: Any = self._first
        self._resolve_condition_key: Any = self._resolve

    def _pin(self, source_ip: str, secure_transport: bool) -> None:
        self.pinned.append((source_ip, secure_transport))

    def _compile(self, pattern: str, ignore_case: bool) -> re.Pattern[str]:
        return re.compile(pattern.replace("*", ".*"), re.IGNORECASE if ignore_case else 0)

    def _first(self, ctx: Any, stmts: list[Any], effect: str) -> Any:  # noqa: ARG002 - theirs
        return stmts[0]

    def _resolve(self, key: str, ctx: dict[str, Any]) -> Any:
        return ctx.get(key)


@dataclass
class Statement:
    """Stands in for the emulator's parsed statement."""

    resources: list[str]
    not_resources: list[str]
    conditions: dict[str, Any]


def test_every_request_counts_as_sent_over_tls() -> None:
    evaluator = Evaluator()
    iam.patch(evaluator)
    evaluator.pin_request_origin("127.0.0.1", False)
    assert evaluator.pinned == [("127.0.0.1", True)]


def test_wildcards_cover_line_breaks() -> None:
    evaluator = Evaluator()
    iam.patch(evaluator)
    assert evaluator._fnmatch_compile("bucket/*", False).match("bucket/a\nb")[0] == "bucket/a\nb"
    assert not evaluator._fnmatch_compile("bucket/*", False).match("Bucket/a")
    assert evaluator._fnmatch_compile("bucket/*", True).match("Bucket/a")


def test_variables_are_replaced_by_their_values() -> None:
    evaluator = Evaluator()
    iam.patch(evaluator)
    statement = Statement(
        ["home/${tag/name}/*"],
        ["${absent}"],
        {"StringLike": {"key": ["${tag/name}", "${tag/star}"]}},
    )
    context = {"tag/name": "ada", "tag/star": "*"}
    assert evaluator._first_match(context, [statement], "Allow") == Statement(
        ["home/ada/*"], ["${absent}"], {"StringLike": {"key": ["ada", "${tag/star}"]}}
    )
    assert statement.resources == ["home/${tag/name}/*"]


@pytest.mark.parametrize(
    "name", ["pin_request_origin", "_fnmatch_compile", "_first_match", "_resolve_condition_key"]
)
def test_a_function_that_has_moved_is_an_error(name: str) -> None:
    for replacement in (None, lambda request: request):
        evaluator = Evaluator()
        setattr(evaluator, name, replacement)
        with pytest.raises(LocalCloudError, match=rf"evaluator\.{name}.* has moved"):
            iam.patch(evaluator)


class Positions:
    """Stands in for the emulator's dictionary by account and region."""

    def __init__(self) -> None:
        self._data: dict[tuple[str, str, str], int] = {}


class LambdaService(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("lambda_service")
        self._dynamodb_stream_positions: Any = Positions()
        self._kinesis_positions = Positions()
        self._restore_esm_positions: Any = self._restore

    @staticmethod
    def _restore(store: Any, positions: dict[tuple[str, str, str], int]) -> None:
        store._data.update(positions)


def test_readers_of_tables_start_anew() -> None:
    service = LambdaService()
    streams.patch(service)
    saved = {("account", "region", "mapping"): 90}
    for store in (service._dynamodb_stream_positions, service._kinesis_positions):
        service._restore_esm_positions(store, saved)
    assert set(service._dynamodb_stream_positions._data.values()) == {0}
    assert service._kinesis_positions._data == saved


@pytest.mark.parametrize("name", ["_restore_esm_positions", "_dynamodb_stream_positions"])
def test_positions_that_have_moved_are_an_error(name: str) -> None:
    service = LambdaService()
    setattr(service, name, None)
    with pytest.raises(LocalCloudError, match=rf"lambda_service\.{name}.* has moved"):
        streams.patch(service)


class Store(dict[str, Any]):
    """Stands in for the emulator's dictionary by account and region."""

    get_scoped = dict.get


def _module(name: str, functions: dict[str, str]) -> ModuleType:
    """Return a stand-in with functions of these parameters."""
    module = ModuleType(name)
    for function, parameters in functions.items():
        _replace(module, function, parameters)
    if name in STORES:
        setattr(module, STORES[name], Store())
    return module


def _replace(module: ModuleType, name: str, parameters: str) -> None:
    stand_in: Any = partial(str)
    stand_in.__signature__ = inspect.Signature(
        [
            inspect.Parameter(parameter, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for parameter in parameters.split()
        ]
    )
    setattr(module, name, stand_in)


REQUEST = "method path headers query_params"
PAGE = (
    "client_id redirect_uri scope state response_type"
    " code_challenge code_challenge_method nonce error_message"
)
CODE_REDIRECT = {
    "_issue_auth_code_redirect": "client_id pool_id redirect_uri scope username nonce"
    " code_challenge code_challenge_method state"
}
FIND_CLIENT = {"_find_pool_by_client_id": "client_id"}
ERROR = {"error_response_json": "code message status extra message_key content_type"}

DISPATCH = {
    "json_response": "data status content_type",
    "_dispatch_idp": "action data",
    "_run_idp_handler": "handler action data",
    "_resolve_pool": "pool_id",
}

NAMES = {
    "cognito": ERROR
    | {"_resolve_user": "pool username", "_new_user_error": "pool username attr_dict"}
}
GROUPS = {"cognito": ERROR | DISPATCH | {"_group_out": "group"}}
GUESTS = {"cognito": ERROR | {"_get_id": "data"}}
SECRETS = {
    "cognito": FIND_CLIENT
    | ERROR
    | DISPATCH
    | {
        "_client_secret": "",
        "_authenticate_client": "headers form",
        "_delete_user_pool_client": "data",
    }
}
CONFIRMATION = {
    "cognito": ERROR
    | {
        "_pool_region": "pool_id",
        "_resolve_pool": "pool_id",
        "_pool_for_client": "cid",
        "_resolve_user": "pool username",
        "_attr_list_to_dict": "attrs",
        "_merge_attributes": "existing updates",
        "_sign_up": "data",
        "_confirm_sign_up": "data",
        "_admin_confirm_sign_up": "data",
        # pragma: allowlist nextline secret
        "_confirm_forgot_password": "data",
    },
    "lambda_service": {
        "_get_func_record_for_ref": "function_ref",
        "_get_base_func_record_for_ref": "function_ref",
        "_execution_record_for_config": "func config",
        "_execute_function_with_config_scope": "func event",
    },
    "evaluator": {
        "evaluate_resource_policy": "doc ctx service named_only direct_only",
        "EvalContext": "principal_arn principal_type principal_account action resource_arn region"
        " source_ip secure_transport request_tags tag_keys service_context principal_keys",
    },
}
HOSTED_UI = {
    "cognito": FIND_CLIENT
    | CODE_REDIRECT
    | {
        "_oauth2_error": "error description status",
        "_page_shell": "title heading body_html",
        "_resolve_user": "pool username",
        "_confirmation_code_error": "action data",
        "_login_page_html": PAGE,
        "_username_page_html": PAGE,
        "_qp": "query_params key default",
        "handle_oauth2_authorize": REQUEST,
        "handle_login_submit": "method path headers body query_params",
        "handle_logout": REQUEST,
        "run_reentrant": "fn args thread_name",
    },
    "app": {
        "_handle_cognito_get_request": REQUEST,
        "_handle_cognito_body_request": "method path headers body query_params",
    },
}
BROWSER_SESSIONS = {
    "cognito": FIND_CLIENT
    | CODE_REDIRECT
    | {
        "_qp": "query_params key default",
        "handle_oauth2_authorize": REQUEST,
        "handle_logout": REQUEST,
    }
}
REFRESH_GRANTS = {
    "cognito": FIND_CLIENT
    | {
        "_oauth2_token": "data query_params raw_body headers",
        "_authenticate_client": "headers form",
        "_refresh_auth_result": "pool pid cid refresh_token",
        "_token_claims": "token",
        "_id_token_granted": "scope",
        "_oauth2_error": "error description status",
    }
}
USER_INFO = {"cognito": {"handle_oauth2_userinfo": "method path headers body query_params"}}
METRIC_NAMESPACES = {
    "iam_actions": {
        "request_tag_context": "service iam_action body params",
        "_query_param": "query_params key",
    }
}
PRINCIPAL_TAGS = {
    "sts": {"register_session": "access_key session"},
    "cognito": {"_token_claims": "token"},
}
ROLE_TRUST = {
    "cognito": ERROR | {"_get_credentials_for_identity": "data"},
    "iam": {},
    "evaluator": CONFIRMATION["evaluator"],
}
CONDITIONS = {"iam_actions": {"dynamodb_service_context": "body"}, "dynamodb": {}}
SSM_PARAMETERS = {
    "iam_actions": {
        "extract_resource_arn": "service method path headers body query_params region account_id"
    },
    "evaluator": {
        "enforce": "access_key_id iam_action service region resource_arn service_context"
    },
}
STORES = {"cognito": "_identity_pools", "dynamodb": "_tables", "iam": "_roles"}
ALL = (
    (names.patch, NAMES),
    (groups.patch, GROUPS),
    (guests.patch, GUESTS),
    (client_secrets.patch, SECRETS),
    (confirmation.patch, CONFIRMATION),
    (refresh_grants.patch, REFRESH_GRANTS),
    (user_info.patch, USER_INFO),
    (browser_sessions.patch, BROWSER_SESSIONS),
    (hosted_ui.patch, HOSTED_UI),
    (principal_tags.patch, PRINCIPAL_TAGS),
    (role_trust.patch, ROLE_TRUST),
    (dynamodb_conditions.patch, CONDITIONS),
    (metric_namespaces.patch, METRIC_NAMESPACES),
    (ssm_parameters.patch, SSM_PARAMETERS),
)


@pytest.mark.parametrize(
    ("patch", "known", "module", "function"),
    [
        (patch, known, module, function)
        for patch, known in ALL
        for module, functions in known.items()
        for function in functions
    ],
)
def test_each_function_that_has_moved_is_an_error(
    patch: Callable[..., None], known: dict[str, dict[str, str]], module: str, function: str
) -> None:
    modules = {name: _module(name, functions) for name, functions in known.items()}
    delattr(modules[module], function)
    with pytest.raises(LocalCloudError, match=rf"{module}\.{function}\(.* has moved"):
        patch(*modules.values())

    modules = {name: _module(name, functions) for name, functions in known.items()}
    _replace(modules[module], function, "other")
    with pytest.raises(LocalCloudError, match=rf"{module}\.{function}\(.* has moved"):
        patch(*modules.values())

    modules = {name: _module(name, functions) for name, functions in known.items()}
    patch(*modules.values())


@pytest.mark.parametrize(
    ("patch", "known", "store"),
    [
        (guests.patch, GUESTS, "cognito"),
        (principal_tags.patch, PRINCIPAL_TAGS, "cognito"),
        (role_trust.patch, ROLE_TRUST, "cognito"),
        (role_trust.patch, ROLE_TRUST, "iam"),
        (dynamodb_conditions.patch, CONDITIONS, "dynamodb"),
    ],
)
def test_a_store_that_has_moved_is_an_error(
    patch: Callable[..., None], known: dict[str, dict[str, str]], store: str
) -> None:
    modules = {name: _module(name, functions) for name, functions in known.items()}
    delattr(modules[store], STORES[store])
    with pytest.raises(LocalCloudError, match=rf"{store}\.{STORES[store]} has moved"):
        patch(*modules.values())
