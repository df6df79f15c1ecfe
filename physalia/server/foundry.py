"""What operators ask of a server: that cells come into being, once, and that its journal keeps within a size.

A cell is never made because nobody is known of it (design rule R15): somebody with an operator's key names its life and
all its nodes, and a server that knows the cell already does nothing. The same founding again is granted again.

What has to wait for the disk is done by the thread of the journal, between two batches; everything else by the loop.
"""

from collections.abc import Callable
from typing import Protocol

from physalia.host import Charter, Host
from physalia.journal import BatchRefused, FlushFailed, ForeignNode, JournalFull, NodeKey
from physalia.model import Cap, CellId, Create, Denied, Founding, Granted, Traffic
from physalia.server.atlas import Atlas
from physalia.server.foundings import Foundings
from physalia.server.settings import CellPlan, faults_of

MOST_WAITING = 1024
"""How many foundings may wait for the disk."""
_WHY_CHARACTERS = 255


class Asker(Protocol):
    """Who asked: a connection. It never waits."""

    def say(self, said: Traffic) -> None:
        """Tell it something."""


class Foundry:
    """Makes cells on server `own`, whose peers are `servers`. `is_closed` when the server drains."""

    def __init__(self, host: Host, atlas: Atlas, foundings: Foundings, servers: frozenset[int]) -> None:
        self.is_closed = False
        self._host, self._atlas, self._foundings, self._servers = host, atlas, foundings, servers
        self._waiting: list[tuple[Asker, Create | Cap]] = []
        self._done: list[tuple[Asker, Create | Cap, str]] = []
        self._under_way: dict[CellId, Founding] = {}

    @property
    def needs_disk(self) -> bool:
        """Whether something waits for `work`."""
        return bool(self._waiting)

    def ask(self, asker: Asker, asked: Create | Cap) -> None:
        """An operator asks: let it wait for the disk, or say at once why not."""
        why = self._objection(asked)
        if why:
            asker.say(Denied(asked.number, why[:_WHY_CHARACTERS]))
        elif isinstance(asked, Create) and self._is_known(asked.founding):
            asker.say(Granted(asked.number))
        else:
            if isinstance(asked, Create):
                self._under_way[asked.founding.cell] = asked.founding
            self._waiting.append((asker, asked))

    def work(self) -> None:
        """Do what waits, in the thread of the journal, while nothing else is on its way there. Raises `FlushFailed`."""
        waiting, self._waiting = self._waiting, []
        born: dict[CellId, str] = {}
        for asker, asked in waiting:
            if isinstance(asked, Cap):
                self._host.journal.cap(asked.most_bytes)
                why = ""
            elif (cell := asked.founding.cell) in born or self._is_known(asked.founding):
                why = born.get(cell, "")
            else:
                why = born[cell] = self._bear(asked.founding)
            self._done.append((asker, asked, why))

    def settle(self, found: Callable[[CellPlan], None]) -> None:
        """What was done is true from now on: start the nodes, and tell who asked. `found` is told of each cell."""
        done, self._done = self._done, []
        for asker, asked, why in done:
            if isinstance(asked, Create):
                self._under_way.pop(asked.founding.cell, None)
            if not why and isinstance(asked, Create) and self._atlas.here(asked.founding.cell) is None:
                plan = plan_of(asked.founding)
                self._atlas.add(plan)
                key = self._atlas.here(plan.cell)
                assert key is not None, "it was judged before that a node of it lives here"
                self._host.start(key, Charter(plan.members, plan.alpha))
                found(plan)
            asker.say(Denied(asked.number, why[:_WHY_CHARACTERS]) if why else Granted(asked.number))

    def _objection(self, asked: Create | Cap) -> str:
        if self.is_closed:
            return "the server is about to end: ask it again when it is back"
        if len(self._waiting) >= MOST_WAITING:
            return "too much waits for the disk: ask again later"
        if isinstance(asked, Cap):
            return ""
        founding = asked.founding
        plan = plan_of(founding)
        for fault in faults_of(plan, set(self._servers)):
            return f"cell {founding.cell} cannot be: {fault}"
        if self._atlas.own not in plan.nodes.values():
            return f"cell {founding.cell} has no node on server {self._atlas.own}"
        known, other = self._atlas.plan(founding.cell), self._under_way.get(founding.cell)
        if (known is not None and known != plan) or (other is not None and other != founding):
            return f"cell {founding.cell} was created before, with another life or other nodes: it is created once"
        return ""

    def _is_known(self, founding: Founding) -> bool:
        return self._atlas.plan(founding.cell) == plan_of(founding)

    def _bear(self, founding: Founding) -> str:
        """Make the node's birth durable, then the cell; return why not. A birth that nobody was told of is taken up."""
        journal = self._host.journal
        node = next(node for node, server in founding.nodes if server == self._atlas.own)
        key = NodeKey(founding.cell, founding.life, node)
        try:
            journal.admit(key)
            journal.flush()
        except ForeignNode:
            return f"cell {founding.cell} had another life on this server, and is never made anew"
        except BatchRefused:
            if journal.read(key):
                return f"the journal has records of {key}, and knows nothing of its cell: count the node as lost"
        except JournalFull:
            return "the journal has no room for another node"
        try:
            self._foundings.add(founding)
        except OSError as error:
            raise FlushFailed(
                f"the cells of this server could not be written down ({error.strerror}): nothing more is acknowledged. "
                "Restart the server, on another disk if this one fails again."
            ) from error
        return ""


def plan_of(founding: Founding) -> CellPlan:
    """The cell as settings would name it."""
    return CellPlan(founding.cell, founding.life, founding.alpha, dict(founding.nodes), founding.members)
