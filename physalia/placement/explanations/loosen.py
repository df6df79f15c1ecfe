"""What would have to give: single changes of a rule, or pairs, as small as will do, and the placements they give."""

from collections.abc import Iterator
from itertools import combinations, product

from attrs import evolve, frozen

from physalia.placement.explanations.levers import Levers, Step
from physalia.placement.rules.costs import Cost
from physalia.placement.site.topology import Server, Topology
from physalia.placement.solver.answer import Answer, solve
from physalia.placement.solver.instance import Instance
from physalia.placement.solver.problem import problem
from physalia.placement.solver.search import Best, Search


@frozen
class Change:
    """One change of a rule, in words; ``amount`` counts nodes, hops or servers.

    A rule that is dropped, or colours that are mixed, count as a whole cell.
    """

    rule: str
    change: str
    amount: int


@frozen
class Relaxation:
    """Changes that together make the cell placeable, one or two, and what they would give."""

    changes: tuple[Change, ...]
    color: str
    servers: tuple[str, ...]
    cost: Cost

    @property
    def amount(self) -> int:
        """How large the changes are together."""
        return sum(one.amount for one in self.changes)

    @property
    def rule(self) -> str:
        """The rules that are changed."""
        return " and ".join(one.rule for one in self.changes)

    @property
    def change(self) -> str:
        """The changes in words."""
        return "; and ".join(one.change for one in self.changes)


def singles(levers: Levers) -> list[Relaxation]:
    """The single changes that help, the least first."""
    found: list[Relaxation] = []
    for steps in levers.levers():
        if not steps or not levers.helps(steps[-1]):
            continue
        step = next(one for one in steps if levers.helps(one))
        found += _given(levers, step)
    return sorted(found, key=lambda one: (one.amount, one.cost, one.rule))


def pair(levers: Levers) -> Relaxation | None:
    """The pair of changes that is least together, then cheapest, where no single one helps; None if no pair does."""
    best: Relaxation | None = None
    for one, other in combinations(list(levers.levers()), 2):
        if not (one and other and levers.helps(one[-1], other[-1])):
            continue
        for first, second in _least(levers, one, other):
            if best is not None and first.amount + second.amount > best.amount:
                continue
            for found in _given(levers, first, second):
                if best is None or (found.amount, found.cost) < (best.amount, best.cost):
                    best = found
    return best


def _least(levers: Levers, one: tuple[Step, ...], other: tuple[Step, ...]) -> Iterator[tuple[Step, Step]]:
    """The pairs of steps that help and of which neither can be less; the larger the one, the less of the other.

    How many servers a lifted rule takes is only seen afterwards, so beside one every step that helps is tried.
    """
    if one[0].lifts or other[0].lifts:
        yield from (both for both in product(one, other) if levers.helps(*both))
        return
    at = len(other) - 1
    for first in one:
        if not levers.helps(first, other[at]):
            continue
        while at > 0 and levers.helps(first, other[at - 1]):
            at -= 1
        yield first, other[at]
        if at == 0:
            return
        at -= 1


def _given(levers: Levers, *steps: Step) -> Iterator[Relaxation]:
    """The best placement after these changes, told with them."""
    topology, needed = _taken_back(levers, *steps)
    changed = topology is not levers.tried.topology
    stated = problem(topology, *levers.changed(*steps)) if changed else levers.costed(*steps)
    answer = solve(stated, levers.tried.effort)
    if levers.tried.effort.is_over:
        levers.tried.effort.stop()
    if answer.verdict == "placed" and answer.cost is not None:
        changes = tuple(_told(levers, step, answer, needed) for step in steps)
        yield Relaxation(changes, answer.color or "", answer.servers, answer.cost)


def _told(levers: Levers, step: Step, answer: Answer, needed: dict[str, list[str]]) -> Change:
    if step.lifts:
        verb = "take back into service" if step.rule == "drained" else "make room for a node on"
        return Change(step.rule, f"{verb} {', '.join(needed[step.rule])}", len(needed[step.rule]))
    asked = levers.tried.query.color
    if step.color == "another":
        return Change(step.rule, f"ask for {answer.color} instead of {asked}", step.amount)
    return Change(step.rule, step.words, step.amount)


def _taken_back(levers: Levers, *steps: Step) -> tuple[Topology, dict[str, list[str]]]:
    """As few servers as will do that may take no node and would have to: the site with them usable, and their names."""
    stated, lifted = levers.problem(*steps), [step.rule for step in steps if step.lifts]
    best = Best()
    for color in stated.colors if lifted else ():
        instance = stated.instance(color, max(stated.worst_hops, default=0))
        Search(_counting(instance, stated.topology), best, color, levers.tried.effort).run()
    servers = stated.topology.servers
    needed = sorted(name for name in best.servers if not servers[name].is_usable)
    by_rule = {
        rule: [name for name in needed if (servers[name].drained if rule == "drained" else servers[name].is_full)]
        for rule in lifted
    }
    if not needed:
        return stated.topology, by_rule
    return evolve(stated.topology, servers={**servers, **{name: _usable(servers[name]) for name in needed}}), by_rule


def _counting(instance: Instance, topology: Topology) -> Instance:
    """The same instance, where nothing costs but a server that may take no nodes, and that costs 1."""
    costs = [int(not topology.servers[names[0]].is_usable) for names in instance.servers]
    return Instance(instance.nodes, instance.domains, instance.number, costs, instance.inside, instance.servers, 0)


def _usable(server: Server) -> Server:
    return evolve(server, drained=False, capacity=max(server.capacity, server.nodes + 1))
