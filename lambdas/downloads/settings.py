"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, required


@dataclass(frozen=True, slots=True)
class Settings:
    """Where links and files are, and what is logged."""

    downloads_table: str
    models_bucket: str
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            downloads_table=required(environment, "DOWNLOADS_TABLE"),
            models_bucket=required(environment, "MODELS_BUCKET"),
            log_level=log_level(environment),
        )
