"""Models, from the row that announces one to the file of what devices made of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from artificien_pygrid import client
from artificien_pygrid.wire.tensors import encode_state

from . import rows
from .api import ask
from .errors import NotebookError
from .hub import tokens, username
from .pickles import load_model
from .settings import setting

_HOSTING_SECONDS = 300
_PAUSE_SECONDS = 2


def _new_version() -> str:
    return f"{datetime.now(UTC):%Y%m%d.%H%M%S}"


@dataclass(frozen=True)
class Model:
    """A model of who is signed in.

    Args:
        name: What it is called.
        dataset: The dataset on which devices train it.
        version: Tells it from others of the name; if left out, the time makes one.
        owner: Who is signed in.
    """

    name: str
    dataset: str
    version: str = field(default_factory=_new_version)
    owner: str = field(default_factory=username)

    @property
    def id(self) -> str:
        """What the platform and the node call it."""
        return f"{self.name}-{self.version}-{self.owner}"

    def create(self, features: Sequence[str], labels: Sequence[str], timeout: float = 900) -> None:
        """Announce the model, and wait until the dataset has a node to train it.

        Args:
            features: The attributes of the dataset that it learns from.
            labels: Those that it predicts.
            timeout: Seconds to wait for a node.

        Raises:
            NotebookError: The API was not reached, it refused, or there is no node in time.
        """
        rows.announce(rows.connect(), self.id, self.version, self.dataset, self.owner)
        body = {
            "dataset_id": self.dataset,
            "model_id": self.id,
            "features": list(features),
            "labels": list(labels),
        }
        _wait_until(
            lambda: ask("/create", body)["status"] == "ready",
            timeout,
            f"There is no node for {self.dataset} yet; ask again later.",
        )

    def host(
        self,
        files: Mapping[str, Any],
        client_config: Mapping[str, Any],
        server_config: Mapping[str, Any],
    ) -> None:
        """Send the model to the node, where devices find it.

        Args:
            files: ``model``, ``plans`` and ``averaging_plan`` (empty for the mean), as bytes.
            client_config: What devices are told, such as the batch size; it gets name and version.
            server_config: The rules of its cycles, such as how many diffs make one.

        Raises:
            CommandError: The node was not reached, or it refused.
        """
        client.host(
            setting("PYGRID_URL"),
            tokens().access_token,
            files,
            {**client_config, "name": self.id, "version": self.version},
            server_config,
            timeout=_HOSTING_SECONDS,
        )

    def contribute(self, diff: Sequence[np.ndarray]) -> None:
        """Take a device's place in the cycle: report a change of the parameters.

        Args:
            diff: For each parameter, what it was before the training less what it is after it.

        Raises:
            CommandError: The node was not reached, or it refused.
        """
        client.contribute(setting("PYGRID_URL"), self.id, self.version, encode_state(diff))

    def status(self) -> dict[str, Any]:
        """Return how training gets on, ``state``, ``completed_cycles`` and ``cycles`` among it.

        Raises:
            CommandError: The node was not reached.
            NotebookError: The model is not hosted.
        """
        found = client.status(setting("PYGRID_URL"), tokens().access_token)
        for model in found.get("models", []):
            if (model["name"], model["version"]) == (self.id, self.version):
                status: dict[str, Any] = model
                return status
        raise NotebookError(found.get("error") or f"{self.id} is not hosted.")

    def wait_for_cycle(self, number: int, timeout: float = 600) -> dict[str, Any]:
        """Wait until that many cycles are complete, and return the status then.

        Raises:
            CommandError: The node was not reached.
            NotebookError: They are not complete in time.
        """
        _wait_until(
            lambda: self.status()["completed_cycles"] >= number,
            timeout,
            f"Cycle {number} of {self.id} is not complete yet; ask again later.",
        )
        return self.status()

    def checkpoint(self, number: int | None = None) -> list[np.ndarray]:
        """Return the parameters at a checkpoint.

        Args:
            number: Its number, of which 1 is the hosted model; else the latest.

        Raises:
            CommandError: The node was not reached, or it refused.
        """
        wanted = "latest" if number is None else str(number)
        arrays: list[np.ndarray] = client.download(
            setting("PYGRID_URL"), tokens().access_token, self.id, self.version, wanted
        )
        return arrays

    def row(self) -> dict[str, Any]:
        """Return what the platform says of the model, ``percent_complete`` and losses among it.

        Raises:
            NotebookError: It was not announced.
        """
        return rows.read(rows.connect(), self.id)

    def wait_for_file(self, timeout: float = 600) -> str:
        """Wait until the finished model is stored, and return its link.

        Raises:
            NotebookError: It was not announced, or it is not finished in time.
        """
        _wait_until(
            lambda: "download_link" in self.row(),
            timeout,
            f"{self.id} is not finished yet; ask again later.",
        )
        return str(self.row()["download_link"])

    def load(self) -> dict[str, Any]:
        """Open the file of the finished model; what is in it, `load_model` tells.

        Raises:
            NotebookError: There is no file yet, or it was not reached.
        """
        row = self.row()
        if "download_link" not in row:
            raise NotebookError(f"{self.id} is not finished yet.")
        return load_model(str(row["download_link"]))


def _wait_until(look: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Look again and again until it is so.

    Raises:
        NotebookError: It is not so in time; the text is `otherwise`.
    """
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            raise NotebookError(otherwise)
        time.sleep(_PAUSE_SECONDS)
