"""What one event of a trace is on the specification: a step, a stutter, or something that cannot be.

A step is judged on what its node heard, as well as on the whole; a message must have been sent; what waits for the disk
in the specification must wait in the code. What a client asks is in the line of the node that was asked; a crash shows
at the next start alone, and tried are all numbers of flushes that it may have come after.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NoReturn

from conformance import describe
from conformance.judges.hearing import Hearing
from conformance.judges.judged import JudgedCell
from conformance.judges.judged_leaving import JudgedLeaving
from conformance.refutation import Refuted
from conformance.traces.answers import Answers
from conformance.traces.cell import CellTrace, Event, TraceNames, ballot_of
from conformance.traces.lines import CALLED_FOR
from conformance.traces.progress import Blocked, Call, Progress, Unknown
from conformance.traces.sent import is_sent, never_said
from conformance.world.outcomes import Outcome
from physalia import model
from physalia.model import NodeId
from spec import cell as spec
from spec.differences import call as call_words

INTERNAL = ("propose", "decide", "learn", "serve")
"""What a node does because of what it heard: judged on that alone."""
AT_ONCE = (*INTERNAL, "consult", "install", "erase", "stopped")
"""What a node may do before it answers the reads that it can answer; nothing comes to it from outside meanwhile."""
FLUSHES = ("truncate", "install", "erase", "settle", "stopped", "housed")
"""What waits for the disk although nothing of it waits in the specification."""
MAY_BE_SILENT = ("recorded", "ignored")
"""Of these nothing may be said, and then nothing waits, whatever is not flushed yet."""
OF_STOPPED = ("ignored", "rejected", "housed")
"""What a node that stopped or left says of all that comes."""
MOST_CANDIDATES = 4096
"""So many ways in which a crash may have happened are tried."""
LOOK_EVERY = 16
"""Invariants are judged after so many steps of an accepted path, and at its end."""


class Steps:
    """The state of one cell, and what each event makes of it."""

    def __init__(self, trace: CellTrace) -> None:
        self.trace = trace
        nodes = range(1, len(trace.incarnations) + 1)
        self.machine = machine_of(trace.names, len(nodes), trace.members, trace.alpha, trace.slots)
        (self.state,) = self.machine.init()
        self.nodes = {node: Progress(Hearing(trace.names), deque(trace.events.get(node, ()))) for node in nodes}
        self.path: list[Call] = []
        self.events = 0
        self.taken: Counter[str] = Counter()
        self.seen: list[spec.State] = []
        self.answers = Answers(self.machine, trace.incarnations, must=trace.receipts)
        self.actions: dict[str, Callable[..., spec.State | None]] = {
            name: getattr(self.machine, name) for name in self.machine.action_names()
        }

    def take(self, node: Progress, event: Event) -> None:
        """Let it happen. Raises `Blocked` before anything has changed, `Refuted` or `Unknown`."""
        if node.has_ended and event.did != "start":
            self._refuse(event, f"node {event.node} does something after its end", "it is in memory")
        if node.due is not None and event.did not in AT_ONCE and event.did != "start":
            self._refuse(event, f"node {event.node} has not answered reads", f"{call_words(*node.due)} was due before")
        match event.did:
            case "start":
                self._start(node, event)
            case "end":
                self._compare(event, is_stopped=node.is_stopped)
                node.has_ended = True
            case "flush":
                self._flush(node, event)
            case _:
                self._step(node, event)
        self.taken[event.did] += 1

    def _step(self, node: Progress, event: Event) -> None:
        if not node.is_started:
            raise Refuted(f"{event.place}: node {event.node} does something before it starts", (event.words,))
        if node.is_stopped and event.did not in OF_STOPPED:
            self._refuse(event, f"node {event.node} does something after it stopped", "it runs")
        if event.said is not None:
            self._must_be_sent(event)
        if event.line.asks is not None and event.line.asks not in self.state.asked:
            self._go(event, ("issue", (event.line.asks,)))
        before = self.state
        call = self.call_of(event)
        if event.did == "erase":
            self._leave(node, event)
        elif event.did in self.actions:
            assert call is not None, "a message calls for it, or it has arguments: so says whoever reads the lines"
            self._act(node, event, call)
        elif event.did == "stopped":
            self._stop(node, event)
        else:
            self._stutter(node, event, call)
        self.answers.judge(event, self.state.known[event.node], len(before.known[event.node]), node.clients)
        self._wait(node, event, before)
        self._hear(node, event, before)
        self._note_reads(node, event)

    def _act(self, node: Progress, event: Event, call: Call) -> None:
        name, arguments = call
        if event.did in CALLED_FOR and event.said is None and self.trace.receipts:
            raise Refuted(f"{event.place}: nobody called for {event.did}", (event.words,))
        if self._whose(call) != event.node:
            raise Refuted(f"{event.place}: node {event.node} cannot do {call_words(*call)}", (event.words,))
        if name in INTERNAL and self.trace.receipts:
            view = node.hearing.view(self.state)
            if self.successor(view, call) is None:
                raise Refuted(
                    f"{event.place}: node {event.node} had not heard enough for {call_words(*call)}",
                    (f"event: {event.words}", *describe.refusal(self.machine, view, name, arguments)),
                )
        if self.successor(self.state, call) is None and not self.trace.receipts and name not in ("prepare", "truncate"):
            raise Blocked(f"{call_words(*call)} is not allowed yet", None)
        if name == "consult" and self.trace.receipts and not node.readers:
            self._refuse(event, f"node {event.node} begins a round of reads, and nobody wants to read", "a read waits")
        if name == "install" and self.trace.receipts and event.arguments[1] not in node.taught:
            self._refuse(event, f"node {event.node} was not taught up to there", "a chunk of this slot came to it")
        self._go(event, call)
        if name == "serve":
            self._judge_found(event)

    def _leave(self, node: Progress, event: Event) -> None:
        """The node has heard enough to be gone, which it is when that is on its disk: a crash before undoes it."""
        call = ("erase", event.arguments)
        if self._whose(call) != event.node:
            raise Refuted(f"{event.place}: node {event.node} cannot do {call_words(*call)}", (event.words,))
        view = node.hearing.view_of_learned(self.state) if self.trace.receipts else self.state
        if "erase" in self.actions and self.successor(view, call) is None and not self.trace.receipts:
            raise Blocked(f"{call_words(*call)} is not allowed yet", None)
        if "erase" not in self.actions or self.successor(view, call) is None:
            raise Refuted(
                f"{event.place}: node {event.node} had not heard that enough have learned what it holds",
                (f"event: {event.words}",),
            )
        if not event.line.waits:
            raise Refuted(f"{event.place}: node {event.node} is gone before that is flushed", (event.words,))
        node.is_stopped = True

    def _stop(self, node: Progress, event: Event) -> None:
        """A node stops before a decision that its software does not understand, when it would take it up (R5).

        It stops for good if it is told of what it does not remember (R16). That cannot be here: what was said was
        flushed before, and what a node found on its disk was compared.
        """
        if event.said is not None:
            self._refuse(
                event, f"node {event.node} stops, and it remembers what it is told of itself", "it forgot this"
            )
        number = event.node
        slot = len(self.state.known[number]) + 1
        view = node.hearing.view(self.state) if self.trace.receipts else self.state
        calls: tuple[Call, ...] = (("learn", (number, slot)), ("decide", (self.state.active[number], slot)))
        if all(call[1][0] == 0 or self.successor(view, call) is None for call in calls):
            self._refuse(event, f"node {number} stops before slot {slot}", "it could know what is decided there")
        node.is_stopped = node.has_stopped = True

    def _whose(self, call: Call) -> NodeId:
        """The one node that may take an action."""
        name, arguments = call
        first = arguments[0]
        assert isinstance(first, int)
        return first if "n" in getattr(self.machine, name).domains else self.machine.owner[first]

    def _go(self, event: Event, call: Call) -> None:
        after = self.successor(self.state, call)
        if after is None:
            raise Refuted(
                f"{event.place}: the specification does not allow {call_words(*call)}",
                (f"event: {event.words}", *describe.refusal(self.machine, self.state, *call)),
            )
        self.state = after
        self.path.append(call)
        if len(self.path) % LOOK_EVERY == 0:
            self.seen.append(after)

    def _stutter(self, node: Progress, event: Event, call: Call | None) -> None:
        """A step that says that it is none: what the message calls for must not be due then."""
        if call is None or node.is_stopped:
            return
        if self.successor(self.state, call) is not None:
            raise Refuted(
                f"{event.place}: node {event.node} stutters ({event.did}) where {call_words(*call)} is due",
                (f"event: {event.words}", *(f"  {line}" for line in describe.describe_state(self.state))),
            )

    def _wait(self, node: Progress, event: Event, before: spec.State) -> None:
        """What waits for the disk in the specification waits in the code."""
        grew = len(self.state.queue[event.node]) > len(before.queue[event.node])
        writes = grew or event.did in FLUSHES
        if event.line.waits and not (writes or node.waiting) and self.trace.receipts:
            self._refuse(
                event, f"node {event.node} waits for the disk with {event.did}, and nothing is to be flushed",
                "something that the node said or did before is not flushed, or this step is written",
            )  # fmt: skip
        if event.line.waits:
            entry = ("flush", (event.node,)) if grew else None
            node.waiting.append(("erase", event.arguments) if event.did == "erase" else entry)
        elif (writes or (node.waiting and event.did not in MAY_BE_SILENT)) and self.trace.receipts:
            raise Refuted(
                f"{event.place}: what node {event.node} says of {event.did} leaves before its record is flushed, or "
                "before what is not flushed yet",
                (f"event: {event.words}", f"waits in the specification: {before.queue[event.node]}"),
            )

    def _hear(self, node: Progress, event: Event, before: spec.State) -> None:
        hearing, number = node.hearing, event.node
        given: model.Event | None = None
        if event.said is not None:
            given = model.Receive(event.sender, event.said)
        prefix = len(before.known[number])
        if isinstance(event.said, model.Chunk):
            node.taught.add(event.said.slot)
        elif given is not None:
            hearing.note(Outcome(number, given, model.Stutter("recorded")), prefix)
        if event.line.asks is not None and event.did == "recorded":
            hearing.asked |= {event.line.asks}
            if event.line.asks not in hearing.in_order:
                hearing.in_order.append(event.line.asks)
        if event.did == "propose":
            ballot, slot, value = event.arguments
            hearing._add(spec.Proposal(ballot, slot, value, frozenset()))  # type: ignore[arg-type]
        known = self.state.known[number]
        node.known = max(node.known, len(known))
        node.promised = max(node.promised, self.state.promised[number])
        if len(known) > prefix:
            hearing.asked -= {known[-1]}
            hearing.in_order = [name for name in hearing.in_order if name != known[-1]]
            node.clients.pop(known[-1], None)

    def _note_reads(self, node: Progress, event: Event) -> None:
        """Who waits for an answer, and whether the reads of the round that is under way must be answered now."""
        match event.did:
            case "recorded" if isinstance(event.said, model.Echo):
                call = ("serve", (self.trace.names.ballot(event.said.ballot), event.said.nonce))
                is_due = self.successor(node.hearing.view(self.state), call) is not None
                node.due = call if is_due and self.trace.receipts else None
            case "recorded" if event.line.asks is not None:
                node.clients[event.line.asks] = None
            case "recorded" if event.said is None:
                node.readers += 1
            case "serve":
                node.due, node.readers = None, max(0, node.readers - node.in_round)
            case "consult":
                node.in_round = node.readers
            case "stopped" | "erase":
                node.due = None
            case "install":
                node.due = None
                node.clients.clear()  # all that waited was told what the snapshot says, or that nobody knows here

    # What the disk did

    def _flush(self, node: Progress, event: Event) -> None:
        if event.steps > len(node.waiting):
            raise Refuted(
                f"{event.place}: {event.steps} steps of node {event.node} are safe, and {len(node.waiting)} waited", ()
            )
        for _ in range(event.steps):
            call = node.waiting.popleft()
            if call is not None:
                self._go(event, call)

    def _start(self, node: Progress, event: Event) -> None:
        line = event.line
        if not node.is_started:
            if line.known or line.floor or any(line.promised or ()) or line.used or line.accepted:
                raise Unknown(
                    f"{event.place}: node {line.node} had a past when its trace began: record cells from their birth on"
                )
            if event.node not in self.trace.members:
                self._go(event, ("create", (event.node,)))
        else:
            self._crash(event)
        node.begin(Hearing(self.trace.names), is_stopped=bool(line.stopped))
        self._compare(event, is_stopped=bool(line.stopped) and node.has_stopped)

    def _crash(self, event: Event) -> None:
        """Find how many of the entries that waited were flushed before the node restarted."""
        number, state, path = event.node, self.state, list[Call]()
        assert event.line.known is not None
        why = ""
        for _ in range(min(len(state.queue[number]), MOST_CANDIDATES) + 1):
            call = ("crash", (number, event.line.known))
            crashed = self.successor(state, call)
            restarted = state if crashed is None else crashed
            difference = self._differs(restarted, event)
            is_same = crashed is not None or (not state.queue[number] and not state.active[number])
            if not difference and is_same:
                self.state = restarted
                self.path += [*path, *([] if crashed is None else [call])]
                self.taken["flush"] += len(path)
                self.taken["crash"] += crashed is not None
                return
            why = why or difference or f"{call_words(*call)} is not allowed"
            flushed = self.successor(state, ("flush", (number,)))
            if flushed is None:
                break
            state = flushed
            path.append(("flush", (number,)))
        raise Refuted(
            f"{event.place}: no crash of node {number} leads to what it found on its disk",
            (f"event: {event.words}", f"after {len(path) + 1} ways of flushing: {why}",
             *describe.refusal(self.machine, self.state, "crash", (number, event.line.known))),
        )  # fmt: skip

    def _compare(self, event: Event, *, is_stopped: bool) -> None:
        """What a node was found to be is what it must be, whether it stopped or not."""
        found = [self._differs(self.state, event)]
        if event.line.stopped != is_stopped:
            found.append(f"stopped is {event.line.stopped}, and must be {is_stopped}: a step of it stops a node")
        difference = "; ".join(filter(None, found))
        if difference:
            self._refuse(event, f"node {event.node} is not as the specification says", difference)

    def _differs(self, state: spec.State, event: Event) -> str:
        """What a start or an end tells otherwise than this state; empty if nothing."""
        number, line = event.node, event.line
        pairs: list[tuple[str, Any, Any]] = [
            ("promised", state.promised[number], ballot_of(self.trace, event, "promised", line.promised)),
            ("known", len(state.known[number]), line.known),
            ("floor", self.machine.floor(state, number), line.floor),
        ]
        if line.active is not None:
            pairs.append(("active", state.active[number], ballot_of(self.trace, event, "active", line.active)))
        if line.used is not None:
            used = {ballot_of(self.trace, event, "used", ballot) for ballot in line.used}
            remembered = self.machine.used(state, number)
            needed = {ballot for ballot in remembered if ballot >= state.promised[number]}
            pairs.append(("used", needed | (used & remembered), used))  # what is below the promise may be forgotten
        if line.accepted is not None:
            votes = {i: tuple(v) for i, v in enumerate(state.accepted[number]) if i and v != spec.NoVote}
            told = {i: (ballot_of(self.trace, event, "accepted", b), value) for i, b, value in line.accepted}
            pairs.append(("accepted", votes, told))
        log = state.known[number]
        if line.known == len(log):  # otherwise nothing is to be learned from it
            pairs.append(("digest", self.digest(log), line.digest))
        return "; ".join(f"{name} is {found}, and must be {wanted}" for name, wanted, found in pairs if wanted != found)

    def digest(self, log: tuple[str, ...]) -> str:
        """What a node says of its state that knows this log. Nodes have names of their own there."""
        return self.machine.digest(log, self.trace.incarnations.__getitem__).hex()

    # What is said

    def _must_be_sent(self, event: Event) -> None:
        """Raise `Refuted` if nobody of that name ever says it, `Blocked` if it was not said yet."""
        sender = event.sender
        if guard := never_said(event):
            self._refuse(event, f"node {sender} never says this to node {event.node}", guard)
        if not is_sent(self.machine, self.state, self.nodes, self.trace.names, event):
            if isinstance(event.said, model.Take):  # it speaks of what the node taught it, which it has done
                self._refuse(event, f"node {sender} never says this to node {event.node}", "the node knew so much")
            raise Blocked(f"node {sender} had not said this by then", sender)

    def call_of(self, event: Event) -> Call | None:
        """The action that the event is, or that its message calls for."""
        number, ballot = event.node, self.trace.names.ballot
        if event.arguments:
            if event.did in ("consult", "serve"):
                self.trace.names.rounds.add(event.arguments[1])  # type: ignore[arg-type]
            return event.did, event.arguments
        match event.said:
            case model.Prepare(b):
                return "promise", (number, ballot(b))
            case model.Proposal(b, slot):
                return "vote", (number, ballot(b), slot)
            case model.Round(b, read):
                return "echo", (number, ballot(b), read)
            case model.HowFar() if "settle" in self.actions:
                return "settle", (number,)
            case _:
                return None

    def _judge_found(self, event: Event) -> None:
        seen: Any = self.state
        ballot, read = event.arguments
        slots = {answer.slot for answer in seen.answers if (answer.ballot, answer.read) == (ballot, read)}
        if event.line.slot not in slots:
            self._refuse(
                event,
                f"a read is answered from slot {event.line.slot}",
                f"it is from slot {', '.join(map(str, slots))}",
            )

    def _refuse(self, event: Event, why: str, guard: str) -> NoReturn:
        """Refuse an event that is no action whose guards could be looked at; `guard` is what is false of it."""
        raise Refuted(
            f"{event.place}: {why}",
            (f"event: {event.words}", f"first false guard: {guard}", *describe.instead(self.machine, self.state)),
        )

    def successor(self, state: spec.State, call: Call) -> spec.State | None:
        """Where an action leads, or None where its guard is false."""
        name, arguments = call
        return self.actions[name](state, *arguments)


def machine_of(names: TraceNames, size: int, members: frozenset[NodeId], alpha: int, slots: int) -> JudgedCell:
    """The specification of a cell of so many nodes; they come and go if there are others than its first members."""
    nodes = range(1, size + 1)
    everyone = frozenset(nodes)
    more: dict[str, Any] = (
        {"newcomers": everyone - members, "leavers": everyone, "frail": everyone} if everyone - members else {}
    )
    kind = JudgedLeaving if more else JudgedCell
    return kind.of(names.content, members, alpha, nodes, slots, names.ballots, names.rounds, **more)
