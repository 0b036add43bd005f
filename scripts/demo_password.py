"""Print how to sign in as one of the demo users."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def read(path: Path) -> str:
    """Return the content of a file that a deployment writes."""
    if not path.exists():
        sys.exit(f"{path} is missing: deploy the environment from this machine first.")
    return path.read_text()


def read_secret(account: dict[str, str], name: str) -> str:
    """Return a secret of the account that the outputs describe, by the shell's credentials."""
    client: Any = boto3.client(
        "secretsmanager",
        region_name=account["region"],
        endpoint_url=account["endpoint_url"] or None,
        aws_access_key_id=account.get("access_key_id"),
        aws_secret_access_key=account.get("secret_access_key"),
    )
    try:
        return str(client.get_secret_value(SecretId=name)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"The secret {name} cannot be read: {error}")


def main() -> None:
    """Print the names and the password of the demo users, from an environment's build folder."""
    folder = Path(sys.argv[1])
    outputs = json.loads(read(folder / "outputs.json"))
    secret = outputs.get("seed_data", {}).get("demo_login")
    if secret is None:
        sys.exit("This environment has no demo users: set seed_data_demo_users and deploy it.")
    users = [json.loads(line) for line in read(folder / "seed/users.jsonl").splitlines()]
    print("user names:", ", ".join(user["username"] for user in users))
    print("password:  ", read_secret(outputs["aws"], secret))


if __name__ == "__main__":
    main()
