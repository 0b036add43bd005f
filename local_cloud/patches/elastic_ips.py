"""Elastic addresses that are real: taken from the hosts' subnet, and put on their containers."""

import ipaddress
import os
from types import ModuleType
from typing import Any

from local_cloud.errors import LocalCloudError
from local_cloud.patches.known import known, moved

Record = dict[str, Any]
Parameters = dict[str, Any]

# The new holder tells its neighbours, which would go on sending to the old one for a while.
_ANNOUNCE = "arping -q -U -c 1 -I eth0 {0}"
_PUT = f"ip address replace {{0}}/32 dev eth0 && {_ANNOUNCE}"
_TAKE = "ip address delete {0}/32 dev eth0"


def patch(ec2: ModuleType) -> None:
    """Make elastic addresses reachable where instances are containers.

    The emulator invents addresses, puts them nowhere, and leaves them with instances that are
    gone. It also ignores every filter but the ids of allocations.

    Args:
        ec2: the emulator's module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _ElasticIps(ec2).install()


class _ElasticIps:
    def __init__(self, ec2: ModuleType) -> None:
        self._ec2: Any = ec2
        for name in ("_addresses", "_instances", "_tags"):
            if not hasattr(getattr(ec2, name, None), "values"):
                raise moved(f"{ec2.__name__}.{name}")
        self._addresses: Any = ec2._addresses
        self._instances: Any = ec2._instances
        self._original: dict[str, Any] = {}
        self._parameter = known(ec2, "_p", ["params", "key", "default"])
        self._members = known(ec2, "_parse_member_list", ["params", "prefix"])
        self._filters = known(ec2, "_parse_filters", ["params"])
        self._glob = known(ec2, "_glob_match", ["pattern", "value"])
        self._has_tags = known(ec2, "_resource_matches_tag_filters", ["resource_id", "filters"])
        self._container = known(ec2, "_vm_get_container", ["inst"])
        self._error = known(ec2, "_error", ["code", "message", "status"])
        self._xml = known(ec2, "_xml", ["status", "root_tag", "inner"])
        known(ec2, "_random_ip", ["prefix"])

    def install(self) -> None:
        """Put the mended actions in place of the emulator's."""
        actions = getattr(self._ec2, "_ACTION_MAP", None)
        if not isinstance(actions, dict):
            raise moved(f"{self._ec2.__name__}._ACTION_MAP")
        off_the_loop = getattr(self._ec2, "_DOCKER_ACTIONS", None)
        if not isinstance(off_the_loop, set):
            raise moved(f"{self._ec2.__name__}._DOCKER_ACTIONS")
        for action, name, mended in (
            ("AssociateAddress", "_associate_address", self._associate),
            ("DisassociateAddress", "_disassociate_address", self._disassociate),
            ("ReleaseAddress", "_release_address", self._release),
            ("DescribeAddresses", "_describe_addresses", self._describe),
            ("RebootInstances", "_reboot_instances", self._reboot),
        ):
            self._original[action] = known(self._ec2, name, ["p"])
            actions[action] = mended
            off_the_loop.add(action)
        if subnet := os.environ.get("LOCAL_CLOUD_SUBNET"):
            self._draw_from(ipaddress.IPv4Network(subnet))

    def _draw_from(self, subnet: ipaddress.IPv4Network) -> None:
        _, upper = subnet.subnets()
        theirs = self._ec2._random_ip

        def address(prefix: str) -> str:
            # The emulator asks for one that begins so for elastic addresses only.
            if prefix != "52.":
                return str(theirs(prefix))
            taken = {each["PublicIp"] for each in self._addresses.values()}
            for each in upper.hosts():
                if str(each) not in taken:
                    return str(each)
            raise LocalCloudError(f"All elastic addresses of {upper} are taken.")

        self._ec2._random_ip = address

    def _associate(self, p: Parameters) -> Any:
        self._forget_the_dead()
        address = self._addresses.get(self._parameter(p, "AllocationId"))
        instance_id = self._parameter(p, "InstanceId")
        instance = self._instances.get(instance_id)
        if instance_id and (not instance or instance["State"]["Name"] == "terminated"):
            return self._error(
                "InvalidInstanceID.NotFound",
                f"The instance ID '{instance_id}' does not exist",
                400,
            )
        if address and instance:
            for held in self._addresses.values():
                if held is address or held["InstanceId"] == instance_id:
                    self._take(held)
        answer = self._original["AssociateAddress"](p)
        if address and instance:
            self._put(address, instance)
        return answer

    def _disassociate(self, p: Parameters) -> Any:
        wanted = self._parameter(p, "AssociationId")
        for address in self._addresses.values():
            if wanted and address["AssociationId"] == wanted:
                self._take(address)
        return self._original["DisassociateAddress"](p)

    def _release(self, p: Parameters) -> Any:
        self._forget_the_dead()
        address = self._addresses.get(self._parameter(p, "AllocationId"))
        if address and address["AssociationId"]:
            return self._error(
                "InvalidIPAddress.InUse",
                f"The address {address['PublicIp']} is in use.",
                400,
            )
        return self._original["ReleaseAddress"](p)

    def _describe(self, p: Parameters) -> Any:
        self._forget_the_dead()
        filters = self._filters(p)
        for member, name in (("AllocationId", "allocation-id"), ("PublicIp", "public-ip")):
            if members := self._members(p, member):
                filters[name] = members
        found = [
            address["AllocationId"]
            for address in self._addresses.values()
            if self._matches(address, filters)
        ]
        if not found:
            return self._xml(200, "DescribeAddressesResponse", "<addressesSet/>")
        return self._original["DescribeAddresses"](
            {f"AllocationId.{number}": [each] for number, each in enumerate(found, 1)}
        )

    def _reboot(self, p: Parameters) -> Any:
        answer = self._original["RebootInstances"](p)
        for instance_id in self._members(p, "InstanceId"):
            instance = self._instances.get(instance_id)
            if instance:
                # Its network interface is another one now.
                self._run(instance, _ANNOUNCE.format(instance["PrivateIpAddress"]))
            for address in self._addresses.values():
                if instance and address["InstanceId"] == instance_id:
                    self._put(address, instance)
        return answer

    def _matches(self, address: Record, filters: dict[str, list[str]]) -> bool:
        fields = {
            "allocation-id": "AllocationId",
            "association-id": "AssociationId",
            "domain": "Domain",
            "instance-id": "InstanceId",
            "public-ip": "PublicIp",
        }
        return self._has_tags(address["AllocationId"], filters) and all(
            any(self._glob(value, address[fields[name]] or "") for value in values)
            for name, values in filters.items()
            if name in fields
        )

    def _forget_the_dead(self) -> None:
        for address in self._addresses.values():
            holder = self._instances.get(address["InstanceId"])
            if address["InstanceId"] and (not holder or holder["State"]["Name"] == "terminated"):
                address["AssociationId"] = address["InstanceId"] = None

    def _put(self, address: Record, instance: Record) -> None:
        self._run(instance, _PUT.format(address["PublicIp"]))
        instance["PublicIpAddress"] = address["PublicIp"]

    def _take(self, address: Record) -> None:
        instance = self._instances.get(address["InstanceId"])
        if instance:
            self._run(instance, _TAKE.format(address["PublicIp"]))
            instance["PublicIpAddress"] = instance["PrivateIpAddress"]
        address["AssociationId"] = address["InstanceId"] = None

    def _run(self, instance: Record, script: str) -> None:
        container = instance.get("_container_id") and self._container(instance)
        if not container:
            return
        done = container.exec_run(["/bin/sh", "-c", script])
        if done.exit_code:
            raise LocalCloudError(f"{instance['InstanceId']}: {script!r} failed: {done.output!r}")
