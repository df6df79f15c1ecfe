"""Replays what the nodes of one cell did on the specification, with the machine and the invariants of the lockstep.

Each node's lines are taken in their order, and a message is heard after it was sent: any order of all lines that keeps
to this will do. For a guard reads what its own node remembers, and sets of messages that only grow, so that an event
which is possible once stays possible until its node goes on. Hence one pass finds an order if there is one, and where
it gets stuck no order leads further.
"""

from collections import Counter

from attrs import Factory, frozen

from conformance import describe
from conformance.judges.judge import CHEAP_INVARIANTS, LARGE
from conformance.judges.judged import JudgedCell
from conformance.judges.vocabulary import FIELD
from conformance.links import Verdict
from conformance.refutation import Refuted
from conformance.traces.cell import Event
from conformance.traces.origins import key_of, origins_of
from conformance.traces.progress import Blocked, Call, Unknown
from conformance.traces.steps import Steps
from physalia import model
from physalia.model import NodeId
from spec import cell as spec

NEEDED = ("prepare", "promise", "propose", "vote", "flush", "decide")
"""What must have happened in any run that a trace shows something of."""


KNOWING = ("decide", "learn", "install")
"""By these a node comes to know more, up to the slot that is their last argument."""


@frozen
class Judged:
    """What came of one cell's traces. `path` are the steps of the specification, in the order that was found."""

    verdict: Verdict
    title: str
    lines: tuple[str, ...] = ()
    event: Event | None = None
    """Where it was refused."""
    events: int = 0
    path: tuple[Call, ...] = ()
    taken: Counter[str] = Factory(Counter)
    machine: JudgedCell | None = None
    state: spec.State | None = None
    waits_at: str | None = None
    """The place of an event for which nothing is wrong but that something is missing before it."""


class Replay(Steps):
    """Follows one cell to its end."""

    def judge(self) -> Judged:
        """Replay everything and conclude."""
        try:
            self.advance()
        except Refuted as refuted:
            return self._judged(Verdict.REFUTED, refuted.title, refuted.lines, self._at)
        except Unknown as why:
            return self._judged(Verdict.INCONCLUSIVE, str(why))
        return self.stuck() or self._concluded()

    def advance(self) -> None:
        """Go on until nothing more is possible. Raises `Refuted` and `Unknown`."""
        progress = True
        while progress:
            progress = False
            for node in self.nodes.values():
                while node.left:
                    self._at: Event | None = node.left[0]
                    try:
                        self.take(node, node.left[0])
                    except Blocked:
                        break
                    node.left.popleft()
                    self.events += 1
                    progress = True

    def stuck(self) -> Judged | None:
        """Why no order leads further; None if everything was taken."""
        heads = {number: node.left[0] for number, node in self.nodes.items() if node.left}
        if not heads:
            return None
        blocked: dict[NodeId, Blocked] = {}
        for number, event in heads.items():
            try:
                self.take(self.nodes[number], event)
            except Blocked as one:
                blocked[number] = one
        guilty = self._guilty(blocked)
        event, why = heads[guilty], blocked[guilty]
        if why.whom is not None and (not self.trace.events.get(why.whom) or why.whom in self.trace.open_nodes):
            incarnation = self.trace.incarnations[why.whom]
            return self._judged(
                Verdict.INCONCLUSIVE,
                f"{event.place}: {event.words}: {why.why}; but the trace of node {incarnation} is "
                f"{'not whole' if self.trace.events.get(why.whom) else 'not here'}",
                waits_at=str(event.place),
            )
        lines = (f"event: {event.words}", why.why, *self._enabled(event))
        title = f"{event.place}: no order of all events explains this one"
        return self._judged(Verdict.REFUTED, title, lines, event, str(event.place))

    def _guilty(self, blocked: dict[NodeId, Blocked]) -> NodeId:
        """Of the events that are stuck the one that is the reason, as far as that can be told.

        First one that waits for something of a ballot in which its sender never did anything; then one for what
        nobody has yet to say; the others wait for somebody who is stuck.
        """

        def rank(number: NodeId) -> int:
            whom, event = blocked[number].whom, self.nodes[number].left[0]
            if whom == number:
                return 0  # it goes no further, and so says nothing any more
            if whom is None or whom not in blocked:
                return 1
            wanted = origins_of(self.trace, event)
            if wanted is not None and not isinstance(event.said, model.Decision):
                did = {key_of(self.trace, each)[:1] for each in self.trace.events.get(whom, ())}
                if all(key[1:2] not in did for key in wanted):
                    return 0
            return 2 if self._may_say(whom, event) else 1

        return min(blocked, key=rank)

    def _may_say(self, sender: NodeId, event: Event) -> bool:
        """Whether what a node has not done yet may be what somebody waits for."""
        left = self.nodes[sender].left
        if event.said is not None and self._waits_to_be_sent(sender, event):
            return any(each.did == "flush" for each in left)
        match event.said:
            case model.Ask(slot) | model.Chunk(slot) | model.Learned(slot):
                return any(each.did in KNOWING and each.arguments[-1] >= slot for each in left)  # type: ignore[operator]
        wanted = origins_of(self.trace, event)
        return wanted is None or any((each.did, *key_of(self.trace, each)) in wanted for each in left)

    def _waits_to_be_sent(self, sender: NodeId, event: Event) -> bool:
        message = self.trace.names.message(event.said, sender) if event.said is not None else None
        kind = FIELD.get(type(message), "")  # type: ignore[arg-type]
        waiting = (
            getattr(self.machine.waiting(self.state, sender), kind, ()) if kind and self.state.queue[sender] else ()
        )
        return any(one == message or one[:-1] == message[:-1] for one in waiting)  # type: ignore[index]

    def _enabled(self, event: Event) -> tuple[str, ...]:
        name = event.did if event.did in self.actions else None
        call = self.call_of(event)
        if name is None or call is None:
            return ("last matching state:", *(f"  {line}" for line in describe.describe_state(self.state)))
        return describe.refusal(self.machine, self.state, *call)

    def _concluded(self) -> Judged:
        if not self.trace.events or not self.events:
            return self._judged(Verdict.INCONCLUSIVE, "the trace is empty: nothing was shown")
        missing = [name for name in NEEDED if not self.taken[name]]
        if missing:
            names = ", ".join(missing)
            return self._judged(Verdict.INCONCLUSIVE, f"a run must have taken steps that the trace lacks: {names}")
        silent = [one for node, one in self.trace.incarnations.items() if not self.trace.events.get(node)]
        if silent:
            return self._judged(Verdict.INCONCLUSIVE, f"the traces of nodes {', '.join(map(str, silent))} are not here")
        if unended := [
            self.trace.incarnations[node] for node in sorted(self.trace.closed_nodes) if self._is_left(node)
        ]:
            names = ", ".join(map(str, unended))
            return self._judged(
                Verdict.INCONCLUSIVE, f"a server ended in order, and does not say with what nodes {names}"
            )
        for state in (*self.seen, self.state):
            is_small = len(state.decisions) <= LARGE and state is self.state
            for name in self.machine.invariant_names() if is_small else CHEAP_INVARIANTS:
                if not getattr(self.machine, name)(state):
                    title = f"every step is allowed, and the invariant {name} does not hold"
                    return self._judged(Verdict.REFUTED, title, describe.describe_state(state))
        return self._judged(Verdict.HOLDS, f"{self.events:,} events are {len(self.path):,} steps of the specification")

    def _is_left(self, node: NodeId) -> bool:
        """Whether its trace goes on to no end: what it knew last is compared with nothing."""
        events = self.trace.events.get(node, ())
        return bool(events) and next((each.did for each in reversed(events) if each.did != "flush"), "") != "end"

    def _judged(
        self,
        verdict: Verdict,
        title: str,
        lines: tuple[str, ...] = (),
        event: Event | None = None,
        waits_at: str | None = None,
    ) -> Judged:
        return Judged(
            verdict, title, lines, event, self.events, tuple(self.path), self.taken, self.machine, self.state, waits_at
        )
