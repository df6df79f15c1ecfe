"""How the cell is read as facts of the layers `disk` and `outbox`: what is written, what waits, and what was sent.

*Written* is what a node remembers; what was flushed was sent at once, so nothing lies between the disk and what was
sent. Of a node's votes in a slot the cell keeps and reports the last; the earlier ones, which the layers keep, are read
off what was sent and what waits, and so is what a reply leaves out because the proposer knows it.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from attrs import evolve, field, frozen

from conformance.induction.tie.readings import Args, BallotsFacts
from spec import cell
from spec.ballots import Ballots
from spec.cell import Cell, Promise, Report
from spec.commands import Ballot, Name, Node, Nodes, Slot
from spec.induction.formulas.evaluate import Facts, Universe
from spec.induction.formulas.structure import Juries
from spec.outbox import NoVote, Voted

Says: TypeAlias = tuple[Slot, Name] | tuple[()]
"""What a record says: a vote in a slot for a value, or, with neither, a promise."""


class Record(NamedTuple):
    """A record as an element: of this ballot, so many of its node's before it, and what it says.

    The vote is the slot and the value; a promise has none. As tuples they are in the order of writing.
    """

    ballot: Ballot
    place: int
    vote: Says


@frozen(slots=False)
class Disks:
    """The facts of states of a cell, for both layers."""

    machine: Cell
    below: BallotsFacts = field(init=False)
    universe: Universe = field(init=False)
    _read: dict[tuple[object, ...], Facts] = field(factory=dict)
    _latest: list[tuple[object, Facts]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        above = self.machine.above()
        assert isinstance(above, Ballots)
        object.__setattr__(self, "below", BallotsFacts(above, Juries(above)))
        object.__setattr__(self, "universe", with_records(self.below.universe, self.machine))

    def facts(self, s: cell.State) -> Facts:
        """A state: what `Ballots` sees of it, and what is written, said and waiting."""
        gone = lost(s)
        key = (s.prepares, s.promises, s.proposals, s.votes, s.asked, s.told, s.promised, s.accepted, s.queue, gone)
        if key not in self._read:
            self._read[key] = {
                **self.below.facts(self.machine.seen_from_above(s)),
                "promised": frozenset(
                    (n, c) for n in self.machine.nodes if n not in gone for c in range(s.promised[n])
                ),
                "accepted": frozenset(fact for fact in self._accepted(s) if fact[0] not in gone),
                "answered": frozenset((m.node, m.ballot) for m in s.promises),
                "reports": frozenset(self._reports(s)),
                "lost": frozenset((n,) for n in gone),
                "outbox": frozenset((n, e) for n in self.machine.nodes for e in self.waiting(s, n)),
            }
        return self._read[key]

    def facts_again(self, s: cell.State) -> Facts:
        """The same for a state that is asked about many times in a row, with one list of arguments after the other."""
        if not self._latest or self._latest[0][0] is not s:
            self._latest[:] = [(s, self.facts(s))]
        return self._latest[0][1]

    def _accepted(self, s: cell.State) -> Iterator[Args]:
        """The votes of which memory has the last in each slot: no earlier one, and none that memory lacks."""
        value = values_of(s)
        for n in self.machine.nodes:
            written = {(w.ballot, w.slot, value.get(w[:2], "")) for w in s.votes if w.node == n}
            written |= {(*r,) for entry in s.queue[n] for r in entry.records if isinstance(r, Voted)}
            written |= {(w.ballot, i, w.value) for i, w in enumerate(s.accepted[n]) if i and w != NoVote}
            yield from ((n, b, i, v) for b, i, v in written if b <= s.accepted[n][i].ballot)

    def _reports(self, s: cell.State) -> Iterator[Args]:
        for m in s.promises:
            for r in self.told(s, m):
                yield m.node, m.ballot, r.slot, r.ballot, r.value

    def told(self, s: cell.State, m: Promise) -> set[Report]:
        """All that a reply says of lower ballots: its own reports, and what these make it needless to repeat."""
        value = values_of(s)
        prefix = next(p.prefix for p in s.prepares if p.ballot == m.ballot)
        highest = {r.slot: r.ballot for r in m.accepted}
        highest |= dict.fromkeys(range(1, prefix + 1), m.ballot)
        sent = {Report(w.slot, w.ballot, value.get(w[:2], "")) for w in s.votes if w.node == m.node}
        told = m.accepted | {r for r in sent if r.ballot < highest.get(r.slot, 0)}
        return {r for r in told if r.ballot < m.ballot}

    def waiting(self, s: cell.State, n: Node) -> list[Record]:
        """The promises and votes that `n` has to send, first in, first out."""
        value = values_of(s)
        said: list[tuple[Ballot, Says]] = []
        for entry in s.queue[n]:
            said += [(m.ballot, ()) for m in entry.sends.promises]
            said += [(w.ballot, (w.slot, value.get(w[:2], ""))) for w in entry.sends.votes]
        records = []
        for at, (b, vote) in enumerate(said):
            sent = sum(m.ballot == b and m.node == n for m in s.promises)
            sent += sum(w.ballot == b and w.node == n for w in s.votes)
            records.append(Record(b, sent + sum(c == b for c, _ in said[:at]), vote))
        return records


def lost(s: cell.State) -> Nodes:
    """The nodes that stopped for good in a state of `Lives`; a node of `Cell` never does."""
    fate = getattr(s, "fate", ())
    return frozenset(n for n, one in enumerate(fate) if one == "stopped")


def values_of(s: cell.State) -> dict[tuple[Ballot, Slot], Name]:
    """What was proposed, by ballot and slot."""
    return {(p.ballot, p.slot): p.value for p in s.proposals}


def with_records(universe: Universe, machine: Cell) -> Universe:
    """Records with the order in which they are written, and what each says."""
    says: list[Says] = [(), *((i, v) for i in machine.slots for v in machine.values)]
    # As many as a node writes under a ballot, and one to spare.
    records = [Record(b, k, vote) for b in machine.ballots for k in range(machine.max_slot + 2) for vote in says]
    return evolve(
        universe,
        domains={**universe.domains, "Record": tuple(records)},
        relations={
            **universe.relations,
            "ahead": frozenset((e, f) for e in records for f in records if e < f),
            "promises": frozenset((e, e.ballot) for e in records if not e.vote),
            "casts": frozenset((e, e.ballot, *e.vote) for e in records if e.vote),
        },
    )


def of_node(facts: Facts, relation: str, n: Node) -> frozenset[Args]:
    """What a relation says of one node."""
    return frozenset(fact[1:] for fact in facts[relation] if fact[0] == n)
