"""The file of a finished model."""

import io
import pickle
from pathlib import Path
from typing import Any

from . import web
from .errors import NotebookError

# What the file of a model names, and nothing else: arrays are put together by these.
_ARRAYS = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no model needs")
        return super().find_class(module, name)


def load_model(source: str | Path) -> dict[str, Any]:
    """Open a finished model's file.

    Args:
        source: Its link, as ``download_link`` of a model's row has it, or its path.

    Returns:
        ``model_id``, ``version``, ``checkpoint`` (its number), ``parameters`` (arrays, in the order
        of the model's parameters) and ``state`` (the same as PySyft serializes it).

    Raises:
        NotebookError: It was not reached, or it is no model of the platform.
    """
    text = str(source)
    content = web.open_link(text) if "://" in text else Path(text).read_bytes()
    try:
        model = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # a damaged pickle raises anything
        raise NotebookError(f"{text} is no file of a model: {error}") from None
    if not isinstance(model, dict):
        raise NotebookError(f"{text} is no file of a model.")
    return model
