"""``fetch-secrets``: put secrets of Secrets Manager where a service reads them.

Asks again until it gets all of them: at boot the network may come late, and a secret that is
missing may be made at any time.
"""

import argparse
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_LONGEST_WAIT_SECONDS = 30
_log = logging.getLogger(__name__)


def read(client: Any, name: str) -> str:
    """The value of a secret.

    Raises:
        ClientError, BotoCoreError: It cannot be had at the moment.
    """
    value: str = client.get_secret_value(SecretId=name)["SecretString"]
    return value


def fetch(region: str, names: Mapping[str, str]) -> dict[str, str]:
    """The values of secrets; waits until they can be had.

    Args:
        region: Their AWS region.
        names: Their names in Secrets Manager, by whatever the values are to be known by.
    """
    wait = 1
    while True:
        try:
            client = boto3.client("secretsmanager", region_name=region)
            return {key: read(client, name) for key, name in names.items()}
        except (BotoCoreError, ClientError) as error:
            _log.warning("%s Asking again in %s seconds.", error, wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def write(folder: Path, values: Mapping[str, str], mode: int) -> None:
    """Write each value to the file of its name, which never holds a part of it."""
    for name, value in values.items():
        new = folder / f".{name}.new"
        new.unlink(missing_ok=True)
        new.touch(0o600)
        new.write_text(value)
        new.chmod(mode)
        os.replace(new, folder / name)  # noqa: PTH105


def main() -> None:
    """Fetch secrets and write them."""
    parser = argparse.ArgumentParser(prog="fetch-secrets", description=main.__doc__)
    parser.add_argument("--region", required=True, help="their AWS region")
    parser.add_argument("--folder", required=True, type=Path, help="where the files belong")
    parser.add_argument("--mode", default="0600", help="permissions of the files (%(default)s)")
    parser.add_argument("secrets", nargs="*", metavar="file=name", help="file and secret")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    names = dict(secret.split("=", 1) for secret in arguments.secrets)
    values = fetch(arguments.region, names)
    write(arguments.folder, values, int(arguments.mode, 8))


if __name__ == "__main__":
    main()
