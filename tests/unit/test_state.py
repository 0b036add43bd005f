"""How the state of an account is written down: the same for accounts that are set up alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.state.canonical import Found, canonical


def account(vpc: str, address: str, *, rule: str = "443", **more: Any) -> dict[str, list[Any]]:
    """Return the state of an account in which `vpc` and `address` are what chance chose."""
    policy = {"Statement": [{"Resource": f"arn:aws:ec2:::{vpc}", "Action": ["b", "a"]}]}
    found = [
        Found("vpc", "shop", {"VpcId": vpc, "CreateTime": datetime.now(UTC)} | more, (vpc,)),
        Found("group", f"web of {vpc}", {"Rules": [rule, "80"], "VpcId": vpc}),
        Found("policy", "shop", {"Document": json.dumps(policy), "VersionId": vpc[-1]}),
        Found("parameter", "url", f"{address}/{vpc}"),
    ]
    return canonical(found, {address: "<endpoint>"})


ONE = account("vpc-1", "http://127.0.0.1:1")


def test_accounts_that_are_set_up_alike_are_equal() -> None:
    assert account("vpc-22", "http://127.0.0.1:22") == ONE
    assert ONE["group web of <vpc shop>"] == [{"Rules": ["443", "80"], "VpcId": "<vpc shop>"}]
    assert ONE["parameter url"] == ["<endpoint>/<vpc shop>"]
    assert ONE["policy shop"][0]["Document"]["Statement"][0] == {
        "Resource": "arn:aws:ec2:::<vpc shop>",
        "Action": ["a", "b"],
    }


def test_another_setting_is_another_state() -> None:
    assert account("vpc-1", "http://127.0.0.1:1", rule="8443") != ONE
    assert account("vpc-1", "http://127.0.0.1:1", Tenancy="dedicated") != ONE


def test_what_is_there_twice_is_told_twice() -> None:
    twice = canonical([Found("vpc", "", {"Cidr": cidr}, (cidr,)) for cidr in ("10", "20")], {})
    assert twice == {"vpc (no name)": [{"Cidr": "<vpc >"}, {"Cidr": "<vpc >"}]}


def test_the_order_is_kept_where_it_means_something() -> None:
    rules = [{"source": "/b"}, {"source": "/a"}]
    (app,) = canonical([Found("app", "shop", {"customRules": rules, "other": rules})], {})[
        "app shop"
    ]
    assert app["customRules"] == rules
    assert app["other"] == rules[::-1]
