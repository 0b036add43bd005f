"""Hosts of the local cloud: real machines behind instances, their addresses and their rights."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.hosts import machine
from tests.cloud import ROOT, free_port, free_subnet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(
    not shutil.which("podman"), reason="`make up` installs podman, where it can"
)

DEADLINE_SECONDS = 30
ROLE = "lab-hosts"


def _until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.2)
    return found


@dataclass
class LocalCloud:
    """A local cloud with hosts, driven as people drive it."""

    port: int
    subnet: str
    state_dir: Path

    @property
    def gateway(self) -> str:
        """The address of the emulator."""
        return str(ipaddress.IPv4Network(self.subnet)[1])

    @property
    def endpoint_url(self) -> str:
        """The URL of the emulator, for this machine and its hosts."""
        return f"http://{self.gateway}:{self.port}"

    def run(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it went."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "local_cloud", command, "--json"),
                *("--port", str(self.port), "--state-dir", str(self.state_dir), *options),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, command: str, *options: str) -> dict[str, Any]:
        """Run a command that must work, and return what it answered."""
        if command == "up":
            options += ("--subnet", self.subnet)
        result = self.run(command, *options)
        assert result.returncode == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def client(self, service: Any, **credentials: str) -> Any:
        """Return a client of a service, as root or with these credentials."""
        root = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session = boto3.Session(region_name="us-east-1", **(credentials or root))  # type: ignore[arg-type]
        return session.client(service, endpoint_url=self.endpoint_url)

    def launch(self, **options: Any) -> dict[str, Any]:
        """Launch an instance and wait until it lets people in."""
        ec2 = self.client("ec2")
        (image,) = ec2.describe_images(
            Owners=["000000000000"], Filters=[{"Name": "name", "Values": ["debian-12-local"]}]
        )["Images"]
        launched = ec2.run_instances(
            ImageId=image["ImageId"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "test-host"}]}
            ],
            **options,
        )
        instance: dict[str, Any] = launched["Instances"][0]
        self.wait(instance["PrivateIpAddress"])
        return instance

    def wait(self, address: str) -> None:
        """Wait until a host lets people in."""
        _until(lambda: self.ssh(address, "true").returncode == 0)

    def ssh(self, address: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script on a host."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")
        return subprocess.run(
            [
                *("ssh", "-q", "-i", str(self.state_dir / "ssh/id_ed25519")),
                *(word for option in options for word in ("-o", option)),
                *("-o", "ConnectTimeout=2", f"admin@{address}", script),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def on_host(self, address: str, script: str) -> str:
        """Run a script that must work on a host, and return what it printed."""
        done = self.ssh(address, f"set -eu; {script}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def metadata(self, address: str, path: str) -> str:
        """Return what a host reads of its metadata."""
        url = f"{self.endpoint_url}/latest"
        token = f"curl -sfX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {url}/api/token"
        return self.on_host(
            address,
            f'token=$({token}); curl -sf -H "X-aws-ec2-metadata-token: $token" {url}/{path}',
        )

    def state(self, instance_id: str) -> dict[str, Any]:
        """Return an instance as EC2 describes it."""
        found = self.client("ec2").describe_instances(InstanceIds=[instance_id])
        instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return instance


def _podman(*arguments: str) -> list[str]:
    done = subprocess.run(
        machine.as_root(["podman", *arguments]), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Return a local cloud with hosts."""
    state_dir = tmp_path_factory.mktemp("hosts") / "state"
    cloud = LocalCloud(free_port(), free_subnet(), state_dir)
    try:
        assert cloud.ok("up", "--check")["changed"]
        assert not state_dir.exists()
        assert cloud.ok("up")["changed"]
        yield cloud
    finally:
        cloud.run("down")


@pytest.fixture(scope="module")
def profile(cloud: LocalCloud) -> str:
    """Return an instance profile that may read one parameter."""
    iam = cloud.client("iam")
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    for name, service in ((ROLE, "ec2"), ("distrustful", "lambda")):
        trust = allow | {"Principal": {"Service": f"{service}.amazonaws.com"}}
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    statement = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": "arn:aws:ssm:us-east-1:000000000000:parameter/open",
    }
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName=ROLE,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    for name in ("/open", "/closed"):
        cloud.client("ssm").put_parameter(Name=name, Value="value", Type="String")
    return ROLE


@pytest.fixture(scope="module")
def instance(cloud: LocalCloud, profile: str) -> dict[str, Any]:
    """Return an instance that has this profile."""
    return cloud.launch(IamInstanceProfile={"Name": profile})


def test_a_second_up_changes_nothing(cloud: LocalCloud) -> None:
    assert not cloud.ok("up")["changed"]
    assert not cloud.ok("up", "--check")["changed"]


def test_a_subnet_in_use_is_an_error_that_names_the_interface(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    options = ("--subnet", cloud.subnet, "--state-dir", str(tmp_path / "other"))
    said = cloud.run("up", *options, "--check").stderr
    assert f"{cloud.subnet} belongs to the local cloud of {cloud.state_dir}" in said
    assert not (tmp_path / "other").exists()


def test_a_host_is_a_whole_machine(cloud: LocalCloud, instance: dict[str, Any]) -> None:
    address = instance["PrivateIpAddress"]
    assert cloud.on_host(address, "sudo systemctl is-system-running --wait") == "running"
    assert cloud.on_host(address, "hostname") == f"ip-{address.replace('.', '-')}"
    # The manager of a user does not end with the last session, for a log-in would wait for that.
    delay = (
        "busctl get-property org.freedesktop.login1 /org/freedesktop/login1"
        " org.freedesktop.login1.Manager UserStopDelayUSec"
    )
    assert cloud.on_host(address, delay) == f"t {2**64 - 1}"
    # Rights over its own network only.
    cloud.on_host(address, "sudo ip address add 192.0.2.9/32 dev lo")
    assert cloud.ssh(address, "sudo mount -t tmpfs none /mnt").returncode != 0


def test_metadata_is_about_the_instance_that_asks(
    cloud: LocalCloud, instance: dict[str, Any]
) -> None:
    address = instance["PrivateIpAddress"]
    assert cloud.metadata(address, "meta-data/instance-id") == instance["InstanceId"]
    assert cloud.metadata(address, "meta-data/local-ipv4") == address
    assert cloud.metadata(address, "meta-data/placement/region") == "us-east-1"
    listed = cloud.metadata(address, "meta-data/")
    assert {"instance-id", "placement/", "iam/"} <= set(listed.split())
    document = json.loads(cloud.metadata(address, "dynamic/instance-identity/document"))
    assert document["instanceId"] == instance["InstanceId"]


def test_metadata_needs_a_token(cloud: LocalCloud, instance: dict[str, Any]) -> None:
    url = f"{cloud.endpoint_url}/latest/meta-data/instance-id"
    ask = f"curl -s -o /dev/null -w '%{{http_code}}' {url}"
    assert cloud.on_host(instance["PrivateIpAddress"], ask) == "401"


def test_metadata_is_for_instances_only(cloud: LocalCloud) -> None:
    with socket.create_connection((cloud.gateway, cloud.port)) as connection:
        connection.sendall(
            b"PUT /latest/api/token HTTP/1.1\r\nHost: here\r\n"
            b"X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n"
        )
        assert b" 404 " in connection.recv(4096).splitlines()[0]


def _credentials(cloud: LocalCloud, address: str, role: str) -> dict[str, str]:
    document = json.loads(cloud.metadata(address, f"meta-data/iam/security-credentials/{role}"))
    return {
        "aws_access_key_id": document["AccessKeyId"],
        "aws_secret_access_key": document["SecretAccessKey"],
        "aws_session_token": document["Token"],
    }


def test_a_host_may_what_its_profile_may(
    cloud: LocalCloud, instance: dict[str, Any], profile: str
) -> None:
    address = instance["PrivateIpAddress"]
    assert cloud.metadata(address, "meta-data/iam/security-credentials/") == profile
    credentials = _credentials(cloud, address, profile)
    assert credentials == _credentials(cloud, address, profile)
    arn = cloud.client("sts", **credentials).get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/{profile}/{instance['InstanceId']}")
    ssm = cloud.client("ssm", **credentials)
    assert ssm.get_parameter(Name="/open")["Parameter"]["Value"] == "value"
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.get_parameter(Name="/closed")


def test_a_reboot_keeps_files_and_addresses(cloud: LocalCloud, instance: dict[str, Any]) -> None:
    ec2, address = cloud.client("ec2"), instance["PrivateIpAddress"]
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=instance["InstanceId"])
    cloud.on_host(elastic["PublicIp"], "echo kept >kept; sync")
    ec2.reboot_instances(InstanceIds=[instance["InstanceId"]])
    cloud.wait(elastic["PublicIp"])
    assert cloud.on_host(address, "cat kept") == "kept"
    found = cloud.state(instance["InstanceId"])
    assert (found["PrivateIpAddress"], found["PublicIpAddress"]) == (address, elastic["PublicIp"])
    (described,) = ec2.describe_addresses(
        Filters=[{"Name": "instance-id", "Values": [instance["InstanceId"]]}]
    )["Addresses"]
    assert described["PublicIp"] == elastic["PublicIp"]
    assert ec2.describe_addresses(PublicIps=["10.0.0.1"])["Addresses"] == []


def test_an_elastic_address_moves_to_a_replacement(cloud: LocalCloud) -> None:
    ec2 = cloud.client("ec2")
    elastic = ec2.allocate_address(Domain="vpc")
    address = elastic["PublicIp"]
    assert ipaddress.ip_address(address) in [*ipaddress.ip_network(cloud.subnet).subnets()][1]
    first = cloud.launch()
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=first["InstanceId"])
    assert cloud.metadata(address, "meta-data/instance-id") == first["InstanceId"]
    assert cloud.metadata(address, "meta-data/public-ipv4") == address
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        ec2.release_address(AllocationId=elastic["AllocationId"])

    second = cloud.launch()
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=second["InstanceId"])
    _until(lambda: cloud.metadata(address, "meta-data/instance-id") == second["InstanceId"])
    assert cloud.state(first["InstanceId"])["PublicIpAddress"] == first["PrivateIpAddress"]

    ids = [first["InstanceId"], second["InstanceId"]]
    ec2.terminate_instances(InstanceIds=ids)
    assert cloud.ssh(address, "true").returncode != 0
    ec2.release_address(AllocationId=elastic["AllocationId"])


def test_a_protected_instance_is_not_terminated(cloud: LocalCloud) -> None:
    ec2 = cloud.client("ec2")
    launched = ec2.run_instances(
        ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1, DisableApiTermination=True
    )
    instance = {"InstanceId": launched["Instances"][0]["InstanceId"]}
    attribute = ec2.describe_instance_attribute(**instance, Attribute="disableApiTermination")
    assert attribute["DisableApiTermination"]["Value"]
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[*instance.values()])
    ec2.modify_instance_attribute(**instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[*instance.values()])


def test_a_role_that_does_not_trust_ec2_gives_no_credentials(
    cloud: LocalCloud, profile: str
) -> None:
    assert profile
    address = cloud.launch(IamInstanceProfile={"Name": "distrustful"})["PrivateIpAddress"]
    document = cloud.metadata(address, "meta-data/iam/security-credentials/distrustful")
    assert json.loads(document)["Code"] == "AssumeRoleUnauthorizedAccess"


def test_a_restart_ends_hosts_and_tells_which(cloud: LocalCloud, instance: dict[str, Any]) -> None:
    (held,) = cloud.client("ec2").describe_addresses()["Addresses"]
    cloud.ok("stop")
    assert _podman("ps", "--quiet", "--filter", f"network={_network(cloud)}") == []
    assert cloud.ok("up")["changed"]
    assert json.loads((cloud.state_dir / "lost_hosts.json").read_text()) == ["test-host"]
    assert cloud.state(instance["InstanceId"])["State"]["Name"] == "terminated"
    replacement = cloud.launch()
    ec2 = cloud.client("ec2")
    ec2.associate_address(AllocationId=held["AllocationId"], InstanceId=replacement["InstanceId"])
    assert cloud.on_host(held["PublicIp"], "test ! -e kept; echo new") == "new"


def _network(cloud: LocalCloud) -> str:
    return "artificien-" + cloud.subnet.partition("/")[0].replace(".", "-")


def test_down_leaves_nothing(cloud: LocalCloud) -> None:
    pid = int(json.loads((cloud.state_dir / "podman.json").read_text())["pid"])
    assert cloud.ok("down")["changed"]
    assert not cloud.state_dir.exists()
    with suppress(FileNotFoundError):
        assert str(cloud.state_dir) not in Path(f"/proc/{pid}/cmdline").read_text()
    assert _podman("ps", "--all", "--quiet", "--filter", f"network={_network(cloud)}") == []
    assert _podman("network", "ls", "--quiet", "--filter", f"name={_network(cloud)}") == []
    assert not machine.overlapping_interface(ipaddress.IPv4Network(cloud.subnet))
    assert not cloud.ok("down")["changed"]
