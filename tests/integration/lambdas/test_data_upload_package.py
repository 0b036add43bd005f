"""The package of `data_upload` holds all that the sample generator needs.

The emulator does not show it: its functions also see the packages of its own environment.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from ansible.module_utils.artificien.lambda_package import build_package
from data_upload.sample_generator import csv_chunks, parse_schema

from tests.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {
    "dataset_id": "Packed",
    "attributes": ["Age", "City", "E-mail", "Smoker"],
    "attributeTypes": ["N", "S", "S", "B"],
    "attributeRangeMins": ["18"],
    "attributeRangeMaxes": ["90.5"],
}
GENERATE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from data_upload.sample_generator import csv_chunks, parse_schema
for chunk in csv_chunks(parse_schema(json.loads(sys.argv[2]), 100)):
    sys.stdout.buffer.write(chunk)
"""


def test_a_package_alone_generates_the_same_sample(tmp_path: Path) -> None:
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    package = build_package(
        ROOT / "lambdas/data_upload", "python3.13", architecture, tmp_path / "build"
    )
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "function")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", GENERATE, tmp_path / "function", json.dumps(ITEM)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"".join(csv_chunks(parse_schema(ITEM, 100)))
