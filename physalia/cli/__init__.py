"""The command line: thin, and imported by nothing.

It parses, calls what does the work, and prints. Data goes to standard output, progress and complaints to standard
error. The exit code is 0 when everything holds, 1 when something is refuted, 2 for bad input, 3 when nothing could be
concluded, 4 when something does not work here, 130 after an interrupt, and 141 when nobody reads what it prints.
Nothing heavy is imported before it is needed, so that help appears at once.
"""

import os
import signal
import sys
import sysconfig
from pathlib import Path
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the program ``physalia`` and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    open_what_is_closed()
    own_packages_first()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while what runs the command is being imported; then it has started nothing
        sys.stderr.write("physalia: interrupted; nothing is left running.\n")
        code = INTERRUPTED
    sys.exit(code)


def open_what_is_closed() -> None:
    """Where a standard stream was closed before this process began, what is printed goes nowhere.

    Python has no stream there, and the first file that somebody opens, or a process that is started, would get its
    number: then what was meant for a terminal would stand in that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def own_packages_first() -> None:
    """Let this process find the packages that were installed with this one before any others of the same name.

    Many a repository has a folder ``spec`` or ``conformance``, and its tests put it on the path. Only the standard
    library goes before the installed packages.
    """
    library = sysconfig.get_path("stdlib")
    standard = [one for one in sys.path if one in (library, str(Path(library, "lib-dynload")))]
    installed = str(Path(__file__).resolve().parents[2])
    sys.path[:] = list(dict.fromkeys([*standard, installed, *sys.path]))


def run(arguments: list[str]) -> int:
    """Run one command line, and return its exit code."""
    from physalia.cli.app import invoke  # noqa: PLC0415  # importing this package should cost nothing

    return invoke(arguments)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat a request to terminate as Ctrl-C, so that no process is left behind."""
    raise KeyboardInterrupt
