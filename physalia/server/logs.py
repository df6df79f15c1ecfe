"""What a server tells its operator: lines of JSON, in which nothing but text can stand, whoever it came from."""

import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger


def logger(server: int, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A log of one server, on standard error unless said otherwise."""
    made: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        server=server,
    )
    return made
