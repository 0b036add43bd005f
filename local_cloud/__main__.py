"""The command line: ``python3 -m local_cloud up|stop|down|clean|status|image``."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from local_cloud import lifecycle
from local_cloud.errors import LocalCloudError
from local_cloud.settings import (
    DEFAULT_EMULATOR_VENV,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_STATE_DIR,
    Settings,
)


def _shared_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (%(default)s)")
    options.add_argument("--port", type=int, default=DEFAULT_PORT, help="TCP port (%(default)s)")
    options.add_argument(
        "--state-dir", type=Path, default=DEFAULT_STATE_DIR, help="everything written is in here"
    )
    options.add_argument(
        "--emulator-venv", type=Path, default=DEFAULT_EMULATOR_VENV, help="made by `make setup`"
    )
    options.add_argument(
        "--json", action="store_true", help="print one JSON object instead of sentences"
    )
    return options


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ends the process with status 2 if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python3 -m local_cloud", description="The AWS emulator on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    shared = _shared_options()
    for name, description in (
        ("up", "start the emulator and wait until it answers"),
        ("stop", "end the emulator and keep its data"),
        ("down", "end the emulator and remove its data"),
        ("clean", "as down, and remove the images of hosts that are kept for the next time"),
    ):
        command = commands.add_parser(name, parents=[shared], help=description)
        command.add_argument(
            "--check", action="store_true", help="say what would change, and change nothing"
        )
        if name == "up":
            command.add_argument(
                "--subnet",
                default="",
                help="give instances hosts, in this private network (10.213.47.0/24, for example)"
                " whose first address is listened on instead of --host",
            )
            command.add_argument(
                "--image", default="", help="make hosts from this ordinary image of Debian 12"
            )
            command.add_argument(
                "--record", action="store_true", help="write each decision of a policy to a file"
            )
    commands.add_parser("status", parents=[shared], help="say whether the emulator runs")
    commands.add_parser("image", parents=[shared], help="build the image of hosts if it is missing")
    return parser.parse_args(arguments)


def _run(arguments: argparse.Namespace) -> lifecycle.Result:
    settings = Settings.checked(
        arguments.host,
        arguments.port,
        arguments.state_dir,
        arguments.emulator_venv,
        subnet=getattr(arguments, "subnet", ""),
        image=getattr(arguments, "image", ""),
        record=getattr(arguments, "record", False),
    )
    if arguments.command == "status":
        return lifecycle.status(settings)
    if arguments.command == "image":
        return lifecycle.host_image(settings)
    commands: dict[str, Callable[..., lifecycle.Result]] = {
        "up": lifecycle.up,
        "stop": lifecycle.stop,
        "down": lifecycle.down,
        "clean": lifecycle.clean,
    }
    return partial(commands[arguments.command], check=arguments.check)(settings)


def main() -> int:
    """Run one command; returns the exit status."""
    arguments = parse_arguments()
    try:
        result = _run(arguments)
    except (LocalCloudError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(asdict(result)))
    else:
        for sentence in (*result.notes, result.message):
            print(f"Local cloud: {sentence}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
