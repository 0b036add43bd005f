"""The status page, its JSON and the metrics: what they say, and to whom."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import datetime
from html.parser import HTMLParser
from ipaddress import IPv4Network
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from cycles.life import host
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette

from artificien_pygrid.api import metrics, status
from artificien_pygrid.api.node import Node
from artificien_pygrid.cycles import closing, hosting
from artificien_pygrid.settings import Settings

pytestmark = pytest.mark.anyio

TOKEN = "for-the-operators"  # noqa: S105 - a test's own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A parsed page; refuses tags that are not closed or nested wrongly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag of the drawing."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """See that it is the one that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", " ".join(data.split())))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    def of(self, tag: str) -> list[str]:
        """The texts directly in such tags."""
        return [text for name, text in self.texts if name == tag]

    @property
    def text(self) -> str:
        """All texts but the style."""
        return " ".join(text for tag, text in self.texts if tag != "style")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The terms and their values."""
        words = [(tag, text) for tag, text in self.texts if tag in {"dt", "dd", "time"}]
        return [
            (words[index][1], words[index + 1][1])
            for index in range(len(words) - 1)
            if words[index][0] == "dt"
        ]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        node_id="ward-7",
        status_token=SecretStr(TOKEN),
        status_networks=(IPv4Network("192.0.2.0/24"),),
    )


@pytest.fixture
async def node(settings: Settings) -> AsyncIterator[Node]:
    created = Node.from_settings(settings)
    async with created.database:
        yield created


def client(node: Node, peer: str = "203.0.113.9") -> httpx.AsyncClient:
    """Somebody at an address, by default one that no setting names."""
    app = Starlette(routes=[*status.routes, *metrics.routes])
    app.state.node = node
    transport = httpx.ASGITransport(app=app, client=(peer, 4000))
    return httpx.AsyncClient(transport=transport, base_url="http://node")


async def get(node: Node, path: str, peer: str = "203.0.113.9", **headers: str) -> httpx.Response:
    async with client(node, peer) as http:
        return await http.get(path, headers=headers)


async def page(node: Node) -> Page:
    response = await get(node, "/", **BEARER)
    assert response.status_code == 200
    return Page(response.text)


async def two_cycles(node: Node, **rules: Any) -> Any:
    """A model in its third of four cycles: with 2 and 1 diffs before, 1 of 2 now."""
    model = await host(node.database, num_cycles=4, max_diffs=2, **rules)
    for _ in range(2):
        await model.contribute()
    assert await closing.close_due(node.database) == 1
    await model.contribute()
    async with node.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cycles SET ends_at = now() WHERE status = 'open'")
    assert await closing.close_due(node.database) == 1
    await model.contribute()
    await model.join()
    return model


async def test_a_stranger_learns_only_that_the_node_runs(node: Node) -> None:
    model = await host(node.database)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Real-IP": "192.0.2.1"}):
        front = await get(node, "/", **headers)
        assert front.status_code == 200
        assert "The node runs." in Page(front.text).text
        answer = await get(node, "/api/status", **headers)
        assert (answer.status_code, answer.json()) == (200, {"status": "running"})
        scraped = await get(node, "/metrics", **headers)
        assert scraped.status_code == 401
        assert scraped.headers["www-authenticate"].startswith("Bearer")
        for response in (front, answer, scraped):
            assert model.name not in response.text
            assert "ward-7" not in response.text
            assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("way", ["token", "network", "password", "proxy"])
async def test_a_token_or_an_allowed_network_sees_all(node: Node, way: str) -> None:
    model = await host(node.database)
    password = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    peer, headers = {
        "token": ("203.0.113.9", BEARER),
        "network": ("192.0.2.7", {}),
        "password": ("203.0.113.9", {"Authorization": f"Basic {password}"}),
        "proxy": ("127.0.0.1", {"X-Real-IP": "192.0.2.7"}),
    }[way]
    for path in ("/", "/api/status", "/metrics"):
        response = await get(node, path, peer, **headers)
        assert response.status_code == 200
        assert model.name in response.text


@pytest.mark.parametrize("credentials", ["!", "Zm9v", "/w==", ""])
async def test_a_malformed_password_is_no_permission(node: Node, credentials: str) -> None:
    response = await get(node, "/", Authorization=f"Basic {credentials}")
    assert "The node runs." in response.text


async def test_signing_in_asks_the_browser_and_leads_to_the_page(node: Node) -> None:
    asked = await get(node, "/status")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith('Basic realm="PyGrid node"')
    let_in = await get(node, "/status", **BEARER)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "./")


async def test_the_page_says_how_a_model_is_getting_on(node: Node) -> None:
    model = await two_cycles(node)
    shown = await page(node)
    assert f"{model.name} 1.0 running" in shown.text
    assert "Cycle 3 of 4" in shown.text
    assert shown.all("progress")[0] == {
        "max": "4",
        "value": "2",
        "aria-label": "Completed cycles",
    }
    facts = dict(shown.facts)
    assert facts["Diffs in this cycle"] == "1 of 2"
    assert facts["Workers in this cycle"] == "2"
    assert facts["Diffs in all"] == "4"
    assert facts["Known workers"] == "5"
    assert facts["Latest checkpoint"] == "3"
    ends = datetime.strptime(facts["Cycle ends"], "%Y-%m-%d %H:%M:%S UTC")
    assert ends.year >= 2025
    assert "problem" not in [tag.get("class") for tag in shown.all("p")]


async def test_the_chart_has_a_bar_per_cycle_as_high_as_its_diffs(node: Node) -> None:
    await two_cycles(node)
    text = (await get(node, "/", **BEARER)).text
    match = re.search(r"<svg.*?</svg>", text, re.DOTALL)
    assert match is not None
    drawing = ElementTree.fromstring(match[0])  # noqa: S314 - the node's own
    assert drawing.get("role") == "img"
    titles = {title.get("id"): title.text for title in drawing.iter("title")}
    assert titles[drawing.get("aria-labelledby")]
    bars = drawing.findall("rect")
    assert [bar.get("class") for bar in bars] == ["bar completed", "bar completed", "bar open"]
    heights = [float(bar.get("height", "nan")) for bar in bars]
    assert heights[0] == pytest.approx(2 * heights[1])
    assert heights[1] == heights[2] > 0
    assert [bar.findtext("title") for bar in bars] == [
        "Cycle 1: 2 diffs, completed",
        "Cycle 2: 1 diff, completed",
        "Cycle 3: 1 diff, open",
    ]
    box = [float(number) for number in drawing.get("viewBox", "").split()]
    for bar in bars:
        x, y, width = (float(bar.get(name, "nan")) for name in ("x", "y", "width"))
        assert 0 <= x < x + width <= box[2]
        assert 0 <= y <= box[3]
    table = Page(text)
    assert table.of("td")[:3] == ["completed", "2", "2"]
    assert table.of("th")[-3:] == ["1", "2", "3"]


async def test_the_page_needs_nothing_from_elsewhere(node: Node) -> None:
    await two_cycles(node)
    response = await get(node, "/", **BEARER)
    shown = Page(response.text)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(r"<style>(.*?)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "prefers-color-scheme: dark" in style[1]
    assert "url(" not in style[1]
    tags = {tag for tag, _ in shown.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    for _, attributes in shown.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "srcset"} & attributes.keys()
        assert "//" not in (attributes.get("href") or "")
    assert shown.all("html") == [{"lang": "en"}]
    assert shown.of("title")[0] == "PyGrid node"


async def test_names_cannot_break_out_of_the_page(node: Node) -> None:
    model = await host(node.database)
    evil = '"><script>alert(1)</script>'
    async with node.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE processes SET name = %(name)s", {"name": evil})
        await connection.exec_driver_sql(
            "UPDATE cycles SET failure = %(failure)s, attempts = 2", {"failure": "<b>bad</b>"}
        )
    shown = await page(node)
    assert not shown.all("script")
    assert not shown.all("b")
    assert evil in shown.text
    assert "Averaging failed (2 attempts): <b>bad</b>" in shown.text
    scraped = await get(node, "/metrics", **BEARER)
    [family] = [
        family
        for family in text_string_to_metric_families(scraped.text)
        if family.name == "pygrid_checkpoint"
    ]
    assert family.samples[0].labels == {"model": evil, "version": model.version}


async def test_finished_paused_and_endless_models(node: Node) -> None:
    finished = await host(node.database, num_cycles=1, max_diffs=1)
    await finished.contribute()
    await closing.close_due(node.database)
    endless = await host(node.database, cycle_length=None)
    await hosting.pause(node.database, endless.name, "1.0")
    shown = await page(node)
    assert f"{finished.name} 1.0 finished All 1 cycle completed" in shown.text
    assert f"{endless.name} 1.0 paused Cycle 1, no end configured" in shown.text
    assert dict(shown.facts)["Diffs in all"] == "1"
    assert ("Cycle ends", "no time limit") in shown.facts


async def test_the_json_has_all_that_the_page_has(node: Node) -> None:
    model = await two_cycles(node)
    found = (await get(node, "/api/status", **BEARER)).json()
    assert (found["status"], found["node_id"]) == ("running", "ward-7")
    [shown] = found["models"]
    assert (shown["name"], shown["version"], shown["state"]) == (model.name, "1.0", "running")
    assert (shown["completed_cycles"], shown["num_cycles"], shown["max_diffs"]) == (2, 4, 2)
    assert (shown["checkpoint"], shown["workers"]) == (3, 5)
    assert (shown["accepted"], shown["reported"]) == (5, 4)
    cycles = [(cycle["sequence"], cycle["status"]) for cycle in shown["cycles"]]
    assert cycles == [(1, "completed"), (2, "completed"), (3, "open")]
    assert datetime.fromisoformat(shown["cycles"][0]["closed_at"]).tzinfo is not None
    assert shown["cycles"][2]["closed_at"] is None


async def test_undelivered_progress_is_seen_everywhere(node: Node) -> None:
    async with node.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            """INSERT INTO outbox (payload, created_at, attempts, last_error) VALUES
            ('{"model_id": "m"}', now() - interval '90 s', 7, 'the master answered 503'),
            ('{"model_id": "m"}', now() - interval '30 s', 0, NULL)"""
        )
    shown = await page(node)
    assert "2 progress messages not delivered, the oldest for 9" in shown.text
    assert "the master answered 503" in shown.text
    outbox = (await get(node, "/api/status", **BEARER)).json()["outbox"]
    assert (outbox["pending"], outbox["attempts"]) == (2, 7)
    assert 90 <= outbox["oldest_seconds"] < 100
    values = await scrape(node)
    assert values["pygrid_progress_pending", None] == 2
    assert 90 <= values["pygrid_progress_oldest_seconds", None] < 100


async def scrape(node: Node) -> dict[tuple[str, str | None], float]:
    """Values by the metric's name and the model (or state)."""
    response = await get(node, "/metrics", **BEARER)
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, sample.labels.get("model", sample.labels.get("state"))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_the_metrics_count_what_happened(node: Node) -> None:
    model = await two_cycles(node)
    before = await scrape(node)
    assert before["pygrid_models", "running"] == 1
    assert before["pygrid_models", "paused"] == before["pygrid_models", "finished"] == 0
    assert before["pygrid_cycles_completed_total", model.name] == 2
    assert before["pygrid_diffs_reported_total", model.name] == 4
    assert before["pygrid_workers_accepted_total", model.name] == 5
    assert before["pygrid_workers", model.name] == 5
    assert before["pygrid_checkpoint", model.name] == 3
    assert before["pygrid_cycle_diffs", model.name] == 1
    assert before["pygrid_cycle_failed", model.name] == 0
    assert before["pygrid_progress_pending", None] == 0
    await model.contribute()
    async with node.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cycles SET status = 'failed' WHERE sequence = 3")
    after = await scrape(node)
    assert after["pygrid_diffs_reported_total", model.name] == 5
    assert after["pygrid_cycle_failed", model.name] == 1


async def test_without_its_database_the_node_says_so_to_those_who_may_know(
    settings: Settings,
) -> None:
    url = SecretStr("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
    lost = Node.from_settings(settings.model_copy(update={"database_url": url}))
    assert (await get(lost, "/")).status_code == 200
    for path in ("/", "/api/status", "/metrics"):
        response = await get(lost, path, **BEARER)
        assert response.status_code == 503
        assert "cannot reach its database" in response.text
    await lost.database.engine.dispose()


async def test_a_long_history_stays_within_the_chart(node: Node) -> None:
    model = await host(node.database)
    async with node.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cycles SET status = 'completed', sequence = 1")
        await connection.exec_driver_sql(
            "INSERT INTO cycles (process_id, sequence, status, reported, closed_at) "
            "SELECT %(id)s, n, 'completed', n * 1000, now() FROM generate_series(2, 300) AS n",
            {"id": model.id},
        )
    shown = await page(node)
    bars = shown.all("rect")
    assert len(bars) == 30
    assert max(float(bar["x"] or 0) + float(bar["width"] or 0) for bar in bars) <= 640
    labels = [text for text in shown.of("text") if int(text) <= 300 and text != "0"]
    assert labels[-1] == "300"
    assert len(labels) <= 11
