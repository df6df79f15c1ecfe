"""Lessons: what a node dropped it teaches by a snapshot, and who works below its floor is told so (R3, R9, R10).

The specification says when a snapshot may be installed. It does not say that somebody sends one, chunk by chunk, that a
transfer is taken up where it stopped, nor that everybody who waits at a node that jumps is told. These rules do.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from conformance.judges.hearing import Hearing
from conformance.judges.projection import Names
from conformance.judges.timers import told
from conformance.refutation import Refuted
from conformance.wording import message_words
from conformance.world.cells import Cell
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.cell import Node
from physalia.cell.image import weigh, weight_of
from physalia.model import NodeId
from spec import cell as spec

FLOOR_TOLD = "a promise tells a floor at or above a slot that its ballot works on"
TOLD_BELOW = "who works at or below a floor is told so"
MANY_CHUNKS = "a snapshot comes in several chunks"
LIGHTER = "a snapshot is taught, which weighs less than the log"
TAKEN_UP = "a transfer is taken up where it stopped"
NOTHING_NEW = "a chunk brings nothing new"
TWO_TEACHERS = "two snapshots come in at once"
JUMP = "a node jumps over several slots"
LEADER_JUMPS = "a leader jumps, and leads no more"
WAITING_ENDS = "a request that waits ends when its node jumps"
READING_ENDS = "a read that waits ends when its node jumps"
VOTE_SURVIVES = "a vote above a snapshot survives it"
PENDING = "a snapshot is installed while a change is pending"
WRITTEN_AGAIN = "a node truncates once more"
SNAPSHOT_LOST = "a crash takes a snapshot that waits for its flush"
BACK_FROM_SNAPSHOT = "a node comes back from a snapshot"
NEWCOMER_TAUGHT = "a node that a change brought in is taught by a snapshot"

TEACHING = (
    "action truncate", "action install", FLOOR_TOLD, TOLD_BELOW, MANY_CHUNKS, LIGHTER, TAKEN_UP, NOTHING_NEW,
    TWO_TEACHERS, JUMP, LEADER_JUMPS, WAITING_ENDS, READING_ENDS, VOTE_SURVIVES, PENDING, WRITTEN_AGAIN, SNAPSHOT_LOST,
    BACK_FROM_SNAPSHOT, NEWCOMER_TAUGHT,
)  # fmt: skip
"""What a campaign of teaching must meet."""


OVER = 2
"""After so many looks at the clock without a chunk a lesson is over."""


def is_lighter(cell: Cell, theirs: int, last: int) -> bool | None:
    """Whether a snapshot weighs less than what a node lacks that knows so many slots, judged by the slots up to `last`.

    It does not if the slots up to `last` are all that is lacking. None of a cell whose state nobody else can weigh.
    """
    prefix = len(cell.known)
    if last >= prefix:
        return False
    if not hasattr(cell, "snapshot"):
        return None
    some = sum(weigh(cell.known[slot - 1]) for slot in range(theirs + 1, last + 1))
    return some * (prefix - theirs) // (last - theirs) > weight_of(cell.snapshot().learner.state)


class Lessons:
    """Judges how the nodes of one world teach what they dropped. `judge` raises `Refuted`."""

    def __init__(self, world: World, names: Names, machine: spec.Cell, reach: Callable[[str], None]) -> None:
        self._world = world
        self._names = names
        self._machine = machine
        self._reach = reach
        self._chunks: dict[NodeId, dict[NodeId, tuple[int, int]]] = {}
        """Which chunk each node sent each other one last since it looked at its clock: its slot and first row."""
        self._lessons: dict[NodeId, tuple[int, int]] = {}
        """The snapshot that each node taught last, and how often it has looked at its clock since."""
        self._refused: dict[NodeId, Counter[str]] = {}
        """How many chunks came to nothing at each node since it last started, by why."""

    def judge(
        self, outcome: Outcome, before: spec.State, hearing: Hearing, readers: frozenset[model.RequestId]
    ) -> None:
        """`hearing` is what the node had heard before this step, and `readers` the reads that waited there."""
        node = outcome.node
        match outcome.event:
            case None:  # it crashed, and teaches nobody
                self._note_crash(node, before)
                self._chunks.pop(node, None)
                self._lessons.pop(node, None)
                self._refused.pop(node, None)
            case model.Tick():
                self._chunks.pop(node, None)
                slot, ticks = self._lessons.get(node, (0, 0))
                self._lessons[node] = (slot, ticks + 1)
            case model.Receive(sender, model.Ask() | model.Take() as message):
                self._judge_chunk(outcome, sender, message)
            case model.Receive(sender, message):
                if isinstance(message, model.Chunk):
                    self._judge_student(outcome, sender, message, before, hearing)
                    self._judge_refused(node, sender, message, before, hearing)
                self._note_receipt(outcome, sender, message, before, hearing)
            case model.Truncate() if isinstance(outcome.announces, model.Action):
                self._judge_memory(node)
                if self._machine.floor(before, node):
                    self._reach(WRITTEN_AGAIN)
            case model.Install(_, slot) if isinstance(outcome.announces, model.Action):
                self._judge_memory(node)
                self._judge_jumped(outcome, before, hearing)
                if before.active[node]:
                    self._judge_readers(outcome, readers)
                self._note_jump(node, slot, before)

    def _judge_chunk(self, outcome: Outcome, student: NodeId, message: model.Ask | model.Take) -> None:
        """Who asks for what is dropped is taught a snapshot, chunk by chunk, each once in a tick."""
        node, cell = outcome.node, self._world.nodes[outcome.node]
        chunks = [packet.message for packet in outcome.sent if isinstance(packet.message, model.Chunk)]
        given, (taught, ticks) = self._chunks.setdefault(node, {}), self._lessons.get(node, (0, 0))
        last = given.get(student, (0, -1))
        if isinstance(message, model.Ask):
            first, is_due = 0, message.prefix < cell.known.base and last == (0, -1)
        else:
            first, is_due = message.rows, message.slot == taught and ticks == 0 and last < (taught, message.rows)
        if is_due and not chunks:
            raise Refuted(f"node {node} does not teach node {student} what it dropped", told(outcome.sent))
        is_under_way = ticks < OVER and taught >= cell.known.base
        for chunk in chunks:
            if isinstance(message, model.Ask) and chunk.slot != (
                taught if is_under_way and taught > message.prefix else len(cell.known)
            ):
                raise Refuted(f"node {node} teaches the snapshot at slot {chunk.slot}, and not the one of its lesson")
            place, slot = (chunk.slot, chunk.first), chunk.slot
            is_of_it = slot == message.slot if isinstance(message, model.Take) else slot >= max(1, cell.known.base)
            if chunk.first != first or place <= last or not is_of_it or slot > len(cell.known):
                raise Refuted(f"node {node} teaches node {student} another chunk than it needs: {place} after {last}")
            if isinstance(message, model.Ask) and message.prefix >= cell.known.base:
                self._reach(LIGHTER)
            given[student] = place
            self._lessons[node] = (chunk.slot, 0)
            if first > 0:
                self._reach(MANY_CHUNKS)

    def _judge_student(
        self, outcome: Outcome, teacher: NodeId, chunk: model.Chunk, before: spec.State, hearing: Hearing
    ) -> None:
        """Whoever gets a chunk, the next one or one more time, asks for what it lacks yet, and for nothing else."""
        transfer = hearing.transfer(teacher, chunk, len(before.known[outcome.node]))
        asked = {(p.receiver, p.message) for p in outcome.sent if isinstance(p.message, model.Take)}
        wanted = set()
        if transfer is not None and transfer[2] < transfer[3]:
            wanted = {(teacher, model.Take(chunk.slot, transfer[2]))}
        if asked != wanted:
            raise Refuted(
                f"node {outcome.node} does not ask for what it lacks of a snapshot",
                (*(f"- {message_words(message)}" for _, message in wanted), *told(outcome.sent)),
            )

    def _judge_refused(
        self, node: NodeId, teacher: NodeId, chunk: model.Chunk, before: spec.State, hearing: Hearing
    ) -> None:
        """A lesson that brings nothing is counted, and no other one is (R9)."""
        counted, cell = self._refused.setdefault(node, Counter()), self._world.nodes[node]
        if chunk.slot <= len(before.known[node]):
            counted["nothing new"] += 1
        elif chunk.first > 0 and hearing.is_of_another(teacher, chunk):
            counted["another snapshot"] += 1
        if isinstance(cell, Node) and dict(cell.refused_lessons) != dict(counted):
            raise Refuted(
                f"node {node} counts its lessons that came to nothing wrongly",
                (f"- {dict(counted)}", f"+ {dict(cell.refused_lessons)}"),
            )

    def _judge_memory(self, node: NodeId) -> None:
        """Who truncates or jumps forgets who decided before the last slot, but for a read, and what it had heard."""
        cell = self._world.nodes[node]
        if not isinstance(cell, Node):
            return
        memory = cell.snapshot()
        prefix, read = memory.learner.prefix, memory.reads.under_way
        asked = prefix if read is None else min(prefix, read.slot + 1)
        if memory.learner.configurations.base < asked - 1 or min(memory.learner.heard, default=prefix + 1) <= prefix:
            raise Refuted(f"node {node} remembers of slots up to {prefix} what nobody asks for any more")

    def _judge_jumped(self, outcome: Outcome, before: spec.State, hearing: Hearing) -> None:
        """Every request that waits ends when its node jumps: it is answered, or nobody knows what became of it."""
        node = outcome.node
        waiting = {self._names.asked[name] for name in hearing.in_order if name not in before.known[node]}
        answered = {request for request, _ in outcome.answers}
        unknown = {request for request, reason in outcome.rejects if reason == "outcome unknown"}
        if answered | unknown != waiting:
            raise Refuted(
                f"node {node} jumps over slots, and does not tell just those who wait",
                (f"- {sorted(map(str, waiting))}", f"+ {sorted(map(str, answered | unknown))}"),
            )
        if waiting:
            self._reach(WAITING_ENDS)

    def _judge_readers(self, outcome: Outcome, readers: frozenset[model.RequestId]) -> None:
        """Who jumps leads no more, and every read that waits there ends."""
        ended = {request for request, reason in outcome.rejects if reason == "not the proposer"}
        if ended != readers:
            raise Refuted(
                f"node {outcome.node} jumps over slots, and does not tell just those who wait to read",
                (f"- {sorted(map(str, readers))}", f"+ {sorted(map(str, ended))}"),
            )
        if readers:
            self._reach(READING_ENDS)

    def _note_receipt(
        self, outcome: Outcome, sender: NodeId, message: model.Message, before: spec.State, hearing: Hearing
    ) -> None:
        node = outcome.node
        match message:
            case model.Promise(ballot, floor=floor) if self._names.ballot(ballot) == before.active[node]:
                if floor > len(before.known[node]):
                    self._reach(FLOOR_TOLD)
            case model.Chunk(slot):
                if slot <= len(before.known[node]):
                    self._reach(NOTHING_NEW)
                if any(isinstance(packet.message, model.Take) for packet in outcome.sent) and outcome.announces == (
                    model.Stutter("resent")
                ):
                    self._reach(TAKEN_UP)
                if sum(slot > len(before.known[node]) for slot in hearing.coming()) > 1:
                    self._reach(TWO_TEACHERS)
        if any(receiver == sender for receiver, _ in lower(self._world, node, sender, message)):
            self._reach(TOLD_BELOW)

    def _note_jump(self, node: NodeId, slot: int, before: spec.State) -> None:
        machine, known = self._machine, before.known[node]
        if slot > len(known) + 1:
            self._reach(JUMP)
        if before.active[node]:
            self._reach(LEADER_JUMPS)
        if any(vote != spec.NoVote for vote in before.accepted[node][slot + 1 :]):
            self._reach(VOTE_SURVIVES)
        log = tuple(d.value for d in sorted({d._replace(by=0) for d in before.decisions if d.slot <= slot}))
        juries = {machine.members(log, at) for at in range(slot, slot + machine.alpha + 1)}
        if len(juries) > 1:
            self._reach(PENDING)
        if node not in machine.first and any(node in members for members in juries):
            self._reach(NEWCOMER_TAUGHT)

    def _note_crash(self, node: NodeId, before: spec.State) -> None:
        if self._machine.floor(before, node) > before.disk[node].floor:
            self._reach(SNAPSHOT_LOST)
        if before.disk[node].floor:
            self._reach(BACK_FROM_SNAPSHOT)


def lower(world: World, node: NodeId, sender: NodeId, message: model.Message) -> Iterator[tuple[NodeId, model.Message]]:
    """Whoever works at or below a floor is told what is known last, so that it asks to be taught (R10)."""
    cell, lowest = world.nodes[node], 0
    match message:
        case model.Prepare(ballot, prefix) if ballot.node == sender != node:
            lowest = prefix + 1
        case model.Proposal(ballot, slot) if ballot.node == sender != node:
            lowest = slot
    if 0 < lowest <= cell.floor:
        yield sender, model.Decision(len(cell.known), cell.known[-1])
