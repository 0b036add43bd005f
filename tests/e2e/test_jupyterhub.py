"""The hub in a real browser: who gets in, what a data scientist does there, and who is out again.

The tests go through the days of a few people, in the order of this file. Two have a server.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

from examples.register_dataset import form_item
from tests.accounts import Accounts
from tests.api import open_model
from tests.browser import confirm, sign_in, sign_up
from tests.cloud import ROOT
from tests.hosts import on_host
from tests.lab import START_MILLISECONDS, Lab
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.checkout import Checkout
    from tests.deployment import Platform

SCREENSHOTS = ROOT / "build/artifacts/jupyterhub"
TUTORIALS = ROOT / "roles/jupyterhub_provision/files/tutorials"
DATASET = "Night Walks"
# Both are asked for at the latest after one and a half minutes, and a server believes what it was
# told for some seconds more.
OUT_SECONDS = 240
# The mirror is renewed every five minutes.
MIRROR_SECONDS = 400
TUTORIAL_MILLISECONDS = 240_000
UNITS = [
    *("jupyterhub", "jupyterhub-proxy", "nginx", "nftables"),
    *("jupyterhub-sync@sample_data.timer", "jupyterhub-sync@tutorials.timer"),
    *("jupyterhub-probe.timer", "jupyterhub-homes.timer", "jupyterhub-backup.timer"),
]
SERVERS = "systemctl list-units --plain --no-legend 'jupyter-*'"
COMMANDS = [
    *("jupyterhub-sync@sample_data", "jupyterhub-sync@tutorials"),
    *("jupyterhub-homes", "jupyterhub-backup", "jupyterhub-probe"),
]


@dataclass
class Hub:
    """The hub of a platform, and the browser of whoever visits it."""

    platform: Platform
    browser: Browser
    pages: list[Page] = field(default_factory=list)

    @property
    def accounts(self) -> Accounts:
        """Return the user pool behind the hub."""
        return Accounts(self.platform)

    @property
    def url(self) -> str:
        """Return where people find the hub."""
        return str(self.platform.outputs["jupyterhub"]["url"])

    def visitor(self) -> Page:
        """Return a page of a browser without cookies."""
        # The certificate is the host's own: a test of its own looks at it.
        page = self.browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(START_MILLISECONDS)
        self.pages.append(page)
        return page

    def server(self, name: str) -> str:
        """Return the URL of a person's server."""
        return f"{self.url}/user/{name}"

    def wait_for_lab(self, page: Page, name: str) -> Lab:
        """Wait until the page of somebody who has signed in is JupyterLab."""
        page.wait_for_url(f"{self.server(name)}/lab**", timeout=2 * START_MILLISECONDS)
        return Lab(page, self.server(name))

    def status(self, page: Page, path: str) -> int:
        """Return the status with which the owner of a page is answered."""
        return page.request.get(self.url + path, max_redirects=0).status

    def run(self, script: str) -> str:
        """Return what a script prints that root runs on the host."""
        return on_host(self.platform, "jupyterhub", script)


def keep(page: Page, name: str) -> None:
    """Keep what a page looks like, for people to look at."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def hub(platform: Platform, browser: Browser) -> Iterator[Hub]:
    hub = Hub(platform, browser)
    yield hub
    for number, page in enumerate(hub.pages, 1):
        keep(page, f"last-{number}")
        page.context.close()


@pytest.fixture(scope="module", autouse=True)
def dataset(platform: Platform) -> str:
    """Return a dataset that is registered before all else, so that its sample comes meanwhile."""
    table = platform.cloud.resource("dynamodb").Table("dataset_table")
    table.put_item(Item=form_item(DATASET))
    return DATASET


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has signed up by way of the hub, and how the hub received her."""

    name: str
    page: Page
    status: int


@pytest.fixture(scope="module")
def newcomer(hub: Hub) -> Newcomer:
    page = hub.visitor()
    sign_up(page, hub.url, "rosalind")
    page.wait_for_selector("input[name=code]")
    keep(page, "1-confirm")
    with page.expect_response(lambda answer: "/hub/oauth_callback?" in answer.url) as answered:
        confirm(page, hub.accounts, "rosalind")
    return Newcomer("rosalind", page, answered.value.status)


@pytest.fixture(scope="module")
def lab(hub: Hub, newcomer: Newcomer) -> Lab:
    """Return JupyterLab of the newcomer, after an operator has let her in."""
    hub.accounts.add_to_group(newcomer.name, "data-scientists")
    # She is signed in at the hosted UI already.
    newcomer.page.goto(hub.url)
    return hub.wait_for_lab(newcomer.page, newcomer.name)


def test_the_hub_proves_who_it_is(hub: Hub) -> None:
    host = urlsplit(hub.url).netloc
    trusted = ssl.create_default_context(cadata=hub.platform.outputs["jupyterhub"]["certificate"])
    connection = http.client.HTTPSConnection(host, timeout=30, context=trusted)
    connection.request("GET", "/hub/health")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    foreign = http.client.HTTPSConnection(host, timeout=30)
    with pytest.raises(ssl.SSLCertVerificationError):
        foreign.request("GET", "/")
    plain = http.client.HTTPConnection(host, timeout=30)
    plain.request("GET", "/hub/login")
    assert plain.getresponse().getheader("Location") == f"{hub.url}/hub/login"


def test_other_ports_of_the_hub_are_closed(hub: Hub) -> None:
    host = urlsplit(hub.url).netloc
    for port in (22, 80, 443):
        socket.create_connection((host, port), timeout=10).close()
    for port in (5001, 8000, 8001, 8081, 9100):
        with pytest.raises(OSError, match=r"timed out|refused"):
            socket.create_connection((host, port), timeout=1)


def test_every_service_of_the_hub_runs(hub: Hub) -> None:
    assert hub.run("systemctl list-units --failed --plain --no-legend") == ""
    for unit in UNITS:
        assert hub.run(f"systemctl is-active '{unit}'") == "active\n", unit


def test_a_wrong_password_does_not_open_the_hub(hub: Hub) -> None:
    hub.accounts.join("lise")
    hub.accounts.add_to_group("lise", "data-scientists")
    page = hub.visitor()
    sign_in(page, hub.url, "lise", "wrong-Password-123")
    assert "Incorrect username or password" in page.inner_text("body")
    keep(page, "2-wrong-password")
    assert not page.url.startswith(hub.url)
    assert hub.status(page, "/hub/home") == 302


def test_whoever_is_in_no_group_is_refused(hub: Hub, newcomer: Newcomer) -> None:
    assert newcomer.status == 403
    newcomer.page.wait_for_selector("text=in none of the groups")
    keep(newcomer.page, "3-in-no-group")
    assert hub.status(newcomer.page, "/hub/home") == 302
    assert "rosalind" not in hub.run("getent passwd")


def test_a_demo_user_opens_notebooks(hub: Hub, checkout: Checkout) -> None:
    told = re.search(
        r"user names: (\w+),.*\npassword: +(\S+)", checkout.run("make", "demo-password")
    )
    assert told
    page = hub.visitor()
    sign_in(page, hub.url, told[1], told[2])
    hub.wait_for_lab(page, told[1])
    hub.run(f"systemctl stop 'jupyter-{told[1]}-server'")


def test_a_notebook_reads_the_sample(hub: Hub, lab: Lab) -> None:
    printed = lab.run(
        "import pandas\n"
        'sample = pandas.read_csv("sample_data/Artificien-Health.csv")\n'
        "print(sample.mean().to_json(double_precision=10))"
    )
    keep(lab.page, "4-notebook")
    bucket = hub.platform.outputs["storage"]["buckets"]["sample_data"]
    stored = hub.platform.cloud.client("s3").get_object(Bucket=bucket, Key="Artificien-Health.csv")
    frame = pd.read_csv(stored["Body"])
    assert list(frame) == ["Age", "Sex", "Body Mass Index", "Weekly Step Count"]
    assert json.loads(printed) == pytest.approx(frame.mean().to_dict())


def run(lab: Lab, tutorial: str) -> list[str]:
    """Run a tutorial, and return what each of its cells of code prints."""
    notebook = json.loads((TUTORIALS / tutorial).read_text())
    cells = sum(cell["cell_type"] == "code" for cell in notebook["cells"])
    return lab.run_all(f"tutorials/{tutorial}", cells, TUTORIAL_MILLISECONDS)


def test_the_first_tutorial_runs_to_its_end(lab: Lab) -> None:
    printed = run(lab, "health-tutorial.ipynb")
    keep(lab.page, "5-health")
    assert "score" in printed[-1]


def test_a_model_is_hosted_from_a_notebook_and_complete(hub: Hub, lab: Lab) -> None:
    printed = run(lab, "hosting-tutorial.ipynb")
    keep(lab.page, "6-hosting")
    assert printed[0].startswith("You are rosalind")
    assert any("1 of 2 cycles" in text for text in printed)
    models = hub.platform.cloud.resource("dynamodb").Table("model_table")
    row = models.get_item(Key={"model_id": printed[2].strip()}, ConsistentRead=True)["Item"]
    assert row | {"dataset": "Artificien-Health", "owner_name": "rosalind"} == row
    assert (row["percent_complete"], row["active_status"]) == (100, 0)
    assert row["download_link"] in printed[-1]
    model = open_model(row["download_link"])
    assert (model["model_id"], model["checkpoint"]) == (row["model_id"], 3)
    assert all(np.isfinite(each).all() for each in model["parameters"])


def test_administrators_are_the_groups(hub: Hub, lab: Lab) -> None:
    assert hub.status(lab.page, "/hub/admin") == 403
    hub.accounts.join("emmy")
    hub.accounts.add_to_group("emmy", "admins")
    page = hub.visitor()
    sign_in(page, f"{hub.url}/hub/login?next=/hub/admin", "emmy")
    page.wait_for_selector("text=rosalind")
    keep(page, "7-admin")


def test_logging_out_ends_at_cognito(hub: Hub, lab: Lab) -> None:
    page = lab.page
    page.goto(f"{hub.url}/hub/logout")
    page.wait_for_selector("input[name=password]")
    keep(page, "8-logged-out")
    assert not page.url.startswith(hub.url)
    wait_for(lambda: hub.status(page, "/user/rosalind/api/status") == 403)
    sign_in(page, hub.url, "rosalind")
    hub.wait_for_lab(page, "rosalind")
    assert hub.status(page, "/user/rosalind/api/status") == 200


def test_whoever_is_out_loses_a_running_server(hub: Hub, lab: Lab) -> None:
    hub.accounts.join("cecilia")
    hub.accounts.add_to_group("cecilia", "data-scientists")
    other = hub.visitor()
    sign_in(other, hub.url, "cecilia")
    hub.wait_for_lab(other, "cecilia")
    servers = {"rosalind": lab.page, "cecilia": other}

    def answers() -> dict[str, int]:
        return {
            name: hub.status(page, f"/user/{name}/api/status") for name, page in servers.items()
        }

    def running() -> set[str]:
        return {name for name in servers if f"jupyter-{name}-server" in hub.run(SERVERS)}

    assert answers() == {"rosalind": 200, "cecilia": 200}
    assert running() == {"rosalind", "cecilia"}
    hub.accounts.remove_from_group("rosalind", "data-scientists")
    hub.accounts.delete("cecilia")
    wait_for(lambda: 200 not in answers().values(), OUT_SECONDS)
    wait_for(lambda: not running(), OUT_SECONDS)
    lab.page.goto(hub.server("rosalind"))
    lab.page.wait_for_selector("text=in none of the groups")
    keep(lab.page, "9-removed")
    # Her browser is still signed in at the hosted UI, but as somebody who is no more.
    other.goto(hub.server("cecilia"))
    other.wait_for_selector("input[name=password]")
    keep(other, "10-deleted")
    assert running() == set()


def test_what_the_hub_measures_arrives_where_the_alarms_look(hub: Hub) -> None:
    for command in COMMANDS:
        hub.run(f"systemctl start '{command}'")
    cloudwatch = hub.platform.cloud.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="artificien-local-jupyterhub-")
    looked_at = {alarm["MetricName"]: alarm for alarm in alarms["MetricAlarms"]}
    assert sorted(looked_at) == [
        "BackupSucceeded",
        "LargestHomeBytes",
        "ProbeSucceeded",
        "SampleDataSyncSucceeded",
        "TutorialsSyncSucceeded",
    ]
    for name, alarm in looked_at.items():
        assert alarm["AlarmActions"] == [hub.platform.outputs["alerts"]["topic"]]
        now = datetime.now(UTC)
        (last,) = cloudwatch.get_metric_statistics(
            Namespace=alarm["Namespace"],
            MetricName=name,
            Dimensions=alarm["Dimensions"],
            StartTime=now - timedelta(hours=12),
            EndTime=now + timedelta(hours=12),
            Period=86400,
            Statistics=["Maximum"],
        )["Datapoints"]
        assert last["Maximum"] > 0, name
        # What fails is told as 0.
        assert name == "LargestHomeBytes" or last["Maximum"] == 1, name


def test_a_new_sample_is_mirrored(hub: Hub, dataset: str) -> None:
    bucket = hub.platform.outputs["storage"]["buckets"]["sample_data"]
    stored = hub.platform.cloud.client("s3").get_object(Bucket=bucket, Key=f"{dataset}.csv")
    digest = hashlib.sha256(stored["Body"].read()).hexdigest()
    look = f"sha256sum '/srv/data/sample_data/{dataset}.csv' || true"
    mirrored = wait_for(lambda: hub.run(look), MIRROR_SECONDS)
    assert mirrored.startswith(digest)
