"""What the WebSocket does beyond the recorded exchanges."""

import asyncio
import json
import threading
from contextlib import ExitStack
from typing import Any

import postgres
import pytest
from api.serving import Running, ask, await_true, close_code, hosting, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.sync.client import ClientConnection

from artificien_pygrid.cycles import workers

PING = {"type": "socket-ping", "data": {}}
ALIVE = {"alive": "True"}


def test_replies_come_in_the_order_of_the_requests(node: Running) -> None:
    name = node.host()
    kinds = ["socket-ping", "model-centric/authenticate", "nope", "model-centric/report"] * 5
    with node.socket() as socket:
        for kind in kinds:
            socket.send(f'{{"type": "{kind}", "data": {{"model_name": "{name}"}}}}')
        replies = [socket.recv(timeout=10) for _ in kinds]
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.1)
    for kind, reply in zip(kinds, replies, strict=True):
        assert (kind in str(reply)) != (kind == "socket-ping")


@pytest.mark.parametrize(
    "message",
    [b"\x00\x01", b"", "", "[]", "7", "{", "[" * 200_000, '{"type": 7}', '{"type": ["a"]}'],
)
def test_the_socket_survives_any_message(node: Running, message: str | bytes) -> None:
    with node.socket() as socket:
        reply = ask(socket, message)
        assert list(reply) == ["error"]
        assert "Traceback" not in reply["error"]
        assert ask(socket, PING) == ALIVE


@pytest.mark.parametrize("data", [None, [], "x", 1])
def test_data_must_be_an_object(node: Running, data: Any) -> None:
    error = {"error": "'data' must be an object"}
    assert node.send("model-centric/authenticate", data) == error
    assert node.send("model-centric/cycle-request", data) == {"status": "rejected"} | error
    with node.socket() as socket:
        assert ask(socket, PING | {"data": data}) == ALIVE


def test_an_unforeseen_error_is_answered(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise LookupError("a secret detail")

    monkeypatch.setattr(workers, "request_cycle", broken)
    with node.socket(additional_headers={"X-Request-ID": "r2"}) as socket:
        reply = ask(socket, {"type": "model-centric/cycle-request", "data": {}})
        assert reply["data"] == {"status": "rejected", "error": "internal error (request r2)"}
        assert ask(socket, PING) == ALIVE


def test_hosting_needs_a_token_or_network(cluster: postgres.Cluster) -> None:
    with cluster.database() as url, serving(url, hosting_networks="192.0.2.0/24") as node:
        message = {"type": "model-centric/host-training", "data": hosting("m")}
        for headers in ({}, {"X-Real-IP": "192.0.2.1", "Origin": "http://elsewhere"}):
            with node.socket(additional_headers=headers) as socket:
                reply = ask(socket, message)
                assert reply["data"] == {"error": "A valid bearer token is required."}
        with node.socket(additional_headers={"X-Real-IP": "192.0.2.1"}) as socket:
            assert ask(socket, message)["data"] == {"status": "success"}


def test_only_those_who_may_host_send_large_messages(cluster: postgres.Cluster) -> None:
    limits = {"max_body_bytes": 2000, "max_frame_bytes": 4000}
    with cluster.database() as url, serving(url, **limits) as node:
        large = {"type": "socket-ping", "data": {"x": "y" * 3000}}
        with node.socket() as socket:
            assert ask(socket, large) == ALIVE
        with node.socket(additional_headers={"X-Real-IP": "192.0.2.1"}) as socket:
            assert ask(socket, PING) == ALIVE
            assert close_code(socket, large) == 1009
        with node.socket() as socket:
            assert close_code(socket, {"type": "socket-ping", "data": {"x": "y" * 5000}}) == 1009


@pytest.mark.parametrize(
    "fragments",
    [[b"x" * 3000], [b"x" * 1000] * 3, [b"x"] * 50],
    ids=["one", "some", "tiny"],
)
@pytest.mark.parametrize("complete", [True, False])
def test_what_a_client_may_make_the_node_keep_is_limited(
    cluster: postgres.Cluster, fragments: list[bytes], complete: bool
) -> None:
    limits = {"max_body_bytes": 4000, "max_frame_bytes": 4000, "buffered_bytes_per_client": 4000}
    report = "/model-centric/report"
    large = "{}".ljust(2000)
    message = json.dumps(PING).ljust(2000)
    with cluster.database() as url, serving(url, **limits) as node:
        with node.socket() as slow, node.socket() as socket:
            send_part(slow, fragments, complete=complete)
            await_true(lambda: node.http.post(report, content=large).status_code == 429)
            other = {"X-Real-IP": "192.0.2.1"}
            assert node.http.post(report, content=large, headers=other).status_code == 200
            assert ask(socket, PING) == ALIVE
            assert close_code(socket, message) == 1013
        await_true(lambda: len(node.node.buffers) == 0)
        with node.socket() as socket:
            assert [ask(socket, message) for _ in range(5)] == [ALIVE] * 5
        assert node.http.post(report, content=large).status_code == 200
        await_true(lambda: len(node.node.buffers) == 0)


def test_what_all_clients_make_the_node_keep_is_limited(cluster: postgres.Cluster) -> None:
    limits = {"max_body_bytes": 4000, "max_frame_bytes": 4000, "buffered_bytes": 6000}
    with cluster.database() as url, serving(url, **limits) as node, ExitStack() as stack:
        for number in range(2):
            headers = {"X-Real-IP": f"192.0.2.{number}"}
            socket = stack.enter_context(node.socket(additional_headers=headers))
            send_part(socket, [b"x" * 2500], complete=True)
        await_true(lambda: node.http.post("/model-centric/report", content=b"x" * 1100).is_error)
        assert node.http.post("/model-centric/report", content=b"x" * 800).status_code == 400


def send_part(socket: ClientConnection, fragments: list[bytes], *, complete: bool) -> None:
    """Send a message without its end: complete fragments, or not even the last one complete."""
    for number, fragment in enumerate(fragments):
        opcode = Opcode.CONT if number else Opcode.TEXT
        socket.socket.sendall(Frame(opcode, fragment, fin=False).serialize(mask=True))
    if not complete:
        socket.socket.sendall(Frame(Opcode.CONT, b"x" * 10).serialize(mask=True)[:-1])


def test_messages_and_sockets_of_an_address_are_limited(cluster: postgres.Cluster) -> None:
    limits = {"request_burst": 2, "requests_per_second": 0.001, "sockets_per_client": 1}
    with cluster.database() as url, serving(url, **limits) as node:
        with node.socket() as socket:
            assert [ask(socket, PING) for _ in range(2)] == [ALIVE] * 2
            reply = ask(socket, {"type": "model-centric/authenticate", "data": {}})
            assert reply["type"] == "model-centric/authenticate"
            assert "Too many requests" in reply["data"]["error"]
            with pytest.raises(InvalidStatus) as refused:
                node.socket()
            assert refused.value.response.status_code == 429
        await_true(lambda: len(node.node.socket_places) == 0)
        with node.socket() as socket:
            assert socket.protocol.state is State.OPEN


def test_sockets_are_closed_when_the_node_stops_busy_ones_after_their_reply(
    cluster: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    authenticate = workers.authenticate

    async def slow(*arguments: Any) -> Any:
        begun.set()
        await asyncio.sleep(0.5)
        return await authenticate(*arguments)

    monkeypatch.setattr(workers, "authenticate", slow)
    with cluster.database() as url, ExitStack() as stack, serving(url) as node:
        name = node.host()
        idle, busy = stack.enter_context(node.socket()), stack.enter_context(node.socket())
        assert ask(idle, PING) == ALIVE
        busy.send(f'{{"type": "model-centric/authenticate", "data": {{"model_name": "{name}"}}}}')
        assert begun.wait(5)
        node.server.should_exit = True
        assert "success" in str(busy.recv(timeout=5))
        for socket in (idle, busy):
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
