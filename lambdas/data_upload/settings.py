"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, positive, required


@dataclass(frozen=True, slots=True)
class Settings:
    """Where datasets and samples are, how many rows a sample has by default, and what is logged."""

    dataset_table: str
    sample_bucket: str
    default_rows: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            dataset_table=required(environment, "DATASET_TABLE"),
            sample_bucket=required(environment, "SAMPLE_BUCKET"),
            default_rows=positive(environment, "DEFAULT_ROWS"),
            log_level=log_level(environment),
        )
