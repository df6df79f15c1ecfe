"""Fleets on made-up sites, by definition: what is placed, what is judged, the ways between cells, and the blast radius.

The words of the blast radius are said here again, from what ``definition`` says is reached, by whoever has not seen how
they are counted.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from attrs import evolve

from conformance.placement.brute import unavailability
from conformance.placement.definition import Cell, Question, World, majority, single_failures
from conformance.placement.judge import Table, told
from conformance.placement.sites import Choices, with_probabilities
from conformance.refutation import Refuted
from physalia.blast_radius.fates import under
from physalia.blast_radius.network import Network
from physalia.fleet.fleet import Fleet
from physalia.fleet.ideal import Ideal
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.repair import repair, way_to, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.availability.estimator import NotExact
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import HopLimit, Survives
from physalia.placement.site.topology import Cell as Listed
from physalia.placement.site.topology import Topology

ALWAYS = {"size", "drained", "capacity", "color", "reachable"}
"""What the code calls the rules that always hold; the definition calls them by one name."""

MOST_PLACED, WAYS, EMPTIED, FAILURE_SETS = 4, 12, 6, 24

MOST_FAIL, MOST_BOUNDED = 13, 6
"""So many devices fail where bounds are judged, and so many cells are held against them."""

RELATIVE = 1e-8


def judge_fleet(asked: Question, table: Table, choose: Choices) -> set[str]:
    """Hold a fleet on the site of a question against the definitions; Refuted if they differ. What was seen."""
    site = Site.of(asked.topology)
    seen = set(_placed(asked, site))
    seen |= set(_judged(asked, site, table, choose))
    if asked.color is None or asked.policy.one_color:  # a cell of a fleet keeps to no other colour
        seen |= set(_ways(asked, site, table, choose))
        seen |= set(_repaired(asked, site, table, choose))
    seen |= set(_blast(asked, site, table, choose))
    seen |= set(_bounded(asked, table, choose))
    return seen


def _volume(asked: Question, site: Site) -> tuple[int, int, int]:
    primary, replica = (NOBODY if name is None else site.number[name] for name in (asked.primary, asked.replica))
    return site.number[asked.instance], primary, replica


def _fleet(asked: Question, site: Site, cells: list[Cell]) -> Fleet:
    clients = np.tile(np.array(_volume(asked, site), dtype=np.int32), (len(cells), 1))
    nodes = [[site.number[name] for name in sorted(cell)] for cell in cells]
    return Fleet(clients, np.array(nodes, dtype=np.int32).reshape(-1, asked.policy.cell_size))


def _placed(asked: Question, site: Site) -> Iterator[str]:
    """Place cells of one volume one after the other; each must be legal beside those before it."""
    rules = Rules.of(site, asked.policy)
    placer, volume = Placer(site, rules), _volume(asked, site)
    _judge_ways(asked, site, rules)
    topology = asked.topology
    for number in range(MOST_PLACED):
        found = placer.place(volume)
        if found is None:
            return
        cell = frozenset(site.names[one] for one in found)
        broken = evolve(asked, topology=topology, color=None).broken(cell) | (
            {"size"} if len(cell) != asked.policy.cell_size else set()
        )
        if broken:
            raise Refuted(f"a fleet places cell {number + 1} on {told(cell)}, which breaks {', '.join(sorted(broken))}")
        yield "a fleet places a cell" if number == 0 else "a fleet places another cell"
        placer.add(number, found)
        topology = _with(topology, f"placed-{number}", cell)


def _judge_ways(asked: Question, site: Site, rules: Rules) -> None:
    """The servers, clients aside, from which a fleet says that every client is near enough."""
    limits = [rule for rule in asked.policy.rules if isinstance(rule, HopLimit) and rule.client in asked.clients]
    near = rules.near(_volume(asked, site))
    for server in set(asked.topology.servers) - set(asked.clients.values()):
        reaches = all(server in distances for distances in asked.distances.values())
        expected = reaches and all(asked.distances[rule.client][server] <= rule.most for rule in limits)
        if bool(near[site.stand_of[site.number[server]]]) != expected:
            raise Refuted(f"{server} is {'' if expected else 'not '}near enough to the clients; a fleet says otherwise")


def _with(topology: Topology, name: str, cell: Cell) -> Topology:
    servers = {
        one.name: evolve(one, nodes=one.nodes + (one.name in cell)) for one in topology.servers.values()
    }  # fmt: skip
    return evolve(topology, servers=servers, cells={**topology.cells, name: Listed(name, tuple(sorted(cell)))})


def _judged(asked: Question, site: Site, table: Table, choose: Choices) -> Iterator[str]:
    """Any cell breaks the rules that the definition says, when the whole fleet is judged."""
    cells = list(table.cells)
    rules = Rules.of(site, asked.policy)
    for _ in range(MOST_PLACED):
        said = _said(asked, site, rules, cells[choose.number(0, len(cells) - 1)])
        yield "a fleet's judge finds a broken rule" if said else "a fleet's judge finds every rule kept"
    survival = tuple(rule for rule in asked.policy.rules if isinstance(rule, Survives))
    alone = evolve(asked, policy=evolve(asked.policy, cell_size=1, rules=survival))
    for name in asked.topology.servers if survival else ():  # no node can be spared: each server counts for itself
        _said(alone, site, Rules.of(site, alone.policy), frozenset({name}))


def _said(asked: Question, site: Site, rules: Rules, cell: Cell) -> set[str]:
    """The rules that a cell breaks, as a fleet's judge has it; Refuted if that is not the definition."""
    found = {one.rule for one in wrong(site, rules, _fleet(asked, site, [cell]))}
    said = found - ALWAYS | ({"always"} if found & ALWAYS else set())
    expected = evolve(asked, color=None).broken(cell)
    if not said <= expected or bool(said) != bool(expected):  # of rules that say the same, one is named
        raise Refuted(
            f"of {told(cell)} the judge of fleets says that it breaks {sorted(said)}, and it is {sorted(expected)}"
        )
    return said


def _ways(asked: Question, site: Site, table: Table, choose: Choices) -> Iterator[str]:
    """The way from one legal cell to another is as short as any over legal cells, if it is called so."""
    legal = set(table.legal)
    if len(legal) < 2:  # noqa: PLR2004  # from one to another
        return
    rules, ranked = Rules.of(site, asked.policy), sorted(legal, key=sorted)
    for _ in range(WAYS):
        start, goal = (ranked[choose.number(0, len(ranked) - 1)] for _ in range(2))
        fleet = _fleet(asked, site, [start])
        plan = way_to(filled(site, rules, fleet), fleet, 0, [site.number[name] for name in sorted(goal)], Effort())
        real = _shortest(start, goal, legal)
        if plan.steps is None:
            if real is not None:
                raise Refuted(f"from {told(start)} to {told(goal)} there is a way of {real} steps, and none was found")
            continue
        now = start
        for step in plan.steps:
            now = now - {site.names[step.away]} | {site.names[step.to]}
            if now not in legal:
                raise Refuted(f"the way from {told(start)} to {told(goal)} leads over {told(now)}, which is not legal")
        if now != goal or (plan.least and len(plan.steps) != real):
            raise Refuted(f"the way from {told(start)} to {told(goal)} has {len(plan.steps)} steps, and should: {real}")
        if plan.steps:
            yield "a way over another server" if plan.because == "exhausted" else "a way that counting proves"


def _shortest(start: Cell, goal: Cell, legal: set[Cell]) -> int | None:
    return _steps_from(start, legal).get(goal)


def _steps_from(start: Cell, legal: set[Cell]) -> dict[Cell, int]:
    """How many single replacements lead to each legal cell, over legal cells alone."""
    steps, waiting = {start: 0}, deque([start])
    while waiting:
        cell = waiting.popleft()
        for other in legal:
            if other not in steps and len(other - cell) == 1:
                steps[other] = steps[cell] + 1
                waiting.append(other)
    return steps


def _repaired(asked: Question, site: Site, table: Table, choose: Choices) -> Iterator[str]:
    """Some servers of a legal cell are emptied: it moves with as few steps as any way off them that enters none."""
    legal = set(table.legal)
    for _ in range(EMPTIED if legal else 0):
        ranked = sorted(legal, key=sorted)
        start = ranked[choose.number(0, len(ranked) - 1)]
        lost = frozenset(choose.some(sorted(start), 1, 2))
        closed = without(site, [site.number[name] for name in lost])
        (moved,) = repair(closed, Rules.of(closed, asked.policy), _fleet(asked, site, [start]), Effort())
        steps = _steps_from(start, {cell for cell in legal if cell & lost <= start & lost})
        off = [count for cell, count in steps.items() if not cell & lost]
        told_of = f"when {told(lost)} are emptied, the cell on {told(start)}"
        if moved.moves is None:
            if off and (moved.outcome == "stuck" or min(off) <= max(moved.tried, len(lost) + 1)):
                raise Refuted(f"{told_of} moves in {min(off)} steps, and no way was found: {moved.outcome}")
            yield "a repair that there is not"
            continue
        now = start
        for step in moved.moves:
            now = now - {site.names[step.away]} | {site.names[step.to]}
            if now not in steps:
                raise Refuted(f"{told_of} is led over {told(now)}, which is not legal")
        if now & lost or ((moved.least or min(off) <= len(lost) + 1) and len(moved.moves) != min(off)):
            raise Refuted(f"{told_of} moves in {len(moved.moves)} steps to {told(now)}, and should in {min(off)}")
        yield "a repair that counting proves" if len(moved.moves) == len(lost) else "a repair of more steps"


def _blast(asked: Question, site: Site, table: Table, choose: Choices) -> Iterator[str]:
    """What sets of failures make of the volume, on any cell."""
    topology, network = asked.topology, Network(site)
    devices = [*single_failures(topology), *topology.servers]
    cells = list(table.cells)
    names = list(topology.servers)
    for _ in range(FAILURE_SETS):
        cell = cells[choose.number(0, len(cells) - 1)]
        primary = asked.primary or names[choose.number(0, len(names) - 1)]
        question = evolve(asked, primary=primary)
        failed = frozenset(choose.some(devices, 1, 5))
        found = under(site, network.without(failed), _fleet(question, site, [cell]), failed, np.array([0]))
        blast, unserved = _fate(question, cell, World(topology, failed))
        if (bool(found.blast[0]), bool(found.unserved[0])) != (blast, unserved):
            raise Refuted(
                f"when {', '.join(sorted(failed))} fail, the volume of {told(cell)} is "
                f"{'' if blast else 'not '}in blast and {'' if unserved else 'not '}unserved; counted otherwise"
            )
        yield "a volume in blast" if blast else "a volume unserved" if unserved else "a volume that is served or lost"


def _bounded(asked: Question, table: Table, choose: Choices) -> Iterator[str]:
    """No legal cell is less unavailable than what bounds say that none is, whatever fails how often."""
    legal = sorted(table.legal, key=sorted)
    if not legal:
        return
    own = [link for name in asked.topology.servers for link, _ in asked.topology.links_of(name)]
    devices = list(dict.fromkeys([*single_failures(asked.topology), *asked.topology.servers, *own]))
    topology = with_probabilities(choose, asked.topology, devices, MOST_FAIL)
    site = Site.of(topology)
    try:
        ideal = Ideal(site, Rules.of(site, asked.policy), site.number[asked.instance], {})
        patterns = list(ideal.patterns())
        coarse = min(one.unavailability for one in patterns) * (1 - RELATIVE)
        least = ideal.least(patterns) * (1 - RELATIVE)
    except NotExact:
        return
    for cell in choose.some(legal, 1, MOST_BOUNDED):
        value = unavailability(topology, asked.instance, sorted(cell))
        if value is None or value < max(coarse, least):
            raise Refuted(
                f"no cell of {asked.instance} is below {max(coarse, least)}, say the bounds; {told(cell)} has {value}",
                tuple(f"{device} fails with {chance}" for device, chance in topology.device_probability.items()),
            )
        if 0 < value <= least * 2:
            yield "a cell is near the bound"
    yield "a bound says something" if coarse > 0 else "a bound sees racks fail" if least > 0 else "a bound of nothing"


def _fate(asked: Question, cell: Cell, world: World) -> tuple[bool, bool]:
    """Whether the volume is in blast, and whether it is unserved."""
    copies = [name for name in (asked.primary, asked.replica) if name is not None]
    reached = [copy for copy in copies if copy in world.reached(asked.instance)]
    counts = world.is_up(asked.instance) and bool(reached)
    served = any(len(world.reached(copy) & cell) >= majority(len(cell)) for copy in reached)
    whole = copies[0] in reached and all(copy in world.reached(copies[0]) for copy in copies[1:])
    return counts and not served and not whole, counts and not served
