"""Patches of the emulator find what they mend, or say that it has moved."""

from types import ModuleType

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import assume_tls


def test_every_request_counts_as_sent_over_tls() -> None:
    pinned = []
    evaluator = ModuleType("evaluator")

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        pinned.append((source_ip, secure_transport))

    evaluator.pin_request_origin = pin_request_origin  # type: ignore[attr-defined]
    assume_tls(evaluator)
    evaluator.pin_request_origin("127.0.0.1", False)
    assert pinned == [("127.0.0.1", True)]


def test_a_function_that_has_moved_is_an_error() -> None:
    evaluator = ModuleType("evaluator")
    with pytest.raises(LocalCloudError, match="has moved"):
        assume_tls(evaluator)
    evaluator.pin_request_origin = lambda request: request  # type: ignore[attr-defined]
    with pytest.raises(LocalCloudError, match="has moved"):
        assume_tls(evaluator)
