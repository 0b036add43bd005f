"""What notebooks do with a real node on PostgreSQL."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ops.nodes import Shell, serving

from artificien_pygrid import client
from artificien_pygrid.client import CommandError
from artificien_pygrid.wire.tensors import decode_state

GOLDEN = Path(__file__).parent.parent / "golden/cycles/gcl"
DIFFS = [(GOLDEN / f"diff_{number}.bin").read_bytes() for number in (1, 2, 3)]
RULES = {"cycle_length": 600, "num_cycles": 1, "max_diffs": 3, "iterative_plan": True}


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A node that this machine may do everything with."""
    settings = {
        f"PYGRID_{permission}_NETWORKS": "127.0.0.0/8"
        for permission in ("HOSTING", "RETRIEVAL", "STATUS")
    }
    with serving(Shell(settings | {"PYGRID_DATABASE_URL": database_url}, tmp_path)) as server:
        yield server.url


def host(url: str, **rules: object) -> None:
    files = {
        "model": (GOLDEN / "model.bin").read_bytes(),
        "plans": {"training_plan": (GOLDEN / "training_plan.bin").read_bytes()},
        "averaging_plan": (GOLDEN / "avg_plan.bin").read_bytes(),
        "protocols": {},
    }
    who = {"name": "heart", "version": "1.0"}
    client.host(url, None, files, who, RULES | rules, timeout=60)


def test_contributions_become_the_recorded_checkpoint(url: str) -> None:
    host(url)
    for diff in DIFFS:
        client.contribute(url, "heart", "1.0", diff)
    [model] = client.status(url, None)["models"]
    while model["state"] != "finished":
        [model] = client.status(url, None)["models"]
    assert (model["completed_cycles"], model["reported"]) == (1, 3)
    found = client.download(url, None, "heart", "1.0", "latest")
    recorded = decode_state((GOLDEN / "checkpoint_2.bin").read_bytes())
    for one, other in zip(found, recorded, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    with pytest.raises(CommandError, match=r"heart 1\.0 has no place"):
        client.contribute(url, "heart", "1.0", DIFFS[0])


def test_contributions_that_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(CommandError, match="Not found any process"):
        client.contribute(url, "heart", "1.0", DIFFS[0])
    host(url, minimum_upload_speed=1, minimum_download_speed=1)
    with pytest.raises(CommandError, match="'ping' is required"):
        client.contribute(url, "heart", "1.0", DIFFS[0])


def test_a_diff_that_is_none_is_refused(url: str) -> None:
    host(url)
    with pytest.raises(CommandError, match="The node refused"):
        client.contribute(url, "heart", "1.0", b"\xff")
    assert client.status(url, None)["models"][0]["reported"] == 0


def test_a_node_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="was not reached"):
        client.contribute("http://127.0.0.1:9", "heart", "1.0", DIFFS[0])


def test_a_certificate_that_is_not_trusted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any, **__: Any) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed")

    monkeypatch.setattr(client, "connect", connect)
    with pytest.raises(CommandError, match=r"was not reached: .*certificate verify failed"):
        client.host("https://127.0.0.1", None, {}, {}, {}, timeout=1)
