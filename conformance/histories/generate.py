"""Made-up histories: clients that each have one operation under way, on an object that answers as it must.

Each operation takes effect at some moment between its beginning and its end, and the object's answer is the one of that
moment: so the history is linearizable. `spoil` makes one answer wrong, of which the checker may think what it likes.
"""

from collections.abc import Callable, Iterator
from random import Random

from attrs import define, evolve

from conformance.histories.history import FALSE, Operation, Value, value
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


def small(model: str, random: Random, operations: int) -> list[Operation]:
    """Any history of a few operations of a model, with answers that may be right, or wrong."""
    moments = list(range(2 * operations))
    random.shuffle(moments)
    made = []
    for number in range(operations):
        begin, end = sorted(moments[2 * number : 2 * number + 2])
        f, asked, answer, key = _OF_MODEL[model](random)
        is_lost = random.random() < _SMALL_LOST
        made.append(
            Operation(
                process=number,
                f=f,
                asked=value(asked),
                key=key,
                begin=begin,
                end=None if is_lost else end,
                answer=None if is_lost else value(answer),
            )
        )
    return sorted(made, key=lambda one: one.begin)


_SMALL_LOST = 0.25

Made = tuple[str, object, object, Value]


def _register(random: Random) -> Made:
    f = random.choice(("read", "write"))
    number = random.randrange(3)
    return f, None if f == "read" else number, random.choice((number, None)) if f == "read" else None, None


def _cas_register(random: Random) -> Made:
    if random.getrandbits(1):
        return _register(random)
    return "cas", [random.randrange(3), random.randrange(3)], random.choice((True, True, False)), None


def _kv(random: Random) -> Made:
    key, text = random.choice("kk12"), random.choice(("a", "b", "ab", "ba"))
    f = random.choice(("read", "write", "append", "append", "delete", "cas"))
    asked = {"read": None, "delete": None, "cas": [text, random.choice("ab")]}.get(f, text[:1])
    answers = {"read": random.choice((text, text[:1], None)), "cas": random.choice((True, False))}
    return f, asked, answers.get(f), key


def _lease(random: Random) -> Made:
    f = random.choice(("acquire", "release"))
    return f, random.randrange(2), random.choice((True, True, False)), None


def _store(random: Random) -> Made:
    key = random.choice("ab")
    step = random.choice((["put", key, random.randrange(2)], ["delete", key], ["add", key, 1], ["read", key]))
    test = random.choice((["version", key, random.randrange(3)], ["exists", key], ["absent", "a"], ["equals", "b", 1]))
    asked = {"if": random.choice(([], [test])), "then": [step], "else": random.choice(([], [["put", "a", 1]]))}
    if random.random() < _SMALL_LOST:
        return "txn", asked, {"refused": "wrong type"}, None
    succeeded = not asked["if"] or bool(random.getrandbits(1))
    answer: dict[str, object] = {"succeeded": succeeded}
    if succeeded and step[0] in ("read", "put"):
        answer["results"] = [random.choice(([random.randrange(2), random.randint(1, 2)], None))]
    return "txn", asked, answer, None


_OF_MODEL: dict[str, Callable[[Random], Made]] = {
    "register": _register,
    "cas-register": _cas_register,
    "kv": _kv,
    "lease": _lease,
    "store": _store,
}
