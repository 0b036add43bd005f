"""What makes a backup of what a program writes, and which backups are believed."""

import hashlib
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from host_tools.backups import BackupError, Backups, Manifest

CONTENT = b"a dump"
MANIFEST = Manifest("20300102T030405Z", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "1.2.3")
Stubbed = tuple[Backups, Stubber]


@pytest.fixture
def backups(stubbed: Callable[[str], tuple[Any, Stubber]]) -> Stubbed:
    client, stubber = stubbed("s3")
    return Backups(client, "a-bucket", "a-prefix", "dump"), stubber


def program(code: int = 0) -> dict[str, Any]:
    """Return how a program is started that writes the content and ends with a code."""
    script = f"import sys; sys.stdout.write({CONTENT.decode()!r}); sys.exit({code})"
    return {"args": [sys.executable, "-c", script]}


def stub_list(stubber: Stubber, *names: str) -> None:
    """Have the bucket hold files, in two pages."""
    for page in (names[:1], names[1:]):
        contents = [{"Key": f"a-prefix/{name}"} for name in page]
        more = {"IsTruncated": True, "NextContinuationToken": "more"} if page == names[:1] else {}
        given = {} if page == names[:1] else {"ContinuationToken": "more"}
        stubber.add_response(
            "list_objects_v2",
            {"Contents": contents} | more,
            {"Bucket": "a-bucket", "Prefix": "a-prefix/"} | given,
        )


def stub_object(stubber: Stubber, content: bytes) -> None:
    """Have the bucket give an object."""
    body = StreamingBody(io.BytesIO(content), len(content))
    stubber.add_response("get_object", {"Body": body, "ContentLength": len(content)})


def stub_upload(stubber: Stubber, stored: int) -> None:
    """Have the bucket take a content, and then say its size."""
    stubber.add_response("put_object", {})
    stubber.add_response("head_object", {"ContentLength": stored})


@pytest.mark.parametrize(("code", "accepted"), [(0, (0,)), (1, (0, 1))])
def test_a_manifest_follows_the_content(
    backups: Stubbed, code: int, accepted: tuple[int, ...]
) -> None:
    ours, stubber = backups
    stub_upload(stubber, len(CONTENT))
    manifest = {"Bucket": "a-bucket", "Key": ANY, "Body": ANY, "ContentType": "application/json"}
    stubber.add_response("put_object", {}, manifest)
    made = ours.make(program(code), "1.2.3", accepted)
    assert (made.size, made.sha256, made.release) == (len(CONTENT), MANIFEST.sha256, "1.2.3")
    assert re.fullmatch(r"\d{8}T\d{6}Z", made.name)


def test_a_program_that_fails_makes_no_backup(backups: Stubbed) -> None:
    ours, _ = backups
    with pytest.raises(BackupError, match="failed; the lines above say why"):
        ours.make(program(3), "1.2.3")


def test_a_content_that_does_not_arrive_as_a_whole_gets_no_manifest(backups: Stubbed) -> None:
    ours, stubber = backups
    stub_upload(stubber, len(CONTENT) - 1)
    with pytest.raises(BackupError, match="5 of 6 bytes are in the bucket"):
        ours.make(program(), "1.2.3")


def test_what_has_no_manifest_is_no_backup(backups: Stubbed) -> None:
    ours, stubber = backups
    stub_list(stubber, "3.dump", "2.dump", "2.json", "1.json", "1.dump")
    assert ours.names() == ["1", "2"]


def test_the_latest_is_the_newest_that_is_complete(backups: Stubbed) -> None:
    ours, stubber = backups
    stub_list(stubber, "20310102T030405Z.dump", f"{MANIFEST.name}.json", "20290102T030405Z.json")
    stub_object(stubber, json.dumps(asdict(MANIFEST)).encode())
    assert ours.find("latest") == MANIFEST


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["1.dump", "2.dump"], "There is no backup in a-bucket/a-prefix"),
        (["1.json", "2.json"], "There is no backup 3; the newest are 1, 2"),
    ],
)
def test_what_is_not_there_is_not_found(backups: Stubbed, files: list[str], message: str) -> None:
    ours, stubber = backups
    stub_list(stubber, *files)
    with pytest.raises(BackupError, match=message):
        ours.find("3")


def download(backups: Stubbed, content: bytes, folder: Path) -> bytes:
    """Return what is read of a downloaded backup."""
    ours, stubber = backups
    stubber.add_response("head_object", {"ContentLength": len(content), "ETag": "a-tag"})
    stub_object(stubber, content)
    with (folder / "content").open("w+b") as file:
        ours.download(MANIFEST, file)
        return file.read()


def test_a_backup_is_read_from_its_beginning(backups: Stubbed, tmp_path: Path) -> None:
    assert download(backups, CONTENT, tmp_path) == CONTENT


def test_a_damaged_backup_is_refused(backups: Stubbed, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="it is damaged"):
        download(backups, b"A dump", tmp_path)
