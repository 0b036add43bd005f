"""A node that really listens, on a database of its own, for the tests of one module."""

from collections.abc import Iterator

import postgres
import pytest
import structlog
from api.serving import Running, serving


@pytest.fixture(scope="session", autouse=True)
def _log_to_pytest() -> None:
    """The node's threads outlive the standard output that a test has."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@pytest.fixture(scope="module")
def node(cluster: postgres.Cluster) -> Iterator[Running]:
    """Shared by a module's tests: they use names of their own."""
    with cluster.database() as url, serving(url) as running:
        yield running
