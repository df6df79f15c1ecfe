"""Queries, which name the servers of a volume that a cell is to be near to."""

from collections.abc import Mapping

from attrs import frozen

from physalia.placement.errors import BadQuery
from physalia.placement.rules.policy import CLIENTS, Client
from physalia.placement.site.topology import Topology


@frozen
class Query:
    """The servers of a volume's instance and, if they matter, primary and replica; a colour, or all are tried."""

    instance: str
    primary: str | None = None
    replica: str | None = None
    color: str | None = None

    def clients(self) -> Mapping[Client, str]:
        """The clients that the query names, with their servers."""
        named: dict[Client, str | None] = {
            "instance": self.instance,
            "primary": self.primary,
            "replica": self.replica,
        }
        return {client: server for client in CLIENTS if (server := named[client]) is not None}

    def to_document(self) -> dict[str, str]:
        """The query as plain data, as certificates embed it; what is not asked is left out."""
        told: dict[str, str] = {str(client): server for client, server in self.clients().items()}
        return told if self.color is None else {**told, "color": self.color}

    def judge(self, topology: Topology) -> None:
        """Raise BadQuery if it names something that the topology does not have."""
        for client, server in self.clients().items():
            if server not in topology.servers:
                known = "it is no server" if _is_device(topology, server) else "there is no such server"
                raise BadQuery(f"{topology.where}: {client} {server}: {known}.")
        colors = colors_of(topology)
        if self.color is not None and self.color not in colors:
            raise BadQuery(f"{topology.where}: no server has the color {self.color!r}; there are {', '.join(colors)}.")

    def colors(self, topology: Topology) -> tuple[str, ...]:
        """The colours to try: the one that is asked for, or all of the topology."""
        return colors_of(topology) if self.color is None else (self.color,)


def colors_of(topology: Topology) -> tuple[str, ...]:
    """The colours of a topology's servers, sorted."""
    return topology.colors


def _is_device(topology: Topology, name: str) -> bool:
    return name in topology.racks or name in topology.powers or name in topology.switches
