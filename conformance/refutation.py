"""What a judge of the running code raises when it is sure: the code did what it must not, or not what it must."""

from collections.abc import Iterable


class Refuted(Exception):
    """The code is refuted: a sentence that names the fault, and lines that show it."""

    def __init__(self, title: str, lines: Iterable[str] = ()) -> None:
        super().__init__(title)
        self.title = title
        self.lines = tuple(lines)
