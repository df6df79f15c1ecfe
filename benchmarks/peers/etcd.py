"""A cluster of etcd, and the cheapest client that its API of today has: gRPC by hand, many requests on one connection.

The client library for Python takes more processor time than the cluster. A put is one HTTP/2 stream (RFC 9113): a block
of headers that never changes, uncompressed (RFC 7541), and one message of Protocol Buffers with two fields; it
succeeded if a message came back before the stream ended, since an error has none. What is not needed for this is not
there.
"""

import asyncio
import struct
import subprocess
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from attrs import Factory, define, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
HEAD_BYTES = 9
FIRST_WINDOW_BYTES = 65_535
LARGEST_WINDOW_BYTES = 2**31 - 1
NO_PUSH, STREAM_WINDOW = 2, 4
"""Settings, by their numbers."""
METHOD = b"/etcdserverpb.KV/Put"
KIND = b"application/grpc"
REQUEST = b"".join(
    (
        b"\x83\x86",  # POST, http: of the static table
        b"\x04" + bytes([len(METHOD)]) + METHOD,  # :path
        b"\x01\x01e",  # :authority
        b"\x0f\x10" + bytes([len(KIND)]) + KIND,  # content-type
        b"\x00\x02te\x08trailers",
    )
)


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """The bytes of a frame."""
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


@define(eq=False)
class Channel(asyncio.Protocol):
    """A connection to one member, and the puts that wait on it."""

    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    transport: asyncio.Transport | None = None
    waiting: dict[int, "asyncio.Future[None]"] = Factory(dict)
    answered: set[int] = Factory(set)
    window_bytes: int = FIRST_WINDOW_BYTES
    to_send: deque[tuple[bytes, bytes]] = Factory(deque)
    leaving: list[bytes] = Factory(list)
    buffer: bytearray = Factory(bytearray)
    next_stream: int = 1

    def put(self, key: bytes, value: bytes) -> "asyncio.Future[None]":
        """Ask for a put; the future is done when it is durable, and `ConnectionError` if it was refused."""
        message = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(value)]) + value
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        body = b"\0" + struct.pack(">I", len(message)) + message
        done: asyncio.Future[None] = self.loop.create_future()
        self.waiting[stream] = done
        self.to_send.append((frame(HEADERS, END_HEADERS, stream, REQUEST), frame(DATA, END_STREAM, stream, body)))
        self._go_on()
        return done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what every client of HTTP/2 says first, and open the window as wide as there is."""
        self.transport = cast("asyncio.Transport", transport)
        settings = struct.pack(">HIHI", NO_PUSH, 0, STREAM_WINDOW, LARGEST_WINDOW_BYTES)
        wider = struct.pack(">I", LARGEST_WINDOW_BYTES - FIRST_WINDOW_BYTES)
        self.transport.write(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, wider))

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        buffer, place = self.buffer, 0
        buffer += data
        while len(buffer) - place >= HEAD_BYTES:
            end = place + HEAD_BYTES + int.from_bytes(buffer[place : place + 3], "big")
            if len(buffer) < end:
                break
            kind, flags = buffer[place + 3], buffer[place + 4]
            stream = int.from_bytes(buffer[place + 5 : place + HEAD_BYTES], "big")
            self._heard(kind, flags, stream, bytes(buffer[place + HEAD_BYTES : end]))
            place = end
        del buffer[:place]

    def connection_lost(self, _error: Exception | None) -> None:
        """Whatever waits is not answered."""
        for done in self.waiting.values():
            if not done.done():
                done.set_exception(ConnectionError("etcd is gone"))

    def _heard(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        if kind == DATA:
            self.answered.add(stream)
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self._send(frame(kind, ACK, 0, body if kind == PING else b""))
        elif kind == WINDOW_UPDATE and stream == 0:
            self.window_bytes += int.from_bytes(body, "big")
            self._go_on()
        elif kind == GOAWAY:
            raise ConnectionError("etcd ends the connection")
        if kind == RESET or (kind in (DATA, HEADERS) and flags & END_STREAM):
            done = self.waiting.pop(stream)
            if stream in self.answered and kind != RESET:
                self.answered.discard(stream)
                done.set_result(None)
            else:
                done.set_exception(ConnectionError("etcd refused a put"))

    def _go_on(self) -> None:
        """Send what the other side has room for."""
        while self.to_send and self.window_bytes >= len(self.to_send[0][1]):
            head, body = self.to_send.popleft()
            self.window_bytes -= len(body) - HEAD_BYTES
            self._send(head + body)

    def _send(self, data: bytes) -> None:
        """With everything else that leaves in this turn of the loop."""
        if not self.leaving:
            self.loop.call_soon(self._write)
        self.leaving.append(data)

    def _write(self) -> None:
        assert self.transport is not None
        self.transport.write(b"".join(self.leaving))
        self.leaving.clear()


def start(stack: ExitStack, folder: Path, ports: list[int]) -> tuple[list[int], list[int]]:
    """A fresh cluster, until the stack ends, with one member for two ports: those for clients, and processes."""
    count = len(ports) // 2
    peers = [f"http://127.0.0.1:{port}" for port in ports[:count]]
    cluster = ",".join(f"e{number}={peer}" for number, peer in enumerate(peers))
    members = []
    for number, (peer, port) in enumerate(zip(peers, ports[count:], strict=True)):
        url = f"http://127.0.0.1:{port}"
        options = {
            "name": f"e{number}",
            "data-dir": str(folder / f"e{number}"),
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "initial-cluster": cluster,
        }
        words = [word for name, text in options.items() for word in (f"--{name}", text)]
        member = subprocess.Popen(["etcd", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603, S607
        stack.callback(member.wait)
        stack.callback(member.kill)
        members.append(member.pid)
    return ports[count:], members


async def connect(ports: list[int], patience_s: float) -> list[Channel]:
    """A channel to each member, once it says that there is a leader."""
    await asyncio.gather(*(_healthy(port, time.monotonic() + patience_s) for port in ports))
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Channel, "127.0.0.1", port))[1] for port in ports]


async def _healthy(port: int, until_s: float) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health HTTP/1.0\r\n\r\n")
            said = await reader.read()
            writer.close()
            if b'"health":"true"' in said:
                return
        except OSError:
            pass
        if time.monotonic() > until_s:
            raise TimeoutError("etcd does not start")
        await asyncio.sleep(0.05)
