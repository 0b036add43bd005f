"""What the tests of the downloads function share."""

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
        "DOWNLOADS_TABLE": "downloads",
        "MODELS_BUCKET": "models",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "downloads.handler", raising=False)
    return importlib.import_module("downloads.handler")
