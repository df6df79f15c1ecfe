"""Reaching a server, and reaching it again after a random wait, from a window that grows by failures (full jitter)."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import IPv6Address
from typing import NamedTuple, NoReturn

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from physalia.transport.connection import Connection, Owner
from physalia.transport.handshake import NONCE_BYTES, SPOKEN, Dialer, Party, Versions
from physalia.transport.keys import Ring
from physalia.transport.limits import HANDSHAKE_S
from physalia.transport.refused import Refusals, Refused
from physalia.transport.session import Session

FIRST_WINDOW_S = 0.05
LAST_WINDOW_S = 1.0


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`host:port`, or `[host]:port`. Raises `ValueError`, with a phrase that says what is expected."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) >= 1 << 16:
            raise ValueError("expected host:port, such as 127.0.0.1:7400")
        if not _can_be_asked_for(host):
            raise ValueError(f"{host!a} is no name of a machine; expected host:port, such as 127.0.0.1:7400")
        return cls(host, int(port))


def _can_be_asked_for(host: str) -> bool:
    """Whether a host may be a name at all, or an address. Others would be noticed late, and some as a `TypeError`."""
    try:
        if ":" in host:
            IPv6Address(host)
        host.encode("idna")
    except ValueError:
        return False
    return host.isprintable() and not any(one.isspace() or one in "/@?#" for one in host)


class Unproved(ConnectionError):
    """Somebody answered at an address, and no handshake came of it; the message is a phrase."""


class Target(NamedTuple):
    """Who dials, and whom: server `number` at an address; any server that answers there, if that is 0.

    `versions` of the protocol are offered to it.
    """

    own: Party
    address: Address
    number: int
    versions: Versions = SPOKEN


async def dial(target: Target, ring: Ring, owner: Owner, refusals: Refusals) -> Connection:
    """A connection whose other side has proved who it is. Raises `OSError` if there is none."""
    known = ring()
    try:
        session = Session(Dialer(known, target.own, target.number, os.urandom(NONCE_BYTES), target.versions))
    except Refused as refused:
        refusals[refused.kind] += 1
        raise ConnectionError(f"the ring has no key for a {target.own.role}") from None
    loop = asyncio.get_running_loop()
    context = None if known.tls is None else known.tls.dialing
    connection = Connection(session, owner, refusals)
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            await loop.create_connection(lambda: connection, *target.address, ssl=context)
    except BaseException:
        connection.unmade()  # some loops want it before anybody is reached, and then nobody was slow
        raise
    try:
        await asyncio.wait([connection.is_open])
    except asyncio.CancelledError:
        connection.abort()
        raise
    if connection.is_open.cancelled():
        raise Unproved(
            f"{target.address} did not prove that it is a server of this colony: it has other keys, or is gone"
        )
    return connection


async def keep_dialing(
    target: Target,
    ring: Ring,
    owner: Owner,
    refusals: Refusals,
    gone: Callable[[], None] = lambda: None,
    back: asyncio.Event | None = None,
) -> NoReturn:
    """Be connected with a server for ever, as far as that is possible. It ends by being cancelled.

    `gone` is called when nobody listens any more where it was reached before: its machine answers, and it has ended.
    Whoever hears of it by itself sets `back`: then it is dialled at once.
    """
    was_reached, back = False, back or asyncio.Event()
    while True:
        async for attempt in AsyncRetrying(
            sleep=partial(_sleep, back),
            wait=wait_random_exponential(multiplier=FIRST_WINDOW_S, max=LAST_WINDOW_S),
            retry=retry_if_exception_type(OSError),
        ):
            with attempt:
                try:
                    connection = await dial(target, ring, owner, refusals)
                except ConnectionRefusedError:
                    if was_reached:
                        was_reached = False
                        gone()
                    raise
        was_reached = True
        try:
            await asyncio.wait([connection.is_closed])
        except asyncio.CancelledError:
            connection.close()
            raise
        await asyncio.sleep(random.uniform(0.0, FIRST_WINDOW_S))  # noqa: S311  # it only spreads who comes back


async def _sleep(back: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until it is back."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await back.wait()
    back.clear()
