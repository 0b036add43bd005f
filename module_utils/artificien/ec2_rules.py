"""Rules of security groups: option words to models, API to models, and the calls that change them.

A rule's model is its text, such as `tcp 443 0.0.0.0/0`, with its description.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.ec2_common import when_known
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupRuleTypeDef

    Rules = dict[str, str]

ALL = "all"
API_ALL = "-1"
INGRESS = "ingress"
EGRESS = "egress"
LAST_PORT = 65535
# What EC2 takes as the description of a rule or a group.
DESCRIPTION = r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{0,255}"
# Where a network stands in the API, by the version of IP.
RANGE_FIELDS = {4: ("IpRanges", "CidrIp"), 6: ("Ipv6Ranges", "CidrIpv6")}


def desired_rules(owner: str, rules: list[dict[str, Any]] | None) -> Rules | None:
    """Turn an `ingress` or `egress` option into models, one for each network or group.

    Raises:
        ReconcileError: EC2 would refuse a rule, or answer with another one.
    """
    if rules is None:
        return None
    desired: Rules = {}
    for rule in rules:
        check_description(owner, rule["description"])
        ports = _ports(owner, rule)
        sources = [_network(owner, cidr) for cidr in rule["cidrs"]] + rule["groups"]
        for source in sources:
            desired[f"{rule['protocol']} {ports} {source}"] = rule["description"]
    return desired


def check_description(owner: str, description: str) -> None:
    """Check that EC2 takes the description of `owner`.

    Raises:
        ReconcileError: it does not.
    """
    if not re.fullmatch(DESCRIPTION, description):
        raise ReconcileError(
            f"{owner}: the description is {description!r}; EC2 takes up to 255 letters of English, "
            "digits, spaces and ._-:/()#,@[]+=&;{}!$*"
        )


def _ports(owner: str, rule: dict[str, Any]) -> str:
    first, last = rule["port"], rule["to_port"]
    if rule["protocol"] == ALL:
        if first is not None or last is not None:
            raise ReconcileError(
                f"{owner}: a rule for all protocols has the port {first or last}; leave it out, or "
                "give the protocol that it is a port of."
            )
        return ALL
    last = first if last is None else last
    if first is None or not 0 <= first <= last <= LAST_PORT:
        raise ReconcileError(
            f"{owner}: a {rule['protocol']} rule has the ports {first} to {last}; give port, and "
            f"for a range to_port, between 0 and {LAST_PORT}."
        )
    return str(first) if first == last else f"{first}-{last}"


def _network(owner: str, cidr: str) -> str:
    try:
        return str(ipaddress.ip_network(cidr))
    except ValueError as error:
        raise ReconcileError(
            f"{owner}: cidrs has {cidr!r}: {error}. Give a network such as 192.0.2.0/24, or a "
            "single address as 192.0.2.7/32."
        ) from error


def list_rules(client: EC2Client, group_ids: list[str]) -> list[SecurityGroupRuleTypeDef]:
    """Return all rules of the security groups as EC2 describes them."""
    pages = client.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": group_ids}]
    )
    return [rule for page in pages for rule in page["SecurityGroupRules"]]


def read_rules(
    rules: list[SecurityGroupRuleTypeDef], group_id: str, direction: str, names: Mapping[str, str]
) -> Rules:
    """Return the models of a group's rules in one direction; `names` are those of groups by id."""
    return {
        _text(rule, names): rule.get("Description", "") for rule in _of(rules, group_id, direction)
    }


def _of(
    rules: list[SecurityGroupRuleTypeDef], group_id: str, direction: str
) -> list[SecurityGroupRuleTypeDef]:
    egress = direction == EGRESS
    return [rule for rule in rules if rule["GroupId"] == group_id and rule["IsEgress"] == egress]


def _text(rule: SecurityGroupRuleTypeDef, names: Mapping[str, str]) -> str:
    protocol = rule["IpProtocol"]
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId", "")
    source = (
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or names.get(group, group)
    )
    if protocol == API_ALL:
        return f"{ALL} {ALL} {source}"
    first, last = rule["FromPort"], rule["ToPort"]
    return f"{protocol} {first if first == last else f'{first}-{last}'} {source}"


def set_rules(
    client: EC2Client, group_id: str, direction: str, wanted: Rules, names: Mapping[str, str]
) -> None:
    """Make the rules of a group in one direction exactly the wanted ones.

    What is missing is allowed before the rest is forbidden, so that no connection breaks that both
    allow.
    """
    present = {
        _text(rule, names): rule
        for rule in _of(list_rules(client, [group_id]), group_id, direction)
    }
    ids = {name: identifier for identifier, name in names.items()}
    missing = [_permission(text, wanted[text], ids) for text in wanted if text not in present]
    if missing:
        _authorize(client, group_id, direction, missing)
    described: list[Any] = [
        {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": request}
        for text, rule in present.items()
        if (request := _described(rule, wanted.get(text)))
    ]
    if described:
        client.modify_security_group_rules(GroupId=group_id, SecurityGroupRules=described)
    removed = [rule["SecurityGroupRuleId"] for text, rule in present.items() if text not in wanted]
    if removed:
        _revoke(client, group_id, direction, removed)


def _permission(text: str, description: str, ids: Mapping[str, str]) -> Any:
    protocol, ports, source = text.split(" ", 2)
    described = {"Description": description} if description else {}
    permission: dict[str, Any] = {"IpProtocol": API_ALL if protocol == ALL else protocol}
    if ports != ALL:
        first, _, last = ports.partition("-")
        permission |= {"FromPort": int(first), "ToPort": int(last or first)}
    if source in ids:
        return permission | {"UserIdGroupPairs": [{"GroupId": ids[source], **described}]}
    try:
        version = ipaddress.ip_network(source).version
    except ValueError as error:
        raise ReconcileError(
            f"rule '{text}': the VPC has no security group {source!r}. Create it first, or list it "
            "before the groups whose rules name it."
        ) from error
    ranges, field = RANGE_FIELDS[version]
    return permission | {ranges: [{field: source, **described}]}


def _described(rule: SecurityGroupRuleTypeDef, description: str | None) -> Any | None:
    """Return the whole rule with another description, if it is wanted with another one."""
    if description is None or description == rule.get("Description", ""):
        return None
    sources = {
        "CidrIpv4": rule.get("CidrIpv4"),
        "CidrIpv6": rule.get("CidrIpv6"),
        "ReferencedGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
    }
    return {
        "IpProtocol": rule["IpProtocol"],
        "FromPort": rule["FromPort"],
        "ToPort": rule["ToPort"],
        "Description": description,
        **{field: source for field, source in sources.items() if source},
    }


def _authorize(client: EC2Client, group_id: str, direction: str, permissions: list[Any]) -> None:
    call = (
        client.authorize_security_group_ingress
        if direction == INGRESS
        else client.authorize_security_group_egress
    )
    when_known(lambda: call(GroupId=group_id, IpPermissions=permissions))


def _revoke(client: EC2Client, group_id: str, direction: str, rule_ids: list[str]) -> None:
    if direction == INGRESS:
        client.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=rule_ids)
    else:
        client.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=rule_ids)
