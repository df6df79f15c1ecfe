"""Mixed versions: real nodes with old and new software in one cell, brought up to date and rolled back while they work.

The world and the driver are the lockstep's. The judge is another one: `spec/service/versions.py` has the log as it is
decided, and says which decision a node applies, before which one it stops, and what other software makes of its disk
(rule R5). Beside that: a node that stopped does nothing at all, no two nodes of one prefix differ in their digests, and
when all have software that understands, all go on.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from random import Random
from time import monotonic

from conformance.links import Failure, Profile, Progress, Row, Settings, Verdict
from conformance.lockstep.campaigns import orderly
from conformance.lockstep.driver import Driver
from conformance.lockstep.moves import Moves
from conformance.refutation import Refuted
from conformance.wording import command_words, event_words
from conformance.world.outcomes import Outcome
from conformance.world.scenario import Crash, Deliver, EndFlush, FreeDisk, Give, Happening, Pass
from conformance.world.setup import Setup
from conformance.world.world import NotPossible, World
from physalia.cell import Node
from physalia.model import (
    Action,
    Change,
    Command,
    Decide,
    DurableRecord,
    Execute,
    Install,
    Known,
    Learn,
    NodeId,
    Query,
    Reject,
    RequestId,
    Stutter,
    Submit,
)
from physalia.model.value import evolve
from physalia.store import LIMITS, Store
from spec.service.versions import State, Versions
from spec.values import put

NAME = "mixed versions, 3 nodes"
OLD, NEW = 1, 2
NODES = 3
EVENTS = 480
RUNS = {Profile.QUICK: 40, Profile.DEFAULT: 120, Profile.DEEP: 2_000}
CALM_EVENTS = 4_000
CALM_ROUNDS = 8
TICK_MS = 1_000

LEARNED = "an old node hears of a decision that it does not understand, and stops"
LED = "a leader that does not understand what it had decided stops before it"
UNHEARD = "something reaches a node that stopped"
WITHOUT_IT = "the others go on without the one that stopped"
STILL = "a majority has stopped"
BACK = "a node that is rolled back stops before what it had applied"
UP = "a node that had stopped goes on with new software"
AT_THE_DOOR = "an old leader does not take what it does not understand"
AGAIN = "a node that had stopped is started as it was, and stops again"
JUMPED = "a snapshot is taken for the decisions that it stands for"
MARKS = (LEARNED, LED, UNHEARD, WITHOUT_IT, STILL, BACK, UP, AT_THE_DOOR, AGAIN, JUMPED)


class Needs(dict[int, int]):
    """By which version the decided commands are understood; decision `k` is the command of the number `k`."""


class Mixed:
    """One run: a world whose nodes have software of their own, and its judge."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311 (repeatable, no secret)
        first = [self.random.choice((OLD, NEW)) for _ in range(NODES)]
        self.software = dict(enumerate(first, start=1))
        nodes = range(1, NODES + 1)
        rates = tuple(Fraction(1) for _ in nodes)
        clocks_ms = tuple(1_000 * node for node in nodes)
        setup = Setup(NODES, frozenset(nodes), 3, rates, clocks_ms, 10_000, store_is_small=False)
        self.needs = Needs()
        self.log: list[Command] = []
        self.machine = Versions(
            needs=self.needs, first=dict(self.software), changes=dict.fromkeys(nodes, 1 << 30), max_slot=1 << 30
        )
        (self.state,) = self.machine.init()
        self.world = World(evolve(setup, store_is_small=True), self._make)
        self.reached: Counter[str] = Counter()
        self.readers: dict[NodeId, set[RequestId]] = {node: set() for node in nodes}
        self.digests: dict[int, bytes] = {}
        self.steps = 0
        self.events = 0
        self.is_new = 0.0
        """Which part of what clients ask the store for is of the new version, once there is a new node."""
        self.stopped_once: set[NodeId] = set()

    def _make(
        self,
        node: NodeId,
        members: frozenset[NodeId],
        alpha: int,
        records: Sequence[DurableRecord],
        store: Store | None = None,
    ) -> Node:
        limits = LIMITS if store is None else store.limits
        return Node(node, members, alpha, records, store=Store(limits, understands=self.software[node]))

    # What happens

    def run(self, events: int) -> None:
        """So many events, and then everybody gets new software, and calm. Raises `Refuted`."""
        moves = Moves(self.world, max_commands=60)
        for happening in self._happenings(moves, events):
            self._happen(happening)
        for node in self.software:
            if node in self.world.full:
                self._happen(FreeDisk(node))
            self._start(node, NEW)
        self._settle(moves)
        for node, one in self.world.nodes.items():
            if one.stopped or len(one.known) < len(self.log):  # type: ignore[attr-defined]
                raise Refuted(f"node {node} understands everything now, and does not go on", self._words())

    def _happenings(self, moves: Moves, events: int) -> Iterator[Happening]:
        driver = Driver(moves, self.random)
        pace = self.random.choice((0.01, 0.03))
        moves.seed = self.random.getrandbits(32)
        self.is_new = self.random.choice((0.1, 0.3, 0.6))
        trouble = driver.happenings(events)
        for happening in chain(islice(orderly(moves, self.random), events // 4), trouble):
            if self.random.random() < pace:
                self._start(self.random.randint(1, NODES), self.random.choice((OLD, NEW)))
            yield self._of_some_version(happening)

    def _of_some_version(self, happening: Happening) -> Happening:
        """The same, but a client may ask by the new version; whoever does not know it is asked as well."""
        match happening:
            case Give(node, Submit(Execute() as command)) if command not in self.world.asked:
                if NEW in self.software.values() and self.random.random() < self.is_new:
                    return Give(node, Submit(evolve(command, version=NEW)))
            case Give(node, Submit(Change())):
                return Pass(node, 1)  # the members stay: whom a change removes is another campaign's matter
        return happening

    def _happen(self, happening: Happening) -> None:
        self.events += 1
        try:
            outcomes = self.world.apply(happening)
        except NotPossible:
            return
        for outcome in outcomes:
            self._judge(outcome)
            self._note_readers(outcome)

    def _start(self, node: NodeId, version: int) -> None:
        """The node's process ends, and is started with software of this version."""
        before = self.software[node]
        stopped, applied = self.machine.stopped(self.state, node), self.state.applied[node]
        self.software[node] = version
        self._happen(Crash(node, self.random.getrandbits(3)))
        state = self.state
        if stopped and before == version == OLD and self.machine.stopped(state, node):
            self.reached[AGAIN] += 1
        if version < before and self.machine.stopped(state, node) and state.applied[node] < applied:
            self.reached[BACK] += 1
        if version > before and stopped and not self.machine.stopped(state, node):
            self.stopped_once.add(node)

    def _settle(self, moves: Moves) -> None:
        """Nothing is lost any more; each node in turn leads, and something is decided."""
        for turn in range(CALM_ROUNDS):
            node = turn % NODES + 1
            for happening in (moves.campaign(node), None, moves.write(node, 0)):
                if happening is not None:
                    self._happen(self._of_some_version(happening))
                self._drain()
            for other in self.world.nodes:
                self._happen(Pass(other, TICK_MS))
                self._drain()

    def _drain(self) -> None:
        for _ in range(CALM_EVENTS):
            happening = self._next()
            if happening is None:
                return
            self._happen(happening)

    def _next(self) -> Happening | None:
        world = self.world
        for node, queue in world.queues.items():
            if queue:
                return EndFlush(node)
        for node, due in world.due.items():
            if due:
                return Give(node, due[0])
        if world.in_flight:
            packet = world.in_flight[0]
            return Deliver(packet.sender, packet.receiver, packet.message)
        return None

    # The judge

    def _note_readers(self, outcome: Outcome) -> None:
        """Who waits for a read at which node; nobody does when it has stopped (R6)."""
        waiting = self.readers[outcome.node]
        if outcome.trouble:
            waiting.clear()
        if isinstance(outcome.event, Query):
            waiting.add(outcome.event.request)
        waiting -= {request for request, _ in outcome.rejects} | {one.request for one in outcome.found}
        if waiting and self.machine.stopped(self.state, outcome.node):
            raise Refuted(f"node {outcome.node} stops, and tells nobody who waits for a read", self._words())

    def _judge(self, outcome: Outcome) -> None:
        node, state = outcome.node, self.state
        if outcome.trouble and outcome.event is None and not outcome.is_lost:
            self._judge_start(node)
        elif outcome.event is not None and self.machine.stopped(state, node):
            self._judge_silence(outcome)
        elif isinstance(outcome.announces, Stutter) and outcome.announces.kind == "stopped":
            self._judge_stop(outcome)
        elif isinstance(outcome.event, Decide | Learn) and isinstance(outcome.announces, Action):
            self._judge_apply(outcome)
        elif isinstance(outcome.event, Install) and isinstance(outcome.announces, Action):
            self._judge_jump(outcome)
        elif isinstance(outcome.event, Submit):
            self._judge_door(outcome, outcome.event)
        if outcome.event is not None or (outcome.trouble and not outcome.is_lost):
            self._compare(node)

    def _step(self, name: str, node: NodeId, outcome: Outcome) -> None:
        after: State | None = getattr(self.machine, name)(self.state, node)
        if after is None:
            raise Refuted(
                f"node {node} does what is no {name} of the specification",
                (f"event: {'' if outcome.event is None else event_words(outcome.event)}", *self._words()),
            )
        self.state = after
        self.steps += 1

    def _decided(self, slot: int, value: Command) -> None:
        """Somebody knows what is decided in a slot: the first one says so, and all others must say the same."""
        if slot == len(self.log) + 1:
            self.log.append(value)
            self.needs[slot] = value.version if isinstance(value, Execute) else OLD
            self.state = self.state._replace(log=(*self.state.log, slot))
        elif value != self.log[slot - 1]:
            raise Refuted(f"the cell forks: in slot {slot} two commands are decided", (command_words(value),))

    def _judge_apply(self, outcome: Outcome) -> None:
        node = outcome.node
        known = self.world.nodes[node].known
        self._decided(len(known), known[-1])
        self._step("apply", node, outcome)
        if any(self.machine.stopped(self.state, other) for other in self.software):
            self.reached[WITHOUT_IT] += 1
        if node in self.stopped_once:
            self.reached[UP] += 1

    def _judge_jump(self, outcome: Outcome) -> None:
        """A snapshot stands for many decisions, each of which the node must understand to make use of it."""
        node = outcome.node
        for _ in range(self.state.applied[node], len(self.world.nodes[node].known)):
            self._step("apply", node, outcome)
        self.reached[JUMPED] += 1

    def _judge_stop(self, outcome: Outcome) -> None:
        stored = [record for record in outcome.stored if isinstance(record, Known)]
        if len(stored) != 1 or outcome.sent or outcome.answers:
            raise Refuted(f"node {outcome.node} stops, and does not just write down before what", self._words())
        self._decided(stored[0].slot, stored[0].value)
        self._step("stop", outcome.node, outcome)
        self.reached[LEARNED if isinstance(outcome.event, Learn) else LED] += 1
        if not self.machine.is_majority_running(self.state):
            self.reached[STILL] += 1

    def _judge_silence(self, outcome: Outcome) -> None:
        """A node that stopped does nothing: it applies, campaigns, votes, reads and teaches no more."""
        node, event = outcome.node, outcome.event
        assert event is not None
        rejects = [Reject(*one) for one in outcome.rejects]
        said = (outcome.sent, outcome.answers, outcome.found, outcome.stored)
        kind = outcome.announces.kind if isinstance(outcome.announces, Stutter) else "an action"
        is_silent = not any(said) and kind in ("ignored", "rejected") and self.world.due[node] == ()
        if not is_silent or any(one.reason != "stopped" for one in rejects):
            raise Refuted(f"node {node} has stopped, and does something", (event_words(event), f"it: {kind}"))
        asks = event.command.request if isinstance(event, Submit) else getattr(event, "request", None)
        if asks is not None and [one.request for one in rejects] != [asks]:
            raise Refuted(f"node {node} has stopped, and does not tell a client so", (event_words(event),))
        self.reached[UNHEARD] += 1

    def _judge_door(self, outcome: Outcome, event: Submit) -> None:
        """What a node does not understand it takes from no client; and of nothing else it says so."""
        command, node = event.command, outcome.node
        reasons = [reason for _, reason in outcome.rejects]
        if isinstance(command, Execute) and command.version > self.software[node]:
            if reasons != ["not understood"]:
                raise Refuted(f"node {node} takes a command that it does not understand", (event_words(event),))
            self.reached[AT_THE_DOOR] += 1
        elif "not understood" in reasons:
            raise Refuted(f"node {node} does not take a command that it understands", (event_words(event),))

    def _judge_start(self, node: NodeId) -> None:
        """The node began anew: of its decisions it has those that its disk kept, and makes of them what it can."""
        written = len(self.world.disks[node].written.known)
        if written > self.state.written[node]:
            raise Refuted(f"the disk of node {node} has decisions that it never wrote", self._words())
        version = self.software[node]
        self.state = self.state._replace(written=put(self.state.written, node, written))
        if version != self.state.software[node]:
            after = self.machine.start(self.state, node, version)
            assert after is not None
            self.state = after
        else:
            state = self.machine.readable(self.state, version, written)
            self.state = self.state._replace(
                applied=put(self.state.applied, node, len(state)), state=put(self.state.state, node, state)
            )
        self.steps += 1

    def _compare(self, node: NodeId) -> None:
        one, state = self.world.nodes[node], self.state
        is_stopped = bool(one.stopped)  # type: ignore[attr-defined]
        if (len(one.known), is_stopped) != (state.applied[node], self.machine.stopped(state, node)):
            raise Refuted(
                f"node {node} applied {len(one.known)} decisions and has {'' if is_stopped else 'not '}stopped; "
                f"by the specification it applied {state.applied[node]}",
                self._words(),
            )
        kept = slice(one.known.base, len(one.known))
        if one.known[kept] != self.log[kept]:
            raise Refuted(f"the cell forks: node {node} knows another log", self._words())
        if self.digests.setdefault(len(one.known), one.digest()) != one.digest():
            raise Refuted(f"the cell forks: node {node} is in another state after {len(one.known)} decisions")
        for name in ("never_forks", "state_is_the_logs", "applies_what_it_understands"):
            if not getattr(self.machine, name)(state):
                raise Refuted(f"the invariant {name} does not hold", self._words())

    def _words(self) -> tuple[str, ...]:
        state = self.state
        return tuple(
            f"node {node}: software {self.software[node]}, wrote {state.written[node]}, applied {state.applied[node]}"
            for node in self.software
        )


def runs(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """The runs of a profile."""
    started, steps, reached = monotonic(), 0, Counter[str]()
    failure: Failure | None = None
    again = f"physalia verify lockstep --seed {settings.seed}"
    for number in range(RUNS[settings.profile]):
        one = Mixed(f"{settings.seed}/{NAME}/{number}")
        try:
            one.run(EVENTS)
        except Refuted as refuted:
            failure = Failure(
                title=f"{NAME}, run {number}: {refuted.title}", lines=refuted.lines, how=refuted.how, replay=again,
                events=one.events,
            )  # fmt: skip
            break
        steps += one.steps
        reached.update(one.reached)
        progress.update(NAME, steps, "steps")
    missing = [mark for mark in MARKS if not reached[mark]]
    if failure is None and missing:
        failure = Failure(
            title=f"{NAME}: nothing was refuted, but some things never happened, so nothing was shown of them",
            verdict=Verdict.INCONCLUSIVE, lines=tuple(f"never: {mark}" for mark in missing), replay=again,
        )  # fmt: skip
    row = Row(
        name=NAME, verdict=Verdict.HOLDS if failure is None else failure.verdict, steps=steps,
        seconds=monotonic() - started, note=f"{RUNS[settings.profile]} runs, seed {settings.seed}",
    )  # fmt: skip
    return row, failure
