"""A cell of real servers, step by step beside the specification, by the judges of the lockstep.

The lockstep drives a world: it chooses the events, and its world carries them out. Here the servers choose, and a world
only follows: it is told what each node was given and what its step was, what was flushed, and with which records a node
came back. It holds its own disks and queues, so it knows what a node may rest on, and hands every outcome to the judge.

A node that was killed, dropped from memory or refused by its disk is followed as a crash when it comes back; until then
it does nothing. With which records it comes back is looked at: they must be a beginning of what it wrote, and hold all
that was flushed.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from attrs import evolve

from conformance.histories.worlds import Recorder
from conformance.judges.coverage import Coverage
from conformance.judges.judge import Judge, OutOfBounds
from conformance.refutation import Refuted
from conformance.wording import event_words, message_words
from conformance.world.cells import Cell
from conformance.world.leaving import LeavingWorld
from conformance.world.outcomes import Outcome, Trouble
from conformance.world.setup import Setup
from physalia.cell import Node
from physalia.model import Departed, DurableRecord, Event, Internal, Message, NodeId, Step, Submit

SLOTS = 512
"""So many slots of a cell are judged; a run that goes beyond says nothing more."""
ASKED_AGAIN = "a client asked again for what it had asked for"


class Mirror(LeavingWorld):
    """Follows one cell, whose nodes are called 1 to `nodes`. `steps` counts what was judged.

    Up to `newcomers` more may be made, under the numbers that follow, and then nodes may leave.
    """

    def __init__(self, cell: int, nodes: int, members: frozenset[NodeId], alpha: int, newcomers: int = 0) -> None:
        self._arrived: dict[NodeId, Cell] = {}
        self._leaving: dict[NodeId, list[tuple[Event, Step, tuple[Internal, ...]]]] = {}
        """What nodes did that leave, and are not gone before that was flushed."""
        all_nodes, coming = nodes + newcomers, frozenset(range(nodes + 1, nodes + newcomers + 1))
        clocks = (Fraction(1),) * all_nodes, (0,) * all_nodes
        super().__init__(Setup(all_nodes, members, alpha, *clocks, SLOTS, newcomers=coming))
        self.cell = cell
        self.steps = 0
        self.is_beyond = False
        """Whether the run left the bounds of the specification, so that nothing more is judged."""
        self.born: set[NodeId] = set()
        self.coverage = Coverage()
        self.recorder = Recorder()
        self._judge = Judge(self.setup, self, self.coverage)
        self.onlooker: Callable[[Outcome], object] = lambda _: None
        """Hears of every step that was judged."""
        self.troubles: dict[NodeId, Trouble] = {}
        """What happened to nodes that have not come back yet, if it is more than a crash."""

    def stepped(self, node: NodeId, event: Event, step: Step) -> None:
        """A node was given an event, and this was its step."""
        if node in self._leaving or any(isinstance(effect, Departed) for effect in step.effects):
            self._leaving.setdefault(node, []).append((event, step, self._due(node)))
            return
        if isinstance(event, Submit):
            if event.command in self.asked:
                self.coverage.reach(ASKED_AGAIN)
            self._judge_all(self._issue(node, event))
        self.due[node] = self._due(node)
        self._judge_all((self._carry_out(node, event, step),))

    def gathered(self) -> dict[NodeId, int]:
        """How much waits at each node now: what a flush that begins will make safe."""
        return {node: len(queue) + (node in self._leaving) for node, queue in self.queues.items()}

    def flushed(self, node: NodeId, waiting: int) -> None:
        """A flush has ended: so much of what waits at the node may leave."""
        before = len(self.queues[node])
        for _ in range(min(waiting, before)):
            self._judge_all((self._end_flush(node),))
        if node in self._leaving and waiting > before:
            self._leave(node)

    def _leave(self, node: NodeId) -> None:
        """What is left of a node is safe: it is gone."""
        for event, step, due in self._leaving.pop(node):
            has_left = node in self.departed
            self.due[node] = due
            outcome = self._carry_out(node, event, step)
            self.disks[node].flush(len(self.disks[node].data))
            self.queues[node].clear()
            self._judge_all((evolve(outcome, waits=False, has_left=has_left),))

    def left(self, node: NodeId, message: Message) -> None:
        """A message leaves the server of a node. Raises `Refuted` if what it depends on was not flushed (R2, R4)."""
        missing = self.disks[node].flushed.missing(message)
        if missing:
            title = (
                f"node {node} of cell {self.cell} lets something out before what it depends on is durable: {missing}"
            )
            raise Refuted(title, (f"sends: {message_words(message)}",))

    def came(self, node: NodeId, cell: Node, kept: Sequence[bytes]) -> None:
        """A node was made from what is on its disk. Raises `Refuted` if that is not what must be there."""
        disk, is_new = self.disks[node], node not in self.born
        self.born.add(node)
        records = len(kept)
        if list(kept) != disk.data[:records]:
            raise Refuted(f"node {node} of cell {self.cell} comes back with records that it did not write so")
        if records < disk.safe:
            lost = disk.safe - records
            raise Refuted(f"node {node} of cell {self.cell} comes back without {lost} records that were flushed")
        self._arrived[node] = cell
        self._leaving.pop(node, None)
        if is_new and not disk.data and node in self.setup.newcomers:
            self._judge_all(self._create(node))
            return
        if is_new and not disk.data:
            self.nodes[node] = self._restart(node, ())
            self.due[node] = self._due(node)
            return
        trouble = self.troubles.pop(node, "crash")
        if trouble == "full disk":
            self._judge_all((self._begin_anew(node, records, trouble),))
        else:
            self._judge_all(self._end(node, records - disk.safe, trouble))

    def whole(self) -> None:
        """Judge the cell as a whole, as it is now."""
        if not self.is_beyond:
            self._judge.whole()

    def _judge_all(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self.recorder.note(outcome)
            if self.is_beyond:
                continue
            try:
                self._judge.step(outcome)
            except OutOfBounds:
                self.is_beyond = True
            except Refuted as refuted:
                words = "" if outcome.event is None else f"given: {event_words(outcome.event)}"
                title = f"cell {self.cell}: {refuted.title}"
                raise Refuted(title, (*refuted.lines, *filter(None, [words])), refuted.how) from refuted
            self.steps += 1
            self.onlooker(outcome)

    def _restart(self, node: NodeId, records: Sequence[DurableRecord]) -> Cell:
        made = super()._restart(node, records if node not in self._arrived else ())
        return self._arrived.pop(node, made)
