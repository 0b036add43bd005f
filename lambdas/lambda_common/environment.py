"""Reads a function's settings from its environment variables."""

import logging
from collections.abc import Mapping

type Environment = Mapping[str, str]


class SettingsError(ValueError):
    """An environment variable is missing or has a value that cannot be used."""


def required(environment: Environment, name: str) -> str:
    """Return the variable `name`. Raises `SettingsError` if it is missing or empty."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: set it in the function's environment")
    return value


def positive(environment: Environment, name: str) -> int:
    """Return the variable `name` as a number. Raises `SettingsError` if it is none above 0."""
    value = required(environment, name)
    if not value.isascii() or not value.isdecimal() or int(value) == 0:
        raise SettingsError(f"{name} is {value!r}: set it to a whole number above 0")
    return int(value)


def log_level(environment: Environment) -> str:
    """Return `LOG_LEVEL`, `INFO` if it is not set. Raises `SettingsError` if it is no level."""
    value = environment.get("LOG_LEVEL", "INFO").upper()
    if value not in logging.getLevelNamesMapping():
        raise SettingsError(f"LOG_LEVEL is {value!r}: set it to a level such as INFO")
    return value
