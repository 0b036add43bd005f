"""`ssm_parameters_file` without AWS: reading, planning and writing the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.ssm_parameters_file import apply_file, desired_file, read_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.stub import Stubber


@pytest.mark.parametrize("text", [None, "", "{half"])
def test_what_holds_no_object_is_written_anew(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "mall.json"
    if text is not None:
        file.write_text(text)
    assert read_file(file) is None


def test_published_values_join_the_content(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ssm")
    published = {"Name": "/mall/prod/shop/url", "Type": "String", "Value": "there"}
    stubber.add_response(
        "get_parameters_by_path",
        {"Parameters": [published]},
        {"Path": "/mall/prod", "Recursive": True},
    )
    assert desired_file(client, "/mall/prod", {"region": "here"}) == {
        "content": {"region": "here", "shop": {"url": "there"}}
    }


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "made" / "mall.json"
    apply_file(Plan(str(file), None, {"content": {"a": "1"}}))
    assert json.loads(file.read_text()) == {"a": "1"}
    with pytest.raises(TypeError):
        apply_file(Plan(str(file), None, {"content": {"a": object()}}))
    assert json.loads(file.read_text()) == {"a": "1"}
    assert list(file.parent.iterdir()) == [file]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(ReconcileError, match=r"taken/mall\.json, which cannot be written"):
        apply_file(Plan(str(tmp_path / "taken/mall.json"), None, {"content": {}}))
