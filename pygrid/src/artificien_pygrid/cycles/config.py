"""What owners configure when hosting: checked here, once, when it arrives."""

import json
import math
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from ..errors import HostingRefused
from ..security.endpoints import parse_endpoint
from ..security.worker_tokens import load_public_key

_TEN_YEARS = 10 * 365 * 86400


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")  # noqa: TRY004 - what pydantic expects
    return value


def _none_for_zero(value: int) -> int | None:
    return value or None


def _printable(value: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ValueError("must not contain control characters")
    return value


_NAME_LENGTH = 255
_SHOWN_LENGTH = 80

_Model = TypeVar("_Model", bound=BaseModel)
_Name: TypeAlias = Annotated[
    str, Field(strict=True, min_length=1, max_length=_NAME_LENGTH), AfterValidator(_printable)
]
_Count: TypeAlias = Annotated[
    int, Field(ge=0, lt=2**31), BeforeValidator(_number), AfterValidator(_none_for_zero)
]
_Length: TypeAlias = Annotated[
    float, Field(gt=0, le=_TEN_YEARS, allow_inf_nan=False), BeforeValidator(_number)
]
_Speed: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
_Text: TypeAlias = Annotated[str, Field(strict=True)]


class ClientConfig(BaseModel):
    """What workers get; only the name and version matter to the node."""

    model_config = ConfigDict(extra="allow")

    name: _Name
    version: _Name


class AuthenticationConfig(BaseModel):
    """How workers' tokens are verified; what is empty counts as absent."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    secret: _Text | None = None
    pub_key: _Text | None = None
    endpoint: _Text | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _none_for_empty(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("pub_key")
    @classmethod
    def _is_a_key(cls, value: str | None) -> str | None:
        if value is not None:
            load_public_key(value)
        return value

    @field_validator("endpoint")
    @classmethod
    def _can_be_asked(cls, value: str | None) -> str | None:
        if value is not None:
            parse_endpoint(value)
        return value


class ServerConfig(BaseModel):
    """The rules of a process's cycles. Unknown keys are kept; 0 counts as absent for counts.

    Attributes:
        cycle_length: Seconds until a cycle's time is up; ``None`` for no end.
        num_cycles: Completed cycles after which the model is finished; ``None`` for endless.
        min_diffs: Diffs without which no cycle closes.
        max_diffs: Diffs with which a cycle is full: it closes, and takes no more.
        min_workers: Workers that must have been admitted before a cycle closes that is not full.
        max_workers: Places in a cycle. A worker keeps its place when it has reported; one that
            has not loses it when the cycle is extended or its lease ends, but may still report.
        pool_selection: Who gets a free place: ``random``, whoever asks; ``iterate``, those first
            that were turned away before, in the order in which they were.
        do_not_reuse_workers_until_cycle: A worker admitted in cycle n may return in cycle n plus
            this; at least 1.
        minimum_upload_speed, minimum_download_speed: What workers must at least have measured;
            even 0 makes them measure.
        iterative_plan: Whether the averaging plan takes the diffs one at a time.
    """

    model_config = ConfigDict(extra="allow")

    cycle_length: _Length | None
    num_cycles: _Count | None = None
    min_diffs: _Count | None = None
    max_diffs: _Count | None = None
    min_workers: _Count | None = None
    max_workers: _Count | None = None
    pool_selection: Literal["random", "iterate"] | None = None
    do_not_reuse_workers_until_cycle: _Count | None = None
    minimum_upload_speed: _Speed | None = None
    minimum_download_speed: _Speed | None = None
    iterative_plan: Annotated[bool, Field(strict=True)] | None = None
    authentication: AuthenticationConfig | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as the node applies them; the fields are those of ``ServerConfig``."""

    cycle_length: float | None = None
    num_cycles: int | None = None
    min_diffs: int = 1
    max_diffs: int | None = None
    min_workers: int = 0
    max_workers: int | None = None
    takes_turns: bool = False
    reuse_after: int = 1
    minimum_upload_speed: float | None = None
    minimum_download_speed: float | None = None
    iterative: bool = False

    @property
    def requires_speed_test(self) -> bool:
        """Whether workers must measure their connection."""
        return not (self.minimum_upload_speed is None and self.minimum_download_speed is None)

    @classmethod
    def from_config(cls, config: ServerConfig) -> Self:
        """The rules that a server config asks for."""
        return cls(
            cycle_length=config.cycle_length,
            num_cycles=config.num_cycles,
            min_diffs=config.min_diffs or 1,
            max_diffs=config.max_diffs,
            min_workers=config.min_workers or 0,
            max_workers=config.max_workers,
            takes_turns=config.pool_selection == "iterate",
            reuse_after=config.do_not_reuse_workers_until_cycle or 1,
            minimum_upload_speed=config.minimum_upload_speed,
            minimum_download_speed=config.minimum_download_speed,
            iterative=bool(config.iterative_plan),
        )


def parse_client_config(value: Any) -> ClientConfig:
    """Check a ``client_config``.

    Raises:
        HostingRefused: It is not valid; the text names the field.
    """
    return _parse(ClientConfig, "client_config", value)


def parse_server_config(value: Any) -> ServerConfig:
    """Check a ``server_config``.

    Raises:
        HostingRefused: It is not valid, or no cycle could ever close under it.
    """
    config = _parse(ServerConfig, "server_config", value)
    _check_attainable(Rules.from_config(config))
    return config


def _check_attainable(rules: Rules) -> None:
    limits = {"max_diffs": rules.max_diffs, "max_workers": rules.max_workers}
    for name, limit in limits.items():
        if limit is not None and rules.min_diffs > limit:
            raise HostingRefused(
                f"server_config.min_diffs is {rules.min_diffs}, more than {name} ({limit}): "
                "no cycle could close; lower the one or raise the other"
            )
    if rules.max_workers is not None and rules.min_workers > rules.max_workers:
        raise HostingRefused(
            f"server_config.min_workers is {rules.min_workers}, more than max_workers "
            f"({rules.max_workers}); lower the one or raise the other"
        )
    if (
        rules.cycle_length is None
        and rules.max_diffs is not None
        and rules.max_workers is not None
        and rules.max_diffs > rules.max_workers
    ):
        raise HostingRefused(
            f"server_config.max_diffs is {rules.max_diffs}, more than max_workers "
            f"({rules.max_workers}), and cycle_length is null: no cycle could close; "
            "lower max_diffs, raise max_workers or set a cycle_length"
        )


def _parse(kind: type[_Model], field: str, value: Any) -> _Model:
    if not isinstance(value, dict):
        raise HostingRefused(f"{field} must be an object with named values")
    try:
        # What cannot be stored or sent as JSON (NaN, lone surrogates) must not get in.
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        raise HostingRefused(
            f"{field} must consist of JSON values; NaN, infinities and lone surrogates are none"
        ) from None
    try:
        return kind.model_validate(value)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in error["loc"] if part in value or _is_name(part))
        if error["type"] == "missing":
            # The wording that clients of PyGrid know.
            raise HostingRefused(repr(str(error["loc"][-1]))) from None
        given = error["input"]
        shown = f" (got {given!r})" if _is_short(given) and "authentication" not in path else ""
        raise HostingRefused(f"{field}.{path}: {error['msg']}{shown}") from None


def _is_name(part: int | str) -> bool:
    return isinstance(part, str) and part.isidentifier()


def _is_short(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | str) and len(str(value)) <= _SHOWN_LENGTH
