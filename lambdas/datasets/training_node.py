"""What this function asks of the platform's node."""

from collections.abc import Iterable

from lambda_common.node import Node, NodeError

from datasets.logic import Model

_OK, _NOT_FOUND = 200, 404


class PausingNode:
    """The `TrainingNode` of the deployed function."""

    def __init__(self, node: Node):
        self._node = node

    def host(self) -> str | None:
        """Return the node's bare host name, None while there is none."""
        return self._node.host()

    def pause(self, models: Iterable[Model]) -> int:
        """Let no more phones train these models; return how many of them the node has."""
        return sum(self._pause(model) for model in models)

    def _pause(self, model: Model) -> bool:
        body = {"name": model.model_id, "version": model.version}
        with self._node.request("POST", "/model-centric/pause", body=body) as answer:
            # Of a model that its owner has not sent to the node yet, the node knows nothing.
            if answer.status not in (_OK, _NOT_FOUND):
                raise NodeError(f"the node answers {answer.status} to a pause")
            return answer.status == _OK
