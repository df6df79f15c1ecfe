"""Disks that no run of a node can have left: it does not start from them. Before what later software wrote it waits.

Cells that forget their logs leave journals behind. Into each of them one record is put, in some place, that the guard
of the step which writes it would not have let through there. What the journal amounts to before it is read as the
simulated disks read it, apart from the node.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import TypeAlias

from conformance.refutation import Refuted
from conformance.world.disk import Journal
from conformance.world.restarting import folded
from conformance.world.scenario import Deliver, EndFlush, Give, Happening
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.cell import CorruptRecords, Node
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    Campaign,
    DurableRecord,
    Execute,
    Head,
    Known,
    Left,
    NodeId,
    NoOp,
    OpenSession,
    Part,
    Prepare,
    Promised,
    Read,
    Receive,
    RequestId,
    Snapshot,
    Stopped,
    Store,
    Submit,
    Truncate,
    UsedBallot,
)
from physalia.model.value import evolve
from physalia.store import VERSION
from physalia.wire import decode_record

Parameters: TypeAlias = tuple[NodeId, set[NodeId], int, int]
IMPOSSIBLE: tuple[Parameters, ...] = (
    (0, {1}, 1, 1),
    (1, set(), 1, 1),
    (1, {0, 1}, 1, 1),
    (1, {1}, 0, 1),
    (1, {1}, 1, 0),
)
POSSIBLE: tuple[Parameters, ...] = ((1, {1}, 1, 1), (2, {1}, 1, 1), (1, {1, 2, 3}, 3, 200))
"""Who a node is, the first members, alpha, and how long it waits: wrong in one thing, and just right."""
EVENTS = 300
CAMPAIGNS, TRUNCATIONS, COMMANDS = 0.02, 0.03, 0.1
WORLD = Setup.of(4, 3, 2)
ENDED = "something after the end"
LATER = "what does not follow a decision for later software"
KINDS = (
    "ballot of another", "ballot used twice", "ballot below the promise", "promise below the promise",
    "promise given twice", "promise of an unused ballot", "promise of no ballot", "vote below the promise",
    "vote cast twice", "vote at the floor", "vote under an unused ballot", "decision too early", "decision twice",
    "snapshot of another state",
    "floor above its snapshot", "floor not above the floor", "snapshot without a row", "snapshot of another slot",
    "snapshot of an earlier slot", ENDED, LATER,
)  # fmt: skip
PARAMETERS = "impossible parameters"
VOTE_DROPPED = "a folded journal lacks the vote that says what was promised"
BEGUN_AGAIN = "a snapshot in parts is begun again after a crash"
WAITS_FOR_SNAPSHOT = "a snapshot of later software"
WAITS_FOR_DECISION = "a decision for later software"
DISK_MARKS = (
    *(f"refused: {kind}" for kind in KINDS), WAITS_FOR_SNAPSHOT, WAITS_FOR_DECISION, VOTE_DROPPED, BEGUN_AGAIN,
    PARAMETERS,
)  # fmt: skip


class Disks:
    """The disks of one cell."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()

    def run(self, commands: int) -> int:
        """So many times each kind of record is put into a journal. Raises `Refuted`."""
        self._founded()
        world = World(WORLD)
        for number in range(EVENTS):
            world.apply(self._happening(world, number))
        journals = {node: [*map(decode_record, disk.data)] for node, disk in world.disks.items()}
        for _ in range(commands):
            node = self._random.choice(sorted(journals))
            records = journals[node]
            place = self._random.randrange(len(records) + 1)
            for kind, wrong in self._wrong(node, records[:place]):
                self._must_refuse(node, [*records[:place], wrong], kind)
            for last in (Stopped(node, "its vote"), Left(1, frozenset({node + 1}))):
                self._must_refuse(node, [*records[:place], last, Known(place + 1, NoOp())], ENDED)
            self._later_software(node, records[:place])
            self._fold(node, records[:place])
            self._begin_again(node, records[:place])
        return commands

    def _founded(self) -> None:
        """Nobody makes a node that no cell can have, and whoever asks for one that it can have gets it."""
        for parameters in (*POSSIBLE, *IMPOSSIBLE):
            node, members, alpha, resend_after_ms = parameters
            try:
                Node(node, members, alpha, resend_after_ms=resend_after_ms)
            except ValueError:
                is_made = False
            else:
                is_made = True
            if is_made != (parameters in POSSIBLE):
                what = "is made" if is_made else "is not made"
                raise Refuted(f"a node of these parameters {what}", (f"who, members, alpha, ms: {parameters}",))
        self.reached[PARAMETERS] += 1

    def _happening(self, world: World, number: int) -> Happening:
        """Somebody leads, clients ask, messages come in any order, and now and then a log is cut or another leads."""
        node, chance = self._random.choice(sorted(world.nodes)), self._random.random()
        known = len(world.nodes[node].known)
        if chance < CAMPAIGNS or not world.in_flight:
            return Give(node, Campaign(world.next_ballot(node)))
        if chance < CAMPAIGNS + TRUNCATIONS and known:
            return Give(node, Truncate(known))
        leads = [one for one, cell in world.nodes.items() if cell.active != NO_BALLOT]
        if chance < CAMPAIGNS + TRUNCATIONS + COMMANDS and leads:
            return Give(self._random.choice(leads), Submit(Read(RequestId("x", number))))
        if waiting := [one for one, queue in world.queues.items() if queue]:
            return EndFlush(self._random.choice(waiting))
        if due := [Give(one, event) for one, events in world.due.items() for event in events]:
            return self._random.choice(due)
        packet = self._random.choice(world.in_flight)
        return Deliver(packet.sender, packet.receiver, packet.message)

    def _wrong(self, node: NodeId, records: list[DurableRecord]) -> Iterator[tuple[str, DurableRecord]]:
        """What cannot come next."""
        read = Journal()
        for record in records:
            read.read(record)
        promised, known, floor = read.promised, len(read.known), read.floor
        unused = Ballot(max(promised.round, *(ballot.round for ballot in read.used), 0) + 1, node)
        high = Ballot(promised.round + 1, node % 3 + 1)
        yield "ballot of another", UsedBallot(high)
        yield "promise of an unused ballot", Promised(unused)
        yield "vote under an unused ballot", Accepted(unused, known + 1, NoOp())
        yield "decision too early", Known(known + 2, NoOp())
        if promised == NO_BALLOT:
            yield "promise of no ballot", Promised(NO_BALLOT)
        else:
            below = Ballot(promised.round - 1, node % 3 + 1)
            yield "ballot below the promise", UsedBallot(Ballot(promised.round - (promised.node <= node), node))
            yield "promise below the promise", Promised(below)
            yield "vote below the promise", Accepted(below, known + 1, NoOp())
        if used := [ballot for ballot in read.used if ballot > promised]:
            yield "ballot used twice", UsedBallot(self._random.choice(sorted(used)))
        if promised in read.answered:
            yield "promise given twice", Promised(promised)
        if known:
            yield "decision twice", Known(known, NoOp())
        if floor:
            yield "vote at the floor", Accepted(high, floor, NoOp())
        if votes := [vote for vote in read.accepted.values() if vote.ballot == promised and vote.slot > floor]:
            yield "vote cast twice", self._random.choice(votes)
        yield from self._wrong_snapshots(node, records, known, floor)

    def _wrong_snapshots(
        self, node: NodeId, records: list[DurableRecord], known: int, floor: int
    ) -> Iterator[tuple[str, DurableRecord]]:
        """Snapshots that this node could have written by now, and did not: something is wrong with each."""
        if not known > floor:
            return
        right = self._snapshot(node, records, known)
        head = right.rows[0]
        assert isinstance(head, Head)
        volume = evolve(head.volume, version=head.volume.version + 1)
        yield "snapshot of another state", evolve(right, rows=(evolve(head, volume=volume), *right.rows[1:]))
        yield "floor above its snapshot", evolve(right, floor=known + 1)
        yield "snapshot without a row", evolve(right, rows=right.rows[:-1])
        yield "snapshot of another slot", evolve(right, slot=known + 1, floor=known + 1)
        yield "snapshot of an earlier slot", evolve(right, slot=known - 1, floor=known - 1)
        if floor:
            yield "floor not above the floor", evolve(right, floor=floor)

    def _must_refuse(self, node: NodeId, records: list[DurableRecord], kind: str) -> None:
        try:
            self._start(node, records)
        except CorruptRecords:
            self.reached[f"refused: {kind}"] += 1
            return
        raise Refuted(f"node {node} starts from records that nobody can have left: {kind}", (str(records[-1]),))

    def _later_software(self, node: NodeId, records: list[DurableRecord]) -> None:
        """What this software does not understand it stops before, and keeps its place in what follows (R5)."""
        fresh = self._start(node, records)
        known = fresh.prefix
        later = Known(known + 1, Execute(RequestId("later", 1), VERSION + 1, OpenSession()))
        self._must_wait(node, [*records, later], known, known + 1)
        self._must_wait(node, [*records, later, Known(known + 2, NoOp())], known, known + 1)
        for slot in (known + 1, known + 3):
            self._must_refuse(node, [*records, later, Known(slot, NoOp())], LATER)
        self.reached[WAITS_FOR_DECISION] += 1
        if known > fresh.floor:
            right = self._snapshot(node, records, known)
            head = right.rows[0]
            assert isinstance(head, Head)
            newer = evolve(right, slot=known + 1, rows=(evolve(head, version=VERSION + 1), *right.rows[1:]))
            self._must_wait(node, [*records, newer, UsedBallot(Ballot(1, node + 1))], known, known + 1)
            self.reached[WAITS_FOR_SNAPSHOT] += 1

    def _fold(self, node: NodeId, records: list[DurableRecord]) -> None:
        """The node comes back the same from fewer records; also where a vote says what it promised, and is dropped."""
        fresh = self._start(node, records)
        self._must_be_the_same(fresh, self._start(node, folded(node, records)))
        if fresh.prefix > fresh.floor:
            high = Ballot(max(fresh.promised.round, fresh.next_ballot().round) + 1, node % 3 + 1)
            records = [*records, Accepted(high, fresh.prefix, NoOp())]
            records = [*records, self._snapshot(node, records, fresh.prefix)]
            self._must_be_the_same(self._start(node, records), self._start(node, folded(node, records)))
            self.reached[VOTE_DROPPED] += 1

    def _begin_again(self, node: NodeId, records: list[DurableRecord]) -> None:
        """Of a snapshot in parts, whose writer crashed on the way and began anew, only what it wrote at last counts.

        Also where the journal is folded meanwhile, or afterwards.
        """
        fresh = self._start(node, records)
        if not fresh.prefix > fresh.floor:
            return
        right = self._snapshot(node, records, fresh.prefix)
        rows, ends = right.rows, sorted(self._random.choices(range(len(right.rows)), k=2))
        parts: list[DurableRecord] = [Part(0, rows[: ends[0]]), Part(ends[0], rows[ends[0] : ends[1]])]
        begun = [*records, *parts[: self._random.choice((1, 2))], *parts]
        last = evolve(right, rows=rows[ends[1] :])
        for written in ([*begun, last], [*folded(node, begun), last], folded(node, [*begun, last])):
            try:
                again = self._start(node, written)
            except CorruptRecords as error:
                raise Refuted(f"node {node} does not start where {BEGUN_AGAIN}", (str(error),)) from error
            self._must_be_the_same(self._start(node, [*records, right]), again)
        self.reached[BEGUN_AGAIN] += ends[0] > 0

    def _must_be_the_same(self, whole: Node, fewer: Node) -> None:
        for what, one, other in zip(("remembers", "says"), _seen(whole), _seen(fewer), strict=True):
            if one != other:
                title = f"node {whole.node_id} {what} something else when its journal is folded"
                raise Refuted(title, (f"- {one}", f"+ {other}"))

    def _must_wait(self, node: NodeId, records: list[DurableRecord], known: int, slot: int) -> None:
        waits = self._start(node, records)
        if waits.prefix != known or f"before slot {slot}:" not in waits.stopped or waits.due():
            raise Refuted(f"node {node} does not stop before slot {slot}, which its software does not understand")

    def _snapshot(self, node: NodeId, records: list[DurableRecord], slot: int) -> Snapshot:
        """The one that the node would write now, of all that it knows."""
        for effect in self._start(node, records).step(Truncate(slot)).effects:
            if isinstance(effect, Store) and isinstance(effect.record, Snapshot):
                return effect.record
        raise Refuted(f"node {node} writes no snapshot of all that it knows")

    def _start(self, node: NodeId, records: list[DurableRecord]) -> Node:
        return Node(node, WORLD.members, WORLD.alpha, records)


def _seen(node: Node) -> tuple[object, object]:
    """What a node that has just started remembers, and what it says when it is asked for what it promised."""
    remembers = (
        node.promised, dict(node.accepted), node.prefix, node.floor, node.stopped, node.digest(), node.members,
        node.next_ballot(),
    )  # fmt: skip
    return remembers, node.step(Receive(node.promised.node, Prepare(node.promised, node.prefix)))
