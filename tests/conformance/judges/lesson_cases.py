"""A fault for every rule about lessons: the real cell, bent in one place, while it teaches what it dropped."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from conformance.lockstep.play import Play
from conformance.world.cells import MakeNode
from conformance.world.scenario import Deliver, Duplicate, Give, Pass
from physalia.cell import Node
from physalia.cell.steps import IGNORED
from physalia.model import (
    Answer,
    Ask,
    Ballot,
    Campaign,
    Chunk,
    Decision,
    Event,
    Install,
    Message,
    Proposal,
    Query,
    Read,
    Receive,
    Reject,
    RequestId,
    Send,
    Step,
    Submit,
    Take,
    Tick,
    Truncate,
    Vote,
)
from physalia.model.value import evolve
from tests.conformance.judges.bent_cells import DECIDE, THREE, bent, end_flushes, follow, on, run, sends

WAITS, SECOND = Read(RequestId("waits", 1)), Read(RequestId("y", 1))
THIRD = Read(RequestId("z", 1))
READER = RequestId("reader", 1)
MUCH = 9
"""So many reads weigh more than a lesson of a small store may."""


def lesson(make: MakeNode) -> None:
    """Node 1 leads and decides two slots without node 3, where two clients wait; it truncates, and teaches node 3."""
    played = Play(evolve(THREE, store_is_small=True), make)
    follow(played, (Give(3, Campaign(Ballot(1, 3))), Give(3, Submit(WAITS)), Give(3, Query(READER)), *DECIDE))
    follow(played, (Give(1, Submit(SECOND)),))
    for kind in (Proposal, Vote):
        follow(played, (Deliver(*each) for each in in_flight(played, kind) if 3 not in each[:2]))
    follow(played, (Give(1, Truncate(2)),))
    follow(played, [Deliver(*in_flight(played, Decision, to=3)[-1])])
    questions = [Duplicate(*each) for each in in_flight(played, Ask, to=1)]
    follow(played, questions + questions)
    for _ in range(9):
        follow(played, [Deliver(*each) for kind in (Chunk, Take) for each in in_flight(played, kind)])
    for event in played.world.due[3]:
        if isinstance(event, Install):
            played.play(Give(3, event))
            end_flushes(played)
    played.finish()


def longer_lesson(make: MakeNode) -> None:
    """Node 1 teaches node 3, decides another slot, looks at its clock, and is asked once more."""
    played = Play(evolve(THREE, store_is_small=True), make)
    follow(played, DECIDE)
    for command in (SECOND, THIRD):
        follow(played, (Give(1, Submit(command)),))
        for kind in (Proposal, Vote):
            follow(played, (Deliver(*each) for each in in_flight(played, kind) if 3 not in each[:2]))
        if command == SECOND:
            follow(played, (Give(1, Truncate(2)),))
            follow(played, [Deliver(*in_flight(played, Decision, to=3)[-1])])
            questions = [Duplicate(*each) for each in in_flight(played, Ask, to=1)]
            follow(played, questions)
    follow(played, (Pass(1, 1), *questions))
    played.finish()


def heavy_lesson(make: MakeNode) -> None:
    """Node 1 decides so much without node 3 that it may not teach all of it at once, and is asked for it."""
    played = Play(evolve(THREE, store_is_small=True), make)
    follow(played, DECIDE)
    for number in range(MUCH):
        follow(played, (Give(1, Submit(Read(RequestId("much", number)))),))
        for kind in (Proposal, Vote):
            follow(played, (Deliver(*each) for each in in_flight(played, kind) if 3 not in each[:2]))
    follow(played, [Deliver(*in_flight(played, Decision, to=3)[-1])])
    follow(played, [Deliver(*each) for each in in_flight(played, Ask, to=1)])
    played.finish()


def in_flight(played: Play, kind: type[Message], to: int | None = None) -> list[tuple[int, int, Message]]:
    """The messages of a kind, to this node or any."""
    return [
        (packet.sender, packet.receiver, packet.message)
        for packet in played.world.in_flight
        if isinstance(packet.message, kind) and to in (None, packet.receiver)
    ]


class TeachesChunksAgain(Node):
    """Forgets which chunk it sent to whom."""

    def step(self, event: Event) -> Step:
        self._learner.lessons.given.clear()
        return super().step(event)


class EndsLessonsEarly(Node):
    """Begins another lesson after each look at its clock."""

    def step(self, event: Event) -> Step:
        if isinstance(event, Tick):
            self._learner.lessons.lesson = None
        return super().step(event)


class RemembersJuries(Node):
    """Truncates its log, and knows all the same who decided what."""

    def step(self, event: Event) -> Step:
        juries = self._learner.configurations.copy()
        step = super().step(event)
        if isinstance(event, Truncate):
            self._learner.configurations = juries
        return step


class CountsTooMany(Node):
    """Counts a lesson that nobody gave."""

    @property
    def refused_lessons(self) -> Mapping[str, int]:
        return {**super().refused_lessons, "no snapshot": 1}


class NeverInstalls(Node):
    """Has all of a snapshot, and does not see it."""

    def due(self) -> Any:
        return tuple(event for event in super().due() if not isinstance(event, Install))


class InstallsUnseen(Node):
    """Would install a snapshot of node 1 without having any, once it has looked at its clock."""

    def due(self) -> Any:
        mine = (Install(1, 1),) if self.node_id == 2 and self._resend_at_ms is not None else ()
        return (*super().due(), *mine)


class FloorInTheAir(Node):
    """Says that it dropped votes, of which its disk knows nothing."""

    @property
    def floor(self) -> int:
        return 1


def jumps_silently(_: Node, event: Event, step: Step) -> Step:
    """Tells no client when it jumps, but those who read."""
    if not isinstance(event, Install):
        return step
    return evolve(
        step, effects=tuple(e for e in step.effects if not isinstance(e, Answer | Reject) or e.request == READER)
    )


def jumps_before_readers(_: Node, event: Event, step: Step) -> Step:
    """Tells nobody who waits to read when it jumps."""
    if not isinstance(event, Install):
        return step
    return evolve(step, effects=tuple(e for e in step.effects if not (isinstance(e, Reject) and e.request == READER)))


def teaches_all(node: Node, event: Event, step: Step) -> Step:
    """Teaches all that is lacking at once, however much that is."""
    if not (isinstance(event, Receive) and isinstance(event.message, Ask) and step.announces.kind == "resent"):  # type: ignore[union-attr]
        return step
    first = event.message.prefix + 1
    return evolve(
        step,
        effects=tuple(
            Send(event.sender, Decision(slot, node.known[slot - 1])) for slot in range(first, node.prefix + 1)
        ),
    )


def never_takes(_: Node, event: Event, step: Step) -> Step:
    """Asks for no chunk but the first."""
    if not (isinstance(event, Receive) and isinstance(event.message, Chunk)):
        return step
    return evolve(step, effects=tuple(e for e in step.effects if not sends(e, Take)))


LESSON_CASES: dict[str, Callable[[], None]] = {
    "lessons._judge_chunk: node .. does not teach": partial(lesson, on(Receive, IGNORED, message=Ask)),
    "lessons._judge_chunk: node .. teaches node": partial(lesson, TeachesChunksAgain),
    "lessons._judge_chunk: node .. teaches the": partial(longer_lesson, EndsLessonsEarly),
    "lessons._judge_memory": partial(lesson, RemembersJuries),
    "lessons._judge_refused": partial(lesson, CountsTooMany),
    "lessons._judge_student": partial(lesson, bent(never_takes)),
    "lessons._judge_jumped": partial(lesson, bent(jumps_silently)),
    "lessons._judge_readers": partial(lesson, bent(jumps_before_readers)),
    "manners._judge_lesson: node .. teaches node .. more": partial(heavy_lesson, bent(teaches_all)),
    "judge._judge_due: node .. has all": partial(lesson, NeverInstalls),
    "judge._judge_due: node .. would": partial(run, InstallsUnseen, *DECIDE, Pass(2, 1)),
    "judge._judge_disk: floor": partial(run, FloorInTheAir, Pass(1, 1)),
}
