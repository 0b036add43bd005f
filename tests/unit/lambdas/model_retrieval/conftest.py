"""What the tests of the model retrieval function share."""

import importlib
import sys
from types import ModuleType

import pytest

ENVIRONMENT = {
    "MODEL_TABLE": "model_table",
    "DOWNLOADS_TABLE": "downloads",
    "MODELS_BUCKET": "models",
    "BASE_URL_PARAMETER": "/a/b/model_retrieval/base_url",
    "MAX_MODEL_BYTES": "1000",
    "NODE_SSM_PATH": "/a/b",
    "NODE_TOKEN_SECRET": "hush",
}


@pytest.fixture
def environment() -> dict[str, str]:
    """Return the environment variables that the function needs."""
    return dict(ENVIRONMENT)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the handler module, imported as in a new process of the function."""
    credentials = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in (ENVIRONMENT | credentials).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "model_retrieval.handler", raising=False)
    return importlib.import_module("model_retrieval.handler")
