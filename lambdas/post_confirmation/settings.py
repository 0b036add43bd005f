"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, required


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the rows are and what is logged."""

    user_table: str
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            user_table=required(environment, "USER_TABLE"),
            log_level=log_level(environment),
        )
