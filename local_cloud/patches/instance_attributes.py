"""Attributes of instances that change: termination protection and security groups."""

import re
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

Parameters = dict[str, Any]

_ATTRIBUTE = "disableApiTermination"
_FIELD = "DisableApiTermination"
_INSTANCE_ID = re.compile(r"<instanceId>(i-[0-9a-f]+)</instanceId>")


def patch(ec2: ModuleType) -> None:
    """Add the operation ModifyInstanceAttribute, and keep protected instances.

    Args:
        ec2: the emulator's module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _Attributes(ec2).install()


class _Attributes:
    def __init__(self, ec2: ModuleType) -> None:
        self._ec2: Any = ec2
        for name in ("_instances", "_security_groups"):
            if not hasattr(getattr(ec2, name, None), "get"):
                raise moved(f"{ec2.__name__}.{name}")
        self._instances: Any = ec2._instances
        self._groups: Any = ec2._security_groups
        self._parameter = known(ec2, "_p", ["params", "key", "default"])
        self._members = known(ec2, "_parse_member_list", ["params", "prefix"])
        self._error = known(ec2, "_error", ["code", "message", "status"])
        self._xml = known(ec2, "_xml", ["status", "root_tag", "inner"])
        self._launch = known(ec2, "_run_instances", ["p"])
        self._terminate_any = known(ec2, "_terminate_instances", ["p"])
        self._describe_other = known(ec2, "_describe_instance_attribute", ["p"])

    def install(self) -> None:
        """Put the mended actions in place of the emulator's."""
        actions = getattr(self._ec2, "_ACTION_MAP", None)
        if not isinstance(actions, dict):
            raise moved(f"{self._ec2.__name__}._ACTION_MAP")
        actions |= {
            "RunInstances": self._run,
            "DescribeInstanceAttribute": self._describe,
            "ModifyInstanceAttribute": self._modify,
            "TerminateInstances": self._terminate,
        }

    def _run(self, p: Parameters) -> Any:
        answer = self._launch(p)
        if self._parameter(p, _FIELD) == "true":
            for instance_id in _INSTANCE_ID.findall(answer[2].decode()):
                self._instances[instance_id][_FIELD] = True
        return answer

    def _describe(self, p: Parameters) -> Any:
        instance = self._instances.get(self._parameter(p, "InstanceId"))
        if not instance or self._parameter(p, "Attribute") != _ATTRIBUTE:
            return self._describe_other(p)
        value = str(instance.get(_FIELD, False)).lower()
        return self._xml(
            200,
            "DescribeInstanceAttributeResponse",
            f"<instanceId>{instance['InstanceId']}</instanceId>"
            f"<{_ATTRIBUTE}><value>{value}</value></{_ATTRIBUTE}>",
        )

    def _modify(self, p: Parameters) -> Any:
        instance_id = self._parameter(p, "InstanceId")
        instance = self._instances.get(instance_id)
        if not instance:
            return self._error(
                "InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist", 400
            )
        protected = self._parameter(p, f"{_FIELD}.Value")
        group_ids = self._members(p, "GroupId")
        if not protected and not group_ids:
            return self._error(
                "UnsupportedOperation", "The emulator cannot change this attribute.", 400
            )
        if unknown := [each for each in group_ids if each not in self._groups]:
            return self._error(
                "InvalidGroup.NotFound", f"The security group '{unknown[0]}' does not exist", 400
            )
        if protected:
            instance[_FIELD] = protected == "true"
        if group_ids:
            instance["SecurityGroups"] = [
                {"GroupId": each, "GroupName": self._groups[each]["GroupName"]}
                for each in group_ids
            ]
        return self._xml(200, "ModifyInstanceAttributeResponse", "<return>true</return>")

    def _terminate(self, p: Parameters) -> Any:
        for instance_id in self._members(p, "InstanceId"):
            if (self._instances.get(instance_id) or {}).get(_FIELD):
                return self._error(
                    "OperationNotPermitted",
                    f"The instance '{instance_id}' may not be terminated. Modify its "
                    f"'{_ATTRIBUTE}' instance attribute and try again.",
                    400,
                )
        return self._terminate_any(p)
