"""``jupyterhub-restore``: a backup in place of what people and the hub have stored.

The homes are unpacked beside those that are in use. Only when they are there as a whole the two
change places; if the hub does not work with them they change back. Homes of accounts that are not
in the backup stay as they are.
"""

import argparse
import json
import logging
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path, PurePosixPath

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from host_tools.backups import BackupError, Backups, Manifest

from .backup import ACCOUNTS, DATABASE, Account, Config, alone, backups
from .config import section
from .database import revision_of

# The number of the first account that is not the system's.
_FIRST_UID = 1000
_NAME = re.compile(r"jupyter-[a-z0-9-]{1,24}")
# What SQLite may have beside a database, and would apply to another one in its place.
_COMPANIONS = ("", "-journal", "-wal", "-shm")
# The hub's own environment has what knows.
_PRINT_KNOWN = "from jupyterhub_host.database import known_revisions; print(*known_revisions())"
# Where there is room for a whole backup.
_DOWNLOADS = "/var/tmp"  # noqa: S108 - in a folder of its own
_log = logging.getLogger(__name__)


class RestoreError(Exception):
    """A restore that was not done; everything is as it was."""


class Content:
    """What is in a backup, as far as it has been read.

    Attributes:
        accounts: The accounts.
        newest: The time of the newest change in each home, by account.
    """

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.newest: dict[str, float] = {}
        self._links: set[PurePosixPath] = set()
        self._now = time.time()

    def add_accounts(self, text: bytes) -> None:
        """Take over the list of the accounts.

        Raises:
            RestoreError: One of them is no person's.
        """
        self.accounts = [Account(**account) for account in json.loads(text)]
        for account in self.accounts:
            if not _NAME.fullmatch(account.name) or account.uid < _FIRST_UID:
                raise RestoreError(f"The backup has the account {account.name!r} of no person.")
        self.newest = {account.name: 0.0 for account in self.accounts}

    def add(self, member: tarfile.TarInfo) -> None:
        """Take over a file of a home.

        Raises:
            RestoreError: It would not stay in there.
        """
        path = PurePosixPath(member.name)
        if not path.parts or path.parts[0] not in self.newest:
            raise RestoreError(f"The backup has {member.name!r}, which is in no home.")
        target = PurePosixPath(member.linkname) if member.islnk() else path
        if (
            target.parts[:1] != path.parts[:1]
            or ".." in path.parts + target.parts
            or not self._links.isdisjoint([path, *path.parents, *target.parents])
        ):
            raise RestoreError(f"The backup has {member.name!r}, which leaves its home.")
        if member.issym() or target in self._links:
            self._links.add(path)
        elif member.ischr() or member.isblk():
            raise RestoreError(f"The backup has {member.name!r}, which is a device.")
        elif not member.islnk():
            self.newest[path.parts[0]] = max(
                self.newest[path.parts[0]], past(float(member.mtime), self._now)
            )


def past(moment: float, now: float) -> float:
    """A file's time; 0 if it is yet to come: anybody can set one, and it says nothing."""
    return moment if moment <= now else 0.0


def inspect(archive: Path) -> Content:
    """Read through a backup, and refuse what would not stay where it belongs.

    Raises:
        RestoreError: It is none that ``jupyterhub-backup`` made.
    """
    content, database = Content(), False
    try:
        with tarfile.open(archive, mode="r|gz") as members:
            while member := members.next():
                # It would remember all of them.
                members.members = []  # type: ignore[attr-defined]
                if member.name == ACCOUNTS and member.isreg():
                    file = members.extractfile(member)
                    content.add_accounts(file.read() if file else b"")
                elif member.name == DATABASE and member.isreg():
                    database = True
                else:
                    content.add(member)
    except (tarfile.TarError, EOFError, OSError, TypeError, ValueError) as error:
        raise RestoreError(f"The backup cannot be read: {error}") from error
    if not database:
        raise RestoreError("The backup has no database of the hub.")
    return content


def newest_change(home: Path, excludes: list[str]) -> float:
    """The time of the newest change in a home, but for what backups leave out.

    Raises:
        RestoreError: The home cannot be read.
    """
    pruned = [
        word for pattern in excludes for word in ("-path", f"{home}/{pattern}", "-prune", "-o")
    ]
    command = ["find", str(home), "-xdev", *pruned, "-not", "-type", "l", "-printf", r"%T@\n"]
    now, newest = time.time(), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - it is find
        for line in process.stdout or ():
            newest = max(newest, past(float(line), now))
    if process.returncode:
        raise RestoreError(f"{home} cannot be read.")
    return newest


def refuse_newer(config: Config, manifest: Manifest, content: Content, *, force: bool) -> bool:
    """Whether homes have changes that the backup has not.

    Raises:
        RestoreError: They have, and may not be replaced.
    """
    newer = [
        name
        for name, restored in content.newest.items()
        if (home := Path(config.homes_dir, name)).is_dir()
        and newest_change(home, config.excludes) > restored
    ]
    if newer and not force:
        raise RestoreError(
            f"Homes have changes that the backup {manifest.name} has not: {', '.join(newer)}. "
            f"--force replaces them all the same, and keeps a copy."
        )
    return bool(newer)


def provide(account: Account, group: str, homes: Path, undo: ExitStack) -> pwd.struct_passwd:
    """See that there is an account; if its number is taken it gets another.

    Raises:
        RestoreError: It could not be made.
    """
    try:
        return pwd.getpwnam(account.name)
    except KeyError:
        pass
    try:
        pwd.getpwuid(account.uid)
        number = []
    except KeyError:
        number = [f"--uid={account.uid}"]
    options = [f"--home-dir={homes / account.name}", "--no-create-home", "--shell=/bin/bash"]
    _run(["useradd", *options, f"--groups={group}", *number, account.name])
    undo.callback(_run, ["userdel", account.name])
    return pwd.getpwnam(account.name)


def unpack(config: Config, archive: Path, content: Content, folder: Path, undo: ExitStack) -> None:
    """Unpack a backup, and give each home to its account.

    Raises:
        RestoreError: It could not be done.
    """
    # What a home holds is its owner's; so no file of it can have privileges of another account.
    options = ["--gzip", "--no-same-owner", "--same-permissions", f"--directory={folder}"]
    _run(["tar", "--extract", f"--file={archive}", *options])
    for account in content.accounts:
        owner = provide(account, config.group, Path(config.homes_dir), undo)
        if (folder / account.name).is_dir():
            owners = f"{owner.pw_uid}:{owner.pw_gid}"
            _run(["chown", "--recursive", "--no-dereference", owners, str(folder / account.name)])


def refuse_unusable(config: Config, manifest: Manifest, database: Path) -> None:
    """See that the installed hub can use a database.

    Raises:
        RestoreError: It cannot.
    """
    with closing(sqlite3.connect(database)) as opened:
        found = opened.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise RestoreError(f"The hub's database in the backup is damaged: {found}")
    known = subprocess.run(  # noqa: S603 - it is the hub's
        [f"{config.release}/bin/python", "-P", "-c", _PRINT_KNOWN],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    if revision_of(database) not in known.stdout.split():
        raise RestoreError(
            f"The installed hub does not know the database of this backup. Install the release "
            f"that made it, {manifest.release}, or a newer one."
        )


def exchange(config: Config, content: Content, folder: Path, old: Path, undo: ExitStack) -> None:
    """Put homes and database in their places; what was there goes to ``old``.

    Raises:
        OSError: It could not be done.
    """
    for account in content.accounts:
        if (folder / account.name).is_dir():
            home = Path(config.homes_dir, account.name)
            if home.is_dir():
                _move(home, old / account.name, undo)
            _move(folder / account.name, home, undo)
    database = Path(config.state_dir, DATABASE)
    for companion in _COMPANIONS:
        present = database.with_name(DATABASE + companion)
        if present.exists():
            _move(present, old / present.name, undo)
    undo.callback(_remove, database)
    shutil.move(folder / DATABASE, database)
    database.chmod(0o600)


def restore(config: Config, source: Backups, name: str, *, force: bool) -> None:
    """Replace what people and the hub have stored by a backup.

    Raises:
        BackupError, RestoreError: It was not done.
    """
    manifest = source.find(name)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    with (
        _folder(_DOWNLOADS) as downloads,
        _folder(config.homes_dir) as unpacked,
        ExitStack() as undo,
    ):
        archive = downloads / "backup"
        with archive.open("w+b") as file:
            source.download(manifest, file)
        content = inspect(archive)
        unpack(config, archive, content, unpacked, undo)
        refuse_unusable(config, manifest, unpacked / DATABASE)
        undo.callback(_systemctl, "start", config.units)
        _systemctl("stop", config.units)
        newer = refuse_newer(config, manifest, content, force=force)
        old = Path(config.homes_dir, f".jupyterhub-replaced-{stamp}")
        old.mkdir(mode=0o700)
        undo.callback(old.rmdir)
        exchange(config, content, unpacked, old, undo)
        undo.callback(_systemctl, "stop", config.units)
        _systemctl("start", config.units)
        if not _is_healthy(config):
            raise RestoreError(
                "The hub did not start with the backup; see journalctl --unit jupyterhub. "
                "Everything is as it was."
            )
        undo.pop_all()
    if newer:
        _log.info("What was replaced is kept in %s; rm --recursive removes it.", old)
    else:
        _remove(old)
    _log.info("Restored the backup %s of release %s.", manifest.name, manifest.release)


def main() -> None:
    """Restore a backup, or list them."""
    parser = argparse.ArgumentParser(prog="jupyterhub-restore", description=main.__doc__)
    parser.add_argument("name", nargs="?", default="latest", help="of the backup (%(default)s)")
    parser.add_argument("--force", action="store_true", help="replace newer data, and keep a copy")
    parser.add_argument("--list", action="store_true", help="only list the backups")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    # A host that shuts down has its data back first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("jupyterhub-restore: It was told to stop."))
    config = Config(**section("backup"))
    source = backups(config)
    try:
        if arguments.list:
            print(*source.names(), sep="\n")
            return
        with alone(config):
            restore(config, source, arguments.name, force=arguments.force)
    except (
        BackupError,
        Boto3Error,
        BotoCoreError,
        ClientError,
        OSError,
        RestoreError,
        sqlite3.Error,
        subprocess.SubprocessError,
    ) as error:
        sys.exit(f"jupyterhub-restore: {error}")


@contextmanager
def _folder(parent: str) -> Iterator[Path]:
    # Not by Python's own: it fails on folders that are nested too deep.
    folder = Path(tempfile.mkdtemp(prefix=".jupyterhub-restore-", dir=parent))
    try:
        yield folder
    finally:
        _remove(folder)


def _move(source: Path, target: Path, undo: ExitStack) -> None:
    # Onto other disks, too: the database may lie on one of its own.
    shutil.move(source, target)
    undo.callback(shutil.move, target, source)


def _remove(path: Path) -> None:
    _run(["rm", "--recursive", "--force", "--one-file-system", "--", str(path)])


def _systemctl(verb: str, units: list[str]) -> None:
    _run(["systemctl", verb, *units])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - from here
    if done.returncode:
        raise RestoreError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")


def _is_healthy(config: Config) -> bool:
    end = time.monotonic() + config.health_seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(config.health_url, timeout=5):  # noqa: S310 - of this host
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    return False


if __name__ == "__main__":
    main()
