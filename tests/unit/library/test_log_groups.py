"""`log_groups` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.logs import apply_group, desired_group, read_group
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.log_groups import plan_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME = "/aws/lambda/orders"
ARN = f"arn:aws:logs:us-east-1:111122223333:log-group:{NAME}"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
OTHER_KEY = KEY.replace("1234", "5678")


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `groups` as Ansible passes it."""
    return {"name": NAME, "retention_days": None, "kms_key": None, "tags": None} | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return a log group's model with `fields` changed."""
    return {"retention_days": 30, "kms_key": "aws_managed", "tags": {}} | fields


def description(name: str = NAME, **fields: Any) -> dict[str, Any]:
    """Return one log group as DescribeLogGroups answers."""
    return {"logGroupName": name, "arn": f"{ARN.removesuffix(NAME)}{name}:*"} | fields


def add_group(stubber: Stubber, tags: dict[str, str], **fields: Any) -> None:
    """Make the account answer with one log group."""
    stubber.add_response(
        "describe_log_groups",
        {"logGroups": [description(**fields)]},
        {"logGroupNamePrefix": NAME},
    )
    stubber.add_response("list_tags_for_resource", {"tags": tags}, {"resourceArn": ARN})


@pytest.mark.parametrize(
    ("wanted", "purge_tags", "after"),
    [
        (option(), True, model(tags={"a": "1"})),
        (option(retention_days=30, tags={"a": "1"}), True, model(tags={"a": "1"})),
        (option(retention_days=1096), True, model(retention_days=1096, tags={"a": "1"})),
        (option(tags={"b": "2"}), True, model(tags={"b": "2"})),
        (option(tags={"b": "2"}), False, model(tags={"a": "1", "b": "2"})),
        (option(kms_key=KEY), True, model(kms_key=KEY, tags={"a": "1"})),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    wanted: dict[str, Any],
    purge_tags: bool,
    after: dict[str, Any],
) -> None:
    client, stubber = stubbed("logs")
    add_group(stubber, {"a": "1"}, retentionInDays=30)
    params = {"groups": [wanted], "purge_tags": purge_tags, "state": "present"}
    assert plan_groups(client, params) == [Plan(NAME, model(tags={"a": "1"}), after)]


@pytest.mark.parametrize("key", ["alias/orders", "1234abcd", KEY.replace("key/", "alias/")])
def test_a_key_that_aws_would_answer_in_another_form_is_refused(key: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: kms_key is '{key}'; give aws_managed"):
        desired_group(option(kms_key=key))
    assert desired_group(option(kms_key=KEY))["kms_key"] == KEY


def test_read_finds_the_exact_name_on_a_later_page(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response(
        "describe_log_groups",
        {"logGroups": [description(f"{NAME}-archive")], "nextToken": "more"},
        {"logGroupNamePrefix": NAME},
    )
    stubber.add_response(
        "describe_log_groups",
        {"logGroups": [description(retentionInDays=14, kmsKeyId=KEY)]},
        {"logGroupNamePrefix": NAME, "nextToken": "more"},
    )
    stubber.add_response(
        "list_tags_for_resource",
        {"tags": {"a": "1", "aws:cloudformation:stack-name": "theirs"}},
        {"resourceArn": ARN},
    )
    read = read_group(client, NAME)
    assert read == model(retention_days=14, kms_key=KEY, tags={"a": "1"})


def test_read_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("describe_log_groups", {"logGroups": [description(f"{NAME}-archive")]})
    assert read_group(client, NAME) is None
    stubber.add_client_error("describe_log_groups", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"read log group {NAME}: AccessDeniedException: not yours"):
        read_group(client, NAME)


def test_a_new_group_is_encrypted_from_its_first_event(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response(
        "create_log_group", {}, {"logGroupName": NAME, "tags": {"a": "1"}, "kmsKeyId": KEY}
    )
    stubber.add_response(
        "put_retention_policy", {}, {"logGroupName": NAME, "retentionInDays": 3653}
    )
    after = model(retention_days=3653, kms_key=KEY, tags={"a": "1"})
    apply_group(client, Plan(NAME, None, after))


@pytest.mark.parametrize("after", [{}, {"kms_key": "aws_managed", "tags": {}}])
def test_a_new_group_needs_no_more_than_a_name(
    stubbed: Callable[[str], tuple[Any, Stubber]], after: dict[str, Any]
) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("create_log_group", {}, {"logGroupName": NAME})
    apply_group(client, Plan(NAME, None, after))


@pytest.mark.parametrize(
    ("before", "after", "call", "request_"),
    [
        (
            model(),
            model(retention_days=1096),
            "put_retention_policy",
            {"retentionInDays": 1096},
        ),
        (model(), model(kms_key=KEY), "associate_kms_key", {"kmsKeyId": KEY}),
        (
            model(kms_key=KEY),
            model(kms_key=OTHER_KEY),
            "associate_kms_key",
            {"kmsKeyId": OTHER_KEY},
        ),
        (model(kms_key=KEY), model(), "disassociate_kms_key", {}),
        (model(), None, "delete_log_group", {}),
    ],
)
def test_a_change_is_one_call(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    before: dict[str, Any],
    after: dict[str, Any] | None,
    call: str,
    request_: dict[str, Any],
) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response(call, {}, {"logGroupName": NAME} | request_)
    apply_group(client, Plan(NAME, before, after))


def test_tags_are_set_and_removed_one_by_one(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("describe_log_groups", {"logGroups": [description()]})
    stubber.add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"c": "4"}})
    before, after = model(tags={"a": "1", "b": "2", "c": "3"}), model(tags={"b": "2", "c": "4"})
    apply_group(client, Plan(NAME, before, after))
