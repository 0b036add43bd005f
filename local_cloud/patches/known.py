"""What patches find in the emulator is what they know, or they refuse it."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from local_cloud.errors import LocalCloudError

ERROR_PARAMETERS = ["code", "message", "status", "extra", "message_key", "content_type"]
"""What the emulator's function for an error of a JSON service takes."""

CONTEXT_PARAMETERS = [
    *("principal_arn", "principal_type", "principal_account", "action"),
    *("resource_arn", "region", "source_ip", "secure_transport"),
    *("request_tags", "tag_keys", "service_context", "principal_keys"),
]
"""What the emulator's context of a policy's evaluation is made of."""


def known(module: ModuleType, name: str, parameters: list[str]) -> Callable[..., Any]:
    """Return a function of the emulator's.

    Raises:
        LocalCloudError: it is not there, or takes other parameters.
    """
    function: Callable[..., Any] | None = getattr(module, name, None)
    if function is None or [*inspect.signature(function).parameters] != parameters:
        raise moved(f"{module.__name__}.{name}({', '.join(parameters)})")
    return function


def moved(what: str) -> LocalCloudError:
    """Return the error for a part of the emulator that is not what is known."""
    return LocalCloudError(
        f"{what} has moved: correct local_cloud/patches/ for this version of the emulator."
    )
