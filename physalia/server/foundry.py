"""What operators ask of a server: that cells come into being, once, and that its journal keeps within a size.

A cell is never made because nobody is known of it (design rule R15): somebody with an operator's key names its life and
all its nodes, and a server that knows the cell already does nothing. The same founding again is granted again. What is
founded is a birth and a charter in the journal, flushed at once, before anybody is told of it.

What has to wait for the disk is done by the thread of the journal, between two batches; everything else by the loop.
"""

from typing import Protocol

from physalia.host import Host
from physalia.journal import BatchRefused, ForeignNode, JournalFull, NodeKey
from physalia.model import Cap, CellId, Charter, Create, Denied, Founding, Granted, Traffic
from physalia.server.atlas import Atlas
from physalia.server.settings import CellPlan, faults_of
from physalia.wire import CodecError, decode_charter, is_charter

MOST_WAITING = 1024
"""How many foundings may wait for the disk."""
_WHY_CHARACTERS = 255


class Asker(Protocol):
    """Who asked: a connection. It never waits."""

    def say(self, said: Traffic) -> None:
        """Tell it something."""


class Foundry:
    """Makes cells on a server that knows these `servers`, itself among them. `is_closed` when the server drains."""

    def __init__(self, host: Host, atlas: Atlas, servers: frozenset[int]) -> None:
        self.is_closed = False
        self._host, self._atlas, self._servers = host, atlas, servers
        self._waiting: list[tuple[Asker, Create | Cap]] = []
        self._done: list[tuple[Asker, Create | Cap, str]] = []

    @property
    def needs_disk(self) -> bool:
        """Whether something waits for `work`."""
        return bool(self._waiting)

    def ask(self, asker: Asker, asked: Create | Cap) -> None:
        """An operator asks: let it wait for the disk, or say at once why not."""
        why = self._objection(asked)
        if why:
            asker.say(Denied(asked.number, why[:_WHY_CHARACTERS]))
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
            else:
                why = self._bear(asked.founding, born)
            self._done.append((asker, asked, why))

    def settle(self) -> list[NodeKey]:
        """What was done is true from now on: return the nodes that are new, and tell who asked."""
        done, self._done = self._done, []
        new = []
        for asker, asked, why in done:
            if not why and isinstance(asked, Create) and self._atlas.here(asked.founding.cell) is None:
                new.append(self._key(asked.founding))
                self._atlas.index.add(new[-1])
            asker.say(Denied(asked.number, why[:_WHY_CHARACTERS]) if why else Granted(asked.number))
        return new

    def _objection(self, asked: Create | Cap) -> str:
        if self.is_closed:
            return "the server is about to end: ask it again when it is back"
        if len(self._waiting) >= MOST_WAITING:
            return "too much waits for the disk: ask again later"
        if isinstance(asked, Cap):
            return ""
        one = asked.founding
        for fault in faults_of(CellPlan(one.cell, one.life, one.alpha, dict(one.nodes), one.members), self._servers):
            return f"cell {one.cell} cannot be: {fault}"
        if self._atlas.own not in dict(one.nodes).values():
            return f"cell {one.cell} has no node on server {self._atlas.own}"
        return ""

    def _bear(self, founding: Founding, born: dict[CellId, Founding]) -> str:
        """Make the node's birth and charter durable; return why not. What is there already is compared."""
        cell, key = founding.cell, self._key(founding)
        charter = Charter(founding.members, founding.alpha, founding.nodes)
        there = self._atlas.here(cell)
        if cell in born or there is not None:
            is_same = born[cell] == founding if cell in born else there == key and self._charter(key) == charter
            return "" if is_same else f"cell {cell} was created before, with another life or other nodes: it is so once"
        try:
            self._host.found(key, charter)
        except ForeignNode:
            return f"cell {cell} had another life on this server, and is never made anew"
        except JournalFull:
            return "the journal has no room for another node"
        except BatchRefused as refused:
            return str(refused)
        born[cell] = founding
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
