"""The kill matrix: faults that real systems had, put in one at a time, each refuted by the link that guards it.

A mutant is a substitution in one file of a copy of the project, or a bug twin of ``tla/manifest.toml``. Its killer is a
command that holds on the untouched project (that is tried first: a check that refutes everything kills nothing) and
must refute the mutant. A mutant that could not be applied, does not compile or makes the killer fall over is no kill;
and neither is one that ended by an exception of its own, which nobody judged.

Of a link with parts the one is asked first that met the fault the last time (``first.toml``), and the whole link only
if that holds. Then the name is stale, which is told: the matrix does not hold until it is written down anew.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from attrs import asdict, evolve, frozen

from conformance.beside import cores
from conformance.links import SHRINK_S, Progress, Verdict
from conformance.mutants.copies import Judgement, Killers, Status, a_copy, applied, refusal
from conformance.mutants.entries import SHRINKING, Mutant
from conformance.mutants.kept import Kept, key_of, key_of_control
from conformance.parallel import completed, workers
from conformance.refutation import How

SCHEMA_VERSION = 2


@frozen(kw_only=True)
class Outcome:
    """What became of ``mutant`` after ``seconds``. ``stale`` is the part that was to kill it and did not."""

    mutant: Mutant
    judgement: Judgement
    seconds: float
    stale: str = ""

    @property
    def status(self) -> Status:
        """What became of it."""
        return self.judgement.status

    @property
    def is_accident(self) -> bool:
        """Whether it ended by an exception of its own, and not by a judge."""
        return self.judgement.is_accident


@frozen(kw_only=True)
class KillMatrix:
    """All outcomes. ``holds`` only if every mutant was applied and killed by a judge, whom the records name right."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    def named(self, *statuses: Status) -> list[str]:
        """The names of the mutants with one of these statuses."""
        return [outcome.mutant.name for outcome in self.outcomes if outcome.status in statuses]

    @property
    def stale(self) -> list[str]:
        """The names of the mutants that were not killed by the part that is written down for them."""
        return [outcome.mutant.name for outcome in self.outcomes if outcome.stale]

    @property
    def accidents(self) -> list[str]:
        """The names of the mutants that nobody judged, since they fell over."""
        return [outcome.mutant.name for outcome in self.outcomes if outcome.is_accident]

    @property
    def parts(self) -> Mapping[str, str]:
        """The part that killed a mutant, where links have parts."""
        kills = (one for one in self.outcomes if one.judgement.is_kill and one.judgement.part and one.mutant.has_parts)
        return {one.mutant.name: one.judgement.part for one in kills}

    @property
    def verdict(self) -> Verdict:
        """Refuted if a mutant survived or only fell over; error if one was not judged, or not killed by its part.

        Inconclusive if there is none, or if a killer was cut.
        """
        if self.named(Status.SURVIVED) or self.accidents:
            return Verdict.REFUTED
        if self.named(Status.NOT_APPLIED, Status.BUILD_FAILED, Status.ERROR) or self.stale:
            return Verdict.ERROR
        return Verdict.INCONCLUSIVE if self.named(Status.TIMEOUT) or not self.outcomes else Verdict.HOLDS

    def as_json(self) -> Mapping[str, Any]:
        """The matrix as docs/mutants.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "seconds": self.seconds,
            "applied": len(self.outcomes) - len(self.named(Status.NOT_APPLIED, Status.BUILD_FAILED)),
            "killed": sum(outcome.judgement.is_kill for outcome in self.outcomes),
            "accidents": len(self.accidents),
            "survived": len(self.named(Status.SURVIVED)),
            "stale": len(self.stale),
            "mutants": [_as_json(outcome) for outcome in self.outcomes],
        }


def _as_json(outcome: Outcome) -> Mapping[str, Any]:
    named = asdict(outcome.mutant, filter=lambda field, _: field.name not in ("replace", "with_", "mark"))
    judged = asdict(outcome.judgement, filter=lambda field, _: field.name != "parts")
    return {**named, **judged, "stale": outcome.stale, "seconds": outcome.seconds}


def patience_s(control_s: float) -> float:
    """How long a killer may take for a mutant that takes `control_s` seconds without one, on this machine."""
    return max(120.0, 20 * control_s)


def run(
    mutants: Sequence[Mutant],
    progress: Progress,
    *,
    time_s: float | None = None,
    shrink_s: float = SHRINK_S,
    first: Mapping[str, str] | None = None,
    kept: Kept | None = None,
) -> KillMatrix:
    """Try every mutant, as many at a time as there are processors; the outcomes in the order given.

    A killer has `time_s` seconds for a mutant; without it, many times what it takes without one. `first` names the part
    to ask first. What is `kept` is not judged again, and what is judged is kept.
    """
    start = time.monotonic()
    killers = Killers()
    known = {mutant.name: known for mutant in mutants if (known := _known(mutant, first or {}, kept)) is not None}
    asked = [mutant for mutant in mutants if mutant.name not in known]
    with _copies(min(cores(), len(asked))) as copies:
        one = _Run(killers, copies, progress, time_s, shrink_s, first or {}, kept)
        with workers(cores(), killers.end) as pool:
            known |= {outcome.mutant.name: outcome for outcome in one.all_of(asked, pool, len(known))}
    outcomes = tuple(known[mutant.name] for mutant in mutants)
    return KillMatrix(outcomes=outcomes, seconds=time.monotonic() - start)


def _known(mutant: Mutant, first: Mapping[str, str], kept: Kept | None) -> Outcome | None:
    """What was said of it before, if that was said by the part that is to be asked first now."""
    line = None if kept is None else kept.get(key_of(mutant))
    if line is None or line.judgement.part not in ("", first.get(mutant.name, line.judgement.part)):
        return None
    return Outcome(mutant=mutant, judgement=line.judgement, seconds=line.seconds)


@contextmanager
def _copies(count: int) -> "Iterator[SimpleQueue[Path]]":
    with ExitStack() as stack:
        free: SimpleQueue[Path] = SimpleQueue()
        for _ in range(count):
            free.put(stack.enter_context(a_copy()))
        yield free


@frozen
class _Held:
    """What a killer says without a mutant, and how long that took."""

    judgement: Judgement
    seconds: float

    @property
    def broken(self) -> str:
        """What it says if it does not hold."""
        return "" if self.judgement.status is Status.SURVIVED else self.judgement.note


class _Run:
    """Mutants, one after the other in each of the copies that there are."""

    def __init__(
        self, killers: Killers, copies: "SimpleQueue[Path]", progress: Progress, time_s: float | None, shrink_s: float,
        first: Mapping[str, str], kept: Kept | None,
    ) -> None:  # fmt: skip
        self._killers = killers
        self._copies = copies
        self._progress = progress
        self._time_s = time_s
        self._shrink_s = shrink_s
        self._first = first
        self._kept = kept
        self._lock = Lock()
        self._controls: dict[tuple[str, ...], Future[_Held]] = {}

    def all_of(self, mutants: Sequence[Mutant], pool: ThreadPoolExecutor, before: int) -> Iterator[Outcome]:
        """The outcomes as they come; so many were known before."""
        self._progress.update("mutants", before, "mutants", total=before + len(mutants))
        for done, future in enumerate(completed([pool.submit(self._try, one) for one in mutants]), start=before + 1):
            outcome = future.result()
            if self._kept is not None:
                self._kept.add(key_of(outcome.mutant), outcome.mutant.name, outcome.judgement, outcome.seconds)
            self._progress.update("mutants", done, "mutants", total=before + len(mutants))
            stale = f" ({outcome.stale!r}, which is asked first, does not)" if outcome.stale else ""
            self._progress.finish(outcome.mutant.name, f"{outcome.status}: {outcome.judgement.note}{stale}")
            yield outcome

    def _try(self, mutant: Mutant) -> Outcome:
        root = self._copies.get()
        try:
            start = time.monotonic()
            refused = refusal(mutant, root)
            if refused is not None:
                return Outcome(mutant=mutant, judgement=refused, seconds=time.monotonic() - start)
            return self._asked(mutant, root)
        finally:
            self._copies.put(root)

    def _asked(self, mutant: Mutant, root: Path) -> Outcome:
        """Ask the part that met it the last time; then the whole link; and after an accident each part by itself."""
        first, seconds = self._first.get(mutant.name, "") if mutant.has_parts else "", 0.0
        if first:
            judgement, seconds = self._ask(mutant, root, first)
            if judgement.is_kill:
                return Outcome(mutant=mutant, judgement=evolve(judgement, part=first), seconds=seconds)
        judgement, more = self._ask(mutant, root)
        seconds += more
        if judgement.is_accident and mutant.has_parts:
            for part in self._control(mutant, "", root).judgement.parts:
                again, more = self._ask(mutant, root, part)
                seconds += more
                if again.is_kill:
                    judgement = evolve(again, part=part)
                    break
        return Outcome(mutant=mutant, judgement=judgement, seconds=seconds, stale=first)

    def _ask(self, mutant: Mutant, root: Path, part: str = "") -> tuple[Judgement, float]:
        """What the killer says, or a part of it, and how long that took; one that refutes everything proves nothing."""
        held = self._control(mutant, part, root)
        if held.broken:
            return Judgement(Status.ERROR, f"its killer does not hold without it: {held.broken}"), 0.0
        command = list(mutant.control(part))
        if mutant.twin:
            command += ["--twin", mutant.twin]
        if mutant.killer in SHRINKING:
            command += ["--shrink-s", str(self._shrink_s)]
        start = time.monotonic()
        with applied(mutant, root):
            judgement = self._killers.judge(root, command, self._time_s or patience_s(held.seconds))
        return _of_twin(judgement) if mutant.twin else judgement, time.monotonic() - start

    def _control(self, mutant: Mutant, part: str, root: Path) -> _Held:
        """What is said of the project as it is. Whoever needs it first asks, and others wait for that."""
        command = mutant.control(part)
        with self._lock:
            mine = command not in self._controls
            future = self._controls.setdefault(command, Future())
        if mine:
            try:
                future.set_result(self._held(mutant.killer, command, root))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _held(self, killer: str, command: tuple[str, ...], root: Path) -> _Held:
        key = key_of_control(killer, command)
        line = None if self._kept is None else self._kept.get(key)
        if line is not None:
            return _Held(line.judgement, line.seconds)
        start = time.monotonic()
        judgement = self._killers.judge(root, command)
        held = _Held(judgement, time.monotonic() - start)
        if self._kept is not None and not held.broken:
            self._kept.add(key, " ".join(command), judgement, held.seconds)
        self._progress.finish(f"without a mutant: physalia {' '.join(command)}", judgement.note)
        return held


def _of_twin(judgement: Judgement) -> Judgement:
    """Of a twin it is asked whether TLC caught it as the manifest says: that holds."""
    match judgement.status:
        case Status.SURVIVED:
            return evolve(judgement, status=Status.KILLED, how=How.JUDGED)
        case Status.KILLED:
            return Judgement(Status.SURVIVED, judgement.note)
        case _:
            return judgement
