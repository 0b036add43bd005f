"""The file that says which process the emulator is, and where it listens."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cloud.processes import Process


@dataclass(frozen=True)
class Record:
    """An emulator that was started."""

    pid: int
    start_time: int
    host: str
    port: int

    @property
    def process(self) -> Process:
        """The process it was started as."""
        return Process(self.pid, self.start_time)


def read(path: Path) -> Record | None:
    """Return the record; None if there is none, or none that makes sense."""
    try:
        return Record(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write(path: Path, record: Record) -> None:
    """Write the record so that a reader sees all of it or nothing."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(record)) + "\n")
    partial.replace(path)
