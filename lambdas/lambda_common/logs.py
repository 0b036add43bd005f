"""Structured logs: one JSON object per line on standard output."""

import json
import logging
import sys

LOGGER = logging.getLogger("lambda_common")


def configure_logging(level: str) -> None:
    """Let `LOGGER` write lines of `level` and above; calling it again replaces the settings."""
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(_JsonFormatter())
    LOGGER.handlers = [output]
    LOGGER.setLevel(level)
    # The Lambda runtime's own handler would write each line once more, as plain text.
    LOGGER.propagate = False


class _JsonFormatter(logging.Formatter):
    """Writes the message and what the call passed as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname, "message": record.getMessage()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
