"""The same probability on any graph, by a decision diagram: exact where it fits, and refused where it does not.

Who lives is a Boolean function of who failed; who is reached is the least solution of "next to somebody reached", found
by repetition. The diagram of "the instance is up and reaches no majority" is then summed up from below: products of
positive numbers only, so that the sum is right to a relative error. Its size depends on the graph, in bad cases
exponentially, so there is a limit.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from physalia.placement.availability.power_states import TooHard
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.site.topology import Topology, link_name

MOST_NODES = 300_000


@frozen
class Found:
    """P(the instance is up without a majority) and P(it is up); and both with each device down, if asked for."""

    lost: float
    up: float
    lost_down: Mapping[str, float] = field(factory=dict)
    up_down: Mapping[str, float] = field(factory=dict)


def lost(
    topology: Topology,
    instance: str,
    servers: tuple[str, ...],
    probability: Callable[[str], float],
    effort: Effort,
    *,
    devices: bool = False,
) -> Found:
    """What a diagram says of a cell. TooHard beyond ``MOST_NODES`` nodes; OutOfTime."""
    found = _attempt(topology, instance, servers, probability, effort, devices=devices)
    if isinstance(found, Exception):
        raise found
    return found


def _attempt(
    topology: Topology,
    instance: str,
    servers: tuple[str, ...],
    probability: Callable[[str], float],
    effort: Effort,
    *,
    devices: bool,
) -> Found | TooHard | OutOfTime:
    """The probabilities, or why there are none: an exception would keep parts of the diagram, which dd complains of."""
    from dd.autoref import BDD  # noqa: PLC0415  # not needed on tree-like fabrics

    diagram = _Diagram(topology, probability, BDD(), effort)
    try:
        up, majority = diagram.questions(instance, servers)
        without, only = diagram.summed(up & ~majority, devices=devices), diagram.summed(up, devices=devices)
        return Found(without.total, only.total, without.down, only.down)
    except TooHard as limit:
        return TooHard(str(limit))
    except OutOfTime as limit:
        return OutOfTime(str(limit))


@frozen
class _Sum:
    """How likely a function is true; and, for each device that it depends on, the same while the device is down."""

    total: float
    down: Mapping[str, float]


@define
class _Diagram:
    topology: Topology
    probability: Callable[[str], float]
    bdd: Any
    effort: Effort
    powered: dict[str, Any] = field(factory=dict)
    devices: dict[str, str] = field(factory=dict)

    def questions(self, instance: str, servers: tuple[str, ...]) -> tuple[Any, Any]:
        """The instance is up; it reaches a majority of the servers."""
        topology = self.topology
        beside = {name: self._beside(name) for name in dict.fromkeys((instance, *servers))}
        lives = {name: self._lives(name) & self._power(topology.servers[name].rack) for name in beside}
        reached = self._reached(beside[instance])
        up = lives[instance] & self._any(beside[instance].values())
        nodes = [
            lives[name] if name == instance else
            lives[name] & self._any(way & reached[switch] for switch, way in beside[name].items())
            for name in servers
        ]  # fmt: skip
        return up, self._at_least(len(servers) // 2 + 1, nodes)

    def summed(self, function: Any, *, devices: bool) -> _Sum:
        """The sum over the diagram, from below; and, from above, what each device takes part in. Each node once."""
        known: dict[int, float] = {}
        nodes: dict[int, tuple[Any, Any, Any]] = {}
        total = self._sum(function, known, nodes)
        return _Sum(total, self._down(function, known, nodes) if devices else {})

    def _sum(self, node: Any, known: dict[int, float], nodes: dict[int, tuple[Any, Any, Any]]) -> float:
        if node == self.bdd.true:
            return 1.0
        if node == self.bdd.false:
            return 0.0
        key = int(node)
        if key not in known:
            fails = self.probability(self.devices[node.var])
            high, low = (~node.high, ~node.low) if node.negated else (node.high, node.low)
            known[key] = (1.0 - fails) * self._sum(high, known, nodes) + fails * self._sum(low, known, nodes)
            nodes[key] = node, high, low
        return known[key]

    def _down(
        self, function: Any, known: Mapping[int, float], nodes: Mapping[int, tuple[Any, Any, Any]]
    ) -> dict[str, float]:
        """For each device: on the ways that pass it what it is while it is down, on the others what it is anyway."""

        def value(node: Any) -> float:
            return 1.0 if node == self.bdd.true else 0.0 if node == self.bdd.false else known[int(node)]

        way = dict.fromkeys(nodes, 0.0)
        total = value(function)
        if int(function) in way:
            way[int(function)] = 1.0
        passing: dict[str, float] = {}
        found: dict[str, float] = {}
        for key in sorted(nodes, key=lambda one: int(nodes[one][0].level)):
            node, high, low = nodes[key]
            device = self.devices[node.var]
            fails = self.probability(device)
            passing[device] = passing.get(device, 0.0) + way[key] * known[key]
            found[device] = found.get(device, 0.0) + way[key] * value(low)
            for after, share in ((high, 1.0 - fails), (low, fails)):
                if int(after) in way:
                    way[int(after)] += way[key] * share
        return {device: down + max(0.0, total - passing[device]) for device, down in found.items()}

    def _reached(self, start: Mapping[str, Any]) -> dict[str, Any]:
        """For each switch, when the instance reaches it: grown until nothing changes."""
        topology = self.topology
        lives = {name: self._switch_lives(name) for name in topology.switches}
        ways = [(*link.ends, self._lives(name)) for name, link in topology.links.items()]
        reached = {name: start.get(name, self.bdd.false) for name in topology.switches}
        changed = set(start)
        while changed:
            before, changed = changed, set()
            for one, other, carries in ways:
                for here, there in ((one, other), (other, one)):
                    if here in before or here in changed:
                        further = reached[there] | (reached[here] & carries & lives[there])
                        if further != reached[there]:
                            reached[there] = further
                            changed.add(there)
                            self._within_limit()
        return reached

    def _beside(self, server: str) -> dict[str, Any]:
        """The switches of a server, each with when it lives and its link does."""
        switches = self.topology.servers[server].switches
        return {name: self._lives(link_name(server, name)) & self._switch_lives(name) for name in switches}

    def _switch_lives(self, name: str) -> Any:
        switch = self.topology.switches[name]
        power = self._power(switch.rack) if switch.rack is not None else self._any_power(switch.supplies)
        return self._lives(name) & power

    def _power(self, name: str) -> Any:
        if name not in self.powered:
            element = self.topology.powers.get(name)
            supplies = self.topology.racks[name].supplies if element is None else element.supplies
            self.powered[name] = self._lives(name) & self._any_power(supplies)
        return self.powered[name]

    def _any_power(self, supplies: tuple[str, ...]) -> Any:
        return self._any(self._power(supply) for supply in supplies) if supplies else self.bdd.true

    def _lives(self, device: str) -> Any:
        """The variable of a device; none for one that certainly lives or certainly does not."""
        fails = self.probability(device)
        if fails in (0.0, 1.0):
            return self.bdd.false if fails else self.bdd.true
        variable = f"device{len(self.devices)}"
        known = next((name for name, one in self.devices.items() if one == device), None)
        if known is None:
            self.devices[variable] = device
            self.bdd.declare(variable)
        return self.bdd.var(known or variable)

    def _any(self, functions: Any) -> Any:
        found = self.bdd.false
        for function in functions:
            found |= function
        return found

    def _at_least(self, count: int, functions: list[Any]) -> Any:
        enough = [self.bdd.true, *[self.bdd.false] * count]
        for function in functions:
            for more in range(count, 0, -1):
                enough[more] = enough[more] | (function & enough[more - 1])
            self._within_limit()
        return enough[count]

    def _within_limit(self) -> None:
        self.effort.spend("functions of a diagram")
        if len(self.bdd) > MOST_NODES:
            raise TooHard(f"its decision diagram has more than {MOST_NODES:,} nodes")
