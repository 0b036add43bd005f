"""Whether a contradiction between a plan and its run is found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.calls import Call, Calls
from tests.plans import Task, agree, contradictions, tasks_of

if TYPE_CHECKING:
    from pathlib import Path

DIFF = [{"before": {"days": 30}, "after": {"days": 60}}]
TASK = Task("storage", "Converge", 0, "localhost", "s3_buckets", True, DIFF, 1.0, 2.0)
OTHER = replace(TASK, name="Publish", module="ssm_parameters", changed=False, start=3, end=4)
ON_A_HOST = replace(TASK, name="Configure", host="pygrid", module="ansible.builtin.template")
WRITE = Call(1.5, "s3:PutLifecycleConfiguration", "arn:aws:s3:::b")


def test_a_run_that_does_what_its_plan_said_contradicts_nothing() -> None:
    assert contradictions([TASK, OTHER], [TASK, OTHER], [WRITE]) == []
    assert contradictions([ON_A_HOST], [ON_A_HOST], []) == []


@pytest.mark.parametrize(
    ("plan", "run", "writes", "told"),
    [
        ([replace(TASK, changed=False)], [TASK], [WRITE], "was not planned"),
        ([], [TASK], [WRITE], "was not planned"),
        ([TASK, OTHER], [TASK, OTHER], [WRITE, replace(WRITE, time=3.5)], "was not planned"),
        ([TASK], [replace(TASK, changed=False)], [], "changed nothing"),
        ([replace(TASK, diff=[])], [TASK], [WRITE], "was planned as"),
        ([TASK], [TASK], [], "made no call"),
        ([TASK, ON_A_HOST], [TASK], [WRITE], "did not run"),
        ([TASK], [TASK], [WRITE, replace(WRITE, time=2.5)], "belongs to no task"),
        ([ON_A_HOST], [], [], "did not run"),
    ],
)
def test_a_contradiction_is_told(
    plan: list[Task], run: list[Task], writes: list[Call], told: str
) -> None:
    (found,) = contradictions(plan, run, writes)
    assert told in found


@pytest.mark.parametrize(
    ("planned", "done", "same"),
    [
        ({"id": "unknown", "tags": ["a"]}, {"id": "vpc-1", "tags": ["a"]}, True),
        ({"id": "unknown"}, {"id": ""}, False),
        ({"url": "https://address-to-come/hub"}, {"url": "https://192.0.2.1/hub"}, True),
        ({"url": "https://address-to-come/hub"}, {"url": "https://192.0.2.1/"}, False),
        ({"record": "_to-come.example.com"}, {"record": "_1.example.com"}, True),
        ({"of unknown": 1, "b": 2}, {"of vpc-1": 1, "b": 2}, True),
        ({"id": "unknown"}, {"name": "vpc-1"}, False),
        ([1, 2], [1], False),
        ({"days": 30}, {"days": 60}, False),
    ],
)
def test_only_what_is_yet_to_come_may_differ(planned: Any, done: Any, *, same: bool) -> None:
    assert agree(planned, done) is same


def test_tasks_are_read_with_their_diffs_and_times() -> None:
    def task(name: str, **result: Any) -> dict[str, Any]:
        times = {"start": "2026-01-01T00:00:00.5Z", "end": "2026-01-01T00:00:01Z"}
        return {
            "task": {"name": name, "duration": times},
            "hosts": {"localhost": {"action": "log_groups", **result}},
        }

    diff = {"before": "a", "after": "b", "before_header": "/tmp/1"}  # noqa: S108 - as it is told
    report = {
        "plays": [
            {
                "play": {"path": "/srv/project/playbooks/storage.yml:1"},
                "tasks": [
                    task("Make", changed=True, results=[{"diff": diff}, {"diff": [diff]}, {}]),
                    task("Skip", skipped=True),
                    task("Make", changed=False),
                ],
            }
        ]
    }
    first, second = tasks_of(f"[WARNING]: {{\n{json.dumps(report, indent=1)}\n[WARNING]: }}\n")
    assert first.key == ("storage", "Make", 0, "localhost")
    assert second.key == ("storage", "Make", 1, "localhost")
    assert first.diff == [{"before": "a", "after": "b"}] * 2
    assert first.end - first.start == pytest.approx(0.5)
    assert (first.changed, second.changed, second.diff) == (True, False, [])


def test_calls_that_write_are_those_of_the_deployer(tmp_path: Path) -> None:
    def line(action: str, role: str = "artificien-local-deployer", decision: str = "Allow") -> str:
        principal = f"arn:aws:sts::000000000000:assumed-role/{role}/session"
        told = {"time": 1, "principal": principal, "action": action, "resource": "*"}
        return json.dumps(told | {"decision": decision})

    file = tmp_path / "decisions.jsonl"
    assert Calls(file).writes() == []
    reads = ["cognito-idp:AdminGetUser", "apigateway:GET", "s3:ListBucket", "iam:PassRole"]
    file.write_text("".join(f"{line(action)}\n" for action in [*reads, "s3:PutObject"]))
    position = Calls(file).position
    with file.open("a") as lines:
        lines.write(f"{line('apigateway:PATCH')}\n{line('s3:PutObject', 'host')}\n")
        lines.write(f"{line('s3:PutObject', decision='ImplicitDeny')}\n")
        lines.write(line("s3:DeleteObject"))
    assert [call.action for call in Calls(file).writes()] == ["s3:PutObject", "apigateway:PATCH"]
    assert [call.action for call in Calls(file).writes(position)] == ["apigateway:PATCH"]
