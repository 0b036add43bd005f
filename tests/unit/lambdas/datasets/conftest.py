"""What the tests of the datasets function share."""

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
        "USER_TABLE": "user_table",
        "DATASET_TABLE": "dataset_table",
        "MODEL_TABLE": "model_table",
        "NODE_SSM_PATH": "/artificien/test",
        "NODE_TOKEN_SECRET": "test",
        "INFO_CALLS_PER_MINUTE": "60",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "datasets.handler", raising=False)
    return importlib.import_module("datasets.handler")
