"""The database of one partition key, as its clients use it: one cell, strictly serializable, exactly once.

Every change is one transaction of the cell's log, in a session of the client, so it may be asked for again as often as
it takes (design rule R6). Reads cost no place in the log (R7): the leader asks the others whether it still leads, and
shows what is true now. Those that may be stale any node shows at once, a consistent prefix of the log, never an older
one than this partition object has seen before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Literal, Protocol, TypeAlias, TypeVar

from attrs import frozen

from physalia.client.leases import Lease
from physalia.client.link import Said
from physalia.client.session import Executes, unknown_still
from physalia.client.session import Session as OneSession
from physalia.client.sessions import Left, Session, Sessions
from physalia.errors import InvalidRequest, OutcomeUnknown, PhysaliaError, Unavailable, error
from physalia.model import (
    Add,
    CellId,
    Condition,
    Delete,
    Done,
    Execute,
    Failed,
    Get,
    Look,
    Operation,
    Page,
    Put,
    Refused,
    RequestId,
    Scan,
    ScannedAt,
    Seen,
    Slot,
    StoreReply,
    Token,
    Traffic,
    Transact,
    Transaction,
    Value,
)
from physalia.model import Item as Stored
from physalia.store import LIMITS, VERSION, refusal
from physalia.transport import Address
from physalia.wire import CodecError

Consistency: TypeAlias = Literal["strict", "eventual"]
Conditions: TypeAlias = Condition | Iterable[Condition]
A = TypeVar("A", bound=Said)


class Colony(Executes, Protocol):
    """Whoever reaches cells: a client. `deadline_s` is how long it tries if nobody says for how long."""

    deadline_s: float

    def session_name(self) -> str:
        """A name that no other session anywhere has."""

    async def told(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        """As `execute`; also whether no other attempt was made that may have been done."""

    async def look(
        self, cell: CellId, make: Callable[[int], Traffic], answer: type[A], at: Address | None = None
    ) -> tuple[A, Address]:
        """What a server shows of a cell, and which one does. Only that at an address is asked, if one is given."""


@frozen
class Item:
    """What is under a key, and its version: the place in the log of the command that last put it there."""

    key: str
    value: Value
    version: Slot


@frozen
class Outcome:
    """What a transaction came to: whether its conditions held, and the item under the key of each operation after it.

    `failed` has each condition that did not hold, with what was there. `version` is that of what was changed.
    """

    succeeded: bool
    results: tuple[Item | None, ...]
    failed: tuple[Failed, ...]
    version: Slot


class Partition:
    """The database of a cell. All errors are of `physalia.errors`; `seen` is the newest state that was shown here."""

    def __init__(self, colony: Colony, cell: CellId) -> None:
        self.cell = cell
        self.seen: Slot = 0
        self._colony = colony
        self._sessions = Sessions(lambda command, left_s: colony.told(cell, command, left_s), colony.session_name)

    async def get(self, key: str, consistency: Consistency = "strict") -> Item | None:
        """The item under a key, None if there is none. An `eventual` one may be old."""
        return (await self.look(key, consistency=consistency))[0]

    async def peek(self, *keys: str) -> tuple[Item | None, ...]:
        """Items as some node knows them, all of one moment, and of no earlier one than was seen here before."""
        return await self.look(*keys, consistency="eventual")

    async def look(self, *keys: str, consistency: Consistency = "strict") -> tuple[Item | None, ...]:
        """Items as they all are at one moment: now, or, if it is `eventual`, no earlier than what was seen before."""
        is_strict = _is_strict(consistency)
        reading = Transaction(then=tuple(map(Get, keys)))
        refused = refusal(
            Execute(RequestId("", 1), VERSION, Transact(1, reading))
        )  # everybody would say the same of it
        if refused is not None:
            raise error(refused) or PhysaliaError("this is refused for no reason")
        said, _ = await self._shown(lambda number: Look(number, self.cell, self.seen, keys, is_strict), Seen)
        if len(said.items) != len(keys):
            raise PhysaliaError("a server shows something else than it was asked for")
        self.seen = max(self.seen, said.slot)
        return tuple(_item(key, item) for key, item in zip(keys, said.items, strict=True))

    async def put(self, key: str, value: Value, if_: Conditions = ()) -> Item:
        """Put a value under a key. Raises `ConditionFailed` and changes nothing if a condition does not hold."""
        item = await self._one(Put(key, value), if_)
        assert item is not None
        return item

    async def delete(self, key: str, if_: Conditions = ()) -> None:
        """Leave nothing under a key. Raises as `put`."""
        await self._one(Delete(key), if_)

    async def increment(self, key: str, by: int = 1, if_: Conditions = ()) -> Item:
        """Add to the integer under a key. Raises as `put`, and `InvalidRequest` where there is no integer."""
        item = await self._one(Add(key, by), if_)
        assert item is not None
        return item

    async def transact(
        self,
        if_: Conditions = (),
        then: Iterable[Operation] = (),
        else_: Iterable[Operation] = (),
        deadline_s: float | None = None,
    ) -> Outcome:
        """If all conditions hold, do `then`, otherwise `else_`: all of it or nothing. Neither outcome is an error.

        `deadline_s` is for all of it: also for a session that is opened first, and for the turn among other requests.
        """
        conditions = tuple(if_) if isinstance(if_, Iterable) else (if_,)
        transaction = Transaction(conditions, tuple(then), tuple(else_))
        return self._outcome(transaction, await self._transacted(transaction, deadline_s))

    async def again(self, unknown: OutcomeUnknown, deadline_s: float | None = None) -> Outcome:
        """Ask once more for what may be done: it is not done twice, and the outcome is that of the first time.

        Raises the error itself if it names no request, and `OutcomeUnknown` as long as nobody can be asked: that it was
        not done this time says nothing of the first time.
        """
        command = unknown.command
        if command is None or not isinstance(command.body, Transact):
            raise unknown
        try:
            reply, _ = await self._in(command, deadline_s)
        except Unavailable as declined:  # this time; what became of the first time nobody said
            raise unknown_still(command, declined) from None
        if _is_expired(reply):
            raise OutcomeUnknown(f"cell {self.cell} forgot the session, and may have done it before: read first.")
        return self._outcome(command.body.transaction, reply)

    def lease(self, key: str, duration_s: float, wait_s: float | None = None) -> Lease:
        """A lock under the key, as a context manager: `async with volume.lease("attach", duration_s=10) as lease`.

        It has a session of its own, so that it does not wait for what is asked here. `wait_s` is how long to wait for
        the lock, None for ever. Raises `ValueError` for a length that no lease has.
        """
        return Lease(OneSession(self._colony, self.cell), key, duration_s, wait_s)

    async def scan(
        self, prefix: str = "", *, page_items: int = LIMITS.page_items, consistency: Consistency = "strict"
    ) -> AsyncIterator[Item]:
        """The items whose keys begin with a prefix, by key: all as they were at one moment, after the scan began.

        If it is `eventual`, that moment is no earlier than what was seen here before. All pages are shown by one node.
        Raises `Unavailable` if it does not remember that moment any more, or is gone: begin again.
        """
        is_strict, page, at = _is_strict(consistency), None, None
        while True:
            found, at = await self._page(prefix, page_items, page, is_strict=is_strict, at=at)
            for key, item in found.items:
                yield Item(key, item.value, item.version)
            page = found.token
            if page is None:
                return

    async def _page(
        self, prefix: str, most_items: int, page: Token | None, *, is_strict: bool, at: Address | None
    ) -> tuple[Page, Address]:
        said, by = await self._shown(
            lambda number: Scan(number, self.cell, self.seen, prefix, most_items, page, is_strict), ScannedAt, at
        )
        if isinstance(said.page, Refused):
            raise error(said.page) or PhysaliaError("a server refuses a page and says no reason")
        token = said.page.token  # all that a server says of the moment that is older than version 5 of the protocol
        self.seen = max(self.seen, said.slot, 0 if token is None else token.slot)
        return said.page, by

    async def _shown(
        self, make: Callable[[int], Traffic], answer: type[A], at: Address | None = None
    ) -> tuple[A, Address]:
        try:
            return await self._colony.look(self.cell, make, answer, at)
        except CodecError as wrong:
            raise InvalidRequest(f"this cannot be asked: {wrong}") from None

    async def _one(self, operation: Operation, if_: Conditions) -> Item | None:
        """One operation, all or nothing. Raises `ConditionFailed`."""
        conditions = tuple(if_) if isinstance(if_, Iterable) else (if_,)
        outcome = await self.transact(if_=conditions, then=(operation,))
        if not outcome.succeeded:
            problem = error(Done(outcome.version, False, (), outcome.failed))
            assert problem is not None
            raise problem
        return outcome.results[0]

    def _outcome(self, transaction: Transaction, reply: StoreReply) -> Outcome:
        if not isinstance(reply, Done):
            raise (error(reply) if isinstance(reply, Refused) else None) or PhysaliaError(f"{reply} is no outcome")
        operations = transaction.then if reply.succeeded else transaction.else_
        if len(reply.results) != len(operations):
            raise PhysaliaError("the cell answers something else than it was asked for")
        self.seen = max(self.seen, reply.version)
        results = tuple(_item(each.key, item) for each, item in zip(operations, reply.results, strict=True))
        return Outcome(reply.succeeded, results, reply.failed, reply.version)

    async def _transacted(self, transaction: Transaction, deadline_s: float | None) -> StoreReply:
        left = self._left(deadline_s)
        async with self._sessions.one(left) as session:
            reply, is_only = await self._in(_next(session, transaction), left())
            if not _is_expired(reply):
                return reply
            if not is_only:
                raise OutcomeUnknown(f"cell {self.cell} forgot the session, and may have done it before: read first.")
            await self._sessions.renew(session, left)
            reply, _ = await self._in(_next(session, transaction), left())
            return reply

    def _left(self, deadline_s: float | None) -> Left:
        """How much time is left from now on."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + (self._colony.deadline_s if deadline_s is None else deadline_s)
        return lambda: max(0.0, until_s - now_s())

    async def _in(self, command: Execute, deadline_s: float | None) -> tuple[StoreReply, bool]:
        refused = refusal(command)  # everybody would say the same of it
        if refused is not None:
            return refused, True
        try:
            return await self._colony.told(self.cell, command, deadline_s)
        except OutcomeUnknown as unknown:
            unknown.command = command
            raise


def _is_strict(consistency: Consistency) -> bool:
    """Raises `InvalidRequest` for a word that is neither: whoever slips must not read what is old without knowing."""
    if consistency not in ("strict", "eventual"):
        raise InvalidRequest(f"a read is strict or eventual, and not {consistency!r}")
    return consistency == "strict"


def _next(session: Session, transaction: Transaction) -> Execute:
    return Execute(session.request(), VERSION, Transact(session.slot, transaction))


def _is_expired(reply: StoreReply) -> bool:
    return isinstance(reply, Refused) and reply.fault == "session expired"


def _item(key: str, item: Stored | None) -> Item | None:
    return None if item is None else Item(key, item.value, item.version)
