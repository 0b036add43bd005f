"""Seconds of `GET /retrieve`, beside a direct GET of the same object in S3; sizes of packages.

The platform is deployed to an emulator of its own, without hosts: a stand-in for the node sends
bytes from memory. Functions run on this machine, so the figures say what our code and the emulator
take, not what AWS takes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.accounts import Accounts
from tests.api import Api
from tests.cloud import emulator
from tests.deployment import Platform
from tests.unit.lambdas.lambda_common.node_server import self_signed
from tests.unit.lambdas.model_retrieval.states import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KIB, MIB = 1024, 1024 * 1024
MODEL_ID, VERSION, OWNER = "measured-1.0-ada", "1.0", "ada"
KEY = f"{OWNER}/{MODEL_ID}-{VERSION}.pkl"
FUNCTION = "artificien-local-model-retrieval"
PACKAGES = ("model_retrieval", "downloads", "datasets", "reports")
IMPORTS = 10
# Bytes of the model, and how often each is measured: in new processes, and in running ones.
MODELS = {"8 KiB": (8 * KIB, 20, 100), "1 MiB": (MIB, 20, 100), "100 MiB": (100 * MIB, 5, 20)}
IMPORT = """
import time
begin = time.perf_counter()
import model_retrieval.handler
print(time.perf_counter() - begin)
"""


class Node:
    """A stand-in for the node that has one checkpoint of every model."""

    checkpoint = b""

    @contextmanager
    def serving(self, folder: Path) -> Iterator[dict[str, str]]:
        """Serve, and yield what the node publishes."""
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("X-Checkpoint", "1")
                self.send_header("Content-Length", str(len(node.checkpoint)))
                self.end_headers()
                self.wfile.write(node.checkpoint)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        certificate, key = self_signed()
        (folder / "node.pem").write_text(certificate + key)
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "node.pem")
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, args=[0.01])
            thread.start()
            try:
                yield {"host": f"127.0.0.1:{server.server_port}", "certificate": certificate}
            finally:
                server.shutdown()
                thread.join()


@dataclass(frozen=True)
class Bench:
    """The platform and its one model."""

    platform: Platform
    api: Api
    bucket: Any
    token: str

    @classmethod
    def on(cls, platform: Platform, node: dict[str, str]) -> Bench:
        """Return the platform with a node and somebody who is signed in."""
        ssm = platform.cloud.client("ssm")
        for name, value in node.items():
            ssm.put_parameter(Name=f"/artificien/local/pygrid/{name}", Value=value, Type="String")
        platform.cloud.client("secretsmanager").create_secret(
            Name="artificien-local-pygrid-retrieval-token",
            SecretString="of this run",  # pragma: allowlist secret
        )
        accounts, outputs = Accounts(platform), platform.outputs
        accounts.join(OWNER)
        return cls(
            platform,
            Api(outputs["api"]["base_url"]),
            platform.cloud.resource("s3").Bucket(outputs["storage"]["buckets"]["trained_models"]),
            accounts.sign_in(OWNER)["AccessToken"],
        )

    def forget(self) -> None:
        """Let the model be one that has just become complete."""
        self.bucket.object_versions.filter(Prefix=KEY).delete()
        self.platform.cloud.resource("dynamodb").Table("model_table").put_item(
            Item={
                "model_id": MODEL_ID,
                "active_status": 1,
                "version": VERSION,
                "dataset": "Artificien-Health",
                "owner_name": OWNER,
                "percent_complete": 100,
            }
        )

    def end_processes(self) -> None:
        """Let the next call of the function begin with a process of its own."""
        client = self.platform.cloud.client("lambda")
        seconds = client.get_function_configuration(FunctionName=FUNCTION)["Timeout"]
        for timeout in (seconds - 1, seconds):
            client.update_function_configuration(FunctionName=FUNCTION, Timeout=timeout)
            client.get_waiter("function_updated_v2").wait(FunctionName=FUNCTION)

    def retrieve(self) -> None:
        """Ask for the model."""
        answer = self.api.get(
            "/retrieve", token=self.token, ownerName=OWNER, modelId=MODEL_ID, version=VERSION
        )
        if answer.status != 200:  # noqa: PLR2004 - what else it is, it says
            raise SystemExit(f"/retrieve answers {answer.status}: {answer.json}")

    def get_object(self) -> None:
        """Read the model's file."""
        self.bucket.Object(KEY).get()["Body"].read()

    def figures(self, work: Callable[[], object], times: int, *before: Callable[[], None]) -> str:
        """Return median and 99th percentile of so many turns, each after what comes before it."""
        seconds = []
        for _ in range(times):
            for prepare in before:
                prepare()
            begin = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begin)
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        return f"p50 {cuts[49] * 1000:6.0f} ms, p99 {cuts[98] * 1000:6.0f} ms ({times} times)"


def measure(bench: Bench, node: Node) -> None:
    """Print what each size of a model takes."""
    for name, (size, cold, warm) in MODELS.items():
        node.checkpoint = state(np.ones(size // 4, np.float32))
        print(f"{name} model")
        first = bench.figures(bench.retrieve, cold, bench.forget, bench.end_processes)
        print(f"  /retrieve, cold, from the node: {first}")
        fetched = bench.figures(bench.retrieve, warm, bench.forget)
        print(f"  /retrieve, warm, from the node: {fetched}")
        print(f"  /retrieve, warm, stored before: {bench.figures(bench.retrieve, warm)}")
        print(f"  direct GET from S3:             {bench.figures(bench.get_object, warm)}")


def packages(bench: Bench, folder: Path) -> None:
    """Print the sizes of the packages, and how long a process takes to import the largest."""
    for name in PACKAGES:
        (package,) = (bench.platform.folder / "lambda/packages").glob(f"{name}-*/*.zip")
        print(f"package of {name}: {package.stat().st_size / KIB:.0f} KiB")
        if name == PACKAGES[0]:
            with zipfile.ZipFile(package) as archive:
                archive.extractall(folder / name)
    client = bench.platform.cloud.client("lambda")
    settings = client.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    environment = os.environ | bench.platform.cloud.environment | settings
    seconds = [
        float(
            subprocess.run(  # noqa: S603 - our own code
                [sys.executable, "-c", IMPORT],
                cwd=folder / PACKAGES[0],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(IMPORTS)
    ]
    print(f"import of {PACKAGES[0]}, boto3 included: {statistics.median(seconds) * 1000:.0f} ms")


def main() -> None:
    """Deploy, measure and print."""
    node = Node()
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator(Path(folder)) as cloud,
        node.serving(Path(folder)) as published,
    ):
        platform = Platform.prepared(cloud, Path(folder) / "build")
        platform.play("site.yml", "--skip-tags", "pygrid,jupyterhub")
        bench = Bench.on(platform, published)
        packages(bench, Path(folder))
        measure(bench, node)


if __name__ == "__main__":
    main()
