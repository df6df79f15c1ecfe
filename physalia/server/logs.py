"""What a server tells its operator: lines of JSON, in which nothing but text can stand, whoever it came from.

A log that cannot be written ends no server: its disk may be full, as the journal's may, or whoever read it is gone.
"""

import json
import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger


class Unfailing:
    """A stream that never raises. What it could not write is counted, and the log says so as soon as it can."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.unwritten = 0

    def write(self, text: str) -> None:
        """Write a line, or count it."""
        said = ""
        if self.unwritten:
            said = json.dumps({"event": "log could not be written", "level": "warning", "lines": self.unwritten}) + "\n"
        try:
            self._stream.write(said + text)
            self._stream.flush()
        except (OSError, ValueError):  # no room, no reader, or closed
            self.unwritten += 1
        else:
            self.unwritten = 0

    def flush(self) -> None:
        """Every line was flushed."""


def logger(server: int, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A log of one server, on standard error unless said otherwise."""
    made: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(Unfailing(stream or sys.stderr)),  # type: ignore[arg-type]  # it writes and flushes
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        server=server,
    )
    return made
