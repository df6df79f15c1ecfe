"""The command line: thin, and imported by nothing.

It parses, calls what does the work, and prints. Data goes to standard output, progress and complaints to standard
error. The exit code is 0 when everything holds, 1 when something is refuted, 2 for bad input, 3 when nothing could be
concluded, 4 when something does not work here, and 130 after an interrupt. Nothing heavy is imported before it is
needed, so that help appears at once.
"""

import signal
import sys
from types import FrameType


def main() -> None:
    """Run the program ``physalia`` and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line, and return its exit code."""
    from physalia.cli.app import invoke  # noqa: PLC0415  # importing this package should cost nothing

    return invoke(arguments)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat a request to terminate as Ctrl-C, so that no process is left behind."""
    raise KeyboardInterrupt
