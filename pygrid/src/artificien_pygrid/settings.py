"""The node's settings, from ``PYGRID_*`` environment variables or files.

Every field ``x`` is read from the variable ``PYGRID_X``. Secrets may instead lie in files named
``pygrid_x`` in the directory that ``PYGRID_SECRETS_DIR`` names (one value per file, as Docker and
systemd credentials put them there). Lists are JSON or separated by commas. No secret has a
default.
"""

import os
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network: TypeAlias = IPv4Network | IPv6Network

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """All that can be configured; times in seconds, sizes in bytes unless named otherwise."""

    model_config = SettingsConfigDict(env_prefix="PYGRID_", extra="ignore", frozen=True)

    # The server
    host: str = "127.0.0.1"
    port: int = Field(default=5000, ge=0, le=65535)
    node_id: str = "pygrid"
    processes: int = Field(default=1, ge=1, description="worker processes of `serve`")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    shutdown_seconds: float = Field(default=15, gt=0, description="grace for running requests")
    timeout_format: Literal["seconds", "text"] = Field(
        default="seconds",
        description="`timeout` of a rejected cycle request: whole seconds, or PyGrid's H:MM:SS.f",
    )

    # The database
    database_url: SecretStr = Field(description="such as `postgresql://pygrid@127.0.0.1/pygrid`")
    database_connections: int = Field(default=10, ge=1, description="per process, for requests")
    database_timeout: float = Field(default=10, gt=0, description="wait for a free connection")

    # Limits
    max_frame_bytes: int = Field(
        default=384 * MEBIBYTE, ge=1024, description="WebSocket message of who may host"
    )
    max_body_bytes: int = Field(
        default=96 * MEBIBYTE, ge=1024, description="report; anybody's message"
    )
    buffered_bytes: int = Field(
        default=1024 * MEBIBYTE,
        ge=1024,
        description="per process, of messages and reports that are not answered yet",
    )
    buffered_bytes_per_client: int = Field(
        default=512 * MEBIBYTE, ge=1024, description="of these, per client address"
    )
    max_model_bytes: int = Field(default=64 * MEBIBYTE, ge=1, description="a model, also a diff")
    max_plan_bytes: int = Field(default=32 * MEBIBYTE, ge=1, description="a plan or protocol")
    requests_per_second: float = Field(default=50, gt=0, description="per client address")
    request_burst: int = Field(
        default=2000,
        ge=1,
        description="per client address; syft.js pings some 800 times to measure its speed",
    )
    sockets_per_client: int = Field(default=64, ge=1)
    speed_test_bytes: int = Field(default=64 * MEBIBYTE, ge=1)
    speed_tests_per_client: int = Field(default=2, ge=1, description="at a time")
    speed_tests: int = Field(default=16, ge=1, description="at a time, of all clients")

    # Who may host, retrieve and look
    oidc_issuer: str | None = None
    oidc_jwks_url: HttpUrl | None = Field(
        default=None, description="the issuer's discovery document names it when absent"
    )
    oidc_audience: str | None = None
    oidc_client_id: str | None = None
    oidc_groups: Annotated[frozenset[str], NoDecode] = frozenset()
    oidc_groups_claim: str = "groups"
    hosting_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    retrieval_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    retrieval_token: SecretStr | None = None
    status_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    status_token: SecretStr | None = None
    token_endpoint_timeout: float = Field(
        default=5, gt=0, description="third-party validation of workers' tokens"
    )
    token_endpoint_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(), description="private networks that such an endpoint may lie in"
    )

    # Cycles
    timer_seconds: float = Field(default=1, gt=0, description="how often cycles are looked after")
    expired_cycles: Literal["extend", "abandon"] = Field(
        default="extend", description="what becomes of an expired cycle with too few diffs"
    )
    slot_seconds: float | None = Field(
        default=None,
        gt=0,
        description="how long a worker holds its place among max_workers without reporting; "
        "absent: until the cycle ends or is extended",
    )
    queue_seconds: float = Field(
        default=900,
        gt=0,
        description="pool_selection iterate: how long a worker's place in the queue is kept",
    )
    worker_seconds: float = Field(
        default=7 * 86400, gt=0, description="age at which an idle worker id expires"
    )
    aggregation_threads: int = Field(default=2, ge=1, description="cycles averaged at a time")
    aggregation_attempts: int = Field(
        default=5, ge=1, description="before a cycle counts as failed"
    )
    aggregation_retry_seconds: float = Field(default=10, gt=0, description="doubles each time")
    exact_averaging: bool = Field(
        default=False,
        description="run averaging plans op by op even where they are recognised as the mean",
    )
    cache_bytes: int = Field(
        default=128 * MEBIBYTE, ge=0, description="per process, for checkpoints and plans"
    )

    # Reports of progress to the master
    progress_url: HttpUrl | None = None
    progress_secret: SecretStr | None = None
    progress_header: str = "X-Progress-Secret"
    progress_timeout: float = Field(default=10, gt=0)
    progress_retry_seconds: float = Field(default=5, gt=0, description="doubles each time")
    progress_retry_max_seconds: float = Field(default=3600, gt=0)

    @field_validator(
        "hosting_networks",
        "retrieval_networks",
        "status_networks",
        "token_endpoint_networks",
        "oidc_groups",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip().strip("\"'") for part in value.strip("[] ").split(",") if part]
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition("://")[0]
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must begin with postgresql:// (no other database is supported)")
        return value

    @field_validator("retrieval_token", "status_token", "progress_secret")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("is empty; leave it out or give a value")
        return value

    @model_validator(mode="after")
    def _buffers_are_large_enough(self) -> "Settings":
        largest = max(self.max_frame_bytes, self.max_body_bytes)
        if min(self.buffered_bytes, self.buffered_bytes_per_client) < largest:
            raise ValueError(
                f"PYGRID_BUFFERED_BYTES and PYGRID_BUFFERED_BYTES_PER_CLIENT must be at least "
                f"{largest}, the larger of PYGRID_MAX_FRAME_BYTES and PYGRID_MAX_BODY_BYTES"
            )
        return self

    @model_validator(mode="after")
    def _oidc_is_complete(self) -> "Settings":
        asked = self.oidc_jwks_url or self.oidc_audience or self.oidc_client_id or self.oidc_groups
        if asked and self.oidc_issuer is None:
            raise ValueError("PYGRID_OIDC_ISSUER is required by the other PYGRID_OIDC_* settings")
        condition = self.oidc_audience or self.oidc_client_id or self.oidc_groups
        if self.oidc_issuer is not None and not condition:
            raise ValueError(
                "PYGRID_OIDC_ISSUER requires PYGRID_OIDC_AUDIENCE, PYGRID_OIDC_CLIENT_ID or "
                "PYGRID_OIDC_GROUPS: without any a token that the issuer made for any other "
                "service would be accepted"
            )
        return self


@cache
def load() -> Settings:
    """The settings of this process.

    Raises:
        pydantic.ValidationError: A value is missing or not valid; it names the field.
    """
    # Not among the fields: pydantic-settings takes it as an argument of its own.
    arguments: dict[str, Any] = {"_secrets_dir": os.environ.get("PYGRID_SECRETS_DIR")}
    return Settings(**arguments)
