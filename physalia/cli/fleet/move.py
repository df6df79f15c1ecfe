"""Where a cell of a fleet shall go, and the way there; what cannot be is one sentence."""

from collections.abc import Sequence
from pathlib import Path

from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet, written
from physalia.fleet.moves import Plan, replay
from physalia.fleet.repair import way_to
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Topology
from physalia.placement.solver.answer import Contradiction, solve
from physalia.placement.solver.problem import problem


def target(
    site: Site, rules: Rules, fleet: Fleet, file: Path, name: str, servers: Sequence[str] | None, effort: Effort
) -> tuple[int, tuple[int, ...]]:
    """The number of a cell and where it shall be: on the servers that are named, or at its best place in its colour."""
    cell = fleet.find(name)
    if cell is None:
        raise BadFleet(f"{file}: there is no cell {name}.")
    if not fleet.placed[cell]:
        raise BadFleet(f"{file}: {name} has no place, so there is nothing to move; physalia fleet refill places it.")
    judge = _judge(site, rules, fleet, cell)
    if servers is None:
        answer = solve(problem(judge.topology, rules.policy, judge.query), effort)
        if not answer.servers:
            raise BadFleet(f"{file}: {name}: there is no place that keeps every rule, or none was found in time.")
        servers = answer.servers
    wrong = judge.broken(servers)
    if wrong:
        raise BadFleet(f"{file}: {name} cannot move to {', '.join(servers)}: rule {wrong[0].rule}: {wrong[0].sentence}")
    return cell, tuple(site.number[one] for one in servers)


def moved(site: Site, rules: Rules, fleet: Fleet, cell: int, new: Sequence[int], effort: Effort) -> Plan:
    """The fewest moves; every step is judged again by the rules as they are defined, by somebody who did not search."""
    plan = way_to(filled(site, rules, fleet), fleet, cell, new, effort)
    if plan.steps is not None:
        steps = [(site.names[one.away], site.names[one.to]) for one in plan.steps]
        old = [site.names[one] for one in fleet.cells[cell].tolist()]
        wrong = replay(_judge(site, rules, fleet, cell), old, [site.names[one] for one in new], steps)
        if wrong:
            raise Contradiction(f"the way that was found is none: {wrong}")
    return plan


def _judge(site: Site, rules: Rules, fleet: Fleet, cell: int) -> Judge:
    """The judge of one cell: on the site with all others. It may stay on its own servers, though they be drained."""
    cells = fleet.cells.copy()
    cells[cell] = NOBODY
    without: Topology = written(site, fleet.with_cells(cells))
    instance, primary, replica = (None if one == NOBODY else site.names[one] for one in fleet.volume(cell))
    color = None
    if rules.policy.one_color:
        color = site.topology.servers[site.names[fleet.cells[cell, 0]]].color
    return Judge.of(without, rules.policy, Query(str(instance), primary, replica, color))
