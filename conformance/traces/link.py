"""The link ``traces``: real servers record, and what they wrote down is replayed on the specification.

Three processes serve, and each is killed in the middle of writes; so leaders change. All traces of all cells must be
accepted, and things must have happened in them. Then the judge is judged: events of true traces are changed, and must
be refused at the very event; events that matter are left out, and then the whole must not be accepted. A sample goes to
TLC, which takes the same steps in `Cell` itself, and must not take them if one is changed.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic

from attrs import Factory, define, evolve, frozen

from conformance.links import (
    BadInput,
    CannotRun,
    Failure,
    LinkReport,
    Profile,
    Progress,
    Row,
    Settings,
    Verdict,
    combine,
)
from conformance.refutation import Refuted
from conformance.tlc.limits import Limits
from conformance.tlc.run import Processes
from conformance.tlc.toolchain import find_toolchain
from conformance.traces import fields, tlc
from conformance.traces.cell import CellKey, cells_of, picked, split
from conformance.traces.doctored import (
    GONE_ON,
    NOBODY_READS,
    WAITS,
    Doctored,
    added,
    asked_again,
    changed,
    deaf,
    gone_on,
    nobody_reads,
    somebody_reads_on,
    taught_who_waits,
    unheard,
    without,
)
from conformance.traces.itf import to_itf, without_receipts
from conformance.traces.lines import Run
from conformance.traces.recorded import Amount, record, record_moves
from conformance.traces.replay import Judged, Replay

LINK = "traces"


@frozen
class Much:
    """How much of each a profile does."""

    recorded: Amount
    doctored: int
    left_out: int
    by_tlc: int
    fields: int
    """How often each field of each kind of line is altered."""


AMOUNTS = {
    Profile.QUICK: Much(Amount(4, 6), 60, 60, 1, 1),
    Profile.DEFAULT: Much(Amount(16, 8), 100, 120, 10, 1),
    Profile.DEEP: Much(Amount(60, 12), 300, 1_000, 50, 3),
}
MUST_BE_TAKEN = (
    "start", "end", "prepare", "promise", "propose", "vote", "decide", "learn", "flush", "crash", "truncate",
    "recorded", "ignored", "consult", "echo", "serve",
)  # fmt: skip
"""What servers that are killed in the middle of writes must have done."""

MUST_MOVE = ("create", "settle", "erase")
"""What nodes that come and go must have done."""
MUST_BE_CHANGED = ("install what was not taught",)
"""What must have been changed where nodes come and go."""
MUST_BE_ADDED = (
    "a node goes on after its end", "a node that is gone goes on", "a lesson of more than is known",
    "more is learned than is known", "somebody asks for more than follows", "more is taken than was taught",
    "a decision that nobody made", "a prepare that was never sent", "a proposal that was never sent",
    "a round that was never sent", "an echo that was never sent", "a refusal of more than was promised",
    "a refusal of a ballot of another node's",
)  # fmt: skip
"""What must have been put in at the ends of nodes."""
MOVED_WRITES = 8
MOST_ROUNDS = 4
MOST_DEAF = 4
"""Of so many cells every decision is tried without the votes for it: of one in ten of them there were votes anyway."""
MUST_MATTER = ("prepare", "promise", "propose", "vote", "decide", "learn", "flush", "serve")
"""Some event of each of these kinds must be such that nothing is accepted without it."""


@define
class _Findings:
    """What the link found so far."""

    rows: list[Row] = Factory(list)
    failures: list[Failure] = Factory(list)

    def add(self, name: str, steps: int, started: float, note: str, failure: Failure | None) -> None:
        """A part is finished."""
        verdict = Verdict.HOLDS if failure is None else failure.verdict
        self.rows.append(Row(name=name, verdict=verdict, steps=steps, seconds=monotonic() - started, note=note))
        if failure is not None:
            self.failures.append(failure)


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Record, judge, doctor, and ask TLC. The folder with the traces is kept if something is refuted."""
    if settings.models:
        raise BadInput(f"the link {LINK} has no parts: what servers wrote down is judged once, and then the judge.")
    started, much, again = monotonic(), AMOUNTS[settings.profile], settings.again(LINK)
    folder = Path(tempfile.mkdtemp(prefix="physalia-traces-"))
    found = _Findings()
    runs = record(folder, much.recorded, lambda what: progress.update("recorded", 0, what))
    moved: list[Run] = []
    judged = _judge_all(runs, found, progress, folder, again)
    if not found.failures:  # of servers that did what cannot be, nobody asks whether a cell moves
        moved = record_moves(folder, MOVED_WRITES, lambda what: progress.update("moved", 0, what))
        _judge_moves(moved, found, folder, again)
        progress.finish("moved", "births, departures and a lost disk")
    if not found.failures:
        random = Random(settings.seed)  # noqa: S311  # repeatable, no secret
        cells = [key for key in cells_of(runs) if judged[key].taken["crash"]] or list(judged)
        for name, some in (("fields", runs), ("fields of moves", moved)):
            _judge_fields(name, some, cells_of(some)[0], much.fields, random, found, progress, again)
        every = islice(_in_turn(runs, cells, much.doctored, random), much.doctored)
        _judge_refused("doctored", every, found, progress, again, least=much.doctored)
        _judge_refused("doctored moves", _changed_once(moved, random), found, progress, again, must=MUST_BE_CHANGED)
        one_more = ((key, one) for some in (runs, moved) for key in cells_of(some) for one in _one_more(some, key))
        _judge_refused("put in", one_more, found, progress, again, must=(*MUST_BE_ADDED, GONE_ON, NOBODY_READS))
        _judge_taught(runs, moved, found, progress, again)
        _judge_without_receipts(runs, cells, judged, found, progress, again)
        _judge_again(runs, list(judged), found, progress, again)
        _judge_little(runs, cells[0], found, progress, again)
        _judge_without(runs, cells[0], much.left_out, random, found, progress, again)
        _judge_deaf(runs, list(judged), found, progress, again)
        if much.by_tlc:
            _ask_tlc([*judged.values()], much.by_tlc, settings, found, progress, again)
    if all(failure.verdict is not Verdict.REFUTED for failure in found.failures):
        shutil.rmtree(folder)
    return LinkReport.of(
        LINK, found.rows, found.failures, models=len(judged), seconds=monotonic() - started,
        notes=(f"{len(judged)} cells on three servers, each of which was killed and came back",),
    )  # fmt: skip


def _judge_all(
    runs: Sequence[Run], found: _Findings, progress: Progress, folder: Path, again: str
) -> dict[CellKey, Judged]:
    started, judged, taken = monotonic(), dict[CellKey, Judged](), Counter[str]()
    failure = None
    for key, trace in split(runs).items():
        one = judged[key] = Replay(trace).judge()
        taken.update(one.taken)
        progress.update("recorded", taken.total(), "events")
        if one.verdict is not Verdict.HOLDS and failure is None:
            replay = f"physalia conformance trace --cell {key[0]} {folder}/colony/traces/*.jsonl"
            failure = Failure(title=one.title, verdict=one.verdict, lines=one.lines, replay=replay)
    missing = [did for did in MUST_BE_TAKEN if not taken[did]]
    if failure is None and missing:
        title = f"every trace is accepted, but nobody did {', '.join(missing)}: nothing was shown of it"
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=again)
    note = f"{len(judged)} cells, {taken['crash']} crashes, {taken['prepare']} takeovers"
    found.add("recorded", taken.total(), started, note, failure)
    progress.finish("recorded", note)
    return judged


def _judge_moves(runs: Sequence[Run], found: _Findings, folder: Path, again: str) -> None:
    """A cell whose nodes come and go is accepted; one in which nobody heard enough to leave is not."""
    started, failure = monotonic(), None
    (key,) = cells_of(runs)
    judged = Replay(split(runs)[key]).judge()
    missing = [did for did in MUST_MOVE if did not in dict(judged.path)]
    if judged.verdict is not Verdict.HOLDS:
        replay = f"physalia conformance trace {folder}/moves/traces/*.jsonl"
        failure = Failure(title=judged.title, verdict=judged.verdict, lines=judged.lines, replay=replay)
    elif missing:
        title = f"a cell moved, and nobody did {', '.join(missing)}: nothing was shown of it"
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=again)
    elif Replay(split(unheard(runs))[key]).judge().verdict is not Verdict.REFUTED:
        failure = Failure(title="a node leaves that heard of nobody who holds what it holds", replay=again)
    found.add("moved", judged.events, started, f"{judged.taken['erase']} nodes left, and one was lost", failure)


def _judge_refused(
    name: str, every: Iterable[tuple[CellKey, Doctored]], found: _Findings, progress: Progress, again: str, *,
    least: int = 1, must: Sequence[str] = (),
) -> None:  # fmt: skip
    """Doctored events are refused where they are: at `least` so many, and some of each kind that there `must` be."""
    started, kinds, failure = monotonic(), Counter[str](), None
    for key, one in every:
        refused = _refused_at(key, one)
        if refused is not True and failure is None:
            failure = Failure(
                title=f"a doctored trace ({one.what}, {one.runs[one.run].path.name}, line {one.number}) is "
                f"{'accepted' if refused is None else 'refused elsewhere'}",
                lines=() if refused is None else (str(refused),), replay=again,
            )  # fmt: skip
        kinds[one.what] += 1
        progress.update(name, kinds.total(), "traces")
    missing = [what for what in must if not kinds[what]]
    if failure is None and (missing or kinds.total() < least):
        title = f"only {kinds.total()} traces could be doctored" + (f", none with {', '.join(missing)}" * bool(missing))
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add(name, kinds.total(), started, f"{kinds.total()} of {len(kinds)} kinds, refused at the event", failure)
    progress.finish(name, f"{kinds.total()} refused at the doctored event")


def _changed_once(runs: Sequence[Run], random: Random) -> Iterator[tuple[CellKey, Doctored]]:
    """One doctored trace of each kind of change that this cell has."""
    (key,) = cells_of(runs)
    seen = set[str]()
    for one in changed(picked(runs, key), random):
        if one.what in seen:
            return  # they come in turn
        seen.add(one.what)
        yield key, one


def _judge_fields(
    name: str, runs: Sequence[Run], key: CellKey, times: int, random: Random, found: _Findings, progress: Progress,
    again: str,
) -> None:  # fmt: skip
    """No field of any line may be another, or missing, but for those of which nobody can tell."""
    started, kinds, untold, failure = monotonic(), Counter[str](), 0, None
    for one in fields.altered(runs, key, random, times):
        is_told = fields.is_told(fields.judged(runs, key, one))
        untold += not is_told
        if failure is None and not is_told and not fields.may_be(one):
            failure = Failure(
                title=f"{one.place}: {one.field} of {one.kind} {one.what}, and is not refused", replay=again
            )
        kinds[one.kind] += 1
        progress.update(name, kinds.total(), "fields")
    note = f"{kinds.total()} fields of {len(kinds)} kinds of lines, {untold} of them such that nobody can tell"
    if failure is None and 2 * untold > kinds.total():
        failure = Failure(title=f"{note}: nothing was shown of them", verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add(name, kinds.total(), started, note, failure)
    progress.finish(name, note)


def _in_turn(
    runs: Sequence[Run], cells: Sequence[CellKey], count: int, random: Random
) -> Iterator[tuple[CellKey, Doctored]]:
    """Doctored traces of one cell after the other, and of each kind about as many: each begins where another ends."""
    each = -(-count // len(cells))
    ways = [(key, changed(picked(runs, key), random, at * each)) for at, key in enumerate(cells)]
    while ways:
        for key, way in tuple(ways):
            one = next(way, None)
            if one is None:
                ways.remove((key, way))
            else:
                yield key, one


def _refused_at(key: CellKey, one: Doctored) -> bool | str | None:
    """True if it is refused at the doctored event, a sentence if elsewhere, None if it is accepted."""
    judged = Replay(split(one.runs)[key]).judge()
    if judged.verdict is not Verdict.REFUTED:
        return None
    place = None if judged.event is None else judged.event.place
    is_there = place is not None and (place.path, place.number) == (one.runs[one.run].path, one.number)
    return True if is_there else judged.title


def _judge_again(
    runs: Sequence[Run], cells: Sequence[CellKey], found: _Findings, progress: Progress, again: str
) -> None:
    """Who asks again for what was decided last is told the same."""
    started, failure, count = monotonic(), None, 0
    for key in cells:
        for same, other in asked_again(picked(runs, key)):
            count += 1
            why = Replay(split(same.runs)[key]).judge()
            refused = _refused_at(key, other)
            if failure is None and why.verdict is not Verdict.HOLDS:
                failure = Failure(title=f"{same.what}, and is told the same: {why.title}", replay=again)
            if failure is None and refused is not True:
                failure = Failure(title=f"{other.what}, and that is not refused there ({refused})", replay=again)
    if not count:
        failure = Failure(title="nobody can ask again", verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add("asked again", count, started, f"{count} clients that ask again", failure)
    progress.finish("asked again", f"{count} told the same, and nothing else")


def _one_more(runs: Sequence[Run], key: CellKey) -> Iterator[Doctored]:
    """What is put in, of every kind; of rounds that nobody reads in a few, of which there are many."""
    mine = picked(runs, key)
    yield from added(mine)
    yield from gone_on(mine)
    yield from islice(nobody_reads(mine), MOST_ROUNDS)


def _judge_taught(runs: Sequence[Run], moved: Sequence[Run], found: _Findings, progress: Progress, again: str) -> None:
    """Who waits for what a snapshot tells its node is told it, and nothing else; who reads late has the next round."""
    started, failure, kinds = monotonic(), None, Counter[str]()
    (key,) = cells_of(moved)
    later = [(one, (two,)) for one in cells_of(runs) for two in islice(somebody_reads_on(picked(runs, one)), 1)]
    for cell, (true, *false) in [*later, *((key, three) for three in taught_who_waits(picked(moved, key)))]:
        why = Replay(split(true.runs)[cell]).judge()
        if failure is None and why.verdict is not Verdict.HOLDS:
            failure = Failure(title=f"{true.what}: {why.title}", replay=again)
        for one in false:
            refused = _refused_at(cell, one)
            if failure is None and refused is not True:
                failure = Failure(title=f"{one.what}, and that is not refused there ({refused})", replay=again)
        kinds.update(one.what for one in (true, *false))
    if failure is None and (not later or not kinds[WAITS[0]]):
        failure = Failure(title="nobody is taught what a client asks for", verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add("waiting", kinds.total(), started, f"{kinds.total()} who wait for a snapshot or a round", failure)
    progress.finish("waiting", f"{kinds[WAITS[0]]} told what a snapshot tells, and nothing else")


def _judge_without_receipts(
    runs: Sequence[Run], cells: Sequence[CellKey], judged: Mapping[CellKey, Judged], found: _Findings,
    progress: Progress, again: str,
) -> None:  # fmt: skip
    """What does not tell what nodes received is accepted all the same, in whatever order; but not if a step is none."""
    started, failure, count = monotonic(), None, 0
    for key in cells[:MOST_DEAF]:
        mine = without_receipts(to_itf(split(runs)[key], judged[key]))
        why = Replay(split(mine)[key]).judge()
        if failure is None and why.verdict is not Verdict.HOLDS:
            failure = Failure(title=f"a trace without receipts is not accepted: {why.title}", replay=again)
        later = next((one for one in changed(mine, Random(0)) if one.what == "decide in a later slot"), None)  # noqa: S311
        if failure is None and (later is None or Replay(split(later.runs)[key]).judge().verdict is Verdict.HOLDS):
            failure = Failure(title="without receipts a decision in a later slot is accepted", replay=again)
        count += 2
    found.add("no receipts", count, started, f"{count} traces that do not tell what was received", failure)
    progress.finish("no receipts", f"{count} traces")


def _judge_little(runs: Sequence[Run], key: CellKey, found: _Findings, progress: Progress, again: str) -> None:
    """Of a trace in which little or nothing happens nothing can be concluded, though none of it is wrong."""
    started, failure, mine = monotonic(), None, picked(runs, key)
    little = {
        "nothing": tuple(evolve(run, lines=[]) for run in mine),
        "no beginning": tuple(evolve(run, lines=[] if run.header.run == 1 else run.lines) for run in mine),
        "births alone": tuple(evolve(run, lines=run.lines[:1] if run.header.run == 1 else []) for run in mine),
    }
    for name, some in little.items():
        verdict = combine(Replay(trace).judge().verdict for trace in split(some).values())
        if verdict is not Verdict.INCONCLUSIVE and failure is None:
            failure = Failure(title=f"a trace with {name} in it is said to be {verdict}", replay=again)
    found.add("little", len(little), started, f"{len(little)} traces that show too little, inconclusive", failure)
    progress.finish("little", "inconclusive")


def _judge_without(
    runs: Sequence[Run], key: CellKey, count: int, random: Random, found: _Findings, progress: Progress, again: str
) -> None:
    """Without an event that matters nothing is accepted."""
    started, kinds = monotonic(), Counter[str]()
    of_this_cell = _of_each_kind(list(without(picked(runs, key))), count, random)
    failure = _judge_doctored(((key, one) for one in of_this_cell), kinds, count, progress, again)
    missing = [did for did in MUST_MATTER if not kinds[f"without {did}"]]
    if failure is None and missing:
        title = f"nothing that was done matters of {', '.join(missing)}: nothing was shown of it"
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add("left out", kinds.total(), started, f"{kinds.total()} events of {len(kinds)} kinds left out", failure)
    progress.finish("left out", f"{kinds.total()} traces without an event, none accepted")


def _judge_deaf(
    runs: Sequence[Run], cells: Sequence[CellKey], found: _Findings, progress: Progress, again: str
) -> None:
    """Who heard no votes decides nothing, also where there were votes."""
    started, kinds = monotonic(), Counter[str]()
    every = ((key, one) for key in cells[:MOST_DEAF] for one in deaf(picked(runs, key)))
    failure = _judge_doctored(every, kinds, 0, progress, again)
    if failure is None and not kinds:
        failure = Failure(title="nobody decides: nothing was shown of it", verdict=Verdict.INCONCLUSIVE, replay=again)
    found.add("unheard", kinds.total(), started, f"{kinds.total()} decisions of nodes that heard no votes", failure)
    progress.finish("unheard", f"{kinds.total()} decisions, none accepted")


def _judge_doctored(
    every: Iterable[tuple[CellKey, Doctored]], kinds: Counter[str], count: int, progress: Progress, again: str
) -> Failure | None:
    """Count them by kind; the first that is accepted all the same."""
    failure = None
    for key, one in every:
        try:
            is_accepted = Replay(split(one.runs)[key]).judge().verdict is Verdict.HOLDS
        except Refuted:
            is_accepted = False
        if is_accepted and failure is None:
            failure = Failure(
                title=f"a trace {one.what} is accepted all the same ({one.runs[one.run].path.name}, line {one.number})",
                replay=again,
            )
        kinds[one.what] += 1
        progress.update("left out", kinds.total(), "traces", total=count or None)
    return failure


def _of_each_kind(every: list[Doctored], count: int, random: Random) -> list[Doctored]:
    """So many of them at random, of each kind one before any other."""
    random.shuffle(every)
    first = {one.what: one for one in every}
    return [*first.values(), *(one for one in every if first[one.what] is not one)][:count]


def _ask_tlc(
    judged: Sequence[Judged], least: int, settings: Settings, found: _Findings, progress: Progress, again: str
) -> None:
    """TLC takes the steps of a sample of so many, and does not take them if one is changed."""
    started, states, failure = monotonic(), 0, None
    sample = [one for one in judged if tlc.fits(one)][:least]
    if len(sample) < least:
        title = f"TLC could be given {len(sample)} traces, and must be given {least}"
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=again)
    try:
        toolchain = find_toolchain()
    except CannotRun as error:
        failure = Failure(title=f"TLC was not asked: {error}", verdict=Verdict.INCONCLUSIVE)
        found.add("by TLC", 0, started, "not asked", failure)
        return
    with Processes() as processes:
        for at in range(0, len(sample), tlc.TOGETHER):
            some = sample[at : at + tlc.TOGETHER]
            progress.update("by TLC", at, "traces", total=len(sample))
            checked = tlc.check(some, toolchain, processes, Limits.of(settings))
            states += checked.run.distinct
            if not checked.is_accepted and failure is None:
                title = f"TLC takes {checked.run.distinct} of {checked.states} steps that the mirror takes"
                failure = Failure(title=title, lines=checked.run.errors, replay=again)
        if failure is None and sample:
            checked = tlc.check([tlc.with_wrong_step(sample[0])], toolchain, processes, Limits.of(settings))
            if checked.is_accepted:
                failure = Failure(title="TLC takes a step that is none", replay=again)
    found.add("by TLC", states, started, f"{len(sample)} traces, and one with a wrong step", failure)
    progress.finish("by TLC", f"{len(sample)} traces")
