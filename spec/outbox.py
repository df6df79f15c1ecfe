"""The state of the cell, and how what a node does gets out: writing, flushing and sending. Mirrors `tla/Outbox.tla`.

A step changes memory, writes a record, and says something; the record and the messages wait in the node's queue. When
the record is flushed, the messages are sent: first in, first out, since a vote that leaves after a promise of a higher
ballot is no vote.

Functions over 1..n are tuples whose place 0 is unused, so that `s.promised[n]` reads as it does in TLA+.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from attrs import frozen

from spec.commands import Ballot, Commands, Log, Name, Node, Nodes, Slot, Told
from spec.machine import Machine
from spec.values import Function, function, put


class Prepare(NamedTuple):
    """`Owner[ballot]` takes over, knows `prefix` slots, and asks these nodes."""

    ballot: Ballot
    prefix: int
    to: Nodes


class Report(NamedTuple):
    """A promise says: the last vote of its node in `slot` was for `value`, under `ballot`."""

    slot: Slot
    ballot: Ballot
    value: Name


class Promise(NamedTuple):
    """`node` takes part in no ballot below `ballot`; what it accepted above the prepare's prefix; R2's floor."""

    ballot: Ballot
    node: Node
    accepted: frozenset[Report]
    floor: int


class Proposal(NamedTuple):
    """`Owner[ballot]` asks these nodes to vote for `value` in `slot`."""

    ballot: Ballot
    slot: Slot
    value: Name
    to: Nodes


class Vote(NamedTuple):
    """`node` voted under `ballot` in `slot`; the proposal says for what."""

    ballot: Ballot
    slot: Slot
    node: Node


class Decision(NamedTuple):
    """`value` is decided in `slot`, and node `by` knows it and tells whoever asks."""

    slot: Slot
    value: Name
    by: Node


class Accepted(NamedTuple):
    """The last vote of a node in a slot."""

    ballot: Ballot
    value: Name


NoVote = Accepted(0, "none")


class Used(NamedTuple):
    """A record: this ballot is used."""

    used: Ballot


class Promised(NamedTuple):
    """A record: no ballot below this one."""

    promised: Ballot


class Voted(NamedTuple):
    """A record: a vote, which is a promise too."""

    ballot: Ballot
    slot: Slot
    value: Name


class Snapshot(NamedTuple):
    """A record: a snapshot of all decisions that are known; the log and the votes are dropped up to slot `floor`."""

    floor: Slot


class Learned(NamedTuple):
    """A record: this many decisions were learned. It changes nothing but `kept`."""

    learned: int


Record: TypeAlias = Used | Promised | Voted | Snapshot | Learned


class Messages(NamedTuple):
    """What is said in one step, by the variables that it goes to."""

    told: frozenset[Told] = frozenset()
    prepares: frozenset[Prepare] = frozenset()
    promises: frozenset[Promise] = frozenset()
    proposals: frozenset[Proposal] = frozenset()
    votes: frozenset[Vote] = frozenset()
    decisions: frozenset[Decision] = frozenset()


class Entry(NamedTuple):
    """What one step left in the queue: records (at most one), how many decisions were written before, and messages."""

    records: tuple[Record, ...]
    known: int
    sends: Messages


class Disk(NamedTuple):
    """What is durable but decisions: ballots that were used, the promise, the last vote in each slot, and the floor."""

    used: frozenset[Ballot]
    promised: Ballot
    accepted: Function[Accepted]
    floor: Slot = 0


class State(NamedTuple):
    """The variables, grouped by who holds them."""

    # clients
    asked: frozenset[Name]
    told: frozenset[Told]
    # sent
    prepares: frozenset[Prepare]
    promises: frozenset[Promise]
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]
    decisions: frozenset[Decision]
    # memory, of each node
    promised: Function[Ballot]
    accepted: Function[Function[Accepted]]
    active: Function[Ballot]
    known: Function[Log]
    # waits, of each node
    queue: Function[tuple[Entry, ...]]
    # durable, of each node
    disk: Function[Disk]
    kept: Function[int]


Changes: TypeAlias = dict[str, Any]
"""New values of some variables."""


def above(votes: Function[Accepted], floor: Slot) -> Function[Accepted]:
    """Votes above a floor: the others are dropped."""
    for i in range(1, min(floor, len(votes) - 1) + 1):
        if votes[i] != NoVote:
            votes = put(votes, i, NoVote)
    return votes


def flushed(disk: Disk, records: Iterable[Record]) -> Disk:
    """What a disk holds after some records.

    A vote is a promise too; a snapshot stands for all decisions, and for the votes up to its floor. That decisions were
    learned changes nothing but `kept`.
    """
    for record in records:
        match record:
            case Used(b):
                disk = disk._replace(used=disk.used | {b})
            case Promised(b):
                disk = disk._replace(promised=b)
            case Voted(b, i, v):
                disk = disk._replace(promised=b, accepted=put(disk.accepted, i, Accepted(b, v)))
            case Snapshot(floor):
                disk = disk._replace(floor=floor, accepted=above(disk.accepted, floor))
            case Learned():
                pass
    return disk


def blank(slots: range) -> Disk:
    """A disk on which nothing was written yet."""
    return Disk(frozenset(), 0, function(slots, NoVote), floor=0)


def all_flushed(disk: Disk, entries: Iterable[Entry]) -> Disk:
    """What it will hold when a whole queue is flushed."""
    return flushed(disk, (record for entry in entries for record in entry.records))


@frozen(kw_only=True, slots=False, eq=False)
class Outbox(Commands, Machine[State]):
    """The constants of the state, the beginning, and how things get out."""

    nodes: range
    max_ballot: int
    max_slot: int
    mortals: Nodes = frozenset()
    """Nodes that may crash: a bound."""
    early: frozenset[Name] = frozenset()
    """Commands asked before the first step: a bound."""

    @property
    def ballots(self) -> range:
        """Ballots; 0 is no ballot."""
        return range(1, self.max_ballot + 1)

    @property
    def slots(self) -> range:
        """Slots."""
        return range(1, self.max_slot + 1)

    @property
    def lengths(self) -> range:
        """How long a known prefix may be."""
        return range(self.max_slot + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        disk = blank(self.slots)
        yield State(
            asked=self.early, told=frozenset(),
            prepares=frozenset(), promises=frozenset(),
            proposals=frozenset(), votes=frozenset(), decisions=frozenset(),
            promised=function(self.nodes, 0),
            accepted=function(self.nodes, disk.accepted),
            active=function(self.nodes, 0),
            known=function(self.nodes, ()),
            queue=function(self.nodes, ()),
            disk=function(self.nodes, disk),
            kept=function(self.nodes, 0),
        )  # fmt: skip

    def used(self, s: State, n: Node) -> frozenset[Ballot]:
        """The ballots that `n` used, as it remembers."""
        return all_flushed(s.disk[n], s.queue[n]).used

    def floor(self, s: State, n: Node) -> Slot:
        """Up to which slot `n` dropped its votes and the entries of its log (R10), as it remembers."""
        return all_flushed(s.disk[n], s.queue[n]).floor

    def kept_by(self, entry: Entry) -> int:
        """How many decisions a disk has when this entry, which has a record, is on it."""
        (record,) = entry.records
        return max(entry.known, record.floor) if isinstance(record, Snapshot) else entry.known

    def waiting(self, s: State, n: Node) -> Messages:
        """What `n` said and did not send."""
        sends = [entry.sends for entry in s.queue[n]]
        return Messages(*(frozenset().union(*kind) for kind in zip(*sends, strict=True)))

    def send(self, s: State, messages: Messages) -> Changes:
        """They are in the network, for ever."""
        said = zip(messages._fields, messages, strict=True)
        return {kind: getattr(s, kind) | some for kind, some in said if some}

    def enqueue(self, s: State, n: Node, records: tuple[Record, ...], messages: Messages) -> Changes:
        """An entry at the end of the queue of `n`."""
        return {"queue": put(s.queue, n, (*s.queue[n], Entry(records, len(s.known[n]), messages)))}

    def store(self, s: State, n: Node, record: Record, messages: Messages) -> Changes:
        """`n` writes a record, and says something that depends on it.

        A node that never crashes flushes at once: to everyone else a late flush is a slow network.
        """
        if n in self.mortals:
            return self.enqueue(s, n, (record,), messages)
        return {"disk": put(s.disk, n, flushed(s.disk[n], (record,))), **self.send(s, messages)}

    def say(self, s: State, n: Node, messages: Messages) -> Changes:
        """`n` says something for which nothing need be flushed but what it wrote before."""
        return self.enqueue(s, n, (), messages) if s.queue[n] else self.send(s, messages)
