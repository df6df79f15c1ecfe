"""A fault for every rule of the judges: mostly the real cell, bent in one place, in the shortest run that shows it."""

from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

from conformance.judges.projection import Names
from conformance.lockstep import settling
from conformance.lockstep.play import Play
from conformance.refutation import Refuted
from conformance.world import restarting
from conformance.world.cells import MakeNode
from conformance.world.disk import Disk
from conformance.world.mail import CELL, LIFE
from conformance.world.outcomes import Outcome, Packet
from conformance.world.scenario import Calm, Deliver, Duplicate, Forge, Give, Happening, Haunt, Pass
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.cell import Border, Node
from physalia.cell.steps import IGNORED, RECORDED
from physalia.model import (
    Accepted,
    Answer,
    Ask,
    Ballot,
    Campaign,
    Decide,
    Decision,
    Echo,
    Envelope,
    Event,
    Flush,
    Found,
    Inquire,
    Jury,
    Known,
    Learn,
    Learned,
    NodeId,
    NoOp,
    Origin,
    Peek,
    Prepare,
    Promise,
    Promised,
    Query,
    Receive,
    Refusal,
    Reject,
    Report,
    RequestId,
    Round,
    Send,
    Serve,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    UsedBallot,
    Verdict,
    Volume,
    Vote,
)
from physalia.wire import encode_envelope, encode_message
from spec.commands import Told
from spec.commands import Verdict as SpecVerdict
from spec.commands import Volume as SpecVolume
from tests.conformance.judges import test_clients as told
from tests.conformance.judges.bent_cells import (
    COMMAND,
    DECIDE,
    HIGH,
    LEAD,
    STOPPED,
    STOPPED_WITH_A_CLIENT,
    THREE,
    B,
    DueAfterTheEnd,
    KeepsItsRound,
    LearnsAnother,
    RaisesWhenAsked,
    SameBallot,
    SaysMore,
    SaysNothing,
    TeachesAgain,
    at_tick,
    bent,
    deaf_to,
    driven,
    echo,
    follow,
    goes_on,
    low_refusal,
    more,
    on,
    one_more_message,
    prepares_again,
    promise_elsewhere,
    records_a_tick,
    rejects_again,
    renamed,
    run,
    teaches_twofold,
    tells_nobody,
    twice,
    writes_nothing_down,
    wrong_promise,
)
from tests.conformance.judges.leaving_cases import LEAVING_CASES
from tests.conformance.judges.lesson_cases import LESSON_CASES
from tests.conformance.judges.store_cases import STORE_CASES

# Runs that need more than a list of events


READER, FIRST = RequestId("reader", 1), Volume(0, "a", "b")
READ: tuple[Happening, ...] = (
    *LEAD,
    Give(1, Query(READER)),
    *(Deliver(1, node, Round(B, 1)) for node in (1, 2)),
    *(Deliver(node, 1, Echo(B, 1, node)) for node in (1, 2)),
)
"""Node 1 leads, and serves a read."""


def peeked(found: Found) -> MakeNode:
    """Nodes that tell this to whoever wants to know what they know."""
    step = Step(Stutter("peeked"), (found,))
    return bent(lambda _, event, made: step if isinstance(event, Peek) else made)


def turns_away(_: Node, event: Event, step: Step) -> Step:
    """Who may be shown what a node knows is sent away."""
    if not isinstance(event, Peek):
        return step
    return Step(Stutter("rejected"), (Reject(event.request, "behind"),))


def changed_behind_the_scenes() -> None:
    played = Play(THREE)
    played.world.nodes[2].accepted[1] = Accepted(B, 1, NoOp())  # type: ignore[index]
    played.judge.whole()


def false_state() -> None:
    played = Play(THREE)
    lie = Told("nobody's", SpecVerdict(True, SpecVolume(3, "a", "b")))
    played.judge.state = played.judge.state._replace(told=frozenset({lie}))
    played.judge.whole()


def nothing_happens() -> None:
    played = Play(THREE)
    settling.settle(played.world, played.judge, lambda _: None)


def endless() -> None:
    """A question that is answered with a question, and so on."""
    played = Play(THREE, bent(echo))
    follow(played, LEAD)
    envelope = Envelope(Origin(CELL, LIFE, 2), 1, Ask(0))
    played.world.in_flight.append(Packet(2, 1, encode_message(Ask(0)), Ask(0), encode_envelope(envelope)))
    before, settling.MAX_DELIVERIES = settling.MAX_DELIVERIES, 50
    try:
        settling._drain(played.world, played._carry_out)
    finally:
        settling.MAX_DELIVERIES = before


class Restless(Node):
    """A leader that asks and asks, whenever something may be sent again, though all is decided and known."""

    def step(self, event: Event) -> Step:
        is_due = isinstance(event, Tick) and self._resend_at_ms is not None and event.now_ms >= self._resend_at_ms
        step = super().step(event)
        if is_due and self.active == B and self.known:
            return Step(Stutter("resent"), (*step.effects, Send(2, Ask(len(self.known)))))
        return step


def in_world(make: MakeNode, *happenings: Happening) -> None:
    """Only the world judges."""
    world = World(THREE, make)
    for happening in happenings:
        world.apply(happening)


def asks_itself(node: Node, event: Event, step: Step) -> Step:
    """Whoever is to ask others asks itself too."""
    if not isinstance(event, Inquire):
        return step
    return Step(step.announces, (Send(node.node_id, Ask(0)), *step.effects))


def folds(compact: Callable[[list[Promised]], list[Promised]]) -> None:
    """A journal is folded in this way."""
    with mock.patch.object(restarting, "compact", compact):
        restarting.folded(1, [Promised(B)])


def _cannot(_: list[Promised]) -> list[Promised]:
    raise LookupError("there is no such slot")


def _twice(records: list[Promised]) -> list[Promised]:
    return [*records, *records]


def waits_for_ever() -> None:
    """Somebody asked a node to read, and nothing was said to it."""
    clients = told.history()
    clients.note(Outcome(1, Query(RequestId("x", 1)), Stutter("recorded")))
    clients.judge_ends()


def garbled() -> None:
    world = World(THREE)
    world.mail._decoded[encode_message(Prepare(B, 0))] = Prepare(B, 7)
    world.apply(Give(1, Campaign(B)))


def own_member(node: NodeId, members: frozenset[NodeId], alpha: int, records: Any) -> Node:
    """A node that thinks that node 4 is a member."""
    return Node(node, members | {4}, alpha, records)


def no_node(*_: Any) -> Node:
    raise ZeroDivisionError


def raises(*_: Any) -> Step:
    raise ZeroDivisionError


def unsafe(message: Any, *records: Any, flushed: bool = True) -> Callable[[], None]:
    """A disk with these records, and a message that depends on another."""

    def fault() -> None:
        disk = Disk()
        for record in records:
            disk.store(record)
        if flushed:
            disk.flush(disk.ask())
        sentence = disk.unsafe(message)
        if sentence:
            raise Refuted(sentence)

    return fault


def stored(*records: Any) -> MakeNode:
    """Nodes that write records at every tick which mean nothing to them."""
    return on(Tick, Step(Stutter("ignored"), (*map(Store, records), Flush())))


def clients(*happened: Any, log: Any = None) -> Callable[[], None]:
    def fault() -> None:
        history = told.history(*happened)
        if log is not None:
            told.judge(history, log)

    return fault


START = Verdict(True, Volume(0, "a", "b"))


class Bordered(Border):
    """A border that is bent: what the receiver makes of an envelope, and whether it counts what it refuses."""

    def __init__(self, own: Origin, takes: bool | None, counts: bool) -> None:
        super().__init__(own)
        self._takes, self._counts = takes, counts

    def receive(self, envelope: Envelope) -> Receive | None:
        event = super().receive(envelope)
        if not self._counts:
            self.refused.clear()
        return (
            event if self._takes is None else Receive(envelope.origin.node, envelope.message) if self._takes else None
        )


def at_border(*happenings: Happening, takes: bool | None = None, counts: bool = True) -> Callable[[], None]:
    """The border of node 2 is bent."""

    def fault() -> None:
        played = Play(THREE)
        played.world.borders[2] = Bordered(Origin(CELL, LIFE, 2), takes, counts)
        follow(played, happenings)

    return fault


CASES: dict[str, Callable[[], None]] = {
    "judge.whole": changed_behind_the_scenes,
    "judge._judge_invariants": false_state,
    "judge._judge_foreign: node .. takes": at_border(
        LEAD[0], Duplicate(1, 2, Prepare(B, 0)), Haunt(1, 2, Prepare(B, 0), "life"), takes=True
    ),
    "judge._judge_foreign: node .. does not count": at_border(
        LEAD[0], Haunt(1, 2, Prepare(B, 0), "cell"), counts=False
    ),
    "judge._judge_action: node": partial(
        run, LearnsAnother, *DECIDE, Deliver(1, 2, Decision(1, COMMAND)), Give(2, Learn(2))
    ),
    "judge._judge_action: the specification": partial(
        run, own_member, Give(4, Campaign(Ballot(1, 4))), setup=Setup.of(4, 3, 3)
    ),
    "judge._judge_action: after": partial(run, bent(wrong_promise), *LEAD[:2]),
    "judge._judge_stutter: node .. does not take": partial(
        run, deaf_to(Learn), *DECIDE, Deliver(1, 2, Decision(1, COMMAND)), Give(2, Learn(1))
    ),
    "judge._judge_stutter: node .. stutters": partial(run, deaf_to(Prepare), *LEAD[:2]),
    "judge._judge_stutter: a stutter": partial(
        run, bent(one_more_message), *DECIDE[:-2], Duplicate(2, 1, Vote(B, 1, 2)), Duplicate(2, 1, Vote(B, 1, 2))
    ),
    "judge._judge_stutter: node .. calls its step": partial(run, renamed("ignored", "recorded"), Pass(1, 1)),
    "judge._wrong_kind: it came too late": partial(
        run, renamed("refused", "resent"), *LEAD[:1], Give(2, Campaign(HIGH)), Deliver(2, 3, Prepare(HIGH, 0)), LEAD[3]
    ),
    "judge._wrong_kind: it answers with": partial(
        run, bent(low_refusal), *LEAD[:1], Give(2, Campaign(HIGH)), Deliver(2, 3, Prepare(HIGH, 0)), LEAD[3]
    ),
    "judge._wrong_kind: it rejects": partial(run, renamed("rejected", "ignored"), Give(2, Submit(COMMAND))),
    "judge._wrong_kind: it sends nothing": partial(run, renamed("ignored", "resent"), Pass(1, 1)),
    "judge._wrong_kind: it sends something": partial(
        run, renamed("resent", "ignored"), *LEAD[:1], Duplicate(1, 2, Prepare(B, 0)), Duplicate(1, 2, Prepare(B, 0))
    ),
    "judge._wrong_kind: the message is said": partial(
        run, renamed("ignored", "recorded"), LEAD[0], Forge(1, 2, Prepare(B, 0), 3)
    ),
    "judge._wrong_kind: there was nothing": partial(run, renamed("ignored", "recorded"), Pass(1, 1)),
    "judge._wrong_kind: its disk": partial(run, renamed("ignored", "stopped"), Pass(1, 1)),
    "judge._wrong_kind: only a crash": partial(run, renamed("ignored", "restarted"), Pass(1, 1)),
    "judge._wrong_kind: it tells": partial(run, renamed("peeked", "ignored"), Give(1, Peek(READER, 0))),
    "readers._judge_peek: node .. goes": partial(run, peeked(Found(READER, 0, FIRST)), Give(1, Peek(READER, 5))),
    "readers._judge_peek: node .. says": partial(run, bent(turns_away), Give(1, Peek(READER, 0))),
    "readers.judge: node .. takes": partial(run, KeepsItsRound, *READ[:-2], Give(1, Campaign(Ballot(2, 1)))),
    "readers._judge_found: node .. tells .. of": partial(
        run, peeked(Found(READER, 5, FIRST)), Give(1, Peek(READER, 0))
    ),
    "readers._judge_found: node .. tells .. what": partial(
        run, peeked(Found(READER, 0, Volume(9, "a", "b"))), Give(1, Peek(READER, 0))
    ),
    "readers._judge_served": partial(run, more(Serve, Found(RequestId("late", 1), 0, FIRST)), *READ, Pass(1, 1)),
    "judge._judge_disk: promised": partial(run, stored(Promised(B)), Pass(1, 1)),
    "judge._judge_disk: known$": partial(run, stored(Known(1, NoOp())), Pass(1, 1)),
    "judge._judge_disk: accepted[": partial(run, stored(Accepted(B, 1, NoOp())), *LEAD, Pass(2, 1)),
    "judge._judge_disk: known[": partial(run, stored(Known(1, NoOp())), *DECIDE, Pass(1, 1)),
    "judge._judge_due: node .. says": partial(run, SaysMore, Pass(1, 1)),
    "judge._judge_due: node .. has heard": partial(run, SaysNothing, *LEAD, Give(1, Submit(COMMAND))),
    "manners.judge: node .. sends": partial(run, twice(Send), *LEAD[:2]),
    "manners.judge: node .. speaks": partial(run, twice(Answer), *DECIDE),
    "manners._want": partial(
        run, on(Receive, IGNORED, message=Prepare), LEAD[0], *(2 * (Duplicate(1, 2, Prepare(B, 0)),))
    ),
    "manners._judge_recipients": partial(
        run, more(Decide, Send(4, Decision(1, COMMAND))), *DECIDE, setup=Setup.of(4, 3, 3)
    ),
    "manners._firsts: node .. does not send": partial(run, bent(promise_elsewhere), *LEAD[:2]),
    "manners._firsts: node .. learns": driven("a client is not answered by who learns"),
    "manners._judge_inquiry": partial(run, bent(asks_itself), Give(1, Inquire(frozenset({1, 2})))),
    "manners._judge_lesson: node .. teaches node .. slot": partial(
        run, TeachesAgain, *DECIDE, Give(1, Campaign(Ballot(2, 1))), Deliver(1, 2, Prepare(Ballot(2, 1), 1)),
        *(2 * (Duplicate(2, 1, Ask(0)),)),
    ),
    "manners._judge_choice": partial(
        run, bent(teaches_twofold), *DECIDE, Give(1, Campaign(Ballot(2, 1))), Deliver(1, 2, Prepare(Ballot(2, 1), 1)),
        Duplicate(2, 1, Ask(0)),
    ),
    "manners._judge_next_ballot": partial(run, SameBallot, LEAD[0]),
    **STORE_CASES,
    "gone_back.step": partial(run, DueAfterTheEnd, *STOPPED),
    "gone_back.must_rest": partial(run, bent(records_a_tick), *STOPPED, Pass(1, 1)),
    "gone_back._must_notice: node .. event": partial(run, bent(goes_on), *STOPPED),
    "gone_back._must_notice: node .. stops for good, and does": partial(run, bent(writes_nothing_down), *STOPPED),
    "gone_back._must_notice: node .. stops for good, and says": partial(
        run, bent(tells_nobody), *STOPPED_WITH_A_CLIENT
    ),
    **LEAVING_CASES,
    **LESSON_CASES,
    "manners._judge_turn": driven("the command that came last is proposed first"),
    "manners._judge_client: node .. knows": partial(run, on(Submit, IGNORED), *DECIDE, Give(1, Submit(COMMAND))),
    "manners._judge_client: node .. rejects": partial(
        run, bent(rejects_again), *LEAD, Give(1, Submit(COMMAND)), Give(1, Submit(COMMAND))
    ),
    "manners._judge_client: node .. should": partial(run, on(Submit, RECORDED), Give(2, Submit(COMMAND))),
    "timers.judge": partial(run, at_tick(Send(2, Prepare(B, 0))), LEAD[0], Pass(1, 1), Pass(1, 1)),
    "timers._judge_resent: node .. does not": driven("nothing is sent again"),
    "timers._judge_resent: node .. sends": partial(run, bent(prepares_again), *LEAD, Pass(1, 1), Pass(1, 300)),
    "clients.answer: somebody": clients((told.FIRST, told.AFTER_FIRST)),
    "clients.answer: is answered twice": clients(
        (told.FIRST, None), (told.FIRST, told.AFTER_FIRST), (told.FIRST, Verdict(False, told.AFTER_FIRST.saw))
    ),
    "clients.judge: is answered": clients((told.FIRST, None), (told.FIRST, told.AFTER_FIRST), log=()),
    "clients.judge: the answer": clients((told.FIRST, None), (told.FIRST, START), log=told.LOG),
    "clients._judge_real_time": clients(
        (told.READ, None), (told.READ, START), (told.SECOND, None), log=(told.SECOND, told.READ)
    ),
    "clients.judge_reads: does not return": lambda: told.history(
        (told.READ, None), (told.READ, Verdict(True, Jury(0, frozenset({1}))))
    ).judge_reads(),
    "clients.judge_reads: returns version": lambda: told.history(
        (told.FIRST, None), (told.FIRST, told.AFTER_FIRST), (told.READ, None), (told.READ, START)
    ).judge_reads(),
    "clients.judge_reads: returns a record": lambda: told.history(
        (told.READ, None), (told.READ, told.AFTER_FIRST), (told.FIRST, None)
    ).judge_reads(),
    "clients.judge_ends": waits_for_ever,
    "projection.ballot": lambda: _ignore(Names(3).ballot(Ballot(1, 9))),
    "projection.told": lambda: _ignore(Names(3).told(RequestId("x", 1), "yes")),  # type: ignore[arg-type]
    "world._ask": partial(in_world, RaisesWhenAsked),
    "world._receive": at_border(*LEAD[:2], LEAD[2], takes=False),
    "world._step": partial(in_world, bent(raises), Pass(1, 1)),
    "world._carry_out": partial(in_world, at_tick("sing"), Pass(1, 1)),
    "world._store": partial(in_world, stored(Promised(Ballot(2**70, 1))), Pass(1, 1)),
    "mail.hold_law": partial(in_world, at_tick(Send(2, Vote(B, 1, 1))), Pass(1, 1)),
    "world._send: node .. sends to": partial(in_world, at_tick(Send(9, Ask(0))), Pass(1, 1)),
    "mail.seal: node .. sends what": partial(in_world, at_tick(Send(2, Ask(-1))), Pass(1, 1)),
    "mail.seal: the codec": garbled,
    "restarting.begin": partial(in_world, no_node),
    "restarting.folded: the records": partial(folds, _cannot),
    "restarting.folded: of the records": partial(folds, _twice),
    "disk.missing: the use": unsafe(Prepare(B, 0)),
    "disk.missing: the promise$": unsafe(Promise(B, 1, (), 0)),
    "disk.missing: the promise that": unsafe(Refusal(B, HIGH)),
    "disk.missing: the vote that": unsafe(Promise(B, 1, (Report(1, B, NoOp()),), 0), Promised(B)),
    "disk.missing: the vote$": unsafe(Vote(B, 1, 1)),
    "disk.missing: what it says": unsafe(Learned(1)),
    "disk.unsafe: the record": unsafe(None, UsedBallot(B), flushed=False),
    "disk.unsafe: was never": unsafe(Prepare(B, 0)),
    "settling.settle": nothing_happens,
    "settling._must_fall_silent": partial(run, Restless, *DECIDE, Calm()),
    "settling._drain": endless,
}  # fmt: skip
"""By how the name of the rule begins, or the whole name with a $ at its end."""


def _ignore(_: object) -> None:
    """What was computed does not matter."""
