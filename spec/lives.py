"""A disk goes back in time, and what may be done about it. Mirrors `tla/Lives.tla`.

After a restart a disk holds an older copy of itself, without a flaw, so that its node cannot tell. Under the law
"trust" the node goes on; under "stop" it goes on until it hears of a promise, a vote or a ballot of its own that its
disk lacks, and then stops for good; under "listen" it does nothing as long as there is something of that kind to be
heard; under "retire" the disk counts as lost, and a new incarnation may begin, with a new name and a blank disk (R15,
R16). Agreement falls under "trust", and under "stop" as well. The steps are those of `spec/cell.py`.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from attrs import frozen

from spec import outbox
from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Name, Node, Nodes, Slot, Told
from spec.machine import Machine, action, invariant
from spec.observed import changes_of
from spec.outbox import Accepted, Decision, Disk, Entry, Prepare, Promise, Proposal, Vote
from spec.values import Function, function, function_of, put


class Copy(NamedTuple):
    """What a disk was once."""

    disk: Disk
    known: Log


class State(NamedTuple):
    """The variables: those of the cell, and two for each node."""

    asked: frozenset[Name]
    told: frozenset[Told]
    prepares: frozenset[Prepare]
    promises: frozenset[Promise]
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]
    decisions: frozenset[Decision]
    promised: Function[Ballot]
    accepted: Function[Function[Accepted]]
    active: Function[Ballot]
    known: Function[Log]
    queue: Function[tuple[Entry, ...]]
    disk: Function[Disk]
    kept: Function[int]
    fate: Function[str]
    """"unborn", "well", "back" or "stopped"."""
    past: Function[tuple[Copy, ...]]
    """The copies that a disk was, the oldest first."""


def _cell(s: State) -> outbox.State:
    """The same state for the steps and properties of the cell, which read fields by their names alone."""
    return cast("outbox.State", s)


@frozen(kw_only=True, slots=False, eq=False)
class Lives(Machine[State]):
    """The cell, a law, and the actions: those of the cell by nodes that act, and what happens to disks."""

    cell: CellProperties
    law: str
    """"trust", "stop", "listen" or "retire"."""
    frail: Nodes
    """Nodes whose disk may go back, once each: a bound."""
    heir: Mapping[Node, Node]
    """The incarnation that may follow a node; itself for none."""

    @property
    def nodes(self) -> range:
        """Nodes, which are incarnations."""
        return self.cell.nodes

    @property
    def ballots(self) -> range:
        """Ballots; 0 is no ballot."""
        return self.cell.ballots

    @property
    def slots(self) -> range:
        """Slots."""
        return self.cell.slots

    @property
    def values(self) -> tuple[Name, ...]:
        """What a slot may hold."""
        return self.cell.values

    @property
    def copies(self) -> range:
        """Which of its copies a disk goes back to."""
        return range(1, self.cell.max_ballot * (self.cell.max_slot + 2) + 1)

    @property
    def heirs(self) -> Nodes:
        """Nodes that begin later."""
        return frozenset(self.heir[n] for n in self.frail) - self.frail

    def init(self) -> Iterator[State]:
        """The one initial state."""
        fate = function_of("unborn" if n in self.heirs else "well" for n in self.nodes)
        for s in self.cell.init():
            yield State(*s, fate=fate, past=function(self.nodes, ()))

    def lost_use(self, s: State, n: Node, b: Ballot) -> bool:
        """Whether `n` used `b` and its disk has no record of it; what is below the promise was forgotten."""
        return self.cell.owner[b] == n and b > s.disk[n].promised and b not in s.disk[n].used

    def tells(self, s: State, n: Node) -> bool:
        """Whether something was sent that tells of an act of `n` of which its disk has no record."""
        return (
            any(self.lost_use(s, n, m.ballot) for m in s.prepares)
            or any(m.node == n and m.ballot > s.disk[n].promised for m in s.promises)
            or any(m.node == n and m.ballot > s.disk[n].accepted[m.slot].ballot for m in s.votes)
        )

    def acts(self, s: State, n: Node) -> bool:
        """Whether `n` does anything."""
        return s.fate[n] == "well" or (s.fate[n] == "back" and (self.law != "listen" or not self.tells(s, n)))

    def by(self, s: State, n: Node, after: outbox.State) -> State:
        """`n` takes a step of the cell. Of a disk that may go back, the copies are kept."""
        changes = changes_of(after)
        changes = {name: changes[name] for name in changes if name not in ("fate", "past")}
        if changes.get("disk", s.disk)[n] != s.disk[n] and n in self.frail and s.fate[n] == "well":
            changes["past"] = put(s.past, n, (*s.past[n], Copy(s.disk[n], s.known[n])))
        return s._replace(**changes)

    @action(b="ballots")
    def prepare(self, s: State, b: Ballot) -> State | None:
        """A node takes over."""
        after = self.cell.prepare(_cell(s), b)
        if not (
            after is not None
            and self.acts(s, self.cell.owner[b])
        ):  # fmt: skip
            return None
        return self.by(s, self.cell.owner[b], after)

    @action(n="nodes", b="ballots")
    def promise(self, s: State, n: Node, b: Ballot) -> State | None:
        """A node answers."""
        after = self.cell.promise(_cell(s), n, b)
        if not (
            after is not None
            and self.acts(s, n)
        ):  # fmt: skip
            return None
        return self.by(s, n, after)

    @action(b="ballots", i="slots", v="values")
    def propose(self, s: State, b: Ballot, i: Slot, v: Name) -> State | None:
        """A proposer asks for votes."""
        after = self.cell.propose(_cell(s), b, i, v)
        if not (
            after is not None
            and self.acts(s, self.cell.owner[b])
        ):  # fmt: skip
            return None
        return self.by(s, self.cell.owner[b], after)

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: State, n: Node, b: Ballot, i: Slot) -> State | None:
        """A node votes."""
        after = self.cell.vote(_cell(s), n, b, i)
        if not (
            after is not None
            and self.acts(s, n)
        ):  # fmt: skip
            return None
        return self.by(s, n, after)

    @action(b="ballots", i="slots")
    def decide(self, s: State, b: Ballot, i: Slot) -> State | None:
        """A majority voted."""
        after = self.cell.decide(_cell(s), b, i)
        if not (
            after is not None
            and self.acts(s, self.cell.owner[b])
        ):  # fmt: skip
            return None
        return self.by(s, self.cell.owner[b], after)

    @action(n="nodes", k="copies")
    def regress(self, s: State, n: Node, k: int) -> State | None:
        """A crash, and the restart from an older copy."""
        if not (
            s.fate[n] == "well"
            and k <= len(s.past[n])
        ):  # fmt: skip
            return None
        disk, known = s.past[n][k - 1]
        return s._replace(
            disk=put(s.disk, n, disk),
            promised=put(s.promised, n, disk.promised),
            accepted=put(s.accepted, n, disk.accepted),
            active=put(s.active, n, 0),
            known=put(s.known, n, known),
            past=put(s.past, n, ()),
            fate=put(s.fate, n, "stopped" if self.law == "retire" else "back"),
        )

    @action(n="nodes")
    def stop(self, s: State, n: Node) -> State | None:
        """The node is told of what it lacks."""
        if not (
            self.law in ("stop", "listen")
            and s.fate[n] == "back"
            and self.tells(s, n)
        ):  # fmt: skip
            return None
        return s._replace(fate=put(s.fate, n, "stopped"), active=put(s.active, n, 0))

    @action(n="nodes")
    def renew(self, s: State, n: Node) -> State | None:
        """A new incarnation begins. Whether it counts, the log decides: a change."""
        if not (
            self.law == "retire"
            and s.fate[n] == "stopped"
            and s.fate[self.heir[n]] == "unborn"
        ):  # fmt: skip
            return None
        return s._replace(fate=put(s.fate, self.heir[n], "well"))

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            self.cell.type_ok(_cell(s))
            and all(s.fate[n] in ("unborn", "well", "back", "stopped") for n in self.nodes)
            and all(not s.past[n] or (n in self.frail and s.fate[n] == "well") for n in self.nodes)
            and all(len(s.past[n]) <= len(self.copies) for n in self.nodes)
        )

    @invariant
    def agreement(self, s: State) -> bool:
        """Never two values for one slot."""
        return self.cell.agreement(_cell(s))

    @invariant
    def one_value_per_ballot(self, s: State) -> bool:
        """Never two values for one ballot and slot."""
        return self.cell.one_value_per_ballot(_cell(s))

    @invariant
    def ballots_used_once(self, s: State) -> bool:
        """A ballot is used once in its life."""
        return self.cell.ballots_used_once(_cell(s))

    @invariant
    def no_false_stop(self, s: State) -> bool:
        """Nobody whose disk is whole is ever told of what it lacks: the stop hits no node by mistake."""
        return all(s.fate[n] not in ("unborn", "well") or not self.tells(s, n) for n in self.nodes)

    @invariant
    def loss_is_told(self, s: State) -> bool:
        """Whatever an older copy lacks, somebody can tell."""
        return self.law != "listen" or all(s.fate[n] != "back" or self.tells(s, n) for n in self.nodes)

    @invariant
    def silent_lead_nothing(self, s: State) -> bool:
        """Who stopped leads nothing, and who is not born said nothing."""
        return all(s.fate[n] not in ("unborn", "stopped") or s.active[n] == 0 for n in self.nodes)
