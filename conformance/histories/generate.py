"""Made-up histories: clients that each have one operation under way, on an object that answers as it must.

Each operation takes effect at some moment between its beginning and its end, and the object's answer is the one of that
moment: so the history is linearizable. `spoil` makes one answer wrong, of which the checker may think what it likes.
"""

from collections.abc import Callable, Iterator
from random import Random

from attrs import define, evolve

from conformance.histories.history import FALSE, Operation, Value
from conformance.histories.models import ILLEGAL, Model

Ask = Callable[[Random], tuple[str, Value, Value]]
"""Makes up an operation: what it is, what it asks, and its key."""


def ask_cas_register(values: int) -> Ask:
    """Reads, writes and sets of a register with so many values."""

    def ask(random: Random) -> tuple[str, Value, Value]:
        f = random.choice(("read", "write", "cas"))
        one, other = random.randrange(values), random.randrange(values)
        return f, {"read": None, "write": one, "cas": (one, other)}[f], None

    return ask


def ask_kv(keys: int, values: int) -> Ask:
    """The same on so many keys."""
    ask_one = ask_cas_register(values)

    def ask(random: Random) -> tuple[str, Value, Value]:
        f, asked, _ = ask_one(random)
        return f, asked, f"k{random.randrange(keys)}"

    return ask


@define
class _Running:
    client: int
    f: str
    asked: Value
    key: Value
    begin: int
    took_effect: bool = False
    answer: Value = None
    process: int = 0


def linearizable(
    model: Model, ask: Ask, *, clients: int, operations: int, seed: object, lost: float = 0.0, refused_fail: bool = True
) -> list[Operation]:
    """A history of so many operations, of which a share of `lost` never ends, whether they took effect or not.

    A cas whose condition does not hold fails, or if not `refused_fail` is answered with false; then it says something.
    """
    random = Random(str(seed))  # noqa: S311 (repeatable, no secret)
    states: dict[Value, Value] = {}
    running: list[_Running] = []
    done: list[Operation] = []
    moment = begun = 0
    names = iter(range(clients, clients + operations + 1))
    process = list(range(clients))
    while begun < operations or running:
        idle = begun < operations and len(running) < clients
        if idle and (not running or random.getrandbits(1) or len(running) < clients // 2):
            free = random.choice([one for one in range(clients) if all(run.client != one for run in running)])
            f, asked, key = ask(random)
            running.append(_Running(free, f, asked, key, moment, process=process[free]))
            begun, moment = begun + 1, moment + 1
            continue
        one = random.choice(running)
        if not one.took_effect:
            _take_effect(model, states, one)
            if random.random() >= lost / 2:
                continue
        is_lost = random.random() < lost
        running.remove(one)
        if is_lost:
            process[one.client] = next(names)
        if one.answer == FALSE and refused_fail and not is_lost:
            moment += 1
            continue
        done.append(
            Operation(
                process=one.process,
                f=one.f,
                asked=one.asked,
                key=one.key,
                begin=one.begin,
                end=None if is_lost else moment,
                answer=None if is_lost else one.answer,
            )
        )
        moment += 1
    return sorted(done, key=lambda operation: operation.begin)


def _take_effect(model: Model, states: dict[Value, Value], one: _Running) -> None:
    state = states.get(one.key, model.initial)
    one.took_effect = True
    for answer in _answers(one.f, state):
        operation = Operation(process=one.process, f=one.f, asked=one.asked, key=one.key, begin=0, end=1, answer=answer)
        after = model.step(state, operation)
        if after is not ILLEGAL:
            states[one.key] = after
            one.answer = answer
            return
    raise AssertionError(f"no answer to {one.f} in {state}")


def _answers(f: str, state: Value) -> Iterator[Value]:
    """What could be answered, the first that is right counts."""
    yield state if f == "read" else None
    yield FALSE


def spoil(operations: list[Operation], random: Random, value: Value) -> list[Operation]:
    """The same history with another answer to one read in its second half."""
    reads = [place for place, one in enumerate(operations) if one.f == "read" and not one.is_open]
    place = random.choice(reads[len(reads) // 2 :])
    return [*operations[:place], evolve(operations[place], answer=value), *operations[place + 1 :]]
