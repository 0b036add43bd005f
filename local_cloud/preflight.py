"""What must be so before the emulator can start or its data can be removed."""

import errno
import socket

from local_cloud import processes
from local_cloud.errors import LocalCloudError
from local_cloud.settings import BUILD_DIR, Settings

OWNERSHIP_FILE = ".made-by-local-cloud"
"""Lies in every state directory of ours."""


def check_state_dir(settings: Settings) -> None:
    """Refuse a state directory with files of somebody else's, which `down` would remove.

    Raises:
        LocalCloudError: choose another one.
    """
    directory = settings.state_dir
    if not directory.exists():
        return
    if not directory.is_dir():
        raise LocalCloudError(f"{directory} is not a directory: choose another state directory.")
    # Whatever lies below the build directory was generated, by a deployment for example.
    if BUILD_DIR in directory.parents:
        return
    if any(directory.iterdir()) and not (directory / OWNERSHIP_FILE).exists():
        raise LocalCloudError(
            f"{directory} holds files that are not the local cloud's: choose another state "
            "directory, or empty this one."
        )


def check_interpreter(settings: Settings) -> None:
    """Refuse an environment without an interpreter.

    Raises:
        LocalCloudError: it has to be set up.
    """
    if not settings.python.exists():
        raise LocalCloudError(
            f"The emulator's environment has no usable {settings.python}: run `make setup`."
        )


def check_port(settings: Settings) -> None:
    """Refuse an address on which the emulator, or the fake Amplify beside it, could not listen.

    Raises:
        LocalCloudError: names who uses it, where that can be seen.
    """
    for port in (settings.port, settings.amplify_port):
        with socket.socket() as probe:
            # As the emulator does: connections of an earlier one that still fade away do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise LocalCloudError(_bind_failure(settings, port, error)) from error


def _bind_failure(settings: Settings, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        owner = processes.listener(port)
        by = (
            f"process {owner.pid} ({processes.command_line(owner.pid)})"
            if owner
            else "a process that cannot be seen from this user"
        )
        return (
            f"Port {port} of {settings.host} is in use by {by}: stop that process, "
            "or choose another port by LOCAL_CLOUD_PORT."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{settings.host} is no address of this machine: correct LOCAL_CLOUD_HOST or "
            "LOCAL_CLOUD_SUBNET."
        )
    return (
        f"Cannot listen on {settings.host}:{port} ({error.strerror}): choose another "
        "port by LOCAL_CLOUD_PORT."
    )
