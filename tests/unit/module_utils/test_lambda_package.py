"""Deployment packages of Lambda functions: what is in them, and that nothing else changes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from ansible.module_utils.artificien import lambda_package
from ansible.module_utils.artificien.lambda_package import Package, build_package
from ansible.module_utils.artificien.reconcile import ReconcileError

from tests.wheels import make_wheel, requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SOURCES = {
    "__init__.py": "",
    "handler.py": "import words\n\n\ndef handle(event, context):\n    return words.GREETING\n",
    "parts/deep.py": "DEEP = True\n",
    "data/names.csv": "ä,b\n",
    "run.sh": "#!/bin/sh\n",
}
NOT_DEPLOYED = {
    "README.md": "",
    "requirements.in": "words\n",
    "requirements-dev.txt": "pytest\n",
    ".env": "",
    ".venv/lib.py": "",
    "tests/test_handler.py": "",
    "parts/tests/test_deep.py": "",
    "__pycache__/handler.cpython-313.pyc": "",
    "stale.pyc": "",
}
WORDS = {"words/__init__.py": "GREETING = 'hello'\n", "words/_part.py": "", "words/py.typed": ""}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the folder of a function without dependencies."""
    return write(tmp_path / "lambdas" / "greet", SOURCES)


@pytest.fixture
def with_words(source: Path, tmp_path: Path) -> Path:
    """Return the folder of a function that depends on the package `words`."""
    wheels = tmp_path / "wheels"
    return write(
        source,
        {"requirements.txt": requirements(wheels, "words", make_wheel(wheels, "words", WORDS))},
    )


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a folder of code that functions share."""
    return write(tmp_path / "lambdas" / "manners", {"__init__.py": "", "bow.py": "DEPTH = 1\n"})


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Package]:
    """Return a function that builds a package in the test's own folder."""

    def build_here(
        source: Path,
        runtime: str = "python3.13",
        architecture: str = "x86_64",
        place: str = "build",
        shared: Sequence[Path] = (),
    ) -> Package:
        return build_package(source, runtime, architecture, tmp_path / place, shared)

    return build_here


@pytest.fixture
def no_installer(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after whose call every subprocess is a failure."""

    def forbid() -> None:
        def run(*_args: object, **_options: object) -> NoReturn:
            raise AssertionError("a subprocess was started")

        monkeypatch.setattr(subprocess, "run", run)

    return forbid


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(package.path) as archive:
        return archive.namelist()


def test_a_package_holds_the_sources_under_the_name_of_their_folder(
    source: Path, build: Callable[..., Package]
) -> None:
    write(source, NOT_DEPLOYED)
    assert names(build(source)) == [
        "greet/__init__.py",
        "greet/data/names.csv",
        "greet/handler.py",
        "greet/parts/deep.py",
        "greet/run.sh",
    ]


def test_shared_folders_are_beside_the_sources(
    with_words: Path, shared: Path, build: Callable[..., Package]
) -> None:
    write(shared, NOT_DEPLOYED | {"requirements.in": "", "requirements.txt": "# nothing\n"})
    package = build(with_words, shared=[with_words / ".." / "manners"])
    assert [name for name in names(package) if not name.startswith(("greet/", "words"))] == [
        "manners/__init__.py",
        "manners/bow.py",
    ]
    assert "greet/handler.py" in names(package)
    assert "words/__init__.py" in names(package)


def test_the_order_of_shared_folders_does_not_matter(
    source: Path, shared: Path, tmp_path: Path, build: Callable[..., Package]
) -> None:
    other = write(tmp_path / "lambdas" / "etiquette", {"__init__.py": ""})
    package = build(source, shared=[shared, other])
    assert build(source, shared=[other, shared]) == package


def test_entries_depend_on_nothing_but_their_content(
    source: Path, build: Callable[..., Package]
) -> None:
    with zipfile.ZipFile(build(source).path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    assert {entry.date_time for entry in entries.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries.values()} == {zipfile.ZIP_STORED}
    modes = {name: oct(entry.external_attr >> 16) for name, entry in entries.items()}
    assert modes.pop("greet/run.sh") == "0o100755"
    assert set(modes.values()) == {"0o100644"}


def test_the_same_sources_give_the_same_bytes_elsewhere(
    with_words: Path,
    tmp_path: Path,
    build: Callable[..., Package],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = build(with_words)
    umask = os.umask(0o077)
    try:
        # Other order of creation, time, permissions and working directory; unwanted files.
        text = (with_words / "requirements.txt").read_text()
        elsewhere = write(
            tmp_path / "elsewhere" / "greet",
            NOT_DEPLOYED | {"requirements.txt": text} | dict(reversed(SOURCES.items())),
        )
        for path in elsewhere.rglob("*.py"):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        (elsewhere / "handler.py").chmod(0o700)
        monkeypatch.chdir(elsewhere)
        second = build(elsewhere, place="other-build")
    finally:
        os.umask(umask)
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_the_hash_has_the_form_of_lambda() -> None:
    package = Package(Path("x.zip"), "00" * 31 + "ff")
    assert package.code_sha256 == "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8="


@pytest.mark.parametrize(
    "change",
    [{"handler.py": "other\n"}, {"new.py": ""}, {"requirements.txt": "# nothing\n\n"}],
)
def test_a_package_changes_with_its_sources_only(
    source: Path, build: Callable[..., Package], change: dict[str, str]
) -> None:
    before = build(source)
    after = build(write(source, change))
    assert (after.sha256 == before.sha256) is ("requirements.txt" in change)


def test_a_package_changes_with_its_shared_folders(
    source: Path, shared: Path, build: Callable[..., Package]
) -> None:
    alone, before = build(source), build(source, shared=[shared])
    write(shared, {"bow.py": "DEPTH = 2\n"})
    after = build(source, shared=[shared])
    assert len({alone.sha256, before.sha256, after.sha256}) == 3
    assert not before.path.exists()
    assert alone.path.exists()  # it may belong to a function of the same run


def test_a_package_changes_with_its_requirements(
    with_words: Path, build: Callable[..., Package]
) -> None:
    before = build(with_words)
    wheels = with_words.parents[1] / "wheels"
    pin = make_wheel(wheels, "words", {"words.py": "GREETING = 'good day'\n"})
    after = build(write(with_words, {"requirements.txt": requirements(wheels, "words", pin)}))
    assert after.sha256 != before.sha256
    assert "words.py" in names(after)


def test_an_earlier_package_is_removed_and_those_of_others_are_not(
    source: Path, build: Callable[..., Package], tmp_path: Path
) -> None:
    first, arm64 = build(source), build(source, architecture="arm64")
    namesake = build(write(tmp_path / "namesake" / "greet", {"handler.py": ""}))
    second = build(write(source, {"handler.py": "other\n"}))
    assert not first.path.exists()
    assert second.path.exists()
    assert arm64.path.exists()
    assert namesake.path.exists()


def test_dependencies_are_installed_once(
    with_words: Path, build: Callable[..., Package], no_installer: Callable[[], None]
) -> None:
    first = build(with_words)
    no_installer()
    assert build(with_words) == first
    first.path.unlink()
    assert build(with_words) == first  # made anew of the dependencies of the first time
    write(with_words, {"handler.py": "other\n"})
    assert "words/__init__.py" in names(build(with_words))


def test_nothing_of_the_installer_is_in_a_package(
    with_words: Path, build: Callable[..., Package]
) -> None:
    assert [name for name in names(build(with_words)) if not name.startswith("greet/")] == [
        "words-1.0.dist-info/METADATA",
        "words-1.0.dist-info/entry_points.txt",
        "words/__init__.py",
        "words/_part.py",
        "words/py.typed",
    ]


def test_a_package_works_in_an_interpreter_that_has_nothing_else(
    with_words: Path, build: Callable[..., Package], tmp_path: Path
) -> None:
    with zipfile.ZipFile(build(with_words).path) as archive:
        archive.extractall(tmp_path / "task")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'task')!r})\n"
        "import greet.handler, importlib.metadata\n"
        "print(greet.handler.handle({}, None), importlib.metadata.version('words'))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["hello", "1.0"]


def test_dependencies_are_those_of_the_platform(
    source: Path, build: Callable[..., Package], tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    machines = ["x86_64", "aarch64"]
    hashes = [
        make_wheel(wheels, "words", {"words.py": machine}, f"manylinux_2_28_{machine}")
        for machine in machines
    ]
    write(source, {"requirements.txt": requirements(wheels, "words", *hashes)})
    for architecture, machine in zip(["x86_64", "arm64"], machines, strict=True):
        with zipfile.ZipFile(build(source, architecture=architecture).path) as archive:
            assert archive.read("words.py").decode() == machine


@pytest.mark.parametrize(
    ("platform", "hashes", "words"),
    [
        ("any", ["sha256:" + "0" * 64], "Hash mismatch"),
        ("any", [], "requirements.txt: its packages cannot be installed for python3.13"),
        ("win_amd64", None, "Pin a version that has a wheel"),
    ],
)
def test_what_cannot_be_installed_is_named_and_leaves_nothing(
    source: Path,
    platform: str,
    hashes: list[str] | None,
    words: str,
) -> None:
    wheels = source.parent / "wheels"
    true_hash = make_wheel(wheels, "words", WORDS, platform)
    pins = [true_hash] if hashes is None else hashes
    write(source, {"requirements.txt": requirements(wheels, "words", *pins)})
    build_dir = source.parent / "build"
    with pytest.raises(ReconcileError, match=words):
        build_package(source, "python3.13", "x86_64", build_dir)
    assert list((build_dir / "dependencies").iterdir()) == []


def test_a_missing_installer_is_named_with_the_remedy(
    with_words: Path, build: Callable[..., Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(with_words / "python"))
    with pytest.raises(ReconcileError, match="make setup"):
        build(with_words)


def test_a_package_that_lambda_would_refuse_is_not_made(
    source: Path, build: Callable[..., Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(len(text.encode()) for text in SOURCES.values())
    monkeypatch.setattr(lambda_package, "UNZIPPED_LIMIT_BYTES", size)
    shutil.rmtree(build(source).path.parent)
    monkeypatch.setattr(lambda_package, "UNZIPPED_LIMIT_BYTES", size - 1)
    with pytest.raises(ReconcileError, match=f"has {size} bytes and Lambda allows {size - 1}"):
        build(source)


def test_a_dependency_of_the_name_of_the_folder_is_refused(
    source: Path, build: Callable[..., Package], tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    pin = make_wheel(wheels, "words", {"greet.py": ""})
    write(source, {"requirements.txt": requirements(wheels, "words", pin)})
    with pytest.raises(ReconcileError, match=r"hold greet\.py"):
        build(source)


def test_a_dependency_of_the_name_of_a_shared_folder_is_refused(
    source: Path, shared: Path, build: Callable[..., Package], tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    pin = make_wheel(wheels, "words", {"manners/__init__.py": ""})
    write(source, {"requirements.txt": requirements(wheels, "words", pin)})
    with pytest.raises(ReconcileError, match=r"hold manners/__init__\.py.*Rename the folder mann"):
        build(source, shared=[shared])


def test_shared_folders_have_names_of_their_own(
    source: Path, shared: Path, tmp_path: Path, build: Callable[..., Package]
) -> None:
    namesake = write(tmp_path / "elsewhere" / "manners", {"__init__.py": ""})
    for folders in ([shared, namesake], [shared, shared], [source]):
        with pytest.raises(ReconcileError, match=r"has the name of another folder"):
            build(source, shared=folders)


def test_a_shared_folder_brings_no_dependencies(
    source: Path, shared: Path, build: Callable[..., Package]
) -> None:
    write(shared, {"requirements.txt": "words==1.0\n"})
    with pytest.raises(ReconcileError, match=r"manners/requirements\.txt: .*Pin them in"):
        build(source, shared=[shared])


def test_a_shared_folder_must_be_a_folder_with_files(
    source: Path, tmp_path: Path, build: Callable[..., Package]
) -> None:
    with pytest.raises(ReconcileError, match="missing is no folder"):
        build(source, shared=[tmp_path / "missing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReconcileError, match="empty holds no file"):
        build(source, shared=[tmp_path / "empty"])


def test_a_symbolic_link_is_refused(source: Path, build: Callable[..., Package]) -> None:
    (source / "shared.py").symlink_to(source / "handler.py")
    with pytest.raises(ReconcileError, match=r"shared\.py is a symbolic link"):
        build(source)


def test_a_source_must_be_a_folder_with_files(
    tmp_path: Path, build: Callable[..., Package]
) -> None:
    with pytest.raises(ReconcileError, match="is no folder"):
        build(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReconcileError, match="holds no file"):
        build(tmp_path / "empty")


def test_an_unusable_build_folder_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReconcileError, match=r"build_dir .*file"):
        build_package(source, "python3.13", "x86_64", tmp_path / "file")
