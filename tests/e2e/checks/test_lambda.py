"""Checks of functions."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from typing import TYPE_CHECKING

from tests.e2e.checks.policies import statements
from tests.e2e.checks.secret_texts import secrets_in

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check

# Not deprecated by AWS, and with the sources of this repository written for the last one.
RUNTIMES = ("python3.13",)


def test_awslambda_function_env_vars_not_encrypted_with_cmk(account: Account, check: Check) -> None:
    functions = account.functions.items()
    check({n: not f.get("Environment") or bool(f.get("KMSKeyArn")) for n, f in functions})


def test_awslambda_function_inside_vpc(account: Account, check: Check) -> None:
    functions = account.functions.items()
    check({name: bool(f.get("VpcConfig", {}).get("SubnetIds")) for name, f in functions})


def test_awslambda_function_no_dead_letter_queue(account: Account, check: Check) -> None:
    functions = account.functions.items()
    check({name: "DeadLetterConfig" in function for name, function in functions})


def test_awslambda_function_no_secrets_in_code(account: Account, check: Check) -> None:
    """Of what is deployed, the modules of this repository; others are pinned by their hashes."""
    results = {}
    for name, function in account.functions.items():
        code = account.answer("lambda", "get_function", FunctionName=function["FunctionName"])
        with urllib.request.urlopen(code["Code"]["Location"]) as answer:  # noqa: S310 - the account's
            package = zipfile.ZipFile(io.BytesIO(answer.read()))
        own = (function["Handler"].split(".")[0], "lambda_common")
        files = [file for file in package.namelist() if file.split("/")[0] in own]
        assert any(file.endswith(".py") for file in files), name
        for file in files:
            text = package.read(file).decode()
            results[f"{name}/{file}"] = not secrets_in(text)
    check(results)


def test_awslambda_function_no_secrets_in_variables(account: Account, check: Check) -> None:
    results = {}
    for name, function in account.functions.items():
        for variable, value in function["Environment"]["Variables"].items():
            results[f"{name}/{variable}"] = not secrets_in(f'{variable} = "{value}"')
    check(results)


def test_awslambda_function_not_publicly_accessible(account: Account, check: Check) -> None:
    """Services call for this account alone, since they act for whoever has one."""
    results = {}
    for name, function in account.functions.items():
        answer = account.answer(
            "lambda",
            "get_policy",
            "ResourceNotFoundException",
            FunctionName=function["FunctionName"],
        )
        results[name] = all(
            statement.get("Condition", {}).get("StringEquals", {}).get("AWS:SourceAccount")
            == account.number
            for statement in statements(answer and answer["Policy"])
        )
    check(results)


def has_url(account: Account) -> dict[str, bool]:
    """Return which functions have an address of their own."""
    return {
        name: account.answer(
            "lambda",
            "get_function_url_config",
            "ResourceNotFoundException",
            FunctionName=function["FunctionName"],
        )
        is not None
        for name, function in account.functions.items()
    }


def test_awslambda_function_url_cors_policy(account: Account, check: Check) -> None:
    check({name: not url for name, url in has_url(account).items()})


def test_awslambda_function_url_public(account: Account, check: Check) -> None:
    check({name: not url for name, url in has_url(account).items()})


def test_awslambda_function_using_cross_account_layers(account: Account, check: Check) -> None:
    check({name: not function.get("Layers") for name, function in account.functions.items()})


def test_awslambda_function_using_supported_runtimes(account: Account, check: Check) -> None:
    """AwsSolutions-L1."""
    check({name: f["Runtime"] in RUNTIMES for name, f in account.functions.items()})
