"""What scripts/setup chooses and makes.

Interpreters, uv and apt are scripts that answer as the real ones would.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = (
    *("awk", "bash", "cat", "cut", "dirname", "env", "flock", "ln", "mkdir", "rm", "sha256sum"),
    *("sleep", "sort"),
)

UV_REQUIREMENT = "uv==1.2.3 \\\n    --hash=sha256:0123"

# Notes what it is asked for; an environment is a link to its interpreter.
UV = """
case "$1 $2" in
    "venv "*)
        for environment; do :; done
        echo "venv $environment" >>"$LOG"
        rm -rf "$environment"
        mkdir -p "$environment/bin"
        ln -s "$6" "$environment/bin/python"
        ;;
    "pip sync")
        sleep "${SLEEP:-0}"
        [ -z "$FAIL" ] || { echo "uv: no network" >&2; exit 2; }
        ;;
esac
"""


class Machine:
    """A PATH, a home and a pyenv of its own."""

    def __init__(self, root: Path, directory: Path) -> None:
        self.script = root / "scripts/setup"
        self.path = directory / "bin"
        self.pyenv = directory / "pyenv"
        self.home = directory / "home"
        self.path.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.path / tool).symlink_to(found)

    def add(self, file: Path, program: str) -> Path:
        """Add an executable."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{program}\n")
        file.chmod(0o755)
        return file

    def add_python(self, file: Path, version: str) -> Path:
        """Add an interpreter that reports this version, and itself as its path."""
        return self.add(file, f'echo "{version} $0"')

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the script with these arguments and nothing of this process's environment."""
        return subprocess.run(
            [self.script, *arguments],
            env={"PATH": str(self.path), "HOME": str(self.home)} | variables,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def find(self, **variables: str) -> str:
        """Return the interpreter that is chosen."""
        result = self.run("--find-python", **variables)
        assert result.returncode == 0, result.stderr
        return result.stdout.removesuffix("\n")


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    """Return a machine with no Python at all."""
    return Machine(root, tmp_path)


def test_the_interpreter_on_the_path_is_chosen(machine: Machine) -> None:
    found = machine.add_python(machine.path / "python3.13", "3.13")
    assert machine.find() == str(found)


def test_python3_is_chosen_if_it_is_the_right_version(machine: Machine) -> None:
    found = machine.add_python(machine.path / "python3", "3.13")
    assert machine.find() == str(found)


def test_a_shim_that_fails_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    machine.add(shims / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    found = machine.add_python(machine.path / "python3.13", "3.13")
    assert machine.find(PATH=f"{shims}:{machine.path}") == str(found)


def test_one_that_only_bears_the_name_is_passed_over(machine: Machine) -> None:
    machine.add_python(machine.path / "python3.13", "3.12")
    found = machine.add_python(machine.path / "python3", "3.13")
    assert machine.find() == str(found)


def test_the_newest_of_pyenv_is_chosen_if_the_path_has_none(machine: Machine) -> None:
    machine.add_python(machine.path / "python3", "3.11")
    for version in ("3.13.2", "3.13.10", "3.13.9", "3.14.1"):
        machine.add_python(machine.pyenv / f"versions/{version}/bin/python", version[:4])
    expected = str(machine.pyenv / "versions/3.13.10/bin/python")
    assert machine.find(PYENV_ROOT=str(machine.pyenv)) == expected


def test_pyenv_is_looked_for_in_the_home_directory(machine: Machine) -> None:
    found = machine.add_python(machine.home / ".pyenv/versions/3.13.1/bin/python", "3.13")
    assert machine.find() == str(found)


def test_a_broken_version_of_pyenv_is_passed_over(machine: Machine) -> None:
    found = machine.add_python(machine.pyenv / "versions/3.13.1/bin/python", "3.13")
    machine.add(machine.pyenv / "versions/3.13.2/bin/python", "exit 1")
    assert machine.find(PYENV_ROOT=str(machine.pyenv)) == str(found)


def test_the_variable_goes_before_everything_else(machine: Machine, tmp_path: Path) -> None:
    machine.add_python(machine.path / "python3.13", "3.13")
    chosen = machine.add_python(tmp_path / "a directory/python", "3.13")
    assert machine.find(PYTHON=str(chosen)) == str(chosen)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("echo 3.12 /x", "is Python 3.12"),
        ("echo 'pyenv: not selected' >&2; exit 127", "does not work: pyenv: not selected"),
        (
            "echo 'Traceback (most recent call last):' >&2; echo 'no module ssl' >&2; exit 1",
            "does not work: no module ssl",
        ),
    ],
)
def test_an_unusable_variable_is_an_error_with_its_reason_and_a_remedy(
    machine: Machine, tmp_path: Path, program: str, reason: str
) -> None:
    machine.add_python(machine.path / "python3.13", "3.13")
    chosen = machine.add(tmp_path / "chosen", program)
    result = machine.run("--find-python", PYTHON=str(chosen))
    assert result.returncode == 1
    assert f"PYTHON={chosen} is not usable: {chosen} {reason}" in result.stderr
    assert "leave PYTHON unset" in result.stderr


def test_a_variable_that_names_nothing_is_an_error(machine: Machine) -> None:
    result = machine.run("--find-python", PYTHON="/nowhere/python")
    assert result.returncode == 1
    assert "/nowhere/python cannot be found" in result.stderr


def test_no_interpreter_is_said_plainly(machine: Machine) -> None:
    machine.add_python(machine.path / "python3", "3.11")
    result = machine.run("--find-python")
    assert result.returncode == 1
    assert "no Python 3.13 on PATH or under pyenv" in result.stderr


def test_an_unknown_argument_is_refused(machine: Machine) -> None:
    result = machine.run("--frobnicate")
    assert result.returncode == 1
    assert "unknown argument --frobnicate" in result.stderr


@pytest.fixture
def bare_machine(machine: Machine, root: Path, tmp_path: Path) -> Machine:
    """Return a machine whose Python 3 lacks venv, with a copy of the repository."""
    machine.add(machine.path / "python3", "exit 1")
    machine.script = tmp_path / "repository/scripts/setup"
    machine.script.parent.mkdir(parents=True)
    shutil.copy(root / "scripts/setup", machine.script)
    shutil.copy(root / "requirements.lock", tmp_path / "repository")
    return machine


def test_without_venv_and_apt_the_remedy_is_named(bare_machine: Machine) -> None:
    result = bare_machine.run()
    assert result.returncode == 1
    assert "no python3 (3.9 or newer) with venv and pip: install one" in result.stderr


def test_venv_is_installed_where_it_is_missing(bare_machine: Machine, tmp_path: Path) -> None:
    log = tmp_path / "apt.log"
    for tool in ("apt-get", "sudo"):
        bare_machine.add(bare_machine.path / tool, f'echo "{tool} $*" >>{log}')
    result = bare_machine.run()
    assert result.returncode == 1
    update, install = log.read_text().splitlines()
    assert update.endswith("apt-get update -qq")
    assert install.endswith("install -qq -y --no-install-recommends python3 python3-venv")
    assert "no python3 on PATH can make a virtual environment" in result.stderr


class Copy:
    """A copy of the repository on a machine with a Python 3.13 and a stand-in for uv."""

    def __init__(self, machine: Machine, root: Path, directory: Path) -> None:
        self.machine = machine
        self.root = directory / "repository"
        self.log = directory / "uv.log"
        self.python = machine.add_python(machine.path / "python3.13", "3.13")
        machine.script = self.root / "scripts/setup"
        machine.script.parent.mkdir(parents=True)
        shutil.copy(root / "scripts/setup", machine.script)
        self.lock = self.root / "requirements.lock"
        self.lock.write_text(f"something==1.0\n{UV_REQUIREMENT}\n    # via us\n")
        (self.root / "local_cloud").mkdir()
        (self.root / "local_cloud/requirements.lock").write_text("something==2.0\n")
        (self.root / "pygrid").mkdir()
        (self.root / "pygrid/requirements.lock").write_text("something==3.0\n")
        machine.add(self.root / "build/uv/bin/uv", UV)
        (self.root / "build/uv/stamp").write_text(f"{UV_REQUIREMENT}\n")

    def setup(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the script."""
        return self.machine.run(LOG=str(self.log), **variables)

    def made(self, **variables: str) -> list[str]:
        """Run the script, which must work, and return the environments that it made."""
        self.log.write_text("")
        result = self.setup(**variables)
        assert result.returncode == 0, result.stderr
        return [Path(line).name for line in self.log.read_text().splitlines()]


ALL = ["venv", "emulator-venv", "pygrid-venv"]


@pytest.fixture
def copy(machine: Machine, root: Path, tmp_path: Path) -> Copy:
    """Return a copy of the repository in which nothing was made yet."""
    return Copy(machine, root, tmp_path)


def test_all_environments_are_made_once(copy: Copy) -> None:
    assert copy.made() == ALL
    assert copy.made() == []


def test_only_the_environment_whose_lock_changed_is_remade(copy: Copy) -> None:
    copy.made()
    (copy.root / "local_cloud/requirements.lock").write_text("something==2.1\n")
    assert copy.made() == ["emulator-venv"]


def test_an_environment_that_could_not_be_finished_is_remade(copy: Copy) -> None:
    result = copy.setup(FAIL="yes")
    assert result.returncode == 1
    assert "uv: no network" in result.stderr
    assert "installing the packages of requirements.lock failed" in result.stderr
    assert copy.made() == ALL


def test_environments_whose_interpreter_vanished_are_remade(copy: Copy) -> None:
    copy.made()
    copy.python.unlink()
    copy.machine.add_python(copy.machine.home / ".pyenv/versions/3.13.1/bin/python", "3.13")
    assert copy.made() == ALL
    assert copy.made() == []


def test_an_interpreter_that_still_works_is_kept_unless_another_is_asked_for(
    copy: Copy, tmp_path: Path
) -> None:
    copy.made()
    other = copy.machine.add_python(tmp_path / "other/python3.13", "3.13")
    assert copy.made(PATH=f"{other.parent}:{copy.machine.path}") == []
    assert copy.made(PYTHON=str(other)) == ALL
    assert copy.made(PYTHON=str(other)) == []


def test_environments_of_a_moved_repository_are_remade(copy: Copy, tmp_path: Path) -> None:
    copy.made()
    copy.machine.script = copy.root.rename(tmp_path / "elsewhere") / "scripts/setup"
    assert copy.made() == ALL


def test_two_runs_at_the_same_time_make_each_environment_once(copy: Copy) -> None:
    environment = {
        "PATH": str(copy.machine.path),
        "HOME": str(copy.machine.home),
        "LOG": str(copy.log),
        "SLEEP": "0.1",
    }
    runs = [
        subprocess.Popen([copy.machine.script], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(copy.log.read_text().splitlines()) == len(ALL)
    assert sum(b"waiting for another setup" in output for output in outputs) == 1
