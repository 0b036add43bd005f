"""What the tests of the reports function share."""

import importlib
import sys
from types import ModuleType

import pytest


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the handler module, imported as in a new process of the function."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MODEL_TABLE": "model_table",
        "RETRIEVAL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/retrievals",
        "PROGRESS_SECRET": "test",
        "LOSSES_PER_MINUTE": "60",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "reports.handler", raising=False)
    return importlib.import_module("reports.handler")
