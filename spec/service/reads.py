"""Consistent reads without an entry in the log: the cell, and three steps more. Mirrors `tla/Reads.tla`.

When a read arrives at the proposer of a ballot, it notes the highest slot that it knows to be decided, or has proposed
in. It asks the members of the next slot whether their promises still stand, and a majority of them must echo, and must
have reported no vote there. Then it answers from what it has applied, at the noted slot or later (R7). Several reads
are one *round*.

These are the cell's own states and steps, with what reads say beside them; a model that says nothing of reads is one
without rounds. What nodes say about reads does not wait in their queues: it depends on no record, so to everyone else
a message that waits is a slow network.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec import outbox
from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Name, Node, Nodes, Slot, Told, is_majority
from spec.machine import action, invariant
from spec.outbox import Accepted, Decision, Disk, Entry, Prepare, Promise, Proposal, Vote
from spec.values import Function

Read: TypeAlias = int
"""A round of reads: the first under its ballot is 1."""


class Round(NamedTuple):
    """`Owner[ballot]` asks these nodes whether their promises stand, for reads that must see everything up to `slot`.

    `seen` is the highest slot whose decision anybody had been told by then: a note of the specification's.
    """

    ballot: Ballot
    read: Read
    slot: Slot
    to: Nodes
    seen: Slot


class Echo(NamedTuple):
    """The promise of `node` for `ballot` stands: said after it heard of the round with that nonce."""

    ballot: Ballot
    nonce: Read
    node: Node


class Answer(NamedTuple):
    """The reads of a round were answered, from the state after `slot`."""

    ballot: Ballot
    read: Read
    slot: Slot


class State(NamedTuple):
    """The variables: those of the cell, and what was said about reads."""

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
    rounds: frozenset[Round]
    echoes: frozenset[Echo]
    answers: frozenset[Answer]


@frozen(kw_only=True, slots=False, eq=False)
class Reads(CellProperties):
    """The cell, with reads."""

    max_reads: Mapping[Ballot, int]
    """How many rounds of reads a ballot may have: a bound."""

    @property
    def reads(self) -> range:
        """Rounds of reads under one ballot."""
        return range(1, max(self.max_reads.values()) + 1)

    def init(self) -> Iterator[outbox.State]:
        """The one initial state."""
        for s in super().init():
            yield _cell(State(*s, rounds=frozenset(), echoes=frozenset(), answers=frozenset()))

    def nonce(self, t: Read) -> Read:
        """What the nodes echo: no two rounds of a ballot share it."""
        return t

    def round_of(self, s: State, b: Ballot, t: Read) -> Round | None:
        """A round that has begun."""
        return next((m for m in s.rounds if m.ballot == b and m.read == t), None)

    def highest(self, s: State, b: Ballot) -> Slot:
        """The highest slot that the owner of `b` knows to be decided, or proposed in."""
        o = self.owner[b]
        proposed = (m.slot for m in self.proposals_of(_cell(s), o) if m.ballot == b)
        return max((len(s.known[o]), *proposed))

    def members_next(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who would have to have voted for anything beyond slot `i`: the members of the next."""
        return self.members_of(_cell(s), self.owner[b], i + 1)

    def vouching(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who promised `b`, and reported no vote in slot `i` and a floor below it."""
        return frozenset(
            m.node
            for m in s.promises
            if m.ballot == b and m.floor < i and all(r.slot != i for r in m.accepted)
        )  # fmt: skip

    def echoed(self, s: State, b: Ballot, t: Read) -> Nodes:
        """Who echoed a round."""
        return frozenset(m.node for m in s.echoes if m.ballot == b and m.nonce == self.nonce(t))

    @action(b="ballots", t="reads")
    def consult(self, s: State, b: Ballot, t: Read) -> State | None:
        """Reads have arrived at the proposer of `b`, and a round of them begins.

        It asks the members of the slot after all that it knows of, once it knows who they are.
        """
        o = self.owner[b]
        highest = self.highest(s, b)
        if not (
            s.active[o] == b
            and t <= self.max_reads[b]
            and self.round_of(s, b, t) is None
            and all(self.round_of(s, b, u) is not None for u in range(1, t))
            and highest + 1 in self.window(_cell(s), o)
        ):  # fmt: skip
            return None
        seen = max((m.slot for m in s.decisions), default=0)
        return s._replace(rounds=s.rounds | {Round(b, t, highest, self.members_next(s, b, highest), seen)})

    @action(n="nodes", b="ballots", t="reads")
    def echo(self, s: State, n: Node, b: Ballot, t: Read) -> State | None:
        """A node says that its promise stands, as often as it hears of the round: it remembers nothing of that."""
        asked = self.round_of(s, b, t)
        if not (
            s.promised[n] == b
            and asked is not None
            and n in self.audience[b] and n in asked.to
        ):  # fmt: skip
            return None
        return s._replace(echoes=s.echoes | {Echo(b, self.nonce(t), n)})

    @action(b="ballots", t="reads")
    def serve(self, s: State, b: Ballot, t: Read) -> State | None:
        """The proposer answers from what it has applied, which is all up to the round's slot, or more.

        A majority of the configuration of the *next* slot vouches: nobody else got anything decided there.
        """
        o = self.owner[b]
        asked = self.round_of(s, b, t)
        if not (
            s.active[o] == b
            and all(m.ballot != b or m.read != t for m in s.answers)
            and asked is not None
            and asked.slot <= len(s.known[o])
            and is_majority(
                self.echoed(s, b, t) & self.vouching(s, b, asked.slot + 1),
                self.members_next(s, b, asked.slot),
            )
        ):  # fmt: skip
            return None
        return s._replace(answers=s.answers | {Answer(b, t, len(s.known[o]))})

    @invariant
    def type_ok(self, s: State) -> bool:  # type: ignore[override]
        """Every variable has values of its kind."""
        return (
            super().type_ok(_cell(s))
            and all(m.ballot in self.ballots and m.read in self.reads for m in s.rounds)
            and all(m.slot in self.lengths and m.seen in self.lengths and m.to <= set(self.nodes) for m in s.rounds)
            and all(m.ballot in self.ballots and m.nonce in self.reads and m.node in self.nodes for m in s.echoes)
            and all(m.ballot in self.ballots and m.read in self.reads and m.slot in self.lengths for m in s.answers)
        )

    @invariant
    def reads_see_acknowledged(self, s: State) -> bool:
        """What anybody had been told before a read arrived is in the state that it is answered from."""
        return all(
            m.seen <= a.slot
            for a in s.answers
            for m in s.rounds
            if m.ballot == a.ballot and m.read == a.read
        )  # fmt: skip


def _cell(s: State) -> outbox.State:
    """The same state for what the cell says of it, which reads fields by their names alone."""
    return s  # type: ignore[return-value]
