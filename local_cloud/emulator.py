"""Run the emulator in this process, in the one version that was checked.

Executed by the interpreter of the emulator's own environment, never by the controller's. All its
settings come from the process environment (``Settings.environment``).
"""

import os
import runpy
import sys
from importlib import metadata

from local_cloud import patches
from local_cloud.errors import LocalCloudError
from local_cloud.settings import check_host

VERSION = "1.5.33"


def check_version() -> None:
    """Refuse every version of the emulator but ours.

    Raises:
        LocalCloudError: it is another one, or not installed.
    """
    try:
        installed = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        installed = "none"
    if installed != VERSION:
        raise LocalCloudError(
            f"The emulator must be ministack {VERSION}, but {sys.prefix} holds {installed}: "
            "remove that directory and run `make setup`."
        )


def main() -> None:
    """Serve until a signal asks to end; the state is saved then."""
    try:
        check_version()
        # Without the variable the emulator would listen on every interface.
        check_host(os.environ.get("BIND_HOST", "0.0.0.0"))  # noqa: S104 - refused, not used
        patches.apply_all()
    except LocalCloudError as error:
        sys.exit(f"error: {error}")
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
