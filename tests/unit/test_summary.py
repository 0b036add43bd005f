"""What `make up` says in the end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from scripts import summary

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OUTPUTS = {"cognito": {"hosted_ui_url": "http://here", "clients": {"native": "one"}}}


def test_rebuilt_hosts_are_named_once_with_the_command_for_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    lost = ["artificien-local-pygrid", "artificien-local-jupyterhub"]
    (tmp_path / "lost_hosts.json").write_text(json.dumps(lost))
    monkeypatch.setattr(sys, "argv", ["summary.py", str(tmp_path / "outputs.json")])
    summary.main()
    said = capsys.readouterr().out
    assert f"ended and rebuilt: {', '.join(lost)}." in said
    assert "\n  make restore ENV=local\n  make restore-hub ENV=local\n" in said
    summary.main()
    assert "ended and rebuilt" not in capsys.readouterr().out


def test_only_hosts_that_were_rebuilt_are_to_be_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    (tmp_path / "lost_hosts.json").write_text('["artificien-local-jupyterhub"]')
    monkeypatch.setattr(sys, "argv", ["summary.py", str(tmp_path / "outputs.json")])
    summary.main()
    said = capsys.readouterr().out
    assert "make restore-hub ENV=local" in said
    assert "make restore ENV=local" not in said


def test_the_hub_is_named_with_the_way_to_let_people_in() -> None:
    assert summary.notebooks(OUTPUTS) == ""
    said = summary.notebooks(OUTPUTS | {"jupyterhub": {"url": "https://hub"}})
    assert "\n  https://hub\n" in said
    assert "make add-to-group ENV=local NAME=<user name> GROUP=data-scientists" in said
