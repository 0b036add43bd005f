"""A proxy between the nodes and their database."""

from collections.abc import Iterator

import postgres
import pytest
from kill.gate import Gate, gate_to


@pytest.fixture
def gate(cluster: postgres.Cluster) -> Iterator[Gate]:
    with gate_to(cluster.directory) as opened:
        yield opened
