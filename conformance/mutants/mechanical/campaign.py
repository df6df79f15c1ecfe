"""Draw mechanical faults by a seed, try each, and say how many of them the links refute."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import count, zip_longest
from math import sqrt
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from attrs import asdict, evolve, frozen

from conformance.beside import cores
from conformance.links import BadInput, Progress, Verdict
from conformance.mutants.mechanical import pool, types
from conformance.mutants.mechanical.fault import Fault
from conformance.mutants.mechanical.kept import RUNS, Kept
from conformance.mutants.mechanical.listed import equivalent, survivors
from conformance.mutants.mechanical.trying import Bench, Outcome, Status, bench
from conformance.parallel import completed, workers

SCHEMA_VERSION = 1
NUMBER = 300
LEAST_KILLED = 0.9
MOST_EQUIVALENT = 0.1
FEWEST, DEVIATIONS = 30, 3
"""A draw of fewer says too little for chance to be an excuse."""
_NOT_APPLIED = (Status.EQUIVALENT, Status.BUILD_FAILED)


@frozen(kw_only=True)
class Matrix:
    """What became of the faults of one draw, room by room in turns. ``seconds`` are of this run alone.

    ``known`` has the reasons of those survivors that are listed; ``no_new`` says that there must be no other one.
    """

    seed: int
    rooms: Mapping[str, int]
    outcomes: tuple[tuple[Fault, Outcome], ...]
    seconds: float
    known: Mapping[str, str] = {}
    no_new: bool = False

    def counted(self) -> Counter[Status]:
        """How many there are of each status."""
        return Counter(outcome.status for _, outcome in self.outcomes)

    @property
    def applied(self) -> int:
        """Faults that were put in and asked about: those that build, and that are not listed as none."""
        return sum(outcome.status not in _NOT_APPLIED for _, outcome in self.outcomes)

    @property
    def new(self) -> list[str]:
        """The faults that no link killed, and that are not listed."""
        settled = (Status.KILLED, *_NOT_APPLIED)
        return [
            fault.name for fault, one in self.outcomes if one.status not in settled and fault.name not in self.known
        ]

    @property
    def verdict(self) -> Verdict:
        """Holds if links kill nine of ten, and at most one of ten that build is said to be none.

        A draw of less than 300 may show fewer by chance, by three standard deviations; named faults are no draw.
        """
        counted = self.counted()
        if not self.applied:
            return Verdict.INCONCLUSIVE
        listed = counted[Status.EQUIVALENT] <= MOST_EQUIVALENT * (self.applied + counted[Status.EQUIVALENT])
        least = least_killed(self.applied) if self.rooms else LEAST_KILLED
        killed = counted[Status.KILLED] >= least * self.applied
        return Verdict.HOLDS if listed and killed and not (self.no_new and self.new) else Verdict.REFUTED

    def as_json(self) -> Mapping[str, Any]:
        """The matrix as docs/mutants-mechanical.schema.json describes it."""
        counted = self.counted()
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "seed": self.seed,
            "seconds": self.seconds,
            "processor_seconds": sum(outcome.processor_s for _, outcome in self.outcomes),
            "faults_there_are": dict(self.rooms),
            "applied": self.applied,
            "killed_by_link": counted[Status.KILLED],
            "accidents": counted[Status.ACCIDENT],
            "broken": counted[Status.BROKEN],
            "survived": counted[Status.SURVIVED],
            "timeouts": counted[Status.TIMEOUT],
            "equivalent": counted[Status.EQUIVALENT],
            "build_failed": counted[Status.BUILD_FAILED],
            "new": self.new,
            "faults": [
                {"operator": fault.operator, "file": fault.file, "line": fault.line, **asdict(outcome)}
                for fault, outcome in self.outcomes
            ],
        }


def least_killed(applied: int) -> float:
    """What part of a draw must be killed at least, if nine of ten of all faults are; of the whole draw, nine of ten."""
    if not FEWEST <= applied < NUMBER:
        return LEAST_KILLED
    return LEAST_KILLED - DEVIATIONS * sqrt(LEAST_KILLED * (1 - LEAST_KILLED) / applied)


def named(name: str) -> Fault:
    """The fault of this name; BadInput if there is none."""
    file = name.partition(" ")[0]
    for room in pool.ROOMS:
        if file in room.files():
            for fault in pool.faults_in(file):
                if fault.name == name:
                    return fault
    raise BadInput(f"there is no mechanical fault {name!r}; --mechanical prints the names of those that it draws.")


def run(
    seed: int,
    number: int,
    progress: Progress,
    *,
    resume: bool = False,
    runs: Path = RUNS,
    most_asks: int | None = None,
    no_new: bool = False,
) -> Matrix:
    """Draw and try so many faults, as many at a time as there are processors; BadInput if there is nothing to resume.

    The draw follows from the seed and the files alone. What does not build, and what is listed as no fault, is drawn
    and said, and not among the ``number``. With ``most_asks`` no more than so many are asked about each; with
    ``no_new`` it is refuted by a survivor that is not listed.
    """
    types.must_be_there()
    start = time.monotonic()
    kept = Kept(runs / f"seed-{seed}.jsonl", most_asks)
    kept.resume() if resume else kept.begin()
    drawn = {room: _shuffled(room, seed) for room in pool.ROOMS}
    with _benches(runs) as tries:
        runner = _Runner(tries, kept, equivalent(), progress, number, most_asks)
        rows = [runner.room(drawn[room], _share(room, number)) for room in pool.ROOMS]
    turns = [one for turn in zip_longest(*rows) for one in turn if one is not None]
    rooms = {room.name: len(faults) for room, faults in drawn.items()}
    seconds, known = time.monotonic() - start, survivors()
    return Matrix(seed=seed, rooms=rooms, outcomes=tuple(turns), seconds=seconds, known=known, no_new=no_new)


def try_named(names: Sequence[str], progress: Progress, *, runs: Path = RUNS) -> Matrix:
    """Try the faults of these names, whether they are listed as none or not; BadInput for a name that there is not."""
    start = time.monotonic()
    faults = [named(name) for name in names]
    types.must_be_there()
    outcomes, controls = [], _Controls()
    with bench(runs / "types-0") as only:
        for done, fault in enumerate(faults):
            progress.update("faults", done, "faults", total=len(faults))
            outcomes.append((fault, _tried(only, fault, controls)))
            progress.finish(fault.name, f"{outcomes[-1][1].status}: {outcomes[-1][1].note}")
    return Matrix(seed=0, rooms={}, outcomes=tuple(outcomes), seconds=time.monotonic() - start, known=survivors())


class _Controls:
    """What whoever kills says of the project as it is: a check that refutes everything kills nothing."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._said: dict[str, str] = {}

    def judge(self, one: Bench, outcome: Outcome) -> Outcome:
        """The outcome; no kill if its killer refutes the project without the fault."""
        if outcome.status is not Status.KILLED:
            return outcome
        with self._lock:
            if outcome.link not in self._said:
                self._said[outcome.link] = one.refutes_without_a_fault(outcome.link)
            said = self._said[outcome.link]
        return (
            evolve(outcome, status=Status.BROKEN, note=f"it refutes the project as it is: {said}") if said else outcome
        )


def _tried(one: Bench, fault: Fault, controls: _Controls, most_asks: int | None = None) -> Outcome:
    refusal = one.refusal(fault)
    if refusal:
        return Outcome(name=fault.name, status=Status.BUILD_FAILED, note=refusal)
    return controls.judge(one, one.try_out(fault, pool.asks_of(fault.file, fault.where)[:most_asks]))


def _shuffled(room: pool.Room, seed: int) -> list[Fault]:
    """The faults of a room in the order of the draw: places in some order, and one fault after the other of each.

    The order follows from the seed and from names, so that a change of the code draws no other faults elsewhere.
    """
    places: dict[tuple[str, int, int], list[Fault]] = {}
    for fault in pool.faults_of(room):
        places.setdefault((fault.file, fault.start, fault.end), []).append(fault)

    def lot(name: str) -> bytes:
        return sha256(f"{seed}/{name}".encode()).digest()

    drawn = sorted(places.values(), key=lambda there: lot(min(fault.name for fault in there)))
    in_turns = zip_longest(*(sorted(there, key=lambda fault: lot(f"then {fault.name}")) for there in drawn))
    return [fault for turn in in_turns for fault in turn if fault is not None]


def _share(room: pool.Room, number: int) -> int:
    """How many of so many faults come from a room; what is left over goes to the first."""
    whole = sum(one.share for one in pool.ROOMS)
    shares = {one.name: number * one.share // whole for one in pool.ROOMS}
    left = number - sum(shares.values())
    return shares[room.name] + (left if room is pool.ROOMS[0] else 0)


@contextmanager
def _benches(runs: Path) -> Iterator[list[Bench]]:
    with ExitStack() as stack:
        yield [stack.enter_context(bench(runs / f"types-{number}")) for number in range(cores())]


class _Runner:
    """Tries the faults of a draw, on as many benches as there are."""

    def __init__(
        self, benches: list[Bench], kept: Kept, listed: Mapping[str, str], progress: Progress, number: int,
        most_asks: int | None,
    ) -> None:  # fmt: skip
        self._benches = benches
        self._kept = kept
        self._listed = listed
        self._progress = progress
        self._number = number
        self._most_asks = most_asks
        self._controls = _Controls()
        self._done = count(1)

    def room(self, drawn: Sequence[Fault], wanted: int) -> list[tuple[Fault, Outcome]]:
        """The first faults of a draw, until so many were applied, or no more are there."""
        faults, outcomes, applied = iter(drawn), dict[Fault, Outcome](), 0
        while applied < wanted:
            batch = [fault for _, fault in zip(range(wanted - applied), faults, strict=False)]
            if not batch:
                break
            outcomes |= dict(zip(batch, self._batch(batch), strict=True))
            applied = sum(one.status not in _NOT_APPLIED for one in outcomes.values())
        return list(outcomes.items())

    def _batch(self, batch: Sequence[Fault]) -> list[Outcome]:
        free: SimpleQueue[Bench] = SimpleQueue()
        for one in self._benches:
            free.put(one)

        def attempt(fault: Fault) -> Outcome:
            mine = free.get()
            try:
                return _tried(mine, fault, self._controls, self._most_asks)
            finally:
                free.put(mine)

        def end() -> None:
            for one in self._benches:
                one.end()

        known = {fault: outcome for fault in batch if (outcome := self._known(fault)) is not None}
        with workers(len(self._benches), end) as threads:
            futures = {threads.submit(attempt, fault): fault for fault in batch if fault not in known}
            for future in completed(futures):
                outcome = known[futures[future]] = future.result()
                self._kept.add(futures[future], outcome)
                self._tell(outcome)
        return [known[fault] for fault in batch]

    def _known(self, fault: Fault) -> Outcome | None:
        if fault.name in self._listed:
            return Outcome(name=fault.name, status=Status.EQUIVALENT, note=self._listed[fault.name])
        return self._kept.get(fault)

    def _tell(self, outcome: Outcome) -> None:
        if outcome.status is not Status.BUILD_FAILED:
            self._progress.update("faults", next(self._done), "faults", total=self._number)
        self._progress.finish(outcome.name, f"{outcome.status}: {outcome.note}")
