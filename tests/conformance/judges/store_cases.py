"""A fault for every rule of the judge of the stores, in short runs of clients that ask for transactions."""

from collections.abc import Callable
from functools import partial

from conformance.world.scenario import Deliver, Give, Happening, Pass
from physalia.cell import Node
from physalia.model import (
    Answer,
    Batch,
    Campaign,
    Decide,
    Decision,
    Event,
    Execute,
    Get,
    Learn,
    OpenSession,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Put,
    Refused,
    Reject,
    Report,
    RequestId,
    Step,
    Stutter,
    Submit,
    Told,
    Transact,
    Transaction,
    Vote,
)
from physalia.model.value import evolve
from tests.conformance.judges.bent_cells import HIGH, LEAD, B, bent, on, run, without

OPEN = Execute(RequestId("x", 9), 1, OpenSession())
OF_A_STRANGER = Execute(RequestId("stranger", 1), 1, Transact(1, Transaction((), (Get("a"),))))
MERGED = Execute(
    RequestId("batcher", 1),
    1,
    Batch(
        (
            (RequestId("x", 1), Transact(1, Transaction((), (Put("a", 1),)))),
            (RequestId("y", 1), Transact(2, Transaction((), (Get("a"),)))),
        )
    ),
)
OPENED: tuple[Happening, ...] = (
    *LEAD,
    Give(1, Submit(OPEN)),
    *(Deliver(1, node, Proposal(B, 1, OPEN)) for node in (1, 2, 3)),
    *(Deliver(node, 1, Vote(B, 1, node)) for node in (1, 2, 3)),
)
"""A session is open."""
TAKEN_OVER: tuple[Happening, ...] = (
    *LEAD,
    Give(1, Submit(OPEN)),
    Deliver(1, 2, Proposal(B, 1, OPEN)),
    Give(2, Campaign(HIGH)),
    *(Deliver(2, node, Prepare(HIGH, 0)) for node in (1, 2)),
    Deliver(1, 2, Promise(HIGH, 1, (), 0)),
    Deliver(2, 2, Promise(HIGH, 2, (Report(1, B, OPEN),), 0)),
    Give(2, Propose(HIGH, 1, OPEN)),
    *(Deliver(2, node, Proposal(HIGH, 1, OPEN)) for node in (1, 2)),
    *(Deliver(node, 2, Vote(HIGH, 1, node)) for node in (1, 2)),
    Give(2, Decide(HIGH, 1)),
    Deliver(2, 1, Decision(1, OPEN)),
    Give(1, Learn(1)),
)
"""Node 1 is asked, node 2 takes over and decides, and node 1 learns of it."""


class InAnotherState(Node):
    """A node whose state is none that a log leads to."""

    def digest(self) -> bytes:
        return super().digest()[::-1]


def answers(kind: type, told: Told) -> Callable[[Node, Event, Step], Step]:
    """At events of this kind every answer is this one."""

    def bend(_: Node, event: Event, step: Step) -> Step:
        if not isinstance(event, kind):
            return step
        effects = [Answer(effect.request, told) if isinstance(effect, Answer) else effect for effect in step.effects]
        return evolve(step, effects=tuple(effects))

    return bend


AHEAD = Step(Stutter("rejected"), (Reject(MERGED.request, "session ahead"),))

STORE_CASES: dict[str, Callable[[], None]] = {
    "databases.ask": partial(run, on(Submit, AHEAD), Give(1, Submit(MERGED))),
    "databases.judge: node .. is in another state": partial(run, InAnotherState, Pass(1, 1)),
    "databases.judge: the answer": partial(run, bent(answers(Learn, Refused("session expired", size=1))), *TAKEN_OVER),
    "databases._judge_again": partial(
        run, bent(answers(Submit, Refused("session expired", size=2))), *OPENED, Give(1, Submit(OF_A_STRANGER))
    ),
    "manners._judge_deposed": partial(
        run, without(lambda effect: isinstance(effect, Reject)), *TAKEN_OVER[: len(LEAD) + 4]
    ),
}
