"""Forgetting, and being taught what others forgot: the cell, and two steps more. Mirrors `tla/Teaching.tla`.

A node writes a snapshot of all that it knows, and drops its votes and the entries of its log up to a slot of its
choice, its floor. A node that lacks what nobody keeps any more installs a snapshot of somebody else: it jumps over
many slots at once, and its floor is where it lands.

A snapshot is all decisions of one node up to a slot, so no message is needed for it here: whoever said all of these may
send it. It holds what the log leads to, and never promises or votes, which are nobody else's.

These are the cell's own states; a model that says nothing of teaching is one in which nobody may truncate.
"""

from collections.abc import Iterator
from itertools import chain, combinations

from attrs import frozen

from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Node, Nodes, Slot, is_majority
from spec.machine import action, invariant
from spec.outbox import Decision, Messages, Snapshot, State, above
from spec.values import put


@frozen(kw_only=True, slots=False, eq=False)
class Teaching(CellProperties):
    """The cell, with truncation and snapshots."""

    truncators: Nodes
    """Nodes that may truncate: a bound."""
    students: Nodes
    """Nodes that may be taught by a snapshot: a bound."""

    @action(n="nodes", i="slots")
    def truncate(self, s: State, n: Node, i: Slot) -> State | None:
        """`n` writes down all that it knows, and forgets what it voted on up to slot `i`.

        The snapshot is durable before anything that is said from here on (R10).
        """
        if not (n in self.truncators and self.floor(s, n) < i <= len(s.known[n])):
            return None
        return s._replace(
            accepted=put(s.accepted, n, above(s.accepted[n], i)),
            **self.store(s, n, Snapshot(i), Messages()),
        )

    def teachers(self, s: State, i: Slot) -> Nodes:
        """Whose decisions up to slot `i` are said, all of them."""
        said = {(d.slot, d.by) for d in s.decisions}
        return frozenset(t for t in self.nodes if all((j, t) in said for j in range(1, i + 1)))

    def lesson(self, s: State, i: Slot) -> Log:
        """What was decided up to slot `i`; agreement leaves no choice."""
        values = {d.slot: d.value for d in s.decisions}
        return tuple(values[j] for j in range(1, i + 1))

    @action(n="nodes", i="slots")
    def install(self, s: State, n: Node, i: Slot) -> State | None:
        """`n` is taught everything up to slot `i` by the snapshot of another node (R9). Votes above it survive.

        Whoever led does so no more: it cannot tell what became of its own proposals in the slots that it jumped over.
        """
        if not (
            n in self.students
            and len(s.known[n]) < i
            and self.teachers(s, i) - {n}
        ):  # fmt: skip
            return None
        log = self.lesson(s, i)
        told = frozenset(Decision(j, log[j - 1], n) for j in range(len(s.known[n]) + 1, i + 1))
        return s._replace(
            accepted=put(s.accepted, n, above(s.accepted[n], i)),
            active=put(s.active, n, 0),
            known=put(s.known, n, log),
            **self.store(s, n, Snapshot(i), Messages(decisions=told)),
        )

    def durable(self, s: State, n: Node) -> int:
        """How many decisions no crash of `n` can take."""
        return s.kept[n] if n in self.mortals else len(s.known[n])

    @invariant
    def floors_known(self, s: State) -> bool:
        """What a node forgot it knows, and its disk holds a snapshot of it."""
        return all(
            self.floor(s, n) <= len(s.known[n]) and s.disk[n].floor <= self.durable(s, n)
            for n in self.nodes
        )  # fmt: skip

    @invariant
    def floors_decided(self, s: State) -> bool:
        """A floor that somebody heard of tells that everything below is decided."""
        decided = len(self.decided_log(s))
        return all(m.floor <= decided for m in s.promises)

    @invariant
    def votes_above_floors(self, s: State) -> bool:
        """Nothing is voted on, or kept, at or below a floor."""
        return all(s.accepted[n] == above(s.accepted[n], self.floor(s, n)) for n in self.nodes)

    def chosen_under(self, s: State) -> Iterator[tuple[Ballot, Slot]]:
        """What a majority of the slot's configuration voted for, and under which ballot."""
        log = self.decided_log(s)
        for i in range(1, min(len(log) + self.alpha, self.max_slot) + 1):
            for b in {w.ballot for w in s.votes if w.slot == i}:
                if is_majority(self.voters(s, b, i), self.members(log, i)):
                    yield b, i

    def holders(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who holds what was chosen in slot `i` under `b`: in what it learned, or by a vote."""
        return frozenset(n for n in self.nodes if i <= self.durable(s, n) or b <= s.disk[n].accepted[i].ballot)

    def losses(self, s: State) -> Iterator[Nodes]:
        """Disks that may be lost: in every configuration so far, less than half."""
        log = self.decided_log(s)
        configurations = {self.members(log, i) for i in range(1, len(log) + self.alpha + 1)}
        for lost in map(frozenset, _subsets(self.nodes)):
            if all(2 * len(lost & members) < len(members) for members in configurations):
                yield lost

    @invariant
    def recoverable(self, s: State) -> bool:
        """Whatever disks are lost, each chosen slot is held by a node that has its disk.

        As long as no configuration loses half of its own.
        """
        held = [self.holders(s, b, i) for b, i in self.chosen_under(s)]
        return all(not holders <= lost for lost in self.losses(s) for holders in held)


def _subsets(nodes: range) -> Iterator[tuple[Node, ...]]:
    return chain.from_iterable(combinations(nodes, size) for size in range(len(nodes) + 1))
