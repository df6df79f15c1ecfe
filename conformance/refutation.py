"""What a judge of the running code raises when it is sure: the code did what it must not, or not what it must."""

from collections.abc import Iterable
from enum import StrEnum


class How(StrEnum):
    """How a fault showed itself."""

    JUDGED = "judged"
    """A step was held against the specification, or against a rule, and was wrong."""

    RAISED = "raised"
    """The code raised an exception; what it would have done is not known."""

    NOT_STARTED = "not-started"
    """A node could not be made, from nothing or from its own disk."""


class Refuted(Exception):
    """The code is refuted: a sentence that names the fault, lines that show it, and how it showed itself."""

    def __init__(self, title: str, lines: Iterable[str] = (), how: How = How.JUDGED) -> None:
        super().__init__(title)
        self.title = title
        self.lines = tuple(lines)
        self.how = how
