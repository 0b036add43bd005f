"""The function's settings, from environment variables."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class SettingsError(ValueError):
    """An environment variable is missing or has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where datasets and samples are, how many rows a sample has by default, and what is logged."""

    dataset_table: str
    sample_bucket: str
    default_rows: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        log_level = environment.get("LOG_LEVEL", "INFO").upper()
        if log_level not in logging.getLevelNamesMapping():
            raise SettingsError(f"LOG_LEVEL is {log_level!r}: set it to a level such as INFO")
        return cls(
            dataset_table=_required(environment, "DATASET_TABLE"),
            sample_bucket=_required(environment, "SAMPLE_BUCKET"),
            default_rows=_positive(environment, "DEFAULT_ROWS"),
            log_level=log_level,
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: set it in the function's environment")
    return value


def _positive(environment: Mapping[str, str], name: str) -> int:
    value = _required(environment, name)
    if not value.isascii() or not value.isdecimal() or int(value) == 0:
        raise SettingsError(f"{name} is {value!r}: set it to a whole number above 0")
    return int(value)
