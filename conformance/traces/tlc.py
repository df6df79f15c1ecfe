"""Traces for TLC: a module in which TLC takes the steps of some traces, one after the other, and no others.

What was replayed on the mirror is a list of actions with their arguments. The module has these lists; each of its
states says which of them it follows and how far it is, and its next step is the action that stands there, as `Cell` has
it. So TLC finds one state more than there are steps if it allows them all, and fewer otherwise. Agreement is checked in
every state on the way. (The module extends `Cell` and not `CellProperties`, which has constants that TLC lists before
it starts, and that is long where there are many commands.)
"""

import shutil
from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from pathlib import Path

from attrs import evolve, frozen

from conformance.judges.judged import Asked
from conformance.links import CannotRun
from conformance.manifest import tla_folder
from conformance.tlc.java import QUICK_START
from conformance.tlc.limits import Limits, Outcome
from conformance.tlc.run import Processes, TlcRun, copy_of, run_tlc
from conformance.tlc.toolchain import Toolchain
from conformance.traces.progress import Call
from conformance.traces.replay import Judged
from spec import commands

MODULE = "TraceOfCell"
ARGUMENTS = {
    "issue": ("c",), "prepare": ("b",), "promise": ("n", "b"), "propose": ("b", "i", "v"), "vote": ("n", "b", "i"),
    "decide": ("b", "i"), "learn": ("n", "i"), "flush": ("n",), "crash": ("n", "k"),
}  # fmt: skip
"""The actions of `Cell`, with the names of their arguments."""
READS = ("consult", "echo", "serve")
"""Steps that leave all of `Cell` as it is, as `Reads` says: TLC takes the others as if these were not there."""
INVARIANTS = ("Agreement", "OneValuePerBallot")
TOGETHER = 10
"""So many traces TLC is given at once."""
MOST_STEPS = 100
"""TLC is given so many steps of a trace from its beginning: what it knows of a log it computes anew for every step."""
LEAST_STEPS = 20
"""A takeover and a write are about so many."""


@frozen
class Checked:
    """What TLC said of some traces: how many states it must find, how many it found, and what it says itself."""

    states: int
    run: TlcRun

    @property
    def is_accepted(self) -> bool:
        """Whether TLC took every step of every trace, and every invariant holds in every state."""
        return self.run.outcome is Outcome.PASSED and self.run.distinct == self.states


def sample(judged: Judged) -> Judged:
    """The beginning of a trace that TLC is given: steps of `Cell`, without reads, and not too many."""
    without_reads = (call for call in judged.path if call[0] not in READS)
    steps = takewhile(lambda call: call[0] in ARGUMENTS, without_reads)
    return evolve(judged, path=tuple(islice(steps, MOST_STEPS)))


def fits(judged: Judged) -> bool:
    """Whether the beginning of a trace is long enough for TLC to say something."""
    return len(sample(judged).path) >= LEAST_STEPS


def shape(judged: Judged) -> tuple[object, ...]:
    """What traces must share that TLC is given together: nodes, members, and the window."""
    assert judged.machine is not None
    return len(judged.machine.nodes), judged.machine.first, judged.machine.alpha


def check(
    traces: Sequence[Judged],
    toolchain: Toolchain,
    processes: Processes,
    limits: Limits | None = None,
    keep: Path | None = None,
) -> Checked:
    """Let TLC follow some accepted traces of cells of one shape, as far as it gets in time. Raises `CannotRun`."""
    traces = [sample(trace) for trace in traces]
    with copy_of(tla_folder()) as folder:
        (folder / f"{MODULE}.tla").write_text(module(traces), encoding="utf-8")
        (folder / f"{MODULE}.cfg").write_text(config(traces), encoding="utf-8")
        if keep is not None:
            for ending in ("tla", "cfg"):
                shutil.copyfile(folder / f"{MODULE}.{ending}", keep / f"{MODULE}.{ending}")
        seen = run_tlc(toolchain, folder, MODULE, processes=processes, limits=limits, java_options=QUICK_START)
    if seen.outcome is Outcome.BROKEN:
        raise CannotRun(f"TLC cannot read the module of a trace: {seen.errors[0]}")
    return Checked(sum(len(trace.path) + 1 for trace in traces), seen)


def module(traces: Sequence[Judged]) -> str:
    """The module of some traces."""
    names = _Names()
    paths = ",\n".join(_path(trace.path, lambda name, at=at: names.of(at, name)) for at, trace in enumerate(traces))  # type: ignore[misc]
    contents = [_content(names, at, trace) for at, trace in enumerate(traces)]
    ballots = _last("b", traces)
    machine = traces[0].machine
    assert machine is not None
    size = len(machine.nodes)
    table = ", ".join(one for some in contents for one in some)
    owners = ", ".join(str((ballot - 1) % size + 1) for ballot in range(1, ballots + 1))
    everyone = f"1..{size}"
    steps = "\n    [] ".join(
        f'e.did = "{name}" -> {name.capitalize()}({", ".join(f"e.{argument}" for argument in arguments)})'
        for name, arguments in ARGUMENTS.items()
    )
    return f"""---- MODULE {MODULE} ----
EXTENDS Cell
VARIABLES trace, at

CommandTable == [{table}]
OwnerTable == <<{owners}>>
AudienceTable == [b \\in 1..{ballots} |-> {everyone}]
Everyone == {everyone}

Traces == <<
{paths}
>>

Taken(e) ==
  CASE {steps}

Agreement == \\A d, e \\in decisions : d.slot = e.slot => d.value = e.value
OneValuePerBallot ==
  \\A p, q \\in proposals : p.ballot = q.ballot /\\ p.slot = q.slot => p.value = q.value

TraceInit == Init /\\ trace \\in 1..Len(Traces) /\\ at = 1
TraceNext ==
  /\\ at <= Len(Traces[trace])
  /\\ Taken(Traces[trace][at])
  /\\ at' = at + 1
  /\\ UNCHANGED trace
TraceSpec == TraceInit /\\ [][TraceNext]_<<vars, trace, at>>
====
"""


def config(traces: Sequence[Judged]) -> str:
    """What TLC is told of the constants."""
    machine = traces[0].machine
    assert machine is not None
    slots = max(_last("i", traces), _last("k", traces)) + machine.alpha
    first = ", ".join(map(str, sorted(machine.first)))
    invariants = "\n".join(f"  {name}" for name in INVARIANTS)
    return f"""CONSTANTS
  Nodes <- Everyone
  First = {{{first}}}
  Alpha = {machine.alpha}
  MaxBallot = {_last("b", traces)}
  MaxSlot = {slots}
  Owner <- OwnerTable
  Audience <- AudienceTable
  Strays <- Everyone
  Learners <- Everyone
  Mortals <- Everyone
  Early = {{}}
  Content <- CommandTable
SPECIFICATION TraceSpec
INVARIANTS
{invariants}
"""


class _Names:
    """Short names for commands: no text of a client gets into a module."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], str] = {}

    def of(self, trace: int, name: str) -> str:
        if name == commands.NoOp:
            return name
        return self._names.setdefault((trace, name), f"c{len(self._names) + 1}")


def _path(path: Sequence[Call], name_of: Callable[[str], str]) -> str:
    return f"  <<{', '.join(_step(name, arguments, name_of) for name, arguments in path)}>>"


def _step(name: str, arguments: Sequence[object], name_of: Callable[[str], str]) -> str:
    fields = [
        f'{field} |-> "{name_of(given)}"' if isinstance(given, str) else f"{field} |-> {int(given)}"  # type: ignore[call-overload]
        for field, given in zip(ARGUMENTS[name], arguments, strict=True)
    ]
    return f'[did |-> "{name}", {", ".join(fields)}]'


def _content(names: _Names, at: int, trace: Judged) -> list[str]:
    assert trace.machine is not None
    texts: dict[str, str] = {}
    found = []
    taken = {argument for _, arguments in trace.path for argument in arguments}
    for name, content in trace.machine.content.items():
        if name not in taken:
            continue
        match content:
            case commands.Write(expects, primary, replica):
                places = [texts.setdefault(text, f"p{len(texts) + 1}") for text in (primary, replica)]
                fields = (
                    f'kind |-> "write", expects |-> {expects}, primary |-> "{places[0]}", replica |-> "{places[1]}"'
                )
            case commands.Change(expects, members):
                fields = (
                    f'kind |-> "change", expects |-> {expects}, members |-> {{{", ".join(map(str, sorted(members)))}}}'
                )
            case commands.Read() | Asked() | _:  # to `Cell` a command of the store is one that sees nothing
                fields = 'kind |-> "read"'
        found.append(f"{names.of(at, name)} |-> [{fields}]")
    return found


def _last(which: str, traces: Sequence[Judged]) -> int:
    """The highest argument of this name in some traces."""
    given = (
        int(argument)  # type: ignore[call-overload]
        for trace in traces
        for name, arguments in trace.path
        for field, argument in zip(ARGUMENTS[name], arguments, strict=True)
        if field == which
    )
    return max(given, default=1)


def with_wrong_step(judged: Judged) -> Judged:
    """The same with one vote in a slot in which nobody proposed."""
    path = list(judged.path)
    at = next(place for place, (name, _) in enumerate(path) if name == "vote")
    node, ballot, slot = path[at][1]
    assert isinstance(slot, int)
    path[at] = ("vote", (node, ballot, slot + 1))
    return evolve(judged, path=tuple(path))
