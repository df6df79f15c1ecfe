"""A question stated once, as if nothing that rules forbid were forbidden; and from that, under any rules, at once.

An explanation asks a dozen times whether there is a placement if some rules were gone, or laxer. Every such question
has the same servers, the same domains and the same distances: only which servers are forbidden, and how many nodes a
domain may hold, differ. At 100,000 servers that is a tenth of the work of taking the question apart anew.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from attrs import define, evolve, field, frozen

from physalia.placement.rules.policy import AntiAffinity, HopLimit, Minimum, Policy, Rule, Survives
from physalia.placement.rules.queries import Query
from physalia.placement.site.hops import Hops
from physalia.placement.site.topology import Server, Topology
from physalia.placement.solver.domains import Domains
from physalia.placement.solver.instance import Domain, Instance
from physalia.placement.solver.problem import ANY_COLOR, Group, Problem, problem


@frozen
class Bars:
    """What may forbid a server: that it is drained or full, a client's own, or so many hops away from each client."""

    drained: bool
    full: bool
    own: bool
    hops: tuple[int | None, ...]

    def forbidden(self, rules: Sequence[Rule], clients: Sequence[str], lifted: AbstractSet[str]) -> bool:
        """Whether any of the rules forbids such a server; of the rules that always hold, some may be lifted."""
        if (self.drained and "drained" not in lifted) or (self.full and "capacity" not in lifted):
            return True
        if self.own and any(isinstance(rule, AntiAffinity) for rule in rules):
            return True
        hops = dict(zip(clients, self.hops, strict=True))
        return any(
            isinstance(rule, HopLimit) and (found := hops.get(rule.client)) is not None and found > rule.most
            for rule in rules
        )


@define
class Ground:
    """The question without anything forbidden; its groups of servers by colour, each with what may forbid it."""

    topology: Topology
    policy: Policy
    query: Query
    _wide: Problem
    _groups: Mapping[str, Sequence[tuple[Group, int]]]
    _bars: Sequence[Bars]
    _ruled: Sequence[int]
    """For each domain, which of ``_ruling`` it has."""
    _ruling: Sequence[tuple[str, ...]]
    """Sets of rules that rule domains, by their ids."""
    _ranges: dict[tuple[int, int, bool], list[Domain]] = field(factory=dict, init=False)
    _allowed: dict[tuple[bool, ...], "_Allowed"] = field(factory=dict, init=False)

    @classmethod
    def of(cls, topology: Topology, policy: Policy, query: Query) -> "Ground":
        """State a question; BadQuery or BadPolicy if it or the policy names what the topology does not have."""
        query.judge(topology)
        kept = tuple(rule for rule in policy.rules if not isinstance(rule, AntiAffinity | HopLimit))
        free = evolve(policy, rules=kept, one_color=True)
        wide = problem(topology, free, evolve(query, color=None), frozenset({"drained", "capacity"}), every_cut=True)
        bars: dict[Bars, int] = {}
        barred = _Barred(topology, query)
        groups = {
            color: [(group, bars.setdefault(barred.of(group), len(bars))) for group in listed]
            for color, listed in wide.groups.items()
        }
        ruling: dict[tuple[str, ...], int] = {}
        rules = wide.domains.rules
        ruled = [
            ruling.setdefault(tuple(rule.id for rule in rules.get(one.key, ())), len(ruling))
            for one in wide.domains.listed
        ]
        return cls(topology, policy, query, wide, groups, list(bars), ruled, list(ruling))

    def under(self, policy: Policy, query: Query, lifted: AbstractSet[str]) -> Problem:
        """The question under a policy that is as strict or laxer: rules left out, or with limits that allow more.

        The spread stays as it is, or is left out where nobody asks what an answer costs.
        """
        clients = list(query.clients())
        key = tuple(not bars.forbidden(policy.rules, clients, lifted) for bars in self._bars)
        if key not in self._allowed:
            self._allowed[key] = _Allowed(
                {color: [group for group, at in listed if key[at]] for color, listed in self._groups.items()}
            )
        allowed = self._allowed[key]
        if policy.one_color or query.color is not None:
            found = {color: allowed.groups[color] for color in query.colors(self.topology)}
        else:
            found = {ANY_COLOR: [*chain.from_iterable(allowed.groups.values())]}
        return Problem(
            self.topology, policy, query, self._domains(policy), found, allowed.worst_hops(found), allowed.bared
        )

    def _domains(self, policy: Policy) -> Domains:
        """The same domains, each with the range that is left to it."""
        rules = {rule.id: rule for rule in policy.rules}
        ruling = [tuple(rules[one] for one in ids if one in rules) for ids in self._ruling]
        ranges = [_range(policy, kept) for kept in ruling]
        ranged = [self._ranged((*one, bool(policy.spread))) for one in ranges]
        wide = self._wide.domains
        return Domains(
            wide.nodes,
            [wide.listed[0], *(ranged[self._ruled[at]][at] for at in range(1, len(wide.listed)))],
            wide.number,
            {key: ruling[self._ruled[at]] for key, at in wide.number.items()},
            wide.of_rack,
            wide.of_server,
            wide.own,
        )

    def _ranged(self, given: tuple[int, int, bool]) -> list[Domain]:
        if given not in self._ranges:
            low, high, costs = given
            listed = self._wide.domains.listed
            self._ranges[given] = [Domain(one.key, low, high, one.weight if costs else 0) for one in listed]
        return self._ranges[given]


@frozen
class _Allowed:
    """The groups that nothing forbids, by colour, and what instances of them share."""

    groups: Mapping[str, list[Group]]
    bared: dict[str, Instance] = field(factory=dict)
    _worst: dict[tuple[str, ...], list[int]] = field(factory=dict, init=False)

    def worst_hops(self, found: Mapping[str, list[Group]]) -> list[int]:
        """The worst hops of the groups of some colours, the least first."""
        colors = tuple(found)
        if colors not in self._worst:
            self._worst[colors] = sorted({group.worst for groups in found.values() for group in groups})
        return self._worst[colors]


class _Barred:
    """What may forbid the servers of a group, which are alike in that."""

    def __init__(self, topology: Topology, query: Query) -> None:
        network, clients = Hops(topology), query.clients()
        self._servers = topology.servers
        self._own = frozenset(clients.values())
        self._ways = [network.of(server) for server in clients.values()]
        self._known: dict[tuple[str, ...], tuple[int | None, ...]] = {}

    def of(self, group: Group) -> Bars:
        """What may forbid one of them, and so all."""
        one = self._servers[next(iter(group.by_fill.values()))[0]]
        return Bars(one.drained, one.is_full, one.name in self._own, self._hops(one))

    def _hops(self, server: Server) -> tuple[int | None, ...]:
        if server.name in self._own:
            return tuple(way.to(server.name) for way in self._ways)
        if server.switches not in self._known:
            self._known[server.switches] = tuple(way.through(server.switches) for way in self._ways)
        return self._known[server.switches]


def _range(policy: Policy, rules: Sequence[Rule]) -> tuple[int, int]:
    """How many nodes these rules leave to a domain that they rule."""
    size = policy.cell_size
    highs = [size - policy.majority if isinstance(one, Survives) else getattr(one, "most", size) for one in rules]
    return max((one.least for one in rules if isinstance(one, Minimum)), default=0), min(size, *highs, size)
