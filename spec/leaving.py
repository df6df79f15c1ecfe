"""Coming and leaving: the cell with nodes that are made, erased, or lose their disks. Mirrors `tla/Leaving.tla`.

A node is an incarnation. Whom a change removed votes and teaches on, for the slots that it is a member for, and for
those that it holds in trust for nodes erased before. Once a majority of a configuration that replaced it has durably
learned *every* slot up to the last that it was a member for, it may be erased: all that stays of it is a pointer to
that configuration, with its version (R11).

How far a node has learned durably it tells whoever asks, and asking is no step: what its disk has is what it may have
said, for no disk forgets and goes on. So a node that lost its disk since counts as well: it was late.

The steps are those of `spec/teaching.py`, by nodes that are here.
"""

from collections.abc import Iterator
from typing import NamedTuple, cast

from attrs import frozen

from spec import outbox
from spec.commands import Ballot, Jury, Log, Name, Node, Nodes, Slot, Told, is_majority
from spec.machine import action, invariant
from spec.outbox import (
    Accepted,
    Decision,
    Disk,
    Entry,
    Learned,
    Messages,
    Prepare,
    Promise,
    Proposal,
    Vote,
    blank,
)
from spec.teaching import Teaching
from spec.values import Function, function, function_of, put

Nowhere = Jury(0, frozenset())
"""No pointer."""


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
    place: Function[str]
    """ "absent", "here" or "lost": what is where the node should be."""
    pointer: Function[Jury]
    """The jury record that is left of a node, durably."""


@frozen(kw_only=True, slots=False, eq=False)
class Leaving(Teaching):
    """The cell, with truncation and snapshots, whose nodes come and go."""

    newcomers: Nodes
    """Nodes that are yet to be made."""
    leavers: Nodes
    """Nodes that may be erased: a bound."""
    frail: Nodes
    """Nodes whose disks may be lost: a bound."""

    def init(self) -> Iterator[outbox.State]:
        """The one initial state."""
        place = function_of("absent" if n in self.newcomers else "here" for n in self.nodes)
        for s in super().init():
            yield _cell(State(*s, place=place, pointer=function(self.nodes, Nowhere)))

    def here(self, s: outbox.State, n: Node) -> bool:
        """Whether `n` does anything."""
        return _whole(s).place[n] == "here"

    @action(b="ballots")
    def prepare(self, s: outbox.State, b: Ballot) -> outbox.State | None:
        """A node takes over."""
        after = Teaching.prepare(self, s, b)
        if not (
            after is not None
            and self.here(s, self.owner[b])
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", b="ballots")
    def promise(self, s: outbox.State, n: Node, b: Ballot) -> outbox.State | None:
        """A node promises."""
        after = Teaching.promise(self, s, n, b)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(b="ballots", i="slots", v="values")
    def propose(self, s: outbox.State, b: Ballot, i: Slot, v: Name) -> outbox.State | None:
        """A proposer asks for votes."""
        after = Teaching.propose(self, s, b, i, v)
        if not (
            after is not None
            and self.here(s, self.owner[b])
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: outbox.State, n: Node, b: Ballot, i: Slot) -> outbox.State | None:
        """A node votes, a removed one too, as long as it is here (R11)."""
        after = Teaching.vote(self, s, n, b, i)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(b="ballots", i="slots")
    def decide(self, s: outbox.State, b: Ballot, i: Slot) -> outbox.State | None:
        """A majority voted."""
        after = Teaching.decide(self, s, b, i)
        if not (
            after is not None
            and self.here(s, self.owner[b])
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", i="slots")
    def learn(self, s: outbox.State, n: Node, i: Slot) -> outbox.State | None:
        """A node is told a decision."""
        after = Teaching.learn(self, s, n, i)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes")
    def flush(self, s: outbox.State, n: Node) -> outbox.State | None:
        """The first entry is on the disk."""
        after = Teaching.flush(self, s, n)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", k="lengths")
    def crash(self, s: outbox.State, n: Node, k: int) -> outbox.State | None:
        """A crash and the restart."""
        after = Teaching.crash(self, s, n, k)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", i="slots")
    def truncate(self, s: outbox.State, n: Node, i: Slot) -> outbox.State | None:
        """A node forgets."""
        after = Teaching.truncate(self, s, n, i)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    @action(n="nodes", i="slots")
    def install(self, s: outbox.State, n: Node, i: Slot) -> outbox.State | None:
        """A node is taught by a snapshot."""
        after = Teaching.install(self, s, n, i)
        if not (
            after is not None
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return after

    def settled(self, s: outbox.State, n: Node) -> int:
        """How many decisions the disk of `n` has when its whole queue is flushed."""
        return max((s.kept[n], *(self.kept_by(entry) for entry in s.queue[n] if entry.records)))

    @action(n="nodes")
    def settle(self, s: outbox.State, n: Node) -> outbox.State | None:
        """`n` flushes what it knows, for it was asked how far it has learned durably.

        A node that never crashes keeps what it knows.
        """
        if not (
            n in self.mortals
            and self.settled(s, n) < len(s.known[n])
            and self.here(s, n)
        ):  # fmt: skip
            return None
        return s._replace(**self.store(s, n, Learned(len(s.known[n])), Messages()))

    @action(n="nodes")
    def create(self, s: State, n: Node) -> State | None:
        """The order to make `n` arrives, once more perhaps: then it makes nothing, for there is a pointer (R15)."""
        if not (
            s.place[n] == "absent"
            and s.pointer[n] == Nowhere
        ):  # fmt: skip
            return None
        disk = blank(self.slots)
        return s._replace(
            place=put(s.place, n, "here"),
            promised=put(s.promised, n, 0),
            accepted=put(s.accepted, n, disk.accepted),
            active=put(s.active, n, 0),
            known=put(s.known, n, ()),
            queue=put(s.queue, n, ()),
            disk=put(s.disk, n, disk),
            kept=put(s.kept, n, 0),
        )

    def served(self, s: outbox.State, n: Node) -> frozenset[Slot]:
        """The slots that `n` was or is a member for, as far as it knows."""
        return frozenset(i for i in range(1, len(s.known[n]) + self.alpha + 1) if n in self.members_of(s, n, i))

    def learned(self, s: outbox.State, i: Slot) -> Nodes:
        """Who durably learned every slot up to `i`, and said so; each for itself alone."""
        return frozenset(m for m in self.nodes if i <= self.durable(s, m))

    @action(n="nodes", i="slots")
    def erase(self, s: State, n: Node, i: Slot) -> State | None:
        """`n` is erased (R11). What it had is gone: from here on nobody looks at it.

        It knows that the configuration of slot `i` + 1 replaced it, and a majority there has learned what it may hold.
        Who is yet to come stays.
        """
        served = self.served(_cell(s), n)
        if not (
            n in self.leavers
            and s.place[n] == "here"
            and served
            and max(served, default=0) <= i and i < len(s.known[n]) + self.alpha
            and is_majority(self.learned(_cell(s), i), self.members_of(_cell(s), n, i + 1))
        ):  # fmt: skip
            return None
        return s._replace(
            place=put(s.place, n, "absent"),
            pointer=put(s.pointer, n, self.after(s.known[n][: i + 1 - self.alpha]).jury),
        )

    @action(n="nodes")
    def lose(self, s: State, n: Node) -> State | None:
        """The disk of `n` is lost, and `n` with it: it comes back as somebody else (R8)."""
        if not (
            n in self.frail
            and s.place[n] == "here"
        ):  # fmt: skip
            return None
        return s._replace(place=put(s.place, n, "lost"))

    def erased(self, s: State, n: Node) -> bool:
        """Whether nothing but a pointer is left of `n`."""
        return s.pointer[n] != Nowhere

    @invariant
    def type_ok(self, s: outbox.State) -> bool:
        """Every variable has values of its kind."""
        whole = _whole(s)
        return (
            super().type_ok(s)
            and all(whole.place[n] in ("absent", "here", "lost") for n in self.nodes)
            and all(jury.version >= 0 and jury.members <= set(self.nodes) for jury in whole.pointer[1:])
        )

    @invariant
    def recoverable(self, s: outbox.State) -> bool:
        """Whatever disks are lost besides, each chosen slot is held by a node that is here and has its disk.

        As long as no configuration loses half of its own.
        """
        gone = frozenset(n for n in self.nodes if _whole(s).place[n] == "lost")
        present = frozenset(n for n in self.nodes if self.here(s, n))
        held = [self.holders(s, b, i) & present for b, i in self.chosen_under(s)]
        return all(not holders <= lost for lost in self.losses(s) if gone <= lost for holders in held)

    @invariant
    def erased_done(self, s: State) -> bool:
        """Nothing is open any more that an erased node is a member for."""
        log = self.decided_log(_cell(s))
        members = frozenset[Node]().union(*(self.members(log, len(log) + i) for i in range(1, self.alpha + 1)))
        return all(n not in members for n in self.nodes if self.erased(s, n))

    def juries(self, s: State) -> tuple[Jury, ...]:
        """The jury record for each slot that is decided or open."""
        log = self.decided_log(_cell(s))
        return tuple(self.after(log[: max(0, i - self.alpha)]).jury for i in range(1, len(log) + self.alpha + 1))

    @invariant
    def pointers_true(self, s: State) -> bool:
        """A pointer is a jury record that the log led to."""
        return all(s.pointer[n] in self.juries(s) for n in self.nodes if self.erased(s, n))

    @invariant
    def pointers_lead(self, s: State) -> bool:
        """It is later than any of which its node was a member, and leads on: to nodes here, or to later pointers."""
        return all(
            all(jury.version < s.pointer[n].version for jury in self.juries(s) if n in jury.members)
            and all(s.pointer[n].version < s.pointer[m].version for m in s.pointer[n].members if self.erased(s, m))
            for n in self.nodes
            if self.erased(s, n)
        )  # fmt: skip

    @invariant
    def absent_silent(self, s: State) -> bool:
        """Who is not made yet said nothing."""
        return all(
            s.disk[n] == blank(self.slots) and s.known[n] == ()
            and all(m.node != n for m in s.promises) and all(m.node != n for m in s.votes)
            for n in self.nodes
            if s.place[n] == "absent" and not self.erased(s, n)
        )  # fmt: skip


def _cell(s: State) -> outbox.State:
    """The same state for the steps and properties of the cell, which read fields by their names alone."""
    return cast("outbox.State", s)


def _whole(s: outbox.State) -> State:
    """The state with what it has beside the cell's."""
    return cast("State", s)
