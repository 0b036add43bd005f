"""``jupyterhub-secrets``: require that the fetched secrets are what hub and proxy need.

An empty one would be worse than none: a proxy with an empty token lets everybody change its routes.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from .config import section

# A generated one has 43 characters; the hub takes no tokens of more than 64.
_SHORTEST, _LONGEST = 32, 64


@dataclass(frozen=True)
class Settings:
    """What is known of the secrets.

    Attributes:
        secrets_dir: Where they lie.
        client_id: The hub's client of the user pool.
    """

    secrets_dir: str
    client_id: str


class SecretError(Exception):
    """A secret that cannot be used; the text says which, and why."""


def check(settings: Settings) -> None:
    """Look at all secrets.

    Raises:
        SecretError: One is not what it must be.
    """
    folder = Path(settings.secrets_dir)
    for name in ("crypt_key", "proxy_token", "probe_token", "metrics_token"):
        length = len((folder / name).read_text().strip())
        if not _SHORTEST <= length <= _LONGEST:
            raise SecretError(
                f"The secret {name} has {length} characters, not {_SHORTEST} to {_LONGEST}. "
                "Delete it in Secrets Manager and deploy again, so that another is made."
            )
    try:
        credentials = json.loads((folder / "jupyter_credentials").read_text())
        client, secret = credentials["client_id"], credentials["client_secret"]
    except (ValueError, KeyError, TypeError):
        raise SecretError(
            "The secret jupyter_credentials is no JSON with client_id and client_secret."
        ) from None
    if not secret:
        raise SecretError("The secret jupyter_credentials has an empty client_secret.")
    if client != settings.client_id:
        raise SecretError(
            f"The secret jupyter_credentials is of the client {client}, but the hub is "
            f"{settings.client_id}."
        )


def write_environment(settings: Settings) -> None:
    """Write what systemd hands to the proxy, which reads its token from its environment only."""
    folder = Path(settings.secrets_dir)
    file = folder / "proxy.env"
    file.touch(0o600)
    file.write_text(f"CONFIGPROXY_AUTH_TOKEN={(folder / 'proxy_token').read_text().strip()}\n")


def main() -> None:
    """Check the secrets and write what is made of them."""
    settings = Settings(**section("secrets"))
    try:
        check(settings)
    except SecretError as error:
        sys.exit(str(error))
    write_environment(settings)


if __name__ == "__main__":
    main()
