"""Check a deployed platform: `python -m smoke build/<env>/outputs.json`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from functools import partial
from pathlib import Path

from smoke.checks import run_checks
from smoke.components import COMPONENTS
from smoke.platform import Platform
from smoke.report import Row, as_json, failed, table

INTERRUPTED = 128 + signal.SIGTERM


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m smoke", description=__doc__)
    parser.add_argument("outputs", type=Path, help="the outputs file of the deployment")
    parser.add_argument("--read-only", action="store_true", help="leave out checks that write")
    parser.add_argument(
        "--shell-credentials",
        action="store_true",
        help="ask AWS with the credentials of the shell, not with those of the outputs file",
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted(COMPONENTS),
        default=[],
        metavar="COMPONENT",
        help="check only this component; may be given several times",
    )
    return parser.parse_args(arguments)


def check(platform: Platform, components: list[str]) -> list[Row]:
    """Run the checks of the components, in order."""
    return [
        row
        for component in components
        for row in run_checks(component, partial(COMPONENTS[component], platform))
    ]


def main() -> None:
    """Print what was found; end with 1 if a check failed, with 2 if none could be run."""
    options = parse()
    try:
        outputs = json.loads(options.outputs.read_text())
    except (OSError, json.JSONDecodeError) as error:
        print(f"{options.outputs} cannot be read ({error}): deploy first.", file=sys.stderr)
        sys.exit(2)
    # What is made is removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(INTERRUPTED))
    platform = Platform(
        outputs, read_only=options.read_only, shell_credentials=options.shell_credentials
    )
    chosen = [name for name in COMPONENTS if not options.only or name in options.only]
    rows = check(platform, chosen)
    print(as_json(rows) if options.json else table(rows))
    sys.exit(1 if failed(rows) else 0)


if __name__ == "__main__":
    main()
