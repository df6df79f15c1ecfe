"""Cells that are the real one but for one thing, and short runs that lead somewhere; see `cases.py`."""

from collections.abc import Callable, Iterable
from typing import Any

from conformance.judges.coverage import Coverage
from conformance.lockstep.drive import drive
from conformance.lockstep.play import Play, play
from conformance.world.cells import MakeNode
from conformance.world.scenario import Deliver, EndFlush, Give, GoBack, Happening
from conformance.world.setup import Setup
from physalia.cell import RESEND_AFTER_MS, Consultation, Node
from physalia.cell.image import digest_of
from physalia.cell.steps import IGNORED, RECORDED
from physalia.model import (
    Ask,
    Ballot,
    Campaign,
    Chunk,
    Event,
    Internal,
    Learn,
    NoOp,
    Prepare,
    Promise,
    Proposal,
    Receive,
    Refusal,
    Reject,
    RequestId,
    Send,
    Step,
    Stutter,
    Submit,
    Tick,
    Vote,
    Write,
)
from physalia.model.value import evolve
from tests.conformance.lockstep.broken_cells import break_cell
from tests.conformance.lockstep.faults import FAULTS

THREE = Setup.of(3, 3, 3)
B = Ballot(1, 1)
HIGH = Ballot(2, 2)
COMMAND = Write(RequestId("x", 1), 0, "b", "c")
LEAD: tuple[Happening, ...] = (
    Give(1, Campaign(B)),
    *(Deliver(1, node, Prepare(B, 0)) for node in (1, 2, 3)),
    *(Deliver(node, 1, Promise(B, node, (), 0)) for node in (1, 2, 3)),
)
"""Node 1 leads."""
DECIDE: tuple[Happening, ...] = (
    *LEAD,
    Give(1, Submit(COMMAND)),
    *(Deliver(1, node, Proposal(B, 1, COMMAND)) for node in (1, 2, 3)),
    *(Deliver(node, 1, Vote(B, 1, node)) for node in (1, 2, 3)),
)
"""And gets a command decided, but for its own internal events, which `run` does when they are due."""

STOPPED: tuple[Happening, ...] = (LEAD[0], GoBack(1, 0), LEAD[1])
"""And its disk goes back to before it used its ballot, of which it hears then."""

STOPPED_WITH_A_CLIENT: tuple[Happening, ...] = (
    LEAD[0], GoBack(1, 0), Give(1, Campaign(Ballot(2, 1))), Give(1, Submit(COMMAND)), LEAD[1]
)  # fmt: skip
"""And it campaigns again before it hears of it, so that a client waits then."""

Bend = Callable[[Node, Event, Step], Step]


def bent(bend: Bend) -> MakeNode:
    """Nodes whose every step is bent after it was made."""

    class Bent(Node):
        def step(self, event: Event) -> Step:
            return bend(self, event, super().step(event))

    return Bent


def deaf_to(kind: type) -> MakeNode:
    """Nodes that do nothing about events, or messages, of a kind."""

    class Deaf(Node):
        def step(self, event: Event) -> Step:
            is_kind = isinstance(event, kind) or (isinstance(event, Receive) and isinstance(event.message, kind))
            return IGNORED if is_kind else super().step(event)

    return Deaf


def run(make: MakeNode, *happenings: Happening, setup: Setup = THREE) -> None:
    """Let these happen, and what they make due at node 1, with all flushes. Raises `Refuted`."""
    played = Play(setup, make)
    follow(played, happenings[:-1])
    played.play(happenings[-1])
    played.finish()


def follow(played: Play, happenings: Iterable[Happening]) -> None:
    """Let these happen one after the other; after each one what is due at node 1, and every flush ends."""
    for happening in happenings:
        played.play(happening)
        end_flushes(played)
        for event in played.world.due[1]:
            if not isinstance(event, Learn):
                played.play(Give(1, event))
                end_flushes(played)


def end_flushes(played: Play) -> None:
    """Whatever waits for a disk is written and sent."""
    for node in played.world.nodes:
        while played.world.queues[node]:
            played.play(EndFlush(node))


def on(kind: type, step: Step, *, message: type | None = None) -> MakeNode:
    """Nodes whose stutters at events of a kind are this step."""

    def bend(_: Node, event: Event, made: Step) -> Step:
        is_it = isinstance(event, kind) and (message is None or isinstance(getattr(event, "message", None), message))
        return step if is_it and isinstance(made.announces, Stutter) else made

    return bent(bend)


def at_tick(*effects: Any) -> MakeNode:
    """Nodes that do this whenever they look at their clocks."""
    return on(Tick, Step(Stutter("resent"), effects))


def renamed(was: str, becomes: Any) -> MakeNode:
    """Nodes that call one kind of stutter another."""

    def bend(_: Node, __: Event, step: Step) -> Step:
        return evolve(step, announces=Stutter(becomes)) if step.announces == Stutter(was) else step  # type: ignore[arg-type]

    return bent(bend)


def more(kind: type, *effects: Any) -> MakeNode:
    """Nodes that do more at events of a kind."""

    def bend(_: Node, event: Event, step: Step) -> Step:
        return evolve(step, effects=(*step.effects, *effects)) if isinstance(event, kind) else step

    return bent(bend)


def twice(kind: type) -> MakeNode:
    """Nodes that repeat effects of a kind."""

    def bend(_: Node, __: Event, step: Step) -> Step:
        return evolve(step, effects=(*step.effects, *(effect for effect in step.effects if isinstance(effect, kind))))

    return bent(bend)


def without(is_left_out: Callable[[Any], bool]) -> MakeNode:
    """Nodes that leave effects out."""
    return bent(lambda _, __, step: evolve(step, effects=tuple(e for e in step.effects if not is_left_out(e))))


def sends(effect: Any, kind: type) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, kind)


def driven(name: str) -> Callable[[], None]:
    """A fault of `faults.py`, in a run that the driver finds once and that ends where it is refuted."""
    broken = break_cell(next(fault for fault in FAULTS if fault.name == name))
    setup = Setup.of(4, 3, 2)
    runs = (drive(setup, f"rules/{number}", 160, Coverage(), broken) for number in range(90))
    found: list[Any] = []

    def fault() -> None:
        if not found:
            found.append(next(finding for finding in runs if finding is not None).scenario)
        _, refuted = play(found[0].setup, found[0].happenings, broken)
        if refuted is not None:
            raise refuted

    return fault


# Nodes, bent in ways that need more than a line


class LearnsAnother(Node):
    """Whatever slot it is told to learn, it learns the first that it does not know."""

    def step(self, event: Event) -> Step:
        return super().step(Learn(1) if isinstance(event, Learn) else event)


class KeepsItsRound(Node):
    """Shows the first round of reads that it ever began, for ever."""

    first: Consultation | None = None

    @property
    def reading(self) -> Consultation | None:
        self.first = self.first or super().reading
        return self.first


class SaysMore(Node):
    """Says that something is due which is not."""

    def due(self) -> Any:
        return (*super().due(), Learn(5))


class SaysNothing(Node):
    """Never says that anything is due."""

    def due(self) -> Any:
        return ()


class TeachesAgain(Node):
    """Forgets whom it taught what."""

    def step(self, event: Event) -> Step:
        self._learner.taught.clear()
        return super().step(event)


class RaisesWhenAsked(Node):
    """Cannot say what is due."""

    def due(self) -> Any:
        raise ZeroDivisionError


class SameBallot(Node):
    """Always campaigns with the same ballot."""

    def next_ballot(self) -> Ballot:
        return Ballot(1, self.node_id)


def wrong_promise(_: Node, __: Event, step: Step) -> Step:
    """A promise that says that its votes are gone up to slot 1."""
    effects = [
        evolve(e, message=evolve(e.message, floor=1)) if isinstance(e, Send) and isinstance(e.message, Promise) else e
        for e in step.effects
    ]
    return evolve(step, effects=tuple(effects))


def low_refusal(_: Node, __: Event, step: Step) -> Step:
    """A refusal that names another promise than the node's."""
    effects = [
        evolve(e, message=Refusal(e.message.ballot, B)) if isinstance(e, Send) and isinstance(e.message, Refusal) else e
        for e in step.effects
    ]
    return evolve(step, effects=tuple(effects))


def promise_elsewhere(_: Node, __: Event, step: Step) -> Step:
    """A promise that goes to node 3."""
    effects = [
        Send(3, e.message) if isinstance(e, Send) and isinstance(e.message, Promise) else e for e in step.effects
    ]
    return evolve(step, effects=tuple(effects))


def prepares_again(_: Node, event: Event, step: Step) -> Step:
    """Sends its prepare again at a late tick, though node 2 has promised."""
    is_late = isinstance(event, Tick) and event.now_ms > THREE.clocks_ms[0] + RESEND_AFTER_MS
    return Step(Stutter("resent"), (Send(2, Prepare(B, 0)),)) if is_late else step


def rejects_again(_: Node, event: Event, step: Step) -> Step:
    """Rejects a command that it has taken on."""
    is_known = isinstance(event, Submit) and step is IGNORED
    return Step(Stutter("rejected"), (Reject(COMMAND.request, "pipeline full"),)) if is_known else step


def echo(_: Node, event: Event, step: Step) -> Step:
    """A node that answers each question with a question."""
    if isinstance(event, Receive) and isinstance(event.message, Ask):
        return Step(Stutter("resent"), (*step.effects, Send(event.sender, event.message)))
    return step


def one_more_message(_: Node, event: Event, step: Step) -> Step:
    """Proposes what nobody asked for when a vote comes twice."""
    if isinstance(event, Receive) and isinstance(event.message, Vote) and step is IGNORED:
        return Step(Stutter("resent"), (Send(2, Proposal(B, 2, NoOp())),))
    return step


def teaches_twofold(node: Node, event: Event, step: Step) -> Step:
    """Teaches who asks the log, and the snapshot as well."""
    match event:
        case Receive(sender, Ask()) if any(isinstance(effect, Send) for effect in step.effects):
            rows = node.snapshot().learner.image()
            chunk = Chunk(node.prefix, digest_of(rows), 0, rows)
            return Step(step.announces, (*step.effects, Send(sender, chunk)))
        case _:
            return step


def goes_on(_: Node, __: Event, step: Step) -> Step:
    """Does not care what its disk has lost."""
    return IGNORED if _stops(step) else step


def writes_nothing_down(_: Node, __: Event, step: Step) -> Step:
    """Stops for as long as it lives."""
    return evolve(step, effects=()) if _stops(step) else step


def tells_nobody(_: Node, __: Event, step: Step) -> Step:
    """Stops, and lets its clients wait."""
    kept = tuple(effect for effect in step.effects if not isinstance(effect, Reject))
    return evolve(step, effects=kept) if _stops(step) else step


def records_a_tick(_: Node, event: Event, step: Step) -> Step:
    """Takes note of the time."""
    return RECORDED if isinstance(event, Tick) else step


def _stops(step: Step) -> bool:
    return isinstance(step.announces, Stutter) and step.announces.kind == "stopped"


class DueAfterTheEnd(Node):
    """Has plans when it has stopped for good."""

    def due(self) -> tuple[Internal, ...]:
        return (Learn(1),) if self.stopped else super().due()
