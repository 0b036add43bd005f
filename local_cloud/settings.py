"""What a local cloud is made of: its address, its directories, its process environment."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from local_cloud.errors import LocalCloudError

REPOSITORY = Path(__file__).resolve().parent.parent

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4566
BUILD_DIR = REPOSITORY / "build"
DEFAULT_STATE_DIR = BUILD_DIR / "local"
DEFAULT_EMULATOR_VENV = BUILD_DIR / "emulator-venv"

MARKER_VARIABLE = "ARTIFICIEN_LOCAL_CLOUD"
"""Set, to the state directory, in the emulator and so in every process it starts."""

LOCAL_NETWORKS = tuple(
    ipaddress.IPv4Network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)

LAST_PORT = 65535

OVERRIDES = "inventories/local/group_vars/all/site.yml"
"""Where a person sets another address or port; git ignores it."""

# Everything else is left out on purpose: credentials, endpoints and Docker settings of the person
# who starts the emulator would otherwise reach it and the functions that it runs.
INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ")


def check_host(host: str) -> str:
    """Return ``host`` if the emulator may listen there.

    Raises:
        LocalCloudError: unless it is a loopback or private IPv4 address.
    """
    remedy = (
        "give 127.0.0.1, or the private IPv4 address of a bridge that containers can reach "
        f"(local_cloud_host: 10.88.0.1 in {OVERRIDES}, for example)"
    )
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        raise LocalCloudError(f"{host!r} is not an IPv4 address: {remedy}.") from None
    if not any(address in network for network in LOCAL_NETWORKS):
        raise LocalCloudError(
            f"The emulator must not listen on {host}, where others could reach it: {remedy}."
        )
    return str(address)


def check_port(port: int) -> int:
    """Return ``port`` if it is a TCP port number, else raise LocalCloudError."""
    if not 1 <= port <= LAST_PORT:
        raise LocalCloudError(f"{port} is not a TCP port: give a number from 1 to {LAST_PORT}.")
    return port


@dataclass(frozen=True)
class Settings:
    """One local cloud; paths are absolute."""

    host: str
    port: int
    state_dir: Path
    emulator_venv: Path

    @classmethod
    def checked(cls, host: str, port: int, state_dir: Path, emulator_venv: Path) -> "Settings":
        """Build settings from what a person gave.

        Raises:
            LocalCloudError: if one of them cannot be used.
        """
        return cls(
            host=check_host(host),
            port=check_port(port),
            state_dir=state_dir.resolve(),
            # Not resolved: the path of a virtual environment is its identity.
            emulator_venv=Path(os.path.abspath(emulator_venv)),  # noqa: PTH100 - as said
        )

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients connect to."""
        return f"http://{self.host}:{self.port}"

    @property
    def python(self) -> Path:
        """The interpreter that runs the emulator."""
        return self.emulator_venv / "bin" / "python"

    @property
    def log_file(self) -> Path:
        """What the emulator wrote to its output, all starts of it one after the other."""
        return self.state_dir / "emulator.log"

    @property
    def record_file(self) -> Path:
        """Which process the emulator is."""
        return self.state_dir / "emulator.json"

    @property
    def temporary_dir(self) -> Path:
        """Where the emulator and its functions put temporary files."""
        return self.state_dir / "tmp"

    @property
    def home_dir(self) -> Path:
        """The home directory that the emulator and its functions see."""
        return self.state_dir / "home"

    def environment(self) -> dict[str, str]:
        """Return the emulator's whole process environment."""
        inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
        return inherited | {
            MARKER_VARIABLE: str(self.state_dir),
            "HOME": str(self.home_dir),
            "TMPDIR": str(self.temporary_dir),
            "PYTHONUNBUFFERED": "1",
            "BIND_HOST": self.host,
            "GATEWAY_PORT": str(self.port),
            # Functions would be sent to 127.0.0.1 whatever BIND_HOST says.
            "AWS_ENDPOINT_URL": self.endpoint_url,
            # At its start the emulator removes containers of any emulator it finds: it must not
            # find a Docker of the person's own.
            "DOCKER_HOST": f"unix://{self.state_dir / 'docker.sock'}",
            "AUTH": "true",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state_dir / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
        }
