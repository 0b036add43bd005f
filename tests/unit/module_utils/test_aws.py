"""`aws`: errors become one kind, tags change form, and check mode applies nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from ansible.module_utils.artificien.aws import (
    RETRIES,
    AwsError,
    aws_call,
    changed_tags,
    client,
    converge,
    error_code,
    from_tag_list,
    none_if_missing,
    own_tags,
    result,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from botocore.exceptions import ClientError, EndpointConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

NEW = Plan("new", None, {"size": 1})
SAME = Plan("same", {"size": 1}, {"size": 1})


class FailedModuleError(Exception):
    """What `fail_json` ends a module with in these tests."""


@dataclass
class Module:
    """The part of AnsibleAWSModule that `aws` uses."""

    check_mode: bool = False
    clients: list[tuple[str, Any]] = field(default_factory=list)

    def client(self, service: str, **options: Any) -> str:
        """Remember what was asked for, and stand in for the client by its name."""
        self.clients.append((service, options["aws_config"]))
        return service

    def fail_json(self, msg: str) -> NoReturn:
        """End the module."""
        raise FailedModuleError(msg)


def refusal(code: str) -> ClientError:
    """Return the error that AWS answers with `code`."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "ReadBox")


def run(module: Any, plans: Callable[[], list[Plan]]) -> tuple[list[Plan], list[Plan]]:
    """Converge and return the plans made and the plans applied."""
    applied: list[Plan] = []
    return converge(module, plans, applied.append), applied


def test_clients_retry_throttling() -> None:
    module: Any = Module()
    assert client(module, "dynamodb") == "dynamodb"
    assert module.clients == [("dynamodb", RETRIES)]


def test_a_call_that_succeeds_returns_its_value() -> None:
    @aws_call("add to {0}")
    def add(_client: object, number: int, *, more: int) -> int:
        return number + more

    assert add(None, 1, more=2) == 3


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (refusal("AccessDenied"), "Failed to read box red of size 3: AccessDenied: no"),
        (
            EndpointConnectionError(endpoint_url="http://box"),
            'Failed to read box red of size 3: Could not connect to the endpoint URL: "http://box"',
        ),
        # Some answers to HEAD requests have no body, so no message.
        (
            ClientError({"Error": {"Code": "403"}}, "HeadBox"),
            "Failed to read box red of size 3: 403: ",
        ),
    ],
)
def test_an_error_names_the_attempt_and_the_cause(error: Exception, message: str) -> None:
    @aws_call("read box {0} of size {1}")
    def read(_client: object, _name: str, _size: int) -> None:
        raise error

    with pytest.raises(AwsError) as caught:
        read(None, "red", 3)
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


def test_errors_of_our_own_pass_unchanged() -> None:
    @aws_call("read box {0}")
    def read(_client: object, _name: str) -> None:
        raise ReconcileError("paint it first")

    with pytest.raises(ReconcileError, match=r"^paint it first$"):
        read(None, "red")


def test_only_the_named_codes_mean_missing() -> None:
    @none_if_missing("NoSuchBox", "NoSuchShelf")
    def read(code: str | None) -> str:
        if code:
            raise refusal(code)
        return "box"

    assert read(None) == "box"
    assert read("NoSuchBox") is None
    assert read("NoSuchShelf") is None
    with pytest.raises(ClientError, match="AccessDenied"):
        read("AccessDenied")


def test_an_error_without_a_code_is_unknown() -> None:
    assert error_code(refusal("Throttling")) == "Throttling"
    assert error_code(ClientError({}, "ReadBox")) == "Unknown"


def test_waiting_polls_until_ready() -> None:
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), "the box", timeout_seconds=5, interval_seconds=0)
    assert list(answers) == []


def test_waiting_ends_with_the_remedy() -> None:
    with pytest.raises(AwsError, match=r"Waited 0 s for the box\. .*run the playbook again"):
        wait_until(lambda: False, "the box", timeout_seconds=0)


def test_tags_change_form_and_back() -> None:
    tags = {"owner": "shop", "env": "prod"}
    listed = to_tag_list(tags)
    assert listed == [{"Key": "env", "Value": "prod"}, {"Key": "owner", "Value": "shop"}]
    assert from_tag_list(listed) == tags
    assert from_tag_list([]) == {}


def test_tags_of_aws_are_not_seen() -> None:
    tags = {"aws:cloudformation:stack-name": "mall", "awsome": "1", "owner": "shop"}
    assert own_tags(tags) == {"awsome": "1", "owner": "shop"}
    assert from_tag_list(to_tag_list(tags)) == {"awsome": "1", "owner": "shop"}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (
            {"tags": {"a": "1", "b": "1"}},
            {"tags": {"a": "2", "c": "1"}},
            ({"a": "2", "c": "1"}, ["b"]),
        ),
        ({"tags": {"a": "1"}}, {"tags": {"a": "1"}}, ({}, [])),
        (None, {"tags": {"a": "1"}}, ({"a": "1"}, [])),
        ({"tags": {"b": "1", "a": "1"}}, {"tags": None}, ({}, ["a", "b"])),
        ({}, {}, ({}, [])),
    ],
)
def test_changed_tags(
    before: dict[str, Any] | None, after: dict[str, Any], changed: tuple[Any, Any]
) -> None:
    assert changed_tags(Plan("box", before, after)) == changed


def test_converge_applies_only_what_changes() -> None:
    assert run(Module(), lambda: [SAME, NEW]) == ([SAME, NEW], [NEW])


def test_converge_applies_nothing_in_check_mode() -> None:
    assert run(Module(check_mode=True), lambda: [SAME, NEW]) == ([SAME, NEW], [])


@pytest.mark.parametrize("error", [AwsError("no answer"), ReconcileError("paint it first")])
@pytest.mark.parametrize("check_mode", [False, True])
def test_converge_ends_the_module_when_planning_fails(error: Exception, check_mode: bool) -> None:
    def plans() -> list[Plan]:
        raise error

    with pytest.raises(FailedModuleError, match=str(error)):
        run(Module(check_mode), plans)


def test_converge_ends_the_module_when_applying_fails() -> None:
    def refuse(_plan: Plan) -> None:
        raise AwsError("no answer")

    module: Any = Module()
    with pytest.raises(FailedModuleError, match="no answer"):
        converge(module, lambda: [NEW], refuse)


def test_converge_hides_no_defect() -> None:
    with pytest.raises(ZeroDivisionError):
        run(Module(), lambda: [NEW] * (1 // 0))


def test_result_is_changed_if_any_plan_is() -> None:
    assert result([SAME]) == {"changed": False, "diff": {"before": {}, "after": {}}}
    assert result([SAME, NEW]) == {
        "changed": True,
        "diff": {"before": {}, "after": {"new": {"size": 1}}},
    }
