"""The simulated network: connections as TCP makes them, between machines whose links can be cut.

What is written arrives in order, later, in pieces of any size. On a link that is cut it waits, as TCP does, and
arrives when the link is whole again; whoever connects across a cut waits too. A process that ends closes its
connections, and the other side hears of it as soon as the link lets it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from conformance.shell.process import Process

LOW_SHARE = 4
FIRST_PORT = 40_000


class Timeline(Protocol):
    """What the network needs of the simulation."""

    now_s: float
    rng: Random

    def after(self, delay_s: float, call: Callable[[], object]) -> None:
        """Let something happen later."""

    def note(self, line: str) -> None:
        """A line of the trace."""


class Listener:
    """A bound socket, or a server that accepts on it: which of them does not matter here."""

    def __init__(self, network: "Network", process: Process, address: tuple[str, int]) -> None:
        self.network, self.process, self.address = network, process, address
        self.protocol: Callable[[], asyncio.Protocol] | None = None

    def close(self) -> None:
        """Nobody is accepted any more."""
        if self.network.listeners.get(self.address) is self:
            del self.network.listeners[self.address]

    async def wait_closed(self) -> None:
        """At once."""


class End(asyncio.Transport):
    """One end of a connection: the transport of a protocol."""

    def __init__(self, network: "Network", process: Process) -> None:
        super().__init__()
        self.network, self.process = network, process
        self.peer: End | None = None
        self.protocol: asyncio.Protocol | None = None
        self.is_over = False
        """Whether nothing more is sent or heard here."""
        self.way: deque[tuple[float, bytes | None]] = deque()
        """What is on its way to the other end: when it arrives at the earliest; None is the end of it."""
        self._high = 1 << 16
        self._on_way_bytes = 0
        self._is_full = False
        self._reads = True
        self._kept: deque[bytes | None] = deque()
        self._is_told = False

    # What protocols call

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Nothing is known."""
        del name
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol goes on."""
        self.protocol = protocol  # type: ignore[assignment]

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whoever is told what comes."""
        assert self.protocol is not None
        return self.protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How much may be on its way before the protocol is told to wait."""
        del low
        self._high = high if high is not None else 1 << 16

    def get_write_buffer_size(self) -> int:
        """What is on its way."""
        return self._on_way_bytes

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self.is_over

    def write(self, data: Any) -> None:
        """Send."""
        if self.is_over or not data or not self.process.is_alive:
            return
        data = bytes(data)
        self._on_way_bytes += len(data)
        self.network.send(self, data)
        if self._on_way_bytes > self._high and not self._is_full and self.protocol is not None:
            self._is_full = True
            self.protocol.pause_writing()

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._reads = False

    def resume_reading(self) -> None:
        """Take what came meanwhile."""
        if not self._reads:
            self._reads = True
            self.process.loop.call_soon(self._read_on)

    def is_reading(self) -> bool:
        """Whether it takes what comes."""
        return self._reads and not self.is_over

    def can_write_eof(self) -> bool:
        """Not needed here."""
        return False

    def close(self) -> None:
        """Send nothing more, after what was written."""
        self._finish(None)

    def abort(self) -> None:
        """End at once."""
        self._finish(None)

    # What happens to it

    def _finish(self, error: Exception | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.network.send(self, None)
        self.process.loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        if not self._is_told and self.protocol is not None:
            self._is_told = True
            self.protocol.connection_lost(error)

    def open(self, protocol: asyncio.Protocol) -> None:
        """There is a protocol now."""
        self.protocol = protocol
        protocol.connection_made(self)
        self._read_on()

    def arrive(self, data: bytes | None) -> None:
        """Something came, or the end of it; called in the process."""
        if self.is_over:
            return
        self._kept.append(data)
        self._read_on()

    def reset(self) -> None:
        """The connection is gone at once; called in the process."""
        if not self.is_over:
            self.is_over = True
            self._lost(ConnectionResetError("the connection was reset"))

    def taken(self, size_bytes: int) -> None:
        """The other side has so much of what was on its way; called in the process."""
        self._on_way_bytes -= size_bytes
        if self._is_full and not self.is_over and self._on_way_bytes <= self._high // LOW_SHARE:
            self._is_full = False
            assert self.protocol is not None
            self.protocol.resume_writing()

    def _read_on(self) -> None:
        while self._kept and self._reads and not self.is_over and self.protocol is not None:
            data = self._kept.popleft()
            if data is None:
                if not self.protocol.eof_received():
                    self.close()
                continue
            peer = self.peer
            if peer is not None and peer.process.is_alive:
                peer.process.loop.call_soon(peer.taken, len(data))
            self.protocol.data_received(data)


class Network:
    """All links. A link is from one machine to another, named by both."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.rng = timeline.rng
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.cuts: set[tuple[str, str]] = set()
        self.delay_s: dict[tuple[str, str], float] = {}
        """What a message of a link takes longer than usual."""
        self.usual_s = 0.0005
        self.without_power: set[str] = set()
        """The machines that answer nothing."""
        self.ends: list[End] = []
        self.carried_bytes = 0
        self._waiting: list[tuple[str, str, Callable[[], object]]] = []

    # What is done to it

    def cut(self, one: str, other: str, *, both_ways: bool = True) -> None:
        """Nothing goes from one machine to the other, nor back unless it is cut one way."""
        self.timeline.note(f"cut {one} {other} {both_ways}")
        self.cuts |= {(one, other), (other, one)} if both_ways else {(one, other)}

    def mend(self, one: str, other: str) -> None:
        """The link is whole again, both ways, and what waited goes on."""
        self.timeline.note(f"mend {one} {other}")
        self.cuts -= {(one, other), (other, one)}
        waiting, self._waiting = self._waiting, []
        for sender, receiver, call in waiting:
            if (sender, receiver) in self.cuts:
                self._waiting.append((sender, receiver, call))
            else:
                self.timeline.after(self._latency_s(sender, receiver), call)

    def slow(self, one: str, other: str, seconds: float) -> None:
        """What goes from one machine to the other takes so much longer."""
        self.timeline.note(f"slow {one} {other} {seconds}")
        self.delay_s[one, other] = seconds

    def reset(self, one: str, other: str) -> None:
        """Every connection between two machines ends at once, and what was on its way is lost."""
        self.timeline.note(f"reset {one} {other}")
        for end in tuple(self.ends):
            peer = end.peer
            if peer is not None and {end.process.machine, peer.process.machine} == {one, other}:
                end.way.clear()
                self._reset(end)

    def ended(self, process: Process, *, silently: bool = False) -> None:
        """A process is gone: its connections end for those whom the network can tell, `silently` for nobody."""
        for listener in [one for one in self.listeners.values() if one.process is process]:
            listener.close()
        for end in tuple(self.ends):
            peer = end.peer
            if end.process is not process or peer is None:
                continue
            if not end.is_over and not silently:
                end.is_over = True
                self.send(end, None)
            elif silently:
                end.is_over = True
                end.way.clear()

    def forgotten(self, machine: str) -> None:
        """A machine is back after its power went: whatever is said on its old connections is answered by a reset."""
        for end in tuple(self.ends):
            peer = end.peer
            if peer is not None and end.process.machine == machine and not end.process.is_alive and not peer.is_over:
                self._across(machine, peer.process.machine, lambda peer=peer: self._reset(peer))  # type: ignore[misc]

    # What processes ask for

    def bind(self, process: Process, address: tuple[str, int]) -> Listener:
        """A bound socket. Raises `OSError` if the address is in use."""
        if address in self.listeners:
            raise OSError(98, "Address already in use")
        listener = self.listeners[address] = Listener(self, process, address)
        return listener

    def listen(self, process: Process, protocol: Callable[[], asyncio.Protocol], address: Any) -> Listener:
        """Accept whoever comes to an address."""
        listener = address if isinstance(address, Listener) else self.bind(process, address)
        listener.protocol = protocol
        return listener

    async def connect(
        self, process: Process, protocol: Callable[[], asyncio.Protocol], address: tuple[str, int]
    ) -> tuple[End, asyncio.Protocol]:
        """A connection. Raises `ConnectionRefusedError` where nobody listens."""
        end = End(self, process)
        opened: asyncio.Future[None] = process.loop.create_future()
        self._across(process.machine, address[0], lambda: self._accept(end, address, opened))
        try:
            await opened
        except asyncio.CancelledError:
            end.close()
            raise
        made = protocol()
        end.open(made)
        return end, made

    def _accept(self, end: End, address: tuple[str, int], opened: "asyncio.Future[None]") -> None:
        listener, caller = self.listeners.get(address), end.process
        if listener is None or listener.protocol is None or not listener.process.is_alive:
            self._across(address[0], caller.machine, lambda: self._answer(caller, opened, refused=True))
            return
        other = End(self, listener.process)
        end.peer, other.peer = other, end
        self.ends += (end, other)
        accept = listener.protocol
        listener.process.loop.call_soon(lambda: other.open(accept()))
        self._across(address[0], caller.machine, lambda: self._answer(caller, opened, refused=False))
        if end.is_over:
            self.send(end, None)

    def _answer(self, caller: Process, opened: "asyncio.Future[None]", *, refused: bool) -> None:
        def tell() -> None:
            if opened.done():
                return
            if refused:
                opened.set_exception(ConnectionRefusedError("nobody listens there"))
            else:
                opened.set_result(None)

        if caller.is_alive:
            caller.loop.call_soon(tell)

    def send(self, end: End, data: bytes | None) -> None:
        """Something is on its way, or the end of all that was."""
        peer = end.peer
        if peer is None:
            return
        sender, receiver = end.process.machine, peer.process.machine
        for piece in self._pieces(data):
            self.carried_bytes += 0 if piece is None else len(piece)
            earliest_s = end.way[-1][0] if end.way else 0.0
            leaves_s = self.timeline.now_s + end.process.lag_s
            arrives_s = max(leaves_s + self._latency_s(sender, receiver), earliest_s)
            end.way.append((arrives_s, piece))
            self.timeline.after(arrives_s - self.timeline.now_s, lambda: self._deliver(end))

    def _deliver(self, end: End) -> None:
        """The first of what is on its way arrives, unless the link is cut."""
        peer = end.peer
        assert peer is not None
        sender, receiver = end.process.machine, peer.process.machine
        if (sender, receiver) in self.cuts:
            self._waiting.append((sender, receiver, lambda: self._deliver(end)))
            return
        if not end.way:
            return  # a reset lost it
        _, data = end.way.popleft()
        self.timeline.note(f"{sender} -> {receiver} {'end' if data is None else len(data)}")
        if data is None:
            self.ends = [one for one in self.ends if one is not end]
        if peer.process.is_alive:
            peer.process.loop.call_soon(peer.arrive, data)
        elif not end.is_over and data is not None and receiver not in self.without_power:
            self._across(receiver, sender, lambda: self._reset(end))

    def _reset(self, end: End) -> None:
        self.ends = [one for one in self.ends if one is not end]
        if end.process.is_alive:
            end.process.loop.call_soon(end.reset)

    def _pieces(self, data: bytes | None) -> list[bytes | None]:
        """What TCP makes of a write: mostly one piece, sometimes two."""
        if data is None or len(data) < 2 or self.rng.random() >= 0.05:  # noqa: PLR2004
            return [data]
        place = self.rng.randrange(1, len(data))
        return [data[:place], data[place:]]

    def _across(self, sender: str, receiver: str, call: Callable[[], object]) -> None:
        """Let something happen at the other end of a link, when the link is whole."""

        def arrive() -> None:
            if (sender, receiver) in self.cuts:
                self._waiting.append((sender, receiver, call))
            else:
                call()

        self.timeline.after(self._latency_s(sender, receiver), arrive)

    def _latency_s(self, sender: str, receiver: str) -> float:
        if sender == receiver:
            return 0.00005
        return self.delay_s.get((sender, receiver), 0.0) + self.usual_s * self.rng.uniform(0.5, 2.0)
