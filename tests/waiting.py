"""Looking until something is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 60


def wait_for[T](look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Look until there is something that is not false, and fail when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found
