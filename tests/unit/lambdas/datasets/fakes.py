"""Rows and a node in memory."""

from collections.abc import Iterable
from dataclasses import replace

from datasets.logic import Dataset, Model, User
from lambda_common.node import NodeError

ADA = User("ada@example.com", "Ada", "key-of-ada", ["Steps", "Sleep"])
DEV = User("dev@example.com", "dev", "key-of-dev", [])
STEPS = Dataset("Steps", "dev", properly_set_up=True, node_url="")
# As the notebook writes it, which knows the user name in lower case.
MODEL = Model("walk-1.0-Ada", "1.0", "ada", "Steps")
DESCRIBED = replace(MODEL, features=["Age"], labels=["Steps"], node_url="node.example.com")


class FakeStore:
    """Rows of users, datasets and models, and the names of the changes made to them."""

    def __init__(self) -> None:
        self.rows = [ADA, DEV]
        self.datasets = {"Steps": STEPS}
        self.models = {MODEL.model_id: MODEL}
        self.complete: set[str] = set()
        self.calls_left = 100
        self.changes: list[str] = []

    def users(self, username: str) -> list[User]:
        """Return the rows that bear the user name."""
        return [user for user in self.rows if user.username == username]

    def replace_key(self, user: User, api_key: str) -> None:
        """Give the user another key."""
        self.changes.append("key")
        self.rows = [
            replace(row, api_key=api_key) if row.user_id == user.user_id else row
            for row in self.rows
        ]

    def count_info_call(self, user: User) -> bool:
        """Count a call with the user's key."""
        assert user in self.rows
        self.calls_left -= 1
        return self.calls_left >= 0

    def dataset(self, dataset_id: str) -> Dataset | None:
        """Return the dataset."""
        return self.datasets.get(dataset_id)

    def mark_set_up(self, dataset_id: str) -> None:
        """Note that an app has shown itself."""
        self.changes.append("set up")
        self._keep(replace(self.datasets[dataset_id], properly_set_up=True))

    def give_node(self, dataset_id: str, host: str) -> None:
        """Note the dataset's node."""
        self.changes.append("node")
        self._keep(replace(self.datasets[dataset_id], node_url=host))

    def take_node(self, dataset_id: str) -> None:
        """Note that the dataset has no node."""
        self.changes.append("no node")
        self._keep(replace(self.datasets[dataset_id], node_url=""))

    def model(self, model_id: str) -> Model | None:
        """Return the model."""
        return self.models.get(model_id)

    def describe(self, model: Model) -> None:
        """Keep the model."""
        self.changes.append("model")
        self.models[model.model_id] = model

    def open_models(self, dataset_id: str) -> list[Model]:
        """Return the dataset's models that are not complete."""
        return [
            model
            for model in self.models.values()
            if model.dataset_id == dataset_id and model.model_id not in self.complete
        ]

    def _keep(self, dataset: Dataset) -> None:
        self.datasets[dataset.dataset_id] = dataset


class FakeNode:
    """A node that has all models; it does not answer while it is `broken`."""

    def __init__(self) -> None:
        self.name: str | None = "node.example.com"
        self.paused: list[str] = []
        self.broken = False

    def host(self) -> str | None:
        """Return its host name."""
        return self.name

    def pause(self, models: Iterable[Model]) -> int:
        """Keep the ids."""
        if self.broken:
            raise NodeError("the node cannot be reached: timed out")
        self.paused = [model.model_id for model in models]
        return len(self.paused)
