"""What all tests share: a database of their own and the settings to reach it."""

from collections.abc import AsyncIterator, Iterator

import postgres
import pytest
from pydantic import SecretStr

from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    with postgres.cluster() as running:
        running.create_template()
        yield running


@pytest.fixture
def database_url(cluster: postgres.Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=SecretStr(database_url))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with Database(settings) as opened:
        yield opened
