"""The same client for programs without an event loop: each call waits for its answer."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Protocol, Self, TypeVar

from physalia.client.asynchronous import DEADLINE_S, AsyncClient
from physalia.client.leases import Lease
from physalia.client.partition import Conditions, Consistency, Item, Outcome, Partition
from physalia.client.places import Keys
from physalia.errors import Closed, OutcomeUnknown
from physalia.model import Asked, CellId, Execute, HasVersion, Operation, RequestId, StoreReply, Value, Verdict
from physalia.store import LIMITS

T = TypeVar("T")
LATE_S = 1.0
"""How long whoever waits has to be told that the client is closed; a lease that is held goes on for longer."""


class Client:
    """A client that may be used from any thread. To be used as a context manager."""

    def __init__(
        self,
        addresses: str | Iterable[str],
        keys: Keys = None,
        deadline_s: float = DEADLINE_S,
        *,
        caches: str | Iterable[str] = (),
    ) -> None:
        """As `AsyncClient`."""
        self._client = AsyncClient(addresses, keys, deadline_s, caches=caches)
        self._process = os.getpid()
        self._door = threading.Lock()
        self._is_closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="physalia client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections, for good. Whoever waits for an answer in another thread is told that there is none.

        In a process that was forked from the one that made it, this does nothing: the connections are not its own.
        """
        if self._process != os.getpid():
            return
        with self._door:
            if self._is_closed:
                return
            self._is_closed = True
            ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            ending.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _end(self) -> None:
        await self._client.close()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        late = (await asyncio.wait(waiting, timeout=LATE_S))[1] if waiting else ()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def request(self) -> RequestId:
        """A name for a new command, which no other command has."""
        return self._client.request()

    def write(self, cell: CellId, expects: int, primary: str, replica: str) -> Verdict:
        """As `AsyncClient.write`."""
        return self._wait(self._client.write(cell, expects, primary, replica))

    def read(self, cell: CellId) -> Verdict:
        """As `AsyncClient.read`."""
        return self._wait(self._client.read(cell))

    def submit(self, cell: CellId, command: Asked, deadline_s: float | None = None) -> Verdict:
        """As `AsyncClient.submit`."""
        return self._wait(self._client.submit(cell, command, deadline_s))

    def ask(self, cell: CellId, command: bytes, deadline_s: float | None = None) -> bytes:
        """As `AsyncClient.ask`."""
        return self._wait(self._client.ask(cell, command, deadline_s))

    def execute(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> StoreReply:
        """As `AsyncClient.execute`."""
        return self._wait(self._client.execute(cell, command, deadline_s))

    def partition(self, key: str | CellId) -> "BlockingPartition":
        """The database of a partition key, as `AsyncClient.partition`."""
        return BlockingPartition(self._client.partition(key), self._wait)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._process != os.getpid():  # the thread that would do it is not here, and its locks may be held for ever
            work.close()
            raise Closed("this client is of the process that forked this one; nothing was done: make another one.")
        with self._door:  # what is begun before the end is seen by it, and nothing is begun after it
            if self._is_closed:
                work.close()
                raise Closed("this client was closed; nothing was done: make another one.")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise OutcomeUnknown("the client was closed meanwhile: it may be done, or not.") from None
        except BaseException:
            future.cancel()
            raise


class Wait(Protocol):
    """Runs something on the client's loop until it is done."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T:
        """What comes of it."""


class BlockingPartition:
    """As `Partition`; each call waits for its answer."""

    def __init__(self, partition: Partition, wait: Wait) -> None:
        self._partition, self._wait = partition, wait

    def transact(
        self,
        if_: Conditions = (),
        then: Iterable[Operation] = (),
        else_: Iterable[Operation] = (),
        deadline_s: float | None = None,
    ) -> Outcome:
        """As `Partition.transact`."""
        return self._wait(self._partition.transact(if_, then, else_, deadline_s))

    def get(self, key: str, consistency: Consistency = "strict") -> Item | None:
        """As `Partition.get`."""
        return self._wait(self._partition.get(key, consistency))

    def look(self, *keys: str, consistency: Consistency = "strict") -> tuple[Item | None, ...]:
        """As `Partition.look`."""
        return self._wait(self._partition.look(*keys, consistency=consistency))

    def put(self, key: str, value: Value, if_: Conditions = ()) -> Item:
        """As `Partition.put`."""
        return self._wait(self._partition.put(key, value, if_))

    def delete(self, key: str, if_: Conditions = ()) -> None:
        """As `Partition.delete`."""
        self._wait(self._partition.delete(key, if_))

    def increment(self, key: str, by: int = 1, if_: Conditions = ()) -> Item:
        """As `Partition.increment`."""
        return self._wait(self._partition.increment(key, by, if_))

    def scan(
        self, prefix: str = "", *, page_items: int = LIMITS.page_items, consistency: Consistency = "strict"
    ) -> list[Item]:
        """As `Partition.scan`, all of it."""

        async def everything() -> list[Item]:
            scan = self._partition.scan(prefix, page_items=page_items, consistency=consistency)
            return [item async for item in scan]

        return self._wait(everything())

    def again(self, unknown: OutcomeUnknown, deadline_s: float | None = None) -> Outcome:
        """As `Partition.again`."""
        return self._wait(self._partition.again(unknown, deadline_s))

    def lease(self, key: str, duration_s: float, wait_s: float | None = None) -> "BlockingLease":
        """As `Partition.lease`: `with volume.lease("attach", duration_s=10) as lease`."""
        return BlockingLease(self._partition.lease(key, duration_s, wait_s), self._wait)


class BlockingLease:
    """As `Lease`. It is renewed on the client's own loop, also while the program waits elsewhere."""

    def __init__(self, lease: Lease, wait: Wait) -> None:
        self._lease, self._wait = lease, wait

    def __enter__(self) -> Self:
        self._wait(self._lease.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Closed):  # it ends by itself, and what went wrong inside is not to be hidden by that
            self._wait(self._lease.__aexit__())

    @property
    def left_s(self) -> float:
        """As `Lease.left_s`."""
        return self._lease.left_s

    def holds(self) -> HasVersion:
        """As `Lease.holds`."""
        return self._lease.holds()
