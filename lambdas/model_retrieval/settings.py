"""The function's settings, from environment variables."""

from dataclasses import dataclass
from typing import Self

from lambda_common.environment import Environment, log_level, positive, required
from lambda_common.node import NodeSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Where models, links, files and the node are, how large a model may be, what is logged."""

    model_table: str
    downloads_table: str
    models_bucket: str
    base_url_parameter: str
    max_model_bytes: int
    node: NodeSettings
    log_level: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            model_table=required(environment, "MODEL_TABLE"),
            downloads_table=required(environment, "DOWNLOADS_TABLE"),
            models_bucket=required(environment, "MODELS_BUCKET"),
            base_url_parameter=required(environment, "BASE_URL_PARAMETER"),
            max_model_bytes=positive(environment, "MAX_MODEL_BYTES"),
            node=NodeSettings.from_environment(environment),
            log_level=log_level(environment),
        )
