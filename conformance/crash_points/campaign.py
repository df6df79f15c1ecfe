"""The torture: processes on a simulated disk, and at every step of theirs a crash.

A *chain* is a disk that several processes live on, one after the other. While a process runs, faults may hit it; every
step of it is recorded. Then, for each step, and for each of the ways in which the process can end there (it is killed,
which keeps the page cache; or the power goes, and whatever was not synced meets its fate), a new process opens the
journal: one crash point. It must find what is sure. It dies too, by a power cut, at some step of its own opening or
right after it, and the next one must find all that it showed. One of the ends is where the chain goes on.

Everything follows from the seed, down to the bytes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from attrs import Factory, define, evolve

from conformance.crash_points.disk import Disk, Faults
from conformance.crash_points.ledger import Ledger, Violation
from conformance.crash_points.session import Session, open_journal
from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from physalia.journal import JournalError, store

LIVES = 3
"""How many processes a chain has."""
WORK = 9
LOG_PAGES = 12
"""After so many pages the log goes into the database: few, so that it happens often."""
FAULTS = ("", "", "eio", "eio", "enospc", "room", "emfile", "enomem", "short")


@define
class Tally:
    """What a campaign saw. `digest` is over every disk that a process found: equal seeds give equal ones."""

    points: int = 0
    reached: Counter[str] = Factory(Counter)
    digest: "hashlib._Hash" = Factory(hashlib.sha256)


class Broken(Exception):
    """The journal broke its word; the message says where, how, and how to see it again."""


def run(seed: int, points: int, tell: Callable[[int], None] = lambda _: None) -> Tally:
    """Try so many crash points. Raises `Broken` at the first that shows a journal at fault."""
    tally = Tally()
    with simulated_vfs() as vfs, short_logs():
        number = 0
        while tally.points < points:
            Chain(vfs, f"{seed}/{number}", tally, points).run()
            number += 1
            tell(tally.points)
    return tally


@contextmanager
def short_logs() -> Iterator[None]:
    """Let the log be emptied after few pages."""
    before, store.LOG_PAGES = store.LOG_PAGES, LOG_PAGES
    try:
        yield
    finally:
        store.LOG_PAGES = before


class Chain:
    """Several processes on one disk."""

    def __init__(self, vfs: SimulatedVfs, name: str, tally: Tally, points: int) -> None:
        self.vfs = vfs
        self.name = name
        self.rng = Random(name)
        self.tally = tally
        self.points = points

    def run(self) -> None:
        """Live, crash at every step, and go on from one of them."""
        disk, ledger = Disk(self.name), Ledger()
        for life in range(LIVES):
            start = disk.copy()
            session = self._live(disk, ledger, f"{self.name}/{life}")
            ends = range(len(disk.record) + 1)
            chosen = self.rng.choice(ends)
            image = start.copy()
            for step in ends:
                if self.tally.points >= self.points:
                    return
                place = f"{self.name}/{life}/{step}"
                end = self._end(image, place)
                if step == chosen:
                    disk, ledger = end.copy(), session.timeline.at(step)
                self._crash(end, session.timeline.at(step), place)
                if step < len(session.disk.record):
                    image.again(session.disk.record[step])

    def _live(self, disk: Disk, ledger: Ledger, place: str) -> Session:
        fault = self.rng.choice(FAULTS)
        if fault == "room":
            disk.room_bytes = sum(len(file.seen) for file in disk.names.values()) + self.rng.randrange(40_000)
        elif fault:
            disk.faults = self._faults(fault)
        with self._judged(place):
            session = Session(self.vfs, disk, ledger, place)
            session.run(WORK)
        self.tally.reached.update(session.reached)
        self.tally.reached.update(f"{met} at {kind}" for _, kind, met in disk.met)
        return session

    def _faults(self, fault: str) -> Faults:
        """One step, or from one on, or now and then."""
        first = self.rng.randrange(250)
        return dict.fromkeys(self.rng.choice(([first], range(first, first + 40), range(first, 1000, 7))), fault)

    def _end(self, image: Disk, place: str) -> Disk:
        """How a process may end here: killed, one time in four, else without power."""
        end = image.copy()
        if self.rng.random() < 0.25:
            self.tally.reached["killed"] += 1
        else:
            end.cut_power(place)
            self.tally.reached["power cut"] += 1
        return end

    def _crash(self, disk: Disk, ledger: Ledger, place: str) -> None:
        """One crash point, and a second crash while the journal is opened after the first."""
        self.tally.points += 1
        for file in sorted(disk.names):
            self.tally.digest.update(f"{file}:{len(disk.names[file].seen)}:".encode() + disk.names[file].seen)
        start = disk.copy()
        session = self._open(disk, ledger, place)
        step = self.rng.choice((len(disk.record), self.rng.randrange(len(disk.record) + 1)))
        for again in session.disk.record[:step]:
            start.again(again)
        start.cut_power(f"{place}/{step}")
        self._open(start, session.timeline.at(step), f"{place}/{step}")

    def _open(self, disk: Disk, ledger: Ledger, place: str) -> Session:
        with self._judged(place):
            session = Session(self.vfs, disk, ledger, place)
            if open_journal(session.files, session) is None:
                raise Violation("the journal cannot be opened on an honest disk")
            return session

    @contextmanager
    def _judged(self, place: str) -> Iterator[None]:
        """Whatever is neither right nor expected breaks the campaign off."""
        try:
            yield
        except (Violation, JournalError) as error:
            raise Broken(f"crash point {self.tally.points} of chain {place}: {type(error).__name__}: {error}") from error
