"""What stops the emulator from being started or its data from being removed."""

import os
import socket
import sys
from pathlib import Path

import pytest

from local_cloud import preflight, processes
from local_cloud.errors import LocalCloudError
from local_cloud.settings import Settings


def _settings(tmp_path: Path, port: int = 4600) -> Settings:
    return Settings.checked("127.0.0.1", port, tmp_path / "state", tmp_path / "venv")


def test_a_port_in_use_names_the_port_its_owner_and_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalCloudError) as caught:
            preflight.check_port(_settings(tmp_path, port))
    message = str(caught.value)
    assert f"Port {port} of 127.0.0.1 is in use" in message
    assert f"process {os.getpid()} (" in message
    assert Path(sys.argv[0]).name in message
    assert "choose another port by LOCAL_CLOUD_PORT" in message


def test_the_port_of_the_fake_amplify_counts_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalCloudError, match=rf"Port {port} of 127\.0\.0\.1 is in use"):
            preflight.check_port(_settings(tmp_path, port - 1))


def test_a_port_in_use_by_someone_invisible_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "listener", lambda _port: None)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(LocalCloudError, match="a process that cannot be seen"),
    ):
        preflight.check_port(_settings(tmp_path, server.getsockname()[1]))


def test_a_free_port_is_fine_even_just_after_its_last_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # closed by the server first: it stays in TIME_WAIT
    preflight.check_port(_settings(tmp_path, port))


def test_an_address_of_another_machine_names_the_remedy(tmp_path: Path) -> None:
    elsewhere = Settings.checked("10.255.255.254", 4600, tmp_path, tmp_path)
    with pytest.raises(
        LocalCloudError, match="no address of this machine: correct LOCAL_CLOUD_HOST"
    ):
        preflight.check_port(elsewhere)


def test_a_missing_interpreter_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="run `make setup`"):
        preflight.check_interpreter(_settings(tmp_path))


def test_a_vanished_interpreter_names_the_remedy(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings.python.parent.mkdir(parents=True)
    settings.python.symlink_to(tmp_path / "gone")
    with pytest.raises(LocalCloudError, match="run `make setup`"):
        preflight.check_interpreter(settings)


def test_a_state_directory_may_be_missing_empty_or_ours(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    preflight.check_state_dir(settings)
    settings.state_dir.mkdir()
    preflight.check_state_dir(settings)
    (settings.state_dir / preflight.OWNERSHIP_FILE).touch()
    (settings.state_dir / "emulator.log").touch()
    preflight.check_state_dir(settings)


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings.state_dir.mkdir()
    (settings.state_dir / "letters.txt").touch()
    with pytest.raises(LocalCloudError, match="not the local cloud's"):
        preflight.check_state_dir(settings)


def test_a_directory_of_a_deployment_may_be_there_before_the_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tmp_path)
    settings.state_dir.mkdir()
    (settings.state_dir / "outputs.json").touch()
    monkeypatch.setattr(preflight, "BUILD_DIR", tmp_path)
    preflight.check_state_dir(settings)
    monkeypatch.setattr(preflight, "BUILD_DIR", settings.state_dir)
    with pytest.raises(LocalCloudError):
        preflight.check_state_dir(settings)


def test_a_file_is_no_state_directory(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings.state_dir.touch()
    with pytest.raises(LocalCloudError, match="not a directory"):
        preflight.check_state_dir(settings)
