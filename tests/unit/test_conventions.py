"""The house rules that a reader relies on: what is named alike is alike."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/tasks/main.yml"))
MODULES = sorted(path.stem for path in ROOT.glob("library/*.py"))
UTILITIES = sorted(ROOT.glob("module_utils/artificien/*.py"))
SHARED = ROOT / "lambdas/lambda_common"
LAMBDAS = sorted({path.parent for path in ROOT.glob("lambdas/*/*.py")} - {SHARED})
ENVIRONMENTS = sorted(path.parent for path in ROOT.glob("inventories/*/hosts.yml"))
# Plays of every run, tagged so that --tags cannot leave them out.
ALWAYS = {"preflight": ["always"], "outputs": ["always", "outputs"]}


def load(path: Path) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(path.read_text())


def imported(playbook: str) -> list[str]:
    """Return the components that a playbook at the root imports, in order."""
    return [Path(play["import_playbook"]).stem for play in load(ROOT / playbook)]


def test_something_is_checked() -> None:
    assert ROLES
    assert MODULES
    assert LAMBDAS
    assert len(ENVIRONMENTS) >= 2


@pytest.mark.parametrize("component", imported("site.yml"))
def test_a_component_has_one_name(component: str) -> None:
    plays = load(ROOT / f"playbooks/{component}.yml")
    for play in plays:
        assert play["tags"] == ALWAYS.get(component, [component])
        # What a host asks of AWS, it asks under its own role.
        local = play["hosts"] == "localhost"
        assert play.get("environment") == ("{{ aws_environment }}" if local else None)
        assert "tasks" not in play
    roles = [role for play in plays for role in play["roles"]]
    assert component in [role["role"] if isinstance(role, dict) else role for role in roles]
    assert f"`{component}`" in (ROOT / "docs/architecture.md").read_text()


def test_tags_are_the_components() -> None:
    components = [name for name in imported("site.yml") if name not in ALWAYS]
    assert load(ROOT / "group_vars/all.yml")["preflight_components"] == components


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"make (\S+)", done.stdout) == targets[1].split()


def test_destroy_is_site_reversed() -> None:
    components = [name for name in imported("site.yml") if name not in ALWAYS]
    assert imported("destroy.yml") == ["preflight", *reversed(components), "outputs"]
    for play in load(ROOT / "destroy.yml")[1:-1]:
        component = Path(play["import_playbook"]).stem
        assert play["vars"] == {f"{component}_state": "absent"}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_and_specification_of_a_role_agree(role: Path) -> None:
    options = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load(role / "defaults/main.yml")
    optional = {name for name, option in options.items() if not option.get("required")}
    assert set(defaults) == optional
    for name, default in defaults.items():
        assert name.startswith(f"{role.name}_")
        if "{{" not in str(default):
            assert options[name]["default"] == default, name
    for name in load(role / "vars/main.yml") if (role / "vars/main.yml").exists() else {}:
        assert name.startswith(f"__{role.name}_")
    assert (role / "README.md").exists()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_tasks_register_and_set_internal_names_only(role: Path) -> None:
    for path in role.glob("tasks/*.yml"):
        for name in re.findall(r"^\s*register: (\S+)", path.read_text(), re.MULTILINE):
            assert name.startswith(f"__{role.name}_"), path


def documented(options: dict[str, Any]) -> dict[str, Any]:
    """Return documented options in the words of an argument specification."""
    words = {}
    for name, option in options.items():
        kept = {
            key: option[key] for key in ("type", "elements", "choices", "default") if key in option
        }
        if option.get("required"):
            kept["required"] = True
        if "suboptions" in option:
            kept["options"] = documented(option["suboptions"])
        words[name] = kept
    return words


def specified(options: dict[str, Any]) -> dict[str, Any]:
    """Return an argument specification without what documentation has no word for."""
    words = {}
    for name, option in options.items():
        kept = {key: value for key, value in option.items() if key != "no_log"}
        if "options" in kept:
            kept["options"] = specified(kept["options"])
        words[name] = kept
    return words


@pytest.mark.parametrize("name", MODULES)
def test_documentation_and_arguments_of_a_module_agree(name: str) -> None:
    module = importlib.import_module(f"library.{name}")
    documentation = yaml.safe_load(module.DOCUMENTATION)
    assert documentation["module"] == name
    assert documented(documentation["options"]) == specified(module.ARGUMENT_SPEC)
    assert set(documentation["attributes"]) == {"check_mode", "diff_mode"}
    assert any(name in example for example in yaml.safe_load(module.EXAMPLES))
    assert yaml.safe_load(module.RETURN)


@pytest.mark.parametrize("path", UTILITIES, ids=lambda path: path.stem)
def test_what_modules_share_keeps_nothing_for_the_next_one(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Global)
        if isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
            assert decorators.isdisjoint({"cache", "lru_cache"})


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_tests(name: str) -> None:
    for suite in ("unit", "integration"):
        tests = (ROOT / f"tests/{suite}/library").glob("test_*.py")
        assert any(re.search(rf"\b{name}\b", path.read_text()) for path in tests), suite


@pytest.mark.parametrize("folder", LAMBDAS, ids=lambda folder: folder.name)
def test_a_lambda_has_its_anatomy(folder: Path) -> None:
    parts = ("__init__.py", "handler.py", "logic.py", "settings.py", "store.py", "README.md")
    for part in parts:
        assert (folder / part).exists(), part
    assert users_of_boto3(folder) <= {"store.py"}


def test_shared_code_of_lambdas_is_no_lambda() -> None:
    parts = {path.name for path in SHARED.iterdir()}
    assert "__init__.py" in parts
    assert not parts & {"handler.py", "requirements.in", "requirements.txt"}
    assert users_of_boto3(SHARED) == set()


def users_of_boto3(folder: Path) -> set[str]:
    """Return the names of the files below a folder that import boto3 or botocore."""
    return {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"^\s*(import|from) boto", path.read_text(), re.MULTILINE)
    }


@pytest.mark.parametrize("folder", LAMBDAS, ids=lambda folder: folder.name)
def test_lambdas_are_tested_with_the_versions_that_they_ship(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    assert requirements.exists() == (folder / "requirements.in").exists()
    if not requirements.exists():
        return
    locked, shipped = pins(ROOT / "requirements.lock"), pins(requirements)
    assert shipped
    assert {name: locked.get(name) for name in shipped} == shipped


def pins(lock: Path) -> dict[str, str]:
    """Return the versions that a lock file pins, by name."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_an_environment_shares_the_common_values(environment: Path) -> None:
    shared = environment / "group_vars/all/00_shared.yml"
    assert shared.is_symlink()
    assert not shared.readlink().is_absolute()
    assert shared.resolve() == ROOT / "group_vars/all.yml"
    assert load(environment / "group_vars/all/main.yml")["env"] == environment.name


def test_collections_are_the_ones_that_the_lock_brings() -> None:
    installed = Path(sys.prefix) / "lib/python3.13/site-packages/ansible_collections"
    for collection in load(ROOT / "requirements.yml")["collections"]:
        namespace, name = collection["name"].split(".")
        manifest = load(installed / namespace / name / "MANIFEST.json")
        assert manifest["collection_info"]["version"] == collection["version"]


def test_tests_install_what_hosts_need() -> None:
    installed = re.search(
        r"host_packages=\((.*?)\)", (ROOT / "scripts/setup").read_text(), re.DOTALL
    )
    assert installed
    wanted = load(ROOT / "roles/local_cloud/vars/main.yml")["__local_cloud_packages"]
    assert installed[1].split() == wanted
