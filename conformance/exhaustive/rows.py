"""What one node can do in a joint state: its row, which depends on its local state and on what was said to and by it.

Rows are made once and remembered. What is asked of every step by itself is asked here.
"""

from collections.abc import Iterable

from attrs import define, field

from conformance.exhaustive.automaton import Automaton, Edge, Misstep
from conformance.exhaustive.events import Give, Happening, Hear, Make, Restart, words
from conformance.exhaustive.graph import INTERNAL, Graph
from conformance.exhaustive.moves import Move, Row, Shift, Shifts
from conformance.exhaustive.network import Sent
from conformance.exhaustive.performing import Deed
from conformance.exhaustive.translation import Said, Written
from conformance.refutation import Refuted
from physalia import model
from physalia.model import NodeId

FIELD_BITS = 20
"""So many bits hold the number of a local state. More local states than that are refused."""

STUTTERS = frozenset({"recorded", "resent", "ignored", "refused", "rejected", "restarted"})
"""The kinds that the step table declares."""


class TooLarge(Exception):
    """A scope has more local states than there are numbers for; the message says of which node."""


@define(eq=False)
class Rows:
    """The rows of one node."""

    automaton: Automaton
    sent: Sent
    graph: Graph
    shifts: Shifts
    low: int
    """Where the number of the local state begins in a joint state."""
    known: dict[int, Row] = field(factory=dict)

    @property
    def node(self) -> NodeId:
        """Whose rows they are."""
        return self.automaton.node

    @property
    def mask(self) -> int:
        """The bits of a joint state on which a row depends."""
        return ((1 << FIELD_BITS) - 1) << self.low | self.sent.masks[self.node]

    def words(self, happening: Happening) -> str:
        """An event of the node in words."""
        return words(self.node, happening)

    def local(self, joint: int) -> int:
        """The number of the node's local state."""
        return joint >> self.low & ((1 << FIELD_BITS) - 1)

    def row(self, part: int) -> Row:
        """The row for this part of a joint state. Raises `Misstep` if the code does what is wrong by itself."""
        row = self.known.get(part)
        if row is None:
            row = self.known[part] = self._make(part)
        return row

    def happenings(self, part: int) -> list[tuple[Happening, Edge]]:
        """Everything that may happen to the node, and what it does. Raises `Misstep`."""
        local = self.local(part)
        received = [(happening, self.automaton.hear(local, bit, happening)) for bit, happening in self._inbox(part)]
        return [*self.automaton.own(local), *received]

    def _inbox(self, part: int) -> list[tuple[int, Happening]]:
        """What the node may hear, with its bits."""
        return [(bit, happening) for bit, happening in self.sent.inboxes[self.node] if part & bit]

    def _make(self, part: int) -> Row:
        local = self.local(part)
        ignored = self._ignored(part, local)
        moves: list[tuple[Move, Happening]] = []
        hidden: list[Move] = []
        rejects: set[str] = set()
        takes = 0
        for happening, edge in self.happenings(part):
            try:
                step = self._judge(part, local, happening, edge, ignored)
                move = self._move(local, step, edge)
            except Refuted as refuted:
                raise Misstep(happening, refuted) from None
            if edge.deed.stutter == "rejected" and isinstance(happening, Hear):
                rejects.update(value for _, value in self._written((happening.said,)))
            if step >= 0:
                takes |= 1 << step
            elif not move.flip and not move.add & ~part:
                continue
            elif edge.deed.stutter != "restarted":
                hidden.append(move)
            moves.append((move, happening))
        return Row(
            tuple(move for move, _ in moves), tuple(happening for _, happening in moves),
            takes, tuple(hidden), frozenset(rejects), sum(move.shift >= 0 for move, _ in moves),
        )  # fmt: skip

    def _move(self, local: int, step: int, edge: Edge) -> Move:
        """What the edge does to a joint state. Raises `Refuted` if it says what cannot be said in this scope."""
        if edge.target >> FIELD_BITS:
            raise TooLarge(f"node {self.node} has more than {1 << FIELD_BITS:,} local states")
        add = 0
        for said in edge.deed.says:
            add |= self.sent.bit(said)
        flip = (local ^ edge.target) << self.low
        if step < 0:
            return Move(flip, add, -1)
        view = self.automaton.locals[edge.target].view
        return Move(flip, add, self.shifts.number(Shift(step, self.node, view, self._written(edge.deed.says))))

    def _written(self, some: Iterable[Said]) -> frozenset[Written]:
        written = map(self.sent.translation.written, some)
        return frozenset(one for one in written if one is not None)

    def _judge(
        self, part: int, local: int, happening: Happening, edge: Edge, ignored: list[tuple[int, Happening]]
    ) -> int:
        """What is asked of every step by itself; the number of the step, -1 for a stutter. Raises `Refuted`."""
        deed = edge.deed
        self._must_have_said(part, local, deed)
        if not isinstance(happening, Restart | Make) and edge.target != local:
            self._must_stay_ignored(local, edge, happening, ignored)
        if deed.label is not None:
            return self.graph.number(deed.label)
        self._must_stutter(local, edge, happening)
        return -1

    def reaches(self, part: int) -> int:
        """The internal steps that the node can reach from here by hidden moves alone, up to the value proposed (R3).

        Whoever heard three promises cannot act on two, so the value is the one thing that receipts may take away.
        """
        row = self.row(part)
        if row.reaches < 0:
            steps = [step for step in _bits(row.takes) if self.graph.found.steps[step][0] in INTERNAL]
            reached = 0
            for step in steps:
                reached |= self.graph.same_slot(step)
            row.reaches = reached
            for move in row.hidden:
                reached |= self._reaches_after(part, move)
            row.reaches = reached
        return row.reaches

    def _reaches_after(self, part: int, move: Move) -> int:
        """The same after a hidden move. If something is wrong there, it is told when the exploration comes there."""
        try:
            return self.reaches((part ^ move.flip) | (move.add & self.mask))
        except Misstep:
            return self.graph.all_steps

    # What is asked of every step by itself

    def _ignored(self, part: int, local: int) -> list[tuple[int, Happening]]:
        """What the node has heard and ignores."""
        edges = [(bit, happening, self.automaton.hear(local, bit, happening)) for bit, happening in self._inbox(part)]
        return [(bit, one) for bit, one, edge in edges if edge.deed.stutter == "ignored" and edge.target == local]

    def _must_stay_ignored(self, local: int, edge: Edge, just: Happening, ignored: list[tuple[int, Happening]]) -> None:
        """The receipt rule: what was ignored once stays so after any step of its own under the same ballot.

        A network where nothing is lost for good would hide that a node forgot what it heard, since it hears it again.
        Only whom the step itself asks for a promise, the node listens to from then on; whoever asked in vain to be
        taught is taught what the node knows from then on; who asked about a promise is heard once it is made; and who
        says how far it has learned is heard once the node is told to leave.
        """
        automaton = self.automaton
        before, after = automaton.locals[local], automaton.locals[edge.target]
        if automaton.views[before.view].active != automaton.views[after.view].active:
            return
        views = automaton.views
        promises = views[before.view].promised != views[after.view].promised
        for bit, happening in ignored:
            try:
                again = automaton.hear(edge.target, bit, happening)
            except Misstep:
                continue  # it is told when the exploration comes there
            is_due = isinstance(happening, Hear) and (
                _invites(edge, happening) or _is_taught(happening, again) or (promises and _asks(happening))
                or (just == Give(model.Leave()) and isinstance(happening.said.message, model.Learned))
            )  # fmt: skip
            if again.target != edge.target and not is_due:
                title = f"node {self.node} forgets what it heard: it ignored something, and does no longer"
                raise Refuted(title, (f"ignored before: {self.words(happening)}",))

    def _must_have_said(self, part: int, local: int, deed: Deed) -> None:
        """What is sent again was sent before, or waits in the queue."""
        if deed.repeats:
            waits = [said for entry in self.automaton.locals[local].outlet.queue for said in entry.says]
            for said in deed.repeats:
                in_queue = any(one[:2] == said[:2] and said.to <= one.to for one in waits)
                if not in_queue and not self.sent.was_said(part, said):
                    title = f"node {self.node} sends again what it never sent"
                    raise Refuted(title, (f"{said.message} to {sorted(said.to)}",))

    def _must_stutter(self, local: int, edge: Edge, happening: Happening) -> None:
        """A stutter is of a declared kind, it shows nothing, and an internal event is none."""
        kind = edge.deed.stutter
        if kind == "stopped":
            raise Refuted(f"node {self.node} says that its disk went back in time, which it did not")
        if kind not in STUTTERS:
            raise Refuted(f"node {self.node} announces a stutter of no declared kind: {kind!r}")
        if isinstance(happening, Give) and happening.is_internal:
            raise Refuted(f"node {self.node} said that an event was due, and then it was {kind}")
        before, after = self.automaton.locals[local].view, self.automaton.locals[edge.target].view
        if before != after:
            views = self.automaton.views
            differs = [name for name in views[0]._fields if getattr(views[before], name) != getattr(views[after], name)]
            raise Refuted(f"node {self.node} announces that a step was {kind}, and it changed {', '.join(differs)}")


def _is_taught(happening: Hear, edge: Edge) -> bool:
    return isinstance(happening.said.message, model.Ask) and edge.deed.stutter == "resent"


def _asks(happening: Hear) -> bool:
    return isinstance(happening.said.message, model.Round)


def _invites(edge: Edge, happening: Hear) -> bool:
    return happening.said.sender in edge.deed.invites


def _bits(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]
