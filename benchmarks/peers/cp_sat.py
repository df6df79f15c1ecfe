"""The peer: OR-Tools CP-SAT on a whole instance, with all servers, all rules and the lexicographic objective at once.

It states the rules of the shipped policy from the topology, with nothing of this program's solver: a Boolean for each
server that may hold a node, one for each colour, a count for each domain. The objective is one weighted sum; the worst
hop is told by a Boolean for each distance. It runs with its own choice of workers.
"""

import time
from collections.abc import Iterable

from attrs import frozen
from ortools.sat.python import cp_model

from physalia.placement.rules.costs import Cost
from physalia.placement.rules.judge import cost, place_of
from physalia.placement.rules.policy import AntiAffinity, Cap, Overlap, Policy, SingleFailure
from physalia.placement.rules.queries import Query
from physalia.placement.site.hops import Hops
from physalia.placement.site.topology import Server, Topology


@frozen
class Theirs:
    """What CP-SAT found, whether it says that it is the optimum, and how long it took, building the model included."""

    cost: Cost | None
    optimal: bool
    status: str
    seconds: float


def solve(topology: Topology, policy: Policy, query: Query, limit_s: float) -> Theirs:
    """Let CP-SAT find the best placement; ValueError for rules that the shipped policy does not have."""
    start = time.perf_counter()
    model = cp_model.CpModel()
    servers, hops = _usable(topology, policy, query)
    take = {server.name: model.new_bool_var(server.name) for server in servers}
    colors = {server.color: model.new_bool_var(server.color) for server in servers}
    model.add_exactly_one(colors.values())
    for color, chosen in colors.items():
        of_color = [take[server.name] for server in servers if server.color == color]
        model.add(sum(of_color) == policy.cell_size * chosen)
    for rule in policy.rules:
        for members, most in _domains(topology, rule, servers):
            if len(members) > most:
                model.add(sum(take[name] for name in members) <= most)
    objective = _objective(model, topology, policy, query, servers, take, hops)
    model.minimize(objective)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    status = solver.solve(model)
    found = None
    if status in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        placement = [name for name, variable in take.items() if solver.value(variable)]
        found = cost(topology, policy, query, placement)
    return Theirs(found, status == cp_model.OPTIMAL, solver.status_name(status), time.perf_counter() - start)


def _usable(topology: Topology, policy: Policy, query: Query) -> tuple[list[Server], dict[str, list[int]]]:
    """The servers that may hold a node, and their hops to each client."""
    network, clients = Hops(topology), query.clients()
    ways = [network.of(server) for server in clients.values()]
    own = set(clients.values()) if any(isinstance(rule, AntiAffinity) for rule in policy.rules) else set()
    servers, hops = [], {}
    for server in topology.servers.values():
        found = [way.to(server.name) for way in ways]
        reached = [one for one in found if one is not None]
        free = not server.drained and server.nodes < server.capacity and server.name not in own
        if free and len(reached) == len(found):
            servers.append(server)
            hops[server.name] = reached
    return servers, hops


def _domains(topology: Topology, rule: object, servers: list[Server]) -> Iterable[tuple[list[str], int]]:
    """The sets of servers that a rule caps, and the caps."""
    if isinstance(rule, AntiAffinity):
        return []
    if isinstance(rule, Overlap):
        usable = {server.name for server in servers}
        return [([name for name in cell.servers if name in usable], rule.most) for cell in topology.cells.values()]
    found: dict[object, list[str]] = {}
    for server in servers:
        if isinstance(rule, Cap):
            keys: Iterable[object] = [place_of(topology, server.rack, rule.kind)]
        elif isinstance(rule, SingleFailure):
            keys = [server.rack, *topology.single_points(server.rack)]
        else:
            raise ValueError(f"the peer does not know rules like {rule}")  # noqa: TRY004  # a limit of the peer
        for key in filter(None, keys):
            found.setdefault(key, []).append(server.name)
    return [(members, rule.most) for members in found.values() if isinstance(rule, Cap | SingleFailure)]


def _objective(
    model: cp_model.CpModel,
    topology: Topology,
    policy: Policy,
    query: Query,
    servers: list[Server],
    take: dict[str, cp_model.IntVar],
    hops: dict[str, list[int]],
) -> cp_model.LinearExprT:
    """Worst hop, spread, sum of hops and fill as one sum."""
    nodes, own = policy.cell_size, topology.servers[query.instance].rack
    fill = 1 + nodes * max(server.nodes for server in servers)
    pair = fill * (1 + nodes * max(sum(one) for one in hops.values()))
    worst = pair * (1 + len(policy.spread) * nodes * (nodes - 1) // 2)
    terms: list[cp_model.LinearExprT] = [
        take[server.name] * (sum(hops[server.name]) * fill + server.nodes) for server in servers
    ]
    below: int = 0
    previous: cp_model.IntVar | None = None
    for level in sorted({max(one) for one in hops.values()}):
        beyond = [take[server.name] for server in servers if max(hops[server.name]) == level]
        reached = model.new_bool_var(f"worst hop {level}")
        model.add(sum(beyond) <= nodes * reached)
        # Levels are paid one after the other: whoever reaches a far one pays for the nearer ones, too.
        if previous is not None:
            model.add_implication(reached, previous)
        terms.append(worst * (level - below) * reached)
        below, previous = level, reached
    for kind in policy.spread:
        members: dict[tuple[str, ...], list[str]] = {}
        for server in servers:
            members.setdefault(place_of(topology, server.rack, kind), []).append(server.name)
        for place, names in members.items():
            if place and place != place_of(topology, own, kind):
                units = [model.new_bool_var(f"{kind} {place} {at}") for at in range(nodes)]
                model.add(sum(take[name] for name in names) == sum(units))
                terms += [pair * at * unit for at, unit in enumerate(units)]
    return sum(terms)
