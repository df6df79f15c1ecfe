"""Forgetting, being taught and leaving in a scope (rules R9 to R11): what is asked, what is told, and what is not done.

A snapshot has no address, like a decision: whoever knows all decisions up to a slot may be asked for it. So it is said
by whoever writes down the last of them, and how far a node has learned is said when that is durable. That the code
really tells it when it is asked is checked at each new state, by asking.

The code does less than the specification allows. A snapshot of one slot teaches nothing that the last entry of a log
does not, and that is never dropped; and a node that leaves waits for the first slot that will do.
"""

from collections.abc import Callable

from attrs import fields

from conformance.exhaustive.translation import Said, Translation
from conformance.judges.vocabulary import verdict_of
from conformance.refutation import Refuted
from physalia import model
from physalia.model import NodeId
from spec import outbox
from spec.cell import Cell
from spec.commands import Node, Slot
from spec.leaving import Leaving, State
from spec.machine import action
from spec.teaching import Teaching

Give = Callable[[model.Event], model.Step]
"""Gives an event to a node."""

LEAST_SLOTS = 2
"""A snapshot of fewer slots is never taught."""


class Taught(Teaching):
    """`Teaching`, where snapshots of one slot are not taught."""

    @action(n="nodes", i="slots")
    def install(self, s: outbox.State, n: Node, i: Slot) -> outbox.State | None:
        """As in `Teaching`, and so."""
        return super().install(s, n, i) if i >= LEAST_SLOTS else None


class Left(Leaving):
    """`Leaving`, where snapshots of one slot are not taught, and who leaves waits for the first slot that will do."""

    @action(n="nodes", i="slots")
    def install(self, s: outbox.State, n: Node, i: Slot) -> outbox.State | None:
        """As in `Leaving`, and so."""
        return super().install(s, n, i) if i >= LEAST_SLOTS else None

    @action(n="nodes", i="slots")
    def erase(self, s: State, n: Node, i: Slot) -> State | None:
        """As in `Leaving`, and so."""
        served = self.served(s, n)  # type: ignore[arg-type]  # it reads fields by their names alone
        return super().erase(s, n, i) if i == max(served, default=0) else None


def as_performed(machine: Cell) -> Cell:
    """The same constants; what the code never does is left out."""
    if not isinstance(machine, Teaching):
        return machine
    made, of = (Left, Leaving) if isinstance(machine, Leaving) else (Taught, Teaching)
    return made(**{field.name: getattr(machine, field.name) for field in fields(of)})


def students(machine: Cell) -> frozenset[NodeId]:
    """Who may be taught by a snapshot."""
    return machine.students if isinstance(machine, Teaching) else frozenset()


def leavers(machine: Cell) -> frozenset[NodeId]:
    """Who may be erased."""
    return machine.leavers if isinstance(machine, Leaving) else frozenset()


def ask_for_the_snapshot(give: Give, student: NodeId, prefix: int) -> model.Chunk:
    """The snapshot that a node tells whoever knows so many slots, all in one chunk. Raises `Refuted` otherwise."""
    give(model.Tick(0))
    effects = give(model.Receive(student, model.Ask(prefix))).effects
    match effects:
        case (model.Send(to, model.Chunk(_, _, 0, (model.Head() as head, *others)) as chunk),) if to == student:
            if head.rows == 1 + len(others):
                return chunk
    raise Refuted("who dropped what it is asked for does not tell the snapshot", tuple(map(str, effects)))


def teach(give: Give, log: tuple[model.Command, ...], me: NodeId, other: NodeId) -> model.Chunk:
    """The snapshot that a fresh node teaches when it has learned this log and dropped what it can."""
    for slot, value in enumerate(log, start=1):
        give(model.Receive(other, model.Decision(slot, value)))
        give(model.Learn(slot))
    give(model.Truncate(len(log)))
    assert me != other
    return ask_for_the_snapshot(give, other, 0)


def must_remember(give: Give, node: NodeId, log: tuple[model.Command, ...], machine: Cell, words: Translation) -> None:
    """What is dropped of a log still has its effects: on the record, and on what clients are told. Raises `Refuted`."""
    after = machine.after(tuple(map(words.command, log)))
    found = give(model.Peek(model.RequestId("peek", 1), len(log))).effects
    saw = [verdict_of(model.Verdict(done=True, saw=one.saw)).saw for one in found if isinstance(one, model.Found)]
    if saw != [after.volume]:
        raise Refuted(f"node {node} does not have the state that its log leads to", (f"- {after.volume}", f"+ {saw}"))
    for name in machine.commands:
        effects = give(model.Submit(words.commands[name])).effects
        answers = [one.verdict for one in effects if isinstance(one, model.Answer)]
        told = [verdict_of(one) for one in answers if isinstance(one, model.Verdict)]
        wanted = [after.verdicts[name]] if name in after.verdicts else []
        if told != wanted:
            raise Refuted(f"node {node} does not tell of {name} what its log says", (f"- {wanted}", f"+ {told}"))


def must_say_how_far(step: model.Step, asker: NodeId, node: NodeId, known: int, *, is_settled: bool) -> None:
    """Who is asked how far it has learned says all that it knows, once that is flushed (R11). Raises `Refuted`."""
    flushed = is_settled
    for effect in step.effects:
        flushed = flushed or isinstance(effect, model.Flush)
        if isinstance(effect, model.Send) and isinstance(effect.message, model.Learned) and not flushed:
            raise Refuted(f"node {node} says that it has learned what it did not flush", (str(effect),))
    if model.Send(asker, model.Learned(known)) not in step.effects:
        raise Refuted(f"node {node} does not say how far it has learned", tuple(map(str, step.effects)))


def how_far(machine: Cell, node: NodeId, slot: int) -> tuple[Said, ...]:
    """What a node says to those who leave when it has durably learned so many slots."""
    askers = leavers(machine) - {node}
    return (Said(node, model.Learned(slot), askers),) if askers and slot else ()
