"""The command line of the local cloud, and the role that calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cloud import __main__ as command_line
from local_cloud import emulator, settings
from local_cloud.errors import LocalCloudError


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["local_cloud", *map(str, arguments)])
    return command_line.main()


def test_json_is_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "status", "--json", "--state-dir", tmp_path / "none") == 0
    assert json.loads(capsys.readouterr().out) == {
        "state": "absent",
        "changed": False,
        "message": "not there",
        "notes": [],
        "image": "",
    }


def test_people_get_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "down", "--state-dir", tmp_path / "none") == 0
    assert capsys.readouterr().out == "Local cloud: nothing to remove.\n"


def test_an_error_is_one_sentence_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "up", "--host", "8.8.8.8") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: The emulator must not listen on 8.8.8.8")
    assert captured.out == ""


def test_another_version_of_the_emulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "1.5.34")
    with pytest.raises(LocalCloudError, match=r"must be ministack 1\.5\.33, .* holds 1\.5\.34"):
        emulator.check_version()


def test_the_emulator_is_refused_an_address_of_every_interface(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _name: emulator.VERSION)
    monkeypatch.delenv("BIND_HOST", raising=False)
    with pytest.raises(SystemExit, match=r"must not listen on 0\.0\.0\.0"):
        emulator.main()


def test_the_lock_holds_the_version_that_the_launcher_asks_for(root: Path) -> None:
    lock = (root / "local_cloud/requirements.lock").read_text()
    assert f"\nministack=={emulator.VERSION} " in lock


def test_the_role_and_the_command_line_have_the_same_defaults(root: Path) -> None:
    defaults: dict[str, Any] = yaml.safe_load(
        (root / "roles/local_cloud/defaults/main.yml").read_text()
    )
    repository = "{{ local_cloud_repository }}/"
    assert defaults["local_cloud_host"] == settings.DEFAULT_HOST
    assert defaults["local_cloud_port"] == settings.DEFAULT_PORT
    for variable, directory in (
        ("local_cloud_state_dir", settings.DEFAULT_STATE_DIR),
        ("local_cloud_emulator_venv", settings.DEFAULT_EMULATOR_VENV),
    ):
        assert root / defaults[variable].removeprefix(repository) == directory
