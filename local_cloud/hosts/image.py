"""The image that hosts start from: Debian 12 with systemd, SSH and Python."""

import functools
import hashlib
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

from local_cloud.errors import LocalCloudError
from local_cloud.hosts import machine, podman
from local_cloud.settings import OVERRIDES, Settings

SUITE = "bookworm"
HOST_REPOSITORY = "localhost/artificien-host"
BASE_REPOSITORY = "localhost/artificien-debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_RECIPE = Path(__file__).parent / "image"
_APT_SETTINGS = re.compile(r"Acquire::(https?::Proxy|Check-Valid-Until|Check-Date)\b", re.I)


def _output(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


@functools.cache
def sources() -> list[str]:
    """Return where this machine gets Debian 12 from, as lines of apt's; empty if it does not."""
    targets = _output(
        *("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"),
        *("Created-By: Packages", "Origin: Debian", "Component: main"),
    )
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    lines = dict.fromkeys(f"deb {signed}{target}" for target in targets if f" {SUITE}" in target)
    return [*lines]


def apt_settings() -> list[str]:
    """Return the settings of apt without which this machine would not reach its packages."""
    dumped = _output("apt-config", "dump", "--no-empty", '--format=%f "%v";%n', "Acquire")
    return [line for line in dumped if _APT_SETTINGS.match(line)]


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def base_name(settings: Settings) -> str:
    """Return the name of the bare Debian: the ordinary image that was chosen, or one of ours."""
    return settings.image or f"{BASE_REPOSITORY}:{_digest(sources(), apt_settings())}"


def name(settings: Settings) -> str:
    """Return the name of the image; it changes with whatever the image is made from."""
    recipe = [(path.name, path.read_bytes()) for path in sorted(_RECIPE.iterdir())]
    parts = (base_name(settings), recipe, machine.certificates(), platform.machine())
    return f"{HOST_REPOSITORY}:{_digest(*parts)}"


def _held(settings: Settings, image: str) -> bool:
    return bool(podman.run(settings, "images", "--quiet", image))


def exists(settings: Settings) -> bool:
    """Tell whether podman holds the image."""
    return _held(settings, name(settings))


def provide(settings: Settings) -> None:
    """Build the image.

    Raises:
        LocalCloudError: says which step failed, with its last words.
    """
    base = base_name(settings)
    if not settings.image and not _held(settings, base):
        _bootstrap(settings, base)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for path in _RECIPE.iterdir():
            (context / path.name).write_bytes(path.read_bytes())
        (context / "certificates").mkdir()
        for file_name, content in machine.certificates().items():
            (context / "certificates" / file_name).write_bytes(content)
        podman.run(
            settings,
            *("build", "--quiet", "--network", "host", "--format", "docker"),
            *("--build-arg", f"BASE={base}", "--tag", name(settings), folder),
        )


def _bootstrap(settings: Settings, image: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # apt's own user reads it too.
        os.chmod(folder, 0o755)  # noqa: S103, PTH101
        archive = Path(folder) / "debian.tar"
        options = [f"--aptopt={line}" for line in apt_settings()]
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            machine.as_root(
                ["mmdebstrap", "--variant=minbase", *options, SUITE, str(archive), *sources()]
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalCloudError(
                "Building the image of hosts failed. Name an ordinary image of Debian 12 by "
                f"local_cloud_image in {OVERRIDES} instead, or mend what mmdebstrap says: "
                f"{done.stderr.strip()[-2000:]}"
            )
        podman.run(settings, "import", "--quiet", str(archive), image)


def remove_all(settings: Settings) -> list[str]:
    """Remove every image of ours from podman's store, and return a note of each."""
    filters = [
        word
        for repository in (HOST_REPOSITORY, BASE_REPOSITORY)
        for word in ("--filter", f"reference={repository}")
    ]
    names = podman.run(settings, "images", *filters, "--format", "{{.Repository}}:{{.Tag}}").split()
    # In order: an image goes after those that are made from it.
    for each in names:
        podman.run(settings, "rmi", each)
    return [f"removed the image {each}" for each in names]
