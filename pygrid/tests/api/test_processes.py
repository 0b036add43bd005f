"""Several processes that serve one port, and a token of a real issuer, over real connections."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import postgres
import pytest
from api.serving import MODEL, ask, await_true, close_code, diff, hosting, serving
from ops.nodes import Shell
from ops.nodes import serving as serving_by_command
from security.issuer import Issuer, jwk, rsa_key
from security.local_web import serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PING = {"type": "socket-ping", "data": {}}


def test_processes_share_models_and_close_their_sockets(database_url: str, tmp_path: Path) -> None:
    variables = {"PYGRID_DATABASE_URL": database_url, "PYGRID_HOSTING_NETWORKS": "127.0.0.0/8"}
    variables |= {"PYGRID_RETRIEVAL_NETWORKS": "127.0.0.0/8", "PYGRID_TIMER_SECONDS": "0.1"}
    with serving_by_command(Shell(variables, tmp_path), "--workers", 2) as server:
        url = server.url.replace("http", "ws", 1)
        with connect(url) as socket:
            message = {"type": "model-centric/host-training", "data": hosting("m", max_diffs=8)}
            assert ask(socket, message)["data"] == {"status": "success"}
        for _ in range(8):
            # Each on a connection of its own, so that either process may answer.
            worker = post(server.url, "authenticate", {"model_name": "m"})["worker_id"]
            body = {"worker_id": worker, "model": "m", "version": "1.0"}
            key = post(server.url, "cycle-request", body)["request_key"]
            report = {"worker_id": worker, "request_key": key, "diff": diff64()}
            assert post(server.url, "report", report) == {"status": "success"}
        path = f"{server.url}/model-centric/retrieve-model?name=m&checkpoint=2"
        await_true(lambda: httpx.get(path).status_code == 200)
        assert httpx.get(path).content != MODEL
        with connect(url) as one, connect(url) as other:
            assert ask(one, PING) == ask(other, PING) == {"alive": "True"}
            assert server.stop() == 0
            for socket in (one, other):
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=5)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001


def post(url: str, path: str, body: dict[str, Any]) -> Any:
    return httpx.post(f"{url}/model-centric/{path}", json=body).json()


def diff64() -> str:
    return base64.b64encode(diff()).decode()


def test_an_issuers_token_permits_hosting_and_large_messages(cluster: postgres.Cluster) -> None:
    key = rsa_key()
    with serve() as web, cluster.database() as url:
        issuer = Issuer(web, [jwk(key, "first")])
        options = {
            "hosting_networks": "",
            "oidc_issuer": issuer.name,
            "oidc_client_id": "the-client",
            "oidc_groups": "owners",
            "oidc_groups_claim": "cognito:groups",
            "max_body_bytes": 2000,
        }
        good, wrong = issuer.token(key), issuer.token(key, client_id="another")
        message = {"type": "model-centric/host-training", "data": hosting("m")}
        assert len(json.dumps(message)) > 2000
        with serving(url, **options) as node:
            for token in (None, wrong, issuer.token(rsa_key()), "x"):
                headers = {} if token is None else {"Authorization": f"Bearer {token}"}
                with node.socket(additional_headers=headers) as socket:
                    small = {"type": message["type"], "data": {"auth_token": token}}
                    assert "token" in ask(socket, small)["data"]["error"]
                    assert close_code(socket, message) == 1009
            with node.socket() as socket:
                # It passes: what is asked for next is what is missing.
                small = {"type": message["type"], "data": {"auth_token": good}}
                assert ask(socket, small)["data"] == {"error": "'model'"}
            with node.socket(additional_headers={"Authorization": f"Bearer {good}"}) as socket:
                assert ask(socket, message)["data"] == {"status": "success"}
