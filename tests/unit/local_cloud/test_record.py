"""The record of the emulator's process."""

from pathlib import Path

import pytest

from local_cloud import record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = record.Record(pid=12, start_time=345, host="127.0.0.1", port=4566)
    record.write(tmp_path / "emulator.json", written)
    assert record.read(tmp_path / "emulator.json") == written
    assert [path.name for path in tmp_path.iterdir()] == ["emulator.json"]


def test_no_file_is_no_record(tmp_path: Path) -> None:
    assert record.read(tmp_path / "emulator.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "12", '{"pid": 12}', '{"pid": 12, "surprise": 1}'])
def test_a_file_that_makes_no_sense_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "emulator.json").write_text(text)
    assert record.read(tmp_path / "emulator.json") is None
