"""The configuration of the hub, from the host's settings and its secrets."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .authenticator import TOKENS_SCOPE, CognitoAuthenticator
from .config import section
from .spawner import AccountSpawner

_METADATA = "169.254.169.254 fd00:ec2::254"
# What points AWS clients of the host at its own credentials; a user's find those of the user.
_HOST_CREDENTIALS = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
]


@dataclass(frozen=True)
class Settings:
    """The settings of the hub.

    Attributes:
        url: Its address for browsers.
        hub_port, proxy_port, proxy_api_port: Ports of the loopback interface.
        state_dir: Where its database lies.
        secrets_dir: Where its secrets lie.
        hosted_ui_url: Where people sign in and out.
        client_id: The hub's client of the user pool.
        allowed_groups, admin_groups: Who may log in, and who administers the hub.
        refresh_seconds: After which the pool is asked again about a user.
        cache_seconds: For which a server believes the hub.
        user_environment_dir: The environment that servers run in.
        accounts_group: The group of all accounts.
        links: Folders by the names that they have in each home.
        environment: Variables of servers.
        memory_max_mib, cpus, tasks_max: What a server may use.
        slice: The unit that all servers are in.
        hidden: Folders that servers do not see.
        spawn_timeout_seconds, concurrent_spawns: Patience with servers that start.
        idle_seconds, idle_check_seconds: When idle servers are stopped; 0 for never.
        culler_user: As whom what stops them runs.
        probe_user: The user that the probe spawns a server for.
    """

    url: str
    hub_port: int
    proxy_port: int
    proxy_api_port: int
    state_dir: str
    secrets_dir: str
    hosted_ui_url: str
    client_id: str
    allowed_groups: list[str]
    admin_groups: list[str]
    refresh_seconds: int
    cache_seconds: int
    user_environment_dir: str
    accounts_group: str
    links: dict[str, str]
    environment: dict[str, str]
    memory_max_mib: int
    cpus: float
    tasks_max: int
    slice: str
    hidden: list[str]
    spawn_timeout_seconds: int
    concurrent_spawns: int
    idle_seconds: int
    idle_check_seconds: int
    culler_user: str
    probe_user: str

    def secret(self, name: str) -> str:
        """The value of a secret."""
        return Path(self.secrets_dir, name).read_text().strip()


def configure(c: Any) -> None:
    """Configure the hub, its authenticator, its spawner and its services."""
    settings = Settings(**section("hub"))
    _hub(c.JupyterHub, settings)
    # It is a service of its own, which goes on without the hub.
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = settings.secret("proxy_token")
    c.JupyterHub.services, c.JupyterHub.load_roles = services(settings)
    # A key of the length that the hub wants, whatever the secret's is.
    c.CryptKeeper.keys = [hashlib.sha256(settings.secret("crypt_key").encode()).digest()]
    _authenticator(c.CognitoAuthenticator, settings)
    configure_spawner(c.AccountSpawner, settings)


def _hub(hub: Any, settings: Settings) -> None:
    hub.bind_url = f"http://127.0.0.1:{settings.proxy_port}"
    hub.public_url = settings.url
    hub.hub_bind_url = f"http://127.0.0.1:{settings.hub_port}"
    hub.db_url = f"sqlite:///{settings.state_dir}/jupyterhub.sqlite"
    hub.cookie_secret_file = f"{settings.state_dir}/cookie_secret"
    hub.upgrade_db = True
    # The servers outlive the hub.
    hub.cleanup_servers = False
    hub.cleanup_proxy = False
    hub.shutdown_on_logout = False
    hub.concurrent_spawn_limit = settings.concurrent_spawns
    hub.authenticate_prometheus = True
    hub.authenticator_class = CognitoAuthenticator
    hub.spawner_class = AccountSpawner
    hub.custom_scopes = {TOKENS_SCOPE: {"description": "Read the own tokens of the user pool."}}


def services(settings: Settings) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The services beside the hub, and who may do what."""
    own = f"{TOKENS_SCOPE}!user"
    probe = f"!user={settings.probe_user}"
    known: list[dict[str, Any]] = [
        {"name": "probe", "api_token": settings.secret("probe_token")},
        {"name": "metrics", "api_token": settings.secret("metrics_token")},
    ]
    roles: list[dict[str, Any]] = [
        {"name": "user", "scopes": ["self", own]},
        {"name": "server", "scopes": ["users:activity!user", "access:servers!server", own]},
        {"name": "probed", "users": [settings.probe_user], "scopes": []},
        {
            "name": "probe",
            "services": ["probe"],
            "scopes": [f"{scope}{probe}" for scope in ("servers", "read:users", "access:servers")],
        },
        {"name": "metrics", "services": ["metrics"], "scopes": ["read:metrics"]},
    ]
    if settings.idle_seconds:
        known.append(
            {
                "name": "idle-culler",
                "user": settings.culler_user,
                "command": [
                    "jupyterhub-idle-culler",
                    f"--timeout={settings.idle_seconds}",
                    f"--cull-every={settings.idle_check_seconds}",
                ],
            }
        )
        roles.append(
            {
                "name": "idle-culler",
                "services": ["idle-culler"],
                "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
            }
        )
    return known, roles


def _authenticator(authenticator: Any, settings: Settings) -> None:
    ui = settings.hosted_ui_url
    credentials = json.loads(settings.secret("jupyter_credentials"))
    leaving = {"client_id": settings.client_id, "logout_uri": f"{settings.url}/hub/"}
    authenticator.client_id = settings.client_id
    authenticator.client_secret = credentials["client_secret"]
    authenticator.authorize_url = f"{ui}/oauth2/authorize"
    authenticator.token_url = f"{ui}/oauth2/token"
    authenticator.oauth_callback_url = f"{settings.url}/hub/oauth_callback"
    authenticator.logout_redirect_url = f"{ui}/logout?{urlencode(leaving)}"
    authenticator.scope = ["openid", "email", "profile", "aws.cognito.signin.user.admin"]
    authenticator.basic_auth = True
    authenticator.enable_pkce = True
    authenticator.auto_login = True
    authenticator.login_service = "Artificien"
    authenticator.username_claim = "username"
    authenticator.enable_auth_state = True
    authenticator.manage_groups = True
    authenticator.allowed_groups = set(settings.allowed_groups)
    authenticator.admin_groups = set(settings.admin_groups)
    authenticator.auth_refresh_age = settings.refresh_seconds
    authenticator.auth_refresh_strict = True
    authenticator.refresh_pre_spawn = True
    authenticator.review_seconds = settings.refresh_seconds
    authenticator.reserved_name = settings.probe_user
    authenticator.custom_403_message = (
        "You are signed in, but in none of the groups that may use this hub. An operator of the "
        f"platform can let you in. To sign in as somebody else, open {settings.url}/hub/logout"
    )


def configure_spawner(spawner: Any, settings: Settings) -> None:
    """Configure what starts servers."""
    spawner.accounts_group = settings.accounts_group
    spawner.links = settings.links
    spawner.environment_dir = settings.user_environment_dir
    spawner.default_shell = "/bin/bash"
    spawner.default_url = "/lab"
    spawner.args = [f"--HubOAuth.cache_max_age={settings.cache_seconds}"]
    spawner.env_keep = ["LANG", "LC_ALL"]
    # Numbers, too, are strings in an environment.
    spawner.environment = {name: str(value) for name, value in settings.environment.items()}
    spawner.mem_limit = f"{settings.memory_max_mib}M"
    spawner.cpu_limit = settings.cpus
    spawner.start_timeout = settings.spawn_timeout_seconds
    spawner.http_timeout = settings.spawn_timeout_seconds
    spawner.slice = settings.slice
    spawner.isolate_tmp = True
    spawner.isolate_devices = True
    spawner.disable_user_sudo = True
    spawner.unit_extra_properties = sandbox(settings)


def sandbox(settings: Settings) -> dict[str, str]:
    """What a server may not do, as properties of its unit."""
    return {
        "TasksMax": str(settings.tasks_max),
        "MemorySwapMax": "0",
        "UMask": "0077",
        "LimitCORE": "0",
        "CapabilityBoundingSet": "",
        "RestrictSUIDSGID": "yes",
        "RestrictNamespaces": "yes",
        "RestrictRealtime": "yes",
        "LockPersonality": "yes",
        "ProtectSystem": "full",
        "ProtectClock": "yes",
        "ProtectControlGroups": "yes",
        "ProtectHostname": "yes",
        "ProtectKernelLogs": "yes",
        "ProtectKernelModules": "yes",
        "ProtectKernelTunables": "yes",
        "ProtectProc": "invisible",
        "SystemCallArchitectures": "native",
        "InaccessiblePaths": " ".join(f"-{path}" for path in settings.hidden),
        # The credentials of the host are not its users'.
        "IPAddressDeny": _METADATA,
        "UnsetEnvironment": " ".join(_HOST_CREDENTIALS),
    }
