"""Models, their files and links, and the node, in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from lambda_common.responses import ApiError
from model_retrieval.logic import Checkpoint, File, Link, Model, Query

from tests.unit.lambdas.model_retrieval.states import state

HOST = "node.example.com"
PREFIX = "https://api.example.com/prod/downloads/"
MODEL = Model("heart-1.0-ada", "1.0", "ada", Decimal(100), retrieved=False, download_link=None)
QUERY = Query("ada", "heart-1.0-ada", "1.0")
KEY = "ada/heart-1.0-ada-1.0.pkl"
STATES = [state(np.full((2, 3), number, np.float32)) for number in range(1, 4)]


@dataclass
class FakeStore:
    """A `ModelStore`; `checkpoints` are those of every model, the first is number 1."""

    models: dict[str, Model] = field(default_factory=lambda: {MODEL.model_id: MODEL})
    checkpoints: list[bytes] = field(default_factory=lambda: list(STATES))
    host: str | None = HOST
    prefix: str | None = PREFIX
    files: dict[str, tuple[File, bytes]] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    fault: Exception | None = None
    fetched: int = 0
    written: int = 0
    published: int = 0

    def model(self, model_id: str) -> Model | None:
        """Return the model."""
        return self.models.get(model_id)

    def node_host(self) -> str | None:
        """Return the host."""
        return self.host

    def checkpoint(self, model: Model, number: int | None) -> Checkpoint:
        """Return the checkpoint unless the node is broken."""
        assert model.model_id in self.models
        self.fetched += 1
        if self.fault:
            raise self.fault
        found = len(self.checkpoints) if number is None else number
        if found > len(self.checkpoints):
            raise ApiError(404, "not_found", "there is no such checkpoint")
        return Checkpoint(found, self.checkpoints[found - 1])

    def file(self, key: str) -> File | None:
        """Return what is known of the file."""
        return self.files[key][0] if key in self.files else None

    def write_file(self, key: str, chunks: Iterable[bytes | memoryview], file: File) -> None:
        """Keep the file."""
        content = b"".join(chunks)
        assert len(content) == file.size_bytes
        self.files[key] = (file, content)
        self.written += 1

    def link_prefix(self) -> str | None:
        """Return the prefix."""
        return self.prefix

    def has_link(self, link: Link) -> bool:
        """Whether it is kept and not revoked."""
        known = self.links.get(link.token_sha256) == link
        return known and link.token_sha256 not in self.revoked

    def publish(self, model: Model, download_link: str, new: Link | None) -> bool:
        """Keep the link and mark the model, unless it has changed."""
        if self.models.get(model.model_id) != model:
            return False
        if new is not None:
            self.links[new.token_sha256] = new
        self.models[model.model_id] = replace(model, retrieved=True, download_link=download_link)
        self.published += 1
        return True

    @property
    def changes(self) -> tuple[int, int, int]:
        """How often anything was written: files, links and rows."""
        return self.written, len(self.links), self.published
