"""The mirrors of buckets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from jupyterhub_host import sync

# In place of rclone: writes what it is told to, and ends as it is told to.
RCLONE = """\
#!/bin/sh
for folder; do :; done
echo "$RCLONE_CONFIG_S3_PROVIDER $RCLONE_CONFIG_S3_ENDPOINT $*" > "$SEEN"
test -z "$WRITES" || touch "$folder/$WRITES"
exit $ENDS
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    command = tmp_path / "bin/rclone"
    command.parent.mkdir()
    command.write_text(RCLONE)
    command.chmod(0o755)
    (tmp_path / "data/samples").mkdir(parents=True)
    return {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "SEEN": str(tmp_path / "seen"),
        "WRITES": "a.csv",
        "ENDS": "0",
    }


@pytest.fixture
def mirror(
    tmp_path: Path,
    variables: dict[str, str],
    stubbed: Callable[[str], tuple[Any, Stubber]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., int]:
    monkeypatch.setenv("PATH", variables["PATH"])
    config = sync.Config("us-east-1", str(tmp_path / "data"), {"samples": "bucket"})

    def run(*keys: str) -> int:
        client, stubber = stubbed("s3")
        stubber.add_response(
            "list_objects_v2",
            {"IsTruncated": False, "Contents": [{"Key": key} for key in keys]},
            {"Bucket": "bucket"},
        )
        return sync.mirror(config, "samples", client, variables)

    return run


@pytest.mark.parametrize(
    ("keys", "odd"),
    [
        (["a.csv", "b/c.csv", "b/d/e.csv"], []),
        (["/a.csv", "//b", "c"], ["//b", "/a.csv"]),
        (["a", "a/b.csv", "a/b/c.csv", "ab/c"], ["a/b.csv", "a/b/c.csv"]),
        (["folder/", "folder/a.csv"], []),
        ([".hidden", "../a", ".."], ["../a"]),
    ],
)
def test_keys_that_are_left_out(keys: list[str], odd: list[str]) -> None:
    assert sync.left_out(keys) == odd


def test_aws_is_asked_as_aws() -> None:
    assert sync.environment("eu-west-1", "") == {
        "RCLONE_CONFIG_S3_TYPE": "s3",
        "RCLONE_CONFIG_S3_ENV_AUTH": "true",
        "RCLONE_CONFIG_S3_REGION": "eu-west-1",
        "RCLONE_CONFIG_S3_PROVIDER": "AWS",
    }


def test_everything_mirrored(
    mirror: Callable[..., int], variables: dict[str, str], tmp_path: Path
) -> None:
    variables["AWS_ENDPOINT_URL"] = "http://192.0.2.1:4566"
    assert mirror("a.csv") == 0
    provider, endpoint, *command = (tmp_path / "seen").read_text().split()
    assert (provider, endpoint) == ("Minio", "http://192.0.2.1:4566")
    assert command[-1] == str(tmp_path / "data/samples")
    assert "s3:bucket" in command


def test_a_key_that_is_left_out_is_told(
    mirror: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    assert mirror("a.csv", "/b\n.csv") == sync.INCOMPLETE
    assert r"'/b\n.csv' cannot be a file" in caplog.text


def test_an_object_that_cannot_be_copied(
    mirror: Callable[..., int], variables: dict[str, str]
) -> None:
    variables["ENDS"] = "1"
    assert mirror("a.csv") == sync.INCOMPLETE


def test_nothing_at_all_is_worse(mirror: Callable[..., int], variables: dict[str, str]) -> None:
    variables.update(ENDS="1", WRITES="")
    assert mirror("a.csv") == 1


def test_a_bucket_that_cannot_be_read(
    tmp_path: Path, variables: dict[str, str], stubbed: Callable[[str], tuple[Any, Stubber]]
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("list_objects_v2", "AccessDenied")
    config = sync.Config("us-east-1", str(tmp_path / "data"), {"samples": "bucket"})
    with pytest.raises(ClientError, match="AccessDenied"):
        sync.mirror(config, "samples", client, variables)
    assert not (tmp_path / "seen").exists()
