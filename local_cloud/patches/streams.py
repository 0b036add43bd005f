"""The streams of tables, which functions read on after a restart."""

from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved


def patch(lambda_service: ModuleType) -> None:
    """Let functions go on reading the streams of tables after a restart.

    The records of a stream do not survive it, but the positions of its readers do: each would skip
    as many new records as it had read before.

    Args:
        lambda_service: the emulator's module ``ministack.services.lambda_svc``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    restore = known(lambda_service, "_restore_esm_positions", ["store", "positions"])
    stream_positions: Any = getattr(lambda_service, "_dynamodb_stream_positions", None)
    if not hasattr(stream_positions, "_data"):
        raise moved(f"{lambda_service.__name__}._dynamodb_stream_positions")

    def restore_from_the_start(store: Any, positions: Any) -> None:
        restore(store, positions)
        if store is stream_positions:
            store._data.update(dict.fromkeys(store._data, 0))

    lambda_service._restore_esm_positions = restore_from_the_start  # type: ignore[attr-defined]
