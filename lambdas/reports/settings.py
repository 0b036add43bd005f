"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, positive, required


@dataclass(frozen=True, slots=True)
class Settings:
    """Where models are, where retrievals are queued, who may report, and what is logged.

    `progress_secret` is the name of the secret that the node and this function share.
    """

    model_table: str
    retrieval_queue_url: str
    progress_secret: str
    losses_per_minute: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            model_table=required(environment, "MODEL_TABLE"),
            retrieval_queue_url=required(environment, "RETRIEVAL_QUEUE_URL"),
            progress_secret=required(environment, "PROGRESS_SECRET"),
            losses_per_minute=positive(environment, "LOSSES_PER_MINUTE"),
            log_level=log_level(environment),
        )
