"""The README says what is so."""

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ops.nodes import Shell
from pydantic.fields import FieldInfo

from artificien_pygrid.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()
_MEBIBYTE = 2**20


def row(name: str, field: FieldInfo) -> str:
    """The table's row for a setting."""
    return f"| `PYGRID_{name.upper()}` | {shown_default(field)} | {field.description or ''} |"


def shown_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in ((), frozenset()):
        return ""
    if isinstance(value, int) and value >= _MEBIBYTE and value % _MEBIBYTE == 0:
        return f"{value // _MEBIBYTE} MiB"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_table_has_every_setting_with_its_default() -> None:
    expected = [row(name, field) for name, field in Settings.model_fields.items()]
    found = [
        # Where the code has no description the table may say more.
        line if (line in expected) else re.sub(r"\| [^|]+ \|$", "|  |", line)
        for line in README.splitlines()
        if line.startswith("| `PYGRID_")
    ]
    assert found == expected


@pytest.mark.parametrize("command", ["", "serve", "migrate", "host", "download", "delete"])
def test_every_command_and_option_of_the_readme_exists(tmp_path: Path, command: str) -> None:
    done = Shell({}, tmp_path).run(*[command] if command else [], "--help")
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    used = [line.split() for line in lines if line.startswith("pygrid-node")]
    if not command:
        for words in used:
            assert re.search(rf"^  {words[1]}\b", done.stdout, re.MULTILINE), words
        return
    options = {
        word for words in used if words[1] == command for word in words if word.startswith("--")
    }
    for option in options:
        assert option in done.stdout


def test_the_status_network_of_the_quick_start_is_valid() -> None:
    found = re.findall(r"PYGRID_\w+_NETWORKS=(\S+)", README)
    assert found
    for value in found:
        for network in value.split(","):
            assert IPv4Network(network).is_private
