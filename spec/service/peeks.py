"""Reads that may be stale: the cell, and two steps more. Mirrors `tla/Peeks.tla`.

A client remembers the highest slot of which it was told or shown anything: its *token*. Any node shows it what it
knows, at once and without a message, if that is no less than the token (R7). So what is shown is some prefix of the
log, and for one client never a shorter one than before. Nobody but the client knows what it saw: who crashes may know
less than it has shown.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec import outbox
from spec.cell_properties import CellProperties
from spec.commands import Log, Name, Node, Slot, Told, is_majority
from spec.machine import action, invariant
from spec.outbox import Accepted, Decision, Disk, Entry, Prepare, Promise, Proposal, Vote
from spec.values import Function, function, put

Client: TypeAlias = int
ANSWER: Node = 0
"""No node: an answer to a client's own command."""


class Heard(NamedTuple):
    """What a client heard: from a node, or as an answer to its command, the state after this log."""

    node: Node
    log: Log


class State(NamedTuple):
    """The variables: those of the cell, and what clients know and heard."""

    asked: frozenset[Name]
    told: frozenset[Told]
    prepares: frozenset[Prepare]
    promises: frozenset[Promise]
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]
    decisions: frozenset[Decision]
    promised: Function[int]
    accepted: Function[Function[Accepted]]
    active: Function[int]
    known: Function[Log]
    queue: Function[tuple[Entry, ...]]
    disk: Function[Disk]
    kept: Function[int]
    token: Function[Slot]
    saw: Function[tuple[Heard, ...]]


def may_show(log: Log, token: Slot) -> bool:
    """Whether a node that knows this log may show it to a client with this token. It must, if it does anything."""
    return len(log) >= token


@frozen(kw_only=True, slots=False, eq=False)
class Peeks(CellProperties):
    """The cell, with clients who look at whatever node they reach."""

    max_looks: Mapping[Client, int]
    """How often a client hears anything: a bound."""

    @property
    def clients(self) -> range:
        """They are numbered from 1."""
        return range(1, len(self.max_looks) + 1)

    def init(self) -> Iterator[outbox.State]:
        """The one initial state."""
        for s in super().init():
            yield _cell(State(*s, token=function(self.clients, 0), saw=function(self.clients, ())))

    def was_chosen(self, s: State, log: Log, i: Slot) -> bool:
        """Whether a majority voted for a value, of the configuration that this log gives."""
        return any(
            is_majority(self.voters(_cell(s), m.ballot, i), self.members(log, i))
            for m in s.proposals
            if m.slot == i and m.value == log[i - 1]
        )

    def _hears(self, s: State, c: Client, n: Node, log: Log, token: Slot) -> State | None:
        """A client hears of the state after a log, and has this token then."""
        if not len(s.saw[c]) < self.max_looks[c]:
            return None
        return s._replace(saw=put(s.saw, c, (*s.saw[c], Heard(n, log))), token=put(s.token, c, token))

    @action(c="clients", i="slots")
    def hear(self, s: State, c: Client, i: Slot) -> State | None:
        """A client is told what came of its command in slot `i`: at any time, or again."""
        log = self.decided_log(_cell(s))
        if not i <= len(log):
            return None
        return self._hears(s, c, ANSWER, log[:i], max(s.token[c], i))

    @action(c="clients", n="nodes")
    def peek(self, s: State, c: Client, n: Node) -> State | None:
        """A node shows a client what it knows, if the client saw no more before."""
        if not may_show(s.known[n], s.token[c]):
            return None
        return self._hears(s, c, n, s.known[n], len(s.known[n]))

    @invariant
    def type_ok(self, s: State) -> bool:  # type: ignore[override]
        """Every variable has values of its kind."""
        return (
            super().type_ok(_cell(s))
            and all(s.token[c] in self.lengths for c in self.clients)
            and all(len(s.saw[c]) <= self.max_looks[c] for c in self.clients)
            and all(i in self.slots for c in self.clients for heard in s.saw[c] for i, _ in enumerate(heard.log, 1))
        )

    @invariant
    def prefixes_only(self, s: State) -> bool:
        """What a client hears is the state after some prefix of what was decided, said already or not."""
        return all(
            self.was_chosen(s, heard.log, i)
            for c in self.clients
            for heard in s.saw[c]
            for i, _ in enumerate(heard.log, 1)
        )

    @invariant
    def never_goes_back(self, s: State) -> bool:
        """No node shows a client a shorter prefix than it heard of before."""
        return all(
            len(earlier.log) <= len(heard.log)
            for c in self.clients
            for j, heard in enumerate(s.saw[c])
            if heard.node != ANSWER
            for earlier in s.saw[c][:j]
        )


def _cell(s: State) -> outbox.State:
    """The same state for what the cell says of it, which reads fields by their names alone."""
    return s  # type: ignore[return-value]
