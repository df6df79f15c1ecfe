"""What would have to give: single changes of a rule, as small as will do, and the placement that each would give."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen

from physalia.placement.rules.costs import Cost
from physalia.placement.rules.policy import (
    AntiAffinity,
    HopLimit,
    Minimum,
    Policy,
    Rule,
    Survives,
)
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Server, Topology
from physalia.placement.solver.answer import Answer, query
from physalia.placement.solver.instance import Instance
from physalia.placement.solver.problem import problem, unusable
from physalia.placement.solver.search import Best, Search


@frozen
class Relaxation:
    """One change that makes the cell placeable: of which rule, what it is, how large, and what it would give.

    ``amount`` counts nodes, hops or servers; a rule that is dropped, or colours that are mixed, count as a whole cell.
    """

    rule: str
    change: str
    amount: int
    color: str
    servers: tuple[str, ...]
    cost: Cost


def loosened(
    topology: Topology, policy: Policy, asked: Query, conflicts: Mapping[str, Sequence[str]]
) -> list[Relaxation]:
    """The single changes that help, the least first; only rules in a conflict are tried."""
    suspected = dict.fromkeys(rule for rules in conflicts.values() for rule in rules)
    found: list[Relaxation] = []
    for rule in policy.rules:
        if rule.id in suspected:
            found += _loosen(topology, policy, asked, rule)
    for fixed in ("drained", "capacity"):
        if fixed in suspected:
            found += _take_back(topology, policy, asked, fixed)
    found += _mix(topology, policy, asked)
    return sorted(found, key=lambda one: (one.amount, one.cost, one.rule))


def _loosen(topology: Topology, policy: Policy, asked: Query, rule: Rule) -> Iterator[Relaxation]:
    for changed, change, amount in _steps(topology, policy, asked, rule):
        rules = tuple(one if one is not rule else changed for one in policy.rules)
        kept = tuple(one for one in rules if one is not None)
        answer = query(topology, evolve(policy, rules=kept), asked)
        if answer.verdict == "placed":
            yield _relaxation(rule.id, change, amount, answer)
            return


def _steps(topology: Topology, policy: Policy, asked: Query, rule: Rule) -> Iterator[tuple[Rule | None, str, int]]:
    """Ever larger changes of a rule, if the largest would help at all."""
    if isinstance(rule, AntiAffinity | Survives):
        yield None, f"drop the rule {rule.id}", policy.cell_size
        return
    rules = tuple(one for one in policy.rules if one is not rule)
    if query(topology, evolve(policy, rules=rules), asked).verdict != "placed":
        return
    if isinstance(rule, Minimum):
        for least in range(min(rule.least - 1, policy.cell_size), -1, -1):
            yield evolve(rule, least=least), f"{rule.id}: at least {least} instead of {rule.least}", rule.least - least
        return
    hops = problem(topology, evolve(policy, rules=rules), asked).worst_hops if isinstance(rule, HopLimit) else ()
    for most in range(rule.most + 1, 1 + max(policy.cell_size, *hops, rule.most + 1)):
        yield evolve(rule, most=most), f"{rule.id}: at most {most} instead of {rule.most}", most - rule.most


def _take_back(topology: Topology, policy: Policy, asked: Query, fixed: str) -> Iterator[Relaxation]:
    """As few servers as will do that are drained, or full, and would have to take a node all the same."""
    stated = problem(topology, policy, asked, frozenset({fixed}))
    best = Best()
    for color in stated.colors:
        instance = stated.instance(color, max(stated.worst_hops, default=0))
        Search(_counting(instance, topology), best, color).run()
    if best.cost is None:
        return
    needed = sorted(name for name in best.servers if unusable(topology.servers[name]))
    usable = {**topology.servers, **{name: _usable(topology.servers[name], fixed) for name in needed}}
    answer = query(evolve(topology, servers=usable), policy, asked)
    verb = "take back into service" if fixed == "drained" else "make room for a node on"
    yield _relaxation(fixed, f"{verb} {', '.join(needed)}", len(needed), answer)


def _counting(instance: Instance, topology: Topology) -> Instance:
    """The same instance, where nothing costs but a server that may take no nodes, and that costs 1."""
    costs = [int(unusable(topology.servers[names[0]])) for names in instance.servers]
    return Instance(instance.nodes, instance.domains, instance.number, costs, instance.inside, instance.servers, 0)


def _usable(server: Server, fixed: str) -> Server:
    if fixed == "drained":
        return evolve(server, drained=False)
    return evolve(server, capacity=server.nodes + 1)


def _mix(topology: Topology, policy: Policy, asked: Query) -> Iterator[Relaxation]:
    """Another colour than the query asks for, or several in one cell."""
    if asked.color is not None:
        answer = query(topology, policy, evolve(asked, color=None))
        if answer.verdict == "placed":
            yield _relaxation("color", f"ask for {answer.color} instead of {asked.color}", policy.cell_size, answer)
            return
    if policy.one_color:
        answer = query(topology, evolve(policy, one_color=False), evolve(asked, color=None))
        if answer.verdict == "placed":
            yield _relaxation("color", "let the cell be of several colors", policy.cell_size, answer)


def _relaxation(rule: str, change: str, amount: int, answer: Answer) -> Relaxation:
    assert answer.cost is not None
    return Relaxation(rule, change, amount, answer.color or "", answer.servers, answer.cost)
