"""What callers may know and change of datasets, and of the models that train on them.

Who calls is what Cognito or a developer's key says, never what the request says of itself. Every
refusal is an `ApiError`. Whatever fails half-way may be asked for again.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lambda_common.requests import same_name
from lambda_common.responses import ApiError


@dataclass(frozen=True, slots=True)
class User:
    """A row of a user; `user_id` is the e-mail address."""

    user_id: str
    username: str
    api_key: str
    datasets_purchased: Sequence[str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A registered dataset; `node_url` is the bare host name of its node, empty if it has none."""

    dataset_id: str
    owner: str
    properly_set_up: bool
    node_url: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model; features, labels and node are empty until its owner asked for a node."""

    model_id: str
    version: str
    owner: str
    dataset_id: str
    features: Sequence[str] = ()
    labels: Sequence[str] = ()
    node_url: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """What a phone trains: the models that have features and labels, on the node of that name.

    The name is empty while there is no node. `first` if no phone of the app has asked before.
    """

    models: list[Model]
    node_url: str
    first: bool


class DatasetStore(Protocol):
    """Rows of users, datasets and models. A change makes no row where there is none."""

    def users(self, username: str) -> list[User]:
        """Return the rows that bear the user name, of which there should be one."""

    def replace_key(self, user: User, api_key: str) -> None:
        """Give the user another key."""

    def count_info_call(self, user: User) -> bool:
        """Count a call with the user's key; whether it is within the minute's limit."""

    def dataset(self, dataset_id: str) -> Dataset | None:
        """Return the dataset, None if there is none that somebody owns."""

    def mark_set_up(self, dataset_id: str) -> None:
        """Note that an app has shown itself with the owner's key."""

    def give_node(self, dataset_id: str, host: str) -> None:
        """Note that the dataset's models train on the node of this host name."""

    def take_node(self, dataset_id: str) -> None:
        """Note that the dataset has no node."""

    def model(self, model_id: str) -> Model | None:
        """Return the model, None if there is none."""

    def describe(self, model: Model) -> None:
        """Write the model's features, labels and node."""

    def open_models(self, dataset_id: str) -> list[Model]:
        """Return the dataset's models that are not complete."""


class TrainingNode(Protocol):
    """The platform's node."""

    def host(self) -> str | None:
        """Return its bare host name, None while there is none."""

    def pause(self, models: Iterable[Model]) -> int:
        """Let no more phones train these models; return how many of them the node has."""


def purchased(caller: str, user_id: str | None, store: DatasetStore) -> Sequence[str]:
    """Return the ids of the datasets that the caller bought."""
    return _account(caller, user_id, store).datasets_purchased


def new_key(caller: str, user_id: str | None, store: DatasetStore) -> str:
    """Give the caller a new key in place of the old one, and return it."""
    user = _account(caller, user_id, store)
    api_key = secrets.token_urlsafe(16)
    store.replace_key(user, api_key)
    return api_key


def start_training(
    caller: str, wanted: Model, store: DatasetStore, node: TrainingNode
) -> str | None:
    """Let phones train the caller's model with the features and labels of `wanted`.

    Returns the host name of the node, None while there is none.
    """
    dataset = _dataset(wanted.dataset_id, store)
    if wanted.dataset_id not in _account(caller, None, store).datasets_purchased:
        raise ApiError(
            403,
            "not_purchased",
            f"you have not bought the dataset {wanted.dataset_id}: buy it in the marketplace",
        )
    model = store.model(wanted.model_id)
    if model is None:
        raise ApiError(404, "unknown_model", f"there is no model {wanted.model_id}: send it first")
    if not same_name(model.owner, caller):
        raise ApiError(403, "foreign_model", f"the model {wanted.model_id} is not yours")
    if model.dataset_id != wanted.dataset_id:
        raise ApiError(
            409,
            "other_dataset",
            f"the model {wanted.model_id} is for the dataset {model.dataset_id}: name that one",
        )
    host = node.host()
    if host is None:
        return None
    described = replace(model, features=wanted.features, labels=wanted.labels, node_url=host)
    # The notebook asks every half minute. The model first: a dataset with a node whose models
    # lack their features is of no use to a phone.
    if described != model:
        store.describe(described)
    if dataset.node_url != host:
        store.give_node(dataset.dataset_id, host)
    return host


def stop_training(caller: str, dataset_id: str, store: DatasetStore, node: TrainingNode) -> int:
    """Let no more phones train the caller's dataset; return how many models that stops."""
    dataset = _dataset(dataset_id, store)
    if not same_name(dataset.owner, caller):
        raise ApiError(403, "foreign_dataset", f"the dataset {dataset_id} is not yours")
    paused = node.pause(store.open_models(dataset_id)) if node.host() else 0
    store.take_node(dataset_id)
    return paused


def training(api_key: str, dataset_id: str, store: DatasetStore) -> Training:
    """Return what a phone with the key of the dataset's owner trains."""
    dataset = store.dataset(dataset_id)
    owner = _row(dataset.owner, store) if dataset else None
    if not dataset or not owner or not _is_key(api_key, owner):
        raise ApiError(
            400, "wrong_key", f"the api_key is not that of the owner of a dataset {dataset_id}"
        )
    if not store.count_info_call(owner):
        raise ApiError(
            429, "too_many_calls", "the api_key is used too often: try again in a minute"
        )
    if not dataset.properly_set_up:
        store.mark_set_up(dataset_id)
    models = [
        model
        for model in (store.open_models(dataset_id) if dataset.node_url else [])
        if model.features and model.labels
    ]
    return Training(models, dataset.node_url, first=not dataset.properly_set_up)


def _is_key(given: str, owner: User) -> bool:
    return bool(owner.api_key) and hmac.compare_digest(
        given.encode(errors="surrogatepass"), owner.api_key.encode()
    )


def _account(caller: str, user_id: str | None, store: DatasetStore) -> User:
    """Return the caller's row, which `user_id` names by user name or e-mail address if sent."""
    user = _row(caller, store)
    if user_id is not None and not any(
        same_name(user_id, name) for name in (user.username, user.user_id)
    ):
        raise ApiError(
            403, "foreign_account", "user_id names another account: send your own or leave it out"
        )
    return user


def _row(username: str, store: DatasetStore) -> User:
    found = store.users(username)
    if not found:
        raise ApiError(
            404, "unknown_user", "the account has no row: the operators have to create it"
        )
    if len(found) > 1:
        # As after an account was deleted without its row, and its name taken by somebody else.
        raise ApiError(
            409, "ambiguous_user", "the account has several rows: the operators have to delete one"
        )
    return found[0]


def _dataset(dataset_id: str, store: DatasetStore) -> Dataset:
    dataset = store.dataset(dataset_id)
    if dataset is None:
        raise ApiError(
            404, "unknown_dataset", f"there is no dataset {dataset_id}: register it first"
        )
    return dataset
