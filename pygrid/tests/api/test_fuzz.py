"""Whatever is sent: never a 500, never a traceback, and the node goes on."""

import json
from typing import Any

from api.serving import Running, ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = [
    "worker_id",
    "request_key",
    "model",
    "model_id",
    "model_name",
    "model_version",
    "version",
    "plan_id",
    "protocol_id",
    "receive_operations_as",
    "name",
    "checkpoint",
    "random",
    "is_ping",
    "ping",
    "download",
    "upload",
    "diff",
    "auth_token",
    "plans",
    "protocols",
    "averaging_plan",
    "client_config",
    "server_config",
]
POSTS = ["authenticate", "cycle-request", "report", "speed-test"]
GETS = ["get-model", "get-plan", "get-protocol", "retrieve-model", "speed-test", "req-join"]
TYPES = ["authenticate", "cycle-request", "report", "host-training"]

LIKELY = st.sampled_from(
    [
        *("", "1", "0", "-1", "1.0", "latest", "null", "\0", "é", "٣", "\ud800"),
        *("9" * 5000, "a" * 300, "f" * 64, "0a0b", "AAAA", "list"),
        "00000000-0000-4000-8000-000000000000",
    ]
)
TEXTS = LIKELY | st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner)
    ),
    max_leaves=8,
)
DATA = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


def check(status: int, text: str) -> None:
    assert status < 500 or status == 501, text
    assert "Traceback" not in text
    assert 'File "' not in text


@FUZZ
@given(path=st.sampled_from(POSTS), data=DATA | VALUES)
def test_posts(node: Running, path: str, data: Any) -> None:
    content = json.dumps(data).encode()
    answer = node.http.post(f"/model-centric/{path}", content=content)
    check(answer.status_code, answer.text)


@FUZZ
@given(path=st.sampled_from(POSTS), content=st.binary(max_size=200))
def test_bodies(node: Running, path: str, content: bytes) -> None:
    answer = node.http.post(f"/model-centric/{path}", content=content)
    check(answer.status_code, answer.text)


@FUZZ
@given(
    path=st.sampled_from(GETS),
    params=st.dictionaries(
        st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    ),
)
def test_queries(node: Running, path: str, params: dict[str, str]) -> None:
    with node.http.stream("GET", f"/model-centric/{path}", params=params) as answer:
        if answer.headers["content-type"] == "application/json":
            answer.read()
            check(answer.status_code, answer.text)
        else:
            check(answer.status_code, "")


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
    path=st.text(st.sampled_from("/abc%2e.-_?=&#é"), max_size=20)
    | st.sampled_from(["/", "/status", "/api/status", "/metrics", "/data-centric/identity"]),
    header=st.binary(max_size=30).filter(lambda value: not set(value) & set(b"\r\n\0")),
)
def test_paths(node: Running, method: str, path: str, header: bytes) -> None:
    names = ("Authorization", "X-Real-IP", "X-Request-ID", "Origin", "Host", "Content-Type")
    headers = {name.encode(): header.strip() for name in names}
    answer = node.http.request(method, "/" + path.lstrip("/"), headers=headers)
    check(answer.status_code, answer.text)


@FUZZ
@given(
    kind=st.sampled_from([f"model-centric/{name}" for name in TYPES]) | VALUES,
    data=DATA | VALUES,
)
def test_messages(node: Running, kind: Any, data: Any) -> None:
    with node.socket() as socket:
        text = json.dumps(ask(socket, {"type": kind, "data": data}))
        check(200, text)
        assert "internal error" not in text
        assert ask(socket, {"type": "socket-ping"}) == {"alive": "True"}


@FUZZ
@given(frame=st.binary(max_size=100) | st.text(max_size=100))
def test_frames(node: Running, frame: bytes | str) -> None:
    if isinstance(frame, str):
        frame = frame.encode(errors="replace").decode()
    with node.socket() as socket:
        assert list(ask(socket, frame)) == ["error"]
        assert ask(socket, {"type": "socket-ping"}) == {"alive": "True"}
