"""A backup in place of what there is: what is refused, and what is put back."""

import io
import json
import os
import pwd
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from host_tools.backups import Manifest
from jupyterhub_host import restore
from jupyterhub_host.backup import Account, Config
from jupyterhub_host.restore import RestoreError, inspect, newest_change

ADA = [{"name": "jupyter-ada", "uid": 1001}]
MANIFEST = Manifest("20260101T000000Z", 1, "", "6.1.1-abc")
# In place of the hub's Python, which is asked for the schemas that the hub knows.
PYTHON = "#!/bin/sh\necho known-1 known-2\n"


def member(name: str, kind: bytes = tarfile.REGTYPE, **attributes: Any) -> tarfile.TarInfo:
    """A member of an archive."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def database(path: Path, revision: str = "known-1", user: str = "ada") -> bytes:
    """A database of the hub."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.execute("INSERT INTO users VALUES (?)", (user,))
        connection.commit()
    return path.read_bytes()


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a backup of members and their contents."""

    def make(
        *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes],
        accounts: list[dict[str, Any]] | None = None,
        hub: bytes | None = None,
    ) -> Path:
        content = database(tmp_path / "new.sqlite") if hub is None else hub
        every = [
            (member("accounts.json"), json.dumps(ADA if accounts is None else accounts).encode()),
            (member("jupyterhub.sqlite"), content),
            *[one if isinstance(one, tuple) else (one, b"") for one in members],
        ]
        path = tmp_path / "backup.tar.gz"
        with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as file:
            for info, text in every:
                if info.isreg():
                    info.size = len(text)
                file.addfile(info, io.BytesIO(text))
        return path

    return make


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([member("/etc/passwd")], "in no home"),
        ([member("../etc/passwd")], "in no home"),
        ([member("jupyter-bob/file")], "in no home"),
        ([member(".")], "in no home"),
        ([member("jupyter-ada/../../etc/passwd")], "leaves its home"),
        ([member("jupyter-ada/link", tarfile.LNKTYPE, linkname="/etc/shadow")], "leaves its home"),
        ([member("jupyter-ada/link", tarfile.LNKTYPE, linkname="")], "leaves its home"),
        (
            [member("jupyter-ada/link", tarfile.LNKTYPE, linkname="jupyter-ada/../../etc/shadow")],
            "leaves its home",
        ),
        (
            [
                member("jupyter-ada/way", tarfile.SYMTYPE, linkname="/etc"),
                member("jupyter-ada/way/passwd"),
            ],
            "leaves its home",
        ),
        (
            [
                member("jupyter-ada/way", tarfile.SYMTYPE, linkname="/etc"),
                member("jupyter-ada/link", tarfile.LNKTYPE, linkname="jupyter-ada/way/shadow"),
            ],
            "leaves its home",
        ),
        (
            [
                member("jupyter-ada/way", tarfile.SYMTYPE, linkname="/etc/passwd"),
                member("jupyter-ada/same", tarfile.LNKTYPE, linkname="jupyter-ada/way"),
                member("jupyter-ada/same"),
            ],
            "leaves its home",
        ),
        ([member("jupyter-ada", tarfile.SYMTYPE, linkname="/"), member("jupyter-ada/x")], "leaves"),
        ([member("jupyter-ada/sda", tarfile.BLKTYPE, devmajor=8)], "is a device"),
        ([member("jupyter-ada/mem", tarfile.CHRTYPE, devmajor=1, devminor=1)], "is a device"),
    ],
)
def test_what_would_not_stay_in_its_home_is_refused(
    archive: Callable[..., Path], members: list[tarfile.TarInfo], reason: str
) -> None:
    with pytest.raises(RestoreError, match=reason):
        inspect(archive(*members))


def test_what_people_may_have_in_their_homes_is_not_refused(archive: Callable[..., Path]) -> None:
    content = inspect(
        archive(
            member("jupyter-ada", tarfile.DIRTYPE, mtime=1000),
            member("jupyter-ada/..file", mtime=2000.25),
            member("jupyter-ada/pipe", tarfile.FIFOTYPE, mtime=1500),
            member("jupyter-ada/data", tarfile.SYMTYPE, linkname="/srv/data", mtime=9000),
            member("jupyter-ada/same", tarfile.LNKTYPE, linkname="jupyter-ada/data"),
            member("jupyter-ada/tomorrow", mtime=time.time() + 86400),
            member("jupyter-ada/new\nline"),
        )
    )
    assert content.accounts == [Account("jupyter-ada", 1001)]
    assert content.newest == {"jupyter-ada": 2000.25}


@pytest.mark.parametrize(
    "account",
    [
        {"name": "root", "uid": 1001},
        {"name": "jupyter-ada", "uid": 0},
        {"name": "jupyter-../etc", "uid": 1001},
        {"name": "jupyter-ada\n", "uid": 1001},
    ],
)
def test_accounts_of_the_system_are_refused(
    archive: Callable[..., Path], account: dict[str, Any]
) -> None:
    with pytest.raises(RestoreError, match="of no person"):
        inspect(archive(accounts=[account]))


def test_what_is_no_backup_is_refused(archive: Callable[..., Path], tmp_path: Path) -> None:
    whole = archive(member("jupyter-ada", tarfile.DIRTYPE)).read_bytes()
    broken = tmp_path / "broken"
    for content in (b"", b"text", whole[:60]):
        broken.write_bytes(content)
        with pytest.raises(RestoreError):
            inspect(broken)
    with tarfile.open(broken, "w:gz") as file:
        file.addfile(member("accounts.json", size=2), io.BytesIO(b"[]"))
    with pytest.raises(RestoreError, match="no database"):
        inspect(broken)


def test_the_newest_change_of_a_home(tmp_path: Path) -> None:
    for name, moment in ((".cache/new", 5000), ("a/b", 3000), ("c", 2000)):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (moment, moment))
    tomorrow = time.time() + 86400
    (tmp_path / "tomorrow").touch()
    (tmp_path / "link").symlink_to("/")
    os.utime(tmp_path / "tomorrow", (tomorrow, tomorrow))
    for folder in (tmp_path / ".cache", tmp_path / "a", tmp_path):
        os.utime(folder, (1000, 1000))
    assert newest_change(tmp_path, []) == 5000
    assert newest_change(tmp_path, [".cache"]) == 3000


class Host:
    """A host with a hub, and a bucket with one backup of it.

    Commands that need root or systemd are only remembered; those that move files are run.
    """

    def __init__(self, folder: Path, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.homes, self.state = folder / "home", folder / "state"
        self.ran: list[str] = []
        self.healthy = True
        self._backup = backup
        python = folder / "current/bin/python"
        for place in (self.homes / "jupyter-ada", self.state, python.parent):
            place.mkdir(parents=True)
        python.write_text(PYTHON)
        python.chmod(0o755)
        (self.homes / "jupyter-ada/old").write_text("old")
        self.age(1000)
        database(self.state / "jupyterhub.sqlite", user="old")
        self.config = Config(
            region="us-east-1",
            bucket="backups",
            prefix="jupyterhub",
            release=str(folder / "current"),
            state_dir=str(self.state),
            homes_dir=str(self.homes),
            group="people",
            probe_user="hub-probe",
            excludes=[".cache"],
            units=["jupyterhub.service", "jupyterhub-users.slice"],
            health_url="",
            health_seconds=1,
        )
        really = restore._run

        def run(command: list[str]) -> None:
            if command[0] in {"tar", "rm"}:
                really(command)
            else:
                self.ran.append(" ".join(command[:2]))

        monkeypatch.setattr(restore, "_run", run)
        monkeypatch.setattr(restore, "_is_healthy", lambda _: self.healthy)
        monkeypatch.setattr(restore, "_DOWNLOADS", str(folder))
        monkeypatch.setattr(restore, "provide", lambda *_: pwd.getpwuid(os.getuid()))

    def age(self, moment: float) -> None:
        """Set all times of the home that is there."""
        for path in (self.homes / "jupyter-ada").rglob("*"):
            os.utime(path, (moment, moment))
        os.utime(self.homes / "jupyter-ada", (moment, moment))

    def find(self, name: str) -> Manifest:
        """As the bucket does."""
        assert name == "latest"
        return MANIFEST

    def download(self, manifest: Manifest, file: BinaryIO) -> None:
        """As the bucket does."""
        assert manifest == MANIFEST
        file.write(self._backup.read_bytes())

    def restore(self, *, force: bool = False) -> None:
        """Restore the backup."""
        restore.restore(self.config, self, "latest", force=force)  # type: ignore[arg-type]

    @property
    def home(self) -> dict[str, str]:
        """The files of the home that is there."""
        folder = self.homes / "jupyter-ada"
        return {path.name: path.read_text() for path in folder.iterdir()}

    @property
    def user(self) -> str:
        """The user that the database has."""
        with closing(sqlite3.connect(self.state / "jupyterhub.sqlite")) as connection:
            name: str = connection.execute("SELECT name FROM users").fetchone()[0]
            return name

    @property
    def others(self) -> list[str]:
        """What else lies beside the home."""
        return sorted(path.name for path in self.homes.iterdir() if path.name != "jupyter-ada")

    def is_as_it_was(self) -> bool:
        """Whether nothing has changed, and the hub runs."""
        self.ran = [command for command in self.ran if command.startswith("systemctl")]
        started = not self.ran or self.ran[-1] == "systemctl start"
        return self.home == {"old": "old"} and self.user == "old" and not self.others and started


@pytest.fixture
def host(
    tmp_path: Path, archive: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Host]:
    """Return a function that makes a host with a backup of other data."""

    def make(**changes: Any) -> Host:
        backup = archive(
            member("jupyter-ada", tarfile.DIRTYPE, mtime=2000, mode=0o700),
            (member("jupyter-ada/new", mtime=2000), b"new"),
            **changes,
        )
        return Host(tmp_path / "host", backup, monkeypatch)

    return make


def test_a_backup_takes_the_place_of_older_data(host: Callable[..., Host]) -> None:
    there = host()
    (there.homes / "jupyter-bob").mkdir()
    (there.state / "jupyterhub.sqlite-journal").write_text("of the old one")
    there.restore()
    assert there.home == {"new": "new"}
    assert there.user == "ada"
    assert there.others == ["jupyter-bob"]
    assert [path.name for path in there.state.iterdir()] == ["jupyterhub.sqlite"]
    assert (there.state / "jupyterhub.sqlite").stat().st_mode & 0o777 == 0o600
    assert there.ran == ["chown --recursive", "systemctl stop", "systemctl start"]


def test_a_backup_comes_to_a_host_without_data(host: Callable[..., Host]) -> None:
    there = host()
    subprocess.run(["rm", "-r", there.homes / "jupyter-ada"], check=True)
    there.restore()
    assert there.home == {"new": "new"}


def test_newer_data_are_not_replaced(host: Callable[..., Host]) -> None:
    there = host()
    there.age(3000)
    with pytest.raises(RestoreError, match=r"changes that the backup .* has not: jupyter-ada"):
        there.restore()
    assert there.is_as_it_was()


def test_newer_data_that_are_replaced_are_kept(host: Callable[..., Host]) -> None:
    there = host()
    there.age(3000)
    there.restore(force=True)
    assert there.home == {"new": "new"}
    (kept,) = there.others
    assert kept.startswith(".jupyterhub-replaced-")
    assert (there.homes / kept / "jupyter-ada/old").read_text() == "old"
    assert (there.homes / kept / "jupyterhub.sqlite").exists()
    assert (there.homes / kept).stat().st_mode & 0o777 == 0o700


def test_a_hub_that_does_not_start_gets_its_data_back(host: Callable[..., Host]) -> None:
    there = host()
    there.healthy = False
    with pytest.raises(RestoreError, match="did not start"):
        there.restore()
    assert there.is_as_it_was()
    assert there.ran == [
        "systemctl stop",
        "systemctl start",
        "systemctl stop",
        "systemctl start",
    ]


@pytest.mark.parametrize("step", ["_move", "_systemctl", "refuse_newer", "unpack"])
def test_whatever_fails_everything_is_as_it_was(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    there = host()
    really, calls = getattr(restore, step), []

    def fail_once(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        # The second move is that of the new home to its place; systemd's first call stops the hub.
        if len(calls) == (2 if step == "_move" else 1):
            raise RestoreError("broken")
        return really(*arguments, **options)

    monkeypatch.setattr(restore, step, fail_once)
    with pytest.raises(RestoreError, match="broken"):
        there.restore()
    assert there.is_as_it_was()


@pytest.mark.parametrize(
    ("hub", "reason"),
    [
        (lambda path: database(path, revision="of the future"), "does not know the database"),
        (lambda path: database(path)[:5000], "damaged|malformed"),
    ],
)
def test_a_database_that_the_hub_cannot_use_is_refused(
    host: Callable[..., Host], tmp_path: Path, hub: Callable[[Path], bytes], reason: str
) -> None:
    there = host(hub=hub(tmp_path / "other.sqlite"))
    with pytest.raises((RestoreError, sqlite3.DatabaseError), match=reason):
        there.restore()
    assert there.is_as_it_was()


def test_an_account_gets_its_number_unless_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = {"jupyter-bob": 1002}
    ran: list[list[str]] = []

    def run(command: list[str]) -> None:
        ran.append(command)
        if command[0] == "useradd":
            known[command[-1]] = 1009

    def by_name(name: str) -> pwd.struct_passwd:
        return pwd.struct_passwd((name, "x", known[name], known[name], "", "", ""))

    def by_number(number: int) -> None:
        if number not in known.values():
            raise KeyError(number)

    monkeypatch.setattr(restore, "_run", run)
    monkeypatch.setattr(pwd, "getpwnam", by_name)
    monkeypatch.setattr(pwd, "getpwuid", by_number)
    with ExitStack() as undo:
        restore.provide(Account("jupyter-bob", 5000), "people", tmp_path, undo)
        assert ran == []
        restore.provide(Account("jupyter-ada", 1001), "people", tmp_path, undo)
        assert "--uid=1001" in ran[-1]
        restore.provide(Account("jupyter-eve", 1002), "people", tmp_path, undo)
        assert not [word for word in ran[-1] if word.startswith("--uid")]
    assert ran[-2:] == [["userdel", "jupyter-eve"], ["userdel", "jupyter-ada"]]
