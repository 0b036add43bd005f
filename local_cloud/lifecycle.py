"""Start, stop, remove and describe a local cloud."""

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from local_cloud import health, launch, leftovers, preflight, processes, record
from local_cloud.errors import LocalCloudError
from local_cloud.hosts import image, podman, provision
from local_cloud.settings import MARKER_VARIABLE, REPOSITORY, Settings

SAVE_TIMEOUT_SECONDS = 30.0
KILL_TIMEOUT_SECONDS = 10.0


@dataclass
class Result:
    """What a command found or did."""

    state: str
    """``running``, ``unhealthy``, ``stopped`` (its data is kept) or ``absent``."""
    changed: bool
    message: str
    notes: list[str] = field(default_factory=list)
    """What else was put in order on the way."""
    image: str = ""
    """The image of hosts, of the command that is about it."""


@contextlib.contextmanager
def _one_command_at_a_time() -> Iterator[None]:
    # The repository's directory is the one thing that both an `up` and a `down` of any state
    # directory find in place.
    descriptor = os.open(REPOSITORY, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _started_here(settings: Settings, process: processes.Process) -> bool:
    try:
        marker = processes.environment(process.pid).get(MARKER_VARIABLE)
    except PermissionError:
        raise LocalCloudError(
            f"The emulator (process {process.pid}) belongs to another user: "
            "run this command as that user, or with sudo."
        ) from None
    except OSError:
        return False
    return marker == str(settings.state_dir)


def _running(settings: Settings) -> record.Record | None:
    found = record.read(settings.record_file)
    if found and processes.is_alive(found.process) and _started_here(settings, found.process):
        return found
    return None


def _check_running(settings: Settings, running: record.Record) -> None:
    if (running.host, running.port) != (settings.host, settings.port):
        raise LocalCloudError(
            f"The emulator of {settings.state_dir} already runs, at http://{running.host}:"
            f"{running.port} instead of {settings.endpoint_url}: run `make down` first, or leave "
            "its address as it is."
        )
    if not health.is_healthy(running.host, running.port):
        raise LocalCloudError(
            f"The emulator (process {running.pid}) runs but does not answer at "
            f"{settings.endpoint_url}: see {settings.log_file}, then run `make down` and `make up`."
        )


def up(settings: Settings, *, check: bool = False) -> Result:
    """Start the emulator unless it runs; with ``check`` only say whether it would be started.

    Raises:
        LocalCloudError: it cannot be started, or one with other settings runs.
    """
    with _one_command_at_a_time():
        running = _running(settings)
        if running:
            _check_running(settings, running)
            return _up_again(settings, running, check=check)
        preflight.check_state_dir(settings)
        preflight.check_interpreter(settings)
        if check:
            absent = provision.missing(settings) if settings.subnet else []
            # A leftover of ours may hold the port, which a real run ends first; and the address
            # may be one of a network that is not there yet.
            if not absent and not leftovers.find(settings):
                preflight.check_port(settings)
            return Result(
                "running",
                changed=True,
                message=f"would start at {settings.endpoint_url}",
                notes=[f"would make {what}" for what in absent],
            )
        notes = leftovers.end(settings)
        if settings.record_file.exists():
            settings.record_file.unlink()
            notes.append(f"removed {settings.record_file}, whose process runs no more")
        if settings.subnet:
            launch.make_state_dir(settings)
            notes += provision.provide(settings)
        preflight.check_port(settings)
        process = launch.start(settings)
        if settings.subnet:
            provision.register(settings)
        return Result(
            "running",
            changed=True,
            message=f"started at {settings.endpoint_url} (process {process.pid})",
            notes=notes,
        )


def _up_again(settings: Settings, running: record.Record, *, check: bool) -> Result:
    notes = []
    if settings.subnet and check:
        notes = [f"would make {what}" for what in provision.missing(settings)]
    elif settings.subnet:
        notes = provision.provide(settings)
        if provision.register(settings):
            notes.append("registered the image of hosts")
    return Result(
        "running",
        changed=bool(notes),
        message=f"already running at {settings.endpoint_url} (process {running.pid})",
        notes=notes,
    )


def host_image(settings: Settings) -> Result:
    """Build the image of hosts if it is missing, and write what this machine needs of podman.

    Raises:
        LocalCloudError: it cannot be built; the message says why.
    """
    with _one_command_at_a_time():
        podman.check_installed()
        preflight.check_state_dir(settings)
        launch.make_state_dir(settings)
        podman.configure(settings)
        changed = not image.exists(settings)
        if changed:
            image.provide(settings)
        name = image.name(settings)
        return Result("present", changed, f"the image of hosts is {name}", image=name)


def _end_emulator(settings: Settings, running: record.Record) -> list[str]:
    if processes.end(running.process, signal.SIGTERM, SAVE_TIMEOUT_SECONDS):
        return []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    processes.end(running.process, signal.SIGKILL, KILL_TIMEOUT_SECONDS)
    note = (
        f"killed the emulator, which did not end within {SAVE_TIMEOUT_SECONDS:g} seconds: "
        f"what it had not saved in {settings.state_dir} is lost"
    )
    return [note]


def _end_everything(settings: Settings) -> tuple[bool, list[str]]:
    running = _running(settings)
    notes = _end_emulator(settings, running) if running else []
    notes += leftovers.end(settings)
    notes += provision.remove(settings)
    settings.record_file.unlink(missing_ok=True)
    return bool(running or notes), notes


def stop(settings: Settings, *, check: bool = False) -> Result:
    """End the emulator and keep its data; with ``check`` only say whether anything would end.

    Raises:
        LocalCloudError: it cannot be ended.
    """
    with _one_command_at_a_time():
        kept = "stopped" if settings.state_dir.exists() else "absent"
        if check:
            would_end = bool(_running(settings) or leftovers.find(settings))
            return Result(kept, would_end, "would stop" if would_end else "nothing runs")
        ended, notes = _end_everything(settings)
        message = f"stopped; its data stays in {settings.state_dir}" if ended else "nothing runs"
        return Result(kept, ended, message, notes)


def down(settings: Settings, *, check: bool = False) -> Result:
    """End the emulator and remove its data; with ``check`` only say whether anything would go.

    Raises:
        LocalCloudError: it cannot be ended, or the state directory holds somebody else's files.
    """
    with _one_command_at_a_time():
        preflight.check_state_dir(settings)
        present = settings.state_dir.exists()
        if check:
            would_go = bool(present or _running(settings) or leftovers.find(settings))
            return Result("absent", would_go, "would remove" if would_go else "nothing to remove")
        ended, notes = _end_everything(settings)
        if present:
            shutil.rmtree(settings.state_dir)
        changed = ended or present
        message = f"removed {settings.state_dir}" if changed else "nothing to remove"
        return Result("absent", changed, message, notes)


def clean(settings: Settings, *, check: bool = False) -> Result:
    """As ``down``, and remove the images of hosts that podman keeps for the next time.

    Raises:
        LocalCloudError: as ``down``, or an image is in use.
    """
    result = down(settings, check=check)
    if not check and podman.is_installed():
        notes = image.remove_all(settings)
        result = replace(result, changed=result.changed or bool(notes), notes=result.notes + notes)
    return result


def status(settings: Settings) -> Result:
    """Say what there is; changes nothing."""
    running = _running(settings)
    if running:
        endpoint_url = f"http://{running.host}:{running.port}"
        healthy = health.is_healthy(running.host, running.port)
        return Result(
            "running" if healthy else "unhealthy",
            changed=False,
            message=f"{'running' if healthy else 'not answering'} at {endpoint_url} "
            f"(process {running.pid}, log {settings.log_file})",
        )
    if settings.state_dir.exists():
        return Result("stopped", changed=False, message=f"stopped; data in {settings.state_dir}")
    return Result("absent", changed=False, message="not there")
