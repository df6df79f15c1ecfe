"""Placement by definition: who lives, who is reached, what survives, what a cell costs, which rules it keeps.

Written from the definitions alone, for sites of a dozen servers, and as plainly as they read: nothing here is fast, and
nothing is taken from what it judges but the types of topologies and policies. ``tla/Placement.tla`` says the same.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import combinations

from attrs import frozen

from physalia.placement.rules.policy import (
    AntiAffinity,
    Cap,
    HopLimit,
    Minimum,
    Overlap,
    PairCap,
    Policy,
    Rule,
    SingleFailure,
    Survives,
)
from physalia.placement.site.topology import POWER_KINDS, Topology, link_name

Cell = frozenset[str]


@frozen
class World:
    """A topology in which some devices have failed."""

    topology: Topology
    failed: frozenset[str] = frozenset()

    @cached_property
    def powered(self) -> frozenset[str]:
        """The elements of power and the racks that did not fail, and are feeds or have a supply among these."""
        topology = self.topology
        supplies = {name: rack.supplies for name, rack in topology.racks.items()}
        supplies.update((name, power.supplies) for name, power in topology.powers.items())
        left = supplies.keys() - self.failed
        found = {name for name in left & topology.powers.keys() if topology.powers[name].kind == "feed"}
        while further := {name for name in left - found if not found.isdisjoint(supplies[name])}:
            found |= further
        return frozenset(found)

    @cached_property
    def living_switches(self) -> frozenset[str]:
        """Those that did not fail, and whose rack has power, or any of whose supplies has, or none are modelled."""
        return frozenset(
            switch.name
            for switch in self.topology.switches.values()
            if switch.name not in self.failed
            and (
                switch.rack in self.powered
                if switch.rack is not None
                else not switch.supplies or not self.powered.isdisjoint(switch.supplies)
            )
        )

    def server_lives(self, name: str) -> bool:
        """It did not fail, and its rack has power."""
        return name not in self.failed and self.topology.servers[name].rack in self.powered

    def switches_at(self, server: str) -> set[str]:
        """The living switches that a server has a living link to."""
        return {
            switch
            for switch in self.topology.servers[server].switches
            if link_name(server, switch) not in self.failed and switch in self.living_switches
        }

    def is_up(self, instance: str) -> bool:
        """The server lives and has a living link to a living switch."""
        return self.server_lives(instance) and bool(self.switches_at(instance))

    def reached(self, instance: str) -> set[str]:
        """The servers that the instance reaches over living links between living devices; servers do not forward."""
        found = self.switches_at(instance) if self.server_lives(instance) else set()
        ends = [set(link.ends) for link in self.topology.links.values() if link.name not in self.failed]
        while True:
            further = {
                switch for pair in ends if pair & found for switch in pair - found if switch in self.living_switches
            }
            if not further:
                break
            found |= further
        servers = {name for name in self.topology.servers if self.server_lives(name) and self.switches_at(name) & found}
        return servers | ({instance} if self.server_lives(instance) else set())


def single_failures(topology: Topology) -> Iterator[str]:
    """Every rack, element of power, switch and link, the links of servers included."""
    yield from topology.racks
    yield from topology.powers
    yield from topology.switches
    yield from topology.links
    for server in topology.servers:
        yield from (link for link, _ in topology.links_of(server))


def majority(nodes: int) -> int:
    """How many nodes of a cell are more than half of it."""
    return nodes // 2 + 1


def harms(topology: Topology, instance: str) -> dict[str, set[str]]:
    """For every single failure that leaves the instance up, the servers that it still reaches."""
    worlds = {device: World(topology, frozenset({device})) for device in single_failures(topology)}
    return {device: world.reached(instance) for device, world in worlds.items() if world.is_up(instance)}


def breaking(reached: Mapping[str, set[str]], cell: Collection[str]) -> list[str]:
    """The devices that take the majority of a cell away, of those that ``harms`` found."""
    return [device for device, left in reached.items() if len(left & set(cell)) < majority(len(cell))]


@frozen(kw_only=True)
class Question:
    """A topology, a policy, and the servers of the volume."""

    topology: Topology
    policy: Policy
    instance: str
    primary: str | None = None
    replica: str | None = None
    color: str | None = None

    @cached_property
    def distances(self) -> dict[str, dict[str, int]]:
        """For each client that the query names, the links from it to every server that it reaches."""
        return {role: distances_to(self.topology, name) for role, name in self.clients.items()}

    @cached_property
    def harms(self) -> dict[str, set[str]]:
        """What each single failure leaves, if it leaves the instance up."""
        return harms(self.topology, self.instance)

    def harms_seen_from(self, client: str | None) -> dict[str, set[str]]:
        """What a client still reaches after each single failure in which the instance is up and reaches that client."""
        if client is None or client == "instance":
            return self.harms
        name = self.clients[client]
        worlds = {device: World(self.topology, frozenset({device})) for device in self.harms}
        return {device: world.reached(name) for device, world in worlds.items() if name in self.harms[device]}

    @property
    def clients(self) -> dict[str, str]:
        """The servers that the query names, by their roles."""
        named = {"instance": self.instance, "primary": self.primary, "replica": self.replica}
        return {role: server for role, server in named.items() if server is not None}

    def cells(self) -> Iterator[Cell]:
        """Every set of as many servers as the cell has nodes."""
        return map(frozenset, combinations(sorted(self.topology.servers), self.policy.cell_size))

    def is_legal(self, cell: Cell) -> bool:
        """Whether a cell keeps the rules that always hold, and those of the policy."""
        return not self.broken(cell)

    def broken(self, cell: Cell) -> set[str]:
        """The ids of the rules that a cell breaks; those that always hold go by ``always``."""
        broken = {rule.id for rule in self.policy.rules if not self.keeps(rule, cell)}
        return broken if self._keeps_what_always_holds(cell) else broken | {"always"}

    def _keeps_what_always_holds(self, cell: Cell) -> bool:
        servers = [self.topology.servers[name] for name in cell]
        return (
            not any(server.drained for server in servers)
            and all(server.nodes < server.capacity for server in servers)
            and (not self.policy.one_color or len({server.color for server in servers}) == 1)
            and (self.color is None or {server.color for server in servers} == {self.color})
            and all(name in distances for distances in self.distances.values() for name in cell)
        )

    def keeps(self, rule: Rule, cell: Cell) -> bool:
        """Whether a cell keeps one rule of the policy."""
        match rule:
            case Cap(kind=kind, most=most):
                return all(len(domain & cell) <= most for domain in self.domains(kind).values())
            case Minimum(least=least):
                meant = self._meant(rule)
                return meant is None or len(meant & cell) >= least
            case SingleFailure(most=most):
                return all(len(dark & cell) <= most for dark in self._dark)
            case PairCap(kind=kind, most=most):
                kinds = POWER_KINDS if kind is None else (kind,)
                return all(len(domain & cell) <= most for one in kinds for domain in self.domains(one).values())
            case HopLimit(client=client, most=most):
                return client not in self.clients or all(
                    self.distances[client].get(name, most + 1) <= most for name in cell
                )
            case AntiAffinity():
                return cell.isdisjoint(self.clients.values())
            case Overlap(most=most):
                return all(len(cell & set(other.servers)) <= most for other in self.topology.cells.values())
            case Survives(client=client):
                return client not in {None, *self.clients} or not breaking(self.harms_seen_from(client), cell)

    def domains(self, kind: str) -> dict[frozenset[str], frozenset[str]]:
        """The domains of a kind: the racks, rows or elements that name one, and the servers in it."""
        return self._domains[kind]

    @cached_property
    def _domains(self) -> dict[str, dict[frozenset[str], frozenset[str]]]:
        return {kind: self._domains_of(kind) for kind in ("rack", "row", *POWER_KINDS)}

    def _domains_of(self, kind: str) -> dict[frozenset[str], frozenset[str]]:
        found: dict[frozenset[str], set[str]] = {}
        for server in self.topology.servers.values():
            name = self._domain_of(kind, server.rack)
            if name:
                found.setdefault(name, set()).add(server.name)
        return {name: frozenset(servers) for name, servers in found.items()}

    def value(self, cell: Cell) -> tuple[int, int, int, int]:
        """Worst hop, spread, sum of hops, fill: less is better, and what comes first counts first."""
        hops = [distances[name] for distances in self.distances.values() for name in cell]
        spread = sum(nodes * (nodes - 1) // 2 for nodes in self.shared(cell))
        return max(hops), spread, sum(hops), sum(self.topology.servers[name].nodes for name in cell)

    def shared(self, cell: Cell) -> list[int]:
        """How many nodes are in each domain that counts for spread: not those of the instance itself."""
        home = self.topology.servers[self.instance].rack
        return [
            len(domain & cell)
            for kind in self.policy.spread
            for name, domain in self.domains(kind).items()
            if name != self._domain_of(kind, home)
        ]

    def _domain_of(self, kind: str, rack: str) -> frozenset[str]:
        if kind == "rack":
            return frozenset({rack})
        if kind == "row":
            return frozenset({self.topology.racks[rack].row})
        return frozenset(name for name in self._above(rack) if self.topology.powers[name].kind == kind)

    def _above(self, name: str) -> set[str]:
        """The elements of power above a rack or an element, over all supply paths."""
        part = self.topology.racks.get(name) or self.topology.powers[name]
        return set(part.supplies).union(*(self._above(supply) for supply in part.supplies))

    @cached_property
    def _dark(self) -> list[frozenset[str]]:
        """The servers without power when one rack or one element of power fails alone, for each of those."""
        worlds = [World(self.topology, frozenset({device})) for device in (*self.topology.racks, *self.topology.powers)]
        return [frozenset(name for name in self.topology.servers if not world.server_lives(name)) for world in worlds]

    def _meant(self, rule: Minimum) -> frozenset[str] | None:
        """The servers of the domain that a minimum count is about; None if it is a client's that nobody named."""
        if rule.of is not None:
            if rule.of not in self.clients:
                return None
            name = self._domain_of(rule.kind, self.topology.servers[self.clients[rule.of]].rack)
        else:
            assert rule.name is not None
            name = frozenset({rule.name} if rule.kind in {"rack", "row"} else rule.name.split("+"))
        return self.domains(rule.kind).get(name, frozenset())


def distances_to(topology: Topology, client: str) -> dict[str, int]:
    """The links on a shortest path from each server to the client's, with everything alive; unreachable ones lack."""
    level = set(topology.servers[client].switches)
    far = dict.fromkeys(level, 1)
    while level:
        ends = [set(link.ends) for link in topology.links.values()]
        beyond = {switch for pair in ends if pair & level for switch in pair if switch not in far}
        far |= dict.fromkeys(beyond, far[next(iter(level))] + 1)
        level = beyond
    found = {
        server.name: 1 + min(far[switch] for switch in server.switches if switch in far)
        for server in topology.servers.values()
        if any(switch in far for switch in server.switches)
    }
    return found | {client: 0}
