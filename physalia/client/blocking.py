"""The same client for programs without an event loop: each call waits for its answer."""

import asyncio
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Self, TypeVar

from physalia.client.asynchronous import DEADLINE_S, AsyncClient
from physalia.model import Asked, CellId, RequestId, Verdict
from physalia.transport import Ring

T = TypeVar("T")


class Client:
    """A client that may be used from any thread. To be used as a context manager."""

    def __init__(self, addresses: Iterable[str], ring: Ring, deadline_s: float = DEADLINE_S) -> None:
        """Raises `ValueError` if there is no address, or if one is none."""
        self._client = AsyncClient(addresses, ring, deadline_s)
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
