"""One node for all tests of clients, and syft.js in Node and in Chromium."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from clients import javascript
from clients.javascript import TakePart
from clients.node import Deployed, Node, running


@pytest.fixture(scope="module")
def node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node | Deployed]:
    """The node that PYGRID_URL names, with the token PYGRID_TOKEN, or one of the tests' own."""
    if url := os.environ.get("PYGRID_URL"):
        yield Deployed(url, os.environ["PYGRID_TOKEN"])
        return
    with (
        request.getfixturevalue("cluster").database() as url,
        running(url, tmp_path_factory.mktemp("node")) as started,
    ):
        yield started


@pytest.fixture(scope="session")
def installed() -> Path:
    return javascript.install()


@pytest.fixture(scope="module", params=["node", "chromium"])
def take_part(request: pytest.FixtureRequest, installed: Path) -> Iterator[TakePart]:
    """A worker that runs syft.js."""
    if request.param == "node":
        yield partial(javascript.take_part_in_node, installed)
    else:
        with javascript.page(installed) as page:
            yield partial(javascript.take_part_in_page, page)
