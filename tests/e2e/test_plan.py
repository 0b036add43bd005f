"""The plan is the truth: a deployment does what its plan said, and then there is nothing to do."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.calls import Call, Calls
from tests.cloud import ROOT
from tests.deployment import SOAK
from tests.plans import TOLD_AS_JSON, contradictions, tasks_of
from tests.registrar import CREDENTIALS, ZONE, Registrar, proxy
from tests.state import differences, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.checkout import Checkout
    from tests.deployment import Platform
    from tests.plans import Task

# pragma: allowlist nextline secret
REGISTRAR_SECRET = "artificien-local-godaddy"  # noqa: S105 - its name
TELL_NOTHING = {
    # pragma: allowlist nextline secret
    "cognito_client_secret": "it is an operation: test_a_rotation_is_what_its_plan_said",
    "demo_data": "its files are but an input of dynamodb_seed",
    "ssm_parameters_file": "its file is a copy of what is deployed",
    "stale_services": "only after a run that was killed: test_host_interruptions",
}
"""Modules that no configuration has report a change."""


@dataclass(frozen=True)
class Change:
    """An entry of changes.yml, which says what its fields mean."""

    tag: str
    modules: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    back: dict[str, Any] = field(default_factory=dict)
    drift: str = ""
    quick: bool = False

    def __str__(self) -> str:
        """Return how messages and reports name it."""
        return f"{self.tag}: {', '.join(self.values) or self.drift}"


CHANGES = [
    Change(**entry) for entry in yaml.safe_load(Path(__file__).with_name("changes.yml").read_text())
]
AT_ONCE = [change for change in CHANGES if change.quick]


class TimedRegistrar(Registrar):
    """A registrar that knows when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def answer(self, method: str, path: str, authorization: str, body: str) -> tuple[int, str]:
        """Return status and content of the answer to a request."""
        self.calls.append(Call(time.time(), f"godaddy:{method}", path))
        return super().answer(method, path, authorization, body)


@dataclass(frozen=True)
class Deployments:
    """Plans and runs of the platform, and the calls that they made."""

    platform: Platform
    registrar: TimedRegistrar

    def play(self, *arguments: str) -> tuple[list[Task], list[Call]]:
        """Run ansible-playbook; return what it told, and the calls that may have changed things."""
        calls = Calls(self.platform.folder / "local/decisions.jsonl")
        position, known = calls.position, len(self.registrar.calls)
        tasks = tasks_of(self.platform.play(*arguments).text)
        others = [call for call in self.registrar.calls[known:] if call.writes]
        return tasks, calls.writes(position) + others

    def plan(self, *arguments: str) -> list[Task]:
        """Return the tasks of a plan, which writes nothing."""
        tasks, writes = self.play(*arguments, "--check", "--diff")
        assert writes == []
        return tasks

    def go(self, *arguments: str) -> list[Task]:
        """Plan and run; return the tasks that changed something, as the plan had said."""
        plan = self.plan(*arguments)
        run, writes = self.play(*arguments, "--diff")
        found = contradictions(plan, run, writes)
        assert not found, "\n".join(found)
        return [task for task in run if task.changed]


@pytest.fixture
def deployments(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployments]:
    """Return deployments of the shared platform, with a zone in Route 53 and one at GoDaddy."""
    cloud, registrar, certificate = platform.cloud, TimedRegistrar(), tmp_path / "registrar.pem"
    secrets, route53 = cloud.client("secretsmanager"), cloud.client("route53")
    zone = route53.create_hosted_zone(Name=ZONE, CallerReference=str(tmp_path))["HostedZone"]["Id"]
    secrets.create_secret(Name=REGISTRAR_SECRET, SecretString=json.dumps(CREDENTIALS))
    for name, value in TOLD_AS_JSON.items():
        monkeypatch.setenv(name, value)
    with proxy(registrar, certificate) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        yield Deployments(platform, registrar)
    secrets.delete_secret(SecretId=REGISTRAR_SECRET, ForceDeleteWithoutRecovery=True)
    route53.delete_hosted_zone(Id=zone)


def another_description_of_a_group(platform: Platform) -> None:
    """Have somebody describe a group otherwise."""
    pool = platform.outputs["cognito"]["user_pool_id"]
    platform.cloud.client("cognito-idp").update_group(
        UserPoolId=pool, GroupName="admins", Description="Somebody"
    )


def a_demo_user_leaves_a_group(platform: Platform) -> None:
    """Have a user of the demonstration leave a group."""
    cognito = platform.cloud.client("cognito-idp")
    pool = platform.outputs["cognito"]["user_pool_id"]
    lines = (platform.folder / "local/seed/users.jsonl").read_text().splitlines()
    cognito.admin_remove_user_from_group(
        UserPoolId=pool, Username=json.loads(lines[0])["username"], GroupName="developers"
    )


def a_model_is_gone(platform: Platform) -> None:
    """Have a model of the demonstration deleted."""
    table = platform.cloud.resource("dynamodb").Table("model_table")
    lines = (platform.folder / "local/seed/models.jsonl").read_text().splitlines()
    model = json.loads(lines[0])
    table.delete_item(
        Key={key["AttributeName"]: model[key["AttributeName"]] for key in table.key_schema}
    )


def no_role_for_logs(platform: Platform) -> None:
    """Have the account's role for the logs of its APIs taken away."""
    platform.cloud.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
    )


def a_tutorial_is_gone(platform: Platform) -> None:
    """Have a tutorial deleted from its bucket."""
    s3 = platform.cloud.client("s3")
    bucket = platform.outputs["storage"]["buckets"]["tutorials"]
    first = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    s3.delete_object(Bucket=bucket, Key=first)


DRIFTS: dict[str, Callable[[Platform], None]] = {
    drift.__name__: drift
    for drift in (
        another_description_of_a_group,
        a_demo_user_leaves_a_group,
        a_model_is_gone,
        no_role_for_logs,
        a_tutorial_is_gone,
    )
}


def settings(platform: Platform) -> dict[str, list[Any]]:
    """Return the state of the account, but for objects, which hosts write too."""
    state = state_of(platform.cloud)
    return {name: value for name, value in state.items() if not name.startswith("object ")}


def reporting(changes: list[Task], tag: str) -> set[str]:
    """Return the modules that changed something of a component."""
    return {task.module for task in changes if tag in ("all", task.component)}


def test_the_changes_have_every_module_and_component_report_something() -> None:
    modules = {module for change in CHANGES for module in change.modules}
    assert {path.stem for path in ROOT.glob("library/*.py")} <= modules | TELL_NOTHING.keys()
    assert modules.isdisjoint(TELL_NOTHING)
    components = yaml.safe_load((ROOT / "group_vars/all.yml").read_text())["preflight_components"]
    assert {change.tag for change in AT_ONCE} == {"all", *components}
    assert len(AT_ONCE) >= 20
    assert len(CHANGES) >= 60


@pytest.mark.timeout(7200 if SOAK else 1800)
@pytest.mark.parametrize(
    "changes",
    [[change] for change in CHANGES] if SOAK else [AT_ONCE],
    ids=lambda made: str(made[0]),
)
def test_a_deployment_does_what_its_plan_said(
    deployments: Deployments, changes: list[Change]
) -> None:
    platform = deployments.platform
    before = settings(platform)
    for change in changes:
        if change.drift:
            DRIFTS[change.drift](platform)
    tags = "all" if len(changes) > 1 else changes[0].tag
    values = {name: value for change in changes for name, value in change.values.items()}
    back = {name: value for change in changes for name, value in change.back.items()}
    # Nobody finds the names that the API and the front end are given here.
    there = ("site.yml", "--tags", tags, "-e", json.dumps(values | {"smoke_enabled": False}))
    again = ("site.yml", "--tags", tags, "-e", json.dumps(back))

    made = deployments.go(*there)
    for change in changes:
        assert set(change.modules) <= reporting(made, change.tag), str(change)
    if SOAK:
        assert [str(task) for task in deployments.plan(*there) if task.changed] == []
        deployments.go(*again)
        assert [str(task) for task in deployments.plan(*again) if task.changed] == []
    else:
        # Each plan of the whole site takes minutes.
        platform.play(*again)
    other = differences(before, settings(platform))
    assert not other, "\n".join(other)


def test_make_up_then_changes_nothing(checkout: Checkout, platform: Platform) -> None:
    assert platform.outputs
    assert set(re.findall(r"changed=(\d+)", checkout.run("make", "up"))) == {"0"}


def test_a_rotation_is_what_its_plan_said(deployments: Deployments) -> None:
    for state in ("rotated", "retired"):
        arguments = ("-e", "cognito_client=native", "-e", f"cognito_secret_state={state}")
        made = deployments.go("playbooks/operations/client_secret.yml", *arguments)
        assert [task.module for task in made] == ["cognito_client_secret"]
    assert not any(
        task.changed
        for task in deployments.plan("playbooks/operations/client_secret.yml", *arguments)
    )
