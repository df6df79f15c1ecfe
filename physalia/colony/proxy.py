"""The network of a colony on one machine: a process through which every connection goes, and which can be told to fail.

Each ordered pair of servers has a way of its own, and so have clients (as number 0) to each server. A way can be *cut*:
nothing comes through, nobody is told, and what waits comes late when it is mended, as in a network. It can *delay*
whatever comes, and *lose* connections: each piece that comes ends its connection with some chance, and what is under
way in it is lost. (Bytes are not lost inside a connection: TCP sends them again, and frames would refuse the rest.)

It listens for orders on a socket in the colony's folder: a line of JSON each, answered by one.
"""

import asyncio
import json
import os
import random
import socket
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from physalia.transport import Address

CONFIG = "network.toml"
CONTROL = "network.sock"
CLIENTS = 0
"""The number of whoever is no server."""
PIECE_BYTES = 1 << 16
BACKLOG = 512


@frozen
class Way:
    """From somebody to a server: where it begins, and where it leads."""

    source: int
    target: int
    listen: Address
    to: Address


@frozen
class Rule:
    """How bad a way is: nothing comes through, or `delay_s` later, or a piece ends its connection by chance `loss`."""

    is_cut: bool = False
    delay_s: float = 0.0
    loss: float = 0.0


GOOD = Rule()


def read_ways(folder: Path) -> tuple[Way, ...]:
    """The ways of the colony in a folder; none if it has no such network. Raises `OSError` and `ValueError`."""
    try:
        plain = tomllib.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(
        Way(one["source"], one["target"], Address.parse(one["listen"]), Address.parse(one["to"]))
        for one in plain.get("ways", ())
    )


def write_ways(folder: Path, ways: Sequence[Way]) -> None:
    """Write them down."""
    text = "".join(
        f'[[ways]]\nsource = {way.source}\ntarget = {way.target}\nlisten = "{way.listen}"\nto = "{way.to}"\n\n'
        for way in ways
    )
    (folder / CONFIG).write_text(text, encoding="utf-8")


@define(eq=False)
class _Passage:
    """A way at work: its rule of the moment, who waits for a better one, and who goes there."""

    way: Way
    rule: Rule = GOOD
    changed: asyncio.Event = field(factory=asyncio.Event)
    travellers: set[asyncio.Task[None]] = field(factory=set)

    def order(self, rule: Rule) -> None:
        """From now on this rule holds, for what waits already too."""
        self.rule = rule
        self.changed.set()
        self.changed = asyncio.Event()

    def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody comes."""
        task = asyncio.ensure_future(self._go(reader, writer))
        self.travellers.add(task)
        task.add_done_callback(self.travellers.discard)

    async def _go(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both directions until either ends."""
        out: asyncio.StreamWriter | None = None
        try:
            await self._open()
            back, out = await asyncio.open_connection(*self.way.to)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, out))
                group.create_task(self._carry(back, writer))
        except* OSError:
            pass
        finally:
            for one in (writer, out):
                if one is not None:
                    one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            if self.rule.delay_s:
                await asyncio.sleep(self.rule.delay_s)
            await self._open()
            if self.rule.loss and random.random() < self.rule.loss:  # noqa: S311  # bad luck, no secret
                break
            writer.write(piece)
            await writer.drain()
        raise ConnectionAbortedError  # ends the other direction too

    async def _open(self) -> None:
        while self.rule.is_cut:
            await self.changed.wait()


class Proxy:
    """All the ways of a colony."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._passages = {(way.source, way.target): _Passage(way) for way in ways}

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what somebody orders, and say what rules hold then; or what is wrong with the order."""
        try:
            for source, target, is_cut, delay_s, loss in order.get("rules", ()):
                self._passages[source, target].order(Rule(bool(is_cut), float(delay_s), float(loss)))
        except (KeyError, TypeError, ValueError) as error:
            return {"wrong": repr(error)}
        bad = ((*pair, one.rule) for pair, one in self._passages.items() if one.rule != GOOD)
        return {"rules": [[source, target, rule.is_cut, rule.delay_s, rule.loss] for source, target, rule in bad]}

    async def run(self, folder: Path) -> None:
        """Carry, until cancelled."""
        async with AsyncExitStack() as stack:
            for passage in self._passages.values():
                server = await asyncio.start_server(passage.come, *passage.way.listen, backlog=BACKLOG)
                await stack.enter_async_context(server)
            with suppress(FileNotFoundError):
                (folder / CONTROL).unlink()
            with reachable(folder) as path, socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                os.chmod(path, 0o600)  # noqa: PTH101  # a path through a descriptor
                await stack.enter_async_context(await asyncio.start_unix_server(self._obey, sock=listener))
                print("the network is there", flush=True)  # whoever began it waits for this
                await asyncio.get_running_loop().create_future()

    async def _end(self) -> None:
        travellers = [task for one in self._passages.values() for task in one.travellers]
        for task in travellers:
            task.cancel()
        await asyncio.gather(*travellers, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted closes in the next turn

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):
            answer = self.order(json.loads(await reader.readline()))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()


class NoNetwork(Exception):
    """There is no network that could be told to fail; the message is a sentence."""


class Network:
    """The network of a colony, as somebody who gives it orders."""

    def __init__(self, folder: Path, ways: Sequence[Way]) -> None:
        self._folder, self._ways = folder, ways

    def rules(self) -> dict[tuple[int, int], Rule]:
        """The ways that are bad now. Raises `NoNetwork`."""
        return self._order({})

    def set(self, rule: Rule, ends: Sequence[tuple[int, int]]) -> None:
        """Let this rule hold on these ways, in both directions, when this returns. Raises `NoNetwork`."""
        known = {(way.source, way.target) for way in self._ways}
        both = {pair for one, other in ends for pair in ((one, other), (other, one)) if pair in known}
        self._order({"rules": [[*pair, rule.is_cut, rule.delay_s, rule.loss] for pair in sorted(both)]})

    def around(self, server: int) -> list[tuple[int, int]]:
        """The ways between a server and everybody else."""
        return [(way.source, server) for way in self._ways if way.target == server]

    def _order(self, order: dict[str, Any]) -> dict[tuple[int, int], Rule]:
        if not self._ways:
            raise NoNetwork("this colony has no network of its own: make a new one with `physalia colony up`.")
        try:
            with reachable(self._folder) as path, socket.socket(socket.AF_UNIX) as control:
                control.connect(path)
                control.sendall(json.dumps(order).encode() + b"\n")
                with control.makefile("rb") as answers:
                    answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise NoNetwork(f"the network does not answer ({error}): `physalia colony up` starts it again.") from None
        if "wrong" in answer:
            raise NoNetwork(f"the network does not understand: {answer['wrong']}.")
        return {(source, target): Rule(*rule) for source, target, *rule in answer["rules"]}


@contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """A path of the control socket that is short enough for a socket's name, however long the folder's is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{CONTROL}"
    finally:
        os.close(descriptor)


def main() -> None:
    """Be the network of the colony whose folder the command line names."""
    folder = Path(sys.argv[1])
    with suppress(KeyboardInterrupt):
        asyncio.run(Proxy(read_ways(folder)).run(folder))


if __name__ == "__main__":
    main()
