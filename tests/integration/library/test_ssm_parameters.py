"""`ssm_parameters` and `ssm_parameters_file` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

PATH = "/mall_of_run/prod/shop"
NEIGHBOUR = "/mall_of_run/prod/shop_window/url"
PARAMETERS = {"url": "https://shop.example.com", "port": 443, "open": True, "buckets/bills": "b"}


def names(cloud: Cloud) -> set[str]:
    """Return the names of all parameters below the project of these tests."""
    pages = cloud.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path="/mall_of_run", Recursive=True)
    return {parameter["Name"] for page in found for parameter in page["Parameters"]}


def tags(cloud: Cloud, key: str) -> dict[str, str]:
    """Return the tags of the parameter `key` below `PATH`."""
    listed = cloud.client("ssm").list_tags_for_resource(
        ResourceType="Parameter", ResourceId=f"{PATH}/{key}"
    )
    return {tag["Key"]: tag["Value"] for tag in listed["TagList"]}


@pytest.fixture(autouse=True)
def _no_parameters(cloud: Cloud) -> Iterator[None]:
    def clean() -> None:
        for name in names(cloud):
            cloud.client("ssm").delete_parameter(Name=name)

    clean()
    yield
    clean()


def test_parameters_are_published_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, tmp_path: Path
) -> None:
    cloud.client("ssm").put_parameter(Name=NEIGHBOUR, Value="1", Type="String")
    # More than the ten that SSM lists, and deletes, in one request.
    many = {f"zones/{number}": number for number in range(1, 9)}
    published: dict[str, Any] = {
        "path": PATH,
        "parameters": PARAMETERS | many,
        "tags": {"owner": "shop"},
    }
    run_module.four_runs("ssm_parameters", **published)
    assert tags(cloud, "buckets/bills") == {"owner": "shop"}
    file = tmp_path / "made" / "mall.json"
    content = {"region": "us-east-1"}
    run_module.four_runs("ssm_parameters_file", path=PATH, dest=str(file), content=content)
    written = json.loads(file.read_text())
    assert written["region"] == "us-east-1"
    assert written["port"] == "443"
    assert written["open"] == "true"
    assert written["buckets"] == {"bills": "b"}
    assert len(written["zones"]) == 8
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    run_module.gone_twice("ssm_parameters", path=PATH)
    assert names(cloud) == {NEIGHBOUR}


def test_what_is_no_longer_published_goes_and_tags_follow(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("ssm_parameters", path=PATH, parameters=PARAMETERS, tags={"owner": "shop"})
    changed: dict[str, Any] = {
        "path": PATH,
        "parameters": {"url": "https://new.example.com", "port": 443},
        "tags": {"team": "web"},
    }
    added = run_module("ssm_parameters", purge=False, purge_tags=False, **changed)
    assert added["parameters"]["buckets/bills"] == "b"
    assert tags(cloud, "port") == {"owner": "shop", "team": "web"}
    assert tags(cloud, "open") == {"owner": "shop"}
    run_module.four_runs("ssm_parameters", **changed)
    assert names(cloud) == {f"{PATH}/url", f"{PATH}/port"}
    assert tags(cloud, "url") == {"team": "web"}


def test_what_cannot_be_published_fails_with_the_remedy(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    empty = run_module("ssm_parameters", check=True, path=PATH, parameters={"url": ""}, fails=True)
    assert "parameters.url is ''" in empty["msg"]
    cloud.client("ssm").put_parameter(Name=f"{PATH}/door", Value="hush", Type="SecureString")
    secret = run_module("ssm_parameters", path=PATH, state="absent", fails=True)
    assert "Secrets Manager" in secret["msg"]
    assert "hush" not in str(secret)
    assert names(cloud) == {f"{PATH}/door"}


def test_a_value_with_values_below_it_is_no_tree(
    cloud: Cloud, run_module: ModuleRunner, tmp_path: Path
) -> None:
    for key in ("bucket", "bucket/name"):
        cloud.client("ssm").put_parameter(Name=f"{PATH}/{key}", Value="1", Type="String")
    file = tmp_path / "mall.json"
    failed = run_module("ssm_parameters_file", path=PATH, dest=str(file), fails=True)
    assert "bucket/name lies below bucket" in failed["msg"]
    assert not file.exists()
