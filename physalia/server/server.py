"""A server: nodes, journal and connections, on one event loop with one thread for the disk.

Everything that happens is a call from the loop that never waits: bytes that came, a flush that ended, a clock. What
waits are a few tasks, and none of them holds anything of a node while it does. The process ends with the first thing
that fails.
"""

import asyncio
import errno
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from physalia.host import Host, Hosted
from physalia.journal import JournalFull, NodeKey
from physalia.model import (
    Answer,
    Bundle,
    Cap,
    Carry,
    Create,
    Denied,
    Envelope,
    Found,
    Granted,
    House,
    Inspect,
    Join,
    Look,
    Moved,
    NodeId,
    Pace,
    Ping,
    Pong,
    Reject,
    Release,
    Request,
    Scan,
    Seek,
)
from physalia.server.atlas import Atlas
from physalia.server.clock import Clock
from physalia.server.disk import Disk
from physalia.server.forgetting import Forgetting
from physalia.server.leadership import Leadership
from physalia.server.links import Links
from physalia.server.members.foundry import Foundry
from physalia.server.members.moving import Moving
from physalia.server.members.steward import Steward
from physalia.server.nodes import Nodes
from physalia.server.reception import Caller, Reception
from physalia.server.requests import Requests
from physalia.server.settings import Settings
from physalia.server.suspicion import Suspicion
from physalia.server.telling import Telling
from physalia.server.watch import MOST_HEAD_BYTES, Watch
from physalia.transport import SPOKEN, Connection, Door, KeyFile, Party, Refusals, Target, Versions, keep_dialing
from physalia.wire import CodecError, decode_traffic

NOTED_AFTER_S = 0.02
"""How long a record may wait for a flush if nobody waits for it."""
TICK_EVERY_S = 0.1
READ_BACK_EVERY_S = 0.5
AT_REST_AFTER_S = 0.2
"""So long after the last batch a server folds its journal, if it has nothing else to write."""
FOLDED_FROM = 256
FOLDED_AT_ONCE = 64
"""Entries of the append table, each with up to 64 records: one fold holds up whoever comes meanwhile."""
FOLDED_ALWAYS_FROM = 2048
"""With so many entries a journal is folded even if there is always something to write, or it would grow for ever."""
TAKE_OVER_EVERY_S = 0.005
BACKLOG = 512
OUT_OF_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Why the operating system may let nobody in for now."""


class Server:
    """One server, from its start to its end. It runs once."""

    def __init__(
        self,
        settings: Settings,
        host: Host,
        atlas: Atlas,
        ring: KeyFile,
        log: FilteringBoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._host, self.keys, self._log = settings, host, ring, log
        self.clock = Clock(clock)
        self.number = settings.server
        self.atlas = atlas
        self.refusals = Refusals()
        self.nodes = Nodes(host, atlas, self, Forgetting(settings.log_slots))
        servers = frozenset({settings.server, *settings.peers})
        self.requests = Requests()
        self.foundry = Foundry(self.nodes, atlas, servers)
        self.moving = Moving(self.nodes, atlas, servers, self._say)
        self.steward = Steward(self.nodes, atlas, servers, Watch(self).inspect)
        self.suspicion = Suspicion(settings.peers, settings.suspect_after_s, self.clock())
        self.leadership = Leadership(self.nodes, atlas, self.suspicion, self.clock, random.Random())  # noqa: S311
        self.links = Links(self._pong, self._write_down)
        self.reception = Reception(self.nodes, atlas, self.requests, self.leadership, settings)
        self.telling = Telling(self.nodes, atlas, self.leadership, settings)
        self._versions = Versions(SPOKEN.oldest, settings.protocol_newest)
        self._door = Door(ring, settings.server, self, self.refusals, versions=self._versions)
        self._callers: dict[Connection, Caller] = {}
        self._said_of_keys = ""
        self._to_write = asyncio.Event()
        self._to_note: asyncio.TimerHandle | None = None
        self._to_tick = asyncio.Event()
        self._to_take_over = asyncio.Event()
        self._takes_over = False
        self._back = {peer: asyncio.Event() for peer in settings.peers}
        self._failure: asyncio.Future[None] | None = None

    async def run(self, listener: socket.socket, stop: asyncio.Event, watching: socket.socket | None = None) -> None:
        """Serve on a bound socket until `stop`; then take nothing on, answer what was asked, and end.

        Somebody may look at it on another one.

        Raises an `ExceptionGroup` of whatever failed.
        """
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        loop.set_exception_handler(self._failed)
        with ThreadPoolExecutor(1, "journal") as thread:
            disk = Disk(thread, self.clock)
            async with self._watched(watching), asyncio.TaskGroup() as group:
                works = (self._write(disk), self._beat(), self._tick(), self._lead())
                tasks = [group.create_task(work) for work in works]
                own = Party("server", self._settings.server)
                for number, address in self._settings.peers.items():
                    target = Target(own, address, number, self._versions)
                    gone, back = partial(self._ended, number), self._back[number]
                    dialing = keep_dialing(target, self.keys, self.links, self.refusals, gone, back)
                    tasks.append(group.create_task(dialing))
                for number, address in self._settings.caches.items():
                    target = Target(own, address, number, self._versions)
                    dialing = keep_dialing(target, self.keys, self.telling, self.refusals)
                    tasks.append(group.create_task(dialing))
                with closing(await self._door.listen(sock=listener, backlog=BACKLOG)):
                    self._log.info("listening", address=str(self._settings.listen), cells=len(self._settings.cells))
                    await self._until(stop)
                    await self._drain()  # still listening: peers are needed for it
                self._door.close()
                for task in tasks:
                    task.cancel()
        self._log.info("ended", refused=dict(self.refusals), carried=self.links.carried)

    @asynccontextmanager
    async def _watched(self, watching: socket.socket | None) -> AsyncIterator[None]:
        if watching is None:
            yield
            return
        with closing(await asyncio.start_server(Watch(self).answer, sock=watching, limit=MOST_HEAD_BYTES)):
            yield

    # Outlet of the nodes

    def carry(self, server: int, envelope: Envelope) -> None:
        """A message leaves for another server."""
        self.links.carry(server, envelope)

    def tell(self, said: Answer | Found | Reject) -> None:
        """A node has a word for a client."""
        if isinstance(said, Found):
            taken = self.requests.whose(said.request)
            self.requests.found(said, None if taken is None else self._host.node(taken.key))
            return
        leader = ""
        if isinstance(said, Reject) and (taken := self.requests.whose(said.request)) is not None:
            server = self.leadership.leader_elsewhere(taken.key)
            leader = str(self._settings.public_address(server)) if server is not None else ""
        self.requests.tell(said, leader)

    def stopped(self, key: NodeKey, why: str) -> None:
        """A node has stopped for good."""
        self._log.error("node stopped", node=str(key), why=why)

    def stray(self, hosted: Hosted, node: NodeId) -> None:
        """A node speaks, and nobody told where it lives."""
        self.moving.seek(hosted, node)

    def missed(self, server: int, key: NodeKey) -> None:
        """A server speaks to a node that left."""
        self.moving.point(server, key, self._host.pointers[key])

    def gone(self, key: NodeKey) -> None:
        """A node has left its cell for good."""
        self._log.info("left", node=str(key), version=self._host.pointers[key].version)
        self.leadership.forget(key)
        self.requests.abandon(key)
        self.steward.gone(key)

    def _say(self, server: int, said: Seek | Moved) -> None:
        self.links.say(server, said)

    # Owner of the connections that came in

    def opened(self, connection: Connection) -> None:
        """Somebody has proved who it is."""
        self._callers[connection] = Caller(connection)
        number = connection.peer.number
        if connection.peer.role == "server" and number in self._back and number not in self.links.reached:
            self._back[number].set()  # it is there, so it need not be dialled ever more rarely

    def heard(self, connection: Connection, messages: list[bytes]) -> None:  # noqa: PLR0912  # one case a kind
        """It said something."""
        caller = self._callers[connection]
        for message in messages:
            try:
                said = decode_traffic(message)
            except CodecError:
                connection.refuse("malformed")
                break
            match said:
                case Bundle(envelopes) if connection.peer.role == "server":
                    self.nodes.receive_all(connection.peer.number, envelopes)
                case Carry(envelope) if connection.peer.role == "server":
                    self.nodes.receive(connection.peer.number, envelope)
                case Request() if connection.peer.role != "server":
                    self.reception.asked(caller, said)
                case Look() | Scan() if connection.peer.role == "client":
                    self.reception.looked(caller, said)
                case Create() | Cap() | Join() if connection.peer.role == "operator":
                    self.foundry.ask(caller, said)
                case House() | Release() | Inspect() if connection.peer.role == "operator":
                    self.steward.ask(caller, said)
                case Seek() if connection.peer.role == "server":
                    self.moving.asked(connection.peer.number, said)
                case Moved() if connection.peer.role == "server":
                    self.moving.told(connection.peer.number, said)
                case Pace(number, thousandths) if connection.peer.role == "operator":
                    self._pace(caller, number, thousandths / 1000)
                case Ping(number):
                    if self.number not in self.suspicion.suspected:
                        caller.say(Pong(number))
                case _:
                    connection.refuse("role")
                    break
        self._look_around()

    def closed(self, connection: Connection) -> None:
        """It left."""
        self.requests.gone(self._callers.pop(connection))

    def _pace(self, caller: Caller, number: int, rate: float) -> None:
        try:
            self.clock.set_rate(rate)
        except ValueError as error:
            caller.say(Denied(number, str(error)))
            return
        self._log.warning("clock", rate=rate)
        caller.say(Granted(number))

    # What follows from what happened

    def _look_around(self) -> None:
        """After anything that nodes did: wake whoever has something to do now. A server at rest wakes nobody."""
        self.links.send_all()
        if self._host.is_awaited or self.foundry.needs_disk:
            self._to_write.set()
        elif self._host.needs_flush and self._to_note is None:
            self._to_note = asyncio.get_running_loop().call_later(NOTED_AFTER_S, self._to_write.set)
        if self.nodes.restless:
            self._to_tick.set()
        if self.leadership.pending:
            self._to_take_over.set()

    def _write_down(self) -> None:
        """Something is about to leave: whoever records what led to it has it by then."""
        if self._host.recording is not None:
            self._host.recording.write()

    def _pong(self, peer: int) -> None:
        if self.suspicion.heard(peer, self.clock()):
            self._log.info("trusted again", peer=peer)
            self.nodes.resume(peer)
            self._look_around()

    def _ended(self, peer: int) -> None:
        """Nobody listens any more where a peer did, such as one that has drained: its cells need not wait for long."""
        if self.suspicion.gone(peer):
            self._suspect(peer)
            self._look_around()

    def _suspect(self, peer: int) -> None:
        self._log.warning("suspected", peer=peer)
        self.leadership.lost(peer)
        self._takes_over = True
        self._to_tick.set()  # it is told when all is taken over, also where there is nothing to take over

    # The tasks

    async def _write(self, disk: Disk) -> None:
        """Gather, write, settle: one batch after the other, as long as there is something to write."""
        while True:
            await self._wait_to_write(disk)
            self._to_write.clear()
            if self._to_note is not None:
                self._to_note.cancel()
                self._to_note = None
            if self.foundry.needs_disk:
                await disk.call(self.foundry.work)
                for key in self.foundry.settle():
                    self._log.info("founded", node=str(key))
                    self.nodes.when_loaded(key, partial(self.telling.look, key))
            if not self._host.needs_flush:
                continue
            await asyncio.sleep(0)  # what leaves without the disk is on its way before anybody waits for it
            batch = self.nodes.gather()
            await disk.write(batch, self._host.journal)
            self.nodes.settle()
            if batch.behind:
                for key in batch.behind:  # they are read back, and do not remember who waits for an answer
                    self.requests.abandon(key)
                self._log.warning("refused by the journal", nodes=len(batch.behind), full=self._host.journal.full)
                if self._host.journal.full and self.suspicion.unable(self.number, self.clock()):
                    self._log.warning("cannot lead")
            if batch.unread:
                await self._sleep(READ_BACK_EVERY_S)
            self._look_around()

    async def _wait_to_write(self, disk: Disk) -> None:
        """Until there is something to write; meanwhile what was written is folded, a little at a time."""
        journal = self._host.journal
        if journal.unfolded >= FOLDED_ALWAYS_FROM and not journal.full:
            with suppress(JournalFull):
                await disk.call(self._host.fold, FOLDED_AT_ONCE)
        while journal.unfolded >= FOLDED_FROM and not self._to_write.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(AT_REST_AFTER_S):
                    await self._to_write.wait()
                return
            try:
                await disk.call(self._host.fold, FOLDED_AT_ONCE)
            except JournalFull:
                break
        await self._to_write.wait()

    async def _beat(self) -> None:
        """Ping, suspect, drop what is cold, and see which keys are gone; what is recorded does not lie here longer."""
        while True:
            self.nodes.now_s = self.clock()
            self._write_down()
            self.links.ping()
            self.telling.beat()
            self.moving.beat()
            self.steward.beat()
            self._look_at_keys()
            await self._sleep(self._settings.ping_every_s)
            self._drop_cold()
            for own in self.suspicion.able(self.clock()):
                self.nodes.resume(own)
            for peer in self.suspicion.fresh(self.clock()):
                self._suspect(peer)
            self._look_around()

    def _look_at_keys(self) -> None:
        """Cut off whose keys are gone; and say so once if the file of keys cannot be taken up as it is now."""
        self._door.close_revoked()
        before, self._said_of_keys = self._said_of_keys, self.keys.fault
        if self.keys.fault and self.keys.fault != before:
            self._log.error("keys not taken up", why=self.keys.fault)
        elif before and not self.keys.fault:
            self._log.info("keys taken up")

    def _drop_cold(self) -> None:
        dropped = self.nodes.drop_cold(self.clock() - self._settings.cold_after_s)
        for key in dropped:
            self.leadership.forget(key)
        if dropped and not self.nodes.recent:
            self._log.info("at rest", carried=self.links.carried)

    async def _tick(self) -> None:
        """A clock, as long as some node has something to send again."""
        while True:
            await self._to_tick.wait()
            await self._sleep(TICK_EVERY_S)
            self.nodes.tick(round(self.clock() * 1000), self.suspicion.suspected)
            self.leadership.look_after()
            if not self.nodes.restless:
                self._to_tick.clear()
                if self._takes_over and not self.leadership.pending:
                    self._takes_over = False
                    self._log.info("taken over", campaigns=self.leadership.campaigns)
            self._look_around()

    async def _lead(self) -> None:
        """Take over after a server that was lost, a few cells at a time, and not many before others have answered."""
        while True:
            await self._to_take_over.wait()
            self._to_take_over.clear()
            self.leadership.take_over()
            self.links.send_all()
            await self._sleep(TAKE_OVER_EVERY_S)
            self._look_around()

    async def _sleep(self, seconds: float) -> None:
        """Until so much time has passed by the clock of this server."""
        await asyncio.sleep(self.clock.waits_s(seconds))

    # The end

    async def _until(self, stop: asyncio.Event) -> None:
        """Wait for the end, or for a failure in what the loop calls."""
        assert self._failure is not None
        stopping = asyncio.ensure_future(stop.wait())
        try:
            ends: list[asyncio.Future[Any]] = [stopping, self._failure]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._failure.done():
            self._failure.result()

    async def _drain(self) -> None:
        """Take nothing on, and let what was asked be answered, for a while."""
        self.requests.is_closed = self.foundry.is_closed = True
        self._log.info("draining", waiting=len(self.requests))
        until_s = self.clock() + self._settings.drain_s
        while (len(self.requests) or self._host.needs_flush or self.foundry.needs_disk) and self.clock() < until_s:
            await asyncio.sleep(NOTED_AFTER_S)

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something failed that nobody waits for: a defect of this software, which must not be served on with.

        That nobody more can be let in is none: asyncio lets who is there go on, and looks again in a second.
        """
        error = context.get("exception") or RuntimeError(context.get("message", "something failed"))
        if "socket" in context and isinstance(error, OSError) and error.errno in OUT_OF_ROOM:
            self._log.warning("nobody more is let in", why=error.strerror)
            return
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)
