"""What is called while something runs: the functions of the packages, in the order in which they are entered."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

from tests.docs.pages import ROOT, Place

Call = tuple[str, str]
"""A file and a function of it, with its class."""


def walk(
    work: Callable[[], object], root: Path = ROOT, tops: Iterable[str] = ("spec", "physalia", "conformance")
) -> list[Call]:
    """Every call of a function in these folders of `root` while `work` runs, in this thread."""
    folders = tuple(f"{root / top}/" for top in tops)
    entered: list[Call] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(folders):
            entered.append((name.removeprefix(f"{root}/"), frame.f_code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return entered


def missed(steps: Iterable[Place], entered: Iterable[Call]) -> str:
    """The first step that is not called after those before it; the empty string if all are, in their order."""
    calls = iter(entered)
    for step in steps:
        for name in step.names:
            if (step.path, name) not in calls:
                return f"{step.path} {name}"
    return ""
