"""From topology, policy and query to the abstract problem: one instance for each colour and limit on the worst hop.

Within a limit on the worst hop the rest of the order, least (spread, sum of hops, fill), becomes one sum of exact
integers: the weights are such that no sum of what counts less comes up to one of what counts more.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from attrs import define, field, frozen

from physalia.placement.rules.costs import Weights
from physalia.placement.rules.policy import AntiAffinity, HopLimit, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.hops import Distances, Hops
from physalia.placement.site.topology import Place, Server, Topology
from physalia.placement.solver.domains import Domains, domains_of
from physalia.placement.solver.instance import Domain, Inside, Instance

ANY_COLOR = ""
"""Stands for all colours together where the policy lets a cell be of several."""


@define
class Group:
    """Candidates that only their fill tells apart: by fill, their names."""

    color: str
    worst: int
    hops: int
    inside: Inside
    by_fill: Mapping[int, list[str]]
    _names: list[str] | None = field(default=None, init=False)

    def names(self) -> list[str]:
        """All of them, whatever they hold."""
        if self._names is None:
            one, *others = self.by_fill.values()
            self._names = [*chain(one, *others)] if others else one
        return self._names


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
    bared: dict[str, Instance] = field(factory=dict)
    """By colour a bare instance of the same groups, which questions about the same groups may share."""
    _instances: dict[tuple[str, int], Instance] = field(factory=dict, init=False)
    _weights: dict[int, Weights] = field(factory=dict, init=False)
    _bare: dict[str, Instance] = field(factory=dict, init=False)
    _weightless: list[Domain] = field(factory=list, init=False)

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

    def bare(self, color: str) -> Instance:
        """Whether there is a choice at all, and nothing else: what a group has is one column, and nothing costs."""
        if color not in self._bare:
            groups, domains = self.groups[color], self.domains
            like = self.bared.get(color)
            if like is None:
                servers = [group.names() for group in groups]
                free, inside = [0] * len(groups), [group.inside for group in groups]
                like = Instance(self.policy.cell_size, domains.listed, domains.number, free, inside, servers, 0)
                self.bared[color] = like
            if not self._weightless:
                self._weightless = [Domain(d.key, d.low, d.high) if d.weight else d for d in domains.listed]
            listed, nodes = self._weightless, self.policy.cell_size
            self._bare[color] = Instance(nodes, listed, domains.number, like.costs, like.inside, like.servers, 0, like)
        return self._bare[color]

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


def problem(
    topology: Topology,
    policy: Policy,
    query: Query,
    lifted: AbstractSet[str] = frozenset(),
    *,
    every_cut: bool = False,
) -> Problem:
    """Take a query apart; BadQuery or BadPolicy if it or the policy names what the topology does not have.

    Of the rules that always hold, ``drained`` and ``capacity`` may be lifted, to see what they forbid. With
    ``every_cut`` the domains of a rule on survival are there even where another rule makes them redundant.
    """
    query.judge(topology)
    domains = domains_of(topology, policy, query, every_cut=every_cut)
    colors = query.colors(topology) if policy.one_color or query.color is not None else (ANY_COLOR,)
    groups: dict[str, list[Group]] = {color: [] for color in sorted(colors)}
    for group in _groups(topology, policy, query, domains, colors, lifted):
        groups[group.color].append(group)
    worst_hops = sorted({group.worst for listed in groups.values() for group in listed})
    return Problem(topology, policy, query, domains, groups, worst_hops)


def _groups(
    topology: Topology,
    policy: Policy,
    query: Query,
    domains: Domains,
    colors: tuple[str, ...],
    lifted: AbstractSet[str],
) -> Iterator[Group]:
    """The candidates: by place what only fill tells apart, and by themselves those that a domain or a client marks."""
    ways = _Ways(topology, policy, query)
    forbidden = ways.clients if any(isinstance(rule, AntiAffinity) for rule in policy.rules) else frozenset()
    anything, wanted = colors == (ANY_COLOR,), frozenset(colors)
    for place, stock in _stocks(topology, query, domains, ways.clients, forbidden, frozenset(lifted)).items():
        color, rack, switches = place
        if not (anything or color in wanted):
            continue
        label, of_rack = ANY_COLOR if anything else color, (0, *domains.of_rack[rack])
        hops = ways.hops("", switches) if stock.alike else None
        if hops is not None:
            yield Group(label, *hops, of_rack, stock.alike)
        for name, by_fill in stock.apart:
            hops = ways.hops(name, switches)
            if hops is not None:
                yield Group(label, *hops, (*of_rack, *domains.of_server.get(name, ())), by_fill)


@frozen
class _Stock:
    """The candidates of one place: those that are alike, and the kinds that are not, each with one of its names."""

    alike: Mapping[int, list[str]]
    apart: Sequence[tuple[str, Mapping[int, list[str]]]]


def _stocks(
    topology: Topology,
    query: Query,
    domains: Domains,
    clients: frozenset[str],
    forbidden: frozenset[str],
    lifted: frozenset[str],
) -> Mapping[Place, _Stock]:
    """The candidates by place. They are remembered by what decides who is apart, which few rules do."""
    of_servers = tuple(domains.listed[at].key for at in domains.own)
    key = (query.instance, of_servers, clients, forbidden, lifted)
    known = topology.remembered("stocks")
    if key not in known:
        special = _special(topology, domains, clients, forbidden, lifted)
        made = {}
        for place in dict.fromkeys((*topology.alike, *special)):
            apart, marked = special.get(place, _NONE)
            by_fill = topology.alike.get(place, {})
            kinds = [(next(iter(one.values()))[0], one) for one in marked.values()]
            made[place] = _Stock(_less(by_fill, apart) if apart else by_fill, kinds)
        known[key] = made
    found: Mapping[Place, _Stock] = known[key]
    return found


_Special = tuple[set[str], dict[object, dict[int, list[str]]]]
"""Of one place: the servers that are not like the others there, and those of them that may hold a node, by mark."""
_NONE: _Special = (set(), {})


def _special(
    topology: Topology,
    domains: Domains,
    clients: frozenset[str],
    forbidden: frozenset[str],
    lifted: AbstractSet[str],
) -> dict[Place, _Special]:
    """The servers that domains of their own, or being a client, tells apart; and those that a lifted rule sets free."""
    found: dict[Place, _Special] = {}

    def add(server: Server, mark: object) -> None:
        apart, marked = found.setdefault((server.color, server.rack, server.switches), (set(), {}))
        apart.add(server.name)
        if server.name not in forbidden:
            marked.setdefault(mark, {}).setdefault(server.nodes, []).append(server.name)

    for name in sorted({*domains.of_server, *clients}):
        server = topology.servers[name]
        if server.is_usable:
            add(server, name if name in clients else domains.of_server[name])
    for server in topology.unusable if lifted else ():
        free = ("capacity" in lifted or server.nodes < server.capacity) and ("drained" in lifted or not server.drained)
        if free:  # by a mark of its own kind, so that it can be told from what is usable anyway
            own = server.name if server.name in clients else domains.of_server.get(server.name, ())
            add(server, (server.drained, server.is_full, own))
    return found


def _less(by_fill: Mapping[int, list[str]], apart: AbstractSet[str]) -> dict[int, list[str]]:
    left = {fill: [name for name in names if name not in apart] for fill, names in by_fill.items()}
    return {fill: names for fill, names in left.items() if names}


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
