"""Print how to sign in as one of the demo users."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3


def secrets_manager(account: dict[str, str]) -> Any:
    """Return a client for the account that the outputs describe, by the shell's credentials."""
    return boto3.client(
        "secretsmanager",
        region_name=account["region"],
        endpoint_url=account["endpoint_url"] or None,
        aws_access_key_id=account.get("access_key_id"),
        aws_secret_access_key=account.get("secret_access_key"),
    )


def main() -> None:
    """Print the names and the password of the demo users, from an environment's build folder."""
    folder = Path(sys.argv[1])
    outputs = json.loads((folder / "outputs.json").read_text())
    secret = outputs.get("seed_data", {}).get("demo_login")
    if secret is None:
        sys.exit("This environment has no demo users: set seed_data_demo_users and deploy it.")
    users = [json.loads(line) for line in (folder / "seed/users.jsonl").read_text().splitlines()]
    password = secrets_manager(outputs["aws"]).get_secret_value(SecretId=secret)["SecretString"]
    print("user names:", ", ".join(user["username"] for user in users))
    print("password:  ", password)


if __name__ == "__main__":
    main()
