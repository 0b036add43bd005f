"""What homes take, as node-exporter and CloudWatch are told."""

import os
import subprocess
from pathlib import Path

import pytest
from host_tools.metrics import Metrics
from jupyterhub_host import homes
from jupyterhub_host.homes import Config, MeasureError, size, tell

KIB = 1024


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "homes/jupyter-ada"
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(os.urandom(300 * KIB))
    return folder


def test_a_home_is_what_it_takes(home: Path) -> None:
    assert 300 * KIB <= size(home, 60) < 320 * KIB


def test_links_are_not_followed_and_files_counted_once(home: Path) -> None:
    big = home.parent / "big"
    big.write_bytes(os.urandom(900 * KIB))
    (home / "link").symlink_to(big)
    (home / "folder").symlink_to(home.parent)
    os.link(home / "data", home / "again")
    assert size(home, 60) < 320 * KIB


def test_a_hole_takes_nothing(home: Path) -> None:
    with (home / "hole").open("wb") as file:
        file.truncate(1024**3)
    assert size(home, 60) < 320 * KIB


def test_nested_folders_of_any_depth_are_measured(home: Path) -> None:
    place = os.open(home, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=place)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    assert size(home, 60) > 3000
    # What removes the folders of tests cannot.
    subprocess.run(["rm", "--recursive", home / "deeper"], check=True)


def test_a_home_that_takes_too_long(home: Path) -> None:
    with pytest.raises(MeasureError, match="longer than 0 seconds"):
        size(home, 0)


def test_a_home_that_is_not_there(home: Path) -> None:
    with pytest.raises(MeasureError, match="No such file"):
        size(home / "other", 60)


def test_homes_are_told_by_user_and_the_largest(home: Path, tmp_path: Path) -> None:
    (home.parent / "jupyter-bob").mkdir()
    config = Config(str(home.parent), "people", 60)
    to = Metrics("jupyterhub", str(tmp_path), "", "us-east-1")
    names = ["jupyter-ada", "jupyter-bob", "jupyter-not-yet"]
    assert tell(config, names, to) == []
    told = (tmp_path / "jupyterhub_homes.prom").read_text().splitlines()
    assert told == [
        "# TYPE jupyterhub_home_bytes gauge",
        f'jupyterhub_home_bytes{{user="jupyter-ada"}} {size(home, 60)}',
        f'jupyterhub_home_bytes{{user="jupyter-bob"}} {size(home.parent / "jupyter-bob", 60)}',
    ]
    largest = (tmp_path / "jupyterhub_largest_home.prom").read_text().splitlines()
    assert largest[1] == f"jupyterhub_largest_home_bytes {size(home, 60)}"


def test_a_home_that_cannot_be_measured_keeps_none_from_being_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.parent / "jupyter-bob").mkdir()

    def measured(folder: Path, seconds: float) -> int:
        if folder == home:
            raise MeasureError(f"{folder} takes longer than {seconds} seconds.")
        return 7

    monkeypatch.setattr(homes, "size", measured)
    to = Metrics("jupyterhub", str(tmp_path), "", "us-east-1")
    config = Config(str(home.parent), "people", 60)
    problems = tell(config, ["jupyter-ada", "jupyter-bob"], to)
    assert problems == [f"{home} takes longer than 60 seconds."]
    assert 'user="jupyter-bob"} 7' in (tmp_path / "jupyterhub_homes.prom").read_text()


def test_an_account_is_in_its_group_first_or_beside_others() -> None:
    root = homes.people("root")
    assert "root" in [account.pw_name for account in root]
