"""Finding and ending processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from local_cloud import processes

READY = "import signal, sys, time; print(flush=True); "


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """Return a process, marked with SLEEPER, that sleeps."""
    with _started(READY + "time.sleep(600)") as process:
        yield process
        process.kill()


def _started(program: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", program],
        stdout=subprocess.PIPE,
        env={"SLEEPER": str(os.getpid())},
    )
    assert process.stdout
    process.stdout.readline()
    return process


def _known(process: "subprocess.Popen[bytes]") -> processes.Process:
    found = processes.find(process.pid)
    assert found
    return found


def test_a_running_process_is_found_and_alive(sleeper: "subprocess.Popen[bytes]") -> None:
    assert processes.is_alive(_known(sleeper))


def test_a_process_that_ended_but_was_not_reaped_is_not_alive(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    known = _known(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_alive(known)


def test_no_process_is_found_for_an_unused_id() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    assert processes.find(process.pid) is None


def test_a_later_process_of_the_same_id_is_neither_alive_nor_ended(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    earlier = replace(_known(sleeper), start_time=1)
    assert not processes.is_alive(earlier)
    assert processes.end(earlier, signal.SIGKILL, 0)
    assert sleeper.poll() is None


def test_end_tells_when_a_process_does_not_end_in_time() -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
    with _started(program + "time.sleep(600)") as process:
        known = _known(process)
        assert not processes.end(known, signal.SIGTERM, 0.05)
        assert processes.end(known, signal.SIGKILL, 10)


def test_processes_are_found_by_a_variable_of_theirs(sleeper: "subprocess.Popen[bytes]") -> None:
    assert processes.with_variable("SLEEPER", str(os.getpid())) == [_known(sleeper)]
    assert processes.with_variable("SLEEPER", "another") == []


def test_all_with_a_variable_are_ended_even_if_they_ignore_the_request(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
    with _started(program + "time.sleep(600)") as stubborn:
        expected = {_known(sleeper), _known(stubborn)}
        ended = processes.end_all_with_variable("SLEEPER", str(os.getpid()), 1.0)
    assert set(ended) == expected
    assert sleeper.wait() == -signal.SIGTERM
    assert stubborn.returncode == -signal.SIGKILL


def test_the_process_that_listens_on_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = processes.listener(port)
    assert found
    assert found.pid == os.getpid()
    assert processes.listener(port) is None


def test_a_command_line_reads_as_it_was_typed() -> None:
    with _started(READY + "time.sleep(600)") as process:
        assert processes.command_line(process.pid).startswith(f"{sys.executable} -S -c import")
        process.kill()
    assert processes.command_line(process.pid) == ""
