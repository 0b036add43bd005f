"""Run all measurements, each in a process of its own, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cloud import emulator


def main() -> None:
    """Print all measurements."""
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder)) as cloud:
        for name in ("sample_generator", "dynamodb_seed", "registration", "retrieve"):
            print(f"\n== {name}", flush=True)
            subprocess.run(  # noqa: S603 - our own modules
                [sys.executable, "-m", f"benchmarks.{name}"],
                env=os.environ | cloud.environment,
                check=True,
            )


if __name__ == "__main__":
    main()
