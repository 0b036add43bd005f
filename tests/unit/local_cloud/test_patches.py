"""Patches of the emulator find what they mend, or say that it has moved."""

import re
from types import ModuleType
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import patch_iam, patch_streams


class Evaluator(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("evaluator")
        self.pinned: list[tuple[str, bool]] = []
        self.pin_request_origin: Any = self._pin
        self._fnmatch_compile: Any = self._compile

    def _pin(self, source_ip: str, secure_transport: bool) -> None:
        self.pinned.append((source_ip, secure_transport))

    def _compile(self, pattern: str, ignore_case: bool) -> re.Pattern[str]:
        return re.compile(pattern.replace("*", ".*"), re.IGNORECASE if ignore_case else 0)


def test_every_request_counts_as_sent_over_tls() -> None:
    evaluator = Evaluator()
    patch_iam(evaluator)
    evaluator.pin_request_origin("127.0.0.1", False)
    assert evaluator.pinned == [("127.0.0.1", True)]


def test_wildcards_cover_line_breaks() -> None:
    evaluator = Evaluator()
    patch_iam(evaluator)
    assert evaluator._fnmatch_compile("bucket/*", False).match("bucket/a\nb")[0] == "bucket/a\nb"
    assert not evaluator._fnmatch_compile("bucket/*", False).match("Bucket/a")
    assert evaluator._fnmatch_compile("bucket/*", True).match("Bucket/a")


@pytest.mark.parametrize("name", ["pin_request_origin", "_fnmatch_compile"])
def test_a_function_that_has_moved_is_an_error(name: str) -> None:
    for replacement in (None, lambda request: request):
        evaluator = Evaluator()
        setattr(evaluator, name, replacement)
        with pytest.raises(LocalCloudError, match=rf"evaluator\.{name}.* has moved"):
            patch_iam(evaluator)


class Positions:
    """Stands in for the emulator's dictionary by account and region."""

    def __init__(self) -> None:
        self._data: dict[tuple[str, str, str], int] = {}


class LambdaService(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("lambda_service")
        self._dynamodb_stream_positions: Any = Positions()
        self._kinesis_positions = Positions()
        self._restore_esm_positions: Any = self._restore

    @staticmethod
    def _restore(store: Any, positions: dict[tuple[str, str, str], int]) -> None:
        store._data.update(positions)


def test_readers_of_tables_start_anew() -> None:
    service = LambdaService()
    patch_streams(service)
    saved = {("account", "region", "mapping"): 90}
    for store in (service._dynamodb_stream_positions, service._kinesis_positions):
        service._restore_esm_positions(store, saved)
    assert set(service._dynamodb_stream_positions._data.values()) == {0}
    assert service._kinesis_positions._data == saved


@pytest.mark.parametrize("name", ["_restore_esm_positions", "_dynamodb_stream_positions"])
def test_positions_that_have_moved_are_an_error(name: str) -> None:
    service = LambdaService()
    setattr(service, name, None)
    with pytest.raises(LocalCloudError, match=rf"lambda_service\.{name}.* has moved"):
        patch_streams(service)
