"""Survival proved by two ways that know nothing of each other.

The graph way counts the nodes of the cell in each cut set. The other states failure, power and reachability to z3 and
asks for a failure that loses the majority; the answer "there is none" is the proof. It says yes to sites of up to
``Z3_SERVERS`` servers; beyond them the graph way stands alone.
"""

from collections.abc import Sequence

from physalia.placement.effort import Effort
from physalia.placement.site.topology import Topology
from physalia.placement.survival.by_cuts import Survival, survives
from physalia.placement.survival.cuts import cut_sets

Z3_SERVERS = 10_000
"""Up to so many servers z3 is asked too; it takes about a second there, and half a minute at ten times as many."""

Z3_TIMEOUT_MS = 120_000


def prove(
    topology: Topology, instance: str, servers: Sequence[str], effort: Effort | None = None
) -> tuple[Survival, ...]:
    """The answers of both ways, or of the graph way alone on large sites. They agree, or one of them has a defect.

    z3 gives up when the time allowed is over, after two minutes at most. RuntimeError if they do not agree, or if z3
    blames a device that the cut sets acquit.
    """
    by_graph = survives(topology, instance, servers)
    if len(topology.servers) > Z3_SERVERS:
        return (by_graph,)
    from physalia.placement.survival.by_z3 import refute  # noqa: PLC0415  # z3 takes long to import

    left_s = (effort or Effort()).left_s
    timeout_ms = Z3_TIMEOUT_MS if left_s is None else min(Z3_TIMEOUT_MS, 1 + int(1000 * left_s))
    by_z3 = refute(topology, instance, servers, timeout_ms)
    blamed = None if by_z3.breaks is None else cut_sets(topology, instance).get(by_z3.breaks)
    spare = len(servers) - (len(servers) // 2 + 1)
    rightly = blamed is not None and sum(blamed.holds(topology.servers[name]) for name in servers) > spare
    if by_z3.holds is not None and (by_z3.holds != by_graph.holds or by_z3.holds == rightly):
        raise RuntimeError(f"the two ways disagree: {by_graph.sentence} {by_z3.sentence}")
    return by_graph, by_z3
