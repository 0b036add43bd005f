"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, positive, required
from lambda_common.node import NodeSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the rows and the node are, how often a key may be used, and what is logged."""

    user_table: str
    dataset_table: str
    model_table: str
    node: NodeSettings
    info_calls_per_minute: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            user_table=required(environment, "USER_TABLE"),
            dataset_table=required(environment, "DATASET_TABLE"),
            model_table=required(environment, "MODEL_TABLE"),
            node=NodeSettings.from_environment(environment),
            info_calls_per_minute=positive(environment, "INFO_CALLS_PER_MINUTE"),
            log_level=log_level(environment),
        )
