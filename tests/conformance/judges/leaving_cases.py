"""A fault for every rule about leaving: the real cell, bent in one place, while a member is replaced and goes."""

from collections.abc import Callable
from functools import partial

from conformance.lockstep.play import Play
from conformance.world.cells import MakeNode
from conformance.world.orders import Create
from conformance.world.scenario import Crash, Deliver, Duplicate, Give
from conformance.world.setup import Setup
from physalia.cell import Node
from physalia.cell.steps import IGNORED
from physalia.model import (
    Ballot,
    Campaign,
    Change,
    Decision,
    Erase,
    Event,
    Flush,
    HowFar,
    Internal,
    Learn,
    Learned,
    Leave,
    Message,
    Proposal,
    Read,
    Receive,
    Reject,
    RequestId,
    Step,
    Submit,
    Vote,
)
from physalia.model.value import evolve
from tests.conformance.judges.bent_cells import LEAD, bent, deaf_to, end_flushes, follow, on

COMING = evolve(Setup.of(4, 3, 1), newcomers=frozenset({4}))
SWAP = Change(RequestId("x", 1), 0, frozenset({1, 2, 4}))


def departure(make: MakeNode) -> None:
    """Node 1 leads and replaces node 3, at which a client waits, by node 4; node 3 is told to leave, and goes."""
    played = Play(COMING, make)
    waits = (Give(3, Campaign(Ballot(1, 3))), Give(3, Submit(Read(RequestId("waits", 1)))))
    follow(played, (Create(4), *waits, *LEAD, Give(1, Submit(SWAP))))
    for kind in (Proposal, Vote, Decision):
        arrive(played, kind)
    for node in (2, 3, 4):
        played.play(Give(node, Learn(1)))
    played.play(Give(3, Leave()))
    end_flushes(played)
    follow(played, [Duplicate(*each) for each in in_flight(played, HowFar)])
    arrive(played, HowFar)
    arrive(played, Learned)
    if Erase(1) in played.world.due[3]:
        played.play(Give(3, Erase(1)))
    played.play(Crash(3, 0))
    played.finish()


def arrive(played: Play, kind: type[Message]) -> None:
    """Every message of a kind arrives."""
    follow(played, [Deliver(*each) for each in in_flight(played, kind)])


def in_flight(played: Play, kind: type[Message]) -> list[tuple[int, int, Message]]:
    """Every message of a kind that is on its way."""
    return [(one.sender, one.receiver, one.message) for one in played.world.in_flight if isinstance(one.message, kind)]


def erased_without(*kinds: type) -> MakeNode:
    """Nodes that go without these effects."""

    def bend(_: Node, event: Event, step: Step) -> Step:
        if not isinstance(event, Erase):
            return step
        return evolve(step, effects=tuple(effect for effect in step.effects if not isinstance(effect, kinds)))

    return bent(bend)


class Stays(Node):
    """It never says that it may go."""

    def due(self) -> tuple[Internal, ...]:
        return tuple(event for event in super().due() if not isinstance(event, Erase))


class Restless(Node):
    """It goes on when it has left, and restarts."""

    def due(self) -> tuple[Internal, ...]:
        return (Learn(2),) if self.pointer is not None and self.duty is None else super().due()


LEAVING_CASES: dict[str, Callable[[], None]] = {
    "departures._judge_told": partial(departure, deaf_to(Leave)),
    "departures._judge_says": partial(departure, on(Receive, IGNORED, message=HowFar)),
    "departures._judge_due": partial(departure, Stays),
    "departures.judge": partial(departure, erased_without(Reject)),
    "departures.rest": partial(departure, Restless),
    "leaving._step": partial(departure, erased_without(Flush)),
}
