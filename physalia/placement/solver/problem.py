"""From topology, policy and query to the abstract problem: one instance for each colour and limit on the worst hop.

Within a limit on the worst hop the rest of the order, least (spread, sum of hops, fill), becomes one sum of exact
integers: the weights are such that no sum of what counts less comes up to one of what counts more.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from attrs import define, field

from physalia.placement.rules.costs import Weights
from physalia.placement.rules.policy import AntiAffinity, HopLimit, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.hops import Distances, Hops
from physalia.placement.site.topology import Server, Topology
from physalia.placement.solver.domains import Domains, domains_of
from physalia.placement.solver.instance import Inside, Instance

ANY_COLOR = ""
"""Stands for all colours together where the policy lets a cell be of several."""


@define
class Group:
    """Candidates that only their fill tells apart: by fill, their names."""

    color: str
    worst: int
    hops: int
    inside: Inside
    by_fill: dict[int, list[str]]


@define
class Problem:
    """A query under a policy, taken apart: the groups of candidates, by colour, and the domains that they are in."""

    topology: Topology
    policy: Policy
    query: Query
    domains: Domains
    groups: Mapping[str, list[Group]]
    worst_hops: Sequence[int]
    """The worst hops that some candidate has, the least first."""
    _instances: dict[tuple[str, int], Instance] = field(factory=dict, init=False)
    _weights: dict[int, Weights] = field(factory=dict, init=False)

    @property
    def colors(self) -> tuple[str, ...]:
        """The colours to try, sorted; `ANY_COLOR` alone if they may be mixed."""
        return tuple(self.groups)

    def weights(self, limit: int) -> Weights:
        """The weights of the sum, for candidates within a limit on the worst hop."""
        limit = self._nearest(limit)
        if limit not in self._weights:
            within = [group for groups in self.groups.values() for group in groups if group.worst <= limit]
            nodes = self.policy.cell_size
            fill = 1 + nodes * max((max(group.by_fill) for group in within), default=0)
            hops = max((group.hops for group in within), default=0)
            self._weights[limit] = Weights(spread=(1 + nodes * hops) * fill, hops=fill)
        return self._weights[limit]

    def instance(self, color: str, limit: int) -> Instance:
        """The abstract problem of one colour, for candidates within a limit on the worst hop."""
        limit = self._nearest(limit)
        if (color, limit) not in self._instances:
            self._instances[color, limit] = self._make(color, limit)
        return self._instances[color, limit]

    def _nearest(self, limit: int) -> int:
        """The greatest worst hop within a limit, since all limits up to the next one are the same; -1 if none is."""
        return max((worst for worst in self.worst_hops if worst <= limit), default=-1)

    def _make(self, color: str, limit: int) -> Instance:
        weights = self.weights(limit)
        costs: list[int] = []
        inside: list[Inside] = []
        servers: list[list[str]] = []
        for group in self.groups[color]:
            if group.worst <= limit:
                hops = group.hops * weights.hops
                costs += [hops + fill for fill in group.by_fill]
                inside += [group.inside] * len(group.by_fill)
                servers += group.by_fill.values()
        domains = self.domains
        return Instance(self.policy.cell_size, domains.listed, domains.number, costs, inside, servers, weights.spread)


def problem(topology: Topology, policy: Policy, query: Query, lifted: AbstractSet[str] = frozenset()) -> Problem:
    """Take a query apart; BadQuery or BadPolicy if it or the policy names what the topology does not have.

    Of the rules that always hold, ``drained`` and ``capacity`` may be lifted, to see what they forbid.
    """
    query.judge(topology)
    domains = domains_of(topology, policy, query)
    colors = query.colors(topology) if policy.one_color or query.color is not None else (ANY_COLOR,)
    groups: dict[str, list[Group]] = {color: [] for color in sorted(colors)}
    for group in _groups(topology, policy, query, domains, colors, lifted):
        groups[group.color].append(group)
    worst_hops = sorted({group.worst for listed in groups.values() for group in listed})
    return Problem(topology, policy, query, domains, groups, worst_hops)


def candidates(
    topology: Topology, policy: Policy, query: Query, colors: Sequence[str], lifted: AbstractSet[str] = frozenset()
) -> Iterator[Server]:
    """The servers that may hold a node of the cell, distances aside."""
    apart = any(isinstance(rule, AntiAffinity) for rule in policy.rules)
    own = set(query.clients().values()) if apart else set()
    anything = colors == (ANY_COLOR,)
    wanted = frozenset(colors)
    take_drained, take_full = "drained" in lifted, "capacity" in lifted
    for server in topology.servers.values():
        usable = (take_full or server.nodes < server.capacity) and (take_drained or not server.drained)
        if usable and server.name not in own and (anything or server.color in wanted):
            yield server


def unusable(server: Server) -> bool:
    """Whether a server takes no nodes, whatever the policy says."""
    return server.drained or server.nodes >= server.capacity


def _groups(
    topology: Topology,
    policy: Policy,
    query: Query,
    domains: Domains,
    colors: tuple[str, ...],
    lifted: AbstractSet[str],
) -> list[Group]:
    ways = _Ways(topology, policy, query)
    anything = colors == (ANY_COLOR,)
    # What tells a server apart from others on the same switches: domains of its own, or being a client.
    marks: dict[str, object] = {**domains.of_server, **{name: name for name in ways.clients}}
    if lifted:  # and what would forbid it otherwise, so that such servers can be told
        marks |= {s.name: (marks.get(s.name), "lifted") for s in topology.servers.values() if unusable(s)}
    found: dict[tuple[str, str, tuple[str, ...], object], dict[int, list[str]]] = {}
    groups = []
    for server in candidates(topology, policy, query, colors, lifted):
        name, fill = server.name, server.nodes
        key = (server.color, server.rack, server.switches, marks.get(name))
        by_fill = found.get(key)
        if by_fill is None:
            by_fill = found[key] = {}
            hops = ways.hops(name, server.switches)
            if hops is not None:
                inside = (0, *domains.of_rack[server.rack], *domains.of_server.get(name, ()))
                groups.append(Group(ANY_COLOR if anything else server.color, *hops, inside, by_fill))
        if fill in by_fill:
            by_fill[fill].append(name)
        else:
            by_fill[fill] = [name]
    for group in groups:
        for names in group.by_fill.values():
            if len(names) > 1:
                names.sort()
    return groups


class _Ways:
    """How far servers are from the clients of a query, and whether that is too far."""

    def __init__(self, topology: Topology, policy: Policy, query: Query) -> None:
        hops = Hops(topology)
        named = query.clients()
        self.clients = frozenset(named.values())
        limits = [rule for rule in policy.rules if isinstance(rule, HopLimit)]
        self._known: dict[tuple[str, ...], tuple[int, int] | None] = {}
        self._ways: list[tuple[Distances, int | None]] = [
            (hops.of(server), min((rule.most for rule in limits if rule.client == client), default=None))
            for client, server in named.items()
        ]

    def hops(self, server: str, switches: tuple[str, ...]) -> tuple[int, int] | None:
        """The worst hop and the sum of hops; None if a client is not reached, or is too far for a rule."""
        if server in self.clients:
            return self._within([distances.to(server) for distances, _ in self._ways])
        if switches not in self._known:
            self._known[switches] = self._within([distances.through(switches) for distances, _ in self._ways])
        return self._known[switches]

    def _within(self, found: list[int | None]) -> tuple[int, int] | None:
        hops = [one for one in found if one is not None]
        if len(hops) < len(found) or any(
            limit is not None and one > limit for one, (_, limit) in zip(hops, self._ways, strict=True)
        ):
            return None
        return max(hops), sum(hops)
