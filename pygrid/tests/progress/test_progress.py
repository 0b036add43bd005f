"""Progress messages reach the master: at least once, in order, whatever fails meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api.serving import diff
from api.serving import serving as serving_node
from pydantic import HttpUrl, SecretStr

import artificien_pygrid
from artificien_pygrid import progress
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database

pytestmark = pytest.mark.anyio

# pragma: allowlist nextline secret
SECRET = "of the master"  # noqa: S105 - a test's own


@dataclass
class Master:
    """A real HTTP server that notes what it gets and answers as told."""

    answer: Callable[[int, dict[str, Any]], int] = lambda _number, _body: 200
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def __post_init__(self) -> None:
        self.hold.set()

    @property
    def url(self) -> HttpUrl:
        """Where to send progress."""
        return HttpUrl(f"http://127.0.0.1:{self.port}/model_progress")

    def percents(self, model: str) -> list[int]:
        """What it got for a model, in order."""
        return [body["percent_complete"] for body in self.received if body["model_id"] == model]


@contextmanager
def serving(master: Master) -> Iterator[Master]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            master.received.append(body)
            master.headers.append({name.lower(): value for name, value in self.headers.items()})
            master.paths.append(self.path)
            number = len(master.received)
            master.hold.wait(30)
            status = master.answer(number, body)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{master.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", master.port), Handler)
    server.daemon_threads = True
    master.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield master
    finally:
        master.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def master() -> Iterator[Master]:
    with serving(Master()) as running:
        yield running


def settings_for(database_url: str, url: HttpUrl | None, **values: Any) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        progress_url=url,
        progress_secret=SecretStr(SECRET),
        **{"progress_timeout": 2, "progress_retry_seconds": 0.2} | values,
    )


@asynccontextmanager
async def node(settings: Settings) -> AsyncIterator[Database]:
    """A process's delivery, running."""
    async with Database(settings) as database:
        stop = asyncio.Event()
        task = asyncio.create_task(progress.run(database, stop))
        try:
            yield database
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)


async def announce(database: Database, model: str, *percents: int) -> None:
    for percent in percents:
        payload = json.dumps({"percent_complete": percent, "model_id": model})
        await database.fetch(
            "INSERT INTO outbox (payload) VALUES (%(payload)s::json)", {"payload": payload}
        )


async def pending(database: Database) -> list[Any]:
    """Number, most attempts, and an error of the messages in the outbox."""
    row = await database.fetch(
        "SELECT count(*), coalesce(max(attempts), 0), min(last_error) FROM outbox", {}
    )
    assert row is not None
    return list(row)


async def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.03)


async def is_delivered(database: Database) -> bool:
    return bool((await pending(database))[0] == 0)


async def test_a_message_arrives_once_as_json_with_the_secret(
    database_url: str, master: Master
) -> None:
    async with node(settings_for(database_url, master.url)) as database:
        await announce(database, "chr-1-ann", 20)
        await until(lambda: is_delivered(database))
    assert master.received == [{"percent_complete": 20, "model_id": "chr-1-ann"}]
    assert master.paths == ["/model_progress"]
    [headers] = master.headers
    assert headers["x-progress-secret"] == SECRET
    assert headers["content-type"] == "application/json"


async def test_the_header_is_named_by_a_setting(database_url: str, master: Master) -> None:
    settings = settings_for(database_url, master.url, progress_header="X-Master-Key")
    async with node(settings) as database:
        await announce(database, "m", 100)
        await until(lambda: is_delivered(database))
    assert master.headers[0]["x-master-key"] == SECRET
    assert "x-progress-secret" not in master.headers[0]


async def test_a_master_that_fails_first_gets_it_later_and_in_order(
    database_url: str, master: Master
) -> None:
    master.answer = lambda number, _: 503 if number <= 3 else 200
    async with node(settings_for(database_url, master.url)) as database:
        await announce(database, "m", 25, 50, 75, 100)
        await until(lambda: is_delivered(database))
    assert master.percents("m") == [25, 25, 25, 25, 50, 75, 100]


async def test_a_failing_model_does_not_hold_up_another(database_url: str, master: Master) -> None:
    master.answer = lambda _, body: 500 if body["model_id"] == "stuck" else 200
    async with node(settings_for(database_url, master.url)) as database:
        await announce(database, "stuck", 10, 20)
        await announce(database, "fine", 10, 20)
        await until(lambda: master.percents("fine") == [10, 20])
        await until(lambda: len(master.percents("stuck")) >= 2)
        assert set(master.percents("stuck")) == {10}
        assert (await pending(database))[0] == 2


async def test_a_master_that_is_away_gets_everything_when_it_is_back(database_url: str) -> None:
    with serving(Master()) as once:
        port = once.port
    url = HttpUrl(f"http://127.0.0.1:{port}/model_progress")
    settings = settings_for(database_url, url, progress_retry_max_seconds=0.4)
    async with node(settings) as database:
        await announce(database, "m", 50, 100)

        async def has_tried() -> bool:
            return bool((await pending(database))[1] >= 3)

        await until(has_tried)
        number, _, error = await pending(database)
        assert number == 2
        assert "was not reached" in error
        with serving(Master(port=port)) as back:
            await until(lambda: is_delivered(database))
            assert back.percents("m") == [50, 100]


async def test_a_slow_master_is_not_waited_for_longer_than_configured(
    database_url: str, master: Master
) -> None:
    master.hold.clear()
    settings = settings_for(database_url, master.url, progress_timeout=0.3)
    async with node(settings) as database:
        await announce(database, "m", 50)

        async def has_failed() -> bool:
            return (await pending(database))[2] is not None

        await until(has_failed)
        assert (await pending(database))[2] == "the master did not answer within 0.3 seconds"
        master.hold.set()
        await until(lambda: is_delivered(database))


async def test_a_redirect_is_not_followed_with_the_secret(
    database_url: str, master: Master
) -> None:
    master.answer = lambda number, _: 302 if number == 1 else 200
    async with node(settings_for(database_url, master.url)) as database:
        await announce(database, "m", 50)
        await until(lambda: is_delivered(database))
    assert master.paths == ["/model_progress", "/model_progress"]


async def test_several_processes_send_each_message_once_and_in_order(
    database_url: str, master: Master
) -> None:
    settings = settings_for(database_url, master.url)
    models = [f"m{number}" for number in range(5)]
    async with (
        node(settings) as first,
        node(settings),
        node(settings),
    ):
        for percent in range(8):
            for model in models:
                await announce(first, model, percent)
        await until(lambda: is_delivered(first))
    for model in models:
        assert master.percents(model) == list(range(8))


async def test_nothing_is_sent_without_a_url(database_url: str) -> None:
    async with Database(settings_for(database_url, None)) as database:
        await announce(database, "m", 50)
        await asyncio.wait_for(progress.run(database, asyncio.Event()), 1)
        assert (await pending(database))[:2] == [1, 0]


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 5), (2, 10), (4, 40), (11, 3600), (10_000, 3600)]
)
async def test_the_waiting_time_doubles_up_to_a_cap(
    settings: Settings, attempts: int, longest: float
) -> None:
    delays = [progress.retry_delay(settings, attempts) for _ in range(200)]
    assert longest / 2 <= min(delays) < max(delays) <= longest
    assert max(delays) - min(delays) > longest / 4


async def test_it_never_gives_up(database_url: str, master: Master) -> None:
    async with Database(settings_for(database_url, master.url)) as database:
        await announce(database, "m", 100)
        await database.fetch("UPDATE outbox SET attempts = 5000", {})
        async with progress.client(database.settings) as http:
            master.answer = lambda *_: 500
            assert await progress.deliver_due(database, http) == 0
            assert (await pending(database))[:2] == [1, 5001]
            master.answer = lambda *_: 200
            await database.fetch("UPDATE outbox SET next_attempt_at = now()", {})
            assert await progress.deliver_due(database, http) == 1


_PROCESS = """
import asyncio
from artificien_pygrid import progress
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database

async def main():
    async with Database(Settings()) as database:
        await progress.run(database, asyncio.Event())

asyncio.run(main())
"""


async def test_killed_between_sending_and_noting_it_sends_again(
    database_url: str, master: Master
) -> None:
    master.hold.clear()
    environment = os.environ | {
        "PYTHONPATH": str(Path(artificien_pygrid.__file__).parent.parent),
        "PYGRID_DATABASE_URL": database_url,
        "PYGRID_PROGRESS_URL": str(master.url),
        "PYGRID_PROGRESS_TIMEOUT": "20",
    }
    async with Database(settings_for(database_url, master.url)) as database:
        await announce(database, "m", 100)
        process = subprocess.Popen([sys.executable, "-c", _PROCESS], env=environment)
        try:
            await until(lambda: master.received)
            process.send_signal(signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        # The master has it, the node does not know: it is still there, claimed for a while.
        assert (await pending(database))[:2] == [1, 1]
        master.hold.set()
        async with progress.client(database.settings) as http:
            assert await progress.deliver_due(database, http) == 0
            let_lease_end = "UPDATE outbox SET next_attempt_at = next_attempt_at - interval '41 s'"
            await database.fetch(let_lease_end, {})
            assert await progress.deliver_due(database, http) == 1
    assert master.percents("m") == [100, 100]


async def test_the_lease_outlasts_an_attempt(database_url: str, master: Master) -> None:
    """While one process waits for the master, no other sends the same message."""
    master.hold.clear()
    settings = settings_for(database_url, master.url, progress_timeout=10)
    async with Database(settings) as first, Database(settings) as second:
        await announce(first, "m", 50, 100)
        async with progress.client(settings) as http:
            sending = asyncio.create_task(progress.deliver_due(first, http))
            await until(lambda: master.received)
            assert await progress.deliver_due(second, http) == 0
            row = await first.fetch(
                "SELECT extract(epoch FROM max(next_attempt_at) - now())::float FROM outbox", {}
            )
            assert row is not None
            assert row[0] > settings.progress_timeout
            master.hold.set()
            assert await sending == 1
    assert master.percents("m") == [50]


async def test_a_broken_database_does_not_end_the_delivery(
    database_url: str, master: Master
) -> None:
    master.hold.clear()
    with psycopg.connect(database_url, autocommit=True) as connection:
        async with node(settings_for(database_url, master.url)) as database:
            await announce(database, "m", 50)
            await until(lambda: master.received)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            master.hold.set()

            def is_removed() -> bool:
                # What was sent could not be noted: it is due again, here sooner than else.
                connection.execute("UPDATE outbox SET next_attempt_at = now()")
                return connection.execute("SELECT FROM outbox").fetchone() is None

            await until(is_removed)
    assert len(master.received) >= 2
    assert set(master.percents("m")) == {50}


async def test_a_completed_cycle_is_announced_by_the_running_node(
    database_url: str, master: Master
) -> None:
    secret = SecretStr(SECRET)
    with serving_node(database_url, progress_url=master.url, progress_secret=secret) as running:
        name = await asyncio.to_thread(running.host, num_cycles=2, max_diffs=1)

        def has_got(percents: list[int]) -> bool:
            return master.percents(name) == percents

        for percents in ([50], [50, 100]):
            worker_id, answer = await asyncio.to_thread(running.join, name)
            key = answer["request_key"]
            reported = await asyncio.to_thread(running.report, worker_id, key, diff())
            assert reported == {"status": "success"}
            await until(partial(has_got, percents))
    assert {headers["x-progress-secret"] for headers in master.headers} == {SECRET}
