"""Small wheels made on the spot, so that tests of dependencies need no network."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_wheel(folder: Path, name: str, files: dict[str, str], platform: str = "any") -> str:
    """Write version 1.0 of the package `name` to `folder` and return its hash for pip."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    tag = f"py3-none-{platform}"
    content = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    wheel = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
        names = [*content, f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in names))
    return f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def requirements(folder: Path, name: str, *hashes: str) -> str:
    """Return a requirements file that pins the package `name` of `folder`."""
    pins = " ".join(f"--hash={item}" for item in hashes)
    return f"--no-index\n--find-links {folder}\n{name}==1.0 {pins}\n"
