"""The SSH key by which this machine reaches its hosts."""

import subprocess

from local_cloud.hosts import machine
from local_cloud.settings import Settings


def exist(settings: Settings) -> bool:
    """Tell whether there is a key, and what hosts mount of it."""
    return settings.ssh_key.exists() and settings.authorized_keys.exists()


def provide(settings: Settings) -> None:
    """Make a key."""
    settings.ssh_key.parent.mkdir(parents=True, exist_ok=True)
    settings.ssh_key.unlink(missing_ok=True)
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "local-cloud", "-f"]
    subprocess.run([*make, settings.ssh_key], check=True)  # noqa: S603 - the arguments are ours
    public = settings.ssh_key.with_suffix(".pub")
    # A host's SSH server trusts only what root or the user themselves could have written.
    subprocess.run(  # noqa: S603 - as above
        machine.as_root(
            ["install", "-o", "root", "-m", "0644", str(public), str(settings.authorized_keys)]
        ),
        check=True,
    )
