"""What the HTTP routes do beyond the recorded exchanges."""

import asyncio
import base64
import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import postgres
import pytest
import structlog
from api.serving import MODEL, Running, await_true, diff, hosting, serving

from artificien_pygrid import logs
from artificien_pygrid.api import replies
from artificien_pygrid.cycles import workers
from artificien_pygrid.errors import ReportRefused


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process logs, from level debug on."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    configuration = structlog.get_config()
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    logs.configure("debug")
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    root.handlers, root.level = before, level
    structlog.configure(**configuration)


def test_request_ids_are_passed_on_or_made(node: Running) -> None:
    given = node.http.get("/healthz", headers={"X-Request-ID": "abc-1.2_3"})
    assert given.headers["x-request-id"] == "abc-1.2_3"
    made = [
        node.http.get("/healthz", headers={"X-Request-ID": value}).headers["x-request-id"]
        for value in ("", "a b", "x" * 65, '"}')
    ]
    assert len(set(made)) == len(made)
    assert all(value.isalnum() and len(value) == 16 for value in made)


def test_probes(node: Running) -> None:
    assert node.http.get("/healthz").json() == {"status": "ok"}
    assert node.http.get("/readyz").json() == {"status": "ok"}


def test_not_ready_without_a_database() -> None:
    with serving("postgresql://nobody@127.0.0.1:1/nothing", database_timeout=0.2) as node:
        assert node.http.get("/healthz").status_code == 200
        answer = node.http.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        body = {"model_name": "m"}
        assert node.http.post("/model-centric/authenticate", json=body).status_code == 503
        answer = node.http.post("/model-centric/report", json={"diff": "AA=="})
        assert answer.json() == {"error": "Worker ID not found!"}


def test_an_unforeseen_error_is_logged_and_not_shown(
    node: Running, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    async def broken(*_: Any) -> None:
        raise LookupError("a secret detail")

    monkeypatch.setattr("artificien_pygrid.cycles.downloads.model", broken)
    answer = node.http.get("/model-centric/get-model", headers={"X-Request-ID": "r1"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error", "request_id": "r1"}
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    [failed] = [line for line in lines if line["event"] == "request failed"]
    assert failed["request_id"] == "r1"
    assert "a secret detail" in failed["exception"]
    # The last line is written after the answer.
    await_true(lambda: '"event": "request"' in log.getvalue())
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    [request] = [line for line in lines if line["event"] == "request"]
    assert (request["status"], request["level"]) == (500, "error")


@pytest.mark.parametrize("path", ["authenticate", "cycle-request", "report"])
@pytest.mark.parametrize("body", ["", "[]", "1", '"x"', "[" * 100_000, '{"a": ', "\udc80"])
def test_a_body_that_is_no_object_is_refused(node: Running, path: str, body: str) -> None:
    answer = node.http.post(f"/model-centric/{path}", content=body.encode(errors="surrogateescape"))
    assert answer.status_code in {400, 413}
    assert list(answer.json()) == ["error"]


def test_bodies_are_limited(cluster: postgres.Cluster) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 1000

    with cluster.database() as url, serving(url, max_body_bytes=32_000) as node:
        announced = node.http.post("/model-centric/report", content=b"x" * 33_000)
        chunked = node.http.post("/model-centric/report", content=chunks())
        assert (announced.status_code, chunked.status_code) == (413, 413)
        assert "32000" in announced.json()["error"]
        assert node.http.post("/model-centric/report", content=b"x" * 31_000).status_code == 400


def test_requests_of_an_address_are_limited(cluster: postgres.Cluster) -> None:
    limits = {"request_burst": 3, "requests_per_second": 0.001}
    with cluster.database() as url, serving(url, **limits) as node:
        paths = ["/data-centric/identity/"] * 4 + ["/healthz"]
        statuses = [node.http.get(path).status_code for path in paths]
        assert statuses == [200, 200, 200, 429, 200]
        # A proxy of this machine names the client itself.
        other = node.http.get("/data-centric/identity/", headers={"X-Real-IP": "192.0.2.1"})
        assert other.status_code == 200


def test_retrieval_needs_a_token_or_network(cluster: postgres.Cluster) -> None:
    options = {"retrieval_networks": "192.0.2.0/24", "retrieval_token": "t" * 32}
    with cluster.database() as url, serving(url, **options) as node:
        path = f"/model-centric/retrieve-model?name={node.host()}"
        refused = node.http.get(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        by_token = node.http.get(path, headers={"Authorization": "Bearer " + "t" * 32})
        assert by_token.content == MODEL
        by_network = node.http.get(path, headers={"X-Real-IP": "192.0.2.9"})
        assert by_network.content == MODEL
        assert node.http.get("/model-centric/retrieve-model").status_code == 401


def test_retrieval_without_a_name(node: Running) -> None:
    answer = node.http.get("/model-centric/retrieve-model")
    assert answer.status_code == 400
    assert "'name' is required" in answer.json()["error"]


def test_a_model_that_asks_for_tokens(node: Running) -> None:
    secret = "s" * 32
    name = node.host(authentication={"secret": secret})
    bodies: list[Any] = [None, "", jwt.encode({}, "x" * 32), 7, jwt.encode({}, secret)]
    answers = [
        node.http.post(
            "/model-centric/authenticate", json={"model_name": name, "auth_token": token}
        )
        for token in bodies
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 400, 200]
    assert "required" in answers[1].json()["error"]


def test_a_cycle_closes_by_itself_after_the_last_report(node: Running) -> None:
    name = node.host(max_diffs=1, num_cycles=1)
    worker_id, accepted = node.join(name)
    assert node.report(worker_id, accepted["request_key"], diff()) == {"status": "success"}
    path = f"/model-centric/retrieve-model?name={name}"
    await_true(lambda: node.http.get(path).headers["X-Checkpoint"] == "2")
    assert node.http.get(f"{path}&checkpoint=1").headers["X-Checkpoint"] == "1"


def test_a_protocol_is_delivered_also_to_pysyft(node: Running) -> None:
    name = f"{node.host()}-with-protocol"
    data = hosting(name) | {"protocols": {"secagg": "0a0b"}}
    assert node.send("model-centric/host-training", data) == {"status": "success"}
    worker_id, accepted = node.join(name)
    for field in ("protocol_id", "plan_id"):
        params = {
            "worker_id": worker_id,
            "request_key": accepted["request_key"],
            field: accepted["protocols"]["secagg"],
        }
        assert node.http.get("/model-centric/get-protocol", params=params).content == b"\x0a\x0b"


def test_the_time_to_wait_as_text(cluster: postgres.Cluster) -> None:
    with cluster.database() as url, serving(url, timeout_format="text") as node:
        name = node.host()
        worker_id, _ = node.join(name)
        assert node.request_cycle(worker_id, name)["timeout"].startswith("0:09:5")


def test_preflight_of_any_path_echoes_what_is_asked(node: Running) -> None:
    headers = {"Origin": "https://a.b", "Access-Control-Request-Headers": "x-y, z"}
    answer = node.http.options("/model-centric/authenticate", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://a.b"
    assert answer.headers["access-control-allow-headers"] == "x-y, z"
    missing = node.http.get("/model-centric/none", headers=headers)
    assert missing.status_code == 404
    assert missing.headers["access-control-allow-origin"] == "*"


def test_base64_may_have_line_breaks() -> None:
    assert replies.decode_base64("AAEC\nAwQ=\n") == bytes(range(5))
    for text in ("AAE", "A-_E", "é", "AAEC=AAA"):
        with pytest.raises(ReportRefused, match="'diff' is not valid base64"):
            replies.decode_base64(text)


def test_a_long_diff_is_taken(node: Running) -> None:
    name = node.host()
    worker_id, accepted = node.join(name)
    text = base64.b64encode(diff()).decode() + "\n" * 300_000
    body = {"worker_id": worker_id, "request_key": accepted["request_key"], "diff": text}
    answer = node.http.post("/model-centric/report", json=body)
    assert answer.json() == {"status": "success"}


def test_speed_tests_are_limited_and_places_come_back(cluster: postgres.Cluster) -> None:
    size = 32 * 1024 * 1024
    limits = {"speed_tests_per_client": 1, "speed_test_bytes": size}
    path = "/model-centric/speed-test?worker_id=a&random=1"
    with cluster.database() as url, serving(url, **limits) as node:
        with node.http.stream("GET", path) as first:
            assert first.status_code == 200
            # Nobody reads on, so the rest waits in the server once the buffers are full.
            assert node.http.get(path).status_code == 429
            assert node.http.post(path, content=b"x").status_code == 429
        # The first one went away in the middle.
        await_true(lambda: len(node.node.speed_tests) == 0)
        assert node.http.post(path, content=b"x" * size).json() == {}
        assert node.http.post(path, content=b"x" * (2 * size + 100_000)).status_code == 413
        assert len(node.http.get(path).content) == size + 125
        head = node.http.head(path)
        assert int(head.headers["content-length"]) == size + 125


def test_requests_that_have_begun_are_finished_when_the_node_stops(
    cluster: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    answers: list[Any] = []

    async def slow(*arguments: Any) -> Any:
        begun.set()
        await asyncio.sleep(0.5)
        return await authenticate(*arguments)

    authenticate = workers.authenticate
    monkeypatch.setattr(workers, "authenticate", slow)
    with cluster.database() as url, serving(url) as node:
        name = node.host()
        thread = threading.Thread(target=lambda: answers.append(node.authenticate(name)))
        thread.start()
        assert begun.wait(5)
        node.server.should_exit = True
        thread.join()
    assert len(answers) == 1
