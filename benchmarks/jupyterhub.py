"""What JupyterHub takes: log-ins, memory, many people at once, and the mirror of the samples.

Needs a deployed platform with its hosts, such as that of `make up`, and leaves nothing behind.
"""

from __future__ import annotations

import re
import ssl
import statistics
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from benchmarks.deployed import platform_of_arguments
from tests.accounts import PASSWORD, Accounts
from tests.browser import chromium, sign_in
from tests.hosts import on_host
from tests.lab import START_MILLISECONDS
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.deployment import Platform

GROUP = "data-scientists"
VISITORS = ["measured-1", "measured-2", "measured-3"]
CROWD = [f"crowd-{number}" for number in range(10)]
CROWD_SECONDS = 300
IDLE_SECONDS = 30
SAMPLES, SAMPLE = 200, b"Age,Sex\r\n" + b"30,1\r\n" * 500
FIELD = re.compile(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
# The proportional share of each process, so that what processes share counts once. Only their owner
# may ask where hosts are containers.
MEMORY = """
set -euo pipefail
for process in $(pgrep -u {account}); do
    runuser -u {account} -- sed -n 's/^Pss: *\\([0-9]*\\) kB$/\\1/p' /proc/$process/smaps_rollup
done
"""
# A unit that is started too often is refused.
SYNC = """
set -euo pipefail
systemctl reset-failed jupyterhub-sync@sample_data
begin=$(date +%s%N)
systemctl start jupyterhub-sync@sample_data
echo $(( $(date +%s%N) - begin ))
"""


@dataclass(frozen=True)
class Bench:
    """A platform, and what is measured of its hub."""

    platform: Platform
    guests: list[str] = field(default_factory=list)

    @property
    def accounts(self) -> Accounts:
        """Return the user pool."""
        return Accounts(self.platform)

    @property
    def url(self) -> str:
        """Return where the hub is."""
        return str(self.platform.outputs["jupyterhub"]["url"])

    def invite(self, names: list[str]) -> None:
        """Make people who may use the hub."""
        for name in names:
            self.accounts.join(name)
            self.guests.append(name)
            self.accounts.add_to_group(name, GROUP)

    def run(self, script: str) -> str:
        """Return what a script prints that root runs on the host."""
        return on_host(self.platform, "jupyterhub", script)

    def running(self) -> int:
        """Return how many of the guests have a running server."""
        units = self.run("systemctl list-units --plain --no-legend 'jupyter-*-server.service'")
        return sum(f"jupyter-{name}-server" in units for name in self.guests)

    def dismiss(self) -> None:
        """Delete the guests, and wait until their servers are stopped; remove their accounts."""
        rows = self.platform.cloud.resource("dynamodb").Table("user_table")
        for name in self.guests:
            self.accounts.delete(name)
            rows.delete_item(Key={"user_id": f"{name}@example.com"})
        wait_for(lambda: self.running() == 0, CROWD_SECONDS)
        for name in self.guests:
            self.run(f"userdel --remove jupyter-{name} 2>/dev/null || true")


def median(values: list[float]) -> str:
    """Return the median of some seconds, and the seconds."""
    return f"{statistics.median(values):.1f} s ({', '.join(f'{each:.1f}' for each in values)})"


def log_ins(bench: Bench) -> None:
    """Print what passes from the hub's address to JupyterLab's launcher, in a browser."""
    cold, warm = [], []
    with chromium() as browser:
        for name in VISITORS:
            page = browser.new_context(ignore_https_errors=True).new_page()
            page.set_default_timeout(2 * START_MILLISECONDS)
            cold.append(_to_lab(bench, page, name))
            page.goto(f"{bench.url}/hub/logout")
            warm.append(_to_lab(bench, page, name))
            page.context.close()
    print(f"log-in to lab, cold, account included: {median(cold)}")
    print(f"log-in to lab, warm:                   {median(warm)}")


def _to_lab(bench: Bench, page: Page, name: str) -> float:
    begin = time.perf_counter()
    sign_in(page, bench.url, name)
    page.wait_for_selector(".jp-LauncherCard")
    return time.perf_counter() - begin


def memory(bench: Bench) -> None:
    """Print the memory of servers that nobody uses."""
    # Their browsers are gone; what was begun for them is over.
    time.sleep(IDLE_SECONDS)
    sizes = []
    for name in VISITORS:
        shares = bench.run(MEMORY.format(account=f"jupyter-{name}")).split()
        sizes.append(sum(map(int, shares)) / 1024)
    print(f"memory of an idle server: {statistics.median(sizes):.0f} MiB")


class Session:
    """Somebody's browser without pictures: it keeps cookies and follows redirects."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench, self._name = bench, name
        certificate = bench.platform.outputs["jupyterhub"].get("certificate")
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=certificate)),
        )

    def log_in(self) -> float:
        """Sign in and wait for the own server; return how long that took."""
        begin = time.perf_counter()
        url, page = self._open(self._bench.url)
        form = dict(FIELD.findall(page)) | {"username": self._name, "password": PASSWORD}
        self._open(urljoin(url, "/login"), urlencode(form).encode())
        wait_for(self._has_lab, CROWD_SECONDS)
        return time.perf_counter() - begin

    def _has_lab(self) -> bool:
        url, _ = self._open(f"{self._bench.url}/user/{self._name}/lab")
        return urlsplit(url).path == f"/user/{self._name}/lab"

    def _open(self, url: str, body: bytes | None = None) -> tuple[str, str]:
        try:
            with self._opener.open(url, body) as answer:
                return answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            # While a server starts, the hub says so with an error.
            return error.url or url, error.read().decode()


def crowd(bench: Bench) -> None:
    """Print what many people wait who log in at the same time."""
    bench.invite(CROWD)
    begin = time.perf_counter()
    with ThreadPoolExecutor(len(CROWD)) as people:
        waited = list(people.map(lambda name: Session(bench, name).log_in(), CROWD))
    print(
        f"{len(CROWD)} log-ins at once: all after {time.perf_counter() - begin:.1f} s, "
        f"first {min(waited):.1f}, median {statistics.median(waited):.1f}, last {max(waited):.1f}"
    )


def mirror(bench: Bench) -> None:
    """Print what the mirror of the samples takes."""
    s3 = bench.platform.cloud.resource("s3")
    bucket: Any = s3.Bucket(bench.platform.outputs["storage"]["buckets"]["sample_data"])
    for number in range(SAMPLES):
        bucket.put_object(Key=f"measured-{number}.csv", Body=SAMPLE)
    try:
        print(f"{SAMPLES} new samples: {int(bench.run(SYNC)) / 1e9:.2f} s")
        print(f"no-op: {median([int(bench.run(SYNC)) / 1e9 for _ in range(5)])}")
    finally:
        bucket.object_versions.filter(Prefix="measured-").delete()
        bench.run(SYNC)


def main() -> None:
    """Measure and print."""
    bench = Bench(platform_of_arguments(__doc__))
    mirror(bench)
    try:
        bench.invite(VISITORS)
        log_ins(bench)
        memory(bench)
        crowd(bench)
    finally:
        bench.dismiss()


if __name__ == "__main__":
    main()
