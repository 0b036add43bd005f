"""Every recorded exchange with the original node, played again in the order it was recorded.

What must be equal: the status, the content type, the JSON with its keys in their order, and blobs
as far as they are not made of fresh ids. Ids, keys and names of this run stand for the recorded
ones. Where this node deliberately answers otherwise, ``DIFFERENCES`` says how and why.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import postgres
import pytest
from api.serving import GOLDEN, Running, ask, await_true, serving
from wire.comparison import canonical

from artificien_pygrid.wire.messages_pb2 import Plan
from artificien_pygrid.wire.tensors import decode_state

EXCHANGES = GOLDEN / "exchanges"


@dataclass(frozen=True)
class Difference:
    """What this node answers instead: a status, a body (a text is the error's), and why."""

    reason: str
    body: Any = None
    status: int | None = None
    content_type: str | None = None


NO_TRACEBACK = "the recorded text is that of an accident inside the node; this one says what to do"
TIMEOUT = "whole seconds: syft.js and SwiftSyft cannot read a duration's text (a setting gives it)"
NO_BUG = "recorded: a failure of the original node"

DIFFERENCES = {
    "http_authenticate_badjson": Difference(
        "a malformed body is the client's error",
        {"error": "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
        400,
        "application/json",
    ),
    "http_cycle_request_again": Difference(TIMEOUT, {"timeout": int}),
    "http_cycle_request_speed_slow": Difference(TIMEOUT, {"timeout": int}),
    "ws_cycle_request_again": Difference(TIMEOUT, {"timeout": int}),
    "http_cycle_request_again_cycle_length_null": Difference(
        "a cycle without an end: rejected, with no time to wait for",
        {"status": "rejected", "model": "cl1795342971", "version": "1.0"},
    ),
    "http_report_badb64": Difference(
        "a diff is validated when it arrives",
        "'diff' is not valid base64: Only base64 data is allowed",
    ),
    "http_report_badkey": Difference(NO_TRACEBACK, "Invalid request key!"),
    "ws_report_bad": Difference(NO_TRACEBACK, "Invalid request key!"),
    "http_report_nodiff": Difference(NO_TRACEBACK, "'diff' is required: a State in base64"),
    "http_report_again": Difference(
        "a report counts once",
        "This worker has already reported in this cycle; a report counts once.",
    ),
    "http_report_after_cycle_completed": Difference(
        "success would mean that the diff counts",
        "This worker has already reported in this cycle; a report counts once.",
    ),
    "http_get_protocol_existing": Difference(NO_BUG, b"\x0a\x0b", 200, "application/octet-stream"),
    "http_speed_noworker": Difference(NO_TRACEBACK, {"error": "'worker_id' is required"}, 400),
    "http_retrieve_nomodel": Difference("what is unknown is not an accident", None, 404),
    "http_req_join": Difference(
        "never more than a mock-up",
        {"error": "req-join was never more than a mock-up: authenticate and request a cycle"},
        501,
        "application/json",
    ),
    "ws_no_type": Difference(NO_TRACEBACK, "'type' is required"),
    "ws_unknown_type": Difference(NO_TRACEBACK, "unknown 'type': 'nope'"),
    "ws_host_missing_avg_plan": Difference(
        NO_TRACEBACK, "'averaging_plan' is missing; send \"\" for the built-in mean"
    ),
    "ws_host_bad_hex": Difference("names the field", "Non-hexadecimal digit found in 'model'"),
    "ws_host_bad_plan": Difference("names the plan", re.compile("^Plan is not valid")),
    "ws_host_plan_without_tfjs": Difference(
        "names the plan", re.compile("^Failed to translate a Plan")
    ),
    "ws_host_duplicate": Difference("says what to do", re.compile("^FL Process already exists.")),
    "ws_host_garbage_model": Difference(
        "a model is validated when it arrives; it would fail at the first cycle's end",
        re.compile("^'model' is not valid: "),
    ),
}

# Blobs may be cached by nobody: they are for one worker, and change with each cycle.
CACHE_CONTROL = "no-store"

ORDER = [
    "http_404",
    "http_cors_preflight",
    "http_get_on_post_endpoint",
    "http_data_centric_root",
    "http_data_centric_status",
    "http_data_centric_models",
    "http_req_join",
    "ws_socket_ping",
    "ws_bad_json",
    "ws_no_type",
    "ws_unknown_type",
    "ws_host_ok",
    "ws_host_duplicate",
    "ws_host_missing_avg_plan",
    "ws_host_bad_plan",
    "ws_host_no_cycle_length",
    "ws_host_bad_hex",
    "ws_host_garbage_model",
    "ws_host_empty_avg_plan",
    "ws_host_secret",
    "ws_host_speedreq",
    "ws_host_plain",
    "ws_host_onecycle",
    "http_authenticate_ok",
    "http_authenticate_nomodel",
    "http_authenticate_badjson",
    "http_authenticate_secret_missing",
    "http_authenticate_secret_bad",
    "http_authenticate_secret_algnone",
    "http_authenticate_secret_ok",
    "http_authenticate_speedreq",
    "ws_authenticate_ok",
    "ws_authenticate_speedreq",
    "http_speed_ping",
    "http_speed_download",
    "http_speed_upload",
    "http_speed_noworker",
    "http_speed_unknown_worker",
    "http_cycle_request_badworker",
    "http_cycle_request_nomodel",
    "http_cycle_request_badjson",
    "http_cycle_request_badspeed",
    "http_cycle_request_strspeed",
    "http_cycle_request_speed_missing",
    "http_cycle_request_speed_slow",
    "http_cycle_request_speed_ok",
    "http_cycle_request_ok",
    "http_cycle_request_again",
    "http_get_model_ok",
    "http_get_model_badkey",
    "http_get_model_badworker",
    "http_get_model_noid",
    "http_get_model_noparams",
    "http_get_plan_None",
    "http_get_plan_list",
    "http_get_plan_torchscript",
    "http_get_plan_tfjs",
    "http_get_plan_zzz",
    "http_get_plan_badkey",
    "http_get_plan_noid",
    "http_get_plan_avgplan_id",
    "http_get_protocol",
    "http_get_protocol_syft029",
    "http_report_badjson",
    "http_report_badkey",
    "http_report_nodiff",
    "http_report_badb64",
    "http_report_ok",
    "http_report_again",
    "ws_authenticate_2",
    "ws_cycle_request_ok",
    "ws_cycle_request_again",
    "ws_report_bad",
    "ws_report_ok",
    "http_report_after_cycle_completed",
    "http_get_model_after_cycle_completed",
    "http_cycle_request_next_cycle_same_worker",
    "http_retrieve_None",
    "http_retrieve_latest",
    "http_retrieve_1",
    "http_retrieve_2",
    "http_retrieve_3",
    "http_retrieve_foo",
    "http_retrieve_nomodel",
    "ws_host_newversion",
    "http_authenticate_noversion",
    "http_retrieve_noversion",
    "http_authenticate_finished_model",
    "http_cycle_request_finished_model",
    "ws_host_plan_without_tfjs",
    "ws_host_plan_without_torchscript",
    "http_get_plan_torchscript_absent",
    "http_cycle_request_version_absent",
    "http_cycle_request_version_null",
    "http_speed_upload_multipart",
    "ws_host_with_protocol",
    "x_auth_protocol",
    "http_cycle_request_ok_with_protocol",
    "http_get_protocol_existing",
    "ws_host_cycle_length_null",
    "http_cycle_request_again_cycle_length_null",
    "x_report_nolimits",
    "http_retrieve_nolimits_2",
]


@dataclass
class Replay:
    """The run so far: which of its values stand for the recorded ones."""

    node: Running
    values: dict[str, Any] = field(default_factory=dict)

    def translate(self, value: Any) -> Any:
        """A recorded value with this run's ids and keys."""
        if isinstance(value, dict):
            return {key: self._translate_at(key, item) for key, item in value.items()}
        return self.values.get(value, value) if isinstance(value, str) else value

    def _translate_at(self, key: str, value: Any) -> Any:
        if key in {"model_id", "plan_id", "protocol_id"}:
            # Ids that were not handed out here stand for nothing, also where a number is taken.
            return self.values.get(f"{key}:{value}", 10**6 + int(value))
        return self.translate(value)

    def learn(self, recorded: Any, actual: Any) -> None:
        """Note the ids and keys of an answer."""
        for key in ("worker_id", "request_key"):
            if key in recorded:
                self.values[recorded[key]] = actual[key]
        if "model_id" in recorded:
            self.values[f"model_id:{recorded['model_id']}"] = actual["model_id"]
        for kind in ("plans", "protocols"):
            for name, number in recorded.get(kind, {}).items():
                self.values[f"{kind[:-1]}_id:{number}"] = actual[kind][name]

    def join(self, name: str, recorded: dict[str, Any]) -> tuple[str, str]:
        """A worker for whom the answers to authentication and cycle request are not recorded."""
        worker_id, answer = self.node.join(name)
        self.learn(recorded, {"worker_id": worker_id} | answer)
        return worker_id, answer["request_key"]


@pytest.fixture(scope="module")
def replay(cluster: postgres.Cluster) -> Iterator[Replay]:
    with cluster.database() as url, serving(url) as node:
        yield Replay(node)


def record(label: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXCHANGES / f"{label}.json").read_text())
    return found


def test_every_recorded_exchange_is_played() -> None:
    assert sorted(ORDER) == sorted(path.stem for path in EXCHANGES.glob("*.json"))
    assert set(DIFFERENCES) <= set(ORDER)


def test_exchanges(replay: Replay, subtests: pytest.Subtests) -> None:
    for label in ORDER:
        with subtests.test(label):
            play(replay, label)


def play(replay: Replay, label: str) -> None:
    prepare(replay, label)
    recorded = record(label)
    if recorded["transport"] == "ws":
        with replay.node.socket() as socket:
            for exchange in recorded["exchanges"]:
                play_message(replay, label, socket, exchange)
    else:
        play_request(replay, label, recorded["request"], recorded["response"])


def prepare(replay: Replay, label: str) -> None:
    """What happened in between and was not recorded."""
    diff = base64.b64decode(record("http_report_ok")["request"]["json"]["diff"])
    if label == "http_report_after_cycle_completed":
        await_completion(replay, "gold1795342089", 2)
    elif label == "http_authenticate_finished_model":
        worker = record("http_cycle_request_finished_model")["request"]["json"]["worker_id"]
        key = replay.join("gold1795342089one", {"worker_id": worker})[1]
        assert replay.node.report(replay.values[worker], key, diff) == {"status": "success"}
        await_completion(replay, "gold1795342089one", 2)
    elif label == "http_get_plan_torchscript_absent":
        params = record(label)["request"]["params"]
        replay.join(
            "nots1795342971",
            {key: params[key] for key in ("worker_id", "request_key")}
            | {"plans": {"training_plan": params["plan_id"]}},
        )
    elif label == "http_cycle_request_again_cycle_length_null":
        body = record("x_report_nolimits")["request"]["json"]
        replay.join("cl1795342971", {key: body[key] for key in ("worker_id", "request_key")})
    elif label == "http_retrieve_nolimits_2":
        await_completion(replay, "cl1795342971", 2)


def await_completion(replay: Replay, name: str, checkpoint: int) -> None:
    params = {"name": name, "version": "1.0", "checkpoint": str(checkpoint)}
    await_true(
        lambda: (
            replay.node.http.get("/model-centric/retrieve-model", params=params).status_code == 200
        )
    )


def play_message(replay: Replay, label: str, socket: Any, exchange: Any) -> None:
    sent = exchange["send"]
    if isinstance(sent, dict) and isinstance(sent.get("data"), dict):
        sent = sent | {"data": replay.translate(sent["data"])}
    actual = ask(socket, sent)
    expected = json.loads(exchange["recv"])
    assert list(actual) == list(expected)
    if "type" in expected:
        assert actual["type"] == expected["type"]
        actual, expected = actual["data"], expected["data"]
    check_json(replay, label, expected, actual)


def play_request(replay: Replay, label: str, request: Any, expected: Any) -> None:
    headers = {}
    if request["method"] == "OPTIONS":
        headers = {
            "Origin": "http://x.y",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
    params = request["params"] and replay.translate(request["params"])
    content = request.get("data", {}).get("text")
    if request["json"] is not None:
        content = json.dumps(replay.translate(request["json"]))
    actual = replay.node.http.request(
        request["method"], request["path"], params=params, content=content, headers=headers
    )
    difference = DIFFERENCES.get(label, Difference(""))
    assert actual.status_code == (difference.status or expected["status"]), actual.text
    content_type = difference.content_type or expected["content_type"]
    if content_type.startswith("multipart/form-data"):
        check_sample(actual, expected["body"])
    else:
        assert actual.headers["content-type"] == content_type
        check_body(replay, label, expected["body"], actual, content_type)
    for name, value in expected["headers"].items():
        if name.startswith("Access-Control"):
            assert actual.headers[name] == value
        elif name == "Cache-Control":
            assert actual.headers[name] == CACHE_CONTROL


def check_body(replay: Replay, label: str, expected: Any, actual: Any, content_type: str) -> None:
    if content_type == "application/octet-stream":
        difference = DIFFERENCES.get(label)
        if difference is not None:
            assert actual.content == difference.body
        elif "get-plan" in actual.request.url.path:
            recorded = Plan.FromString(base64.b64decode(expected["b64"]))
            assert canonical(Plan.FromString(actual.content)) == canonical(recorded)
        else:
            check_state(base64.b64decode(expected["b64"]), actual.content)
    elif content_type == "application/json":
        text = expected["text"]
        check_json(replay, label, json.loads(text) if text[:1] == "{" else {}, actual.json())
    else:
        assert bool(actual.text) == bool(expected["text"])


def check_state(expected: bytes, actual: bytes) -> None:
    for one, other in zip(decode_state(expected), decode_state(actual), strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()


def check_sample(actual: Any, expected: Any) -> None:
    boundary = actual.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    recorded = base64.b64decode(expected["head_b64"])
    old = re.match(rb"--(\w+)\r\n", recorded)
    assert old is not None
    assert len(actual.content) == expected["len"] == int(actual.headers["content-length"])
    head, tail = (
        part.replace(old[1], boundary.encode())
        for part in (recorded, base64.b64decode(expected["tail_b64"]))
    )
    assert actual.content.startswith(head)
    assert actual.content.endswith(tail)


def check_json(replay: Replay, label: str, expected: Any, actual: Any) -> None:
    difference = DIFFERENCES.get(label)
    if difference is not None and difference.body is not None:
        check_difference(difference.body, expected, actual)
        return
    assert list(actual) == list(expected), actual
    replay.learn(expected, actual)
    for key, value in expected.items():
        if key in {"plans", "protocols"}:
            assert list(actual[key]) == list(value)
            assert all(type(number) is int for number in actual[key].values())
        elif key == "model_id":
            assert type(actual[key]) is int
        elif key in {"worker_id", "request_key"}:
            # The same length, of the same characters.
            assert re.sub("[0-9a-f]", "x", actual[key]) == re.sub("[0-9a-f]", "x", value)
        else:
            assert actual[key] == value


def check_difference(wanted: Any, expected: Any, actual: Any) -> None:
    if isinstance(wanted, re.Pattern):
        assert list(actual) == ["error"]
        assert wanted.search(actual["error"])
    elif isinstance(wanted, str):
        assert actual == {"error": wanted}
    elif wanted == {"timeout": int}:
        assert list(actual) == list(expected)
        assert type(actual.pop("timeout")) is int
        assert actual == {key: value for key, value in expected.items() if key != "timeout"}
    else:
        assert actual == wanted
