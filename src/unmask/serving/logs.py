"""The service's log: one line of JSON an event to standard output, with nothing in it that a sender could forge."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

EVENT = "unmask_event"  # attribute of a record with further fields of its line
MAX_TRACEBACK = 8000  # characters


class JsonFormatter(logging.Formatter):
    """A record as one line of ASCII JSON: whatever a text holds, its control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, EVENT, {}),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))[-MAX_TRACEBACK:]
        return json.dumps(line, ensure_ascii=True, default=str)


def service_log() -> logging.Logger:
    """The logger of the service; it writes for itself, because BentoML's handlers would repeat each line as text."""
    logger = logging.getLogger("unmask.service")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger
