"""The tables. Times are the database's own clock; blobs are never compressed.

``processes``: a hosted model with its rules; its id is the model id that workers see.
``cycles``: at most one per process is not over; its counters decide admissions and reports.
``assignments``: a worker's place in a cycle, and whether it has reported.
``diffs``: reported diffs of cycles that are not over.
``outbox``: messages to deliver, written with the change that they announce.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)


def _time(name: str, *, filled: bool = False) -> Column[Any]:
    default = func.now() if filled else None
    return Column(name, DateTime(timezone=True), nullable=not filled, server_default=default)


def _owner(table: str) -> Column[Any]:
    return Column(
        f"{'process' if table == 'processes' else table[:-1]}_id",
        Integer,
        ForeignKey(f"{table}.id", ondelete="CASCADE"),
        nullable=False,
    )


def _counter(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


processes = Table(
    "processes",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    Column("client_config", JSON, nullable=False),
    Column("server_config", JSON, nullable=False),
    Column("tensors", JSON, nullable=False),
    Column("averaging_plan", LargeBinary),
    Column("requires_speed_test", Boolean, nullable=False),
    Column("cycle_length", Double),
    Column("num_cycles", Integer),
    Column("max_diffs", Integer),
    _counter("completed_cycles"),
    _time("created_at", filled=True),
    # The subject of the token that hosted it; empty where a network permitted it.
    Column("owner", Text),
    UniqueConstraint("name", "version"),
    CheckConstraint("state IN ('running', 'paused', 'finished')", name="state"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _owner("processes"),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("process_id", "name"),
)

protocols = Table(
    "protocols",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _owner("processes"),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("process_id", "name"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _owner("processes"),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    _time("created_at", filled=True),
    UniqueConstraint("process_id", "number"),
)

cycles = Table(
    "cycles",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _owner("processes"),
    Column("sequence", Integer, nullable=False),
    Column("status", Text, nullable=False, server_default="open"),
    _time("started_at", filled=True),
    _time("ends_at"),
    _time("closed_at"),
    _counter("accepted"),
    _counter("slots"),
    _counter("reported"),
    _counter("extensions"),
    _counter("attempts"),
    _time("retry_at"),
    Column("failure", Text),
    UniqueConstraint("process_id", "sequence"),
    CheckConstraint(
        "status IN ('open', 'closing', 'failed', 'completed', 'abandoned')", name="status"
    ),
    Index(
        "cycles_current_key",
        "process_id",
        unique=True,
        postgresql_where=text("status IN ('open', 'closing', 'failed')"),
    ),
    # Room for new versions of a row on its own page: the counters change with every request.
    postgresql_with={"fillfactor": "50"},
)

workers = Table(
    "workers",
    metadata,
    Column("id", Uuid, primary_key=True),
    _owner("processes"),
    _time("created_at", filled=True),
    _time("turned_away_at"),
    Index(
        None, "process_id", "turned_away_at", postgresql_where=text("turned_away_at IS NOT NULL")
    ),
    Index(None, "created_at"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("worker_id", Uuid, ForeignKey("workers.id", ondelete="CASCADE"), nullable=False),
    _owner("cycles"),
    Column("request_key", Text, nullable=False),
    Column("holds_slot", Boolean, nullable=False, server_default=text("true")),
    _time("accepted_at", filled=True),
    _time("reported_at"),
    UniqueConstraint("worker_id", "cycle_id"),
    Index(None, "cycle_id"),
    postgresql_with={"fillfactor": "80"},
)

diffs = Table(
    "diffs",
    metadata,
    Column(
        "assignment_id",
        BigInteger,
        ForeignKey("assignments.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _owner("cycles"),
    Column("position", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("cycle_id", "position"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("payload", JSON, nullable=False),
    _time("created_at", filled=True),
    _counter("attempts"),
    _time("next_attempt_at", filled=True),
    Column("last_error", Text),
    Index(
        "outbox_pending_idx",
        "next_attempt_at",
    ),
)
