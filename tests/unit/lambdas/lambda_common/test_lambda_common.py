"""Settings from the environment, and the form of the logs."""

import json

import pytest
from lambda_common.environment import SettingsError, log_level, positive, required
from lambda_common.logs import LOGGER, configure_logging


def test_required() -> None:
    assert required({"TABLE": "a"}, "TABLE") == "a"
    for environment in ({}, {"TABLE": ""}):
        with pytest.raises(SettingsError, match=r"^TABLE is not set: set it"):
            required(environment, "TABLE")


def test_positive() -> None:
    assert positive({"ROWS": "500"}, "ROWS") == 500
    with pytest.raises(SettingsError, match=r"^ROWS is not set"):
        positive({}, "ROWS")


@pytest.mark.parametrize("value", ["0", "-5", "5.5", "x", "\u0665"])
def test_not_positive(value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^ROWS is '{value}': set it to a whole number"):
        positive({"ROWS": value}, "ROWS")


def test_log_level() -> None:
    assert log_level({}) == "INFO"
    assert log_level({"LOG_LEVEL": "debug"}) == "DEBUG"
    with pytest.raises(SettingsError, match=r"^LOG_LEVEL is 'LOUD': set it to a level"):
        log_level({"LOG_LEVEL": "loud"})


def test_a_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    LOGGER.info("row of %s", "ä", extra={"fields": {"request_id": "1"}})
    try:
        int("none")
    except ValueError:
        LOGGER.exception("failed")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"level": "INFO", "message": "row of ä", "request_id": "1"}
    assert (second["level"], second["message"]) == ("ERROR", "failed")
    assert second["exception"].endswith("base 10: 'none'")


def test_logging_can_be_configured_again(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    configure_logging("WARNING")
    LOGGER.info("low")
    LOGGER.warning("high")
    assert json.loads(capsys.readouterr().out) == {"level": "WARNING", "message": "high"}
