"""The database of a cell as its clients see it: transactions whose answers name the slot in which they took effect.

The model `store` counts how often a key was changed. Here an item's version is a slot of the log, as the cell's own
store has it. Of a transaction that was not answered nobody knows the slot: what it put has a version that is not known
yet, until somebody sees the item and says it. So a state is a set of *worlds*, each of which may be the case; a
condition on a version that is not known yet holds in one world and fails in another.

Slots only grow. So what was answered with a lower slot comes first, and most histories have one order.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from conformance.histories.history import Operation, Value
from conformance.histories.models import ILLEGAL, Bounds, Kind, NotLegal
from physalia.model import (
    Add,
    Delete,
    Done,
    Get,
    HasVersion,
    Item,
    Put,
    Refused,
    Transact,
    Transaction,
)
from physalia.model import Operation as Step
from physalia.store.values import HOLDS


class Unknown(NamedTuple):
    """The slot of an operation that was not answered: which one that is."""

    begin: int


class Entry(NamedTuple):
    """What is under a key. Its type stands beside the value: for Python alone True is 1."""

    type: str
    value: Any
    version: int | Unknown


class World(NamedTuple):
    """What may be the case: the last slot that is known, and all items."""

    slot: int
    items: frozenset[tuple[str, Entry]]


class SlotStore:
    """See above; a `Model`. Operations ask with a `Transact`, and are answered by `Done` or `Refused`."""

    name = "slots"
    initial: Value = frozenset({World(0, frozenset())})

    def admit(self, operation: Operation) -> Operation:
        """See `Model`: they come from code, and not from a file."""
        return operation

    def parts(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        """See `Model`: slots are those of all keys together."""
        return (operations,)

    def kind(self, operation: Operation) -> Kind:
        """See `Model`: also what only reads makes known what was not."""
        del operation
        return Kind.CHANGES

    def bounds(self, operation: Operation) -> Bounds | None:
        """See `Model`: that cannot be said."""
        del operation
        return None

    def may_become(self, state: Value, needed: Value) -> bool:
        """See `Model`."""
        del state, needed
        return True

    def words(self, state: Value) -> str:
        """See `Model`."""
        assert isinstance(state, frozenset)
        return " or ".join(sorted(str(dict(world.items)) for world in state))

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """See `Model`: each world in which the answer can be right, after it."""
        assert isinstance(state, frozenset)
        after = frozenset(new for world in state for new in _after(world, operation))
        return after or ILLEGAL


def _after(world: World, operation: Operation) -> Iterator[World]:
    asked, answer = operation.asked, operation.answer
    assert isinstance(asked, Transact)
    if isinstance(answer, Done) and answer.version < world.slot:
        return
    for known, failed in _judged(world, asked.transaction, answer):
        items = dict(known.items)
        version = answer.version if isinstance(answer, Done) else Unknown(operation.begin)
        results = _performed(asked.transaction.else_ if failed else asked.transaction.then, items, version)
        if isinstance(answer, Refused):
            if results is None:
                yield known
        elif results is None:
            if answer is None:
                yield known
        elif answer is None:
            yield World(known.slot, frozenset(items.items()))
        elif isinstance(answer, Done) and answer.succeeded != failed and len(results) == len(answer.results):
            after = World(answer.version, frozenset(items.items()))
            yield from _seen(after, list(zip(results, answer.results, strict=True)))


def _judged(world: World, transaction: Transaction, answer: Value) -> Iterator[tuple[World, bool]]:
    """The worlds in which the conditions come out one way or the other, and whether one of them fails."""
    told = {one.condition: one.saw for one in answer.failed} if isinstance(answer, Done) else None
    worlds = [(world, False)]
    for condition in transaction.if_:
        found: list[tuple[World, bool]] = []
        for one, failed in worlds:
            for known, holds in _held(one, condition):
                if told is None:
                    found.append((known, failed or not holds))
                elif holds == (condition not in told):
                    saw = [] if holds else [(dict(known.items).get(condition.key), told[condition])]
                    found += [(seen, failed or not holds) for seen in _seen(known, saw)]
        worlds = found
    yield from worlds


def _held(world: World, condition: Any) -> Iterator[tuple[World, bool]]:
    entry = dict(world.items).get(condition.key)
    if isinstance(condition, HasVersion) and entry is not None and isinstance(entry.version, Unknown):
        yield world, False
        if condition.version > 0:
            yield _with(world, entry.version, condition.version), True
    else:
        version = entry.version if entry is not None and isinstance(entry.version, int) else 1
        yield world, HOLDS[type(condition)](condition, None if entry is None else Item(entry.value, version))


def _seen(world: World, looks: list[tuple[Entry | None, Item | None]]) -> Iterator[World]:
    """The world in which each entry is what somebody saw, if there is one."""
    for entry, saw in looks:
        if (entry is None) != (saw is None):
            return
        if entry is None or saw is None:
            continue
        if (entry.type, entry.value) != (type(saw.value).__name__, saw.value):
            return
        now = entry.version
        if isinstance(now, Unknown):
            world = _with(world, now, saw.version)
            looks[:] = [(_resolved(one, now, saw.version), other) for one, other in looks]
        elif now != saw.version:
            return
    if all(entry is None or saw is None or entry.version == saw.version for entry, saw in looks):
        yield world


def _resolved(entry: Entry | None, unknown: Unknown, slot: int) -> Entry | None:
    return entry._replace(version=slot) if entry is not None and entry.version == unknown else entry


def _with(world: World, unknown: Unknown, slot: int) -> World:
    """The world in which an operation that was not answered took effect in this slot."""
    items = frozenset((key, _resolved(entry, unknown, slot) or entry) for key, entry in world.items)
    return World(world.slot, items)


def _performed(steps: Sequence[Step], items: dict[str, Entry], version: int | Unknown) -> list[Entry | None] | None:
    """What was under each key right after its step; None if the whole is refused."""
    results: list[Entry | None] = []
    for step in steps:
        entry = items.get(step.key)
        match step:
            case Put(key, value):
                items[key] = Entry(type(value).__name__, value, version)
            case Delete(key):
                items.pop(key, None)
            case Add(key, amount):
                if entry is None or entry.type != "int":
                    return None
                items[key] = Entry("int", entry.value + amount, version)
            case Get():
                pass
        results.append(items.get(step.key))
    return results
