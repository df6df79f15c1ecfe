"""Clients at work on a colony, and what they saw: histories, in the order in which this process saw things happen.

Whether they are right others judge. There are registers, which are read, written, set under a condition and deleted,
and transactions over two keys and on counters; both are of the models that `physalia history check` knows. Beside them
stand the reads that may be old. What certainly was not done is a `fail`; what nobody knows is an `info`, and whoever
asked for it works on under another name.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define

from physalia.client import AsyncClient, Partition, absent, exists, value
from physalia.colony.layout import Colony
from physalia.errors import ConditionFailed, OutcomeUnknown, PhysaliaError, SessionExpired
from physalia.model import Add, Equals, Get, Put, Value

ATTEMPT_S = 5.0
REGISTERS = 3
"""So many registers a cell has."""
LONGEST_PAUSE_S = 0.05
Event = dict[str, Any]


@define
class Saw:
    """What all clients saw: the events of two histories, and the reads that may be old.

    `generation` goes on with every fault: a counter is of one generation, since of many additions that nobody answered
    no judge could say which of them took place.
    """

    registers: list[Event] = Factory(list)
    transactions: list[Event] = Factory(list)
    looks: list[Event] = Factory(list)
    generation: int = 0
    names: int = 0

    def name(self) -> str:
        """A name that no process had before."""
        self.names += 1
        return f"p{self.names}"

    def write(self, folder: Path) -> dict[str, Path]:
        """Write them down, a file for each model."""
        files = {}
        for model, events in (("kv", self.registers), ("store", self.transactions), ("looks", self.looks)):
            files[model] = folder / f"{model}.jsonl"
            files[model].write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        return files


@define
class _Worker:
    """One client at a time, under one name after another."""

    saw: Saw
    rng: random.Random
    parts: Sequence[tuple[int, Partition]]
    process: str
    made: int = 0
    known: dict[str, str | None] = Factory(dict)

    async def work(self) -> None:
        """One operation."""
        cell, part = self.rng.choice(self.parts)
        kind = self.rng.choices(("read", "write", "cas", "delete", "move", "count", "look"), (6, 6, 5, 1, 4, 3, 3))[0]
        if kind == "move":
            await self._move(cell, part)
        elif kind == "count":
            await self._count(cell, part)
        elif kind == "look":
            await self._look(cell, part)
        else:
            await self._register(kind, cell, part)

    async def _register(self, kind: str, cell: int, part: Partition) -> None:
        name = f"r{self.rng.randrange(REGISTERS)}"
        key, new = f"{cell}/{name}", self._new()
        expected = self.known.get(key)
        if kind == "cas" and expected is None:
            kind = "write"
        asked: dict[str, Any] = {"read": None, "write": new, "cas": [expected, new], "delete": None}

        async def ask() -> Any:  # whatever stands in a history
            if kind == "read":
                item = await part.get(name)
                self.known[key] = None if item is None else _text(item.value)
                return self.known[key]
            if kind == "delete":
                await part.delete(name)
                self.known[key] = None
                return None
            if kind == "write":
                await part.put(name, new.encode())
                self.known[key] = new
                return new
            assert expected is not None
            try:
                await part.put(name, new.encode(), if_=value(name) == expected.encode())
            except ConditionFailed as failed:
                there = failed.failed[0].saw
                self.known[key] = None if there is None else _text(there.value)
                return False
            self.known[key] = new
            return asked["cas"]

        await self._done(self.saw.registers, {"f": kind, "key": key, "value": asked[kind]}, ask)

    async def _move(self, cell: int, part: Partition) -> None:
        """Both keys are set together, if both are as they were seen; else both are read."""
        keys, new = (f"{cell}/a", f"{cell}/b"), self._new()
        seen = [self.known.get(key) for key in keys]
        put = [["put", key, f"{new}{key[-1]}"] for key in keys]
        asked = {
            "if": [
                ["equals", key, one] if one is not None else ["absent", key]
                for key, one in zip(keys, seen, strict=True)
            ],
            "then": put,
            "else": [["read", key] for key in keys],
        }

        async def ask() -> Any:
            outcome = await part.transact(
                if_=[_is(name, one) for name, one in zip("ab", seen, strict=True)],
                then=[Put(name, f"{new}{name}".encode()) for name in "ab"],
                else_=[Get(name) for name in "ab"],
            )
            texts = [None if item is None else _text(item.value) for item in outcome.results]
            self.known.update(zip(keys, texts, strict=True))
            return {"succeeded": outcome.succeeded, "values": texts}

        await self._done(self.saw.transactions, {"f": "txn", "value": asked}, ask)

    async def _count(self, cell: int, part: Partition) -> None:
        name = f"n{self.saw.generation}"
        key = f"{cell}/{name}"
        asked = {"if": [["exists", key]], "then": [["add", key, 1]], "else": [["put", key, 0]]}

        async def ask() -> Any:
            outcome = await part.transact(if_=exists(name), then=[Add(name, 1)], else_=[Put(name, 0)])
            return {"succeeded": outcome.succeeded, "values": [item and item.value for item in outcome.results]}

        await self._done(self.saw.transactions, {"f": "txn", "value": asked}, ask)

    async def _look(self, cell: int, part: Partition) -> None:
        """Two keys that are always set together, as some node knows them: nothing of it needs to be new."""
        before, process = part.seen, self.process
        try:
            items = await part.peek("a", "b")
        except PhysaliaError:
            return
        texts = [None if item is None else _text(item.value) for item in items]
        versions = [0 if item is None else item.version for item in items]
        look = {"before": before, "slot": part.seen, "versions": versions, "values": texts}
        self.saw.looks.append({"process": process, "cell": cell, **look})

    async def _done(self, events: list[Event], what: Event, ask: Callable[[], Awaitable[Any]]) -> None:
        """Ask, and note what became of it."""
        events.append({"process": self.process, "type": "invoke", **what})
        try:
            answer = await ask()
        except (OutcomeUnknown, SessionExpired) as unknown:
            events.append({"process": self.process, "type": "info", **what, "error": type(unknown).__name__})
            self.process = self.saw.name()
        except PhysaliaError as failed:
            events.append({"process": self.process, "type": "fail", **what, "error": type(failed).__name__})
        else:
            events.append({"process": self.process, "type": "ok", **what, "value": answer})

    def _new(self) -> str:
        """A value that nobody wrote before."""
        self.made += 1
        return f"{self.process}-{self.made}"


async def work(colony: Colony, saw: Saw, clients: int, until: asyncio.Event, seed: int) -> None:
    """Let so many clients work on all cells until they are told to stop; at the end one reads everything."""

    async def one(number: int) -> None:
        rng = random.Random(f"{seed} {number}")  # noqa: S311  # repeatable, no secret
        async with AsyncClient(colony.addresses, colony.ring, ATTEMPT_S, caches=colony.caches) as client:
            parts = [(cell, client.partition(cell)) for cell in colony.cells]
            worker = _Worker(saw, rng, parts, saw.name())
            while not until.is_set():
                await worker.work()
                await asyncio.sleep(rng.uniform(0.0, LONGEST_PAUSE_S))

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(one(number))


async def read_all(colony: Colony, saw: Saw) -> None:
    """Read every register and counter once more, when nothing is wrong any more. Raises what a read raises."""
    async with AsyncClient(colony.addresses, colony.ring, 6 * ATTEMPT_S) as client:
        for cell in colony.cells:
            part, process = client.partition(cell), saw.name()
            for number in range(REGISTERS):
                what: Event = {"process": process, "f": "read", "key": f"{cell}/r{number}"}
                saw.registers.append({"type": "invoke", **what})
                item = await part.get(f"r{number}")
                saw.registers.append({"type": "ok", **what, "value": None if item is None else _text(item.value)})
            for names in (["a", "b"], *([f"n{number}"] for number in range(saw.generation + 1))):
                asked = {"then": [["read", f"{cell}/{name}"] for name in names]}
                saw.transactions.append({"process": process, "type": "invoke", "f": "txn", "value": asked})
                outcome = await part.transact(then=[Get(name) for name in names])
                values = [None if item is None else _plain(item.value) for item in outcome.results]
                answer = {"succeeded": True, "values": values}
                saw.transactions.append({"process": process, "type": "ok", "f": "txn", "value": answer})


def _is(name: str, text: str | None) -> Any:

    return absent(name) if text is None else Equals(name, text.encode())


def _text(given: object) -> str:
    assert isinstance(given, bytes)
    return given.decode()


def _plain(given: Value) -> object:
    return given.decode() if isinstance(given, bytes) else given
