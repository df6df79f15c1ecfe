"""The judge of the lockstep: every step of the code is held against the specification, in both directions.

What is announced must be allowed: an action's guard holds in the state before, and the state it leads to is the one
that the code and its messages show. A stutter changes nothing.

What is allowed must be done, or a hidden variable could wedge the code unseen. (a) An event that calls for an action
which the specification allows must be that action. (b) After every step, the internal events that are due are compared
with what the specification allows on the node's *view*: the state with only those messages that reached it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, get_args

from conformance import describe
from conformance.judges.coverage import Coverage, refuses
from conformance.judges.databases import Databases
from conformance.judges.departures import Departures
from conformance.judges.gone_back import GoneBack
from conformance.judges.hearing import Hearing, is_from
from conformance.judges.judged import JudgedCell
from conformance.judges.judged_leaving import JudgedLeaving
from conformance.judges.lessons import Lessons
from conformance.judges.manners import Manners
from conformance.judges.projection import Names, Projection
from conformance.judges.readers import Readers
from conformance.judges.shown import Shown
from conformance.judges.timers import Timers
from conformance.refutation import Refuted
from conformance.wording import event_words, message_words
from conformance.world.outcomes import Outcome
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia import model
from physalia.model import NodeId
from spec import cell as spec
from spec.differences import call as call_words

Call: TypeAlias = tuple[str, tuple[object, ...]]
"""An action of the specification with its arguments."""
SMALL = 24
"""Up to so many decided slots the cheap invariants are judged after every action. Beyond, where they take long, they
are judged each time that as many actions were as there are decisions, and at the end: none of them ever mends."""

CHEAP_INVARIANTS = (
    "agreement", "ballots_used_once", "leaders_own", "prepares_kept", "promise_covers_votes", "votes_kept",
    "memory_written", "proposals_wanted",
    "known_decided", "verdicts_true", "reads_see_acknowledged", "floors_known", "votes_above_floors",
)  # fmt: skip
"""Judged on the way; all the others with the whole, at the end of a run that stayed small."""


LARGE = 96
"""In runs that decide more than this, the other invariants are not judged: they take minutes."""


class OutOfBounds(Exception):
    """The run left the bounds that the specification was given; it says nothing from here on."""


class Judge:
    """Follows one world, step by step. Every method raises `Refuted` if the code is at fault."""

    def __init__(self, setup: Setup, world: World, coverage: Coverage) -> None:
        self.world = world
        self.coverage = coverage
        self.names = Names(setup.nodes)
        nodes = range(1, setup.nodes + 1)
        names = self.names
        kind, more = (JudgedLeaving, _comers(setup)) if setup.newcomers else (JudgedCell, {})
        self.machine = kind.of(
            names.content, setup.members, setup.alpha, nodes, setup.slots, names.ballots, names.rounds, setup.limits,
            **more,
        )  # fmt: skip
        (self.state,) = self.machine.init()
        self.projection = Projection(setup, self.names)
        self.hearings = {node: Hearing(self.names) for node in nodes}
        self.manners = Manners(world, self.names, self.machine)
        self.timers = Timers(world, self.names, self.machine)
        self.lessons = Lessons(world, self.names, self.machine, coverage.reach)
        self.departures = Departures(world, self.machine, coverage.reach)
        self.databases = Databases(world, self.machine, coverage.reach)
        self.readers = Readers(self.names, self.machine, coverage.reach)
        self.shown = Shown(world, self.names, self.machine)
        self.gone_back: dict[NodeId, GoneBack] = {}
        """Who follows the nodes whose disks went back in time."""
        self._actions_unjudged = 0
        self._due = {node: world.due.get(node, ()) for node in nodes}
        self._sights: dict[NodeId, tuple[object, ...]] = {}
        self._actions: dict[str, Callable[..., spec.State | None]] = {
            name: getattr(self.machine, name) for name in self.machine.action_names()
        }
        self._invariants: dict[str, Callable[[spec.State], bool]] = {
            name: getattr(self.machine, name) for name in self.machine.invariant_names()
        }

    def step(self, outcome: Outcome) -> None:
        """Judge one step."""
        if outcome.foreign:
            self._judge_foreign(outcome)
            return
        if outcome.is_lost_disk:
            self._judge_gone_back(outcome)
            return
        if outcome.has_left:
            self.departures.rest(outcome)
            return
        match outcome.announces:
            case model.Action("issue", (model.Write() | model.Read() | model.Change() | model.Execute() as command,)):
                self.names.register(command)
                self.databases.ask(command)
        before, cell = self.state, self.world.nodes.get(outcome.node)
        after = self.projection.after(before, outcome, cell)
        if isinstance(outcome.announces, model.Action):
            self._judge_action(outcome, outcome.announces, before, after)
        else:
            self._judge_stutter(outcome, outcome.announces, before, after)
        if outcome.is_of_node:
            self.manners.judge(outcome, before, self.state, self.hearings[outcome.node])
            self.timers.judge(outcome, before, self.hearings[outcome.node])
            self.lessons.judge(
                outcome, before, self.hearings[outcome.node], frozenset(self.readers.waiting(outcome.node))
            )
            if self.world.setup.newcomers:
                self.departures.judge(outcome, before)
            self.readers.judge(outcome, before, None if cell is None else cell.reading)
            self._hear(outcome, len(before.known[outcome.node]))
            self.databases.judge(outcome, self.state.known[outcome.node])
            self._judge_disk(outcome.node)
            self._judge_due(outcome.node)
            self.shown.judge(outcome, self.state, self.hearings[outcome.node])

    def _judge_foreign(self, outcome: Outcome) -> None:
        """What belongs to another cell, life or incarnation is refused, and counted (R15)."""
        if outcome.event is not None:
            raise Refuted(
                f"node {outcome.node} takes a message of another {outcome.foreign}",
                (f"event: {event_words(outcome.event)}",),
            )
        if not outcome.is_counted:
            raise Refuted(f"node {outcome.node} does not count that it refused a message of another {outcome.foreign}")
        self.coverage.reach(refuses(outcome.foreign))

    def _judge_gone_back(self, outcome: Outcome) -> None:
        """To the specification a node with a lost disk does nothing any more; another judge follows what it does."""
        node = outcome.node
        if node not in self.gone_back:
            self.gone_back[node] = GoneBack(self.world, node, self.world.went_back[node], self.coverage)
        else:
            self.gone_back[node].step(outcome)

    def whole(self) -> None:
        """Judge everything at once: all nodes projected anew, and every invariant."""
        state = self.projection.whole(self.world, self.state)
        if state != self.state:
            raise Refuted("a node changed without a step", describe.difference(self.state, state))
        is_small = len(self.state.decisions) <= LARGE
        self._judge_invariants(self._invariants if is_small else CHEAP_INVARIANTS)
        if self.shown.accident is not None:
            raise self.shown.accident

    def _judge_invariants(self, names: Iterable[str]) -> None:
        for name in names:
            if not self._invariants[name](self.state):
                raise Refuted(f"the invariant {name} does not hold", describe.describe_state(self.state))

    # Actions and stutters

    def _judge_action(self, outcome: Outcome, action: model.Action, before: spec.State, after: spec.State) -> None:
        name, arguments = announced = action.name, self.names.arguments(action)
        if outcome.event is not None and announced != self._called_for(outcome.node, outcome.event):
            raise Refuted(
                f"node {outcome.node} announces {call_words(*announced)}, which the event does not call for",
                (f"event: {event_words(outcome.event)}",),
            )
        self._stay_within_bounds(name, arguments)
        allowed = self.successor(before, announced)
        if allowed is None:
            raise Refuted(
                f"the specification does not allow {call_words(*announced)}",
                describe.refusal(self.machine, before, name, arguments),
            )
        if allowed != after:
            raise Refuted(
                f"after {call_words(*announced)} the code is in another state than the specification",
                describe.difference(allowed, after),
            )
        self.state = allowed
        self._actions_unjudged += 1
        decided = len(allowed.decisions)
        if decided <= SMALL or self._actions_unjudged >= decided:
            self._judge_invariants(CHEAP_INVARIANTS)
            self._actions_unjudged = 0
        self.coverage.action(self.machine, outcome, name, arguments, before, allowed)

    def _stay_within_bounds(self, name: str, arguments: tuple[object, ...]) -> None:
        parameters = getattr(self.machine, name).domains
        slot = dict(zip(parameters, arguments, strict=True)).get("i", 1)
        assert isinstance(slot, int)
        if slot > self.machine.max_slot:
            raise OutOfBounds

    def _judge_stutter(self, outcome: Outcome, stutter: model.Stutter, before: spec.State, after: spec.State) -> None:
        node, event = outcome.node, outcome.event
        if isinstance(event, get_args(model.Internal)):
            if event in self._due[node]:
                raise Refuted(f"node {node} does not take an event that it said was due: {event_words(event)}")
        elif event is not None:
            call = self._called_for(node, event)
            if call is not None and self.successor(before, call) is not None:
                raise Refuted(f"node {node} stutters ({stutter.kind}) where {call_words(*call)} is due")
        if after != before:
            raise Refuted(
                f"a stutter ({stutter.kind}) of node {node} changes the state", describe.difference(before, after)
            )
        fault = self._wrong_kind(outcome, stutter.kind, before)
        if fault:
            raise Refuted(f"node {node} calls its step {stutter.kind}, but {fault}", (f"event: {event_words(event)}",))
        asked = self.hearings[node].asked
        waits = asked and asked - {m.value for m in before.proposals if m.ballot == before.active[node]}
        self.coverage.stutter(self.machine, outcome, stutter.kind, before, waits=bool(waits))

    def _called_for(self, node: NodeId, event: model.Event) -> Call | None:  # noqa: PLR0912  # one case an event
        """The one action that this event may be."""
        ballot = self.names.ballot
        match event:
            case model.Receive(sender, model.Prepare(b)) if sender == b.node:
                return "promise", (node, ballot(b))
            case model.Receive(sender, model.Proposal(b, slot)) if sender == b.node:
                return "vote", (node, ballot(b), slot)
            case model.Receive(_, model.HowFar()):
                return "settle", (node,)
            case model.Erase(slot):
                return "erase", (node, slot)
            case model.Receive(sender, model.Round(b, read)) if sender == b.node:
                return "echo", (node, ballot(b), read)
            case model.Campaign(b) if b.node == node:
                return "prepare", (ballot(b),)
            case model.Consult(b, read) if b.node == node:
                return "consult", (ballot(b), read)
            case model.Serve(b, read) if b.node == node:
                return "serve", (ballot(b), read)
            case model.Propose(b, slot, value) if b.node == node:
                return "propose", (ballot(b), slot, self.names.command(value))
            case model.Decide(b, slot) if b.node == node:
                return "decide", (ballot(b), slot)
            case model.Learn(slot):
                return "learn", (node, slot)
            case model.Truncate(slot):
                return "truncate", (node, slot)
            case model.Install(_, slot):
                return "install", (node, slot)
            case _:
                return None

    def successor(self, state: spec.State, call: Call) -> spec.State | None:
        """Where an action of the specification leads, or None where its guard is false."""
        name, arguments = call
        return self._actions[name](state, *arguments)

    def _wrong_kind(self, outcome: Outcome, kind: model.StutterKind, before: spec.State) -> str:
        """Why a stutter is not of the kind that it is said to be; the empty string if it is."""
        late = self._refusal_due(outcome, before)
        refusals = [p.message for p in outcome.sent if isinstance(p.message, model.Refusal)]
        lessons = [p for p in outcome.sent if not isinstance(p.message, model.Ask | model.Take)]
        if (kind == "refused") != (late is not None):
            return "it came too late" if late is not None else "it did not come too late"
        if refusals != ([] if late is None else [late]):
            return f"it answers with {_refusals(refusals)}, not with {_refusals([late] if late else [])}"
        if (kind == "rejected") != bool(outcome.rejects):
            return "it rejects a command" if outcome.rejects else "it rejects nothing"
        if kind == "resent" and not (outcome.sent or outcome.answers):
            return "it sends nothing"
        if (kind == "peeked") != bool(outcome.found):
            return "it tells what it knows" if outcome.found else "it tells nothing"
        if kind in ("recorded", "ignored") and (lessons or outcome.answers):
            return "it sends something"
        if kind == "recorded" and not isinstance(outcome.event, model.Receive | model.Submit | model.Query):
            return "there was nothing to record"
        match outcome.event:
            case model.Receive(sender, message) if kind == "recorded" and not is_from(sender, message):
                return f"the message is said in the name of another node than {sender}"
        if kind == "stopped":
            return "its disk did not go back in time"
        if (kind == "restarted") != (outcome.event is None):
            return "only a crash that lost nothing is that"
        return ""

    def _refusal_due(self, outcome: Outcome, before: spec.State) -> model.Refusal | None:
        """The refusal that the event must be answered with, if it asks for a ballot below the promise."""
        match outcome.event:
            case model.Receive(sender, model.Prepare(ballot) | model.Proposal(ballot) | model.Round(ballot)) if (
                sender == ballot.node
            ):
                if self.names.ballot(ballot) < before.promised[outcome.node]:
                    return model.Refusal(ballot, self.world.nodes[outcome.node].promised)
        return None

    # What the node heard, keeps, and could do

    def _hear(self, outcome: Outcome, prefix: int) -> None:
        if outcome.event is None:
            self.hearings[outcome.node] = Hearing(self.names)
        else:
            self.hearings[outcome.node].note(outcome, prefix)
            self.hearings[outcome.node].forget(self.state.known[outcome.node], self.world.nodes[outcome.node].active)

    def _judge_disk(self, node: NodeId) -> None:
        """A restart that lost nothing would bring back exactly what the node has now.

        Looked at are the slots of which either side has changed.
        """
        cell, written = self.world.nodes[node], self.world.disks[node].written
        if cell.promised != written.promised:
            raise _not_written(node, "promised", cell.promised, written.promised)
        if len(cell.known) != len(written.known):
            raise _not_written(node, "known", cell.known, written.known)
        if cell.floor != written.floor:
            raise _not_written(node, "floor", cell.floor, written.floor)
        for slot in written.changed | self.projection.changed_slots(node):
            if cell.accepted.get(slot) != written.accepted.get(slot):
                raise _not_written(node, f"accepted[{slot}]", cell.accepted.get(slot), written.accepted.get(slot))
            if not cell.known.base < slot <= len(cell.known) or written.known[slot - 1] is None:
                continue
            if cell.known[slot - 1] != written.known[slot - 1]:
                raise _not_written(node, f"known[{slot}]", cell.known[slot - 1], written.known[slot - 1])
        written.changed.clear()

    def _judge_due(self, node: NodeId) -> None:
        hearing, due = self.hearings[node], self.world.due[node]
        sight = (hearing.revision, due, *(variable[node] for variable in self._own(self.state)))
        if sight == self._sights.get(node):
            return
        self._due[node], self._sights[node] = due, sight
        view = hearing.view(self.state)
        offered: set[tuple[object, ...]] = set()
        for event in due:
            call = self._called_for(node, event)
            seen = view
            if isinstance(event, model.Install):
                seen = hearing.view_with(self.state, event.teacher, event.slot)
            elif isinstance(event, model.Erase):
                seen = hearing.view_of_learned(self.state)
            if call is None or self.successor(seen, call) is None:
                raise Refuted(
                    f"node {node} says that {event_words(event)} is due, "
                    "which the specification does not allow on what it heard",
                    () if call is None else describe.refusal(self.machine, view, *call),
                )
            offered.add((call[0], *call[1][:2]))
        snapshots = tuple(hearing.snapshots(len(view.known[node])))
        for teacher, slot in snapshots:
            if model.Install(teacher, slot) not in due:
                raise Refuted(f"node {node} has all of a snapshot of node {teacher}, and does not install it")
        for event in due:
            if isinstance(event, model.Install) and (event.teacher, event.slot) not in snapshots:
                raise Refuted(f"node {node} would install a snapshot of which it has not all: {event_words(event)}")
        for call in self._possible(node, view, hearing):
            if (call[0], *call[1][:2]) not in offered and self.successor(view, call) is not None:
                raise Refuted(
                    f"node {node} has heard enough for {call_words(*call)}, but it is not due",
                    (f"due: {', '.join(map(event_words, due)) or 'nothing'}", *describe.describe_state(view)),
                )

    def _own(self, state: spec.State) -> tuple[tuple[object, ...], ...]:
        """The variables that a node has of its own: all that it sees beside what it heard."""
        return state.promised, state.accepted, state.active, state.known, state.queue

    def _possible(self, node: NodeId, view: spec.State, hearing: Hearing) -> Iterator[Call]:
        """Every internal action that might be allowed to this node; the specification says whether it is."""
        ballot, first = view.active[node], len(view.known[node]) + 1
        reading = self.world.nodes[node].reading
        if reading is not None:
            yield "serve", (self.names.ballot(reading.round.ballot), reading.round.read)
        yield "learn", (node, first)
        if ballot != 0:
            yield "decide", (ballot, first)
            for slot in range(first, first + self.machine.alpha):
                for value in hearing.candidates(ballot, slot, view.known[node]):
                    yield "propose", (ballot, slot, value)


def _comers(setup: Setup) -> dict[str, frozenset[NodeId]]:
    everyone = frozenset(range(1, setup.nodes + 1))
    return {"newcomers": setup.newcomers, "leavers": everyone, "frail": everyone}


def _not_written(node: NodeId, what: str, has: object, kept: object) -> Refuted:
    return Refuted(f"node {node} does not write down its `{what}`", (f"disk: {kept}", f"node: {has}"))


def _refusals(refusals: Sequence[model.Refusal]) -> str:
    return ", ".join(map(message_words, refusals)) or "no refusal"
