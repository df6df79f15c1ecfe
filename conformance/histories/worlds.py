"""What clients see in the worlds of the lockstep: the same seeds and the same drivers, but nobody looks at a node.

A command of the cell is a transaction of the model `store`: a write replaces the volume's record if it has the expected
version, a change does so with the jury's, and a read reads. Each command is asked by a process of its own, since one
client may ask for several at once. A command that was rejected may have been taken on elsewhere: it has no answer.
"""

from collections.abc import Callable
from random import Random

from attrs import Factory, define

from conformance.exhaustive.walks import Client, Walks
from conformance.histories.history import History, Operation, value
from conformance.histories.models import Model
from conformance.histories.reading import Event, pair
from conformance.histories.transactions import Transactions
from conformance.leases.campaign import Driver as Contest
from conformance.lockstep.campaigns import Steer
from conformance.lockstep.moves import Moves
from conformance.refutation import Refuted
from conformance.wording import command_words
from conformance.world.cells import MakeNode
from conformance.world.leaving import LeavingWorld
from conformance.world.outcomes import Outcome
from conformance.world.scenario import Deliver, EndFlush, Give, Happening, Pass
from conformance.world.setup import Setup
from conformance.world.world import NotPossible, World
from physalia.cell import Node
from physalia.model import (
    Action,
    Answer,
    Asked,
    Change,
    Found,
    Jury,
    Query,
    Read,
    Record,
    RequestId,
    Submit,
    Verdict,
    Volume,
    Write,
)

CALM_ROUNDS = 6
CALM_EVENTS = 600
TICK_MS = 1_000


@define
class Recorder:
    """The events of one world's clients, in order."""

    moment: int = 0
    asked: dict[RequestId, tuple[int, Asked]] = Factory(dict)
    answered: dict[RequestId, tuple[int, Verdict]] = Factory(dict)
    queried: dict[RequestId, int] = Factory(dict)
    found: dict[RequestId, tuple[int, Volume]] = Factory(dict)
    """Reads that take no slot (R7), which are to be as consistent as all others; not those that may be stale."""
    transactions: Transactions = Factory(Transactions)

    def note(self, outcome: Outcome) -> None:
        """Take note of one step. Raises `Refuted` for an answer to nobody, and for two different ones to one (R6)."""
        self.moment += 1
        self.transactions.note(outcome, self.moment)
        match outcome.announces:
            case Action("issue", (Write() | Read() | Change() as command,)) if outcome.event is None:
                self.hear(Submit(command))
        if isinstance(outcome.event, Query):
            self.hear(outcome.event)
        if outcome.waits or outcome.is_lost or outcome.is_lost_disk:
            return
        for one in outcome.found:
            self.hear(one)
        for request, verdict in outcome.answers:
            self.hear(Answer(request, verdict))

    def hear(self, client: Client) -> None:
        """A client asks, or is told. Raises `Refuted` as `note` does."""
        self.moment += 1
        match client:
            case Submit(Write() | Read() | Change() as command):
                self.asked.setdefault(command.request, (self.moment, command))
            case Query(request):
                self.queried.setdefault(request, self.moment)
            case Found(request, _, saw) if request in self.queried:
                self.found.setdefault(request, (self.moment, saw))
            case Answer(request, Verdict() as verdict):
                if request not in self.asked:
                    raise Refuted(f"somebody is answered who asked nothing: {request}")
                _, first = self.answered.setdefault(request, (self.moment, verdict))
                if first != verdict:
                    title = f"{command_words(self.asked[request][1])} is answered twice, and differently"
                    raise Refuted(title, (f"first: {first}", f"then:  {verdict}"))

    def history(self, model: Model, source: str) -> History:
        """The history so far."""
        operations = []
        for number, (request, (begin, command)) in enumerate(self.asked.items(), start=1):
            end, verdict = self.answered.get(request, (None, None))
            operation = Operation(
                process=f"{request.client}/{request.number}", f="txn", asked=value(_transaction(command)), begin=begin,
                end=end, answer=None if verdict is None else value(_answer(verdict)), line=number,
            )  # fmt: skip
            operations.append(model.admit(operation))
        for request, begin in self.queried.items():
            end, saw = self.found.get(request, (None, None))
            operation = Operation(
                process=f"{request.client}/{request.number}", f="txn", asked=value(_transaction(Read(request))),
                begin=begin, end=end, answer=None if saw is None else value(_answer(Verdict(True, saw))),
                line=len(operations) + 1,
            )  # fmt: skip
            operations.append(model.admit(operation))
        operations.sort(key=lambda one: one.begin)
        return History(operations=tuple(operations), source=source)


def _transaction(command: Asked) -> dict[str, object]:
    match command:
        case Read():
            return {"then": [["read", "volume"]]}
        case Write(_, expects, primary, replica):
            key, new = "volume", f"{primary}, {replica}"
        case Change(_, expects, members):
            key, new = "jury", _members(members)
    return {"if": [["version", key, expects]], "then": [["put", key, new]], "else": [["read", key]]}


def _answer(verdict: Verdict) -> dict[str, object]:
    return {"succeeded": verdict.done, "results": [_seen(verdict.saw)]}


def _seen(record: Record) -> object:
    """What a client saw under the key; the record of version 0 is nobody's doing, and nothing here."""
    match record:
        case Volume(version, primary, replica):
            return [f"{primary}, {replica}", version] if version else None
        case Jury(version, members):
            return [_members(members), version] if version else None


def _members(members: frozenset[int]) -> str:
    return " ".join(map(str, sorted(members)))


def record(
    setup: Setup, seed: str, length: int, steer: Steer, model: Model, make_node: MakeNode = Node
) -> tuple[History, History]:
    """One run of one world, with some calm at its end: what its clients saw of records, and of the store.

    Raises `Refuted` as `Recorder.note` does. A run ends early at what the world itself refutes, such as a node that
    raises: that is another link's to judge.
    """
    world, recorder = (LeavingWorld if setup.newcomers else World)(setup, make_node), Recorder()

    def happen(happening: Happening) -> None:
        try:
            outcomes = world.apply(happening)
        except NotPossible:
            return
        for outcome in outcomes:
            recorder.note(outcome)

    moves = Moves(world)
    for happening in steer(moves, Random(seed), length):  # noqa: S311 (repeatable, no secret)
        happen(happening)
    for number in range(1, CALM_ROUNDS + 1):  # under a name of its own: what is played again may have used all others
        happen(Give(moves.to_leader(1), Submit(Read(RequestId("at the end", number)))))
        for node in world.nodes:
            happen(Pass(node, TICK_MS))
            _drain(world, happen)
    return recorder.history(model, seed), recorder.transactions.history(seed)


def record_walk(walks: Walks, seed: str, length: int, model: Model) -> History:
    """What clients saw on one walk through a scope of the link exhaustive. Raises `Refuted` as `Recorder.note` does."""
    recorder = Recorder()
    for client in walks.walk(Random(seed), length):  # noqa: S311 (repeatable, no secret)
        recorder.hear(client)
    return recorder.history(model, seed)


def record_lock(seed: str, events: int, rates: frozenset[int], model: Model) -> History:
    """What the users of a lock saw in one contest of the lockstep: the same seed, but nobody looks inside.

    A lock that ended by itself is recorded as a `release` by its holder, at the moment from which it does not believe
    in it any more. A request of which nobody heard in time is an `acquire` without an end.
    """
    driver = Contest(seed, rates, is_judged=False)
    driver.run(events)
    told = (
        Event(line=line, process=one.process, type=one.type, f=one.f, value=None)
        for line, one in enumerate(driver.told, start=1)
    )
    return pair(told, model, seed)


def _drain(world: World, happen: Callable[[Happening], None]) -> None:
    """Let everything arrive, be flushed and be done that is due."""
    for _ in range(CALM_EVENTS):
        happening = _next(world)
        if happening is None:
            return
        happen(happening)


def _next(world: World) -> Happening | None:
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
