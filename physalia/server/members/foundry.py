"""What operators ask of a server: that cells and nodes come into being, once, and that its journal keeps within a size.

A cell is never made because nobody is known of it (design rule R15): somebody with an operator's key names its life and
all its nodes, and a server that knows the cell already does nothing. The same founding again is granted again. What is
founded is a birth and a charter in the journal, flushed at once, before anybody is told of it.

So it is with a node that joins a cell. One that left is never made anew, however late somebody asks for it (R11). And a
server that lost its disk, and with it what tells who was here and who left, makes nothing that was meant for the lost
one: whoever asks names the disk on which the node is to be.

What has to wait for the disk is done by the thread of the journal, between two batches; everything else by the loop.
"""

from collections import Counter
from typing import Protocol, TypeAlias

from physalia.host import Host
from physalia.journal import BatchRefused, ForeignNode, JournalFull, NodeKey
from physalia.model import (
    Cap,
    CellId,
    Charter,
    Create,
    Denied,
    Founding,
    Granted,
    Homes,
    Inquire,
    Join,
    Traffic,
)
from physalia.server.atlas import Atlas
from physalia.server.nodes import Nodes
from physalia.server.settings import CellPlan, faults_of
from physalia.wire import CodecError, decode_charter, is_charter
from physalia.wire.limits import MAX_ALPHA, MAX_NATURAL

Ordered: TypeAlias = Create | Cap | Join

MOST_WAITING = 1024
"""How many foundings may wait for the disk."""
WHY_CHARACTERS = 255


class Asker(Protocol):
    """Who asked: a connection. It never waits."""

    def say(self, said: Traffic) -> None:
        """Tell it something."""


class Foundry:
    """Makes cells on a server that knows these `servers`, itself among them. `is_closed` when the server drains."""

    def __init__(self, nodes: Nodes, atlas: Atlas, servers: frozenset[int]) -> None:
        self.is_closed = False
        self._host: Host = nodes.host
        self._nodes, self._atlas, self._servers = nodes, atlas, servers
        self.refused: Counter[str] = Counter()
        """What was asked of nodes that are not to be made, by why."""
        self._waiting: list[tuple[Asker, Ordered]] = []
        self._done: list[tuple[Asker, Ordered, str]] = []

    @property
    def needs_disk(self) -> bool:
        """Whether something waits for `work`."""
        return bool(self._waiting)

    def ask(self, asker: Asker, asked: Ordered) -> None:
        """An operator asks: let it wait for the disk, or say at once why not."""
        why = self._objection(asked)
        if why:
            asker.say(Denied(asked.number, why[:WHY_CHARACTERS]))
        else:
            self._waiting.append((asker, asked))

    def work(self) -> None:
        """Do what waits, in the thread of the journal, while nothing else is on its way there.

        Raises `FlushFailed` and `JournalDamaged`.
        """
        waiting, self._waiting = self._waiting, []
        born: dict[CellId, Founding] = {}
        for asker, asked in waiting:
            if isinstance(asked, Cap):
                self._host.journal.cap(asked.most_bytes)
                why = ""
            elif isinstance(asked, Join):
                why = self._join(asked, born)
            else:
                why = self._bear(asked.founding, born)
            self._done.append((asker, asked, why))

    def settle(self) -> list[NodeKey]:
        """What was done is true from now on: return the nodes that are new, and tell who asked."""
        done, self._done = self._done, []
        new = []
        for asker, asked, why in done:
            if not why and not isinstance(asked, Cap):
                key = self._key(asked.founding) if isinstance(asked, Create) else _joining(asked)
                if not self._atlas.index.has(key):
                    new.append(key)
                    self._atlas.index.add(key)
                if isinstance(asked, Join):
                    self._learn(key, asked)
            asker.say(Denied(asked.number, why[:WHY_CHARACTERS]) if why else Granted(asked.number))
        return new

    def _learn(self, key: NodeKey, asked: Join) -> None:
        """Let the node ask for what it lacks."""
        others = frozenset(node for node, _ in asked.homes)
        self._nodes.when_loaded(key, lambda: self._nodes.begin(key, Inquire(others)))

    def _objection(self, asked: Ordered) -> str:
        if self.is_closed:
            return "the server is about to end: ask it again when it is back"
        if len(self._waiting) >= MOST_WAITING:
            return "too much waits for the disk: ask again later"
        if isinstance(asked, Cap):
            return ""
        if isinstance(asked, Join):
            return self._objection_to(asked)
        one = asked.founding
        for fault in faults_of(CellPlan(one.cell, one.life, one.alpha, dict(one.nodes), one.members), self._servers):
            return f"cell {one.cell} cannot be: {fault}"
        if self._atlas.own not in dict(one.nodes).values():
            return f"cell {one.cell} has no node on server {self._atlas.own}"
        return self._objection_of_disk(asked)

    def _objection_of_disk(self, asked: Create | Join) -> str:
        if asked.disk == self._host.journal.name:
            return ""
        self.refused["another disk"] += 1
        return "this server has another disk than the one that was to have the node: look at it again"

    def _objection_to(self, asked: Join) -> str:
        cell = asked.founding.cell
        if why := self._objection_of_disk(asked):
            return why
        if asked.node in dict(asked.founding.nodes):
            return f"node {asked.node} is as old as cell {cell}, and does not join it"
        plan = CellPlan(cell, asked.founding.life, asked.founding.alpha, dict(asked.founding.nodes), frozenset())
        is_odd = not asked.founding.members <= set(plan.nodes) or not asked.founding.members
        if is_odd or not 1 <= plan.alpha <= MAX_ALPHA or not asked.homes:
            return f"cell {cell} cannot be: its members have no servers, or its window no size"
        if strangers := {server for _, server in asked.homes} - self._servers:
            return f"server {min(strangers)} is neither this one nor among its peers"
        return ""

    def _join(self, asked: Join, born: dict[CellId, Founding]) -> str:
        """Make the birth of a new node durable, with where the others live; return why not."""
        founding, key = asked.founding, _joining(asked)
        if self._atlas.index.has(key):
            if self._host.lasts(key) < MAX_NATURAL:
                self.refused["left"] += 1
                return f"node {asked.node} left cell {founding.cell}, and is never made anew: name another one"
            return ""
        there = self._atlas.here(founding.cell)
        if founding.cell in born or (there is not None and self._host.lasts(there) == MAX_NATURAL):
            return f"cell {founding.cell} has a node on this server, and two of them would fail together"
        own = (asked.node, self._atlas.own)
        charter = Charter(founding.members, founding.alpha, tuple(sorted((*founding.nodes, own))))
        why = self._found(key, charter, Homes(tuple(sorted({*asked.homes, own}))))
        if not why:
            born[founding.cell] = founding
        return why

    def _bear(self, founding: Founding, born: dict[CellId, Founding]) -> str:
        """Make the node's birth and charter durable; return why not. What is there already is compared."""
        cell, key = founding.cell, self._key(founding)
        charter = Charter(founding.members, founding.alpha, founding.nodes)
        there = self._atlas.here(cell)
        if cell in born or there is not None:
            if there is not None and self._host.lasts(there) < MAX_NATURAL:
                self.refused["left"] += 1
                return f"cell {cell} left this server, and is never made anew here: ask where it is"
            is_same = born[cell] == founding if cell in born else there == key and self._charter(key) == charter
            return "" if is_same else f"cell {cell} was created before, with another life or other nodes: it is so once"
        why = self._found(key, charter)
        if not why:
            born[cell] = founding
        return why

    def _found(self, key: NodeKey, charter: Charter, homes: Homes | None = None) -> str:
        try:
            self._host.found(key, charter, homes)
        except ForeignNode:
            return f"cell {key.cell} had another life on this server, and is never made anew"
        except JournalFull:
            return "the journal has no room for another node"
        except BatchRefused as refused:
            return str(refused)
        return ""

    def _charter(self, key: NodeKey) -> Charter | None:
        """What was fixed when a node here was born; None if only the settings say it."""
        hosted = self._host.hosted(key)
        if hosted is not None:
            return hosted.charter
        kept = self._host.journal.read(key)
        self._host.journal.forget(key)
        try:
            return decode_charter(kept[0]) if kept and is_charter(kept[0]) else None
        except CodecError:
            return None

    def _key(self, founding: Founding) -> NodeKey:
        node = next(node for node, server in founding.nodes if server == self._atlas.own)
        return NodeKey(founding.cell, founding.life, node)


def _joining(asked: Join) -> NodeKey:
    return NodeKey(asked.founding.cell, asked.founding.life, asked.node)
