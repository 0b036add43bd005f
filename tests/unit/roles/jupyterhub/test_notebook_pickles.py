"""The files of finished models, as notebooks open them."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from artificien_notebook.errors import NotebookError
from artificien_notebook.pickles import load_model
from model_retrieval.model_file import model_pickle, parse_state

from tests.unit.roles.jupyterhub.notebook_server import serving

ROOT = Path(__file__).resolve().parents[4]
STATE = (ROOT / "roles/jupyterhub_provision/files/tutorials/recorded/checkpoint_2.bin").read_bytes()


class Malice:
    """What a pickle may do to whoever loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture
def content() -> bytes:
    """Return the file of a model, as the platform writes it."""
    view = memoryview(STATE)
    return b"".join(model_pickle("heart-1-ada", "1", 2, parse_state(view), view))


def test_a_model_of_the_platform_opens(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    with warnings.catch_warnings(action="error"):
        model = load_model(path)
    assert (model["model_id"], model["version"], model["checkpoint"]) == ("heart-1-ada", "1", 2)
    assert [array.shape for array in model["parameters"]] == [(2, 4), (2,)]
    assert {array.dtype for array in model["parameters"]} == {np.dtype("float32")}
    assert model["state"] == STATE


def test_a_link_leads_to_the_file(content: bytes) -> None:
    with serving() as server:
        server.answers["/downloads/x"] = 302, f"{server.url}/bucket/model.pkl?signature=y"
        server.answers["/bucket/model.pkl?signature=y"] = 200, content
        assert load_model(f"{server.url}/downloads/x")["checkpoint"] == 2
        assert [path for path, _, _ in server.requests] == list(server.answers)
        server.answers["/downloads/x"] = 404, {"error": "not_found", "description": "No link."}
        with pytest.raises(NotebookError, match=r"answered 404: No link\."):
            load_model(f"{server.url}/downloads/x")


def test_nothing_is_run_that_a_pickle_names(tmp_path: Path) -> None:
    path, made = tmp_path / "model.pkl", tmp_path / "made"
    path.write_bytes(pickle.dumps({"parameters": [Malice(made)]}))
    with pytest.raises(NotebookError, match="which no model needs"):
        load_model(path)
    assert not made.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - so that it would have done something
    assert made.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x03", pickle.dumps([1])])
def test_what_is_no_model_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match="is no file of a model"):
        load_model(path)
