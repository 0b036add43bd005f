"""A platform whose parts answer from a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from smoke import web
from smoke.checks import run_checks
from smoke.components import COMPONENTS
from smoke.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    from smoke.report import Row

OUTPUTS: dict[str, Any] = {
    "aws": {"endpoint_url": "", "region": "us-east-1"},
    "alerts": {"topic": "arn:aws:sns:us-east-1:111122223333:shop-prod-alerts"},
    "amplify": {"url": "https://shop.example.com"},
    "api": {"base_url": "https://api.example.com"},
    "cognito": {
        "user_pool_id": "us-east-1_AbCdEfGhI",
        "clients": {"web": "1web", "native": "1native"},
        "hosted_ui_url": "https://shop.auth.example.com",
        "identity_pool_id": "us-east-1:1234abcd-12ab-34cd-56ef-1234567890ab",
    },
    "dynamodb": {
        "tables": {
            name: name
            for name in (
                *("enterprise_table", "user_table", "app_table"),
                *("model_table", "dataset_table"),
            )
        }
    },
    "jupyterhub": {"url": "https://notebooks.example.com", "host": "notebooks.example.com"},
    "network": {"vpc_id": "vpc-1", "security_group_ids": {"pygrid": "sg-1"}},
    "pygrid": {
        "url": "https://pygrid.example.com",
        "host": "pygrid.example.com",
        "address": "192.0.2.1",
    },
    "storage": {"buckets": {"sample_data": "shop-samples"}},
}
# Of the user pool's id.
MARK = "smoke-test-3901b2c0a917"


@dataclass(frozen=True)
class Played(Platform):
    """A platform whose clients are stubbed."""

    stubs: dict[str, tuple[Any, Stubber]] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """Return the stubbed client of a service."""
        return self.stubs[service][0]


@dataclass
class Stage:
    """Runs the checks of one component, with what AWS and servers shall answer."""

    stubbed: Callable[[str], tuple[Any, Stubber]]
    outputs: dict[str, Any] = field(default_factory=lambda: dict(OUTPUTS))
    stubs: dict[str, tuple[Any, Stubber]] = field(default_factory=dict)
    pages: dict[str, web.Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def stub(self, service: str) -> Stubber:
        """Return the script of a service."""
        if service not in self.stubs:
            self.stubs[service] = self.stubbed(service)
        return self.stubs[service][1]

    def run(self, component: str, *, read_only: bool = False) -> dict[str, Row]:
        """Return what the checks found, by title."""
        platform = Played(self.outputs, read_only=read_only, stubs=self.stubs)
        rows = run_checks(component, lambda: COMPONENTS[component](platform))
        return {row.check: row for row in rows}

    def request(
        self, method: str, url: str, _body: str | None = None, *, authority: str | None = None
    ) -> web.Answer:
        """Answer a request by the page with the longest beginning of its URL."""
        self.asked.append((f"{method} {url}", authority))
        known = [start for start in self.pages if f"{method} {url}".startswith(start)]
        if not known:
            raise ConnectionRefusedError("Connection refused")
        return self.pages[max(known, key=len)]


@pytest.fixture
def stage(stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return a stage whose waits take no time."""
    made = Stage(stubbed)
    monkeypatch.setattr(web, "request", made.request)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return made


def page(status: int, content: str = "", location: str = "") -> web.Answer:
    """Return an answer of a server."""
    return web.Answer(status, location, content.encode())
