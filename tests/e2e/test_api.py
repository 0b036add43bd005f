"""The running API against its description: whatever is sent, it answers as it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from examples.register_dataset import form_item
from tests.accounts import Accounts
from tests.api import PATIENCE_SECONDS
from tests.cloud import ROOT

if TYPE_CHECKING:
    from tests.deployment import Platform

TEMPLATE = ROOT / "roles/model_retrieval/templates/openapi.yml.j2"
# Names of what the routes lead to are no part of what is answered.
DESCRIPTION = yaml.safe_load(jinja2.Template(TEMPLATE.read_text()).render())
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
MODEL_ID = "fuzzed-1.0-ivan"


@dataclass(frozen=True)
class Ivan:
    """Somebody who owns a dataset and a model, and what lets him and his devices in."""

    base_url: str
    users: Any
    email: str
    token: str
    secret: str
    names: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """Return everything that lets in; the API key is one that a route may have replaced."""
        row = self.users.get_item(Key={"user_id": self.email}, ConsistentRead=True)["Item"]
        return {
            "Authorization": f"Bearer {self.token}",
            "api_key": row["api_key"],
            "X-Progress-Secret": self.secret,
        }

    def call(self, case: Any, headers: dict[str, str]) -> None:
        """Send what was generated, and demand an answer that is described."""
        response = case.call(
            base_url=self.base_url,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
        )
        case.validate_response(response, checks=CHECKS)


@pytest.fixture(scope="module")
def ivan(platform: Platform) -> Ivan:
    """Return somebody whose dataset and model are there."""
    accounts = Accounts(platform)
    email = accounts.join("ivan")
    dynamodb = platform.cloud.resource("dynamodb")
    users = dynamodb.Table("user_table")
    users.update_item(
        Key={"user_id": email},
        UpdateExpression="SET datasets_purchased = :bought",
        ExpressionAttributeValues={":bought": ["Fuzzed"]},
    )
    dynamodb.Table("dataset_table").put_item(Item=form_item("Fuzzed") | {"owner_username": "ivan"})
    dynamodb.Table("model_table").put_item(
        Item={
            "model_id": MODEL_ID,
            "active_status": 1,
            "version": "1.0",
            "dataset": "Fuzzed",
            "owner_name": "ivan",
            "percent_complete": 0,
            "devices_trained_this_cycle": 0,
        }
    )
    secret = platform.cloud.client("secretsmanager").get_secret_value(
        SecretId="artificien-local-pygrid-progress-secret"  # pragma: allowlist secret
    )
    return Ivan(
        platform.outputs["api"]["base_url"],
        users,
        email,
        accounts.sign_in("ivan")["AccessToken"],
        secret["SecretString"],
        {
            "dataset_id": "Fuzzed",
            "model_id": MODEL_ID,
            "user_id": email,
            "ownerName": "ivan",
            "modelId": MODEL_ID,
            "version": "1.0",
        },
    )


def bounded(examples: int) -> settings:
    """Return what makes every run the same, and short."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@SCHEMA.parametrize()
@bounded(5)
def test_nobody_gets_anything_but_what_is_described(case: Any, ivan: Ivan) -> None:
    ivan.call(case, {})


@SCHEMA.exclude(method="OPTIONS").parametrize()
@bounded(15)
def test_who_is_known_gets_nothing_but_what_is_described(case: Any, ivan: Ivan) -> None:
    # What was made up leads nowhere, and what leads somewhere is never made up.
    for fields in (case.query, case.body):
        if isinstance(fields, dict):
            fields |= {name: ivan.names[name] for name in fields.keys() & ivan.names.keys()}
    ivan.call(case, ivan.headers)
