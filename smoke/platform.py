"""The platform that is checked: where its parts are, and clients of AWS."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from smoke.checks import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable

# A test must not wait for ever for a service that does not answer.
PATIENCE = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
)


@dataclass(frozen=True)
class Platform:
    """A deployment, as its outputs file describes it."""

    outputs: dict[str, Any]
    read_only: bool = False
    shell_credentials: bool = False
    """Whether AWS is asked with the credentials of the shell, not those of the outputs file."""

    @cached_property
    def mark(self) -> str:
        """Return what everything is called that is made.

        It is the same in each run, so that a run removes what one before it left that was killed,
        and nothing that anybody else would call so.
        """
        pool = self.find("cognito/user_pool_id")
        return f"smoke-test-{hashlib.sha256(str(pool).encode()).hexdigest()[:12]}"

    @property
    def region(self) -> str:
        """Return the AWS region."""
        return str(self.outputs["aws"]["region"])

    @cached_property
    def _session(self) -> boto3.Session:
        account = {} if self.shell_credentials else self.outputs["aws"]
        return boto3.Session(
            region_name=self.region,
            profile_name=account.get("profile"),
            aws_access_key_id=account.get("access_key_id"),
            aws_secret_access_key=account.get("secret_access_key"),
        )

    def client(self, service: Any) -> Any:
        """Return a client of a service of AWS."""
        endpoint = self.outputs["aws"].get("endpoint_url") or None
        return self._session.client(service, endpoint_url=endpoint, config=PATIENCE)

    def find(self, path: str) -> Any:
        """Return what was published at a path such as `api/base_url`, None if nothing was."""
        found: Any = self.outputs
        for key in path.split("/"):
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        return found

    def published(self, path: str) -> Any:
        """Return what was published at a path.

        Raises:
            CheckError: nothing was.
        """
        found = self.find(path)
        if found is None:
            raise CheckError(f"{path} is not published")
        return found

    @cached_property
    def prefix(self) -> str:
        """Return what the names of everything begin with, from the tags of a resource."""
        topic = self.published("alerts/topic")
        listed = self.client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
        tags = {tag["Key"]: tag["Value"] for tag in listed}
        return f"{tags['project']}-{tags['environment']}"

    @property
    def unwritten(self) -> str:
        """Return why checks that write are left out, empty if they are not."""
        return "it writes, and the run is read-only" if self.read_only else ""


def wait_for(ready: Callable[[], bool], what: str, timeout_seconds: float) -> None:
    """Ask until something has come about.

    Raises:
        CheckError: it did not within the time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if time.monotonic() >= deadline:
            raise CheckError(f"{what} did not come about within {timeout_seconds:g} s")
        time.sleep(0.5)
