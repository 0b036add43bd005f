"""What the hub is configured to, as JupyterHub itself reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub import scopes
from jupyterhub.app import JupyterHub
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub_host import hub
from jupyterhub_host.authenticator import CognitoAuthenticator
from jupyterhub_host.spawner import AccountSpawner
from traitlets.config import Config

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "the-secret"  # noqa: S105 - nobody's # pragma: allowlist secret
SETTINGS: dict[str, Any] = {
    "url": "https://hub.example.com",
    "hub_port": 8081,
    "proxy_port": 8000,
    "proxy_api_port": 8001,
    "state_dir": "/var/lib/jupyterhub",
    "hosted_ui_url": "https://people.example.com",
    "client_id": "the-client",
    "allowed_groups": ["data-scientists"],
    "admin_groups": ["admins"],
    "refresh_seconds": 90,
    "cache_seconds": 10,
    "user_environment_dir": "/opt/jupyterhub-user/current",
    "accounts_group": "jupyterhub-users",
    "links": {"tutorials": "/srv/data/tutorials"},
    "environment": {"AWS_REGION": "us-east-1", "JUPYTERHUB_ACTIVITY_INTERVAL": 90},
    "memory_max_mib": 2048,
    "cpus": 1.5,
    "tasks_max": 512,
    "slice": "jupyterhub-users.slice",
    "hidden": ["/var/lib/jupyterhub", "/run/jupyterhub-secrets"],
    "spawn_timeout_seconds": 90,
    "concurrent_spawns": 10,
    "idle_seconds": 3600,
    "idle_check_seconds": 300,
    "culler_user": "jupyterhub",
    "probe_user": "hub-probe",
}


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name in ("crypt_key", "proxy_token", "probe_token", "metrics_token"):
        (tmp_path / name).write_text(f"{name}-{'x' * 40}\n")
    credentials = {"client_id": "the-client", "client_secret": SECRET}
    (tmp_path / "jupyter_credentials").write_text(json.dumps(credentials))
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"hub": SETTINGS | {"secrets_dir": str(tmp_path)}}))
    monkeypatch.setenv("JUPYTERHUB_HOST_CONFIG", str(file))
    config = Config()
    hub.configure(config)
    return config


def known_options(kind: type) -> set[str]:
    """Return the options of a class that a configuration may set."""
    names: set[str] = set(kind.class_traits(config=True))  # type: ignore[attr-defined]
    return names


def test_every_option_is_one_of_the_installed_versions(configured: Config) -> None:
    assert set(configured.JupyterHub) <= known_options(JupyterHub)
    assert set(configured.ConfigurableHTTPProxy) <= known_options(ConfigurableHTTPProxy)
    assert set(configured.CognitoAuthenticator) <= known_options(CognitoAuthenticator)
    assert set(configured.AccountSpawner) <= known_options(AccountSpawner)


def test_the_authenticator_takes_its_options(configured: Config) -> None:
    authenticator = CognitoAuthenticator(config=configured)
    assert authenticator.client_secret == SECRET
    assert authenticator.authorize_url == "https://people.example.com/oauth2/authorize"
    assert authenticator.get_callback_url() == "https://hub.example.com/hub/oauth_callback"
    assert authenticator.logout_redirect_url == (
        "https://people.example.com/logout?client_id=the-client"
        "&logout_uri=https%3A%2F%2Fhub.example.com%2Fhub%2F"
    )
    assert authenticator.enable_pkce
    assert authenticator.auth_refresh_strict
    assert authenticator.reserved_name == "hub-probe"


def test_services_may_do_what_they_are_for(
    configured: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = {role["name"]: role for role in configured.JupyterHub.load_roles}
    assert by_name["metrics"]["scopes"] == ["read:metrics"]
    assert all(scope.endswith("!user=hub-probe") for scope in by_name["probe"]["scopes"])
    culler = by_name["idle-culler"]["scopes"]
    assert not [scope for scope in culler if scope.startswith(("admin", "access", "tokens"))]
    monkeypatch.setattr(scopes, "scope_definitions", dict(scopes.scope_definitions))
    scopes.define_custom_scopes(configured.JupyterHub.custom_scopes)
    for role in by_name.values():
        scopes._check_scopes_exist(role["scopes"], who_for=role["name"])


def test_no_service_remains_where_idle_servers_stay(configured: Config, tmp_path: Path) -> None:
    assert "idle-culler" in [service["name"] for service in configured.JupyterHub.services]
    settings = hub.Settings(**SETTINGS | {"secrets_dir": str(tmp_path), "idle_seconds": 0})
    known, granted = hub.services(settings)
    assert [service["name"] for service in known] == ["probe", "metrics"]
    assert "idle-culler" not in [role["name"] for role in granted]


def test_a_server_gets_none_of_the_hosts_credentials(configured: Config) -> None:
    unit = configured.AccountSpawner.unit_extra_properties
    assert "169.254.169.254" in unit["IPAddressDeny"]
    assert {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= set(unit["UnsetEnvironment"].split())
    assert "-/run/jupyterhub-secrets" in unit["InaccessiblePaths"].split()
    assert unit["TasksMax"] == "512"
    assert "PATH" not in configured.AccountSpawner.env_keep
    assert "PYTHONPATH" not in configured.AccountSpawner.env_keep


def test_variables_are_text_whatever_their_value(configured: Config) -> None:
    environment = configured.AccountSpawner.environment
    assert environment["JUPYTERHUB_ACTIVITY_INTERVAL"] == "90"


def test_the_key_has_the_length_that_the_hub_wants(configured: Config) -> None:
    assert [len(key) for key in configured.CryptKeeper["keys"]] == [32]
