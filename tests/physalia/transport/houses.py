"""A door on a port of this machine, for tests, and the ears behind it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from attrs import Factory, define

from physalia.transport import (
    Address,
    Connection,
    Door,
    KeyRing,
    Party,
    Refusals,
    Target,
    dial,
)
from tests import PATIENCE_S
from tests.physalia.transport.pairs import ANN, BOB, RING


@define
class Ears:
    """An owner that writes down what it hears, and lets others wait for it."""

    messages: asyncio.Queue[bytes] = Factory(asyncio.Queue)
    opened_: asyncio.Queue[Connection] = Factory(asyncio.Queue)
    closed_: asyncio.Queue[Connection] = Factory(asyncio.Queue)
    answers: Callable[[bytes], bytes | None] = lambda _message: None

    def opened(self, connection: Connection) -> None:
        self.opened_.put_nowait(connection)

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        for message in messages:
            self.messages.put_nowait(message)
            if (answer := self.answers(message)) is not None:
                connection.send(answer)

    def closed(self, connection: Connection) -> None:
        self.closed_.put_nowait(connection)


@define
class House:
    """A door on a port, the ears behind it, and what was refused."""

    door: Door
    ears: Ears
    refusals: Refusals
    address: Address
    server: asyncio.Server

    async def dial(self, own: Party = ANN, ears: Ears | None = None, ring: KeyRing = RING) -> Connection:
        return await dial(Target(own, self.address, BOB.number), lambda: ring, ears or Ears(), Refusals())

    async def refused(self, kind: str) -> None:
        """Wait until somebody was refused for this."""
        while not self.refusals[kind]:  # type: ignore[index]
            await asyncio.sleep(0)


@asynccontextmanager
async def house(ring: Callable[[], KeyRing] = lambda: RING, port: int = 0, **limits: Any) -> Any:
    ears, refusals = Ears(answers=lambda message: b"echo " + message[:20]), Refusals()
    door = Door(ring, BOB.number, ears, refusals, **limits)
    server = await door.listen(host="127.0.0.1", port=port)
    address = Address(*server.sockets[0].getsockname())
    try:
        yield House(door, ears, refusals, address, server)
    finally:
        server.close()
        door.close()
        await server.wait_closed()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def patient() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(patient())


async def knock(address: Address, *pieces: bytes) -> bytes:
    """Say something that is no proof, and return all that is answered until the end."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
