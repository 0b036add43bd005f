"""Instance metadata: an instance, known by where it asks from, learns about itself only."""

import json
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from types import ModuleType
from typing import Any

from local_cloud.patches.known import CONTEXT_PARAMETERS, known, moved

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

CREDENTIALS_SECONDS = 3600
RENEWAL_SECONDS = 1200
"""Credentials that end sooner are renewed; the SDKs ask for new ones 15 minutes before the end."""

LONGEST_TOKEN_SECONDS = 21600

TOKEN_HEADER = "x-aws-ec2-metadata-token"  # noqa: S105 - the name of a header
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"


def patch(
    imds: ModuleType, ec2: ModuleType, iam: ModuleType, sts: ModuleType, evaluator: ModuleType
) -> None:
    """Answer about the instance that asks, with credentials of its own instance profile.

    The emulator describes one invented instance to whoever asks, with credentials that it does
    not know itself. Tokens are required, as on an instance that allows version 2 only.

    Args:
        imds: the emulator's module ``ministack.services.imds``.
        ec2: its module ``ministack.services.ec2``.
        iam: its module ``ministack.services.iam``.
        sts: its module ``ministack.services.sts``.
        evaluator: its module ``ministack.core.iam_evaluator``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    theirs = known(imds, "handle_request", ["method", "path", "headers", "body", "query_params"])
    origin: Any = getattr(evaluator, "_request_origin", None)
    if not hasattr(origin, "get"):
        raise moved(f"{evaluator.__name__}._request_origin")
    instances: Any = getattr(ec2, "_instances", None)
    if not hasattr(instances, "all_items"):
        raise moved(f"{ec2.__name__}._instances")
    metadata = _Metadata(_Credentials(iam, sts, evaluator))

    def asking() -> Instance | None:
        address = origin.get()[0]
        for (account_id, region, _), record in instances.all_items():
            if record["State"]["Name"] == "running" and address in (
                record["PrivateIpAddress"],
                record["PublicIpAddress"],
            ):
                return Instance(account_id, region, record)
        return None

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Record
    ) -> Any:
        if not path.startswith("/latest/"):
            return await theirs(method, path, headers, body, query_params)
        instance = asking()
        if instance is None:
            return _text("Not Found", HTTPStatus.NOT_FOUND)
        return metadata.answer(instance, method.upper(), path.rstrip("/"), headers)

    imds.handle_request = handle_request  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Instance:
    """The instance that asks."""

    account_id: str
    region: str
    record: Record

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.record["InstanceId"])

    @property
    def profile_arn(self) -> str:
        """The ARN of its instance profile; empty without one."""
        return str((self.record.get("IamInstanceProfile") or {}).get("Arn") or "")

    def values(self) -> dict[str, str]:
        """Return what it may read about itself, by path below ``meta-data``."""
        record = self.record
        return {
            "ami-id": record["ImageId"],
            "hostname": record["PrivateDnsName"],
            "instance-id": record["InstanceId"],
            "instance-type": record["InstanceType"],
            "local-hostname": record["PrivateDnsName"],
            "local-ipv4": record["PrivateIpAddress"],
            "placement/availability-zone": record["Placement"]["AvailabilityZone"],
            "placement/region": self.region,
            "public-ipv4": record["PublicIpAddress"],
            "security-groups": "\n".join(group["GroupName"] for group in record["SecurityGroups"]),
        }

    def document(self) -> Record:
        """Return its identity document."""
        record = self.record
        return {
            "accountId": self.account_id,
            "architecture": record["Architecture"],
            "availabilityZone": record["Placement"]["AvailabilityZone"],
            "imageId": record["ImageId"],
            "instanceId": record["InstanceId"],
            "instanceType": record["InstanceType"],
            "pendingTime": record["LaunchTime"],
            "privateIp": record["PrivateIpAddress"],
            "region": self.region,
            "version": "2017-09-30",
        }


class _Metadata:
    def __init__(self, credentials: "_Credentials") -> None:
        self._credentials = credentials
        self._tokens: dict[str, tuple[str, float]] = {}

    def answer(self, instance: Instance, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Answer a request of an instance."""
        if path == "/latest/api/token":
            return self._token(instance, method, headers)
        owner, ends = self._tokens.get(headers.get(TOKEN_HEADER, ""), ("", 0.0))
        if owner != instance.id or ends < time.time():
            return _text("Unauthorized", HTTPStatus.UNAUTHORIZED)
        if method != "GET":
            return _text("Method Not Allowed", HTTPStatus.METHOD_NOT_ALLOWED)
        if path == "/latest/dynamic/instance-identity/document":
            return _json(instance.document())
        if path.startswith("/latest/meta-data"):
            return self._meta_data(instance, path.removeprefix("/latest/meta-data").strip("/"))
        return _text("Not Found", HTTPStatus.NOT_FOUND)

    def _token(self, instance: Instance, method: str, headers: dict[str, str]) -> Answer:
        if method != "PUT":
            return _text("Method Not Allowed", HTTPStatus.METHOD_NOT_ALLOWED)
        seconds = headers.get(TTL_HEADER, "")
        if not seconds.isdecimal() or not 1 <= int(seconds) <= LONGEST_TOKEN_SECONDS:
            return _text("Bad Request", HTTPStatus.BAD_REQUEST)
        now = time.time()
        self._tokens = {token: each for token, each in self._tokens.items() if each[1] > now}
        token = secrets.token_urlsafe(42)
        self._tokens[token] = (instance.id, now + int(seconds))
        status, _, body = _text(token)
        return status, {"Content-Type": "text/plain", TTL_HEADER: seconds}, body

    def _meta_data(self, instance: Instance, name: str) -> Answer:
        values = instance.values()
        role = self._credentials.role(instance)
        if role:
            values["iam/security-credentials/" + role["RoleName"]] = ""
            values["iam/info"] = ""
        if values.get(name):
            return _text(values[name])
        if role and name == "iam/info":
            return _json({"Code": "Success", "InstanceProfileArn": instance.profile_arn})
        if role and name == "iam/security-credentials/" + role["RoleName"]:
            return _json(self._credentials.document(instance, role))
        below = f"{name}/" if name else ""
        listed = {
            head + slash
            for each in values
            if each.startswith(below)
            for head, slash, _ in [each.removeprefix(below).partition("/")]
        }
        return _text("\n".join(sorted(listed))) if listed else _text("", HTTPStatus.NOT_FOUND)


class _Credentials:
    def __init__(self, iam: ModuleType, sts: ModuleType, evaluator: ModuleType) -> None:
        self._profiles: Any = getattr(iam, "_instance_profiles", None)
        self._roles: Any = getattr(iam, "_roles", None)
        for name, store in (("_instance_profiles", self._profiles), ("_roles", self._roles)):
            if not hasattr(store, "get_scoped"):
                raise moved(f"{iam.__name__}.{name}")
        self._access_key = known(iam, "_gen_session_access_key", [])
        self._secret = known(iam, "_gen_secret", [])
        self._session_token = known(iam, "_gen_session_token", [])
        self._register = known(sts, "register_session", ["access_key", "session"])
        self._evaluate = known(
            evaluator,
            "evaluate_resource_policy",
            ["doc", "ctx", "service", "named_only", "direct_only"],
        )
        self._context = known(evaluator, "EvalContext", CONTEXT_PARAMETERS)
        self._given: dict[tuple[str, str], tuple[Record, float]] = {}

    def role(self, instance: Instance) -> Record | None:
        """Return the role of the instance's profile; None without one."""
        name = instance.profile_arn.rpartition("/")[2]
        profile = self._profiles.get_scoped(instance.account_id, None, name) or {}
        for role_name in profile.get("Roles", []):
            role: Record | None = self._roles.get_scoped(instance.account_id, None, role_name)
            return role
        return None

    def document(self, instance: Instance, role: Record) -> Record:
        """Return credentials of the role, the same ones until their end is near."""
        if not self._trusts(role):
            return {
                "Code": "AssumeRoleUnauthorizedAccess",
                "Message": f"EC2 cannot assume the role {role['RoleName']}.",
            }
        document, ends = self._given.get((instance.id, role["Arn"]), ({}, 0.0))
        if ends - time.time() < RENEWAL_SECONDS:
            document, ends = self._new(instance, role)
            self._given[instance.id, role["Arn"]] = document, ends
        return document

    def _new(self, instance: Instance, role: Record) -> tuple[Record, float]:
        now = time.time()
        ends = now + CREDENTIALS_SECONDS
        key, secret, token = self._access_key(), self._secret(), self._session_token()
        session = f"assumed-role/{role['RoleName']}/{instance.id}"
        self._register(
            key,
            {
                "Arn": f"arn:aws:sts::{instance.account_id}:{session}",
                "UserId": f"{role['RoleId']}:{instance.id}",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": ends,
                "AccountId": instance.account_id,
                "PrincipalType": "AssumedRole",
            },
        )
        document = {
            "Code": "Success",
            "LastUpdated": _timestamp(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "Token": token,
            "Expiration": _timestamp(ends),
        }
        return document, ends

    def _trusts(self, role: Record) -> bool:
        document = role.get("AssumeRolePolicyDocument") or {}
        context = self._context(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="sts:AssumeRole",
            resource_arn=role["Arn"],
            region="",
        )
        service = "ec2.amazonaws.com"
        return bool(self._evaluate(document, context, service=service).decision == "Allow")


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _text(body: str, status: int = HTTPStatus.OK) -> Answer:
    return int(status), {"Content-Type": "text/plain"}, body.encode()


def _json(document: Record) -> Answer:
    return int(HTTPStatus.OK), {"Content-Type": "application/json"}, json.dumps(document).encode()
