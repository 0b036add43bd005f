"""`demo_data` as Ansible runs it, out of an archive and in the controller's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import ModuleRunner


def test_files_are_made_once_and_removed_once(run_module: ModuleRunner, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    options: dict[str, Any] = {
        "folder": str(folder),
        "users": 5,
        "datasets": 3,
        "models": 4,
        "seed": 7,
    }
    planned = run_module("demo_data", check=True, **options)
    assert planned["changed"] is True
    assert not folder.exists()
    first = run_module.four_runs("demo_data", **options)
    assert first["diff"]["before"] == {}
    assert first["diff"]["after"][str(folder)]["users"] == 5
    assert len((folder / "models.jsonl").read_text().splitlines()) == 4
    more = run_module("demo_data", **options | {"users": 6})
    assert more["changed"] is True
    assert more["diff"]["before"][str(folder)]["users"] == 5
    failed = run_module("demo_data", folder=str(folder), models=3, fails=True)
    assert "models is 3, but datasets is 0" in failed["msg"]
    run_module.gone_twice("demo_data", folder=str(folder))
    assert list(folder.iterdir()) == []
