"""The generated code is what the compiler makes of messages.proto."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
WIRE = Path("artificien_pygrid/wire")


@pytest.mark.parametrize("name", ["messages_pb2.py", "messages_pb2.pyi"])
def test_generated_code_is_current(tmp_path: Path, name: str) -> None:
    subprocess.run(
        [sys.executable, PROJECT / "scripts/generate_wire.py", "--out", tmp_path], check=True
    )

    assert (PROJECT / "src" / WIRE / name).read_text() == (tmp_path / WIRE / name).read_text()
