"""A node by itself: what it says to single messages that long runs bring to it seldom.

Of an act of its own that its disk lost it is told in every way in which others tell of such acts, and must stop; told
the same of acts of others, or of what it remembers, it goes on (R15). It remembers decisions up to a limit beyond what
it knows. It teaches the log or a snapshot, whichever is smaller (R9). Of its log it keeps what comes after the floor,
and the entry there (R10). It leaves as long as it is no member again (R11). It says of no promise that it stands but of
the one that it gave last. It answers reads when a majority vouches that nothing was decided beyond what they see, and
not before (R3, R7). It asks about a round of reads those who did not answer, and says who they are (R14), and nobody
about one that a later proposal has overtaken.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from conformance.refutation import Refuted
from conformance.world.scenario import Deliver, EndFlush, Give, Pass
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.cell import RESEND_AFTER_MS, Node
from physalia.cell.image import weigh
from physalia.cell.learner import HEARD_AHEAD_SLOTS, TAUGHT_AT_ONCE_SLOTS
from physalia.model import (
    NO_BALLOT,
    Ask,
    Ballot,
    Campaign,
    Change,
    Chunk,
    Command,
    Consult,
    Decision,
    DurableRecord,
    Echo,
    Execute,
    Learn,
    Learned,
    Leave,
    Message,
    NodeId,
    NoOp,
    OpenSession,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Put,
    Query,
    Read,
    Receive,
    Refusal,
    Report,
    RequestId,
    Round,
    Send,
    Serve,
    Step,
    Stutter,
    Submit,
    Transact,
    Transaction,
    Truncate,
    UsedBallot,
    Vote,
)
from physalia.model.value import evolve
from physalia.store import LIMITS, Store

ME, PEER, THIRD = 1, 2, 3
MEMBERS = frozenset({ME, PEER, THIRD})
LESSON_BYTES = 400
MANY = TAUGHT_AT_ONCE_SLOTS - 1
"""So many slots are one lesson, if their number alone counts."""
HEAVY_BYTES = 20_000
"""A value that weighs more than any log here."""
WAYS = (
    "a prepare", "a proposal", "a round", "an echo", "a vote of another", "a vote of its own", "a promise of another",
    "a promise of its own", "a report in a promise", "a report of its own", "a refusal", "what a refusal promised",
)  # fmt: skip
AHEAD = "a decision as far ahead as may be, and the one after it"
BY_LOG, BY_SNAPSHOT, PART_OF_LOG = "taught the whole log", "taught a snapshot", "taught as much of the log as fits"
KEPT = "a log is cut"
BACK = "who was to leave is a member again"
ECHOED, UNPROMISED, REFUSED = (
    "a promise stands",
    "a round of a ballot that it never promised",
    "a round that is too low",
)
ASKED_AGAIN, OVERTAKEN = "a round is asked about again", "a round is overtaken"
VOUCHED, NOT_VOUCHED = "two of three vouch for a round", "two of three cannot vouch for a round"
BY_ITSELF_MARKS = (
    *(f"stops for {way}" for way in WAYS), *(f"goes on after {way}" for way in WAYS),
    AHEAD, BY_LOG, BY_SNAPSHOT, PART_OF_LOG, KEPT, BACK, ECHOED, UNPROMISED, REFUSED, ASKED_AGAIN, OVERTAKEN, VOUCHED,
    NOT_VOUCHED,
)  # fmt: skip


class ByItself:
    """Tells single nodes this and that."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()

    def run(self, commands: int) -> int:
        """So many nodes of each kind are told something. Raises `Refuted`."""
        for _ in range(commands):
            self._losses()
            self._ahead()
            self._taught(NoOp(), LIMITS.lesson_bytes, BY_LOG)
            self._taught(NoOp(), LESSON_BYTES, BY_SNAPSHOT)
            self._taught(None, LESSON_BYTES, PART_OF_LOG)
            self._cut()
            self._back()
            self._echoes()
            self._vouched()
        self._rounds()
        return commands

    # What its disk lost

    def _losses(self) -> None:
        """It promised a ballot of another, or nothing; it used one that it remembers, or none, and one that is lost."""
        random = self._random
        low = Ballot(random.randrange(1, 5), random.choice((PEER, THIRD)))
        both: list[DurableRecord] = [UsedBallot(Ballot(low.round, ME)), Promised(low)]
        records = both[random.randrange(3) :]
        lost, slot = Ballot(low.round + random.randrange(1, 5), ME), random.randrange(1, 4)
        high = Ballot(lost.round + random.randrange(1, 5), random.choice((PEER, THIRD)))
        remembered = next((one.ballot for one in records if isinstance(one, UsedBallot)), NO_BALLOT)
        for way, message in _tells(lost, high, slot):
            self._must(records, message, way, stops=True)
        for ballot in (Ballot(lost.round, PEER), *((remembered,) if remembered != NO_BALLOT else ())):
            for way, message in _tells(ballot, high, slot):
                if not way.endswith("its own"):
                    self._must(records, message, way, stops=False)
        for way, message in _tells(lost, high, slot, of=PEER):
            if way.endswith("its own"):
                self._must([*records, UsedBallot(lost)], message, way, stops=False)

    def _must(self, records: list[DurableRecord], message: Message, way: str, *, stops: bool) -> None:
        node = Node(ME, MEMBERS, 2, records)
        announced = node.step(Receive(PEER, message)).announces
        has_stopped = isinstance(announced, Stutter) and announced.kind == "stopped"
        if has_stopped != stops:
            what = "hears of what its disk lost, and goes on" if stops else "stops for good without a cause"
            raise Refuted(f"a node {what}: {way}", (f"records: {records}", f"message: {message}"))
        self.reached[f"{'stops for' if stops else 'goes on after'} {way}"] += 1

    # What it learns and teaches

    def _ahead(self) -> None:
        node, known = Node(ME, MEMBERS, 2), self._random.randrange(3)
        _learn(node, [NoOp()] * known)
        for slot, is_kept in ((known + HEARD_AHEAD_SLOTS, True), (known + HEARD_AHEAD_SLOTS + 1, False)):
            told = node.step(Receive(PEER, Decision(slot, NoOp()))).announces
            if told != Stutter("recorded" if is_kept else "ignored"):
                raise Refuted(f"a node that knows {known} slots hears of slot {slot}, and it is {told}")
        self.reached[AHEAD] += 1

    def _taught(self, value: NoOp | None, lesson_bytes: int, wanted: str) -> None:
        """Somebody asks who lacks many light commands: the first ones, or those after many others or a heavy one."""
        node = Node(PEER, MEMBERS, 2, store=Store(evolve(LIMITS, lesson_bytes=lesson_bytes)))
        before = self._random.choice((0, 0, 2 * MANY)) if wanted == BY_SNAPSHOT else 0
        heavy = Put("key", bytes(HEAVY_BYTES))
        begin: list[Command] = [
            Execute(RequestId("client", 1), 1, OpenSession()),
            Execute(RequestId("client", 2), 1, Transact(1, Transaction((), (heavy,), ()))),
        ]
        _learn(node, [NoOp()] * before if value else begin)
        known = len(node.known)
        _learn(node, [NoOp()] * (MANY - self._random.randrange(20)))
        sent = _sent(node.step(Receive(THIRD, Ask(known))))
        slots = [message.slot for message in sent if isinstance(message, Decision)]
        whole = [*range(known + 1, len(node.known) + 1)]
        told = f"taught {len(slots)} slots"
        if slots == whole:
            told = BY_LOG
        elif slots == whole[: lesson_bytes // weigh(NoOp())]:
            told = PART_OF_LOG
        if any(isinstance(message, Chunk) for message in sent):
            told = BY_SNAPSHOT
        if told != wanted:
            raise Refuted(f"who lacks {len(node.known) - known} slots is {told}, and should be {wanted}", (f"{slots}",))
        self.reached[wanted] += 1

    def _cut(self) -> None:
        node, known = Node(ME, MEMBERS, 2), self._random.randrange(1, 9)
        floor = self._random.randrange(1, known + 1)
        _learn(node, [NoOp()] * known)
        node.step(Truncate(floor))
        kept = len(node.known) - node.known.base
        if kept != known - floor + 1:
            raise Refuted(f"of {known} slots with the floor {floor} a node keeps {kept} in its log")
        self.reached[KEPT] += 1

    def _back(self) -> None:
        """A node that was told to leave is a member again: whatever others say that they have learned, it stays."""
        node, others = Node(ME, MEMBERS, 2), MEMBERS - {ME} | {4}
        _learn(node, [Change(RequestId("out", 1), 0, others), *[NoOp()] * self._random.randrange(2, 5)])
        asked = {effect.to for effect in node.step(Leave()).effects if isinstance(effect, Send)}
        _learn(node, [Change(RequestId("in", 1), 1, MEMBERS)])
        node.step(Leave())
        for other in others:
            node.step(Receive(other, Learned(len(node.known))))
        if asked != others or node.duty is not None or node.due():
            raise Refuted("a node that is a member again leaves", (f"{node.duty}", f"{node.due()}"))
        self.reached[BACK] += 1

    # Rounds of reads

    def _echoes(self) -> None:
        """It says that its promise stands of the ballot that it promised last, and of no other one."""
        owner, read = self._random.choice((PEER, THIRD)), self._random.randrange(1, 4)
        promised = Ballot(self._random.randrange(2, 6), owner)
        cases = ((0, ECHOED, "echo"), (1, UNPROMISED, "ignored"), (-1, REFUSED, "refused"))
        for step, case, wanted in cases:
            ballot = Ballot(promised.round + step, owner)
            done = Node(ME, MEMBERS, 2, [Promised(promised)]).step(Receive(owner, Round(ballot, read)))
            told = done.announces.kind if isinstance(done.announces, Stutter) else done.announces.name
            if told != wanted or any(isinstance(one, Echo) for one in _sent(done)) != (case == ECHOED):
                raise Refuted(f"who promised {promised} hears of a round of {ballot}, and it is {told}")
            self.reached[case] += 1

    def _vouched(self) -> None:
        """Who voted in the slot after a round, or forgot what it voted there, does not vouch for it, and others do."""
        known, floor = self._random.randrange(4), self._random.randrange(3)
        slot, ballot = known + 1, Ballot(self._random.randrange(2, 6), ME)
        voted, later = (Report(one, Ballot(1, PEER), NoOp()) for one in (slot, slot + 1))
        blind = self._random.choice((((), slot + floor), ((voted,), 0), ((voted, later), 0)))
        sees = self._random.choice((((), min(floor, known)), ((later,), 0)))
        for peer, third, case in ((blind, blind, NOT_VOUCHED), (sees, blind, VOUCHED)):
            node = Node(ME, MEMBERS, 2)
            _learn(node, [NoOp()] * known)
            node.step(Campaign(ballot))
            (own,) = _sent(node.step(Receive(ME, Prepare(ballot, known))))
            node.step(Receive(ME, own))
            for sender, (reports, told) in ((PEER, peer), (THIRD, third)):
                node.step(Receive(sender, Promise(ballot, sender, reports, told)))
            node.step(Query(RequestId("reader", 1)))
            self._must_be_due(node, Consult(ballot, 1), case, is_due=case == VOUCHED)
            if case == VOUCHED:
                node.step(Consult(ballot, 1))
                for sender in (ME, THIRD, PEER):
                    node.step(Receive(sender, Echo(ballot, 1, sender)))
                    self._must_be_due(node, Serve(ballot, 1), case, is_due=sender == PEER)
            self.reached[case] += 1

    def _must_be_due(self, node: Node, event: Consult | Serve, case: str, *, is_due: bool) -> None:
        if (event in node.due()) != is_due:
            raise Refuted(f"a leader {'waits' if is_due else 'goes on'} with a read: {case}", (f"{event}",))

    def _rounds(self) -> None:
        """One echo of three comes; time passes; and a command is proposed, and time passes again."""
        world = World(Setup.of(5, 5, 2))
        world.apply(Give(ME, Campaign(world.next_ballot(ME))))
        _settle(world)
        world.apply(Give(ME, Query(RequestId("reader", 1))))
        world.apply(Give(ME, world.due[ME][0]))
        asked = [packet for packet in world.in_flight if isinstance(packet.message, Round)]
        answers = self._random.choice([packet for packet in asked if packet.receiver != ME])
        world.apply(Deliver(answers.sender, answers.receiver, answers.message))
        echo = next(packet for packet in world.in_flight if isinstance(packet.message, Echo))
        world.apply(Deliver(echo.sender, echo.receiver, echo.message))
        owing = MEMBERS_OF_FIVE - {answers.receiver}
        leader = world.nodes[ME]
        assert isinstance(leader, Node)
        if (silent := leader.silent()) != owing:
            raise Refuted("a leader says who owes it an echo", (f"- {sorted(owing)}", f"+ {sorted(silent)}"))
        if (again := _rounds_after(world)) != owing:
            raise Refuted("a leader asks again about a round", (f"- {sorted(owing)}", f"+ {sorted(again)}"))
        self.reached[ASKED_AGAIN] += 1
        world.apply(Give(ME, Submit(Read(RequestId("x", 1)))))
        world.apply(Give(ME, world.due[ME][0]))
        if again := _rounds_after(world):
            raise Refuted("a leader asks about a round that a later proposal has overtaken", (f"+ {sorted(again)}",))
        self.reached[OVERTAKEN] += 1


MEMBERS_OF_FIVE = frozenset(range(1, 6))


def _tells(ballot: Ballot, high: Ballot, slot: int, of: NodeId = ME) -> Iterator[tuple[str, Message]]:
    """Every way in which others tell that the ballot was used, or that node `of` acted under a higher one."""
    report, theirs = Report(slot, ballot, NoOp()), Report(slot, high, NoOp())
    yield "a prepare", Prepare(ballot, 0)
    yield "a proposal", Proposal(ballot, slot, NoOp())
    yield "a round", Round(ballot, 1)
    yield "an echo", Echo(ballot, 1, PEER)
    yield "a vote of another", Vote(ballot, slot, PEER)
    yield "a vote of its own", Vote(high, slot, of)
    yield "a promise of another", Promise(ballot, PEER, (), 0)
    yield "a promise of its own", Promise(high, of, (), 0)
    yield "a report in a promise", Promise(high, PEER, (theirs, evolve(report, slot=slot + 1)), 0)
    yield "a report of its own", Promise(Ballot(0, high.node), of, (theirs,), 0)
    yield "a refusal", Refusal(ballot, high)
    yield "what a refusal promised", Refusal(high, ballot)


def _learn(node: Node, values: Sequence[Command]) -> None:
    for slot, value in enumerate(values, start=len(node.known) + 1):
        node.step(Receive(THIRD, Decision(slot, value)))
        node.step(Learn(slot))


def _sent(step: Step) -> list[Message]:
    return [effect.message for effect in step.effects if isinstance(effect, Send)]


def _settle(world: World) -> None:
    """Let everything happen that can."""
    while True:
        waiting = [node for node, queue in world.queues.items() if queue]
        due = [(node, event) for node, events in world.due.items() for event in events]
        if waiting:
            world.apply(EndFlush(waiting[0]))
        elif due:
            world.apply(Give(*due[0]))
        elif world.in_flight:
            packet = world.in_flight[0]
            world.apply(Deliver(packet.sender, packet.receiver, packet.message))
        else:
            return


def _rounds_after(world: World) -> frozenset[NodeId]:
    """Who is asked about a round of reads when so much time has passed that what is unanswered goes out again."""
    world.apply(Pass(ME, 0))
    (outcome,) = world.apply(Pass(ME, RESEND_AFTER_MS))
    return frozenset(packet.receiver for packet in outcome.sent if isinstance(packet.message, Round))
