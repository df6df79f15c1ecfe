"""The rules by definition, for one placement: which are broken, in sentences, and what the placement costs.

This knows no solver and no domains of theirs: whatever proposes a placement, its proposal is judged here before anybody
sees it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from physalia.placement.rules.costs import Cost
from physalia.placement.rules.policy import (
    AntiAffinity,
    Cap,
    Client,
    DomainKind,
    HopLimit,
    Minimum,
    Overlap,
    PairCap,
    Policy,
    Rule,
    SingleFailure,
    Survives,
)
from physalia.placement.rules.queries import Query
from physalia.placement.site.hops import Distances, Hops
from physalia.placement.site.topology import POWER_KINDS, Topology


@frozen
class Broken:
    """A rule that a placement breaks, by its id, and how.

    Beside the rules of the policy there are ``drained``, ``capacity``, ``color``, ``size`` (of the cell, on distinct
    servers) and ``reachable`` (every client reaches every node), which always hold.
    """

    rule: str
    sentence: str


Place = tuple[str, ...]
"""A domain of a kind: a rack, a row, or the sorted elements of power above a rack."""


def place_of(topology: Topology, rack: str, kind: DomainKind) -> Place:
    """The domain of a kind in which a rack stands; empty if there is none."""
    if kind == "rack":
        return (rack,)
    if kind == "row":
        return (topology.row_of(rack),)
    return tuple(sorted(topology.powers_above(rack)[kind]))


def broken(topology: Topology, policy: Policy, query: Query, servers: Sequence[str]) -> list[Broken]:
    """Every rule that a placement on these servers breaks; none if it is legal."""
    return Judge.of(topology, policy, query).broken(servers)


def cost(topology: Topology, policy: Policy, query: Query, servers: Sequence[str]) -> Cost | None:
    """What a placement costs: (worst hop, spread, sum of hops, fill); None if a client does not reach a node."""
    return Judge.of(topology, policy, query).cost(servers)


@frozen
class Judge:
    """A topology, a policy and a query, with the ways to the clients, ready to judge placements."""

    topology: Topology
    policy: Policy
    query: Query
    ways: Mapping[Client, Distances]

    @classmethod
    def of(cls, topology: Topology, policy: Policy, query: Query) -> "Judge":
        """A judge; BadQuery if the query names what the topology does not have."""
        query.judge(topology)
        network = Hops(topology)
        return cls(topology, policy, query, {client: network.of(name) for client, name in query.clients().items()})

    def broken(self, servers: Sequence[str]) -> list[Broken]:
        """Every rule that a placement on these servers breaks; none if it is legal."""
        distinct, wanted = len(set(servers)), self.policy.cell_size
        if distinct != len(servers) or distinct != wanted:
            return [Broken("size", f"the cell has {wanted} nodes on distinct servers, and {distinct} are named.")]
        unknown = [name for name in servers if name not in self.topology.servers]
        if unknown:
            return [Broken("size", f"there is no server {unknown[0]} in topology {self.topology.name}.")]
        found = [*self._of_servers(servers)]
        for rule in self.policy.rules:
            found += [Broken(rule.id, sentence) for sentence in self._of_rule(rule, servers)]
        return found

    def cost(self, servers: Sequence[str]) -> Cost | None:
        """What a placement costs; None if a client does not reach a node."""
        topology = self.topology
        hops = [way.to(name) for way in self.ways.values() for name in servers]
        reached = [one for one in hops if one is not None]
        if len(reached) < len(hops):
            return None
        racks = [topology.servers[name].rack for name in servers]
        own = topology.servers[self.query.instance].rack
        spread = 0
        for kind in self.policy.spread:
            places = Counter(place_of(topology, rack, kind) for rack in racks)
            del places[()], places[place_of(topology, own, kind)]
            spread += sum(k * (k - 1) // 2 for k in places.values())
        return Cost(max(reached), spread, sum(reached), sum(topology.servers[name].nodes for name in servers))

    def _of_servers(self, servers: Sequence[str]) -> Iterator[Broken]:
        chosen = [self.topology.servers[name] for name in servers]
        for server in chosen:
            if server.drained:
                yield Broken("drained", f"server {server.name} is drained.")
            if server.nodes >= server.capacity:
                full = f"server {server.name} holds {server.nodes} of {server.capacity} nodes: it is full."
                yield Broken("capacity", full)
            for client, way in self.ways.items():
                if way.to(server.name) is None:
                    yield Broken("reachable", f"no path leads from the {client} to server {server.name}.")
        colors = sorted({server.color for server in chosen})
        if self.policy.one_color and len(colors) > 1:
            yield Broken("color", f"the cell is of the colors {', '.join(colors)}.")
        elif self.query.color is not None and colors != [self.query.color]:
            yield Broken("color", f"the query asks for {self.query.color}, and the cell is {', '.join(colors)}.")

    def _of_rule(self, rule: Rule, servers: Sequence[str]) -> Iterator[str]:
        racks = [self.topology.servers[name].rack for name in servers]
        match rule:
            case Cap(kind=kind, most=most):
                yield from self._too_many(kind, racks, most)
            case PairCap(kind=kind, most=most):
                for one in POWER_KINDS if kind is None else (kind,):
                    yield from self._too_many(one, racks, most)
            case Minimum():
                yield from self._too_few(rule, racks)
            case SingleFailure(most=most):
                yield from self._too_dark(racks, most)
            case HopLimit():
                yield from self._too_far(rule, servers)
            case AntiAffinity():
                for client, name in self.query.clients().items():
                    if name in servers:
                        yield f"server {name} is the {client} of the volume."
            case Overlap(most=most):
                yield from self._too_alike(servers, most)
            case Survives():
                yield from self._not_surviving(rule, servers)

    def _not_surviving(self, rule: Survives, servers: Sequence[str]) -> Iterator[str]:
        from physalia.placement.survival.by_cuts import losses, survives  # noqa: PLC0415  # only where the rule is on

        instance, client = self.query.instance, self.query.clients().get(rule.seen_from)
        if client is None:
            return  # it speaks of a client that the query does not name
        if rule.client in {None, "instance"}:
            survival = survives(self.topology, instance, servers)
            if not survival.holds:
                yield survival.sentence
            return
        found = losses(self.topology, instance, servers, client)
        if found:
            worst = max(found, key=lambda loss: len(loss.lost))
            reached = f"if {worst.device} fails, the instance reaches the {rule.client} {client}"
            yield f"{reached}, and that does not reach {', '.join(worst.lost)}."

    def _too_many(self, kind: DomainKind, racks: Sequence[str], most: int) -> Iterator[str]:
        for place, nodes in Counter(place_of(self.topology, rack, kind) for rack in racks).items():
            if place and nodes > most:
                yield f"{nodes} nodes are in {kind} {'+'.join(place)}; {most} may be."

    def _too_dark(self, racks: Sequence[str], most: int) -> Iterator[str]:
        dark = Counter(element for rack in racks for element in (rack, *sorted(self.topology.single_points(rack))))
        for element, nodes in dark.items():
            if nodes > most:
                yield f"{nodes} nodes lose power if {element} fails; {most} may."

    def _too_alike(self, servers: Sequence[str], most: int) -> Iterator[str]:
        chosen = frozenset(servers)
        for cell in self.topology.cells.values():
            shared = len(chosen.intersection(cell.servers))
            if shared > most:
                yield f"{shared} servers are shared with cell {cell.name}; {most} may be."

    def _too_few(self, rule: Minimum, racks: Sequence[str]) -> Iterator[str]:
        clients, name = self.query.clients(), str(rule.name)
        if rule.of is None:
            place = tuple(sorted(name.split("+"))) if rule.kind in POWER_KINDS else (name,)
        elif rule.of in clients:
            place = place_of(self.topology, self.topology.servers[clients[rule.of]].rack, rule.kind)
        else:
            return  # it speaks of a client that the query does not name
        nodes = sum(bool(place) and place_of(self.topology, rack, rule.kind) == place for rack in racks)
        if nodes < rule.least:
            yield f"{nodes} nodes are in {rule.kind} {'+'.join(place) or 'none'}; at least {rule.least} must be."

    def _too_far(self, rule: HopLimit, servers: Sequence[str]) -> Iterator[str]:
        way = self.ways.get(rule.client)
        for name in servers:
            hops = None if way is None else way.to(name)
            if hops is not None and hops > rule.most:
                yield f"server {name} is {hops} hops from the {rule.client}; {rule.most} are allowed."
