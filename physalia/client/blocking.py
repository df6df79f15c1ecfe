"""The same client for programs without an event loop: each call waits for its answer."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Self, TypeVar

from physalia.client.asynchronous import DEADLINE_S, AsyncClient
from physalia.client.partition import Conditions, Consistency, Item, Outcome, Partition
from physalia.client.places import Keys
from physalia.model import Asked, CellId, Operation, RequestId, Value, Verdict
from physalia.store import LIMITS

T = TypeVar("T")


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
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="physalia client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._wait(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def partition(self, key: str | CellId) -> "BlockingPartition":
        """The database of a partition key, as `AsyncClient.partition`."""
        return BlockingPartition(self._client.partition(key), self._wait)

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

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


class BlockingPartition:
    """As `Partition`; each call waits for its answer."""

    def __init__(self, partition: Partition, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._partition, self._wait = partition, wait

    def get(self, key: str, consistency: Consistency = "strict") -> Item | None:
        """As `Partition.get`."""
        found: Item | None = self._wait(self._partition.get(key, consistency))
        return found

    def put(self, key: str, value: Value, *, if_: Conditions = ()) -> Item:
        """As `Partition.put`."""
        item: Item = self._wait(self._partition.put(key, value, if_=if_))
        return item

    def delete(self, key: str, *, if_: Conditions = ()) -> None:
        """As `Partition.delete`."""
        self._wait(self._partition.delete(key, if_=if_))

    def increment(self, key: str, by: int = 1, *, if_: Conditions = ()) -> Item:
        """As `Partition.increment`."""
        item: Item = self._wait(self._partition.increment(key, by, if_=if_))
        return item

    def transact(
        self, *, if_: Conditions = (), then: Sequence[Operation] = (), else_: Sequence[Operation] = ()
    ) -> Outcome:
        """As `Partition.transact`."""
        outcome: Outcome = self._wait(self._partition.transact(if_=if_, then=then, else_=else_))
        return outcome

    def scan(self, prefix: str = "", *, page_items: int = LIMITS.page_items) -> list[Item]:
        """As `Partition.scan`, all of it."""

        async def everything() -> list[Item]:
            return [item async for item in self._partition.scan(prefix, page_items=page_items)]

        items: list[Item] = self._wait(everything())
        return items
