"""Start the emulator's process and see it answer."""

import shutil
import subprocess
import time

from local_cloud import health, leftovers, preflight, processes, record
from local_cloud.errors import LocalCloudError
from local_cloud.settings import REPOSITORY, Settings

TIMEOUT_SECONDS = 30.0

_LOG_TAIL_BYTES = 4000


def make_state_dir(settings: Settings) -> None:
    """Make the state directory, and mark it as ours."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    (settings.state_dir / preflight.OWNERSHIP_FILE).touch()


def _make_directories(settings: Settings) -> None:
    make_state_dir(settings)
    # A killed emulator leaves the unpacked code of its functions behind.
    shutil.rmtree(settings.temporary_dir, ignore_errors=True)
    settings.temporary_dir.mkdir()
    settings.home_dir.mkdir(exist_ok=True)


def _spawn(settings: Settings) -> "subprocess.Popen[bytes]":
    with settings.log_file.open("ab") as log:
        try:
            return subprocess.Popen(  # noqa: S603 - the arguments are ours
                # Without byte code, which would be the only thing written outside of build/.
                [settings.python, "-B", "-m", "local_cloud.emulator"],
                cwd=REPOSITORY,
                env=settings.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise LocalCloudError(
                f"{settings.python} cannot be run ({error.strerror}): run `make setup`."
            ) from error


def _log_tail(settings: Settings, offset: int) -> str:
    written = settings.log_file.read_bytes()[offset:]
    tail = written[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    return f"{settings.log_file} ends with:\n{tail}"


def _wait_until_healthy(
    settings: Settings, emulator: "subprocess.Popen[bytes]", log_offset: int
) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not health.is_healthy(settings.host, settings.port):
        # The log is read after it is known to have ended, or its last words would be missed.
        if emulator.poll() is not None:
            raise LocalCloudError(
                f"The emulator ended at its start (status {emulator.returncode}). If its "
                f"environment is damaged, remove {settings.emulator_venv} and run `make setup`. "
                + _log_tail(settings, log_offset)
            )
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"The emulator did not answer within {TIMEOUT_SECONDS:g} seconds. "
                + _log_tail(settings, log_offset)
            )
        time.sleep(0.02)


def start(settings: Settings) -> processes.Process:
    """Start the emulator and wait until it answers; if it does not, nothing of it is left.

    Raises:
        LocalCloudError: it could not be run, ended, or did not answer in time.
    """
    _make_directories(settings)
    log_offset = settings.log_file.stat().st_size if settings.log_file.exists() else 0
    try:
        emulator = _spawn(settings)
        # Not reaped before poll(), so it is found even if it has ended already.
        start_time = processes.start_time(emulator.pid)
        record.write(
            settings.record_file,
            record.Record(emulator.pid, start_time, settings.host, settings.port),
        )
        _wait_until_healthy(settings, emulator, log_offset)
    except BaseException:
        # An interrupt too must not leave an emulator behind that nobody knows of.
        leftovers.end(settings)
        settings.record_file.unlink(missing_ok=True)
        raise
    return processes.Process(emulator.pid, start_time)
