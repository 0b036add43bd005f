"""The process that offers podman's API to the emulator."""

import os
import subprocess
import time

from local_cloud import processes, record
from local_cloud.errors import LocalCloudError
from local_cloud.hosts import machine, podman
from local_cloud.settings import Settings

TIMEOUT_SECONDS = 20.0


def runs(settings: Settings) -> bool:
    """Tell whether the process runs."""
    found = record.read(settings.podman_record_file)
    return bool(found and processes.is_alive(found.process)) and settings.docker_socket.exists()


def provide(settings: Settings) -> None:
    """Start the process and wait until it listens.

    Raises:
        LocalCloudError: it ended or did not listen in time.
    """
    remove(settings)
    address = f"unix://{settings.docker_socket}"
    with settings.podman_log_file.open("ab") as log:
        service = subprocess.Popen(  # noqa: S603 - the arguments are ours
            podman.command(settings, ["system", "service", "--time=0", address]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    record.write(
        settings.podman_record_file,
        record.Record(service.pid, processes.start_time(service.pid), settings.host, settings.port),
    )
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not settings.docker_socket.exists():
        if service.poll() is not None or time.monotonic() > deadline:
            raise LocalCloudError(f"podman does not offer its API: see {settings.podman_log_file}.")
        time.sleep(0.02)
    if os.geteuid() != 0:
        owner = f"{os.geteuid()}:{os.getegid()}"
        subprocess.run(  # noqa: S603 - as above
            machine.as_root(["chown", owner, str(settings.docker_socket)]), check=True
        )


def remove(settings: Settings) -> None:
    """End the process."""
    found = record.read(settings.podman_record_file)
    if found and processes.is_alive(found.process):
        subprocess.run(  # noqa: S603 - as above
            machine.as_root(["kill", str(found.pid)]), check=True
        )
        processes.wait(found.process, TIMEOUT_SECONDS)
    settings.podman_record_file.unlink(missing_ok=True)
    settings.docker_socket.unlink(missing_ok=True)
