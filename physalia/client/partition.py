"""One partition of a colony, as a client uses it: single items, transactions, and leases.

Every request has a number in a session (design rule R6), so trying again never does it twice. The requests of one
partition object come one after the other; whoever wants several at a time makes several objects.
"""

from collections.abc import Iterable

from physalia.client.leases import Lease
from physalia.client.session import Executes, Session
from physalia.errors import ConditionFailed, OutcomeUnknown
from physalia.model import Add, CellId, Condition, Delete, Done, Get, Item, Operation, Put, Transaction, Value


class Partition:
    """A partition, in a session of its own. What its calls raise is what `Session.ask` raises."""

    def __init__(self, client: Executes, cell: CellId) -> None:
        self.cell = cell
        self._session = Session(client, cell)

    async def transact(
        self,
        if_: Iterable[Condition] = (),
        then: Iterable[Operation] = (),
        else_: Iterable[Operation] = (),
        deadline_s: float | None = None,
    ) -> Done:
        """If all conditions hold do `then`, otherwise `else_`: all of it or nothing. The answer says which, and why."""
        return await self._session.ask(Transaction(tuple(if_), tuple(then), tuple(else_)), deadline_s)

    async def get(self, key: str) -> Item | None:
        """What is under the key, None for nothing."""
        return (await self.transact(then=[Get(key)])).results[0]

    async def put(self, key: str, value: Value, if_: Iterable[Condition] = ()) -> Item:
        """Put a value there, if all conditions hold. Raises `ConditionFailed` with what was seen."""
        item = (await self._must(if_, Put(key, value))).results[0]
        assert item is not None
        return item

    async def delete(self, key: str, if_: Iterable[Condition] = ()) -> None:
        """Leave nothing there, if all conditions hold. Raises `ConditionFailed` with what was seen."""
        await self._must(if_, Delete(key))

    async def increment(self, key: str, by: int = 1, if_: Iterable[Condition] = ()) -> Item:
        """Add to the integer there. Raises `ConditionFailed`, and `InvalidRequest` where there is no integer."""
        item = (await self._must(if_, Add(key, by))).results[0]
        assert item is not None
        return item

    async def again(self, unknown: OutcomeUnknown, deadline_s: float | None = None) -> Done:
        """Ask once more for what may be done: it is not done twice. The answer is that of the first time."""
        return await self._session.again(unknown, deadline_s)

    def lease(self, key: str, duration_s: float, wait_s: float | None = None) -> Lease:
        """A lock under the key, as a context manager: `async with volume.lease("attach", duration_s=10) as lease`.

        It has a session of its own, so that it does not wait for what is asked here. `wait_s` is how long to wait for
        the lock, None for ever. Raises `ValueError` for a length that no lease has.
        """
        return Lease(Session(self._session.client, self.cell), key, duration_s, wait_s)

    async def _must(self, if_: Iterable[Condition], operation: Operation) -> Done:
        done = await self.transact(if_, [operation])
        if not done.succeeded:
            raise ConditionFailed(done.failed)
        return done
