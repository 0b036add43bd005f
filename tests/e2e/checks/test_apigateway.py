"""Checks of REST APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.checks.secret_texts import secrets_in

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def test_apigateway_restapi_authorizers_enabled(account: Account, check: Check) -> None:
    authorizers = {
        name: account.answer("apigateway", "get_authorizers", restApiId=api["id"])["items"]
        for name, api in account.apis.items()
    }
    check({name: bool(found) for name, found in authorizers.items()})


def test_apigateway_restapi_public_with_authorizer(account: Account, check: Check) -> None:
    test_apigateway_restapi_authorizers_enabled(account, check)


def test_aws_solutions_apig4(account: Account, check: Check) -> None:
    """Every method has an authorizer; AwsSolutions-COG4 asks for that of a user pool."""
    methods = account.methods.items()
    check({n: method.get("authorizationType") == "COGNITO_USER_POOLS" for n, method in methods})


def test_aws_solutions_apig2(account: Account, check: Check) -> None:
    """API Gateway refuses requests that are not as described."""
    methods = account.methods.items()
    check({name: bool(method.get("requestValidatorId")) for name, method in methods})


def test_apigateway_restapi_cache_encrypted(account: Account, check: Check) -> None:
    """There is no cache."""
    check({n: not stage.get("cacheClusterEnabled") for n, stage in account.stages.items()})


def test_apigateway_restapi_client_certificate_enabled(account: Account, check: Check) -> None:
    check({n: bool(stage.get("clientCertificateId")) for n, stage in account.stages.items()})


def test_aws_solutions_apig1(account: Account, check: Check) -> None:
    """The access log is kept, of every call."""
    check(
        {
            name: bool(stage.get("accessLogSettings", {}).get("destinationArn"))
            for name, stage in account.stages.items()
        }
    )


def test_apigateway_restapi_logging_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-APIG6."""
    results = {}
    for name, stage in account.stages.items():
        settings = stage["methodSettings"]
        levels = [method.get("loggingLevel", "OFF") for method in settings.values()]
        results[name] = "*/*" in settings and set(levels) <= {"ERROR", "INFO"}
        assert not any(method.get("dataTraceEnabled") for method in settings.values())
    check(results)


def test_apigateway_restapi_no_secrets_in_stage_variables(account: Account, check: Check) -> None:
    results = {}
    for name, stage in account.stages.items():
        text = "\n".join(f'{k} = "{v}"' for k, v in stage.get("variables", {}).items())
        results[name] = not secrets_in(text)
    check(results)


def test_apigateway_restapi_public(account: Account, check: Check) -> None:
    apis = account.apis.items()
    check({n: api["endpointConfiguration"]["types"] == ["PRIVATE"] for n, api in apis})


def test_apigateway_restapi_tracing_enabled(account: Account, check: Check) -> None:
    check({name: stage["tracingEnabled"] for name, stage in account.stages.items()})


def test_apigateway_restapi_waf_acl_attached(account: Account, check: Check) -> None:
    """AwsSolutions-APIG3."""
    check({name: bool(stage.get("webAclArn")) for name, stage in account.stages.items()})
