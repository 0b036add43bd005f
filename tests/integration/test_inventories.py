"""The inventories that find hosts: the right account, region and environment, and no other."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import BIN, ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud

REGIONS = ["us-east-1", "eu-central-1"]
ENVIRONMENTS = ["local", "prod"]


@pytest.fixture
def hosts(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Launch a host of each environment in two regions, and return them by name."""
    launched: dict[str, Any] = {}
    clients = {
        region: dataclasses.replace(cloud, region=region).client("ec2") for region in REGIONS
    }
    for region, ec2 in clients.items():
        for environment in ENVIRONMENTS:
            name = f"{environment}-{region}"
            tags = {"Name": name, "component": "pygrid", "project": "artificien"}
            tags["environment"] = environment
            specification = [{"Key": key, "Value": value} for key, value in tags.items()]
            reservation = ec2.run_instances(
                ImageId="ami-0",
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[{"ResourceType": "instance", "Tags": specification}],
            )
            launched[name] = reservation["Instances"][0]
    yield launched
    for name, instance in launched.items():
        region = name.split("-", 1)[1]
        clients[region].terminate_instances(InstanceIds=[instance["InstanceId"]])


def inventory(root: Path, environment: str, **variables: str) -> dict[str, Any]:
    """Return what Ansible reads of an environment's inventory, from another folder."""
    done = subprocess.run(
        [BIN / "ansible-inventory", "-i", root / "inventories" / environment, "--list"],
        cwd="/",
        env=os.environ | {"ANSIBLE_CONFIG": str(root / "ansible.cfg")} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


def plain(value: Any) -> str:
    """Return a text that Ansible marks as one that it does not take for a template."""
    text: str = value["__ansible_unsafe"]
    return text


def test_the_local_inventory_finds_the_hosts_of_the_local_cloud(
    cloud: Cloud, hosts: dict[str, Any]
) -> None:
    by_address = {"LOCAL_CLOUD_HOST": "127.0.0.1", "LOCAL_CLOUD_SUBNET": ""}
    by_subnet = {"LOCAL_CLOUD_HOST": "", "LOCAL_CLOUD_SUBNET": "127.0.0.0/24"}
    port = {"LOCAL_CLOUD_PORT": str(cloud.port)}
    listed = inventory(ROOT, "local", **by_address, **port)
    assert inventory(ROOT, "local", **by_subnet, **port) == listed
    assert listed["pygrid"]["hosts"] == ["local-us-east-1"]
    found = listed["_meta"]["hostvars"]["local-us-east-1"]
    assert plain(found["ansible_host"]) == hosts["local-us-east-1"]["PublicIpAddress"]
    assert plain(found["aws_instance_id"]) == hosts["local-us-east-1"]["InstanceId"]
    assert plain(found["ansible_user"]) == "admin"


def test_a_local_cloud_that_does_not_answer_has_no_hosts() -> None:
    listed = inventory(
        ROOT, "local", LOCAL_CLOUD_HOST="127.0.0.1", LOCAL_CLOUD_PORT=str(free_port())
    )
    assert "pygrid" not in listed
    assert "localhost" in listed["_meta"]["hostvars"]


def test_production_is_looked_for_where_its_values_say(
    cloud: Cloud, hosts: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(ROOT / "ansible.cfg", tmp_path)
    shutil.copytree(ROOT / "inventories/prod", tmp_path / "inventories/prod", symlinks=True)
    credentials = tmp_path / "credentials"
    credentials.write_text("[ops]\naws_access_key_id = test\naws_secret_access_key = test\n")
    variables = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    values = tmp_path / "inventories/prod/group_vars/all/site.yml"
    values.write_text("aws_region: eu-central-1\naws_profile: ops\n")
    listed = inventory(tmp_path, "prod", **variables, AWS_REGION="us-east-1")
    assert listed["pygrid"]["hosts"] == ["prod-eu-central-1"]

    values.unlink()
    listed = inventory(tmp_path, "prod", **variables, AWS_REGION="us-east-1", AWS_PROFILE="ops")
    assert listed["pygrid"]["hosts"] == ["prod-us-east-1"]
    address = listed["_meta"]["hostvars"]["prod-us-east-1"]["ansible_host"]
    assert plain(address) == hosts["prod-us-east-1"]["PublicIpAddress"]
