"""The domains that a policy's rules speak of: sets of racks or servers, each with a key, a range of nodes and a weight.

The keys are those of certificates: ``rack r1``, ``row a``, ``pdu p1+p2`` (the racks that have exactly these PDUs above
them), ``ups``, ``feed`` likewise, ``single p1`` (the racks that lose power when p1 alone fails), ``cell c1`` (the
servers of an existing cell), ``cut d`` (what the failure of d cuts off from the instance), ``primary-cut d`` and
``replica-cut d`` (what it cuts off from that copy, while the instance reaches the copy).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

from attrs import define, field

from physalia.placement.errors import BadPolicy
from physalia.placement.rules.policy import (
    DOMAIN_KINDS,
    Cap,
    Client,
    DomainKind,
    Minimum,
    Overlap,
    PairCap,
    Policy,
    Rule,
    SingleFailure,
    Survives,
)
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import POWER_KINDS, Topology
from physalia.placement.solver.instance import Domain

if TYPE_CHECKING:
    from physalia.placement.survival.cuts import Cut

Capping = Cap | PairCap | SingleFailure | Overlap


@define
class Domains:
    """All domains that restrict or cost something, and which of them a rack, and a server beside its rack's, is in.

    Domain 0 is everything. ``rules`` names, for each domain, the rules that narrow its range.
    """

    nodes: int
    listed: list[Domain] = field(factory=lambda: [Domain("", 0, 0)])
    number: dict[str, int] = field(factory=dict)
    rules: dict[str, tuple[Rule, ...]] = field(factory=dict)
    of_rack: dict[str, tuple[int, ...]] = field(factory=dict)
    of_server: dict[str, tuple[int, ...]] = field(factory=dict)
    own: list[int] = field(factory=list)
    """The domains that hold single servers, and not those of whole racks."""

    def add(self, key: str, low: int, high: int, weight: int, rules: tuple[Rule, ...]) -> int | None:
        """The number of a new domain; none if it restricts and costs nothing."""
        if not (low or weight or high < self.nodes):
            return None
        self.number[key] = len(self.listed)
        self.listed.append(Domain(key, low, min(high, self.nodes), weight))
        self.rules[key] = rules
        return self.number[key]


def domains_of(topology: Topology, policy: Policy, query: Query, *, every_cut: bool = False) -> Domains:
    """The domains of a policy for a query; BadPolicy if a rule names a domain that does not exist.

    What a failure cuts off is left out where a cap on a rack says the same, unless ``every_cut`` is asked for.
    """
    domains = Domains(policy.cell_size)
    limits = {kind: _limit(policy, kind) for kind in DOMAIN_KINDS}
    single = _strictest(policy, [rule for rule in policy.rules if isinstance(rule, SingleFailure)])
    minima = _minima(topology, policy, query)
    own = set(keys_of_rack(topology, topology.servers[query.instance].rack))
    known: dict[tuple[str, str], int | None] = {}
    for rack in topology.racks:
        numbers = []
        for place in keys_of_rack(topology, rack):
            if place not in known:
                kind, key = place
                (high, rules), least = limits[kind], minima.pop(place, ())
                weight = int(kind in policy.spread and place not in own)
                known[place] = domains.add(key, _low(least), high, weight, (*rules, *least))
            numbers.append(known[place])
        for element in sorted(topology.single_points(rack)) if single[1] else ():
            if ("single", element) not in known:
                known["single", element] = domains.add(f"single {element}", 0, single[0], 0, single[1])
            numbers.append(known["single", element])
        domains.of_rack[rack] = tuple(at for at in numbers if at is not None)
    for (kind, key), least in minima.items():
        domains.add(key, _low(least), limits[kind][0], 0, least)  # of a client that is in no such domain
    _add_cells(domains, topology, policy)
    _add_cuts(domains, topology, policy, query, every_cut=every_cut)
    return domains


def keys_of_rack(topology: Topology, rack: str) -> Sequence[tuple[DomainKind, str]]:
    """For each kind the key of the domain in which a rack stands; none for a level without power above it."""
    known: dict[str, Sequence[tuple[DomainKind, str]]] = topology.remembered("keys of racks")
    if rack not in known:
        known[rack] = tuple(_keys_of_rack(topology, rack))
    return known[rack]


def _keys_of_rack(topology: Topology, rack: str) -> Iterator[tuple[DomainKind, str]]:
    yield "rack", f"rack {rack}"
    yield "row", f"row {topology.row_of(rack)}"
    above = topology.powers_above(rack)
    for kind in POWER_KINDS:
        if above[kind]:
            yield kind, f"{kind} {'+'.join(sorted(above[kind]))}"


def _minima(topology: Topology, policy: Policy, query: Query) -> dict[tuple[DomainKind, str], tuple[Minimum, ...]]:
    """The minimum rules by kind and key of their domain; those of clients that the query does not name rule nothing."""
    found: dict[tuple[DomainKind, str], tuple[Minimum, ...]] = {}
    clients = query.clients()
    for rule in policy.rules:
        if isinstance(rule, Minimum) and (rule.of is None or rule.of in clients):
            place = rule.kind, minimum_key(topology, policy, rule, clients)
            found[place] = (*found.get(place, ()), rule)
    return found


def minimum_key(topology: Topology, policy: Policy, rule: Minimum, clients: Mapping[Client, str]) -> str:
    """The key of the domain that a minimum is about; BadPolicy if there is no such domain.

    A client whose rack has no power above it at that level is in no domain: then the key ends with its kind.
    """
    if rule.of is not None:
        rack = topology.servers[clients[rule.of]].rack
        return dict(keys_of_rack(topology, rack)).get(rule.kind, f"{rule.kind} ")
    name = str(rule.name)
    key = f"{rule.kind} {'+'.join(sorted(name.split('+'))) if rule.kind in POWER_KINDS else name}"
    if not any((rule.kind, key) in keys_of_rack(topology, rack) for rack in topology.racks):
        raise BadPolicy(
            f"{policy.where}: rule {rule.id}: there is no {rule.kind} domain {rule.name} in {topology.where}."
        )
    return key


def _low(rules: tuple[Minimum, ...]) -> int:
    return max((rule.least for rule in rules), default=0)


def _limit(policy: Policy, kind: DomainKind) -> tuple[int, tuple[Rule, ...]]:
    """The most nodes that the rules allow in each domain of a kind, and those rules."""
    return _strictest(policy, [rule for rule in policy.rules if _caps(rule, kind)])


def _caps(rule: Rule, kind: DomainKind) -> TypeGuard[Capping]:
    if isinstance(rule, Cap):
        return rule.kind == kind
    if isinstance(rule, PairCap):
        return kind in POWER_KINDS and rule.kind in {None, kind}
    return isinstance(rule, SingleFailure) and kind == "rack"


def _strictest(policy: Policy, rules: Sequence[Capping]) -> tuple[int, tuple[Rule, ...]]:
    return min((rule.most for rule in rules), default=policy.cell_size), tuple(rules)


def _add_cells(domains: Domains, topology: Topology, policy: Policy) -> None:
    most, rules = _strictest(policy, [rule for rule in policy.rules if isinstance(rule, Overlap)])
    for cell in topology.cells.values() if rules else ():
        at = domains.add(f"cell {cell.name}", 0, most, 0, rules) if len(cell.servers) > most else None
        if at is None:
            continue
        domains.own.append(at)
        for server in cell.servers:
            domains.of_server[server] = (*domains.of_server.get(server, ()), at)


def _add_cuts(domains: Domains, topology: Topology, policy: Policy, query: Query, *, every_cut: bool) -> None:
    from physalia.placement.survival.cuts import cuts_seen_from  # noqa: PLC0415  # only where the rule is on

    most = policy.cell_size - policy.majority
    for client, name in query.clients().items():
        rules = tuple(rule for rule in policy.rules if isinstance(rule, Survives) and rule.seen_from == client)
        kind = "cut" if client == "instance" else f"{client}-cut"
        for device, cut in cuts_seen_from(topology, query.instance, name, most).items() if rules else ():
            alone = not cut.servers and len(cut.racks) == 1
            if not (alone and not every_cut and _capped(domains, next(iter(cut.racks)), most)):
                _add_cut(domains, f"{kind} {device}", cut, most, rules)


def _add_cut(domains: Domains, key: str, cut: "Cut", most: int, rules: tuple[Rule, ...]) -> None:
    at = domains.add(key, 0, most, 0, rules)
    assert at is not None
    for rack in cut.racks:
        domains.of_rack[rack] = (*domains.of_rack[rack], at)
    domains.own += [at] if cut.servers else []
    for server in cut.servers:
        domains.of_server[server] = (*domains.of_server.get(server, ()), at)


def _capped(domains: Domains, rack: str, most: int) -> bool:
    """Whether a rack has a cap already that keeps it from holding more than so many nodes."""
    at = domains.number.get(f"rack {rack}")
    return at is not None and domains.listed[at].high <= most
