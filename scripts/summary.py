"""Print what a deployment put where, and a command to try it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

CALLBACK = "http://localhost:3000/callback"
RESTORES = {
    "artificien-local-pygrid": "make restore ENV=local",
    "artificien-local-jupyterhub": "make restore-hub ENV=local",
}


def lines(outputs: dict[str, Any], indent: str = "  ") -> list[str]:
    """Return the outputs as indented lines, without secrets and certificates."""
    made = []
    for key, value in outputs.items():
        if isinstance(value, dict):
            made += [f"{indent}{key}", *lines(value, indent + "  ")]
        elif "secret" not in key and "\n" not in str(value):
            made.append(f"{indent}{key:<18} {value}")
    return made


def sign_in_url(accounts: dict[str, Any]) -> str:
    """Return the address at which people sign up and in to the native app."""
    return f"{accounts['hosted_ui_url']}/oauth2/authorize?" + urlencode(
        {
            "client_id": accounts["clients"]["native"],
            "response_type": "code",
            "scope": "openid email profile",
            "redirect_uri": CALLBACK,
        }
    )


def notebooks(outputs: dict[str, Any]) -> str:
    """Return where people find notebooks, and how others may come; nothing without a hub."""
    if "jupyterhub" not in outputs:
        return ""
    return (
        "\nNotebooks, for demo users and whoever else is in the group data-scientists; browsers\n"
        "warn of the certificate, which no authority has signed:\n"
        f"\n  {outputs['jupyterhub']['url']}\n"
        "  make add-to-group ENV=local NAME=<user name> GROUP=data-scientists\n"
    )


def take_lost_hosts(path: Path) -> list[str]:
    """Return which hosts ended with a restart of the local cloud, and forget it."""
    try:
        lost: list[str] = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    path.unlink()
    return lost


def main() -> None:
    """Print the summary of the outputs file that the command line names."""
    path = Path(sys.argv[1])
    outputs = json.loads(path.read_text())
    print("\nThe platform is up:\n", *lines(outputs), sep="\n")
    if lost := take_lost_hosts(path.with_name("lost_hosts.json")):
        print(
            f"\nThe local cloud was restarted, which ended and rebuilt: {', '.join(lost)}.\n"
            "Their data is as it was at the last backup after:\n"
        )
        print(*(f"  {command}" for host, command in RESTORES.items() if host in lost), sep="\n")
    print(
        "\nSign up or in as people do, by the hosted UI; codes of e-mails are 123456 here:\n"
        f"\n  {sign_in_url(outputs['cognito'])}\n"
        "\nmake demo-password prints how to sign in as a demo user.\n"
        f"{notebooks(outputs)}"
        "\nTry it: register a dataset as the marketplace does, and read its sample:\n"
        "\n  build/venv/bin/python examples/register_dataset.py My-First-App\n"
        f"\nAll of it is in {path}; make down removes it."
    )


if __name__ == "__main__":
    main()
