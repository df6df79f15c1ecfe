"""What a commit costs as a store grows: it must not depend on how many keys, sessions or slots there are already.

Keys and sessions are those of a store by itself. Slots are those of a whole node, the only member of its cell: it keeps
the log, its votes and the configuration of every slot, and passes over all of them with each command, from the client's
question to the answer. Whoever walked through what is kept would show it there.
"""

import time
from collections import deque
from collections.abc import Callable

from attrs import evolve

from physalia.cell import Node
from physalia.model import (
    Answer,
    Campaign,
    Event,
    Execute,
    HasVersion,
    OpenSession,
    Put,
    Receive,
    RequestId,
    Send,
    StoreReply,
    Submit,
    Transact,
    Transaction,
)
from physalia.store import LIMITS, VERSION, Store

SIZES = (100, 1_000, 10_000, 100_000)
SAMPLE = 2_000
"""Of so many commands the cost is measured; the least of the parts counts, which nothing else disturbed."""
PARTS = 10


def curves() -> dict[str, dict[str, float]]:
    """Microseconds of CPU time that a command takes, by what grows and how far."""
    growing = {"keys": _new_key, "sessions": _new_session}
    found = {
        f"microseconds_by_{name}": {str(size): _cost(size, make) for size in SIZES} for name, make in growing.items()
    }
    return {**found, "microseconds_by_slots": _costs_by_slots()}


def _new_key(slot: int) -> Execute:
    """Puts a key that is not there yet."""
    transaction = Transaction((HasVersion(f"key{slot}", 0),), (Put(f"key{slot}", slot),))
    return Execute(RequestId("client", slot), VERSION, Transact(1, transaction))


def _same_key(slot: int) -> Execute:
    """Puts the same key again."""
    transaction = Transaction((HasVersion("key", 0),), (), (Put("key", slot),))
    return Execute(RequestId("client", slot), VERSION, Transact(1, transaction))


def _new_session(slot: int) -> Execute:
    return Execute(RequestId(f"client{slot}", 1), VERSION, OpenSession())


def _cost(size: int, make: Callable[[int], Execute]) -> float:
    store = Store(evolve(LIMITS, sessions=2 * SIZES[-1]))
    store.apply(1, Execute(RequestId("client", 0), VERSION, OpenSession()))
    store.page("", 1)  # a scan is under way: keys are kept in order, and what changes is remembered
    for slot in range(2, size + 2):
        _apply(store, slot, make(slot))
    return _least(size + 2, lambda slot, command: _apply(store, slot, command), make)


def _apply(store: Store, slot: int, command: Execute) -> StoreReply:
    return store.apply(slot, command)


def _costs_by_slots() -> dict[str, float]:
    """The same for one node whose log grows from size to size: a session, and one key that is put again and again."""
    node = Node(1, {1}, alpha=1)
    decide(node, Campaign(node.next_ballot()))
    decide(node, Submit(Execute(RequestId("client", 0), VERSION, OpenSession())))
    slot, costs = 2, {}
    for size in SIZES:
        while slot < size:
            decide(node, Submit(_same_key(slot)))
            slot += 1
        costs[str(size)] = _least(slot, lambda _, command: decide(node, Submit(command)), _same_key)
        slot += SAMPLE
        assert len(node.known) == slot - 1, "not every command was decided"
    return costs


def decide(node: Node, event: Event) -> int:
    """Give an event to the only node of a cell, and all that follows from it; return how many answers there were."""
    queue, answers = deque([event]), 0
    while queue:
        due: tuple[Event, ...] = (queue.popleft(),)
        while due:
            for effect in node.step(due[0]).effects:
                if isinstance(effect, Send):
                    queue.append(Receive(node.node_id, effect.message))
                answers += isinstance(effect, Answer)
            due = node.due()
    return answers


def _least(slot: int, do: Callable[[int, Execute], object], make: Callable[[int], Execute]) -> float:
    """Microseconds of CPU time of one of the next commands, in the part of them that took least."""
    part, costs = SAMPLE // PARTS, []
    for _ in range(PARTS):
        commands = [make(at) for at in range(slot, slot + part)]
        before = time.process_time()
        for at, command in enumerate(commands, start=slot):
            do(at, command)
        costs.append((time.process_time() - before) / part * 1e6)
        slot += part
    return round(min(costs), 2)
