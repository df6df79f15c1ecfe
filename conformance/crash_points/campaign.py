"""The torture: processes on a simulated disk, and at the steps of theirs a crash.

A *chain* is a disk that several processes live on, one after the other. While a process runs, faults may hit it; every
step of it is recorded. Then, for each step (or for some of them), the process ends there: it is killed, which keeps the
page cache, or the power goes, and whatever was not synced meets its fate. A new process opens the journal: one crash
point. It must find what is sure. It dies too, by a power cut, at some step of its own opening or right after it, and
the next one must find all that it showed. One of the ends is where the chain goes on.

Beside it, each end is damaged once in a way that no honest disk does, and the journal must notice.

Everything follows from the seed, down to the bytes.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from unittest import mock

from conformance.crash_points import damage
from conformance.crash_points.disk import Disk, Faults
from conformance.crash_points.ledger import Ledger, Violation
from conformance.crash_points.session import Session, open_journal
from conformance.crash_points.tally import Tally
from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from conformance.refutation import How
from physalia.journal import JournalError, store

LIVES = 3
"""How many processes a chain has."""
WORK = 9
"""How many pieces of work a process does."""
LOG_PAGES = 12
"""After so many pages the log goes into the database: few, so that it happens often."""
POWER_SHARE = 0.75
"""How many of the processes end by a power cut; the others are killed."""
POWER_SHARE_FAILED, AGAIN = 0.25, 4
"""After a failed flush the page cache lies: most are killed, and the power goes while the next one is opened, often."""
ROOM_BYTES = 12_000
"""How much room there is at most on a disk that becomes full."""
FIRST_STEPS, MANY_STEPS = 20, 250
"""Half of the faults come while the journal is opened, the others anywhere."""
FAULTY_SHARE = 0.25
"""How many of the openings after a crash meet a fault."""
MANY_SYNCS, LATER_SYNCS = 40, 16
"""Which flush fails, if one does: counted from the beginning, or from when the journal is open."""
CLOSED_SHARE = 0.5
"""How often the journal is at rest when it is damaged: its log is empty, so that everything is in the database."""
KEPT_SHARE = 0.1
"""How many of the moments are kept, so that files can be exchanged for older copies: only of what led to here."""
FAULTS = ("", "", "flush", "later flush", "eio", "enospc", "room", "emfile", "enomem", "short")


class Broken(Exception):
    """The journal broke its word; the message says where and how, `chain` is the one to see it in again.

    `events` is how long that takes: so many crash points of the chain, or so many things that happen to the cell.
    """

    def __init__(self, sentence: str, chain: str, events: int, how: How = How.JUDGED) -> None:
        super().__init__(sentence)
        self.chain = chain
        self.events = events
        self.how = how


def run_campaign(
    seed: str, points: int, per_life: int | None, tally: Tally, tell: Callable[[], None] = lambda: None
) -> None:
    """Try so many crash points, at most `per_life` of a process; `tell` is called after each chain.

    Raises `Broken` at the first that shows a fault.
    """
    with stage() as vfs:
        while tally.points < points:
            Chain(vfs, f"{seed}/{tally.chains}", tally, points, per_life).run()
            tally.chains += 1
            tell()


def run_chain(name: str, per_life: int | None, tally: Tally) -> None:
    """One chain of a campaign, to its end. Raises `Broken`."""
    with stage() as vfs:
        Chain(vfs, name, tally, sys.maxsize, per_life).run()
        tally.chains += 1


@contextmanager
def stage() -> Iterator[SimulatedVfs]:
    """The VFS, and logs that are emptied often."""
    with simulated_vfs() as vfs, mock.patch.object(store, "LOG_PAGES", LOG_PAGES):
        yield vfs


class Chain:
    """Several processes on one disk."""

    def __init__(self, vfs: SimulatedVfs, name: str, tally: Tally, points: int, per_life: int | None) -> None:
        self.vfs = vfs
        self.name = name
        self.rng = Random(name)  # noqa: S311  # repeatable, no secret
        self.tally = tally
        self.points = points
        self.first = tally.points
        self.per_life = per_life
        self.older: list[Disk] = []
        self.is_dark = False
        """Whether the power went since the journal was last opened to the end: the last mark may not have survived."""

    def run(self) -> None:
        """Live, crash at the steps, and go on from one of them."""
        disk, ledger = Disk(self.name), Ledger()
        for life in range(LIVES):
            image = disk.copy()
            session = self._live(disk, ledger, f"{self.name}/{life}")
            steps = self._choose(len(disk.record) + 1)
            onward = self.rng.choice(steps)
            was_dark, carried_out, copies = self.is_dark, 0, 0
            for step in steps:
                if self.tally.points >= self.points:
                    return
                for again in session.disk.record[carried_out:step]:
                    image.again(again)
                carried_out = step
                moment = session.timeline.at(step)
                power_goes = self.rng.random() < (POWER_SHARE_FAILED if image.failed else POWER_SHARE)
                is_dark = power_goes or (was_dark and not session.timeline.is_open_at(step))
                end = self._end(image, moment, f"{self.name}/{life}/{step}", power_goes, is_dark)
                if self.rng.random() < KEPT_SHARE:
                    self.older.append(image.copy())
                if step == onward:
                    disk, ledger, self.is_dark = end, moment, is_dark
                    copies = len(self.older)
            del self.older[copies:]

    def _choose(self, count: int) -> list[int]:
        if self.per_life is None or count <= self.per_life:
            return list(range(count))
        return sorted(self.rng.sample(range(count), self.per_life))

    def _live(self, disk: Disk, ledger: Ledger, place: str) -> Session:
        fault = self.rng.choice(FAULTS)
        if fault == "flush":
            disk.failing_sync = self.rng.randrange(MANY_SYNCS)
        elif fault not in ("", "room", "later flush"):
            disk.faults = self._faults(fault)
        with self._judged(place):
            session = Session(self.vfs, disk, ledger, place)
            session.run(
                WORK,
                room_bytes=self.rng.randrange(ROOM_BYTES) if fault == "room" else None,
                flushes=self.rng.randrange(1, LATER_SYNCS) if fault == "later flush" else None,
            )
        self.tally.reached.update(session.reached)
        self.tally.reached.update(f"{met} at {kind}" for _, kind, met in disk.met)
        return session

    def _faults(self, fault: str) -> Faults:
        """One step, or several in a row, or now and then."""
        first = self.rng.randrange(self.rng.choice((FIRST_STEPS, MANY_STEPS)))
        return dict.fromkeys(self.rng.choice(([first], range(first, first + 40), range(first, 1000, 7))), fault)

    def _end(self, image: Disk, ledger: Ledger, place: str, power_goes: bool, is_dark: bool) -> Disk:
        """One crash point: the process ends here. Returns what is left of it."""
        self.tally.points += 1
        end = image.copy()
        if power_goes:
            end.cut_power(place)
        self.tally.reached["power cut" if power_goes else "killed"] += 1
        for name in sorted(end.names):
            self.tally.digest.update(f"{name}:{len(end.names[name].seen)}:".encode() + end.names[name].seen)
        for again in range(AGAIN if image.failed and not power_goes else 1):
            self._crash(end.copy(), ledger, f"{place}/{again}")
        self._damage(end.copy(), ledger, place, is_dark)
        return end

    def _crash(self, disk: Disk, ledger: Ledger, place: str) -> None:
        """Open what is left, and let the power go while it is opened, or right after."""
        start = disk.copy()
        if self.rng.random() < FAULTY_SHARE:
            disk.faults = {self.rng.randrange(FIRST_STEPS): self.rng.choice(("eio", "emfile", "enomem"))}
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

    def _damage(self, disk: Disk, ledger: Ledger, place: str, is_dark: bool) -> None:
        """Damage what is left, if the journal was made and there is something to damage."""
        if not ledger.is_made:
            return
        with self._judged(place):
            if self.rng.random() < CLOSED_SHARE:
                ledger, is_dark = damage.come_to_rest(self.vfs, disk, ledger), False
            done = damage.inflict(disk, self.older, self.rng)
            if done is not None:
                try:
                    became = damage.judge(self.vfs, disk, ledger, done, is_dark)
                except Violation as violation:
                    raise Violation(f"{done.kind} in {done.file}: {violation}") from violation
                self.tally.reached[f"damage: {became}"] += 1
                self.tally.reached[f"{done.kind}: {done.file}"] += 1

    @contextmanager
    def _judged(self, place: str) -> Iterator[None]:
        """Whatever is neither right nor expected breaks the campaign off."""
        try:
            yield
        except (Violation, JournalError) as error:
            events = max(1, self.tally.points - self.first)
            raise Broken(f"at {place}: {type(error).__name__}: {error}", self.name, events) from error
