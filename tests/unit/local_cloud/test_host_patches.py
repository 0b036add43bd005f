"""What the patches for hosts decide, on stand-ins for the emulator's modules."""

import asyncio
import inspect
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import (
    elastic_ips,
    host_containers,
    instance_attributes,
    instance_metadata,
)

SUBNET = "10.213.99.0/24"


class Store(dict[Any, Any]):
    """Stands in for the emulator's dictionary by account and region."""

    def all_values(self) -> list[Any]:
        """Return the values of every account."""
        return [*self.values()]

    def all_items(self) -> list[Any]:
        """Return keys with account and region, and values."""
        return [(("000000000000", "us-east-1", key), value) for key, value in self.items()]

    def get_scoped(self, _account: str, _region: str | None, key: str) -> Any:
        """Return what an account has."""
        return self.get(key)


@dataclass
class Container:
    """Stands in for a container, and remembers what was run in it."""

    scripts: list[str] = field(default_factory=list)
    exit_code: int = 0

    def exec_run(self, command: list[str]) -> Any:
        """Run a script."""
        self.scripts.append(command[-1])
        return SimpleNamespace(exit_code=self.exit_code, output=b"words")


class Ec2(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("ec2")
        self.containers: dict[str, Container] = {}
        self._instances: Any = Store()
        self._addresses: Any = Store()
        self._tags: Any = Store()
        self._security_groups: Any = Store()
        self._ACTION_MAP: Any = {}
        self._DOCKER_ACTIONS: Any = set()
        self._random_ip: Any = self._invent

    def call(self, action: str, **p: Any) -> Any:
        """Call an action as a request does."""
        return self._ACTION_MAP[action](p)

    def launch(self, instance_id: str, address: str = "10.213.99.3", **more: Any) -> None:
        """Record an instance that is a container."""
        self.containers[instance_id] = Container()
        self._instances[instance_id] = {
            "InstanceId": instance_id,
            "State": {"Name": "running"},
            "PrivateIpAddress": address,
            "PublicIpAddress": address,
            "_container_id": instance_id,
        } | more

    def allocate(self, allocation_id: str, **more: Any) -> None:
        """Record an elastic address."""
        self._addresses[allocation_id] = {
            "AllocationId": allocation_id,
            "PublicIp": self._random_ip("52."),
            "Domain": "vpc",
            "AssociationId": None,
            "InstanceId": None,
        } | more

    def _p(self, params: Any, key: str, default: str = "") -> str:
        return str(params.get(key, default))

    def _parse_member_list(self, params: Any, prefix: str) -> list[str]:
        return [str(each) for each in params.get(prefix + "s", [])]

    def _parse_filters(self, params: Any) -> Any:
        return dict(params.get("Filters", {}))

    def _glob_match(self, pattern: str, value: str) -> bool:
        return pattern == value

    def _resource_matches_tag_filters(self, resource_id: str, filters: Any) -> bool:
        wanted = filters.get("tag:Name")
        return not wanted or self._tags.get(resource_id) in wanted

    def _vm_get_container(self, inst: Any) -> Any:
        return self.containers.get(inst["InstanceId"])

    def _error(self, code: str, message: str, status: int) -> Any:
        return status, message, code

    def _xml(self, status: int, root_tag: str, inner: str) -> Any:
        assert root_tag.endswith("Response")
        return status, {}, inner.encode()

    def _invent(self, prefix: str) -> str:
        return f"{prefix}invented"

    def _associate_address(self, p: Any) -> Any:
        address = self._addresses[p["AllocationId"]]
        address["AssociationId"] = f"assoc-{p['InstanceId']}"
        address["InstanceId"] = p["InstanceId"]
        return "associated"

    def _disassociate_address(self, p: Any) -> Any:
        return f"disassociated {p['AssociationId']}"

    def _release_address(self, p: Any) -> Any:
        return f"released {p['AllocationId']}"

    def _describe_addresses(self, p: Any) -> Any:
        return sorted(each for values in p.values() for each in values)

    def _reboot_instances(self, p: Any) -> Any:
        for instance_id in p["InstanceIds"]:
            instance = self._instances.get(instance_id)
            if instance:
                instance["PublicIpAddress"] = instance["PrivateIpAddress"]
        return "rebooted"

    def _run_instances(self, p: Any) -> Any:
        self.launch("i-0a", **p.get("more", {}))
        return 200, {}, b"<instanceId>i-0a</instanceId>"

    def _terminate_instances(self, p: Any) -> Any:
        return f"terminated {p['InstanceIds']}"

    def _describe_instance_attribute(self, p: Any) -> Any:
        return f"described {p['Attribute']}"

    def _parse_ec2_docker_flags(self, flags: str) -> Any:
        return {"flags": flags}

    def _vm_launch(self, inst: Any, image_ref: str) -> Any:
        return inst, image_ref


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Ec2:
    """Return the stand-in, where instances are hosts."""
    monkeypatch.setenv("LOCAL_CLOUD_SUBNET", SUBNET)
    monkeypatch.setenv("LOCAL_CLOUD_AUTHORIZED_KEYS", "/keys")
    monkeypatch.setenv("DOCKER_NETWORK", "hosts")
    return Ec2()


def test_hosts_boot_by_themselves_with_rights_over_their_network_only(ec2: Ec2) -> None:
    host_containers.patch(ec2)
    arguments = ec2._parse_ec2_docker_flags("")
    assert arguments["init"] is False
    assert arguments["cap_add"] == ["NET_ADMIN"]
    assert arguments["volumes"] == ["/keys:/etc/ssh/authorized_keys.admin:ro"]
    assert arguments["hostname"] == "ip-10-213-99-3"
    assert arguments["networking_config"]["hosts"] == {"IPAMConfig": {"IPv4Address": "10.213.99.3"}}
    assert "privileged" not in arguments


def _private_address(ec2: Ec2) -> str:
    configuration = ec2._parse_ec2_docker_flags("")["networking_config"]["hosts"]
    return str(configuration["IPAMConfig"]["IPv4Address"])


def test_hosts_get_addresses_in_turn_that_nobody_has(ec2: Ec2) -> None:
    host_containers.patch(ec2)
    ec2.launch("i-one", "10.213.99.4")
    ec2.launch("i-two", "10.213.99.5", State={"Name": "terminated"})
    assert [_private_address(ec2) for _ in range(3)] == [f"10.213.99.{last}" for last in (3, 5, 6)]
    given = {_private_address(ec2) for _ in range(200)}
    assert {"10.213.99.127", "10.213.99.3"} <= given
    assert not {"10.213.99.2", "10.213.99.128", "10.213.99.4"} & given
    for last in range(3, 128):
        ec2.launch(f"i-{last}", f"10.213.99.{last}")
    with pytest.raises(RuntimeError, match="all addresses"):
        _private_address(ec2)


@pytest.mark.usefixtures("ec2")
def test_without_a_subnet_the_emulator_launches_as_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_CLOUD_SUBNET")
    plain = Ec2()
    host_containers.patch(plain)
    elastic_ips.patch(plain)
    assert plain._parse_ec2_docker_flags("x") == {"flags": "x"}
    assert plain._random_ip("52.") == "52.invented"


def test_elastic_addresses_are_of_the_upper_half(ec2: Ec2) -> None:
    elastic_ips.patch(ec2)
    ec2.allocate("a")
    ec2.allocate("b")
    assert [each["PublicIp"] for each in ec2._addresses.values()] == [
        "10.213.99.129",
        "10.213.99.130",
    ]
    assert ec2._random_ip("54.") == "54.invented"
    for number in range(124):
        ec2.allocate(str(number))
    with pytest.raises(LocalCloudError, match="are taken"):
        ec2.allocate("one too many")


def _associated(ec2: Ec2) -> None:
    elastic_ips.patch(ec2)
    ec2.allocate("a")
    ec2.launch("i-1")
    assert ec2.call("AssociateAddress", AllocationId="a", InstanceId="i-1") == "associated"


PUT = "ip address replace 10.213.99.129/32 dev eth0 && arping -q -U -c 1 -I eth0 10.213.99.129"
TAKE = "ip address delete 10.213.99.129/32 dev eth0"


def test_an_elastic_address_is_put_on_its_instance(ec2: Ec2) -> None:
    _associated(ec2)
    assert ec2.containers["i-1"].scripts == [PUT]
    assert ec2._instances["i-1"]["PublicIpAddress"] == "10.213.99.129"
    assert "AssociateAddress" in ec2._DOCKER_ACTIONS


def test_an_elastic_address_is_taken_from_who_had_it(ec2: Ec2) -> None:
    _associated(ec2)
    ec2.launch("i-2", "10.213.99.4")
    ec2.call("AssociateAddress", AllocationId="a", InstanceId="i-2")
    assert ec2.containers["i-1"].scripts == [PUT, TAKE]
    assert ec2.containers["i-2"].scripts == [PUT]
    assert ec2._instances["i-1"]["PublicIpAddress"] == "10.213.99.3"
    ec2.call("DisassociateAddress", AssociationId="assoc-i-2")
    assert ec2.containers["i-2"].scripts == [PUT, TAKE]
    assert ec2._addresses["a"]["InstanceId"] is None


def test_an_instance_has_one_elastic_address(ec2: Ec2) -> None:
    _associated(ec2)
    ec2.allocate("b")
    ec2.call("AssociateAddress", AllocationId="b", InstanceId="i-1")
    assert ec2._addresses["a"]["InstanceId"] is None
    assert ec2._instances["i-1"]["PublicIpAddress"] == "10.213.99.130"


@pytest.mark.parametrize("instance_id", ["i-none", "i-dead"])
def test_an_address_for_no_instance_is_refused(ec2: Ec2, instance_id: str) -> None:
    elastic_ips.patch(ec2)
    ec2.allocate("a")
    ec2.launch("i-dead", State={"Name": "terminated"})
    answer = ec2.call("AssociateAddress", AllocationId="a", InstanceId=instance_id)
    assert answer[2] == "InvalidInstanceID.NotFound"


def test_an_address_that_could_not_be_put_is_an_error(ec2: Ec2) -> None:
    elastic_ips.patch(ec2)
    ec2.allocate("a")
    ec2.launch("i-1")
    ec2.containers["i-1"].exit_code = 2
    with pytest.raises(LocalCloudError, match=r"i-1: 'ip address replace .* failed: b'words'"):
        ec2.call("AssociateAddress", AllocationId="a", InstanceId="i-1")


def test_a_record_without_a_container_has_its_address_too(ec2: Ec2) -> None:
    elastic_ips.patch(ec2)
    ec2.allocate("a")
    ec2.launch("i-1", _container_id=None)
    ec2.call("AssociateAddress", AllocationId="a", InstanceId="i-1")
    assert ec2.containers["i-1"].scripts == []
    assert ec2._instances["i-1"]["PublicIpAddress"] == "10.213.99.129"


def test_a_reboot_puts_addresses_back(ec2: Ec2) -> None:
    _associated(ec2)
    assert ec2.call("RebootInstances", InstanceIds=["i-1", "i-none"]) == "rebooted"
    assert ec2.containers["i-1"].scripts[1:] == ["arping -q -U -c 1 -I eth0 10.213.99.3", PUT]
    assert ec2._instances["i-1"]["PublicIpAddress"] == "10.213.99.129"


def test_an_address_in_use_is_not_released(ec2: Ec2) -> None:
    _associated(ec2)
    assert ec2.call("ReleaseAddress", AllocationId="a")[2] == "InvalidIPAddress.InUse"
    ec2._instances["i-1"]["State"] = {"Name": "terminated"}
    assert ec2.call("ReleaseAddress", AllocationId="a") == "released a"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, ["a", "b"]),
        ({"AllocationIds": ["b"]}, ["b"]),
        ({"PublicIps": ["10.213.99.129"]}, ["a"]),
        ({"Filters": {"public-ip": ["10.213.99.130"]}}, ["b"]),
        ({"Filters": {"instance-id": ["i-1"]}}, ["a"]),
        ({"Filters": {"tag:Name": ["named"]}}, ["b"]),
        (
            {"Filters": {"tag:Name": ["named"], "instance-id": ["i-1"]}},
            (200, {}, b"<addressesSet/>"),
        ),
    ],
)
def test_addresses_are_found_by_filters(ec2: Ec2, question: Any, found: Any) -> None:
    _associated(ec2)
    ec2.allocate("b")
    ec2._tags["b"] = "named"
    assert ec2.call("DescribeAddresses", **question) == found


def test_addresses_of_the_dead_are_free(ec2: Ec2) -> None:
    _associated(ec2)
    del ec2._instances["i-1"]
    ec2.call("DescribeAddresses")
    assert ec2._addresses["a"]["AssociationId"] is None


def test_a_protected_instance_is_not_terminated(ec2: Ec2) -> None:
    instance_attributes.patch(ec2)
    ec2.call("RunInstances", DisableApiTermination="true")
    assert ec2.call("TerminateInstances", InstanceIds=["i-0a"])[2] == "OperationNotPermitted"
    asked = {"InstanceId": "i-0a", "Attribute": "disableApiTermination"}
    assert b"<value>true</value>" in ec2.call("DescribeInstanceAttribute", **asked)[2]
    change = {"DisableApiTermination.Value": "false"}
    assert ec2.call("ModifyInstanceAttribute", InstanceId="i-0a", **change)[0] == 200
    assert b"<value>false</value>" in ec2.call("DescribeInstanceAttribute", **asked)[2]
    assert ec2.call("TerminateInstances", InstanceIds=["i-0a"]) == "terminated ['i-0a']"


def test_other_attributes_are_described_as_they_were(ec2: Ec2) -> None:
    instance_attributes.patch(ec2)
    ec2.call("RunInstances")
    answer = ec2.call("DescribeInstanceAttribute", InstanceId="i-0a", Attribute="userData")
    assert answer == "described userData"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"InstanceId": "i-none"}, "InvalidInstanceID.NotFound"),
        ({"InstanceId": "i-0a"}, "UnsupportedOperation"),
        ({"InstanceId": "i-0a", "GroupIds": ["sg-none"]}, "InvalidGroup.NotFound"),
        ({"InstanceId": "i-0a", "GroupIds": ["sg-1"]}, b"<return>true</return>"),
    ],
)
def test_security_groups_of_an_instance_change(ec2: Ec2, change: Any, answer: Any) -> None:
    instance_attributes.patch(ec2)
    ec2.call("RunInstances")
    ec2._security_groups["sg-1"] = {"GroupName": "web"}
    assert ec2.call("ModifyInstanceAttribute", **change)[2] == answer
    if answer == b"<return>true</return>":
        assert ec2._instances["i-0a"]["SecurityGroups"] == [{"GroupId": "sg-1", "GroupName": "web"}]


class Imds(ModuleType):
    """Stands in for the emulator's module of metadata."""

    def __init__(self) -> None:
        super().__init__("imds")
        self.handle_request: Any = self._theirs

    async def _theirs(
        self, method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        return "theirs", method, path, headers, body, query_params


class Iam(ModuleType):
    """Stands in for the emulator's module of roles."""

    def __init__(self) -> None:
        super().__init__("iam")
        self._instance_profiles: Any = Store(web={"Roles": ["web"]}, none={"Roles": []})
        self._roles: Any = Store(
            web={
                "RoleName": "web",
                "RoleId": "AROAWEB",
                "Arn": "arn:aws:iam::000000000000:role/web",
                "AssumeRolePolicyDocument": {"trusts": "ec2.amazonaws.com"},
            }
        )
        self.keys = 0
        self._gen_session_access_key: Any = self._key
        self._gen_secret: Any = lambda: "secret"
        self._gen_session_token: Any = lambda: "token"

    def _key(self) -> str:
        self.keys += 1
        return f"ASIA{self.keys}"


class Sts(ModuleType):
    """Stands in for the emulator's module of sessions."""

    def __init__(self) -> None:
        super().__init__("sts")
        self.sessions: dict[str, Any] = {}
        self.register_session: Any = self._register

    def _register(self, access_key: str, session: Any) -> None:
        self.sessions[access_key] = session


class Evaluator(ModuleType):
    """Stands in for the emulator's evaluation of policies."""

    def __init__(self) -> None:
        super().__init__("evaluator")
        self.address = "10.213.99.3"
        self._request_origin: Any = SimpleNamespace(get=lambda: (self.address, True))
        self.evaluate_resource_policy: Any = self._evaluate
        self.EvalContext: Any = self._context

    def _evaluate(
        self, doc: Any, ctx: Any, service: str, named_only: bool = False, direct_only: bool = False
    ) -> Any:
        assert ctx["action"] == "sts:AssumeRole"
        assert (named_only, direct_only) == (False, False)
        allowed = doc.get("trusts") == service
        return SimpleNamespace(decision="Allow" if allowed else "ImplicitDeny")

    def _context(  # noqa: PLR0917 - theirs
        self,
        principal_arn: str,
        principal_type: str,
        principal_account: str,
        action: str,
        resource_arn: str,
        region: str,
        source_ip: str = "",
        secure_transport: bool = True,
        request_tags: Any = None,
        tag_keys: Any = None,
        service_context: Any = None,
        principal_keys: Any = None,
    ) -> Any:
        return {key: value for key, value in locals().items() if key != "self"}


@dataclass
class Metadata:
    """The metadata of a host, and what it asks by."""

    imds: Imds
    ec2: Ec2
    iam: Iam
    sts: Sts
    evaluator: Evaluator
    token: str = ""

    def ask(self, path: str, method: str = "GET", **headers: str) -> Any:
        """Ask as the SDKs do; returns status and text."""
        sent = {"x-aws-ec2-metadata-token": self.token} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        answer = asyncio.run(self.imds.handle_request(method, path, sent, b"", {}))
        return answer[0], answer[2].decode()

    def read(self, path: str) -> str:
        """Return what can be read."""
        status, text = self.ask(f"/latest/meta-data/{path}")
        assert status == 200
        return str(text)

    def sign_in(self, seconds: str = "60") -> int:
        """Get a token; returns the status."""
        ttl = {"x_aws_ec2_metadata_token_ttl_seconds": seconds} if seconds else {}
        status, text = self.ask("/latest/api/token", "PUT", **ttl)
        if status == 200:
            self.token = text
        return int(status)


@pytest.fixture
def metadata() -> Metadata:
    """Return the metadata of a host with a profile."""
    found = Metadata(Imds(), Ec2(), Iam(), Sts(), Evaluator())
    found.ec2.launch(
        "i-1",
        ImageId="ami-1",
        InstanceType="t3.micro",
        PrivateDnsName="ip-10-213-99-3.ec2.internal",
        Placement={"AvailabilityZone": "us-east-1a"},
        PublicIpAddress="10.213.99.129",
        SecurityGroups=[{"GroupName": "web"}, {"GroupName": "more"}],
        Architecture="x86_64",
        LaunchTime="2026-01-01T00:00:00Z",
        IamInstanceProfile={"Arn": "arn:aws:iam::000000000000:instance-profile/web"},
    )
    instance_metadata.patch(found.imds, found.ec2, found.iam, found.sts, found.evaluator)
    return found


def test_an_instance_reads_about_itself(metadata: Metadata) -> None:
    assert metadata.sign_in() == 200
    assert metadata.read("instance-id") == "i-1"
    assert metadata.read("local-ipv4") == "10.213.99.3"
    assert metadata.read("public-ipv4") == "10.213.99.129"
    assert metadata.read("placement/availability-zone") == "us-east-1a"
    assert metadata.read("placement/region") == "us-east-1"
    assert metadata.read("security-groups") == "web\nmore"
    assert metadata.read("placement/").split() == ["availability-zone", "region"]
    assert {"ami-id", "iam/", "placement/"} <= set(metadata.read("").split())
    profile = json.loads(metadata.read("iam/info"))["InstanceProfileArn"]
    assert profile.endswith(":instance-profile/web")
    status, text = metadata.ask("/latest/dynamic/instance-identity/document")
    assert (status, json.loads(text)["instanceId"]) == (200, "i-1")
    assert metadata.ask("/latest/meta-data/nothing")[0] == 404
    assert metadata.ask("/latest/user-data")[0] == 404
    assert metadata.ask("/latest/meta-data/instance-id", "POST")[0] == 405


def test_an_instance_is_known_by_its_elastic_address_too(metadata: Metadata) -> None:
    metadata.evaluator.address = "10.213.99.129"
    assert metadata.sign_in() == 200
    assert metadata.read("instance-id") == "i-1"


def test_nobody_else_is_answered(metadata: Metadata) -> None:
    metadata.sign_in()
    for address in ("10.213.99.1", "127.0.0.1"):
        metadata.evaluator.address = address
        assert metadata.sign_in() == 404
        assert metadata.ask("/latest/meta-data/instance-id")[0] == 404
    metadata.evaluator.address = "10.213.99.3"
    metadata.ec2._instances["i-1"]["State"] = {"Name": "terminated"}
    assert metadata.sign_in() == 404


def test_other_paths_are_the_emulators(metadata: Metadata) -> None:
    answer = asyncio.run(metadata.imds.handle_request("GET", "/v2/credentials/x", {}, b"", {}))
    assert answer[:3] == ("theirs", "GET", "/v2/credentials/x")


@pytest.mark.parametrize("seconds", ["", "0", "21601", "ten"])
def test_a_token_lives_for_a_time_that_was_asked_for(metadata: Metadata, seconds: str) -> None:
    assert metadata.sign_in(seconds) == 400
    assert metadata.ask("/latest/api/token")[0] == 405


def test_a_token_is_needed_of_this_instance_and_not_expired(
    metadata: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metadata.ask("/latest/meta-data/instance-id")[0] == 401
    metadata.sign_in()
    other = dict(metadata.ec2._instances["i-1"], InstanceId="i-2", PrivateIpAddress="10.213.99.4")
    metadata.ec2._instances["i-2"] = other | {"PublicIpAddress": "10.213.99.4"}
    metadata.evaluator.address = "10.213.99.4"
    assert metadata.ask("/latest/meta-data/instance-id")[0] == 401
    metadata.evaluator.address = "10.213.99.3"
    assert metadata.ask("/latest/meta-data/instance-id")[0] == 200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert metadata.ask("/latest/meta-data/instance-id")[0] == 401


def _credentials(metadata: Metadata) -> Any:
    metadata.sign_in()
    assert metadata.read("iam/security-credentials/") == "web"
    return json.loads(metadata.read("iam/security-credentials/web"))


def test_credentials_are_sessions_of_the_profiles_role(metadata: Metadata) -> None:
    document = _credentials(metadata)
    assert (document["Code"], document["Type"]) == ("Success", "AWS-HMAC")
    session = metadata.sts.sessions[document["AccessKeyId"]]
    assert session["Arn"] == "arn:aws:sts::000000000000:assumed-role/web/i-1"
    assert session["UserId"] == "AROAWEB:i-1"
    # pragma: allowlist nextline secret
    assert document["SecretAccessKey"] == session["SecretAccessKey"]
    assert document["Token"] == session["SessionToken"]


def test_credentials_are_renewed_before_their_end(
    metadata: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _credentials(metadata)["AccessKeyId"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2300)
    assert _credentials(metadata)["AccessKeyId"] == first
    monkeypatch.setattr(time, "time", lambda: now + 2500)
    assert _credentials(metadata)["AccessKeyId"] != first


@pytest.mark.parametrize("profile", [None, {}, {"Arn": "x/none"}, {"Arn": "x/unknown"}])
def test_without_a_role_there_are_no_credentials(metadata: Metadata, profile: Any) -> None:
    metadata.ec2._instances["i-1"]["IamInstanceProfile"] = profile
    metadata.sign_in()
    assert metadata.ask("/latest/meta-data/iam/security-credentials/")[0] == 404
    assert "iam/" not in metadata.read("").split()


def test_a_role_that_does_not_trust_ec2_is_not_given(metadata: Metadata) -> None:
    metadata.iam._roles["web"]["AssumeRolePolicyDocument"] = {"trusts": "lambda.amazonaws.com"}
    assert _credentials(metadata)["Code"] == "AssumeRoleUnauthorizedAccess"
    assert metadata.sts.sessions == {}


METADATA = (Imds, Ec2, Iam, Sts, Evaluator)
EC2 = (Ec2,)
PARTS: tuple[tuple[Callable[..., None], tuple[type[Any], ...], tuple[str, ...]], ...] = (
    (
        host_containers.patch,
        EC2,
        ("ec2._parse_ec2_docker_flags", "ec2._vm_launch", "ec2._instances"),
    ),
    (
        elastic_ips.patch,
        EC2,
        (
            *("ec2._p", "ec2._parse_member_list", "ec2._parse_filters", "ec2._glob_match"),
            *("ec2._resource_matches_tag_filters", "ec2._vm_get_container", "ec2._error"),
            *("ec2._xml", "ec2._random_ip", "ec2._associate_address", "ec2._disassociate_address"),
            *("ec2._release_address", "ec2._describe_addresses", "ec2._reboot_instances"),
            *("ec2._addresses", "ec2._instances", "ec2._tags"),
            *("ec2._ACTION_MAP", "ec2._DOCKER_ACTIONS"),
        ),
    ),
    (
        instance_attributes.patch,
        EC2,
        (
            *("ec2._p", "ec2._parse_member_list", "ec2._error", "ec2._xml", "ec2._run_instances"),
            *("ec2._terminate_instances", "ec2._describe_instance_attribute"),
            *("ec2._instances", "ec2._security_groups", "ec2._ACTION_MAP"),
        ),
    ),
    (
        instance_metadata.patch,
        METADATA,
        (
            *("imds.handle_request", "ec2._instances", "iam._instance_profiles", "iam._roles"),
            *("iam._gen_session_access_key", "iam._gen_secret", "iam._gen_session_token"),
            *("sts.register_session", "evaluator._request_origin"),
            *("evaluator.evaluate_resource_policy", "evaluator.EvalContext"),
        ),
    ),
)


@pytest.mark.parametrize(
    ("patch", "modules", "part"),
    [(patch, modules, part) for patch, modules, parts in PARTS for part in parts],
)
@pytest.mark.usefixtures("ec2")
def test_a_part_that_has_moved_is_an_error(
    patch: Callable[..., None], modules: tuple[type[Any], ...], part: str
) -> None:
    module_name, _, name = part.partition(".")
    other: Any = partial(str)
    parameter = inspect.Parameter("other", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    other.__signature__ = inspect.Signature([parameter])
    for replacement in (None, other):
        stand_ins = {made.__name__: made for made in (module() for module in modules)}
        setattr(stand_ins[module_name], name, replacement)
        with pytest.raises(LocalCloudError, match=rf"{module_name}\.{name}.* has moved"):
            patch(*stand_ins.values())
    patch(*(module() for module in modules))
