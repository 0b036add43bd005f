"""Print what a deployment put where, and a command to try it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def lines(outputs: dict[str, Any], indent: str = "  ") -> list[str]:
    """Return the outputs as indented lines, without secrets."""
    made = []
    for key, value in outputs.items():
        if isinstance(value, dict):
            made += [f"{indent}{key}", *lines(value, indent + "  ")]
        elif "secret" not in key:
            made.append(f"{indent}{key:<18} {value}")
    return made


def main() -> None:
    """Print the summary of the outputs file that the command line names."""
    path = Path(sys.argv[1])
    outputs = json.loads(path.read_text())
    print("\nThe platform is up:\n", *lines(outputs), sep="\n")
    print(
        "\nTry it: register a dataset as the marketplace does, and read its sample:\n"
        "\n  build/venv/bin/python examples/register_dataset.py My-First-App\n"
        f"\nAll of it is in {path}; make down removes it."
    )


if __name__ == "__main__":
    main()
