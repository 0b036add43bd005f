"""Times by the database's clock, the only one that all processes share."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func


def end_after(seconds: float | None) -> ColumnElement[datetime] | None:
    """When a cycle of this length that begins now ends; ``None`` for never.

    The clock, not the transaction's start: averaging may have taken a while.
    """
    return None if seconds is None else func.clock_timestamp() + timedelta(seconds=seconds)
