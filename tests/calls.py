"""What a deployment asked of its account, as the emulator wrote it down."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READING = re.compile(
    r"(Admin)?(Get|List|Describe|Head|BatchGet|Scan|Query|Select|Lookup|Validate|Test|View|AssumeRole)"
)


@dataclass(frozen=True)
class Call:
    """A request that a policy of its principal allowed."""

    time: float
    action: str
    resource: str

    @property
    def writes(self) -> bool:
        """Whether it may have changed something."""
        # Of API Gateway the actions are verbs of HTTP. That a role may be passed on is asked beside
        # the request that passes it.
        name = self.action.partition(":")[2]
        return name not in {"GET", "PassRole"} and not READING.match(name)


@dataclass(frozen=True)
class Calls:
    """The calls of the deployer, in the file that an emulator with `--record` writes."""

    file: Path

    @property
    def position(self) -> int:
        """Return where the next call will be written."""
        return self.file.stat().st_size if self.file.exists() else 0

    def writes(self, position: int = 0) -> list[Call]:
        """Return the calls from a position on that may have changed something."""
        if self.position <= position:
            return []
        with self.file.open() as lines:
            lines.seek(position)
            # The last line may be half-written.
            written = [json.loads(line) for line in lines if line.endswith("\n")]
        calls = [
            Call(line["time"], line["action"], line["resource"])
            for line in written
            if line["decision"] == "Allow"
            and re.search(":assumed-role/[^/]+-deployer/", line["principal"])
        ]
        return [call for call in calls if call.writes]
