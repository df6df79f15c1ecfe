"""``MajoritySurvives``: if any one device fails and the instance stays up, it still reaches a majority of its cell.

Two ways that know nothing of each other say so. The graph way counts the nodes of the cell in each cut set
(``physalia.placement.cuts``). The other states failure, power and reachability to z3 and asks for a failure that loses
the majority; the answer "there is none" is the proof. It says yes to sites of up to ``Z3_SERVERS`` servers; beyond them
the graph way stands alone.
"""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from physalia.placement.cuts import cut_sets
from physalia.placement.errors import BadQuery
from physalia.placement.failures import failures
from physalia.placement.topology import Topology

Z3_SERVERS = 10_000
"""Up to so many servers z3 is asked too; it takes about a second there, and half a minute at ten times as many."""

Z3_TIMEOUT_MS = 120_000


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
    check_names(topology, instance, servers)
    spare = len(servers) - (len(servers) // 2 + 1)
    cell = [topology.servers[name] for name in servers]
    worst: tuple[int, str, tuple[str, ...]] = (spare, "", ())
    for device, cut in cut_sets(topology, instance, spare).items():
        lost = tuple(server.name for server in cell if cut.holds(server))
        if len(lost) > worst[0]:
            worst = (len(lost), device, lost)
    _, breaks, lost = worst
    return Survival(holds=not breaks, method="graph", failures=count(topology), breaks=breaks or None, lost=lost)


def prove(topology: Topology, instance: str, servers: Sequence[str]) -> tuple[Survival, ...]:
    """The answers of both ways, or of the graph way alone on large sites. They agree, or one of them has a defect.

    RuntimeError if they do not agree, or if z3 blames a device that the cut sets acquit.
    """
    by_graph = survives(topology, instance, servers)
    if len(topology.servers) > Z3_SERVERS:
        return (by_graph,)
    from physalia.placement.survival_z3 import refute  # noqa: PLC0415  # z3 takes long to import

    by_z3 = refute(topology, instance, servers, Z3_TIMEOUT_MS)
    blamed = None if by_z3.breaks is None else cut_sets(topology, instance).get(by_z3.breaks)
    spare = len(servers) - (len(servers) // 2 + 1)
    rightly = blamed is not None and sum(blamed.holds(topology.servers[name]) for name in servers) > spare
    if by_z3.holds is not None and (by_z3.holds != by_graph.holds or by_z3.holds == rightly):
        raise RuntimeError(f"the two ways disagree: {by_graph.sentence} {by_z3.sentence}")
    return by_graph, by_z3


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
