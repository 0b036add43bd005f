"""Who hosted a model by a token retrieves and pauses it; the service's token does so with any."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import postgres
import pytest
from api.serving import MODEL, Running, ask, hosting, serving
from cryptography.hazmat.primitives.asymmetric import rsa
from security.issuer import Issuer, jwk, rsa_key
from security.local_web import serve

SERVICE = "t" * 40


@dataclass(frozen=True)
class Hosted:
    """A node to which Ada, who has a token, hosted a model."""

    node: Running
    issuer: Issuer
    key: rsa.RSAPrivateKey

    def bearer(self, person: str) -> dict[str, str]:
        """The headers of a person with a token."""
        return {"Authorization": f"Bearer {self.issuer.token(self.key, sub=person)}"}

    def retrieve(self, headers: dict[str, str]) -> httpx.Response:
        """Ask for the model."""
        return self.node.http.get("/model-centric/retrieve-model?name=heart", headers=headers)

    def pause(self, headers: dict[str, str], **data: object) -> httpx.Response:
        """Pause the model, or another."""
        body = {"name": "heart", "version": "1.0"} | data
        return self.node.http.post("/model-centric/pause", json=body, headers=headers)

    @property
    def admits(self) -> bool:
        """Whether a new worker gets a place."""
        worker_id = self.node.authenticate("heart")
        return bool(self.node.request_cycle(worker_id, "heart")["status"] == "accepted")


@pytest.fixture
def hosted(cluster: postgres.Cluster) -> Iterator[Hosted]:
    key = rsa_key()
    with serve() as web, cluster.database() as url:
        issuer = Issuer(web, [jwk(key, "first")])
        options = {
            "hosting_networks": "",
            "retrieval_networks": "",
            "retrieval_token": SERVICE,
            "oidc_issuer": issuer.name,
            "oidc_client_id": "the-client",
        }
        with serving(url, **options) as node:
            made = Hosted(node, issuer, key)
            message = {"type": "model-centric/host-training", "data": hosting("heart")}
            with node.socket(additional_headers=made.bearer("ada")) as socket:
                assert ask(socket, message)["data"] == {"status": "success"}
            yield made


def test_a_model_is_its_owners(hosted: Hosted) -> None:
    assert hosted.retrieve(hosted.bearer("ada")).content == MODEL
    assert hosted.retrieve({"Authorization": f"Bearer {SERVICE}"}).content == MODEL
    # The same as for a model that does not exist.
    assert hosted.retrieve(hosted.bearer("eve")).status_code == 404
    assert hosted.retrieve({}).status_code == 401


def test_pausing(hosted: Hosted) -> None:
    assert hosted.pause({}).status_code == 401
    assert hosted.pause(hosted.bearer("eve")).status_code == 404
    assert hosted.admits
    for headers in (hosted.bearer("ada"), {"Authorization": f"Bearer {SERVICE}"}):
        answer = hosted.pause(headers)
        assert (answer.status_code, answer.json()) == (200, {"status": "paused"})
        assert not hosted.admits


def test_pausing_nothing(hosted: Hosted) -> None:
    service = {"Authorization": f"Bearer {SERVICE}"}
    assert hosted.pause(service, version="2.0").status_code == 404
    answer = hosted.pause(service, name=7)
    assert answer.status_code == 400
    assert "'name' is required" in answer.json()["error"]
    assert hosted.admits
