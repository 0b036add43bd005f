"""`s3_files` without AWS: the files of a folder, plans, and the exact calls."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from ansible.module_utils.artificien.s3_files import (
    apply_file,
    check_prefix,
    desired_files,
    plan_files,
    read_files,
)

from library.s3_files import plan_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.stub import Stubber

ACCOUNT = "111122223333"
BUCKET = "shop-prod-downloads"
OWNER = {"ExpectedBucketOwner": ACCOUNT}
SPRING = "prices/spring.price"
HASH = hashlib.sha256(b"1").hexdigest()


def model(**fields: str) -> dict[str, str]:
    """Return an object's model with `fields` changed."""
    return {"sha256": HASH, "content_type": "text/plain", "file_set": "prices"} | fields


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files."""
    (tmp_path / "spring.price").write_bytes(b"1")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "winter.html").write_bytes(b"2")
    (tmp_path / "old" / "scan").write_bytes(b"")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "draft.html").write_bytes(b"3")
    (tmp_path / ".draft.html").write_bytes(b"3")
    return tmp_path


def params(**fields: Any) -> dict[str, Any]:
    """Return options as Ansible passes them."""
    return {
        "name": "prices",
        "bucket": BUCKET,
        "prefix": "prices/",
        "source": None,
        "content_types": {},
        "purge": True,
        "state": "present",
    } | fields


def add_objects(stubber: Stubber, prefix: str, *pages: dict[str, dict[str, Any]]) -> None:
    """Make the bucket have objects, whose keys are listed in `pages`."""
    asked = {"Bucket": BUCKET, "Prefix": prefix} | OWNER
    for number, page in enumerate(pages, 1):
        last = number == len(pages)
        answer: dict[str, Any] = {"Contents": [{"Key": key} for key in page], "IsTruncated": True}
        answer |= {"IsTruncated": False} if last else {"NextContinuationToken": str(number)}
        token = {"ContinuationToken": str(number - 1)} if number > 1 else {}
        stubber.add_response("list_objects_v2", answer, asked | token)
    for page in pages:
        for key, head in page.items():
            stubber.add_response("head_object", head, {"Bucket": BUCKET, "Key": key} | OWNER)


def head(content_type: str = "text/plain", **metadata: str) -> dict[str, Any]:
    """Return what S3 tells of an object."""
    held = {name.replace("_", "-"): value for name, value in metadata.items()}
    return {"ContentType": content_type, "Metadata": held}


def test_the_files_of_a_folder_are_wanted_with_their_types(folder: Path) -> None:
    wanted = desired_files(str(folder), "prices/", "prices", {".price": "text/plain"})
    empty, two = (hashlib.sha256(content).hexdigest() for content in (b"", b"2"))
    assert wanted == {
        "prices/old/scan": model(sha256=empty, content_type="application/octet-stream"),
        "prices/old/winter.html": model(sha256=two, content_type="text/html"),
        SPRING: model(),
    }
    assert set(desired_files(str(folder / "old"), "", "prices", {})) == {"scan", "winter.html"}


def test_a_link_is_refused(folder: Path) -> None:
    (folder / "old" / "passwd.html").symlink_to("/etc/passwd")
    with pytest.raises(ReconcileError, match=r"passwd\.html is a symbolic link"):
        desired_files(str(folder), "", "prices", {})


def test_a_missing_folder_is_refused(folder: Path) -> None:
    with pytest.raises(ReconcileError, match="missing, which is no folder"):
        desired_files(str(folder / "missing"), "", "prices", {})


@pytest.mark.parametrize("prefix", ["prices", "/prices/", "/"])
def test_a_prefix_is_a_folder(prefix: str) -> None:
    check_prefix("prices/of/")
    with pytest.raises(ReconcileError, match=f"prefix is '{prefix}'"):
        check_prefix(prefix)
    with pytest.raises(ReconcileError, match=f"prefix is '{prefix}'"):
        plan_set(None, ACCOUNT, params(prefix=prefix, state="absent"))  # type: ignore[arg-type]


def test_objects_are_read_from_every_page(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    theirs = {"ContentType": "text/html", "Metadata": {}}
    add_objects(
        stubber, "prices/", {SPRING: head(file_set="prices", sha256=HASH)}, {"prices/x": theirs}
    )
    assert read_files(client, BUCKET, "prices/", ACCOUNT) == {
        SPRING: model(),
        "prices/x": {"sha256": "unknown", "content_type": "text/html", "file_set": ""},
    }


def test_an_object_that_goes_meanwhile_is_gone(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    asked = {"Bucket": BUCKET, "Prefix": "prices/"} | OWNER
    stubber.add_response("list_objects_v2", {"Contents": [{"Key": SPRING}]}, asked)
    stubber.add_client_error("head_object", "404")
    assert read_files(client, BUCKET, "prices/", ACCOUNT) == {}


def test_reading_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("list_objects_v2", "NoSuchBucket")
    assert read_files(client, BUCKET, "prices/", ACCOUNT) == {}
    stubber.add_client_error("list_objects_v2", "AccessDenied", "not yours")
    with pytest.raises(AwsError, match=f"list bucket {BUCKET}: AccessDenied: not yours"):
        read_files(client, BUCKET, "prices/", ACCOUNT)


@pytest.mark.parametrize(
    ("current", "desired", "plans"),
    [
        ({}, {"a": model()}, [Plan("a", None, model())]),
        ({"a": model()}, {"a": model()}, [Plan("a", model(), model())]),
        ({"a": model(sha256="0")}, {"a": model()}, [Plan("a", model(sha256="0"), model())]),
        ({"a": model(file_set="")}, {"a": model()}, [Plan("a", model(file_set=""), model())]),
        ({"a": model(), "b": model(file_set="")}, {}, [Plan("a", model(), None)]),
        ({"a": model(file_set="lists")}, {}, []),
    ],
)
def test_only_objects_of_the_set_go(
    current: dict[str, Any], desired: dict[str, Any], plans: list[Plan]
) -> None:
    assert plan_files("prices", current, desired, purge=True) == plans


def test_nothing_goes_without_purge_but_when_all_goes(
    stubbed: Callable[[str], tuple[Any, Stubber]], folder: Path
) -> None:
    client, stubber = stubbed("s3")
    held = {"prices/old.html": head("text/html", file_set="prices", sha256="0")}
    options = {"source": str(folder / "old"), "purge": False}
    add_objects(stubber, "prices/", held)
    planned = plan_set(client, ACCOUNT, params(**options))
    assert [(plan.name, plan.action) for plan in planned] == [
        ("prices/scan", "create"),
        ("prices/winter.html", "create"),
    ]
    add_objects(stubber, "prices/", held)
    (plan,) = plan_set(client, ACCOUNT, params(**options, state="absent"))
    assert (plan.name, plan.action) == ("prices/old.html", "delete")


def test_an_object_is_written_with_what_tells_it_later(
    stubbed: Callable[[str], tuple[Any, Stubber]], folder: Path
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response(
        "put_object",
        {},
        {
            "Bucket": BUCKET,
            "Key": SPRING,
            "Body": b"1",
            "ContentType": "text/plain",
            "Metadata": {"file-set": "prices", "sha256": HASH},
        }
        | OWNER,
    )
    plan = Plan(SPRING, None, model())
    apply_file(client, BUCKET, plan, folder / "spring.price", ACCOUNT)
    stubber.add_client_error("put_object", "NoSuchBucket", "none")
    with pytest.raises(AwsError, match=f"write {SPRING} to bucket {BUCKET}: NoSuchBucket"):
        apply_file(client, BUCKET, plan, folder / "spring.price", ACCOUNT)


def test_a_file_that_is_changed_meanwhile_is_not_written(
    stubbed: Callable[[str], tuple[Any, Stubber]], folder: Path
) -> None:
    client, _ = stubbed("s3")
    plan = Plan(SPRING, None, model(sha256="0"))
    with pytest.raises(ReconcileError, match=r"spring\.price was changed meanwhile"):
        apply_file(client, BUCKET, plan, folder / "spring.price", ACCOUNT)


def test_an_object_is_deleted(
    stubbed: Callable[[str], tuple[Any, Stubber]], tmp_path: Path
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("delete_object", {}, {"Bucket": BUCKET, "Key": SPRING} | OWNER)
    apply_file(client, BUCKET, Plan(SPRING, model(), None), tmp_path / "gone", ACCOUNT)
