"""What a host is like, as JSON: its files, its units, and how its services run.

A test sends this to a host, where root's Python 3.11 runs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

FOLDERS = ("/etc", "/opt", "/usr/local")
# Accounts of people come and go by the hub; the rest is written by what reads it.
LEFT_OUT = re.compile(
    r"/etc/((passwd|group|shadow|gshadow|subuid|subgid)-?|\.pwd\.lock|\.updated|resolv\.conf|mtab)"
    r"|.*\.pyc|.*/__pycache__"
)
# So many files that only what they are together is told.
TOGETHER = re.compile(r"/opt/[^/]+(?:/releases/[^/]+)?(?=/)")
WHOLE_BYTES = 100_000

UNITS = ["pygrid*", "jupyterhub*", "nginx.service", "ssh.service", "nftables.service"]
UNITS += ["postgresql@*", "prometheus-node-exporter.service", "systemd-journald.service"]
# What differs between two runs of a unit, not what it was told.
OF_A_RUN = re.compile(
    r".*(Timestamp|PID|Usage|Current|Peak|Available|NextElapse|LastTrigger|ControlGroup).*"
    r"|Exec(Main|Start|Stop|Reload|Condition)\w*(Code|Status)|InvocationID|NRestarts|Job|Result"
    r"|IO\w+|IP\w+(Bytes|Packets)|(Active|Sub)State|Status(Text|Errno)|UID|GID|.*Result"
    r"|Effective\w+|TriggeredBy|ActivationDetails|FreezerState|(CanClean|Refs|Markers)"
    # Known only while it runs; and what others, which come and go, say of the unit.
    r"|WatchdogUSec|NFileDescriptorStore|Before|RequiredBy|SliceOf"
)
RUN_OF_A_COMMAND = re.compile(r" ; start_time=.*?(?= \})| ; next_elapse=.*?(?= \})")
VARIABLES_OF_A_RUN = {"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MAINPID"}
VARIABLES_OF_A_RUN |= {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"}

READ_AT_START = {
    "jupyterhub.service": ["/etc/jupyterhub/*.*", "/usr/local/lib/jupyterhub/jupyterhub_host/*.py"],
    "systemd-journald.service": ["/etc/systemd/journald.conf.d/*.conf"],
    "nginx.service": ["/etc/nginx/nginx.conf", "/etc/nginx/sites/*.conf"],
    "postgresql@15-main.service": ["/etc/postgresql/15/main/conf.d/*.conf"],
}


def shown(*arguments: str, user: int = 0, group: int = 0) -> str:
    """Return what a command prints."""
    as_whom: dict[str, Any] = {"user": user, "group": group, "extra_groups": [group]}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, **as_whom)
    return str(done.stdout)


def file(path: Path) -> str:
    """Return what a file or folder is."""
    found = path.lstat()
    what = f"{stat.filemode(found.st_mode)} {found.st_uid} {found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"{what} {path.readlink()}"
    if not stat.S_ISREG(found.st_mode):
        return what
    if found.st_size > WHOLE_BYTES:
        return f"{what} {found.st_size}"
    return f"{what} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def files() -> dict[str, str]:
    """Return what each file is, by its path, or by the folder that is told as one."""
    told: dict[str, str] = {}
    together: dict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
    for top in FOLDERS:
        for folder, names, others in os.walk(top):
            names.sort()
            for path in (Path(folder, name) for name in sorted(names + others)):
                if LEFT_OUT.fullmatch(str(path)):
                    continue
                if one := TOGETHER.match(str(path)):
                    together[one[0]].update(f"{path} {file(path)}\n".encode())
                else:
                    told[str(path)] = file(path)
    return told | {folder: digest.hexdigest() for folder, digest in together.items()}


def properties(unit: str) -> dict[str, str]:
    """Return what systemd has of a unit."""
    lines = shown("systemctl", "show", "--all", "--", unit).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def told_of(value: str) -> str:
    """Return what a property tells but for the last run; lists of units come in any order."""
    if "{" in value:
        return RUN_OF_A_COMMAND.sub("", value)
    return " ".join(sorted(value.split()))


def began(process: int) -> float:
    """Return when a process was started, in seconds since the epoch."""
    after_boot = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + after_boot / os.sysconf("SC_CLK_TCK")


def reader(unit: str, process: int) -> int:
    """Return the process of a service that has read its files: nginx' are its workers' on."""
    if unit != "nginx.service":
        return process
    listed = shown("ps", "--ppid", str(process), "-o", "pid=,args=")
    workers = [line.split()[0] for line in listed.splitlines() if "shutting down" not in line]
    return min(map(int, workers), key=began)


def is_current(unit: str, process: int, patterns: list[str]) -> bool:
    """Whether a process began after the files that it reads then were changed."""
    read = [path for pattern in patterns for path in Path("/").glob(pattern[1:])]
    return began(reader(unit, process)) > max(path.lstat().st_ctime for path in read)


def services() -> dict[str, object]:
    """Return what systemd has of each unit, and how its process runs."""
    told: dict[str, object] = {}
    plainly = ("--all", "--plain", "--no-legend", *UNITS)
    # systemd forgets a slice in which nobody runs, but its file tells of it.
    listed = shown("systemctl", "list-units", *plainly)
    listed += shown("systemctl", "list-unit-files", *plainly)
    units = {line.split()[0] for line in listed.splitlines()}
    for unit in sorted(unit for unit in units if "@." not in unit):
        found = properties(unit)
        # Slices that it makes by itself have no file.
        if found["LoadState"] != "loaded" or not found["FragmentPath"]:
            continue
        for name, value in found.items():
            if not OF_A_RUN.fullmatch(name):
                told[f"{unit} {name}"] = told_of(value)
        process = int(found.get("MainPID", "0"))
        # What a timer has just started may end at any time.
        if not process or found["Type"] == "oneshot":
            continue
        running = Path(f"/proc/{process}")
        told[f"{unit} command"] = (running / "cmdline").read_text().split("\0")
        # In a container root itself may not look into the processes of others.
        owner = running.stat()
        environment = shown("cat", f"{running}/environ", user=owner.st_uid, group=owner.st_gid)
        variables = environment.split("\0")
        told[f"{unit} environment"] = sorted(
            each for each in variables if each.partition("=")[0] not in VARIABLES_OF_A_RUN
        )
        if unit in READ_AT_START:
            told[f"{unit} is current"] = is_current(unit, process, READ_AT_START[unit])
    return told


print(json.dumps(files() | services()))
