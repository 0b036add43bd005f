"""What the fake was told, in a file beside the state of the emulator."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from local_cloud.amplify_fake.errors import bad_request, not_found

Record = dict[str, Any]

DOMAIN = "amplify-fake.invalid"
"""What every address of the fake ends with: nobody can mistake it, and no name server knows it."""

PAGE = 10
"""Entries on a page of a list, if the caller asks for no other number."""


@dataclass(frozen=True)
class Scope:
    """The apps of one region, and the account that they are in."""

    apps: Record
    region: str
    account: str
    now: float

    def arn(self, *path: str) -> str:
        """Return the ARN of an app or of something below it."""
        return f"arn:aws:amplify:{self.region}:{self.account}:{'/'.join(('apps', *path))}"

    def app(self, params: Record) -> Record:
        """Return what is kept of the app that a request names."""
        return self._kept(self.apps, params["appId"], "App")

    def branch(self, params: Record) -> Record:
        """Return the branch that a request names."""
        return self._kept(self.app(params)["branches"], params["branchName"], "Branch")

    def domain(self, params: Record) -> Record:
        """Return the domain that a request names."""
        return self._kept(self.app(params)["domains"], params["domainName"], "Domain")

    def _kept(self, records: Record, name: str, kind: str) -> Record:
        if name not in records:
            raise not_found(f"{kind} {name}")
        kept: Record = records[name]
        return kept


class State:
    """The file and what it holds; one call at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._regions: Record = json.loads(path.read_text()) if path.exists() else {}

    def run(
        self,
        operation: Callable[[Scope, Record], Record],
        params: Record,
        *,
        region: str,
        account: str,
        now: float,
    ) -> Record:
        """Carry out an operation and keep what it changed; one that is refused changes nothing."""
        with self._lock:
            # The operation works on a copy, and its answer is no part of what is kept.
            changed = json.loads(json.dumps(self._regions))
            apps = changed.setdefault(region, {})
            output = operation(Scope(apps, region, account, now), params)
            answer: Record = json.loads(json.dumps(output))
            if changed != self._regions:
                partial = self._path.with_suffix(".partial")
                partial.write_text(json.dumps(changed))
                partial.replace(self._path)
                self._regions = changed
        return answer


def page(name: str, records: list[Record], params: Record) -> Record:
    """Return one page of a list, under `name`."""
    token, size = params.get("nextToken") or "0", params.get("maxResults") or PAGE
    if not token.isdecimal() or int(token) > len(records):
        raise bad_request(f"{token!r} is no token of this list.")
    end = int(token) + size
    more = {"nextToken": str(end)} if end < len(records) else {}
    return {name: records[int(token) : end]} | more


def variables(params: Record) -> Record:
    """Return the environment variables that a request sets, if it sets any.

    Like Amplify, an empty set counts as none sent, and one with an empty name as empty.
    """
    sent = params.get("environmentVariables")
    if not sent:
        return {}
    reserved = sorted(name for name in sent if name.startswith("AWS"))
    if reserved:
        raise bad_request(
            f"Environment variables cannot start with the reserved prefix: {reserved[0]}."
        )
    return {"environmentVariables": {name: value for name, value in sent.items() if name}}
