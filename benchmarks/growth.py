"""What a commit costs as a store grows: it must not depend on how many keys, sessions or slots there are already."""

import time
from collections.abc import Callable

from attrs import evolve

from physalia.model import Execute, HasVersion, OpenSession, Put, RequestId, StoreReply, Transact, Transaction
from physalia.store import LIMITS, VERSION, Store

SIZES = (100, 1_000, 10_000, 100_000)
SAMPLE = 2_000
"""Of so many commands the cost is measured; the least of the parts counts, which nothing else disturbed."""
PARTS = 10


def curves() -> dict[str, dict[str, float]]:
    """Microseconds of CPU time that a command takes, by what grows and how far."""
    growing = {"keys": _new_key, "sessions": _new_session, "slots": _same_key}
    return {
        f"microseconds_by_{name}": {str(size): _cost(size, make) for size in SIZES} for name, make in growing.items()
    }


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
    slot, part, costs = size + 2, SAMPLE // PARTS, []
    for _ in range(PARTS):
        commands = [make(at) for at in range(slot, slot + part)]
        before = time.process_time()
        for at, command in enumerate(commands, start=slot):
            _apply(store, at, command)
        costs.append((time.process_time() - before) / part * 1e6)
        slot += part
    return round(min(costs), 2)


def _apply(store: Store, slot: int, command: Execute) -> StoreReply:
    return store.apply(slot, command)
