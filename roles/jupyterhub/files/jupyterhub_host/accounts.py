"""The accounts of people on the host: one for each user of the hub, made when it is needed."""

import hashlib
import pwd
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_PREFIX = "jupyter-"
# Of the 32 characters that a name may have, these are left beside prefix, hyphen and hash.
_SLUG = 15
_HASH = 8
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LIKE_HASHED = re.compile(rf".*-[0-9a-f]{{{_HASH}}}")


def account_of(name: str) -> str:
    """The name of the account of a user of the hub.

    No two users share one: what is no plain name, or looks like one of these, ends with a hash.
    """
    plain = _PLAIN.fullmatch(name) and not _LIKE_HASHED.fullmatch(name)
    if plain and len(name) <= _SLUG + 1 + _HASH:
        return _PREFIX + name
    slug = re.sub("[^a-z0-9]+", "-", name.lower())[:_SLUG].strip("-") or "user"
    return f"{_PREFIX}{slug}-{hashlib.sha256(name.encode()).hexdigest()[:_HASH]}"


def provide(account: str, group: str, links: Mapping[str, str]) -> Path:
    """See that an account exists, with its links; its home.

    Args:
        account: Its name.
        group: A group that it is in, beside its own.
        links: Folders by the names that they have in its home.
    """
    try:
        known = pwd.getpwnam(account)
    except KeyError:
        subprocess.run(  # noqa: S603 - the name is one of account_of
            ["useradd", "--create-home", "--key", "UMASK=077", "--key", "HOME_MODE=0700",  # noqa: S607 - root's PATH
             "--shell", "/bin/bash", "--groups", group, account],
            check=True,
        )  # fmt: skip
        known = pwd.getpwnam(account)
    home = Path(known.pw_dir)
    for name, target in links.items():
        link(home / name, target)
    return home


def link(path: Path, target: str) -> None:
    """Make a link, unless there is something of its owner's at its place."""
    try:
        path.symlink_to(target)
    except FileExistsError:
        return
