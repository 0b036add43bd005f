"""Deployment packages of Lambda functions: the same sources give the same bytes on every machine.

A package is a function's source folder under its own name, beside the folders that it shares with
other functions and its pinned dependencies. Its hash decides whether a function is deployed again,
so nothing in it may depend on the machine: not on times, permissions, the order of a directory, the
installer or the working directory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The oldest C library of Lambda's Python 3.12 and later (Amazon Linux 2023) is newer than this.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
UNZIPPED_LIMIT_BYTES = 262_144_000
REQUIREMENTS = "requirements.txt"
NOT_DEPLOYED = {"__pycache__", "tests", "README.md"}

# What Python reads at run time. The rest of a .dist-info folder is written by the installer.
METADATA = {"METADATA", "entry_points.txt"}

# Part of every cache key: raise it with each change to the content or the form of packages.
FORMAT = 1


@dataclass(frozen=True)
class Package:
    """A finished deployment package."""

    path: Path
    sha256: str

    @property
    def code_sha256(self) -> str:
        """The hash in the form in which Lambda reports it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


def build_package(
    source: Path, runtime: str, architecture: str, build_dir: Path, shared: Sequence[Path] = ()
) -> Package:
    """Return the package of the folder `source`, from the cache in `build_dir` if it is there.

    Raises:
        ReconcileError: the folder, those in `shared` or its dependencies do not make a package.
    """
    for folder in (source, *shared):
        if not folder.is_dir():
            raise ReconcileError(
                f"{folder} is no folder; name folders with code of the function in source and "
                "shared."
            )
    try:
        return _build(source, shared, runtime, architecture, build_dir)
    except OSError as error:
        raise ReconcileError(
            f"source {source}: no package can be made in build_dir {build_dir}: {error}. Correct "
            "the permissions or the free space of that folder, or name another one."
        ) from error


def _build(
    source: Path, shared: Sequence[Path], runtime: str, architecture: str, build_dir: Path
) -> Package:
    files = _source_files(source) | _shared_files(source, shared)
    requirements = _requirements(source)
    digest = _digest(
        [FORMAT, runtime, architecture, requirements],
        {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()},
    )
    # One folder per sources and platform, since writing a package removes its earlier ones.
    sources = [str(folder.resolve()) for folder in (source, *sorted(shared))]
    place = _digest(*sources, runtime, architecture)[:12]
    folder = build_dir / "packages" / f"{source.name}-{place}"
    # The package's own hash is in its name, so that nobody reads megabytes to learn it.
    for path in folder.glob(f"{digest}-*.zip"):
        return Package(path, path.stem.removeprefix(f"{digest}-"))
    if requirements:
        installed = _install(source / REQUIREMENTS, requirements, runtime, architecture, build_dir)
        dependencies = _dependency_files(installed)
        own = {folder.name for folder in (source, *shared)}
        for name in dependencies:
            top = Path(name.split("/")[0]).stem
            if top in own:
                raise ReconcileError(
                    f"source {source}: its dependencies hold {name}, so {top} would mean two "
                    f"things to Python. Rename the folder {top}."
                )
        files |= dependencies
    size = sum(path.stat().st_size for path in files.values())
    if size > UNZIPPED_LIMIT_BYTES:
        raise ReconcileError(
            f"source {source}: the unzipped package has {size} bytes and Lambda allows "
            f"{UNZIPPED_LIMIT_BYTES}. Remove dependencies from its {REQUIREMENTS}, or split the "
            "function."
        )
    return _write(files, folder, digest)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _source_files(source: Path) -> dict[str, Path]:
    """Return the files to deploy by their name in the package."""
    files: dict[str, Path] = {}
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if any(part in NOT_DEPLOYED or part.startswith(".") for part in name.parts):
            continue
        if path.is_symlink():
            # What it points to may be missing, or another, on the next machine.
            raise ReconcileError(
                f"{path} is a symbolic link. Put the file itself there, or name the folder of the "
                "shared code in shared."
            )
        is_requirements = name.match("requirements*") and name.suffix in {".txt", ".in"}
        if path.is_file() and name.suffix != ".pyc" and not is_requirements:
            files[f"{source.name}/{name.as_posix()}"] = path
    if not files:
        raise ReconcileError(f"{source} holds no file to deploy.")
    return files


def _shared_files(source: Path, shared: Sequence[Path]) -> dict[str, Path]:
    """Return the files of the shared folders by their name in the package of `source`."""
    files: dict[str, Path] = {}
    names = [source.name]
    for folder in shared:
        if folder.name in names:
            raise ReconcileError(
                f"source {source}: shared {folder} has the name of another folder of the package. "
                "Rename one of them, or name it once."
            )
        if _requirements(folder):
            raise ReconcileError(
                f"{folder / REQUIREMENTS}: a shared folder brings no dependencies. Pin them in the "
                f"{REQUIREMENTS} of each function that uses it."
            )
        names.append(folder.name)
        files |= _source_files(folder)
    return files


def _requirements(source: Path) -> str:
    """Return the text of the requirements, empty if they name nothing."""
    path = source / REQUIREMENTS
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    names_something = any(line.split("#")[0].strip() for line in text.splitlines())
    return text if names_something else ""


def _install(
    requirements: Path, text: str, runtime: str, architecture: str, build_dir: Path
) -> Path:
    """Return a folder with the dependencies, installed once per content and platform."""
    final = build_dir / "dependencies" / _digest(FORMAT, text, runtime, architecture)
    if final.is_dir():
        return final
    # Not resolved: a virtual environment's interpreter is a link out of it, and uv is beside it.
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        raise ReconcileError(
            f"{uv} is missing, and installs the dependencies of Lambda functions. Run `make "
            "setup`, and let ansible_python_interpreter be {{ ansible_playbook_python }}."
        )
    final.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=final.parent) as scratch:
        target = Path(scratch, "target")
        target.mkdir()
        command: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", sys.executable]
        command += ["--target", target, "--link-mode", "copy"]
        command += ["--python-version", runtime.removeprefix("python")]
        command += ["--python-platform", PLATFORMS[architecture]]
        command += ["--only-binary", ":all:", "--require-hashes", "--no-deps"]
        command += ["--no-compile-bytecode", "--requirements", requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, no outside words
        if done.returncode != 0:
            raise ReconcileError(
                f"{requirements}: its packages cannot be installed for {runtime} on "
                f"{architecture}. Pin a version that has a wheel for it, with its hashes. uv says: "
                f"{done.stderr.strip()}"
            )
        try:
            target.rename(final)
        except OSError:
            if not final.is_dir():  # else a parallel run has installed the same
                raise
    return final


def _dependency_files(installed: Path) -> dict[str, Path]:
    """Return what the wheels brought, by its name in the package.

    Folders of tests and type stubs stay: some packages import or read theirs at run time.
    """
    files: dict[str, Path] = {}
    for path in installed.rglob("*"):
        name = path.relative_to(installed)
        top = name.parts[0]
        if path.is_dir() or "__pycache__" in name.parts or name.suffix == ".pyc":
            continue
        if top == "bin" or top.startswith("."):  # scripts name the interpreter; uv's lock
            continue
        if top.endswith(".dist-info") and "/".join(name.parts[1:]) not in METADATA:
            continue
        files[name.as_posix()] = path
    return files


def _write(files: dict[str, Path], folder: Path, digest: str) -> Package:
    """Write the package and remove the earlier ones of the same source and platform."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as scratch:
        part = Path(scratch, "package.zip")
        with zipfile.ZipFile(part, "w") as archive:
            for name in sorted(files):
                content = files[name].read_bytes()
                entry = zipfile.ZipInfo(name)  # dated 1980-01-01
                # Not compressed: another build of zlib deflates to other bytes.
                entry.compress_type = zipfile.ZIP_STORED
                entry.create_system = 3  # Unix, whose permissions follow
                entry.external_attr = (stat.S_IFREG | _mode(content)) << 16
                archive.writestr(entry, content)
        with part.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        final = folder / f"{digest}-{sha256}.zip"
        part.replace(final)
    for earlier in folder.glob("*.zip"):
        if earlier != final:
            earlier.unlink(missing_ok=True)
    return Package(final, sha256)


def _mode(content: bytes) -> int:
    """Return a file's permissions by its content: those on disk depend on umask and checkout."""
    return 0o755 if content.startswith((b"#!", b"\x7fELF")) else 0o644
