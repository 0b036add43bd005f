"""Requests to the node: where, with which certificate and token, and what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lambda_common.environment import SettingsError
from lambda_common.node import Node, NodeError, NodeSettings
from lambda_common.secret import Secret

from tests.unit.lambdas.lambda_common.node_server import Sent, node_server, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.stub import Stubber

    from tests.unit.lambdas.lambda_common.node_server import NodeServer

HOST, CERTIFICATE = "/a/b/pygrid/host", "/a/b/pygrid/certificate"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Stubs:
    """A node whose parameters and token are answered by script."""

    def __init__(self, stubbed: Callable[[str], tuple[Any, Stubber]], seconds: float = 20) -> None:
        ssm, self.ssm = stubbed("ssm")
        secrets_manager, self.secrets_manager = stubbed("secretsmanager")
        self.clock = Clock()
        token = Secret(secrets_manager, "test", self.clock)
        self.node = Node(ssm, token, ssm_path="/a/b", seconds=seconds, clock=self.clock)

    def publish(self, host: str | None, certificate: str | None) -> None:
        """Let the parameters be read once."""
        published = {HOST: host, CERTIFICATE: certificate}
        found = [{"Name": name, "Value": value} for name, value in published.items() if value]
        # An empty list is more than the Stubber takes.
        answer = {"Parameters": found} if found else {}
        self.ssm.add_response("get_parameters", answer, {"Names": [HOST, CERTIFICATE]})

    def token(self, value: str) -> None:
        """Let the token be read once."""
        self.secrets_manager.add_response(
            "get_secret_value", {"SecretString": value}, {"SecretId": "test"}
        )


@pytest.fixture
def stubs(stubbed: Callable[[str], tuple[Any, Stubber]]) -> Stubs:
    return Stubs(stubbed)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeServer]:
    with node_server(tmp_path) as server:
        yield server


def get(node: Node, max_bytes: int = 1000) -> tuple[int, bytes]:
    with node.request("GET", "/model", query={"name": "a b&c"}) as answer:
        return answer.status, answer.read(max_bytes)


def test_host_is_kept_for_a_minute(stubs: Stubs) -> None:
    stubs.publish("node.example.com", None)
    assert stubs.node.host() == "node.example.com"
    stubs.clock.now += 59
    assert stubs.node.host() == "node.example.com"
    stubs.clock.now += 1
    stubs.publish(None, None)
    assert stubs.node.host() is None


def test_no_node(stubs: Stubs) -> None:
    stubs.publish(None, None)
    with pytest.raises(NodeError, match="there is no node: deploy one") as raised:
        get(stubs.node)
    assert (raised.value.status, raised.value.code) == (502, "node_failed")


def test_a_request_carries_the_token(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(200, b"content")
    assert get(stubs.node) == (200, b"content")
    with stubs.node.request("POST", "/pause", body={"names": ["ä"]}) as answer:
        assert b"".join(answer.chunks(7)) == b"content"
    query, posted = server.requests
    assert query == Sent("GET", "/model?name=a+b%26c", "Bearer first", b"")
    assert (posted.method, json.loads(posted.body)) == ("POST", {"names": ["ä"]})


def test_a_new_token_is_found_out(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    for status, body in ((200, b""), (401, b""), (200, b"new")):
        server.answer(status, body)
    get(stubs.node)
    stubs.clock.now += 11
    stubs.token("second")
    assert get(stubs.node) == (200, b"new")
    assert [sent.authorization for sent in server.requests][1:] == ["Bearer first", "Bearer second"]


def test_a_token_that_stays_refused_is_not_sent_again(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(401, b"no")
    assert get(stubs.node) == (401, b"no")
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [(302, b""), (404, b"{}"), (503, b"x")])
def test_any_status_is_an_answer(
    stubs: Stubs, server: NodeServer, answer: tuple[int, bytes]
) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(*answer)
    assert get(stubs.node) == answer


def test_another_certificate_gets_no_token(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, self_signed()[0])
    stubs.token("first")
    with pytest.raises(NodeError, match=r"cannot be reached: .*certificate verify failed"):
        get(stubs.node)
    assert server.requests == []


def test_a_certificate_that_nobody_signed_needs_publishing(
    stubs: Stubs, server: NodeServer
) -> None:
    stubs.publish(server.host, None)
    stubs.token("first")
    with pytest.raises(NodeError, match="certificate verify failed: self-signed"):
        get(stubs.node)


def test_a_certificate_of_another_address(stubs: Stubs, tmp_path: Path) -> None:
    with node_server(tmp_path, "192.0.2.1") as server:
        stubs.publish(server.host, server.certificate)
        stubs.token("first")
        with pytest.raises(NodeError, match=r"certificate is not valid for '127\.0\.0\.1'"):
            get(stubs.node)


def test_nobody_listens(stubs: Stubs, tmp_path: Path) -> None:
    with node_server(tmp_path) as gone:
        pass
    stubs.publish(gone.host, gone.certificate)
    stubs.token("first")
    with pytest.raises(NodeError, match=r"cannot be reached: .*refused"):
        get(stubs.node)


def test_an_answer_is_bounded(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(200, b"x" * 2_000_000)
    assert get(stubs.node, 2_000_000)[1] == b"x" * 2_000_000
    with pytest.raises(NodeError, match="more than 1999999 bytes"):
        get(stubs.node, 1_999_999)


def test_an_answer_that_breaks_off(stubs: Stubs, server: NodeServer) -> None:
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(200, b"half", length=8)
    with pytest.raises(NodeError, match="broke off"):
        get(stubs.node)


def test_an_answer_that_takes_too_long(
    stubbed: Callable[[str], tuple[Any, Stubber]], server: NodeServer
) -> None:
    stubs = Stubs(stubbed, seconds=0)
    stubs.publish(server.host, server.certificate)
    stubs.token("first")
    server.answer(200, b"late")
    with pytest.raises(NodeError, match="takes too long"):
        get(stubs.node)


def test_settings() -> None:
    environment = {"NODE_SSM_PATH": "/a/b", "NODE_TOKEN_SECRET": "test"}
    assert NodeSettings.from_environment(environment) == NodeSettings("/a/b", "test")
    with pytest.raises(SettingsError, match="NODE_TOKEN_SECRET is not set"):
        NodeSettings.from_environment({"NODE_SSM_PATH": "/a/b"})
