"""``pygrid-secrets``: put the node's secrets where it reads them.

Asks again until it gets all of them: at boot the network may come late, and a secret that is
missing may be made at any time.
"""

import logging
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .config import Config, load

_LONGEST_WAIT_SECONDS = 30
_log = logging.getLogger(__name__)


def read(client: Any, name: str) -> str:
    """The value of a secret.

    Raises:
        ClientError, BotoCoreError: It cannot be had at the moment.
    """
    value: str = client.get_secret_value(SecretId=name)["SecretString"]
    return value


def fetch(config: Config) -> dict[str, str]:
    """The values of all secrets, by their files; waits until they can be had."""
    wait = 1
    while True:
        try:
            client = boto3.client("secretsmanager", region_name=config.region)
            return {file: read(client, name) for file, name in config.secrets.items()}
        except (BotoCoreError, ClientError) as error:
            _log.warning("%s Asking again in %s seconds.", error, wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def main() -> None:
    """Fetch the secrets and write them."""
    logging.basicConfig(format="%(message)s")
    config = load()
    for file, value in fetch(config).items():
        path = Path(config.secrets_dir, file)
        path.write_text(value)
        path.chmod(0o640)


if __name__ == "__main__":
    main()
