"""A lease as a context manager: wait for the lock, hold it, renew it, give it back (design rule R13).

    async with volume.lease("attach", duration_s=10) as lease:
        ...
        await volume.put("primary", b"node-b", if_=[lease.holds()])

Whoever holds it may be paused for long, and not notice. So what matters is done under the condition `holds`, which the
store judges at the moment at which it does it; `left_s` only tells when to stop hoping.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from physalia.client.session import Session
from physalia.errors import Closed, InvalidRequest, OutcomeUnknown, PhysaliaError, SessionExpired, Unavailable
from physalia.lease import LONGEST_NS, Contender, NotALease, boottime_ns
from physalia.model import Done, Get, HasVersion, Item, Transaction

NS = 10**9
RENEW_AFTER = 3
"""A lease is renewed when a third of it is over: two thirds are left to find a leader who has time."""
PAUSE_S = 0.05
"""How long the holder waits after a renewal that came to nothing."""


class Lease:
    """A lock that ends by itself, at most `duration_s` after nobody renews it. To be used once, as a context manager.

    `wait_s` is how long to wait for the lock; None for ever. `session` must be for this lease alone, since its
    renewals must not wait behind anything. Raises `ValueError` for a length that no lease has.
    """

    def __init__(
        self,
        session: Session,
        key: str,
        duration_s: float,
        wait_s: float | None = None,
        clock: Callable[[], int] = boottime_ns,
    ) -> None:
        if not 0 < duration_s <= LONGEST_NS / NS:
            raise ValueError(f"duration_s of a lease is above 0, and at most {LONGEST_NS // NS}, not {duration_s}")
        self.key = key
        self._session, self._clock, self._wait_s = session, clock, wait_s
        length_ns = max(1, round(duration_s * NS))
        self._contender = Contender(key, f"holder-{secrets.token_hex(16)}", length_ns)
        self._renewing: asyncio.Task[None] | None = None
        self._withdrawing: asyncio.Task[None] | None = None
        self._leaving = asyncio.Event()

    @property
    def left_s(self) -> float:
        """For how long the lock is held yet, if nothing renews it; 0 if it is held no more."""
        return self._contender.left_ns(self._clock()) / NS

    def holds(self) -> HasVersion:
        """The condition that the lock is still held as it was when it was last renewed, for what must not go wrong.

        A renewal makes another version: a transaction under an older condition fails, and is to be asked anew.
        """
        return HasVersion(self.key, self._contender.saw)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._wait_s):
                while not self._contender.left_ns(self._clock()):
                    await self._come_closer()
        except BaseException as left:  # also of whoever is told to hurry
            if self._contender.asked is not None and not isinstance(left, PhysaliaError):  # after those it was not done
                self._withdrawing = asyncio.ensure_future(self._withdraw())
            if not isinstance(left, TimeoutError):
                raise
            raise Unavailable(f"the lease {self.key!r} was not to be had within {self._wait_s} s") from None
        self._renewing = asyncio.ensure_future(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        if self._renewing is not None:
            try:
                await asyncio.wait({self._renewing}, timeout=self.left_s)
            finally:
                self._renewing.cancel()  # also if whoever leaves is told to hurry: nobody else ends it
            await asyncio.gather(self._renewing, return_exceptions=True)
        await self._give_back()

    async def _give_back(self) -> None:
        left_s = self.left_s
        given_back = self._contender.release(self._clock())
        if given_back is not None:
            with suppress(PhysaliaError):  # it ends by itself
                await self._session.ask(given_back, left_s)

    async def _withdraw(self) -> None:
        """Give back what was asked for and may be got yet, for somebody who waits for it no more.

        Else nobody could have it for three times its length. Who withdraws does not wait for this.
        """
        one = self._contender
        with suppress(PhysaliaError, TimeoutError):
            async with asyncio.timeout((one.length_ns - one.since_ns(self._clock())) / NS):
                while (wanted := one.repeat()) is not None:
                    await self._ask(wanted)
                    await self._pause(PAUSE_S if one.asked is not None else 0.0)
        await self._give_back()

    async def _come_closer(self) -> None:
        """Ask for the lock, or wait for whoever has it, and look whether that goes on."""
        one = self._contender
        if (wanted := one.ask(self._clock()) or one.repeat()) is not None:
            await self._ask(wanted)
            return
        wait_s = one.wait_ns(self._clock()) / NS
        await asyncio.sleep(min(wait_s, max(wait_s / 8, PAUSE_S)))
        self._see(await self._look())

    async def _renew(self) -> None:
        """Renew it until it is lost. Whoever lost it asks for it no more: its user would not know of a gap."""
        one = self._contender
        while (left_ns := one.left_ns(self._clock())) > 0 and not self._leaving.is_set():
            later_ns = left_ns - one.length_ns * (RENEW_AFTER - 1) // RENEW_AFTER
            if later_ns > 0:
                await self._pause(later_ns / NS)
            elif (wanted := one.ask(self._clock()) or one.repeat()) is not None:
                try:
                    await self._ask(wanted, left_ns / NS)
                except PhysaliaError:
                    await self._pause(PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the user leaves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()

    async def _ask(self, wanted: Transaction, deadline_s: float | None = None) -> None:
        """Ask for it; as long as nobody knows what became of that, ask the very same again."""
        try:
            done = await self._session.ask(wanted, deadline_s)
        except OutcomeUnknown as unknown:
            done = await self._until_known(unknown)
        except SessionExpired:
            self._see(await self._look())
            return
        self._see(_seen(done))

    async def _until_known(self, unknown: OutcomeUnknown) -> Done:
        """What became of it. Raises `OutcomeUnknown` if the client was closed, and what `again` raises."""
        while True:
            try:
                return await self._session.again(unknown)
            except OutcomeUnknown as still:
                if isinstance(still.__cause__, Closed):  # nobody will ever know
                    raise
            await self._pause(PAUSE_S)  # it may be declined without any wait, and others of this loop have work to do

    async def _look(self) -> Item | None:
        done = await self._session.ask(Transaction(then=(Get(self.key),)))
        return done.results[0]

    def _see(self, item: Item | None) -> None:
        try:
            self._contender.see(item, self._clock())
        except NotALease as error:
            raise InvalidRequest(str(error)) from None


def _seen(done: Done) -> Item | None:
    """What was under the key after a request for the lock."""
    return done.results[0] if done.succeeded else done.failed[0].saw
