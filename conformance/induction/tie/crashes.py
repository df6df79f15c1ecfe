"""The cell as the layers `disk` and `outbox` of the proof: which actions its steps are, and what guards are asked.

A node that never crashes writes, flushes and sends in one step, which is read as two: it waits in between.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from attrs import evolve, field, frozen

from conformance.induction.tie.declared import Exceptions
from conformance.induction.tie.disks import Disks, Record, of_node
from conformance.induction.tie.readings import Args, Part, Reading, Taken
from spec import cell
from spec.cell import Cell
from spec.commands import Node
from spec.induction.formulas.evaluate import Facts, Universe
from spec.lives import Lives
from spec.machine import successor
from spec.outbox import Messages


def read_disk(machine: Cell) -> Reading[cell.State]:
    """`Cell` as the layer `disk`."""
    return _read(machine, outbox=False)


def read_outbox(machine: Cell) -> Reading[cell.State]:
    """`Cell` as the layer `outbox`."""
    return _read(machine, outbox=True)


def read_lives(machine: Lives) -> Reading[cell.State]:
    """`Lives` as the layer `disk`, where a disk that goes back is lost; its states have the names of `Cell`'s."""
    assert machine.law == "retire"
    return _read(cast("Any", machine), outbox=False, below=machine.cell)


def _read(machine: Cell, *, outbox: bool, below: Cell | None = None) -> Reading[cell.State]:
    disks = Disks(below or machine)
    steps = Steps(disks, outbox, machine)
    universe = disks.universe
    with_record = ("write_promise", "promise", "write_vote", "vote") if outbox else ()

    def part(name: str) -> Part:
        if name == "crash":
            return Part(action=name, more=partial(choices, universe))
        if name in with_record:
            return Part(action=name, gives=("e",), more=partial(records, universe))
        return Part(action=name)

    return Reading(
        machine=machine,
        universe=universe,
        facts=disks.facts,
        relations=(
            "left", "proposals", "votes", "chosen", "configuration", "promised", "accepted", "answered", "reports",
            "lost", *(("outbox",) if outbox else ()),
        ),
        steps={name: part(name) for name in WRITES_AND_SENDS},
        stutters=("issue", "prepare", "decide", "learn", "renew"),
        read_step=steps.read,
        exception=Exceptions(disks, outbox).reason,
    )  # fmt: skip


WRITES_AND_SENDS = ("write_promise", "promise", "propose", "write_vote", "vote", "crash", "lose")
"""The actions of both layers but those that are derived."""


@frozen(slots=False)
class Steps:
    """What the steps of a cell are, in one of the two layers."""

    disks: Disks
    outbox: bool
    whole: Cell
    """The machine whose steps are read."""
    patient: Cell = field(init=False)
    """The same cell in which everyone waits between writing and sending."""

    def __attrs_post_init__(self) -> None:
        machine = self.disks.machine
        object.__setattr__(self, "patient", evolve(machine, mortals=frozenset(machine.nodes)))

    def read(self, s: cell.State, name: str, args: Args) -> tuple[Taken[cell.State], ...]:
        """What is said is written at once, and sent when it is flushed."""
        after = successor(self.whole, s, name, args)
        assert after is not None, "it is an edge of the graph"
        if name in ("promise", "vote"):
            return self._written(s, name, args)
        if name == "propose" and after.proposals != s.proposals:
            return (Taken("propose", args),)
        if name == "flush":
            return self._sent(s, args[0], s.queue[args[0]][0].sends)
        if name == "regress":
            return (Taken("lose", args[:1]),)
        if name == "crash":
            return (Taken("crash", (args[0], *self.kept(after, args[0]))),)
        return ()

    def _written(self, s: cell.State, name: str, args: Args) -> tuple[Taken[cell.State], ...]:
        n = args[0]
        waits = successor(self.patient, s, name, args)
        assert waits is not None, "it has the same guard"
        record = self._record(waits, n, -1)
        if n in self.disks.machine.mortals:
            return (Taken(f"write_{name}", (*args, *record)),)
        return Taken(f"write_{name}", (*args, *record), waits), Taken(name, (*args, *record))

    def _sent(self, s: cell.State, n: Node, sends: Messages) -> tuple[Taken[cell.State], ...]:
        for w in sends.votes:
            return (Taken("vote", (n, w.ballot, w.slot, *self._record(s, n, 0))),)
        for m in sends.promises:
            return (Taken("promise", (n, m.ballot, *self._record(s, n, 0))),)
        for p in sends.proposals:
            return (Taken("propose", p[:3]),)
        return ()

    def _record(self, s: cell.State, n: Node, at: int) -> tuple[Record, ...]:
        return (self.disks.waiting(s, n)[at],) if self.outbox else ()

    def kept(self, s: cell.State, n: Node) -> Args:
        """What the disk of `n` kept, as a promise and as votes."""
        facts = self.disks.facts_again(s)
        promise, votes = of_node(facts, "promised", n), of_node(facts, "accepted", n)
        return promise, votes


# What guards are compared with beside the arguments of the actions.


def choices(universe: Universe, facts: Facts, args: Args) -> Iterator[Args]:
    """What a crash may keep, and may not: each promise, with what was sent, what was written, or one vote beside."""
    n = args[0]
    sent, written = of_node(facts, "votes", n), of_node(facts, "accepted", n)
    votes = {sent, written}
    for known in (sent, written):
        votes |= {known ^ {vote} for vote in written | sent}
        votes |= {known | {vote} for vote in facts["proposals"]}
    for b in universe.domains["Ballot"]:
        promise = frozenset((c,) for c in range(b))
        yield from ((promise, kept) for kept in votes)


def records(universe: Universe, facts: Facts, args: Args) -> Iterator[Args]:
    """The records that wait; and all of the ballot where the first of these is, and in the next two places."""
    waits = sorted(e for n, e in facts["outbox"] if n == args[0])
    mine = [e.place for e in waits if e.ballot == args[1]]
    places = {mine[0], mine[-1] + 1, mine[-1] + 2} if mine else {0, 1}
    yield from ((e,) for e in waits)
    yield from (
        (e,) for e in universe.domains["Record"] if e.ballot == args[1] and e.place in places and e not in waits
    )
