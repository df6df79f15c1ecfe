"""How far servers are from a client: links on a shortest path, over switches, since servers do not forward.

All servers with the same switches are equally far, so distances are kept by set of switches: at 100,000 servers there
are a few thousand of those.
"""

from collections import deque

from attrs import field, frozen

from physalia.placement.errors import BadQuery
from physalia.placement.site.topology import Topology

_REMEMBERED = 16
"""Of so many clients the distances are kept with the topology."""


@frozen(eq=False)
class Distances:
    """The hops from one client to every server; make one with ``Hops.of``."""

    topology: Topology
    client: str
    switches: dict[str, int]
    """Links from the client to each switch that it can reach."""
    _known: dict[tuple[str, ...], int | None] = field(factory=dict, init=False)

    def to(self, server: str) -> int | None:
        """Links on a shortest path to a server: 0 to the client itself, None where no path leads."""
        if server == self.client:
            return 0
        return self.through(self.topology.servers[server].switches)

    def through(self, switches: tuple[str, ...]) -> int | None:
        """Links on a shortest path to any other server that hangs on these switches; None where no path leads."""
        if switches not in self._known:
            reached = [self.switches[switch] for switch in switches if switch in self.switches]
            self._known[switches] = 1 + min(reached) if reached else None
        return self._known[switches]


class Hops:
    """The network of a topology, ready to measure distances from any client."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._known: dict[str, Distances] = topology.remembered("hops")

    def of(self, client: str) -> Distances:
        """The hops from a client's server to every server, breadth first; BadQuery if there is no such server."""
        if client not in self._topology.servers:
            raise BadQuery(f"{self._topology.where}: there is no server {client}.")
        if client in self._known:
            return self._known[client]
        reached = dict.fromkeys(self._topology.servers[client].switches, 1)
        waiting = deque(reached)
        while waiting:
            switch = waiting.popleft()
            for _, neighbour in self._topology.neighbours[switch]:
                if neighbour not in reached:
                    reached[neighbour] = reached[switch] + 1
                    waiting.append(neighbour)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[client] = Distances(self._topology, client, reached)
        return self._known[client]
