"""The local cloud's settings: what is refused, and what the emulator gets to see."""

from pathlib import Path

import pytest

from local_cloud import settings
from local_cloud.errors import LocalCloudError
from local_cloud.settings import Settings


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "10.88.0.1", "172.31.0.1", "192.168.1.2"]
)
def test_loopback_and_private_addresses_are_accepted(host: str) -> None:
    assert settings.check_host(host) == host


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104 - refused, as the test says
        "8.8.8.8",
        "172.32.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_addresses_that_others_can_reach_are_refused(host: str) -> None:
    with pytest.raises(LocalCloudError, match=rf"must not listen on {host}.*127\.0\.0\.1"):
        settings.check_host(host)


@pytest.mark.parametrize("host", ["::", "::1", "localhost", "", "127.1", "10.0.0.0/8"])
def test_anything_but_an_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(LocalCloudError, match="is not an IPv4 address"):
        settings.check_host(host)


def test_the_fake_amplify_has_the_next_port(tmp_path: Path) -> None:
    found = Settings.checked("127.0.0.1", 4566, tmp_path, tmp_path)
    assert found.environment()[settings.AMPLIFY_PORT_VARIABLE] == "4567"
    assert found.environment()[settings.AMPLIFY_FILE_VARIABLE].startswith(str(found.state_dir))


@pytest.mark.parametrize("port", [-1, 0, 65535, 65536])
def test_impossible_ports_are_refused(port: int) -> None:
    with pytest.raises(LocalCloudError, match="not a TCP port"):
        settings.check_port(port)


@pytest.mark.parametrize(
    "subnet", ["10.213.0.0/16", "8.8.8.0/24", "127.0.0.0/24", "10.213.47.1/24", "hosts", "::/24"]
)
def test_subnets_that_hosts_cannot_be_in_are_refused(subnet: str) -> None:
    with pytest.raises(LocalCloudError, match=r"give a private network such as 10\.213\.47\.0/24"):
        settings.check_subnet(subnet)


def test_the_emulator_of_hosts_listens_where_they_reach_it(tmp_path: Path) -> None:
    found = Settings.checked("127.0.0.1", 4600, tmp_path, tmp_path, subnet="10.213.99.0/24")
    assert found.endpoint_url == "http://10.213.99.1:4600"
    assert found.network == "artificien-10-213-99-0"
    environment = found.environment()
    assert environment["BIND_HOST"] == environment["MINISTACK_HOST"] == "10.213.99.1"
    assert environment["LOCAL_CLOUD_SUBNET"] == "10.213.99.0/24"
    assert environment["DOCKER_NETWORK"] == found.network
    assert environment["DOCKER_HOST"] == f"unix://{tmp_path}/docker.sock"


def test_relative_directories_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings.checked("127.0.0.1", 4566, Path("state"), Path("venv"))
    assert found.state_dir == tmp_path / "state"
    assert found.python == tmp_path / "venv/bin/python"


def test_everything_the_emulator_writes_is_in_the_state_directory(tmp_path: Path) -> None:
    found = Settings.checked("127.0.0.1", 4600, tmp_path / "state", tmp_path / "venv").environment()
    for name in ("HOME", "TMPDIR", "STATE_DIR", "S3_DATA_DIR"):
        assert Path(found[name]).is_relative_to(tmp_path / "state"), name


def test_the_emulator_gets_its_address_and_enforces_permissions(tmp_path: Path) -> None:
    found = Settings.checked("10.88.0.1", 4600, tmp_path, tmp_path).environment()
    assert found["BIND_HOST"] == "10.88.0.1"
    assert found["GATEWAY_PORT"] == "4600"
    assert found["AWS_ENDPOINT_URL"] == "http://10.88.0.1:4600"
    assert found["AUTH"] == "true"


def test_what_the_person_has_set_does_not_reach_the_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "MINISTACK_VERSION", "PYTHONPATH"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine")
    monkeypatch.setenv("PATH", "/somewhere")
    found = Settings.checked("127.0.0.1", 4600, tmp_path, tmp_path).environment()
    assert found["PATH"] == "/somewhere"
    assert not any("mine" in value for value in found.values())
