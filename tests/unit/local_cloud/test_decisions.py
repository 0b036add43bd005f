"""The decisions of policies, in a file where one is asked for."""

import json
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import decisions
from local_cloud.settings import DECISIONS_VARIABLE, Settings

CONTEXT = SimpleNamespace(
    principal_arn="arn:aws:sts::000000000000:assumed-role/shop/1",
    action="s3:GetObject",
    resource_arn="arn:aws:s3:::shop/invoice",
)


class Evaluator(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("evaluator")
        self.evaluate: Any = self._evaluate

    def _evaluate(self, ctx: Any, policies: list[Any], *limits: list[Any]) -> Any:  # noqa: ARG002 - theirs
        return SimpleNamespace(decision=policies[0])


def test_each_decision_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.checked("127.0.0.1", 4600, tmp_path, tmp_path, record=True)
    file = settings.environment()[DECISIONS_VARIABLE]
    monkeypatch.setenv(DECISIONS_VARIABLE, file)
    evaluator = Evaluator()
    decisions.patch(evaluator)
    start = time.time()
    assert evaluator.evaluate(CONTEXT, ["Allow"]).decision == "Allow"
    assert evaluator.evaluate(CONTEXT, ["Deny"], []).decision == "Deny"
    request = {
        "principal": CONTEXT.principal_arn,
        "action": "s3:GetObject",
        "resource": CONTEXT.resource_arn,
    }
    lines = [json.loads(line) for line in Path(file).read_text().splitlines()]
    assert start <= lines[0].pop("time") <= lines[1].pop("time") <= time.time()
    assert lines == [request | {"decision": "Allow"}, request | {"decision": "Deny"}]


def test_nothing_is_written_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.checked("127.0.0.1", 4600, tmp_path, tmp_path)
    assert DECISIONS_VARIABLE not in settings.environment()
    monkeypatch.delenv(DECISIONS_VARIABLE, raising=False)
    evaluator = Evaluator()
    before = evaluator.evaluate
    decisions.patch(evaluator)
    assert evaluator.evaluate == before


def test_an_evaluator_that_has_moved_is_refused() -> None:
    with pytest.raises(LocalCloudError, match=r"evaluator\.evaluate\(ctx, policies, limits\)"):
        decisions.patch(ModuleType("evaluator"))
