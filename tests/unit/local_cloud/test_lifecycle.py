"""What up, stop, down and status decide; the processes are stand-ins."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_cloud import lifecycle, processes, record
from local_cloud.errors import LocalCloudError
from local_cloud.settings import MARKER_VARIABLE, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with an interpreter and a state directory that is not there."""
    found = Settings.checked("127.0.0.1", 4600, tmp_path / "state", tmp_path / "venv")
    found.python.parent.mkdir(parents=True)
    found.python.symlink_to(sys.executable)
    return found


@pytest.fixture
def stand_in(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Return a recorded process that has the emulator's mark but answers nothing."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; print(flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE,
        env={MARKER_VARIABLE: str(settings.state_dir)},
        start_new_session=True,
    )
    assert process.stdout
    process.stdout.readline()
    settings.state_dir.mkdir()
    (settings.state_dir / ".made-by-local-cloud").touch()
    _record(settings, process.pid, processes.start_time(process.pid))
    with process:
        yield process
        process.kill()


def _record(settings: Settings, pid: int, start_time: int) -> None:
    record.write(settings.record_file, record.Record(pid, start_time, settings.host, settings.port))


def test_nothing_there_is_absent_and_down_changes_nothing(settings: Settings) -> None:
    assert lifecycle.status(settings).state == "absent"
    result = lifecycle.down(settings)
    assert (result.state, result.changed) == ("absent", False)


def test_check_tells_of_a_start_and_makes_nothing(settings: Settings) -> None:
    result = lifecycle.up(settings, check=True)
    assert (result.state, result.changed) == ("running", True)
    assert not settings.state_dir.exists()


@pytest.mark.usefixtures("stand_in")
def test_an_emulator_that_does_not_answer_is_unhealthy(settings: Settings) -> None:
    assert lifecycle.status(settings).state == "unhealthy"
    with pytest.raises(LocalCloudError, match=r"does not answer .* run `make down`"):
        lifecycle.up(settings)


@pytest.mark.usefixtures("stand_in")
def test_up_with_another_address_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = Settings.checked("127.0.0.1", 4601, settings.state_dir, tmp_path / "venv")
    with pytest.raises(LocalCloudError, match=r"already runs, at http://127\.0\.0\.1:4600 instead"):
        lifecycle.up(other)


@pytest.mark.parametrize("command", [lifecycle.stop, lifecycle.down])
def test_check_tells_of_an_end_and_ends_nothing(
    settings: Settings,
    stand_in: "subprocess.Popen[bytes]",
    command: Callable[..., lifecycle.Result],
) -> None:
    assert command(settings, check=True).changed
    assert stand_in.poll() is None
    assert settings.record_file.exists()


def test_stop_keeps_the_directory_and_a_second_one_changes_nothing(
    settings: Settings, stand_in: "subprocess.Popen[bytes]"
) -> None:
    assert lifecycle.stop(settings).changed
    assert stand_in.wait(10)
    assert lifecycle.status(settings).state == "stopped"
    assert not lifecycle.stop(settings).changed


def test_down_removes_the_directory(
    settings: Settings, stand_in: "subprocess.Popen[bytes]"
) -> None:
    assert lifecycle.down(settings).changed
    assert stand_in.wait(10)
    assert not settings.state_dir.exists()


def test_a_marked_process_without_a_record_is_ended(
    settings: Settings, stand_in: "subprocess.Popen[bytes]"
) -> None:
    settings.record_file.unlink()
    result = lifecycle.down(settings)
    assert result.notes == [f"ended process {stand_in.pid}, which the emulator had left behind"]
    assert stand_in.wait(10)


def test_a_recycled_process_id_is_not_taken_for_the_emulator(
    settings: Settings, stand_in: "subprocess.Popen[bytes]"
) -> None:
    _record(settings, os.getpid(), 1)
    assert lifecycle.status(settings).state == "stopped"
    lifecycle.down(settings)
    assert stand_in.wait(10)


@pytest.mark.usefixtures("stand_in")
def test_a_recorded_process_without_our_mark_is_not_taken_for_the_emulator(
    settings: Settings,
) -> None:
    _record(settings, os.getpid(), processes.start_time(os.getpid()))
    assert lifecycle.status(settings).state == "stopped"


def test_down_refuses_a_directory_that_is_not_ours(settings: Settings) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "letters.txt").touch()
    with pytest.raises(LocalCloudError):
        lifecycle.down(settings)
    assert (settings.state_dir / "letters.txt").exists()


def test_an_emulator_that_cannot_be_run_leaves_no_record(settings: Settings) -> None:
    settings.python.unlink()
    settings.python.write_text("no program\n")
    with pytest.raises(LocalCloudError, match=r"cannot be run .* run `make setup`"):
        lifecycle.up(settings)
    assert lifecycle.status(settings).state == "stopped"


def test_an_emulator_that_ends_at_once_is_reported_with_its_last_words(settings: Settings) -> None:
    settings.python.unlink()
    settings.python.write_text("#!/bin/sh\necho something is missing\nexit 7\n")
    settings.python.chmod(0o755)
    with pytest.raises(LocalCloudError, match=r"(?s)status 7.*`make setup`.*something is missing"):
        lifecycle.up(settings)
    assert not settings.record_file.exists()
