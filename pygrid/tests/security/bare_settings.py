"""Settings for tests that need no database."""

from typing import Any

from pydantic import SecretStr

from artificien_pygrid.settings import Settings


def configure(**values: Any) -> Settings:
    return Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1/nothing"), **values)
