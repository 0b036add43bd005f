"""The files of the demo data, and the stamp beside them that tells what they were made of."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien import demo_data

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.artificien.reconcile import Model

KINDS = ("users", "datasets", "models")
STAMP = "demo_data.json"


def desired_data(params: dict[str, Any]) -> Model | None:
    """Turn the module's options into a model; `None` means that the files shall not be."""
    if params["state"] == "absent":
        return None
    numbers = {kind: params[kind] for kind in KINDS}
    demo_data.check_numbers(**numbers, seed=params["seed"])
    return {
        **numbers,
        "seed": params["seed"],
        "generator": demo_data.GENERATOR_VERSION,
        "intact": True,
    }


def read_data(folder: Path) -> Model | None:
    """Read what the files in `folder` were made of, and whether they are still as made."""
    stamp = _read_stamp(folder / STAMP)
    digests = {kind: _file_digest(_path(folder, kind)) for kind in KINDS}
    if stamp is None and not any(digests.values()):
        return None
    made = stamp or {}
    return {**made.get("made_of", {}), "intact": digests == made.get("digests")}


def _path(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.jsonl"


def paths(folder: Path) -> dict[str, str]:
    """Return the path of each file by what it holds."""
    return {kind: str(_path(folder, kind)) for kind in KINDS}


def _read_stamp(path: Path) -> dict[str, Any] | None:
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None  # an unreadable stamp vouches for nothing
    return stamp if isinstance(stamp, dict) else None


def _file_digest(path: Path) -> str | None:
    if not path.exists():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_data(folder: Path, made_of: Model) -> None:
    """Make the files, and last the stamp that vouches for them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = demo_data.make_data(
        made_of["users"], made_of["datasets"], made_of["models"], made_of["seed"]
    )
    digests = {}
    for kind, items in made.items():
        content = "".join(json.dumps(item, sort_keys=True) + "\n" for item in items).encode()
        _path(folder, kind).write_bytes(content)
        digests[kind] = hashlib.sha256(content).hexdigest()
    stamp = {
        "made_of": {name: value for name, value in made_of.items() if name != "intact"},
        "digests": digests,
    }
    (folder / STAMP).write_text(json.dumps(stamp, indent=2, sort_keys=True) + "\n", "utf-8")


def delete_data(folder: Path) -> None:
    """Remove the files and their stamp, and nothing else."""
    for path in (folder / STAMP, *(_path(folder, kind) for kind in KINDS)):
        path.unlink(missing_ok=True)
