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
    (tmp_path / "lost_hosts.json").write_text('["one", "two"]')
    monkeypatch.setattr(sys, "argv", ["summary.py", str(tmp_path / "outputs.json")])
    summary.main()
    said = capsys.readouterr().out
    assert "ended and rebuilt: one, two." in said
    assert "make restore ENV=local" in said
    summary.main()
    assert "ended and rebuilt" not in capsys.readouterr().out
