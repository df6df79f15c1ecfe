"""Clients as processes of their own: the real asynchronous client, and what it was told, as a history.

Whatever is asked is an operation of the history, in the words of the model `store`, with its moments in the order in
which things happened. A client that is told nothing leaves an operation that never ends; so does one that is told that
nobody knows.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, Self

from attrs import Factory, define

from conformance.histories.checker import Budget
from conformance.histories.history import History, value
from conformance.histories.judging import Judged, judge
from conformance.histories.models import Model
from conformance.histories.reading import Event, pair
from conformance.histories.store_model import Store
from conformance.refutation import Refuted
from conformance.shell.process import Process
from conformance.shell.unrest.cancelling import Interrupted, Interruption
from physalia.client import AsyncClient
from physalia.client.leases import Lease
from physalia.client.partition import Item, Partition
from physalia.errors import InvalidRequest, LimitExceeded, PhysaliaError, Unavailable, WrongCell
from physalia.model import Absent, Add, Compare, Condition, Delete, Equals, Exists, Get, Operation, Put, Verdict

STORE: Model = Store()
LATE_S = 0.5
"""So much later than its deadline a request may end, by the clock of its client: its last turn comes when it comes."""
NOT_DONE = (Unavailable, LimitExceeded, InvalidRequest, WrongCell)
"""What a client is told of something that was certainly not done. After any other error it may be."""


@define
class Histories:
    """What all clients of a simulation saw, cell by cell."""

    events: dict[int, list[Event]] = Factory(dict)
    line: int = 0
    records: dict[int, int] = Factory(dict)
    """By cell, the newest version of the volume's record of which anybody was told."""
    holders: dict[tuple[int, str], list[tuple[Process, Lease]]] = Factory(dict)
    """By cell and key, who ever had a lock."""

    def note(self, cell: int, process: str, kind: str, said: object) -> None:
        """Something began, or ended, in the order in which it happened."""
        self.line += 1
        self.events.setdefault(cell, []).append(
            Event(line=self.line, process=process, type=kind, f="txn", value=value(said))
        )

    def history(self, cell: int) -> History:
        """That of one cell."""
        return pair(self.events.get(cell, []), STORE, f"cell {cell}")

    def judged(self) -> list[tuple[int, Judged]]:
        """Every history of which something was answered, judged; by situations tried, and not by time."""
        found = []
        for cell in sorted(self.events):
            history = self.history(cell)
            if any(not one.is_open for one in history.operations):
                found.append((cell, judge(history, STORE, Budget())))
        return found


class Running(Protocol):
    """What a client needs of the simulation."""

    histories: Histories

    def run(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Let time pass."""

    def refute(self, refuted: Refuted) -> None:
        """A judge saw a fault."""

    def saw(self, mark: str) -> None:
        """Something was reached."""


class Unanswered(Exception):
    """The simulation went on for a long time, and the client was told nothing."""


class Call:
    """Something that a client has asked for. `said` tells in one word what came of it."""

    def __init__(self, running: Running, task: "asyncio.Task[Any]") -> None:
        self._running, self.task = running, task

    @property
    def is_over(self) -> bool:
        """Whether the client was told."""
        return self.task.done()

    @property
    def said(self) -> str:
        """`done`, `waiting`, `cancelled`, or the name of the error."""
        if not self.task.done():
            return "waiting"
        if self.task.cancelled():
            return "cancelled"
        error = self.task.exception()
        return "done" if error is None else type(error).__name__

    def answer(self, within_s: float = 60.0) -> Any:
        """What the client is told; raises what it is told. Raises `Unanswered` after so much simulated time."""
        if not self._running.run(within_s, self.task.done):
            raise Unanswered(f"after {within_s} s the client was told nothing")
        return self.task.result()

    @property
    def was_cancelled(self) -> bool:
        """Whether it came so far that it was cancelled at the await at which it was to be."""
        work = self.task.get_coro()
        return isinstance(work, Interrupted) and work.was

    def cancel(self) -> None:
        """Whoever asked does not want to know any more."""
        self.task.cancel()


class Asking:
    """A client's process: what is asked here begins, and nobody waits for it."""

    def __init__(self, running: Running, process: Process, client: AsyncClient) -> None:
        self.process, self.client = process, client
        self._running = running
        self._calls = 0
        self._newest: dict[tuple[int, str], int] = {}
        """The newest version that was seen here, by cell and key."""
        self.calls: list[Call] = []

    def gives_up(self, at: int, *, is_late: bool = False) -> Self:
        """What is asked next is cancelled at this await: while it waits, or, if late, when it would go on."""
        self.process.loop.interruptions.append(Interruption(at, is_late))
        return self

    def put(self, key: str, what: object, *, cell: int = 1, if_: tuple[Condition, ...] = ()) -> Call:
        """Put a value under a key."""
        return self.transact(Put(key, what), cell=cell, if_=if_)  # type: ignore[arg-type]

    def get(self, key: str, *, cell: int = 1) -> Call:
        """Read a key, without a place in the log (R7)."""
        return self._begin(cell, {"then": [["read", key]]}, lambda: self._get(self.client.partition(cell), key))

    def add(self, key: str, by: int = 1, *, cell: int = 1) -> Call:
        """Add to an integer."""
        return self.transact(Add(key, by), cell=cell)

    def delete(self, key: str, *, cell: int = 1) -> Call:
        """Leave nothing under a key."""
        return self.transact(Delete(key), cell=cell)

    def transact(
        self, *then: Operation, cell: int = 1, if_: tuple[Condition, ...] = (), else_: tuple[Operation, ...] = ()
    ) -> Call:
        """One transaction; what it returns are the values that were there, or None if a condition did not hold."""
        asked = {
            "if": [_condition(one) for one in if_],
            "then": [_operation(one) for one in then],
            "else": [_operation(one) for one in else_],
        }
        return self._begin(cell, asked, lambda: self._transact(self.client.partition(cell), then, if_, else_))

    def peek(self, key: str, *, cell: int = 1) -> Call:
        """Read what may be old; no operation of the history."""
        return self._in_time(self._peek(self.client.partition(cell), key))

    def lease(self, key: str, duration_s: float, hold_s: float, *, cell: int = 1) -> Call:
        """Have a lock, in the end, and hold it for so long by this client's clock."""
        return self.do(self._hold(cell, key, duration_s, hold_s))

    def write(self, *, cell: int = 1) -> Call:
        """Set the volume's primary and replica, if nobody else has since somebody last was told of them."""
        expects, name = self._running.histories.records.get(cell, 0), self.process.name
        return self._in_time(self._record(cell, lambda: self.client.write(cell, expects, name, name)))

    def record(self, *, cell: int = 1) -> Call:
        """The volume's record as it is now (R7)."""
        return self._in_time(self._record(cell, lambda: self.client.read(cell)))

    def do(self, work: Coroutine[Any, Any, Any]) -> Call:
        """Anything else that a program may do."""
        call = Call(self._running, self.process.loop.create_task(work))
        self.calls.append(call)
        return call

    async def _transact(self, partition: Partition, then: Any, if_: Any, else_: Any) -> tuple[bool, list[object]]:
        outcome = await partition.transact(if_=if_, then=then, else_=else_)
        for item in outcome.results:
            self._saw(partition.cell, item)
        return outcome.succeeded, [None if item is None else item.value for item in outcome.results]

    async def _get(self, partition: Partition, key: str) -> tuple[bool, list[object]]:
        item = await partition.get(key)
        self._saw(partition.cell, item)
        return True, [None if item is None else item.value]

    async def _peek(self, partition: Partition, key: str) -> object:
        newest = self._newest.get((partition.cell, key), 0)
        (item,) = await partition.peek(key)
        if item is not None and item.version < newest:
            what = f"{self.process.name} is shown version {item.version} of {key!r} in cell {partition.cell}"
            self._running.refute(Refuted(f"{what}, after it had seen version {newest} (R7)"))
        self._saw(partition.cell, item)
        return None if item is None else item.value

    async def _hold(self, cell: int, key: str, duration_s: float, hold_s: float) -> None:
        """Nobody may believe in a lock while another one does, whatever their clocks show (R13)."""
        holders = self._running.histories.holders.setdefault((cell, key), [])
        async with self.client.partition(cell).lease(key, duration_s) as lease:
            for process, other in holders:
                if process.is_alive and other._contender.left_ns(round(process.clock_s() * 1e9)):
                    what = f"{self.process.name} holds the lock {key!r} of cell {cell}"
                    self._running.refute(Refuted(f"{what}, while {process.name} still believes in it (R13)"))
            holders.append((self.process, lease))
            self._running.saw("a lock was held")
            await asyncio.sleep(hold_s)
            if not lease.left_s:
                self._running.saw("a lock was lost")

    async def _record(self, cell: int, work: Callable[[], Coroutine[Any, Any, Verdict]]) -> int:
        """Whatever a client is told of the record is as new as what anybody was told before it asked."""
        records = self._running.histories.records
        least = records.get(cell, 0)
        version = (await work()).saw.version
        if version < least:
            what = f"{self.process.name} is told version {version} of the record of cell {cell}"
            self._running.refute(Refuted(f"{what}, after somebody had been told version {least} before it asked (R7)"))
        records[cell] = max(version, records.get(cell, 0))
        return version

    def _saw(self, cell: int, item: Item | None) -> None:
        if item is not None:
            self._newest[cell, item.key] = max(item.version, self._newest.get((cell, item.key), 0))

    def _begin(self, cell: int, asked: dict[str, list[Any]], work: Callable[[], Coroutine[Any, Any, Any]]) -> Call:
        self._calls += 1
        return self._in_time(self._noted(cell, f"{self.process.name}/{self._calls}", asked, work))

    def _in_time(self, work: Coroutine[Any, Any, Any]) -> Call:
        """What comes to its end by the client's deadline, whatever that end is, but for how long it was held back."""
        call, limit_s, process = self.do(work), self.client.deadline_s, self.process
        began_s = process.awake_s()

        def ended(_: object) -> None:
            took_s = process.awake_s() - began_s
            if took_s > limit_s + LATE_S:
                what = f"{process.name} was told {call.said} after {took_s:.1f} s by its clock"
                self._running.refute(Refuted(f"{what}, and it had {limit_s:.1f} s for that"))
            elif took_s >= limit_s:
                self._running.saw("a deadline of a client ended a request")

        call.task.add_done_callback(ended)
        return call

    async def _noted(
        self, cell: int, name: str, asked: dict[str, list[Any]], work: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        note = self._running.histories.note
        note(cell, name, "invoke", asked)
        try:
            succeeded, values = await work()
        except NOT_DONE:
            note(cell, name, "fail", asked)
            raise
        except (PhysaliaError, asyncio.CancelledError):
            note(cell, name, "info", asked)
            raise
        note(cell, name, "ok", {"succeeded": succeeded, "values": [_value(one) for one in values]})
        return values if succeeded else None


class Client:
    """A client of a story: what it asks for, it waits for. `asks` does not wait."""

    def __init__(self, asks: Asking) -> None:
        self.asks = asks

    def put(self, key: str, what: object, **more: Any) -> Any:
        """Put a value under a key, and wait until it is."""
        return self.asks.put(key, what, **more).answer()

    def get(self, key: str, **more: Any) -> Any:
        """What is under a key; None if nothing is."""
        return self.asks.get(key, **more).answer()[0]

    def add(self, key: str, by: int = 1, **more: Any) -> Any:
        """Add to an integer; what it is then."""
        return self.asks.add(key, by, **more).answer()[0]

    def delete(self, key: str, **more: Any) -> Any:
        """Leave nothing under a key."""
        return self.asks.delete(key, **more).answer()

    def peek(self, key: str, **more: Any) -> Any:
        """What some server shows, which may be old."""
        return self.asks.peek(key, **more).answer()


def _operation(operation: Operation) -> list[object]:
    match operation:
        case Put(key, what):
            return ["put", key, _value(what)]
        case Add(key, amount):
            return ["add", key, amount]
        case Delete(key):
            return ["delete", key]
        case Get(key):
            return ["read", key]
    raise AssertionError(operation)


def _condition(condition: Condition) -> list[object]:
    match condition:
        case Equals(key, what):
            return ["equals", key, _value(what)]
        case Exists(key):
            return ["exists", key]
        case Absent(key):
            return ["absent", key]
        case Compare(key, relation, what):
            return ["compare", key, relation, _value(what)]
    raise AssertionError(f"{condition} is not in the words of the model")


def _value(what: object) -> object:
    return what.decode() if isinstance(what, bytes) else what
