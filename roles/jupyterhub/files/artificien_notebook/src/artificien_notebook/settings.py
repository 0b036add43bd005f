"""What the hub says to its users' servers."""

import os

from .errors import NotebookError


def setting(name: str) -> str:
    """Return the value of a variable that the hub sets.

    Raises:
        NotebookError: It is not set.
    """
    value = os.environ.get(name)
    if not value:
        raise NotebookError(f"{name} is not set. Is this a notebook of the hub?")
    return value


def model_table() -> str:
    """Return the name of the table of models."""
    return os.environ.get("ARTIFICIEN_MODEL_TABLE") or "model_table"
