"""``MajoritySurvives``: if any one device fails and the instance stays up, it still reaches a majority of its cell.

Said here the graph way, which counts the nodes of the cell in each cut set (``physalia.placement.survival.cuts``).
"""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from physalia.placement.errors import BadQuery
from physalia.placement.site.topology import Topology
from physalia.placement.survival.cuts import cuts_seen_from
from physalia.placement.survival.failures import failures


@frozen(kw_only=True)
class Survival:
    """Whether a majority survives every single failure, as one ``method`` has it.

    If not, ``breaks`` is a device whose failure leaves the instance up and cuts off ``lost``, at least
    n - majority + 1 nodes of the cell (all of them, or as many as z3 needed). ``failures`` counts what was considered.
    ``holds`` is None if z3 gave up.
    """

    holds: bool | None
    method: Literal["graph", "z3"]
    failures: int
    breaks: str | None = None
    lost: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if self.holds is None:
            return f"{self.method}: no answer within the time allowed."
        if self.holds:
            return f"{self.method}: a majority survives each of {self.failures:,} single failures."
        return f"{self.method}: if {self.breaks} fails, the instance is up but does not reach {', '.join(self.lost)}."


def survives(topology: Topology, instance: str, servers: Sequence[str]) -> Survival:
    """Whether the cell on ``servers`` survives, by the cut sets; BadQuery for servers that do not exist.

    Of several devices that break it, the one that costs most nodes is named, and of those the first in the topology.
    """
    found = losses(topology, instance, servers)
    worst = max(found, key=lambda loss: len(loss.lost), default=Loss("", ()))
    return Survival(
        holds=not found, method="graph", failures=count(topology), breaks=worst.device or None, lost=worst.lost
    )


@frozen
class Loss:
    """A device whose failure leaves the instance up without a majority, and the nodes that it then does not reach."""

    device: str
    lost: tuple[str, ...]


def losses(topology: Topology, instance: str, servers: Sequence[str], client: str | None = None) -> list[Loss]:
    """Every single failure that a cell does not survive, in the order of the topology; BadQuery for unknown servers.

    With a ``client`` as that one sees it, for failures in which the instance is up and reaches it.
    """
    check_names(topology, instance, servers)
    spare = len(servers) - (len(servers) // 2 + 1)
    cell = [topology.servers[name] for name in servers]
    found = []
    for device, cut in cuts_seen_from(topology, instance, client or instance, spare).items():
        lost = tuple(server.name for server in cell if cut.holds(server))
        if len(lost) > spare:
            found.append(Loss(device, lost))
    return found


def count(topology: Topology) -> int:
    """How many single failures there are: racks, power, switches and links, those of servers included."""
    own = sum(len(server.switches) for server in topology.servers.values())
    return sum(1 for _ in failures(topology)) + own


def check_names(topology: Topology, instance: str, servers: Sequence[str]) -> None:
    """BadQuery if the instance or a node is no server of the topology, if one is named twice, or if there is none."""
    for name in (instance, *servers):
        if name not in topology.servers:
            raise BadQuery(f"{topology.where}: there is no server {name}.")
    if not servers:
        raise BadQuery("a cell has at least one node, and no server is named.")
    if len(set(servers)) != len(servers):
        twice = next(name for at, name in enumerate(servers) if name in servers[:at])
        raise BadQuery(f"the cell has two nodes on server {twice}; nodes of a cell are on different servers.")
