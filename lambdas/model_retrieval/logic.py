"""Keeps a finished model as a file of its owner's, and gives out the link to it.

Nothing is written before the whole checkpoint has arrived and every element of it has been read.
Then the file is written, and at last the model's row together with a new link, if one is needed, in
one step that demands that the row is still the one that was read. Whoever fails anywhere may try
again: what is there already is found and kept.

While the row says that the model has been retrieved, a file that answers the request is taken as it
is, without asking the node, so an owner gets the model even after the node has gone. A model that
is hosted anew gets a new row, which does not say so.

Calls of the store may raise.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from lambda_common.requests import same_name
from lambda_common.responses import ApiError

from model_retrieval.model_file import DamagedState, model_pickle, parse_state

COMPLETE = 100
# Checkpoints are numbered from 1; the file holds the number in 32 bits.
CHECKPOINT_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
# Percent-encoded, they must fit in the 2 KB that S3 keeps beside an object.
MAX_MODEL_ID_BYTES = 255
MAX_VERSION_BYTES = 64
_MAX_KEY_BYTES = 1024
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Query:
    """What a person asks for; `checkpoint` is None for the last one."""

    owner: str
    model_id: str
    version: str
    node: str | None = None
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model's row; `retrieved` if it says that its file is there."""

    model_id: str
    version: str
    owner: str
    percent_complete: Decimal
    retrieved: bool
    download_link: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as the node keeps it: its number and its serialized State."""

    number: int
    state: bytes | bytearray


@dataclass(frozen=True, slots=True)
class File:
    """A model's file in the bucket; `last` if it was fetched as the model's last checkpoint."""

    model_id: str
    version: str
    checkpoint: int
    last: bool
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept of a link: the hash of its token, and the file that it leads to."""

    token_sha256: str
    model_id: str
    owner: str
    key: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A model at hand; `stored` if its file was written just now."""

    model_id: str
    link: str
    file: File
    stored: bool


class ModelStore(Protocol):
    """Models, their files and links, and the node that trained them."""

    def model(self, model_id: str) -> Model | None:
        """Return the model's row as it is now, None if there is none."""

    def node_host(self) -> str | None:
        """Return the bare host name of the platform's node, None while there is none."""

    def checkpoint(self, model: Model, number: int | None) -> Checkpoint:
        """Fetch a checkpoint, the last one for None. Raises `ApiError` if the node has none."""

    def file(self, key: str) -> File | None:
        """Return what is known of the object, None if there is none."""

    def write_file(self, key: str, chunks: Iterable[bytes | memoryview], file: File) -> None:
        """Write the object, all of it or nothing."""

    def link_prefix(self) -> str | None:
        """Return the URL of links up to their tokens, None while the API has no address."""

    def has_link(self, link: Link) -> bool:
        """Whether there is such a link and nobody has revoked it."""

    def publish(self, model: Model, download_link: str, new: Link | None) -> bool:
        """Add the new link and mark the row as retrieved, both or nothing.

        Return whether the row is still what it was when `model` was read.
        """


def retrieve(caller: str, query: Query, store: ModelStore) -> Retrieved:
    """Bring a model of the caller's in reach. Raises `ApiError` where that is refused."""
    if not same_name(query.owner, caller):
        raise ApiError(
            403, "forbidden", f"ownerName is {query.owner!r}: give your own user name there"
        )
    if query.node is not None and query.node.lower() != (store.node_host() or "").lower():
        raise ApiError(
            400,
            "invalid_request",
            f"nodeURL is {query.node!r}: leave it out, or give the host of this platform's node",
        )
    model = store.model(query.model_id)
    if model is None or model.version != query.version:
        raise _unknown(f"{query.model_id!r} in version {query.version!r}")
    if not same_name(model.owner, caller):
        raise ApiError(403, "forbidden", f"{query.model_id!r} is a model of somebody else")
    return _retrieve(model, query.checkpoint, store)


def retrieve_finished(model_id: str, store: ModelStore) -> Retrieved:
    """Bring a model in reach whose training is complete. Raises `ApiError` if it is not."""
    model = store.model(model_id)
    if model is None:
        raise _unknown(repr(model_id))
    return _retrieve(model, None, store)


def object_key(model: Model) -> str:
    """Return the key of the model's file. Raises `ApiError` where S3 would refuse it."""
    for name, value, limit in (
        ("modelId", model.model_id, MAX_MODEL_ID_BYTES),
        ("version", model.version, MAX_VERSION_BYTES),
    ):
        if len(value.encode()) > limit:
            raise ApiError(
                400,
                "invalid_request",
                f"{name} has more than {limit} bytes: host it anew, shorter",
            )
    # Without slashes, so that no two owners can mean one key.
    owner, model_id, version = (
        part.replace("%", "%25").replace("/", "%2F")
        for part in (model.owner, model.model_id, model.version)
    )
    key = f"{owner}/{model_id}-{version}.pkl"
    if len(key.encode()) > _MAX_KEY_BYTES or owner in ("", ".", ".."):
        raise ApiError(
            400, "invalid_request", "the model's names make no name of a file: host it anew"
        )
    return key


def token_sha256(token: str) -> str:
    """Return what is kept of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _retrieve(model: Model, number: int | None, store: ModelStore) -> Retrieved:
    if model.percent_complete != COMPLETE:
        raise ApiError(
            409,
            "not_complete",
            f"{model.model_id!r} is trained to {model.percent_complete} %: wait for {COMPLETE} %",
        )
    prefix = store.link_prefix()
    if prefix is None:
        raise ApiError(
            503, "not_ready", "the address of this API is not published: deploy all of it"
        )
    key = object_key(model)
    kept = store.file(key)
    if kept is not None and model.retrieved and _answers(kept, model, number):
        file, stored = kept, False
    else:
        file, stored = _fetch(model, number, key, kept, store)
    return Retrieved(model.model_id, _publish(model, key, prefix, store), file, stored)


def _answers(file: File, model: Model, number: int | None) -> bool:
    """Whether the file is what was asked for; other models may have the same key."""
    return (file.model_id, file.version) == (model.model_id, model.version) and (
        file.last if number is None else file.checkpoint == number
    )


def _fetch(
    model: Model, number: int | None, key: str, kept: File | None, store: ModelStore
) -> tuple[File, bool]:
    """Return the file of the checkpoint, and whether it had to be written."""
    checkpoint = store.checkpoint(model, number)
    state = memoryview(checkpoint.state)
    sha256, size = hashlib.sha256(), 0
    try:
        tensors = parse_state(state)
        # Twice the same bytes: S3 wants to know the hash before it gets the first of them.
        for chunk in model_pickle(model.model_id, model.version, checkpoint.number, tensors, state):
            sha256.update(chunk)
            size += len(chunk)
    except DamagedState as error:
        raise ApiError(
            502, "damaged_checkpoint", f"the node's checkpoint is damaged: {error}"
        ) from error
    file = File(
        model.model_id, model.version, checkpoint.number, number is None, sha256.hexdigest(), size
    )
    if kept is not None and kept.sha256 == file.sha256:
        return kept, False
    chunks = model_pickle(model.model_id, model.version, checkpoint.number, tensors, state)
    store.write_file(key, chunks, file)
    return file, True


def _publish(model: Model, key: str, prefix: str, store: ModelStore) -> str:
    """Return the model's link: the one that it has, if that still leads to the file."""
    link, new = model.download_link or "", None
    known = link.startswith(prefix) and store.has_link(
        Link(token_sha256(link.removeprefix(prefix)), model.model_id, model.owner, key)
    )
    if known and model.retrieved:
        return link
    if not known:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        link, new = prefix + token, Link(token_sha256(token), model.model_id, model.owner, key)
    if not store.publish(model, link, new):
        raise ApiError(
            409, "changed_meanwhile", f"{model.model_id!r} was changed at this moment: try again"
        )
    return link


def _unknown(model: str) -> ApiError:
    return ApiError(404, "not_found", f"there is no model {model}: host it first")
