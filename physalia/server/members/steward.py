"""What operators ask of nodes that are there (design rules R8 and R11): where others live, that one leaves, how it is.

A node leaves when a change has removed it and others hold what it holds. That takes messages, so whoever asks for it
waits; who waited for a beat is told what is missing, and asks again, which makes the node ask the others again.
"""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from physalia.cell import life_of
from physalia.journal import NodeKey
from physalia.model import CellId, Denied, Granted, House, Inspect, Inspected, Leave, Release
from physalia.server.atlas import Atlas
from physalia.server.members.foundry import WHY_CHARACTERS, Asker
from physalia.server.nodes import Nodes


class Steward:
    """Looks after the nodes here; `inspect` tells of one. `refused` counts what could not be done, by why."""

    def __init__(
        self, nodes: Nodes, atlas: Atlas, servers: frozenset[int], inspect: Callable[[CellId], dict[str, Any] | None]
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._nodes, self._atlas, self._servers, self._inspect = nodes, atlas, servers, inspect
        self._leaving: dict[NodeKey, tuple[Asker, int]] = {}
        self._late: set[NodeKey] = set()

    def ask(self, asker: Asker, asked: House | Release | Inspect) -> None:
        """An operator asks: it is told when it is done, or why not."""
        if isinstance(asked, Release):
            key: NodeKey | None = NodeKey(asked.cell, asked.life, asked.node)
            if not self._atlas.index.has(NodeKey(asked.cell, asked.life, asked.node)):
                key = None
        else:
            key = self._atlas.here(asked.cell)
        if isinstance(asked, Inspect) and key is None:
            self._tell(asker, asked)
        elif key is None or (isinstance(asked, House) and key.life != asked.life):
            self._deny(asker, asked.number, "unknown", f"there is no such node of cell {asked.cell} on this server")
        elif isinstance(asked, House):
            self._nodes.when_loaded(key, partial(self._house, asker, asked, key))
        elif isinstance(asked, Release):
            self._nodes.when_loaded(key, partial(self._release, asker, asked, key))
        elif key is not None:
            self._nodes.when_loaded(key, partial(self._tell, asker, asked))

    def _tell(self, asker: Asker, asked: Inspect) -> None:
        of_server = {"server": self._atlas.own, "disk": self._nodes.host.journal.name.hex(), "cell": asked.cell}
        told = self._inspect(asked.cell) or of_server
        asker.say(Inspected(asked.number, json.dumps(told).encode("ascii")))

    def _house(self, asker: Asker, asked: House, key: NodeKey) -> None:
        hosted = self._nodes.host.hosted(key)
        if hosted is None:
            self._deny(asker, asked.number, "left", f"node {key.incarnation} left cell {key.cell}")
            return
        for node, server in asked.homes:
            if server not in self._servers:
                self._deny(asker, asked.number, "unknown", f"server {server} is neither this one nor among its peers")
                return
            if hosted.homes.get(node, server) != server:
                self._deny(asker, asked.number, "moves", f"node {node} lives on server {hosted.homes[node]}, for ever")
                return
        news = dict(asked.homes)
        if news.items() <= hosted.homes.items():
            asker.say(Granted(asked.number))
            return
        self._nodes.house(hosted, news, lambda: asker.say(Granted(asked.number)))

    def _release(self, asker: Asker, asked: Release, key: NodeKey) -> None:
        hosted = self._nodes.host.hosted(key)
        if hosted is None:
            asker.say(Granted(asked.number))
            return
        if life_of(hosted.node) in ("created", "learning", "caught up"):
            self._deny(asker, asked.number, "newcomer", f"node {key.incarnation} was never a member of cell {key.cell}")
            return
        self._leaving[key] = (asker, asked.number)
        self._late.discard(key)
        self._nodes.begin(key, Leave())

    def gone(self, key: NodeKey) -> None:
        """A node has left, durably."""
        waiting = self._leaving.pop(key, None)
        if waiting is not None:
            asker, number = waiting
            asker.say(Granted(number))

    def beat(self) -> None:
        """Tell those who have waited for a beat what is missing."""
        for key in tuple(self._leaving):
            if key in self._late:
                asker, number = self._leaving.pop(key)
                self._deny(asker, number, *self._why(key))
        self._late = set(self._leaving)

    def _why(self, key: NodeKey) -> tuple[str, str]:
        node = self._nodes.host.node(key)
        if node is None or node.duty is None:
            return "a member", f"node {key.incarnation} is a member of cell {key.cell}, as far as it knows"
        learned = ", ".join(f"{one}: {node.learned.get(one, 'silent')}" for one in sorted(node.duty.members))
        return "not yet", f"a majority of its successors has to learn slot {node.duty.slot} first: {learned}"

    def _deny(self, asker: Asker, number: int, kind: str, why: str) -> None:
        self.refused[kind] += 1
        asker.say(Denied(number, why[:WHY_CHARACTERS]))
