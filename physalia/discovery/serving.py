"""A cache as a process: servers tell it where cells are, and whoever has a key may ask."""

import asyncio
import signal
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from attrs import frozen

from physalia.discovery.cache import MOST_CELLS, Cache
from physalia.model import Find, Ping, Pong, Push, Traffic, Where
from physalia.transport import Address, Connection, Door, KeyFile, Refusals
from physalia.wire import CodecError, decode_traffic, encode_traffic
from physalia.wire.limits import MAX_NATURAL

REVOKED_EVERY_S = 0.5
MOST_BYTES = 1 << 16
"""So long the settings of a cache may be."""


class BadCache(ValueError):
    """The settings of a cache cannot be used; the message is a sentence."""


@frozen
class CacheSettings:
    """Its number, which no server and no other cache has; where it listens; its keys; and how much it holds."""

    number: int
    listen: Address
    keys: Path
    most_cells: int


class _File(msgspec.Struct, forbid_unknown_fields=True):
    cache: int
    keys: str
    listen: str = "127.0.0.1:7500"
    most_cells: int = MOST_CELLS


def read_cache_settings(path: Path) -> CacheSettings:
    """The settings of a file in TOML; paths are relative to it. Raises `BadCache`."""
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        file = msgspec.convert(_table(data), _File)
        address = Address.parse(file.listen)
    except OSError as error:
        raise BadCache(f"{path} cannot be read ({error.strerror}): name the settings of a cache.") from None
    except ValueError as error:
        raise BadCache(f"{path} cannot be used: {error}.") from None
    except RecursionError:
        raise BadCache(f"{path} cannot be used: it is nested too deep.") from None
    if "\0" in file.keys:
        raise BadCache(f"{path} cannot be used: keys: no path has a zero byte.")
    if not 1 <= file.cache <= MAX_NATURAL or file.most_cells < 1:
        raise BadCache(f"{path} cannot be used: cache is a number from 1 on, and so is most_cells.")
    return CacheSettings(file.cache, address, path.parent / file.keys, file.most_cells)


def _table(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    return tomllib.loads(data.decode("utf-8"))


class Serving:
    """The owner of the connections that come in."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def opened(self, connection: Connection) -> None:
        """Somebody has proved who it is."""

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        """It tells or asks something."""
        for message in messages:
            try:
                said = decode_traffic(message)
            except CodecError:
                connection.refuse("malformed")
                return
            match said:
                case Push(entries) if connection.peer.role == "server":
                    for entry in entries:
                        self.cache.take(entry)
                case Find(number, cell):
                    _say(connection, Where(number, self.cache.find(cell)))
                case Ping(number):
                    _say(connection, Pong(number))
                case _:
                    connection.refuse("role")
                    return

    def closed(self, connection: Connection) -> None:
        """It left."""


def serve(settings: CacheSettings, told: Callable[[str], None]) -> None:
    """Serve until a signal says to end. Raises `BadKeys` and `OSError`."""
    asyncio.run(_serve(settings, KeyFile(settings.keys), told))


async def _serve(settings: CacheSettings, ring: KeyFile, told: Callable[[str], None]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    door = Door(ring, settings.number, Serving(Cache(settings.most_cells)), Refusals())
    with closing(await door.listen(host=settings.listen.host, port=settings.listen.port)):
        told(f"cache {settings.number} listens at {settings.listen}")
        said = ""
        while not stop.is_set():
            door.close_revoked()
            if ring.fault and ring.fault != said:
                told(f"the keys are not taken up: {ring.fault}")
            said = ring.fault
            try:
                await asyncio.wait_for(stop.wait(), REVOKED_EVERY_S)
            except TimeoutError:
                continue
    door.close()


def _say(connection: Connection, said: Traffic) -> None:
    connection.send(encode_traffic(said))
