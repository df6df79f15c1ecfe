"""The client: asks for commands, follows leaders, and tries again, after random waits (R12), until a deadline.

What a command says is nothing to it. It must be one that may be asked for again: a cell knows a command by the name of
its request, and answers the second time what it answered the first (design rule R6).
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, NamedTuple, Self, TypeVar

from attrs import Factory, define, frozen
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from physalia.client.errors import Closed, Malformed, OutcomeUnknown, Overloaded, Unavailable
from physalia.client.link import Link, Said
from physalia.client.partition import Partition
from physalia.client.places import Keys, Places, addresses_of, ring_of
from physalia.model import (
    Asked,
    CellId,
    Decline,
    DeclineReason,
    Elsewhere,
    Execute,
    Find,
    Read,
    Reply,
    Request,
    RequestId,
    StoreReply,
    Traffic,
    Verdict,
    Where,
    Write,
    cell_of,
)
from physalia.transport import CLIENT, Address, Party, Refusals, Unproved
from physalia.wire import decode_reply, decode_verdict, encode_command

DEADLINE_S = 10.0
ATTEMPT_S = 1.0
"""How long one attempt may take before another one is made, perhaps elsewhere."""
FIRST_WINDOW_S = 0.02
LAST_WINDOW_S = 1.0
MOST_HOPS = 3
"""How often in a row a client follows a hint to a leader without waiting."""


class _Again(Exception):
    """An attempt came to nothing; another one may help."""


@define
class _Effort:
    """What the attempts at one command amount to: how many of them may yet be done, and whether a cell was full.

    Since `full_since_s` nothing else was heard of whoever is asked.
    """

    uncertain: int = 0
    was_full: bool = False
    full_since_s: float | None = None
    missed: str = ""
    """Why a server could not be asked, last of all."""
    in_vain: set[Address] = Factory(set)
    """Who could not be reached, or is no help, since somebody last was."""
    lacks_majority: bool = False
    """Whether one of these says that too few members of the cell are there."""
    asked: "dict[asyncio.Future[Said], Address]" = Factory(dict)
    """Whom was asked and has not answered yet: what comes later than an attempt lasts is an answer all the same."""

    def end(self) -> None:
        """Nobody waits any more."""
        for one in self.asked:
            if not one.cancel() and not one.cancelled():
                one.exception()  # whoever was asked is gone, which nobody needs to know now
        self.asked.clear()

    def declined(self, address: Address, reason: DeclineReason) -> None:
        """Whoever may lead, or may come to it, is a help; who knows no such cell, or lacks a majority, is none."""
        if reason not in ("no majority", "unknown cell"):
            self.lacks_majority = False
            self.in_vain.clear()
            return
        self.lacks_majority |= reason == "no majority"
        self.in_vain.add(address)

    def is_hopeless(self, known: Iterable[Address]) -> bool:
        """Whether all that are known were asked in vain, of whom one says why, and nothing may have been done."""
        return self.lacks_majority and not self.uncertain and self.in_vain.issuperset(known)

    def is_full_for_long(self, now_s: float) -> bool:
        """It is full once more. For long, if an attempt would have been given up: it may be cut off from the others."""
        if self.full_since_s is None or now_s - self.full_since_s < ATTEMPT_S:
            self.full_since_s = now_s if self.full_since_s is None else self.full_since_s
            return False
        self.full_since_s = None
        return True


A = TypeVar("A", bound=Said)


@frozen
class _Question(Generic[A]):
    """What is asked of a cell, what kind of thing answers it, and the only one to be asked, if there is one."""

    cell: CellId
    make: Callable[[int], Traffic]
    answer: type[A]
    at: Address | None = None


class Told(NamedTuple):
    """What a cell answered, and whether that was to the only attempt that may have been done."""

    answer: bytes
    is_only: bool


class AsyncClient:
    """A client of a colony, of which it knows some `addresses`. `name` is random, so that no other client has it.

    Addresses are `host:port`, or all of them together `physalia://host:port,host:port`. `keys` is a ring, or the path
    of a file of keys, by default the one that `PHYSALIA_KEYS` names. `caches` are asked where cells are that the client
    does not know. `own` is who comes. To be used as an asynchronous context manager, in one event loop until it is
    closed; it may be entered again in another one.
    """

    def __init__(
        self,
        addresses: str | Iterable[str],
        keys: Keys = None,
        deadline_s: float = DEADLINE_S,
        *,
        caches: str | Iterable[str] = (),
        own: Party = CLIENT,
    ) -> None:
        """Raises `ValueError` if there is no address, or if one is none, or if nobody names keys, and `BadKeys`."""
        self.places = Places(addresses_of(addresses))
        self.name = f"client-{secrets.token_hex(16)}"
        self.refusals = Refusals()
        self._caches = addresses_of(caches) if caches else []
        self._next_cache = 0
        self._ring, self.deadline_s, self._own = ring_of(keys, own.role), deadline_s, own
        self._requests = 0
        self._opened = 0
        self._partitions: dict[CellId, Partition] = {}
        self._links: dict[Address, asyncio.Task[Link]] = {}
        self._closed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        if self._closed.is_set():
            self._closed = asyncio.Event()  # the old one is of the loop in which it was waited for
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections, and ask for nothing any more until it is entered again.

        Who waits for an answer is told `OutcomeUnknown`, or `Unavailable` if nothing was done.
        """
        self._closed.set()
        loop = asyncio.get_running_loop()
        links = [task for task in self._links.values() if task.get_loop() is loop]  # others went with their loop
        self._links = {}
        for task in links:
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
            else:
                task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def partition(self, key: str | CellId) -> Partition:
        """The database of a partition key; a number is the name of its cell. Raises `ValueError` for what is none."""
        cell = cell_of(key)
        known = self._partitions.get(cell)
        if known is None:
            known = self._partitions[cell] = Partition(self, cell)
        return known

    def request(self) -> RequestId:
        """A name for a new command, which no other command has."""
        self._requests += 1
        return RequestId(self.name, self._requests)

    async def write(self, cell: CellId, expects: int, primary: str, replica: str) -> Verdict:
        """Set a volume's primary and replica, if its version is `expects`. Raises what `submit` raises."""
        return await self.submit(cell, Write(self.request(), expects, primary, replica))

    async def read(self, cell: CellId) -> Verdict:
        """A volume's record as it is now. Takes no slot of the log (design rule R7). Raises what `submit` raises."""
        return await self.submit(cell, Read(self.request()))

    async def submit(self, cell: CellId, command: Asked, deadline_s: float | None = None) -> Verdict:
        """The verdict on a command. Raises what `ask` raises."""
        return decode_verdict(await self.ask(cell, encode_command(command), deadline_s))

    async def execute(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> StoreReply:
        """The store's reply to a command; `physalia.errors.error` tells what it means. Raises what `ask` raises."""
        return decode_reply(await self.ask(cell, encode_command(command), deadline_s))

    async def ask(self, cell: CellId, command: bytes, deadline_s: float | None = None) -> bytes:
        """What a cell answers to a command, both of which are opaque here.

        Raises `Unavailable` or `Overloaded` if it was certainly not done by the deadline, `OutcomeUnknown` if that
        cannot be known, and `Malformed`.
        """
        return (await self._told(cell, command, self.deadline_s if deadline_s is None else deadline_s)).answer

    async def told(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        """As `execute`; also whether no other attempt was made that may have been done."""
        limit_s = self.deadline_s if deadline_s is None else deadline_s
        told = await self._told(cell, encode_command(command), limit_s)
        return decode_reply(told.answer), told.is_only

    async def _told(self, cell: CellId, command: bytes, limit_s: float) -> Told:
        question = _Question(cell, lambda number: Request(number, cell, command), Reply)
        effort = _Effort()
        with suppress(TimeoutError):
            said, _ = await self._answered(question, effort, limit_s)
            return Told(said.verdict, effort.uncertain == 1)
        when = self._until(limit_s)
        if effort.uncertain:
            raise OutcomeUnknown(f"cell {cell} did not answer {when}, and may have done it, or do it yet.")
        if self._closed.is_set():
            raise Closed(f"no leader of cell {cell} was found {when}; nothing was done.")
        if effort.was_full:
            raise Overloaded(f"cell {cell} had too much to do for {round(limit_s, 2)} s; nothing was done.")
        raise Unavailable(f"no leader of cell {cell} was found {when}; nothing was done.{effort.missed}")

    async def look(
        self, cell: CellId, make: Callable[[int], Traffic], answer: type[A], at: Address | None = None
    ) -> tuple[A, Address]:
        """What a server shows of a cell, and which one does. Only that at an address is asked, if one is given.

        Raises `Unavailable`, `Overloaded` and `Malformed`; nothing was changed.
        """
        effort = _Effort()
        with suppress(TimeoutError):
            return await self._answered(_Question(cell, make, answer, at), effort, self.deadline_s)
        if self._closed.is_set():
            raise Closed(f"no server showed what is in cell {cell} {self._until(self.deadline_s)}.")
        if effort.was_full:
            raise Overloaded(f"cell {cell} had too much to do for {self.deadline_s} s.")
        raise Unavailable(f"no server showed what is in cell {cell} {self._until(self.deadline_s)}.{effort.missed}")

    def _until(self, limit_s: float) -> str:
        """Until when it was tried."""
        return "before the client was closed" if self._closed.is_set() else f"within {round(limit_s, 2)} s"

    async def _answered(self, question: _Question[A], effort: _Effort, limit_s: float) -> tuple[A, Address]:
        """The answer, and who gave it, after as many attempts as it takes.

        Raises `TimeoutError`, `Malformed`, and `Closed` if the client is in use in another event loop.
        """
        self._must_be_of_this_loop()
        try:
            async with asyncio.timeout(limit_s):
                with suppress(_Again):  # nearly always the only attempt, and a plan for others costs as much as it does
                    return await self._attempt(question, effort)
                await asyncio.sleep(random.uniform(0, FIRST_WINDOW_S))  # noqa: S311  # it only spreads who comes back
                async for attempt in _attempts(2 * FIRST_WINDOW_S, self._pause):
                    with attempt:
                        return await self._attempt(question, effort)
        finally:
            effort.end()
        raise AssertionError("there is always another attempt")

    def _must_be_of_this_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._links and not self._closed.is_set():
            raise Closed(
                "this client has connections in another event loop, and nothing was done: close it there, or make one "
                "for each loop."
            )
        if not self._closed.is_set():
            self._closed = asyncio.Event()
        self._loop = loop

    async def _attempt(self, question: _Question[A], effort: _Effort) -> tuple[A, Address]:
        """Ask one server, and those to which hints lead from there.

        Raises `_Again`, `Malformed`, and `TimeoutError` if the client is closed.
        """
        if self._closed.is_set():
            raise TimeoutError
        cell = question.cell
        await self._look_up(cell)
        for _ in range(MOST_HOPS):
            address = self.places.address(cell) if question.at is None else question.at
            said, address = await self._said(question, address, effort)
            if isinstance(said, question.answer):
                self.places.answered(cell, address)
                return said, address
            if isinstance(said, Elsewhere):
                effort.uncertain -= 1
                if question.at is not None or not self._follow(cell, said):
                    break
                continue
            if not isinstance(said, Decline):
                raise Malformed(f"the server at {address} answers something else than it was asked.")
            effort.uncertain -= 1
            effort.declined(address, said.reason)
            if effort.is_hopeless(self.places.everybody(cell)):
                raise Unavailable(f"cell {cell} has no majority: too few of its members are there; nothing was done.")
            if said.reason == "malformed":
                raise Malformed(f"the server at {address} does not understand what it was asked.")
            if said.reason == "not allowed":
                raise Malformed(f"the server at {address} does not let a client ask for this.")
            effort.was_full |= said.reason == "pipeline full"
            if said.reason in ("pipeline full", "busy"):
                if effort.is_full_for_long(asyncio.get_running_loop().time()):
                    self.places.turn_away(cell)
                break
            effort.full_since_s = None
            if not self.places.hinted(cell, said.leader):
                self.places.turn_away(cell)
                break
        raise _Again

    async def _look_up(self, cell: CellId) -> None:
        """Ask a cache where a cell is, if this client does not know, or knows only where nobody answers."""
        if not self._caches or not self.places.is_lost(cell):
            return
        for _ in self._caches:
            address = self._caches[self._next_cache]
            try:
                async with asyncio.timeout(ATTEMPT_S):
                    said = await (await self._link(address)).ask(lambda number: Find(number, cell))
            except OSError:  # it is gone, or says nothing: the next one may know, at the next attempt
                self._next_cache = (self._next_cache + 1) % len(self._caches)
                return
            known = said.known if isinstance(said, Where) else None
            if known is not None and known.cell == cell and self.places.learn(known):
                return
            self._next_cache = (self._next_cache + 1) % len(self._caches)  # it knows nothing new: it may be new itself

    def _follow(self, cell: CellId, said: Elsewhere) -> bool:
        """The cell has moved on from this server (design rule R11); whether that is news to this client."""
        if said.known.cell == cell and self.places.learn(said.known):
            return True
        self.places.turn_away(cell)
        return False

    async def _said(self, question: _Question[A], address: Address, effort: _Effort) -> tuple[Said, Address]:
        """What a server says, and which. From when it is asked until it declines, the command may be done.

        It may be the answer of one that was asked in an earlier attempt: on slow disks it comes later than that.
        """
        try:
            asked = (await self._link(address)).ask(question.make)
        except OSError as error:
            effort.missed = f" {error}." if isinstance(error, Unproved) else ""
            effort.in_vain.add(address)
            self.places.turn_away(question.cell)
            raise _Again from None
        effort.uncertain += 1
        effort.asked[asked] = address
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + ATTEMPT_S
        while asked in effort.asked and (left_s := until_s - now_s()) > 0:
            done, _ = await asyncio.wait(effort.asked, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                at = effort.asked.pop(one)
                if one.cancelled() or one.exception() is not None:  # the connection is gone
                    continue
                said = one.result()
                if one is asked or isinstance(said, question.answer):
                    return said, at
                effort.uncertain -= isinstance(said, Decline | Elsewhere)
        self.places.turn_away(question.cell)
        raise _Again

    async def _link(self, address: Address) -> Link:
        """The connection to a server; it is dialled once, whoever asks. Raises `OSError`."""
        task = self._links.get(address)
        if task is None or _is_over(task):
            if self._closed.is_set():
                raise ConnectionError("the client was closed")
            task = asyncio.ensure_future(Link.to(address, self._ring, self.refusals, self._own))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever asked may have left
            self._links[address] = task
        if not task.done() and not (await asyncio.wait([task], timeout=ATTEMPT_S))[0]:
            raise ConnectionError("nobody answers there yet")  # it is dialled on, and others are asked meanwhile
        if task.cancelled():  # by whoever closed the client, and not by whoever asks
            raise ConnectionError("the client was closed")
        return task.result()

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the client is closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    def session_name(self) -> str:
        """A name that no other session anywhere has."""
        self._opened += 1
        return f"{self.name}/{self._opened}"


def _attempts(first_window_s: float, pause: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
    """Again and again, after a random wait from a window that doubles (R12)."""
    return AsyncRetrying(
        sleep=pause,
        wait=wait_random_exponential(multiplier=first_window_s, max=LAST_WINDOW_S),
        retry=retry_if_exception_type(_Again),
    )


def _is_over(task: "asyncio.Task[Link]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None or task.result().is_gone)
