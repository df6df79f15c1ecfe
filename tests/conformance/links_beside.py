"""Links that are run in processes of their own by tests: each does one thing that a link may do."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance.links import BadInput, CannotRun, Failure, LinkReport, Progress, Row, Settings, Verdict

ENDLESS = "import threading; threading.Event().wait()"


def holds(settings: Settings, progress: Progress) -> LinkReport:
    print("what is printed is no message")
    progress.update("one", 5, "states", total=10, queue=3, depth=2)
    progress.finish("one", f"{settings.profile}, seed {settings.seed}")
    row = Row(name="one", verdict=Verdict.HOLDS, states=5)
    return LinkReport.of("holds", [row], [], models=1, seconds=0.5)


def refutes(settings: Settings, _: Progress) -> LinkReport:
    failure = Failure(title="it is wrong", lines=("why",), replay="physalia verify refutes")
    return LinkReport.of("refutes", [], [failure], models=1, seconds=0.5)


def refuses(_: Settings, __: Progress) -> LinkReport:
    raise BadInput("no such thing")


def cannot(_: Settings, __: Progress) -> LinkReport:
    raise CannotRun("no Java")


def breaks(_: Settings, __: Progress) -> LinkReport:
    raise ZeroDivisionError("oh")


def full(_: Settings, __: Progress) -> LinkReport:
    raise OSError("no room")


def dies(_: Settings, __: Progress) -> LinkReport:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def leaves(_: Settings, __: Progress) -> LinkReport:
    os._exit(7)


def never_ends(_: Settings, progress: Progress) -> LinkReport:
    """Leaves a file behind, starts a process, and tells their names."""
    kept = Path(tempfile.mkdtemp()) / "left"
    kept.write_text("left", encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", ENDLESS]) as child:
        progress.finish("started", f"{os.getpid()} {child.pid} {kept}")
    raise AssertionError("unreachable")
