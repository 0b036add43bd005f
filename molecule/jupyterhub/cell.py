"""What somebody can and cannot do in a cell of a notebook; prints JSON."""

import getpass
import grp
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import urllib.request
from collections.abc import Callable

import boto3


def refused(action: Callable[[], object]) -> str:
    """Return the name of the error that something ends with, or nothing."""
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return ""


def tokens() -> dict[str, object]:
    """Ask the hub for the own tokens."""
    request = urllib.request.Request(  # noqa: S310 - the hub's own address
        os.environ["JUPYTERHUB_API_URL"] + "/cognito-tokens",
        headers={"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        found: dict[str, object] = json.load(answer)
    return found


home = pathlib.Path.home()
status = pathlib.Path("/proc/self/status").read_text()
print(
    json.dumps(
        {
            "user": getpass.getuser(),
            "groups": sorted(grp.getgrgid(group).gr_name for group in os.getgroups()),
            "mode": oct(home.stat().st_mode & 0o777),
            "umask": status.split("Umask:")[1].split()[0],
            "links": {name: str((home / name).readlink()) for name in ("sample_data", "tutorials")},
            "reads": (home / "tutorials/first.ipynb").exists(),
            "no_new_privileges": "NoNewPrivs:\t1" in status,
            "capabilities": status.split("CapBnd:")[1].split()[0].strip("0"),
            "group": pathlib.Path("/proc/self/cgroup").read_text(),
            "refused": {
                "write data": refused((home / "tutorials/mine").touch),
                "homes of others": refused(
                    lambda: list(pathlib.Path("/home/jupyter-grace").iterdir())
                ),
                "secrets": refused(lambda: list(pathlib.Path("/run/jupyterhub-secrets").iterdir())),
                "state": refused(lambda: list(pathlib.Path("/var/lib/jupyterhub").iterdir())),
                "metadata": refused(
                    lambda: urllib.request.urlopen("http://169.254.169.254/", timeout=5)
                ),
            },
            "sudo": subprocess.run(
                ["/usr/bin/sudo", "--non-interactive", "true"], capture_output=True, check=False
            ).returncode,
            "imports": [
                importlib.import_module(name).__name__
                for name in ("numpy", "pandas", "sklearn", "matplotlib", "artificien_notebook")
            ],
            "programs": [
                bool(shutil.which(name)) for name in ("pygrid-node", "artificien-credentials")
            ],
            "environment": sorted(name for name in os.environ if name.startswith("AWS_")),
            "identity": boto3.client("sts").get_caller_identity()["Arn"],
            "tokens": sorted(tokens()),
            "authorities": os.environ["SSL_CERT_FILE"],
        }
    )
)
