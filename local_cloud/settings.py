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

DECISIONS_VARIABLE = "LOCAL_CLOUD_DECISIONS_FILE"
"""Names the file that decisions of policies go to; without it they are not written."""

LOCAL_NETWORKS = tuple(
    ipaddress.IPv4Network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)

LAST_PORT = 65534
"""The fake Amplify listens on the one after the emulator's."""

AMPLIFY_PORT_VARIABLE = "LOCAL_CLOUD_AMPLIFY_PORT"
AMPLIFY_FILE_VARIABLE = "LOCAL_CLOUD_AMPLIFY_FILE"
"""Where the emulator's process has the fake Amplify listen, and keep what it was told."""

SUBNET_PREFIX_LENGTH = 24

OVERRIDES = "inventories/local/group_vars/all/site.yml"
"""Where a person sets another image of hosts; git ignores it."""

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
        "(LOCAL_CLOUD_HOST=10.88.0.1, for example)"
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


def check_subnet(subnet: str) -> ipaddress.IPv4Network:
    """Return ``subnet`` as a network.

    Raises:
        LocalCloudError: unless it is a private IPv4 network of 256 addresses.
    """
    remedy = f"give a private network such as 10.213.47.0/{SUBNET_PREFIX_LENGTH}"
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError:
        raise LocalCloudError(f"{subnet!r} is not an IPv4 network: {remedy}.") from None
    if network.prefixlen != SUBNET_PREFIX_LENGTH or not any(
        network.subnet_of(private) for private in LOCAL_NETWORKS[1:]
    ):
        raise LocalCloudError(f"The hosts cannot be in {subnet}: {remedy}.")
    return network


@dataclass(frozen=True)
class Settings:
    """One local cloud; paths are absolute."""

    host: str
    port: int
    state_dir: Path
    emulator_venv: Path
    subnet: ipaddress.IPv4Network | None = None
    """Where instances get hosts; without it they are records only."""
    image: str = ""
    """The ordinary image of Debian 12 to make hosts from; without it one is bootstrapped."""
    record: bool = False
    """Whether each decision of a policy is written to a file."""

    @classmethod
    def checked(
        cls,
        host: str,
        port: int,
        state_dir: Path,
        emulator_venv: Path,
        *,
        subnet: str = "",
        image: str = "",
        record: bool = False,
    ) -> "Settings":
        """Build settings from what a person gave.

        Raises:
            LocalCloudError: if one of them cannot be used.
        """
        network = check_subnet(subnet) if subnet else None
        return cls(
            # Hosts reach the gateway of their network, and nothing else of this machine.
            host=str(network[1]) if network else check_host(host),
            port=check_port(port),
            state_dir=state_dir.resolve(),
            # Not resolved: the path of a virtual environment is its identity.
            emulator_venv=Path(os.path.abspath(emulator_venv)),  # noqa: PTH100 - as said
            subnet=network,
            image=image,
            record=record,
        )

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients connect to."""
        return f"http://{self.host}:{self.port}"

    @property
    def amplify_port(self) -> int:
        """Where clients of Amplify connect to, at the same address."""
        return self.port + 1

    @property
    def python(self) -> Path:
        """The interpreter that runs the emulator."""
        return self.emulator_venv / "bin" / "python"

    @property
    def log_file(self) -> Path:
        """What the emulator wrote to its output, all starts of it one after the other."""
        return self.state_dir / "emulator.log"

    @property
    def decisions_file(self) -> Path:
        """What policies decided about requests, a line of JSON each."""
        return self.state_dir / "decisions.jsonl"

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

    @property
    def hosts_subnet(self) -> ipaddress.IPv4Network:
        """The subnet, where it is known that there is one."""
        if self.subnet is None:
            raise LocalCloudError("This local cloud has no hosts: give it a subnet.")
        return self.subnet

    @property
    def network(self) -> str:
        """The name of the hosts' network, and of the container that keeps it."""
        return f"artificien-{str(self.hosts_subnet.network_address).replace('.', '-')}"

    @property
    def ssh_key(self) -> Path:
        """The key by which hosts are reached."""
        return self.state_dir / "ssh" / "id_ed25519"

    @property
    def authorized_keys(self) -> Path:
        """What hosts mount of it."""
        return self.state_dir / "ssh" / "authorized_keys"

    @property
    def containers_conf(self) -> Path:
        """The settings of podman that this machine needs."""
        return self.state_dir / "containers.conf"

    @property
    def docker_socket(self) -> Path:
        """Where podman's API listens."""
        return self.state_dir / "docker.sock"

    @property
    def podman_record_file(self) -> Path:
        """Which process podman's API is."""
        return self.state_dir / "podman.json"

    @property
    def podman_log_file(self) -> Path:
        """What podman's API wrote to its output."""
        return self.state_dir / "podman.log"

    @property
    def hosts_file(self) -> Path:
        """There while there are hosts; holds their subnet."""
        return self.state_dir / "hosts.json"

    @property
    def lost_hosts_file(self) -> Path:
        """Which hosts ended with a restart."""
        return self.state_dir / "lost_hosts.json"

    def _hosts_environment(self) -> dict[str, str]:
        if self.subnet is None:
            return {}
        return {
            "LOCAL_CLOUD_SUBNET": str(self.subnet),
            "LOCAL_CLOUD_AUTHORIZED_KEYS": str(self.authorized_keys),
            "DOCKER_NETWORK": self.network,
            "MINISTACK_DOCKER_TIMEOUT": "60",
            # Containers of another local cloud are told apart by this name and the port.
            "MINISTACK_HOSTNAME": self.host,
            # URLs in answers, which hosts use as well.
            "MINISTACK_HOST": self.host,
        }

    def environment(self) -> dict[str, str]:
        """Return the emulator's whole process environment."""
        inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
        return (
            inherited
            | self._hosts_environment()
            | ({DECISIONS_VARIABLE: str(self.decisions_file)} if self.record else {})
            | {
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
                "DOCKER_HOST": f"unix://{self.docker_socket}",
                "AUTH": "true",
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self.state_dir / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.state_dir / "s3"),
                AMPLIFY_PORT_VARIABLE: str(self.amplify_port),
                AMPLIFY_FILE_VARIABLE: str(self.state_dir / "amplify_fake.json"),
            }
        )
