"""Where the emulator differs from AWS in a way that matters here, and how that is mended.

Its internals may move with any release: each patch checks what it finds and refuses anything else.
"""

import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from local_cloud.errors import LocalCloudError


def patch_iam(evaluator: ModuleType) -> None:
    """Mend the evaluation of IAM policies.

    Args:
        evaluator: the emulator's module ``ministack.core.iam_evaluator``, before anything else
            has imported it.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _assume_tls(evaluator)
    _match_line_breaks(evaluator)


def patch_streams(lambda_service: ModuleType) -> None:
    """Let functions go on reading the streams of tables after a restart.

    The records of a stream do not survive it, but the positions of its readers do: each would skip
    as many new records as it had read before.

    Args:
        lambda_service: the emulator's module ``ministack.services.lambda_svc``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    restore = _known(lambda_service, "_restore_esm_positions", ["store", "positions"])
    stream_positions: Any = getattr(lambda_service, "_dynamodb_stream_positions", None)
    if not hasattr(stream_positions, "_data"):
        raise _moved(f"{lambda_service.__name__}._dynamodb_stream_positions")

    def restore_from_the_start(store: Any, positions: Any) -> None:
        restore(store, positions)
        if store is stream_positions:
            store._data.update(dict.fromkeys(store._data, 0))

    lambda_service._restore_esm_positions = restore_from_the_start  # type: ignore[attr-defined]


def _assume_tls(evaluator: ModuleType) -> None:
    # The condition key aws:SecureTransport is true for every request: the loopback interface stands
    # in for TLS, so that policies which refuse plain HTTP can be the same as on AWS.
    pin = _known(evaluator, "pin_request_origin", ["source_ip", "secure_transport"])

    def pin_as_tls(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - theirs
        pin(source_ip, True)

    evaluator.pin_request_origin = pin_as_tls  # type: ignore[attr-defined]


def _match_line_breaks(evaluator: ModuleType) -> None:
    # A wildcard of a policy also covers line breaks, which keys of S3 objects may contain.
    compile_wildcards = _known(evaluator, "_fnmatch_compile", ["pattern", "ignore_case"])

    def compile_with_line_breaks(pattern: str, ignore_case: bool) -> re.Pattern[str]:
        compiled: re.Pattern[str] = compile_wildcards(pattern, ignore_case)
        return re.compile(compiled.pattern, compiled.flags | re.DOTALL)

    evaluator._fnmatch_compile = compile_with_line_breaks  # type: ignore[attr-defined]


def _known(module: ModuleType, name: str, parameters: list[str]) -> Callable[..., Any]:
    function: Callable[..., Any] | None = getattr(module, name, None)
    if function is None or [*inspect.signature(function).parameters] != parameters:
        raise _moved(f"{module.__name__}.{name}({', '.join(parameters)})")
    return function


def _moved(what: str) -> LocalCloudError:
    return LocalCloudError(
        f"{what} has moved: correct local_cloud/patches.py for this version of the emulator."
    )
