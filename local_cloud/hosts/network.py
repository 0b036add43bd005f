"""The network of the hosts, and the container that keeps its gateway there before any host runs."""

from pathlib import Path

from local_cloud.errors import LocalCloudError
from local_cloud.hosts import image, machine, podman
from local_cloud.settings import Settings

LABEL = "artificien.state-dir"


def _found(settings: Settings) -> bool:
    return settings.network in podman.run(
        settings, "network", "ls", "--quiet", "--filter", f"name=^{settings.network}$"
    )


def _owner(settings: Settings) -> str:
    (network,) = podman.listed(settings, "network", "inspect", settings.network)
    return str((network.get("labels") or {}).get(LABEL))


def exists(settings: Settings) -> bool:
    """Tell whether the network is there, with its gateway.

    Raises:
        LocalCloudError: its addresses are somebody else's.
    """
    if _found(settings):
        owner = _owner(settings)
        if owner != str(settings.state_dir):
            if not Path(owner, settings.hosts_file.name).exists():
                # Its local cloud was removed by hand.
                return False
            raise LocalCloudError(
                f"The subnet {settings.subnet} belongs to the local cloud of {owner}: run "
                "`make down` there, or choose another one by LOCAL_CLOUD_SUBNET."
            )
        return _anchor_runs(settings)
    interface = machine.overlapping_interface(settings.hosts_subnet)
    if interface:
        raise LocalCloudError(
            f"The subnet {settings.subnet} is in use by the interface {interface}: choose another "
            "one by LOCAL_CLOUD_SUBNET."
        )
    return False


def _anchor_runs(settings: Settings) -> bool:
    return bool(podman.run(settings, "ps", "--quiet", "--filter", f"name=^{settings.network}$"))


def provide(settings: Settings) -> None:
    """Make the network and start its anchor."""
    if _found(settings) and _owner(settings) != str(settings.state_dir):
        remove(settings)
    if not _found(settings):
        podman.run(
            settings,
            *("network", "create", "--disable-dns", "--subnet", str(settings.subnet)),
            *("--gateway", settings.host, "--label", f"{LABEL}={settings.state_dir}"),
            settings.network,
        )
    podman.run(
        settings,
        *("run", "--detach", "--replace", "--name", settings.network),
        *("--network", settings.network, "--ip", str(settings.hosts_subnet[2])),
        *("--entrypoint", '["sleep", "infinity"]', image.name(settings)),
    )


def containers(settings: Settings) -> list[str]:
    """Return the ids of all containers of the network."""
    return podman.run(
        settings, "ps", "--all", "--quiet", "--filter", f"network={settings.network}"
    ).split()


def remove(settings: Settings) -> None:
    """Remove the network and every container in it."""
    if not _found(settings):
        return
    if found := containers(settings):
        podman.run(settings, "rm", "--force", "--time", "0", "--volumes", *found)
    podman.run(settings, "network", "rm", settings.network)
