"""`ssm_parameters` without AWS: values, plans, and the exact calls of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from ansible.module_utils.artificien.ssm import (
    apply_parameters,
    check_path,
    desired_parameters,
    plan_parameters,
    read_parameters,
    to_tree,
)

from library.ssm_parameters import plan_absent, plan_present

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

PATH = "/mall/prod/shop"
OWNED = {"owner": "shop"}
TAG_LIST = [{"Key": "owner", "Value": "shop"}]


def options(**given: Any) -> dict[str, Any]:
    """Return the module's options with those of `given` changed."""
    base: dict[str, Any] = {
        "path": PATH,
        "parameters": {"url": "u"},
        "tags": None,
        "purge_tags": True,
        "purge": True,
    }
    return base | given


def listed(*keys: str, kind: str = "String", **more: Any) -> dict[str, Any]:
    """Return a page of GetParametersByPath with a value of `1` for each of `keys`."""
    parameters = [{"Name": f"{PATH}/{key}", "Type": kind, "Value": "1"} for key in keys]
    return {"Parameters": parameters, **more}


def model(tags: dict[str, Any] | None = None, **parameters: str) -> dict[str, Any]:
    """Return the model of a path."""
    return {"parameters": parameters} | ({} if tags is None else {"tags": tags})


@pytest.mark.parametrize(
    ("path", "levels"),
    [
        ("/", 1),
        ("", 1),
        ("mall/prod/shop", 1),
        ("/mall//shop", 1),
        ("/mall/prod/shop/", 1),
        ("/mall/pr od", 1),
        ("/mall/prod/shop\n", 1),
        ("/mall/prod", 3),
    ],
)
def test_a_path_that_is_malformed_or_too_short_is_refused(path: str, levels: int) -> None:
    with pytest.raises(ReconcileError, match=f"give at least {levels} names"):
        check_path(path, levels=levels)


def test_a_path_of_one_component_is_accepted() -> None:
    check_path(PATH, levels=3)
    check_path("/mall/prod/shop_2.a-b/window", levels=3)
    check_path("/mall", levels=1)


def test_a_path_that_others_share_is_neither_written_nor_deleted(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, _ = stubbed("ssm")
    for plan in (plan_present, plan_absent):
        with pytest.raises(ReconcileError, match="path is '/mall/prod'"):
            plan(client, options(path="/mall/prod"))


def test_values_are_rendered_as_text() -> None:
    values = {"url": "u", "port": 443, "none": 0, "open": True, "shut": False, "a/b.c": "x"}
    assert desired_parameters(values) == {
        "url": "u",
        "port": "443",
        "none": "0",
        "open": "true",
        "shut": "false",
        "a/b.c": "x",
    }


@pytest.mark.parametrize("value", ["", None, [], {}, ["a"], {"a": "b"}, 1.5])
def test_a_value_that_ssm_does_not_take_is_refused(value: object) -> None:
    with pytest.raises(ReconcileError, match=r"parameters\.url is .*leave the key out"):
        desired_parameters({"url": value})


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a b", "é"])
def test_a_key_that_ssm_does_not_take_is_refused(key: str) -> None:
    with pytest.raises(ReconcileError, match="parameters has the key"):
        desired_parameters({key: "1"})


def test_a_tree_is_nested_by_slashes() -> None:
    flat = {"url": "u", "buckets/bills": "b", "buckets/old/bills": "o", "buckets-x": "x"}
    assert to_tree(flat) == {
        "url": "u",
        "buckets": {"bills": "b", "old": {"bills": "o"}},
        "buckets-x": "x",
    }
    assert to_tree({}) == {}


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"a/b/c/d": "1", "a/b": "2"}, "a/b/c/d lies below a/b,"),
        ({"a": "1", "a-b": "2", "a/b": "3"}, "a/b lies below a,"),
    ],
)
def test_a_key_is_a_leaf_or_a_branch(flat: dict[str, str], words: str) -> None:
    with pytest.raises(ReconcileError, match=words):
        to_tree(flat)
    with pytest.raises(ReconcileError, match=words):
        desired_parameters(flat)


def test_all_pages_are_read(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ssm")
    asked: dict[str, Any] = {"Path": PATH, "Recursive": True}
    stubber.add_response("get_parameters_by_path", listed("a", NextToken="more"), asked)
    # AWS may answer an empty page before the last one.
    stubber.add_response(
        "get_parameters_by_path", listed(NextToken="last"), asked | {"NextToken": "more"}
    )
    stubber.add_response("get_parameters_by_path", listed("b/c"), asked | {"NextToken": "last"})
    assert read_parameters(client, PATH) == {"a": "1", "b/c": "1"}


@pytest.mark.parametrize("kind", ["SecureString", "StringList"])
def test_secrets_and_lists_are_refused_without_their_value(
    stubbed: Callable[[str], tuple[Any, Stubber]], kind: str
) -> None:
    client, stubber = stubbed("ssm")
    page = listed("door", kind=kind)
    page["Parameters"][0]["Value"] = "hush"
    stubber.add_response("get_parameters_by_path", page)
    with pytest.raises(ReconcileError, match=f"{PATH}/door is a {kind}.*Secrets Manager") as caught:
        read_parameters(client, PATH)
    assert "hush" not in str(caught.value)


def test_an_error_names_the_path(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_client_error("get_parameters_by_path", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match=f"read the parameters below {PATH}: AccessDenied"):
        read_parameters(client, PATH)


@pytest.mark.parametrize(
    ("current", "parameters", "tags", "flags", "after"),
    [
        (model(), {}, None, {}, model()),
        (model(), {"a": "1"}, None, {}, model(a="1")),
        (model(a="1"), {"a": "1"}, None, {}, model(a="1")),
        (model(a="1"), {"a": "2"}, None, {}, model(a="2")),
        (model(a="1", b="1"), {"a": "1"}, None, {}, model(a="1")),
        (model(a="1", b="1"), {"a": "2"}, None, {"purge": False}, model(a="2", b="1")),
        (model({"a": OWNED}, a="1"), {"a": "1"}, OWNED, {}, model({"a": OWNED}, a="1")),
        (model({"a": {"x": "1"}}, a="1"), {"a": "1"}, OWNED, {}, model({"a": OWNED}, a="1")),
        (
            model({"a": {"x": "1"}}, a="1"),
            {"a": "1", "b": "1"},
            OWNED,
            {"purge_tags": False},
            model({"a": OWNED | {"x": "1"}, "b": OWNED}, a="1", b="1"),
        ),
    ],
)
def test_plan(
    current: dict[str, Any],
    parameters: dict[str, str],
    tags: dict[str, str] | None,
    flags: dict[str, bool],
    after: dict[str, Any],
) -> None:
    flags = {"purge": True, "purge_tags": True} | flags
    plan = plan_parameters(PATH, current, parameters, tags, **flags)
    assert plan.after == after
    assert plan.changed is (current != after)


def test_only_parameters_that_exist_and_are_listed_are_asked_for_tags(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_response("get_parameters_by_path", listed("a", "unlisted"))
    stubber.add_response(
        "list_tags_for_resource",
        {"TagList": [*TAG_LIST, {"Key": "aws:cloudformation:stack-name", "Value": "mall"}]},
        {"ResourceType": "Parameter", "ResourceId": f"{PATH}/a"},
    )
    plan = plan_present(client, options(parameters={"a": 1, "new": 1}, tags=OWNED))
    assert plan.before == model({"a": OWNED}, a="1", unlisted="1")
    assert plan.after == model({"a": OWNED, "new": OWNED}, a="1", new="1")


def test_without_tags_one_call_reads_all(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_response("get_parameters_by_path", listed("url"))
    assert not plan_present(client, options(parameters={"url": "1"})).changed


def test_absent_deletes_all_below_the_path(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_response("get_parameters_by_path", listed("a", "b/c"))
    assert plan_absent(client, options(parameters=None)).after == model()
    stubber.add_response("get_parameters_by_path", listed())
    assert not plan_absent(client, options(parameters=None)).changed


def test_only_what_differs_is_written(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ssm")
    # SSM refuses tags together with an overwrite.
    stubber.add_response(
        "put_parameter",
        {},
        {"Name": f"{PATH}/value", "Value": "2", "Type": "String", "Overwrite": True},
    )
    at_tagged = {"ResourceType": "Parameter", "ResourceId": f"{PATH}/tagged"}
    stubber.add_response("remove_tags_from_resource", {}, at_tagged | {"TagKeys": ["old"]})
    stubber.add_response("add_tags_to_resource", {}, at_tagged | {"Tags": TAG_LIST})
    stubber.add_response(
        "put_parameter",
        {},
        {"Name": f"{PATH}/new", "Value": "1", "Type": "String", "Tags": TAG_LIST},
    )
    stubber.add_response("delete_parameters", {}, {"Names": [f"{PATH}/gone"]})
    before = model(
        {"same": OWNED, "value": OWNED, "tagged": {"old": "1"}},
        same="1",
        value="1",
        tagged="1",
        gone="1",
    )
    tags = dict.fromkeys(("same", "value", "tagged", "new"), OWNED)
    after = model(tags, same="1", value="2", tagged="1", new="1")
    apply_parameters(client, Plan(PATH, before, after))


def test_deletions_go_in_batches_of_ten(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ssm")
    keys = [f"k{number}" for number in range(21)]
    for batch in (keys[:10], keys[10:20], keys[20:]):
        stubber.add_response("delete_parameters", {}, {"Names": [f"{PATH}/{key}" for key in batch]})
    before = {"parameters": dict.fromkeys(keys, "1")}
    apply_parameters(client, Plan(PATH, before, model()))
