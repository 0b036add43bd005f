"""The local cloud with the real emulator: its whole life, and what goes wrong in it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local_cloud import processes
from local_cloud.settings import MARKER_VARIABLE
from tests.cloud import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30

# Announces itself and then neither ends nor reads the pipe whose end would tell it to.
SLEEPING_FUNCTION = """
import os, pathlib, time

def handler(event, context):
    pathlib.Path(os.environ["HOME"], "function-runs").touch()
    time.sleep(600)
"""


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


@dataclass
class LocalCloud:
    """A local cloud of this test's own, driven as people drive it."""

    port: int
    state_dir: Path
    venv: Path = ROOT / "build/emulator-venv"

    def run(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it went."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "local_cloud", command, "--json"),
                *("--port", str(self.port), "--state-dir", str(self.state_dir)),
                *("--emulator-venv", str(self.venv), *options),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ok(self, command: str, *options: str) -> dict[str, Any]:
        """Run a command that must work, and return what it answered."""
        result = self.run(command, *options)
        assert result.returncode == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def error(self, command: str, *options: str) -> str:
        """Run a command that must fail, and return what it said."""
        result = self.run(command, *options)
        assert result.returncode == 1, result.stdout
        return result.stderr

    @property
    def living(self) -> list[processes.Process]:
        """The emulator and everything it started."""
        return processes.with_variable(MARKER_VARIABLE, str(self.state_dir))

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return int(json.loads((self.state_dir / "emulator.json").read_text())["pid"])

    def kill(self) -> None:
        """Kill the emulator, as the kernel would when memory is short."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: processes.find(pid) is None)

    @property
    def _connection(self) -> dict[str, Any]:
        return {
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }

    @property
    def s3(self) -> S3Client:
        """A client of its S3."""
        return boto3.client("s3", **self._connection)

    @property
    def dynamodb(self) -> DynamoDBClient:
        """A client of its DynamoDB."""
        return boto3.client("dynamodb", **self._connection)

    @property
    def iam(self) -> IAMClient:
        """A client of its IAM."""
        return boto3.client("iam", **self._connection)

    @property
    def functions(self) -> LambdaClient:
        """A client of its Lambda."""
        return boto3.client("lambda", **self._connection)

    def start_sleeping_function(self) -> processes.Process:
        """Start a function that does not end, and return its process."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = self.iam.create_role(RoleName="sleeper", AssumeRolePolicyDocument=json.dumps(trust))
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("sleeper.py", SLEEPING_FUNCTION)
        self.functions.create_function(
            FunctionName="sleeper",
            Runtime="python3.13",
            Handler="sleeper.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": package.getvalue()},
            Timeout=900,
        )
        self.functions.get_waiter("function_active_v2").wait(FunctionName="sleeper")
        self.functions.invoke(FunctionName="sleeper", InvocationType="Event")
        _wait_until((self.state_dir / "home/function-runs").exists)
        (worker,) = (process for process in self.living if process.pid != self.pid)
        return worker


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """Return a local cloud that is not there yet, and leave none behind."""
    found = LocalCloud(free_port(), tmp_path / "state")
    yield found
    for process in found.living:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def test_up_once_and_again_and_down_and_again(cloud: LocalCloud) -> None:
    assert cloud.ok("status")["state"] == "absent"
    first = cloud.ok("up")
    assert (first["state"], first["changed"]) == ("running", True)
    assert first["message"].startswith(f"started at http://127.0.0.1:{cloud.port}")
    second = cloud.ok("up")
    assert (second["state"], second["changed"]) == ("running", False)
    assert second["message"].startswith("already running")
    assert cloud.ok("status")["state"] == "running"
    assert len(cloud.living) == 1

    assert cloud.ok("down")["changed"]
    assert cloud.living == []
    assert not cloud.state_dir.exists()
    assert not cloud.ok("down")["changed"]


def test_data_outlives_a_stop(cloud: LocalCloud) -> None:
    cloud.ok("up")
    cloud.dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    cloud.dynamodb.put_item(TableName="things", Item={"id": {"S": "one"}})
    cloud.s3.create_bucket(Bucket="things")
    cloud.s3.put_object(Bucket="things", Key="a/b.txt", Body=b"content")

    assert cloud.ok("stop")["state"] == "stopped"
    assert cloud.living == []
    assert cloud.ok("up")["changed"]

    assert cloud.dynamodb.get_item(TableName="things", Key={"id": {"S": "one"}})["Item"]
    assert cloud.s3.get_object(Bucket="things", Key="a/b.txt")["Body"].read() == b"content"


def test_a_killed_emulator_is_started_again(cloud: LocalCloud) -> None:
    cloud.ok("up")
    cloud.kill()
    assert cloud.ok("status")["state"] == "stopped"
    again = cloud.ok("up")
    assert again["changed"]
    assert any("whose process runs no more" in note for note in again["notes"])
    assert cloud.s3.list_buckets()["Buckets"] == []


def test_a_record_with_a_recycled_process_id_is_replaced(cloud: LocalCloud) -> None:
    cloud.ok("up")
    cloud.ok("stop")
    stale = {"pid": os.getpid(), "start_time": 1, "host": "127.0.0.1", "port": cloud.port}
    (cloud.state_dir / "emulator.json").write_text(json.dumps(stale))
    assert cloud.ok("up")["changed"]
    assert cloud.pid != os.getpid()


def test_an_emulator_that_nobody_has_a_record_of_is_ended(cloud: LocalCloud) -> None:
    cloud.ok("up")
    (lost,) = cloud.living
    (cloud.state_dir / "emulator.json").unlink()
    again = cloud.ok("up")
    assert f"ended process {lost.pid}, which the emulator had left behind" in again["notes"]
    assert len(cloud.living) == 1


def test_a_function_that_outlives_a_killed_emulator_is_ended_by_down(cloud: LocalCloud) -> None:
    cloud.ok("up")
    worker = cloud.start_sleeping_function()
    cloud.kill()
    assert processes.is_alive(worker)
    assert cloud.ok("down")["changed"]
    assert not processes.is_alive(worker)
    assert not cloud.state_dir.exists()


def test_a_function_that_runs_does_not_keep_the_emulator_from_ending(cloud: LocalCloud) -> None:
    cloud.ok("up")
    worker = cloud.start_sleeping_function()
    cloud.ok("down")
    assert not processes.is_alive(worker)
    assert cloud.living == []
    assert not cloud.state_dir.exists()


def test_everything_written_is_in_the_state_directory(cloud: LocalCloud) -> None:
    cloud.ok("up")
    cloud.start_sleeping_function()
    for process in cloud.living:
        opened = (Path("/proc") / str(process.pid) / "fd").iterdir()
        targets = {str(descriptor.readlink()) for descriptor in opened}
        files = {target for target in targets if target.startswith("/") and target != "/dev/null"}
        assert files <= {str(cloud.state_dir / "emulator.log")}
    assert [path.name for path in (cloud.state_dir / "tmp").glob("ministack-lambda-sleeper-*")]


def test_the_emulator_listens_on_its_own_address_only(cloud: LocalCloud) -> None:
    cloud.ok("up")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", cloud.port))


def test_a_port_of_another_process_is_an_error_that_names_it(cloud: LocalCloud) -> None:
    with socket.create_server(("127.0.0.1", cloud.port)):
        for options in ([], ["--check"]):
            message = cloud.error("up", *options)
            assert f"Port {cloud.port} of 127.0.0.1 is in use by process {os.getpid()}" in message
            assert "choose another port by LOCAL_CLOUD_PORT" in message
    assert not cloud.state_dir.exists()


def test_another_port_than_the_running_one_is_refused(cloud: LocalCloud) -> None:
    cloud.ok("up")
    message = cloud.error("up", "--port", str(free_port()))
    assert f"already runs, at http://127.0.0.1:{cloud.port}" in message
    assert cloud.ok("status")["state"] == "running"


def test_a_missing_environment_is_an_error_but_does_not_hinder_down(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    cloud.ok("up")
    cloud.venv = tmp_path / "none"
    assert cloud.ok("down")["changed"]
    assert cloud.living == []
    assert "run `make setup`" in cloud.error("up")


def test_an_environment_without_the_emulator_is_an_error(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", cloud.venv], check=True)
    message = cloud.error("up")
    assert f"must be ministack 1.5.33, but {cloud.venv} holds none" in message
    assert "`make setup`" in message
    assert cloud.living == []
    assert cloud.ok("down")["changed"]


def test_an_interrupted_up_leaves_no_process(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.venv = tmp_path / "venv"
    slow = cloud.venv / "bin/python"
    slow.parent.mkdir(parents=True)
    slow.write_text("#!/bin/sh\nsleep 600\n")
    slow.chmod(0o755)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "local_cloud", "up", "--port", str(cloud.port)),
            *("--state-dir", str(cloud.state_dir), "--emulator-venv", str(cloud.venv)),
        ],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    ) as command:
        _wait_until((cloud.state_dir / "emulator.json").exists)
        command.send_signal(signal.SIGINT)
    assert cloud.living == []
    assert not (cloud.state_dir / "emulator.json").exists()


def test_commands_at_the_same_time_start_one_emulator(cloud: LocalCloud) -> None:
    commands = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "local_cloud", "up", "--json"),
                *("--port", str(cloud.port), "--state-dir", str(cloud.state_dir)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    answers = [json.loads(command.communicate()[0]) for command in commands]
    assert sorted(answer["changed"] for answer in answers) == [False, False, True]
    assert len(cloud.living) == 1


def test_the_role_converges_and_check_mode_tells_the_truth(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        "all: {hosts: {localhost: {ansible_connection: local,"
        " ansible_python_interpreter: '{{ ansible_playbook_python }}'}}}\n"
    )

    # Only the role: what is deployed to an emulator needs one that answers, in check mode too.
    playbook = tmp_path / "role.yml"
    playbook.write_text("[{hosts: localhost, gather_facts: false, roles: [local_cloud]}]\n")

    def changes(*options: str) -> int:
        result = subprocess.run(
            [
                *(Path(sys.executable).with_name("ansible-playbook"), playbook),
                *("--inventory", inventory, "--extra-vars", f"local_cloud_port={cloud.port}"),
                *("--extra-vars", f"local_cloud_state_dir={cloud.state_dir}", *options),
            ],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return int(json.loads(result.stdout)["stats"]["localhost"]["changed"])

    assert [changes("--check"), changes(), changes("--check"), changes()] == [1, 1, 0, 0]
    assert cloud.ok("status")["state"] == "running"
    absent = ("--extra-vars", "local_cloud_state=absent")
    assert [changes("--check", *absent), changes(*absent), changes(*absent)] == [1, 1, 0]
    assert cloud.ok("status")["state"] == "absent"
