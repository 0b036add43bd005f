"""What the smoke test prints, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from smoke.__main__ import main
from smoke.checks import Check, CheckError, run_checks
from smoke.components import COMPONENTS
from smoke.report import Row, as_json, failed, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

ROWS = [
    Row("storage", "holds objects", "ok"),
    Row("pygrid", "it is ready", "failed", "Connection refused: " + "look at the host, " * 6),
    Row("amplify", "the site answers", "skipped", "there is none"),
]


def test_a_table_is_read_by_people() -> None:
    lines = table(ROWS).splitlines()
    assert lines[0].split() == ["component", "check", "result", "remedy"]
    assert lines[2] == "storage    holds objects     ok"
    assert lines[3].startswith("pygrid     it is ready       failed   Connection refused: look")
    assert lines[4].startswith(" " * 38 + "host, look")
    assert lines[-1] == "1 ok, 1 failed, 1 skipped"
    assert max(map(len, lines)) <= 110


def test_rows_are_read_by_programs() -> None:
    assert json.loads(as_json(ROWS))[0] == {
        "component": "storage",
        "check": "holds objects",
        "result": "ok",
        "remedy": "",
    }


def test_nothing_checked_is_a_failure() -> None:
    assert failed(ROWS)
    assert failed([])
    assert not failed([row for row in ROWS if row.result != "failed"])


def test_what_a_check_made_is_removed_whatever_happens() -> None:
    events: list[str] = []

    def breaks(stack: ExitStack) -> None:
        stack.callback(events.append, "removed")
        raise CheckError("it is broken")

    def is_interrupted(stack: ExitStack) -> None:
        stack.callback(events.append, "removed, too")
        raise KeyboardInterrupt

    def checks() -> Iterator[Check]:
        yield Check("breaks", breaks, "mend it.")
        yield Check("works", lambda _stack: None, "")
        yield Check("is left out", breaks, "", "not here")

    rows = list(run_checks("shop", checks))
    assert [(row.result, row.remedy) for row in rows] == [
        ("failed", "it is broken: mend it."),
        ("ok", ""),
        ("skipped", "not here"),
    ]
    with pytest.raises(KeyboardInterrupt):
        list(run_checks("shop", lambda: [Check("is interrupted", is_interrupted, "")]))
    assert events == ["removed", "removed, too"]


def test_a_component_that_is_not_deployed_fails() -> None:
    def checks() -> Iterator[Check]:
        raise CheckError("shop/url is not published")
        yield

    (row,) = run_checks("shop", checks)
    assert (row.check, row.result) == ("is deployed", "failed")
    assert row.remedy == "shop/url is not published: deploy shop."


def test_the_exit_code_tells_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = tmp_path / "outputs.json"

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["smoke", str(outputs), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(str(ended.value.code))

    assert run() == 2
    assert "deploy first" in capsys.readouterr().err
    outputs.write_text('{"aws": {"region": "us-east-1", "endpoint_url": ""}}')
    assert run("--json", "--only", "pygrid") == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row["remedy"] == "pygrid/url is not published: deploy pygrid."
    assert run("--only", "amplify") == 0
    assert "0 failed, 1 skipped" in capsys.readouterr().out


def test_every_component_is_checked() -> None:
    assert all(callable(checks) for checks in COMPONENTS.values())
