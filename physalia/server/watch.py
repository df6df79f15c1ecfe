"""What may be looked at from outside while a server runs: figures for Prometheus, health, and single nodes.

A few pages over HTTP, on an address of their own, and only if the settings name one. They read what the server counts
anyway, when somebody asks, and change nothing: a node at rest stays at rest. Nothing on them is a secret: no key of
anybody, and neither keys nor values of items. Whoever asks too much, too long or not by GET is sent away.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from physalia.cell import inspect
from physalia.model import NodeId
from physalia.server.atlas import Atlas
from physalia.server.clock import Clock
from physalia.server.leadership import Leadership
from physalia.server.links import Links
from physalia.server.nodes import Nodes
from physalia.server.requests import Requests
from physalia.server.suspicion import Suspicion
from physalia.transport import KeyFile, Refusals
from physalia.wire.limits import MAX_NATURAL

MOST_HEAD_BYTES = 1 << 13
MOST_DIGITS = len(str(MAX_NATURAL))
MOST_AT_ONCE = 32
PATIENCE_S = 5.0
_JSON, _TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"

Page = tuple[HTTPStatus, str, bytes]


class Server(Protocol):
    """What is looked at of a server: its parts, none of which is changed."""

    number: int
    clock: Clock
    atlas: Atlas
    nodes: Nodes
    requests: Requests
    suspicion: Suspicion
    leadership: Leadership
    links: Links
    refusals: Refusals
    keys: KeyFile


class Figures(Collector):
    """What Prometheus is told of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now."""
        server = self._server
        nodes, host = server.nodes, server.nodes.host
        yield _gauge("physalia_nodes", "Nodes of this server, at rest or in memory", len(server.atlas.index))
        yield _gauge("physalia_nodes_in_memory", "Nodes in memory", len(host))
        leading = sum(node is not None and node.is_leading for node in map(host.node, nodes.recent))
        yield _gauge("physalia_nodes_leading", "Nodes in memory that lead their cell", leading)
        yield _gauge("physalia_nodes_restless", "Nodes to which somebody owes an answer", len(nodes.restless))
        yield _gauge("physalia_tasks", "Tasks of the event loop, that of this answer too", tasks())
        yield _gauge("physalia_requests_waiting", "Requests of clients that wait for an answer", len(server.requests))
        yield _gauge("physalia_peers_suspected", "Servers that seem to be gone", len(server.suspicion.suspected))
        yield _gauge("physalia_peers_reached", "Servers with which there is a connection", len(server.links.reached))
        yield _gauge("physalia_journal_full", "Whether the journal found no room last", int(host.journal.full))
        yield _gauge("physalia_journal_unfolded", "Entries of the journal that are not folded", host.journal.unfolded)
        yield _gauge("physalia_keys_stale", "Whether the file of keys is not taken up", int(bool(server.keys.fault)))
        yield _counter("physalia_campaigns", "Campaigns of nodes here", server.leadership.campaigns)
        yield _counter("physalia_messages_dropped", "Messages to servers that were dropped", server.links.dropped)
        yield _counter("physalia_impostors", "Messages from where their sender does not live", nodes.impostors)
        yield _counter("physalia_strangers", "Messages to nodes that are not here", host.strangers)
        refused = CounterMetricFamily("physalia_refused", "Connections that were closed, by why", labels=["kind"])
        for kind, count in sorted(server.refusals.items()):
            refused.add_metric([kind], count)
        yield refused


class Watch:
    """The pages of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Figures(server))
        self._visitors = 0

    def page(self, path: str) -> Page:
        """What stands under a path."""
        if path == "/metrics":
            return HTTPStatus.OK, _TEXT, generate_latest(self._registry)
        if path == "/health":
            health = self.health()
            return (HTTPStatus.OK if health["state"] == "serving" else HTTPStatus.SERVICE_UNAVAILABLE), *_json(health)
        if path == "/inspect":
            return HTTPStatus.OK, *_json(self.summary())
        cell = path.removeprefix("/inspect/")
        is_number = cell.isascii() and cell.isdigit() and len(cell) <= MOST_DIGITS  # a longer one is not even read
        if cell != path and is_number and int(cell) <= MAX_NATURAL:
            told = self.inspect(int(cell))
            if told is not None:
                return HTTPStatus.OK, *_json(told)
        there = "there are /metrics, /health, /inspect and /inspect/CELL"
        return HTTPStatus.NOT_FOUND, *_json({"schema_version": 1, "error": there})

    def health(self) -> dict[str, Any]:
        """Whether it serves: not when it drains, nor after its journal failed."""
        server = self._server
        state = "draining" if server.requests.is_closed else "serving"
        if server.nodes.host.stopped is not None:
            state = "stopped"
        return {
            "schema_version": 1,
            "server": server.number,
            "state": state,
            "is_full": server.nodes.host.journal.full,
            "is_capped": server.nodes.host.journal.is_capped,
            "clock_rate": server.clock.rate,
            "suspected": sorted(server.suspicion.suspected),
            "reached": len(server.links.reached),
            "tasks": tasks(),
            "spoken": {str(peer): version for peer, version in sorted(server.links.spoken.items())},
            "are_keys_stale": bool(server.keys.fault),
        }

    def summary(self) -> dict[str, Any]:
        """All nodes of the server in a few numbers."""
        server, host = self._server, self._server.nodes.host
        nodes = [node for node in map(host.node, server.nodes.recent) if node is not None]
        return {
            "schema_version": 1,
            "server": server.number,
            "disk": host.journal.name.hex(),
            "nodes": len(server.atlas.index),
            "in_memory": len(host),
            "leading": sum(node.is_leading for node in nodes),
            "stopped": sum(bool(node.stopped) for node in nodes),
            "moving": sum(not node.is_member for node in nodes),
            "left": len(host.pointers),
        }

    def inspect(self, cell: int) -> dict[str, Any] | None:
        """The node of a cell here; None if there is none. One at rest is not read for it."""
        key = self._server.atlas.here(cell)
        if key is None:
            return None
        host = self._server.nodes.host
        hosted, node, pointer = host.hosted(key), host.node(key), host.pointers.get(key)
        told: dict[str, Any] = {
            "schema_version": 1,
            "server": self._server.number,
            "cell": cell,
            "life": str(key.life),
            "disk": self._server.nodes.host.journal.name.hex(),
            "node": str(key.incarnation),
            "in_memory": node is not None,
        }
        if pointer is not None:
            moved = {"version_of_members": pointer.version, "moved_to": _homes(pointer.members)}
            return told | {"life_state": "gone"} | moved
        if node is None:
            return told
        assert hosted is not None
        charter, homes = hosted.charter, hosted.homes
        members = [str(member) for member in sorted(charter.first_members)]
        founding = {"alpha": charter.alpha, "nodes": _homes(charter.homes), "members": members}
        return told | inspect(node) | {"homes": _homes(homes.items()), "founding": founding}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One visitor, one page."""
        self._visitors += 1
        try:
            if self._visitors <= MOST_AT_ONCE:
                async with asyncio.timeout(PATIENCE_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(_response(*self._page_for(head)))
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it left, asked for too much, or took too long
        finally:
            self._visitors -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _page_for(self, head: bytes) -> Page:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004  # method, path, version
            return HTTPStatus.BAD_REQUEST, *_json({"schema_version": 1, "error": "this is no HTTP"})
        if words[0] != b"GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, *_json({"schema_version": 1, "error": "only GET changes nothing"})
        try:
            return self.page(words[1].decode("ascii", errors="replace").split("?", 1)[0])
        except Exception:  # noqa: BLE001  # a page that cannot be shown is no reason for a server to end
            why = "this page cannot be shown: please report it as a defect of physalia"
            return HTTPStatus.INTERNAL_SERVER_ERROR, *_json({"schema_version": 1, "error": why})


def tasks() -> int:
    """How many tasks the event loop has: one that nobody ends would be found nowhere else."""
    return len(asyncio.all_tasks())


def _homes(homes: Iterable[tuple[NodeId, int]]) -> dict[str, int]:
    return {str(node): server for node, server in sorted(homes)}


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value=value)


def _json(data: dict[str, Any]) -> tuple[str, bytes]:
    return _JSON, json.dumps(data).encode("ascii") + b"\n"


def _response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
