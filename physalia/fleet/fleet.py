"""A fleet: for each volume the servers of its clients and the servers of its cell, as rows of arrays."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from physalia.fleet.errors import BadFleet
from physalia.fleet.rules import NOBODY, Volume
from physalia.fleet.sites import Ints, Site
from physalia.placement.site.topology import Cell, Topology

Servers = NDArray[np.int32]


@frozen(eq=False)
class Fleet:
    """The volumes and cells of a site. Row i of ``clients`` (three columns) and of ``cells`` belong to one volume.

    A server is its number in the topology; `NOBODY` stands for a client that there is not, and for a node without a
    server. A cell that has no place is a row of those. ``names`` are those of the cells; none: ``cell-1`` and so on.
    """

    clients: Servers
    cells: Servers
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def unplaced(cls, clients: Servers, cell_size: int) -> "Fleet":
        """Volumes whose cells have no place yet."""
        return cls(clients, np.full((len(clients), cell_size), NOBODY, dtype=np.int32))

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which cells have all their nodes."""
        placed: NDArray[np.bool_] = (self.cells != NOBODY).all(axis=1)
        return placed

    def name(self, at: int) -> str:
        """What a cell is called."""
        return self.names[at] if self.names is not None else f"cell-{at + 1}"

    def find(self, name: str) -> int | None:
        """The number of the cell of a name."""
        if self.names is not None:
            return self.names.index(name) if name in self.names else None
        number = name.removeprefix("cell-")
        known = number.isascii() and number.isdigit() and len(number) <= len(str(len(self)))
        at = int(number) - 1 if known else -1
        return at if 0 <= at < len(self) and name == self.name(at) else None

    def volume(self, at: int) -> Volume:
        """The clients of a cell."""
        instance, primary, replica = self.clients[at].tolist()
        return instance, primary, replica

    def nodes(self, servers: int) -> Ints:
        """How many nodes of the fleet each of so many servers holds."""
        held = self.cells[self.cells != NOBODY]
        return np.bincount(held, minlength=servers).astype(np.int64)

    def fill(self, site: Site) -> float:
        """The share of what open servers can take that is taken."""
        taken = self.nodes(len(site.names))[~site.closed].sum()
        room = site.room.sum()
        return float(taken / room) if room else 0.0

    def with_cells(self, cells: Servers) -> "Fleet":
        """The same volumes in other places."""
        return evolve(self, cells=cells)


def taken_out(topology: Topology, cell_size: int) -> tuple[Site, Fleet]:
    """The cells of a topology whose instance and size are known, as a fleet on the site without them; BadFleet."""
    ours = {name: one for name, one in topology.cells.items() if one.instance and len(one.servers) == cell_size}
    held = Counter(server for one in ours.values() for server in one.servers)
    servers = {one.name: evolve(one, nodes=max(0, one.nodes - held[one.name])) for one in topology.servers.values()}
    cells = {name: one for name, one in topology.cells.items() if name not in ours}
    site = Site.of(evolve(topology, servers=servers, cells=cells, file_digest=None))

    def client(name: str | None) -> int:
        return NOBODY if name is None else site.number[name]

    clients = [[client(one.instance), client(one.primary), client(one.replica)] for one in ours.values()]
    nodes = [[site.number[name] for name in one.servers] for one in ours.values()]
    fleet = Fleet(
        np.array(clients, dtype=np.int32).reshape(-1, 3),
        np.array(nodes, dtype=np.int32).reshape(len(ours), cell_size if ours else 0),
        tuple(ours),
    )
    must_have_copies_apart(fleet, site, topology.where)
    return site, fleet


def must_have_copies_apart(fleet: Fleet, site: Site, where: str) -> None:
    """BadFleet if a volume has both copies on one server, or a replica and no primary; ``where`` is the fleet's file.

    An instance may be on the server of a copy: whoever lives reaches itself.
    """
    primary, replica = fleet.clients[:, 1], fleet.clients[:, 2]
    there = replica != NOBODY
    for bad, what, why in (
        (there & (primary == replica), "primary and replica", "two copies are on two servers"),
        (there & (primary == NOBODY), "a replica, and no primary,", "a volume with one copy has it as its primary"),
    ):
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise BadFleet(f"{where}: {fleet.name(at)} has {what} on server {site.names[replica[at]]}; {why}.")


def written(site: Site, fleet: Fleet) -> Topology:
    """The topology with the placed cells of a fleet listed, and their nodes counted on the servers."""
    nodes = fleet.nodes(len(site.names)).tolist()
    servers = {
        one.name: evolve(one, nodes=one.nodes + more)
        for one, more in zip(site.topology.servers.values(), nodes, strict=True)
    }
    cells = {**site.topology.cells, **{one.name: one for one in _named(site, fleet)}}
    return evolve(site.topology, servers=servers, cells=cells, file_digest=None)


def _named(site: Site, fleet: Fleet) -> Iterator[Cell]:
    taken = {*site.topology.cells}
    own = {fleet.name(at) for at in range(len(fleet))} if taken else set[str]()

    def client(server: int) -> str | None:
        return None if server == NOBODY else site.names[server]

    for at in np.flatnonzero(fleet.placed).tolist():
        name = fleet.name(at)
        while name in taken or (name in own and name != fleet.name(at)):
            name = f"fleet-{name}"
        taken.add(name)
        instance, primary, replica = fleet.volume(at)
        servers = tuple(site.names[server] for server in fleet.cells[at].tolist())
        yield Cell(name, servers, client(instance), client(primary), client(replica))


def names_of(site: Site, servers: Sequence[int]) -> tuple[str, ...]:
    """The names of servers."""
    return tuple("nobody" if server == NOBODY else site.names[server] for server in servers)
