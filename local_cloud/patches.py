"""Where the emulator differs from AWS in a way that matters here, and how that is mended.

Its internals may move with any release: each patch checks what it finds and refuses anything else.
"""

import inspect
from types import ModuleType

from local_cloud.errors import LocalCloudError


def assume_tls(iam_evaluator: ModuleType) -> None:
    """Let every request count as sent over TLS (the condition key ``aws:SecureTransport``).

    The loopback interface stands in for TLS here, so that policies which refuse plain HTTP can be
    the same as on AWS.

    Args:
        iam_evaluator: the emulator's module ``ministack.core.iam_evaluator``, before anything
            else has imported it.

    Raises:
        LocalCloudError: the emulator's function for it is not the one that is known.
    """
    pin = getattr(iam_evaluator, "pin_request_origin", None)
    if pin is None or [*inspect.signature(pin).parameters] != ["source_ip", "secure_transport"]:
        raise LocalCloudError(
            "ministack.core.iam_evaluator.pin_request_origin(source_ip, secure_transport) has "
            "moved: correct local_cloud/patches.py for this version of the emulator."
        )

    def pin_as_tls(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - theirs
        pin(source_ip, True)

    iam_evaluator.pin_request_origin = pin_as_tls  # type: ignore[attr-defined]
