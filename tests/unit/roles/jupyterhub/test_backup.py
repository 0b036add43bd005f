"""What a backup of the hub consists of."""

import io
import json
import os
import pwd
import sqlite3
import subprocess
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from host_tools.backups import Backups, Manifest
from jupyterhub_host import backup
from jupyterhub_host.backup import Account, Config, accounts, alone, back_up, copy_database


class Bucket:
    """S3 as far as it takes what is uploaded."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def upload_fileobj(self, file: Any, bucket: str, key: str, **_: Any) -> None:
        """Take all that a file has."""
        self.objects[f"{bucket}/{key}"] = b"".join(iter(lambda: file.read(65536), b""))

    def head_object(self, **object_: str) -> dict[str, int]:
        """Tell an object's size."""
        content = self.objects[f"{object_['Bucket']}/{object_['Key']}"]
        return {"ContentLength": len(content)}

    def put_object(self, **object_: Any) -> None:
        """Take an object."""
        self.objects[f"{object_['Bucket']}/{object_['Key']}"] = object_["Body"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for folder in ("state", "home/jupyter-ada", "home/jupyter-hub-probe", "releases/6.1.1-abc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "current").symlink_to(tmp_path / "releases/6.1.1-abc")
    with closing(sqlite3.connect(tmp_path / "state/jupyterhub.sqlite")) as database:
        database.execute("CREATE TABLE users (name TEXT)")
        database.execute("INSERT INTO users VALUES ('ada')")
        database.commit()
    return Config(
        region="us-east-1",
        bucket="backups",
        prefix="jupyterhub",
        release=str(tmp_path / "current"),
        state_dir=str(tmp_path / "state"),
        homes_dir=str(tmp_path / "home"),
        group="people",
        probe_user="hub-probe",
        excludes=[".cache", ".local/share/*/runtime"],
        units=[],
        health_url="",
        health_seconds=1,
    )


def account(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", "/bin/bash"))


@pytest.fixture(autouse=True)
def _people(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        account("jupyter-ada", 1001),
        account("jupyter-hub-probe", 1002),
        account("jupyter-homeless", 1003),
    ]
    monkeypatch.setattr(backup, "people", lambda group: known if group == "people" else [])


def made(config: Config) -> tuple[Manifest, tarfile.TarFile]:
    """Make a backup; its manifest and its content."""
    bucket = Bucket()
    manifest = back_up(config, Backups(bucket, config.bucket, config.prefix, "tar.gz"))
    content = bucket.objects[f"backups/jupyterhub/{manifest.name}.tar.gz"]
    assert json.loads(bucket.objects[f"backups/jupyterhub/{manifest.name}.json"])["size"] == len(
        content
    )
    return manifest, tarfile.open(fileobj=io.BytesIO(content))


def test_accounts_are_those_of_people_with_a_home(config: Config) -> None:
    assert accounts(config) == [Account("jupyter-ada", 1001)]


def test_a_backup_has_accounts_database_and_homes(config: Config, tmp_path: Path) -> None:
    home = tmp_path / "home/jupyter-ada"
    (home / "work.ipynb").write_text("{}")
    (home / "work.ipynb").chmod(0o640)
    (home / "sample_data").symlink_to("/srv/data/sample_data")
    (home / ".cache").mkdir()
    (home / ".cache/big").write_text("x")
    (home / ".local/share/jupyter/runtime").mkdir(parents=True)
    (home / ".local/share/jupyter/kept").write_text("")
    (home / "work.cache").write_text("")
    manifest, content = made(config)
    assert manifest.release == "6.1.1-abc"
    assert content.getnames()[:2] == ["accounts.json", "jupyterhub.sqlite"]
    assert set(content.getnames()[2:]) == {
        "jupyter-ada",
        "jupyter-ada/work.ipynb",
        "jupyter-ada/work.cache",
        "jupyter-ada/sample_data",
        "jupyter-ada/.local",
        "jupyter-ada/.local/share",
        "jupyter-ada/.local/share/jupyter",
        "jupyter-ada/.local/share/jupyter/kept",
    }
    assert content.getmember("jupyter-ada/work.ipynb").mode == 0o640
    assert content.getmember("jupyter-ada/sample_data").linkname == "/srv/data/sample_data"
    listed = content.extractfile("accounts.json")
    assert listed
    assert json.loads(listed.read()) == [{"name": "jupyter-ada", "uid": 1001}]


def test_times_are_kept_to_the_fraction_of_a_second(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "home/jupyter-ada/file"
    file.write_text("")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    _, content = made(config)
    assert content.getmember("jupyter-ada/file").mtime == pytest.approx(
        1_700_000_000.123456, abs=1e-5
    )


def test_paths_that_nothing_can_unpack_are_left_out(config: Config, tmp_path: Path) -> None:
    home = tmp_path / "home/jupyter-ada"
    (home / "é").mkdir()
    place = os.open(home / "é", os.O_RDONLY)
    for _ in range(120):
        os.mkdir("é" * 25, dir_fd=place)
        inner = os.open("é" * 25, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    # Whoever has a link to what is left out gets the file itself.
    os.close(os.open("file", os.O_CREAT, dir_fd=place))
    os.link("file", home / "z-link", src_dir_fd=place)
    os.close(place)
    _, content = made(config)
    lengths = [len(name.encode()) for name in content.getnames()]
    assert 3800 < max(lengths) <= 3900
    assert content.getmember("jupyter-ada/z-link").isreg()
    # What removes the folders of tests cannot.
    subprocess.run(["rm", "--recursive", home / "é"], check=True)


def test_names_that_are_no_text_and_holes_are_backed_up(config: Config, tmp_path: Path) -> None:
    home = os.fsencode(tmp_path / "home/jupyter-ada")
    Path(os.fsdecode(home + b"/\xff\n")).write_text("kept")
    with (tmp_path / "home/jupyter-ada/hole").open("wb") as file:
        file.truncate(2**34)
    _, content = made(config)
    assert os.fsdecode(b"jupyter-ada/\xff\n") in content.getnames()
    assert content.getmember("jupyter-ada/hole").size == 2**34


def test_a_home_that_changes_meanwhile_is_backed_up_all_the_same(
    config: Config, tmp_path: Path
) -> None:
    log = tmp_path / "home/jupyter-ada/log"
    log.write_bytes(b"x" * 2**20)
    done = threading.Event()

    def write() -> None:
        with log.open("ab") as file:
            while not done.is_set():
                file.write(b"x" * 4096)
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        _, content = made(config)
    finally:
        done.set()
        writer.join()
    assert content.getmember("jupyter-ada/log").size >= 2**20


@pytest.mark.usefixtures("config")
def test_a_database_is_copied_while_it_is_written_to(tmp_path: Path) -> None:
    source = tmp_path / "state/jupyterhub.sqlite"
    with closing(sqlite3.connect(source)) as busy:
        busy.execute("INSERT INTO users VALUES ('bob')")
        assert busy.in_transaction
        copy_database(source, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT name FROM users").fetchall() == [("ada",)]


def test_a_database_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        copy_database(tmp_path / "none", tmp_path / "copy")
    assert not (tmp_path / "none").exists()


def test_one_waits_for_the_other(config: Config) -> None:
    command = ["flock", "--nonblock", f"{config.state_dir}/backups.lock", "true"]
    with alone(config):
        assert subprocess.run(command, check=False).returncode == 1
    assert subprocess.run(command, check=False).returncode == 0
