"""What is told of a unit that has ended."""

import json
from pathlib import Path

from jupyterhub_host.report import values


def test_success_is_told() -> None:
    told = values("sample_data_sync", {"SERVICE_RESULT": "success"})
    assert told == {"SampleDataSyncSucceeded": 1.0}


def test_whatever_else_happened_is_no_success() -> None:
    for result in ("exit-code", "timeout", "oom-kill", "start-limit-hit"):
        assert values("backup", {"SERVICE_RESULT": result}) == {"BackupSucceeded": 0.0}


def test_what_the_unit_measured_is_told_with_it(tmp_path: Path) -> None:
    environment = {"SERVICE_RESULT": "success", "RUNTIME_DIRECTORY": str(tmp_path)}
    assert values("probe", environment) == {"ProbeSucceeded": 1.0}
    (tmp_path / "values.json").write_text(json.dumps({"ProbeSeconds": 4.5}))
    assert values("probe", environment) == {"ProbeSucceeded": 1.0, "ProbeSeconds": 4.5}
