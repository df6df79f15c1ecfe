"""Progress is shown from several threads at once, on a terminal and elsewhere, without getting stuck."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console
from rich.live import Live

from physalia.cli import progress
from physalia.cli.progress import Display

PARTS, UPDATES = 4, 200


def report(shown: Display, part: str) -> None:
    for done in range(UPDATES):
        shown.update(part, done, "states", total=UPDATES, queue=done, depth=2)
    shown.finish(part, "finished")


def test_threads_report_while_a_terminal_is_drawn() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    shown = Display(console=console, live=True)
    pool = ThreadPoolExecutor(PARTS)
    with Live(shown, console=console, refresh_per_second=200, transient=True):
        reports = [pool.submit(report, shown, f"part {number}") for number in range(PARTS)]
        for done in reports:
            done.result(timeout=30)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("finished") == PARTS
    assert shown.parts == {}


def test_without_a_terminal_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_LINE_S", 0.0)
    console = Console(file=io.StringIO(), width=100)
    shown = Display(console=console, live=False)
    shown.update("MCCell", 1200, "states", total=2400, queue=30, depth=5)
    shown.finish("MCCell", "holds")
    assert isinstance(console.file, io.StringIO)
    first, last = console.file.getvalue().splitlines()
    assert first.startswith("  MCCell: 1,200 of 2,400 states, ")
    assert "queue 30, depth 5" in first
    assert last.startswith("  MCCell: holds (")


def test_without_a_terminal_the_first_line_comes_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [100.0, 101.9, 102.1, 106.9, 107.2, 112.1, 112.3]
    clock = seconds[:1]
    monkeypatch.setattr("physalia.cli.progress.time.monotonic", lambda: clock[-1])
    console = Console(file=io.StringIO(), width=100)
    shown = Display(console=console, live=False)
    assert isinstance(console.file, io.StringIO)
    seen = []
    for now in seconds:
        clock.append(now)
        shown.update("place", 1, "steps")
        seen.append(len(console.file.getvalue().splitlines()))
    assert seen == [0, 0, 1, 1, 2, 2, 3]


def test_work_that_tells_of_nothing_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a large file that is read: progress comes from two seconds on, wherever the time goes."""
    said = threading.Event()
    lines: list[str] = []

    def line(_shown: Display, text: str) -> None:
        lines.append(text)
        said.set()

    monkeypatch.setattr(Display, "_line", line)
    monkeypatch.setattr(progress, "_FIRST_LINE_S", 0.0)
    monkeypatch.setattr(progress, "_BEAT_S", 0.001)
    with progress.effort("place", None):
        assert said.wait(timeout=60)
    assert lines[0] == "  place: 0 steps, 0 s"


def test_nobody_who_reads_progress_is_no_failure_of_who_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()
    complaints: list[object] = []

    def broken(_shown: Display) -> None:
        tried.set()
        raise BrokenPipeError

    monkeypatch.setattr(threading, "excepthook", complaints.append)
    monkeypatch.setattr(Display, "beat", broken)
    monkeypatch.setattr(progress, "_BEAT_S", 0.001)
    with progress.effort("place", None):
        assert tried.wait(timeout=60)
    assert not complaints
