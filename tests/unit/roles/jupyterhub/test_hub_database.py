"""The hub's database before another release starts on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from jupyterhub_host import database

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "0001", "0002"


def write(path: Path, revision: str, person: str) -> None:
    """Write a database with a schema's revision and one row."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.execute("CREATE TABLE people (name TEXT)")
        connection.execute("INSERT INTO people VALUES (?)", (person,))
        connection.commit()


def person_in(path: Path) -> str:
    """Return the row of a database."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT name FROM people").fetchone()[0])


@pytest.fixture
def settings(tmp_path: Path) -> database.Settings:
    (tmp_path / "state").mkdir()
    for release in ("first", "second"):
        (tmp_path / release).mkdir()
    (tmp_path / "current").symlink_to("first")
    return database.Settings(str(tmp_path / "state"), str(tmp_path / "current"), keep=2)


def choose(settings: database.Settings, tmp_path: Path, release: str) -> None:
    """Have the link lead to another release."""
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(release)
    assert settings.release == release


def copies(settings: database.Settings) -> list[Path]:
    """Return the copies, the oldest first."""
    return sorted(settings.copies.glob("*.sqlite")) if settings.copies.exists() else []


def test_a_new_host_has_nothing_to_copy(settings: database.Settings) -> None:
    database.prepare(settings, {OLD})
    assert copies(settings) == []
    assert settings.mark.read_text() == "first\n"


def test_the_same_release_starts_on_what_is_there(settings: database.Settings) -> None:
    database.prepare(settings, {OLD})
    write(settings.database, OLD, "ada")
    database.prepare(settings, {OLD})
    assert copies(settings) == []


def test_another_release_starts_after_a_copy(settings: database.Settings, tmp_path: Path) -> None:
    database.prepare(settings, {OLD})
    write(settings.database, OLD, "ada")
    choose(settings, tmp_path, "second")
    database.prepare(settings, {OLD, NEW})
    (copy,) = copies(settings)
    assert copy.stem.endswith("-first")
    assert person_in(copy) == "ada"
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_way_back_uses_the_copy_and_keeps_the_newer_one(
    settings: database.Settings, tmp_path: Path
) -> None:
    test_another_release_starts_after_a_copy(settings, tmp_path)
    write(settings.database, NEW, "grace")
    choose(settings, tmp_path, "first")
    database.prepare(settings, {OLD})
    assert person_in(settings.database) == "ada"
    assert settings.database.stat().st_mode & 0o777 == 0o600
    (newer,) = settings.database.parent.glob("newer-*.sqlite")
    assert person_in(newer) == "grace"


def test_a_known_schema_is_kept_on_the_way_back(
    settings: database.Settings, tmp_path: Path
) -> None:
    test_another_release_starts_after_a_copy(settings, tmp_path)
    write(settings.database, OLD, "grace")
    choose(settings, tmp_path, "first")
    database.prepare(settings, {OLD})
    assert person_in(settings.database) == "grace"


def test_without_a_usable_copy_the_way_back_is_refused(settings: database.Settings) -> None:
    write(settings.database, NEW, "ada")
    with pytest.raises(database.DatabaseError, match="Go back to the newer release"):
        database.prepare(settings, {OLD})
    assert person_in(settings.database) == "ada"


def test_an_interrupted_change_is_undone_before_the_copy(
    settings: database.Settings, tmp_path: Path
) -> None:
    database.prepare(settings, {OLD})
    write(settings.database, OLD, "ada")
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("UPDATE people SET name = 'half'")
        connection.executemany("INSERT INTO people VALUES (?)", [("x" * 4000,)] * 50)
        # As a crash leaves it: pages are written, the journal is there.
        torn, journal = (
            settings.database.read_bytes(),
            settings.database.parent / (settings.database.name + "-journal"),
        )
        record = journal.read_bytes()
        connection.rollback()
    settings.database.write_bytes(torn)
    journal.write_bytes(record)
    choose(settings, tmp_path, "second")
    database.prepare(settings, {OLD})
    (copy,) = copies(settings)
    assert person_in(copy) == "ada"


def test_old_copies_are_forgotten(
    settings: database.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings.database, OLD, "ada")
    for number in range(4):
        monkeypatch.setattr(database, "_now", lambda number=number: f"2026{number}")
        choose(settings, tmp_path, "second" if number % 2 else "first")
        database.prepare(settings, {OLD})
    assert [copy.stem for copy in copies(settings)] == ["20262-second", "20263-first"]


def test_the_installed_hub_tells_the_revisions_that_it_knows() -> None:
    assert "833da8570507" in database.known_revisions()
