"""Audit what the locks pin: hashes and known advisories, and with --online what the world knows.

Offline, every requirement of every lock has to be one version with hashes, and none that
advisories.yml says is affected. Online, the package index also tells what was withdrawn, and
pip-audit what is known of each version. No answer is a failure: it does not say that all is well.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / "build/uv/bin/uv"
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^ ;]+)")


@dataclass(frozen=True)
class Pin:
    """A requirement of a lock."""

    name: str
    version: str
    hashed: bool


def locks() -> list[Path]:
    """Return the locks of this repository."""
    listed = subprocess.run(  # nosec B603 # no shell, no outside text
        ["git", "ls-files", "*requirements*.lock", "*requirements*.txt"],  # noqa: S607 - of PATH
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [Path(line) for line in listed.stdout.splitlines()]


def read(text: str) -> tuple[list[Pin], list[str]]:
    """Return what a lock pins, and the requirements that are none of one version."""
    pins, loose = [], []
    for line in text.replace("\\\n", " ").splitlines():
        requirement = line.split(" #")[0].strip()
        if not requirement or requirement.startswith("#"):
            continue
        if match := PINNED.match(requirement):
            name = canonicalize_name(match["name"])
            pins.append(Pin(name, match["version"], "--hash=sha256:" in requirement))
        else:
            loose.append(requirement)
    return pins, loose


def affected(pins: list[Pin], advisories: list[dict[str, str]]) -> list[str]:
    """Return which pins an advisory tells of."""
    return [
        f"{pin.name} {pin.version} is affected by {advisory['id']} ({advisory['affected']})"
        for pin in pins
        for advisory in advisories
        if pin.name == advisory["package"]
        and SpecifierSet(advisory["affected"]).contains(pin.version, prereleases=True)
    ]


def offline(lock: Path, known: dict[str, Any]) -> list[str]:
    """Return what is wrong with a lock as far as this repository tells."""
    pins, loose = read((ROOT / lock).read_text())
    unpinned = [f"{requirement} is not one version" for requirement in loose]
    unhashed = [f"{pin.name} has no hash" for pin in pins if not pin.hashed]
    told = affected(pins, known["advisories"])
    if str(lock) in known["accepted"]:
        told = [] if told else ["nothing of it is affected any more: take it out of accepted"]
    return unpinned + unhashed + told


def withdrawn(lock: Path) -> list[str]:
    """Return which versions the package index says are withdrawn."""
    done = subprocess.run(  # noqa: S603 - no shell, no outside text
        [UV, "pip", "compile", "--no-deps", "--universal", "--python-version", "3.13", lock],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [f"the package index does not tell what is withdrawn: {done.stderr.strip()}"]
    return [line for line in done.stderr.splitlines() if " is yanked" in line]


def reported(answer: str) -> list[str]:
    """Return what pip-audit found, and what it could not look up, which it takes for no fault."""
    try:
        dependencies = json.loads(answer)["dependencies"]
    except ValueError:
        return ["the advisory service does not answer"]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    found = [
        f"{each['name']} {each['version']} is affected by {vulnerability['id']}"
        for each in dependencies
        for vulnerability in each.get("vulns", [])
    ]
    unknown = f"{len(skipped)} of {len(dependencies)} could not be looked up: {', '.join(skipped)}"
    return found + ([unknown] if skipped else [])


def online(lock: Path) -> list[str]:
    """Return what the world knows of a lock."""
    command = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(  # noqa: S603 - no shell, no outside text
        [sys.executable, "-m", "pip_audit", *command, "--requirement", lock],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return withdrawn(lock) + reported(done.stdout)


def main() -> None:
    """Audit every lock, and end with 1 if one has a fault."""
    known = yaml.safe_load((ROOT / "scripts/advisories.yml").read_text())
    asked = "--online" in sys.argv[1:]
    faults = []
    for lock in locks():
        told = offline(lock, known)
        if asked and str(lock) not in known["accepted"]:
            told += online(lock)
        faults += [f"{lock}: {fault}" for fault in told]
    print(*faults, sep="\n", end="\n" if faults else "")
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
