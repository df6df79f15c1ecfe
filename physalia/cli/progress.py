"""How far a check is, on standard error: a live table on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, evolve, field
from rich.console import Console
from rich.live import Live
from rich.table import Table

from physalia.cli import terminal

if TYPE_CHECKING:
    from physalia.placement.effort import Effort

_FIRST_LINE_S = 2.0
_LINE_EVERY_S = 5.0
_FRAMES_A_SECOND = 4
_BEAT_S = 0.25


@define
class _Part:
    """What is known of a part that is under way."""

    started: float
    shown: float
    done: int = 0
    unit: str = ""
    total: int | None = None
    queue: int | None = None
    depth: int | None = None

    def describe(self) -> str:
        """Done, rate, and what else is known, as one phrase."""
        seconds = time.monotonic() - self.started
        words = [f"{self.done:,}{f' of {self.total:,}' if self.total else ''} {self.unit}"]
        if self.done and seconds > 0:
            words.append(f"{self.done / seconds:,.0f}/s")
            if self.total:
                words.append(f"{max(0.0, self.total - self.done) * seconds / self.done:.0f} s left")
        words += [
            f"{name} {value:,}" for name, value in (("queue", self.queue), ("depth", self.depth)) if value is not None
        ]
        return f"{', '.join(words)}, {seconds:.0f} s"


@define(eq=False)
class Display:
    """The parts that are under way.

    Links report from several threads, and a terminal is drawn from one more, which asks for ``__rich__`` while it holds
    the console. So ``lock`` guards the parts alone, and is never held while something is printed.
    """

    console: Console
    live: bool
    parts: dict[str, _Part] = field(factory=dict)
    lock: threading.Lock = field(factory=threading.Lock)

    def update(
        self,
        part: str,
        done: int,
        unit: str,
        *,
        total: int | None = None,
        queue: int | None = None,
        depth: int | None = None,
    ) -> None:
        """Note how far a part is; without a terminal, say so after two seconds, and then every few."""
        now = time.monotonic()
        with self.lock:
            known = self.parts.setdefault(part, _Part(started=now, shown=now + _FIRST_LINE_S - _LINE_EVERY_S))
            known.done, known.unit, known.total, known.queue, known.depth = done, unit, total, queue, depth
            due = not self.live and now - known.shown >= _LINE_EVERY_S
            if due:
                known.shown = now
            words = known.describe()
        if due:
            self._line(f"  {part}: {words}")

    def beat(self) -> None:
        """Say how far the parts are that nobody has told of for long; only where there is no terminal."""
        now, due = time.monotonic(), []
        with self.lock:
            for name, part in self.parts.items():
                if now - part.shown >= _LINE_EVERY_S:
                    part.shown = now
                    due.append(f"  {name}: {part.describe()}")
        for line in due:
            self._line(line)

    def finish(self, part: str, note: str) -> None:
        """Forget a part and say what came of it."""
        with self.lock:
            known = self.parts.pop(part, None)
        seconds = f" ({time.monotonic() - known.started:.1f} s)" if known else ""
        self._line(f"  {part}: {note}{seconds}")

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self.lock:
            for name, part in self.parts.items():
                table.add_row(terminal.cell(f"  {name}"), terminal.cell(part.describe()))
        return table

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def display() -> Iterator[Display]:
    """Show progress on standard error as long as the context lasts."""
    console = terminal.console(to_stderr=True)
    shown = Display(console=console, live=console.is_terminal)
    if not shown.live:
        yield shown
        return
    with Live(shown, console=console, refresh_per_second=_FRAMES_A_SECOND, transient=True):
        yield shown


@contextmanager
def effort(part: str, limit_s: float | None) -> Iterator["Effort"]:
    """An effort of so many seconds that counts on standard error what is done, as long as the context lasts."""
    from physalia.placement.effort import Effort  # noqa: PLC0415

    done: dict[str, int] = {}
    limited = Effort.within(limit_s)
    with display() as shown:
        shown.update(part, 0, "steps")

        def told(what: str) -> None:
            done[what] = done.get(what, 0) + 1
            shown.update(part, done[what], what)

        with _beating(shown):
            yield evolve(limited, told=told)


@contextmanager
def _beating(shown: Display) -> Iterator[None]:
    """Let a display speak from two seconds on, wherever the time goes: reading a file tells of nothing meanwhile."""
    ended = threading.Event()

    def beat() -> None:
        with suppress(OSError):  # nobody reads it any more: whoever prints next will find out
            while not ended.wait(_BEAT_S):
                shown.beat()

    thread = threading.Thread(target=beat, daemon=True)
    if not shown.live:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread.ident is not None:
            thread.join()
