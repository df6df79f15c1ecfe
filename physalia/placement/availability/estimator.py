"""P(A_v | A_i): how likely the instance, when it is up, reaches a majority of its cell. Exact, every device counted.

A device of any kind is down with its probability, independently of the others; what hangs on it follows. On tree-like
fabrics the number comes from a walk over the switches near the cell (``physalia.placement.availability.walk``). It is
done twice, once without the rest of the site and once with a rest that never fails; the truth lies between. If the two
differ by more than ``TOLERANCE`` a small site is walked whole. Other graphs get a decision diagram, up to a limit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal

from attrs import define, field, frozen

from physalia.placement.availability import diagram as availability_bdd
from physalia.placement.availability.fabric_order import Fabric, Neighbours, NotTreeLike
from physalia.placement.availability.power_states import TooHard
from physalia.placement.availability.walk import Probability, joint_probability, up_probability
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build
from physalia.placement.survival.by_cuts import check_names

TOLERANCE = 1e-14
"""How far the two bounds may differ for the answer to be called exact; sums of doubles near 1 are no better."""

CLOSE = 1e-12
"""How far they may differ where the site has too many switches to be walked whole; the answer tells how far."""

MOST_SWITCHES = 60
"""Whole sites with more switches are not walked, and get no diagram: neither comes to an end there."""


class NotExact(ValueError):
    """There is no exact answer within the limits; one sentence that says why and what is known."""


@frozen(kw_only=True)
class Availability:
    """The probability, how it was found, and how much of the site was looked at.

    ``error`` is how far the bounds are apart; the value is the lower one.
    """

    value: float
    method: Literal["walk", "whole walk", "diagram"]
    error: float = 0.0

    @property
    def unavailability(self) -> float:
        """What is missing to 1."""
        return 1.0 - self.value


@frozen(kw_only=True)
class Weight:
    """What a device matters: of the time in which the instance is up without a majority, the share in which it is down.

    ``conditional`` is the unavailability while the device is down.
    """

    device: str
    kind: str
    share: float
    conditional: float


def exact(topology: Topology, instance: str, servers: Sequence[str]) -> float:
    """P(majority of the cell reachable | instance up). NotExact if the graph is too hard, BadQuery for wrong names."""
    return Estimator(topology).of(instance, servers).value


def _untold(done: int, total: int) -> None:
    """Nobody listens."""


def devices_that_matter(
    topology: Topology,
    instance: str,
    servers: Sequence[str],
    most: int = 10,
    told: Callable[[int, int], None] = _untold,
) -> list[Weight]:
    """The devices that are down in most of the unavailable time, the worst first (`Estimator.weights`)."""
    return Estimator(topology).weights(instance, servers, told)[:most]


def independent(nodes: int, fails: float) -> float:
    """The availability of a cell whose nodes fail independently with one probability, and nothing else fails.

    The special case that the paper plots in its figure 4. It is computed like any other site: a star whose servers
    fail and whose other devices do not.
    """
    names = [f"server-{at}" for at in range(nodes)]
    star = _star(names, fails)
    return exact(star, "client", names)


@define
class Estimator:
    """Answers for one topology; what does not depend on the placement is prepared once."""

    topology: Topology
    neighbours: Neighbours = field(init=False)
    _known: dict[str, float] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.neighbours = {switch: [] for switch in self.topology.switches}
        for link in self.topology.links.values():
            one, other = link.ends
            self.neighbours[one].append((link.name, other))
            self.neighbours[other].append((link.name, one))

    def of(
        self, instance: str, servers: Sequence[str], given: Mapping[str, float] | None = None, close: float = CLOSE
    ) -> Availability:
        """The availability of a placement; ``given`` replaces probabilities of single devices.

        ``close`` is how far the bounds may differ on a site that is too large to be walked whole. NotExact if there is
        no exact answer within the limits, or if the instance is never up.
        """
        check_names(self.topology, instance, servers)
        probability = self._probability(given or {})
        cell = tuple(servers)
        try:
            return self._walked(instance, cell, probability, close)
        except (NotTreeLike, TooHard) as reason:
            return self._by_diagram(instance, cell, probability, str(reason))

    def weights(
        self, instance: str, servers: Sequence[str], told: Callable[[int, int], None] = _untold
    ) -> list[Weight]:
        """Every device near the cell that may fail, by its share of the unavailable time; the worst first.

        To three digits: while a device is down, more of the site may matter. ``told`` hears how many of how many
        devices were tried.
        """
        found = []
        close = max(CLOSE, self.of(instance, servers).unavailability / 1_000)
        lost = self._lost(instance, servers, {}, close)
        devices = self._near(instance, servers)
        for number, device in enumerate(devices):
            told(number, len(devices))
            fails = self.topology.failure_probability(device)
            if 0.0 < fails < 1.0 and lost > 0.0:
                down = self._lost(instance, servers, {device: 1.0}, close)
                up = self._up(instance, tuple(servers), self._probability({device: 1.0}))
                conditional = down / up if up else 0.0
                share = fails * down / lost
                found.append(
                    Weight(device=device, kind=self.topology.kind_of(device), share=share, conditional=conditional)
                )
        return sorted(found, key=lambda weight: (-weight.share, weight.device))

    def _walked(self, instance: str, cell: tuple[str, ...], probability: Probability, close: float) -> Availability:
        near = self._near_switches(instance, cell)
        up = self._up(instance, cell, probability)
        if not up:
            raise NotExact(f"instance {instance} is never up, so nothing can be said of what it reaches then.")
        lower, _ = joint_probability(self._part(instance, cell, near), probability)
        _, upper = joint_probability(self._part(instance, cell, near, self._ways_round(near)), probability)
        is_large = len(self.neighbours) > MOST_SWITCHES
        if upper - lower <= (close if is_large else TOLERANCE) * up:
            return Availability(value=lower / up, method="walk", error=max(0.0, upper - lower) / up)
        if is_large:
            raise NotExact(
                f"the site has {len(self.neighbours):,} switches and those near the cell do not decide: "
                f"the probability is between {lower / up!r} and {upper / up!r}."
            )
        lower, upper = joint_probability(self._part(instance, cell, set(self.neighbours)), probability)
        return Availability(value=lower / up, method="whole walk", error=(upper - lower) / up)

    def _by_diagram(self, instance: str, cell: tuple[str, ...], probability: Probability, reason: str) -> Availability:
        try:
            both, up = availability_bdd.joint_probability(self.topology, instance, cell, probability)
        except TooHard as limit:
            raise NotExact(f"no exact availability: {reason}, and {limit}.") from limit
        if not up:
            raise NotExact(f"instance {instance} is never up, so nothing can be said of what it reaches then.")
        return Availability(value=both / up, method="diagram")

    def _part(
        self, instance: str, cell: tuple[str, ...], switches: set[str], more: Iterable[tuple[str, str]] = ()
    ) -> Fabric:
        """The part of the fabric that these switches are, and perhaps more links, which never fail."""
        neighbours: Neighbours = {
            switch: [(link, to) for link, to in self.neighbours[switch] if to in switches] for switch in switches
        }
        for one, other in more:
            neighbours[one].append((None, other))
            neighbours[other].append((None, one))
        return Fabric(topology=self.topology, instance=instance, cell=cell, neighbours=neighbours)

    def _ways_round(self, switches: set[str]) -> list[tuple[str, str]]:
        """The pairs of these switches that the rest of the site joins: those next to one connected piece of it."""
        seen = set(switches)
        joined: set[tuple[str, str]] = set()
        for switch in switches:
            for _, first in self.neighbours[switch]:
                if first not in seen:
                    joined.update(combinations(sorted(self._next_to_piece(first, switches, seen)), 2))
        return sorted(joined)

    def _next_to_piece(self, first: str, switches: set[str], seen: set[str]) -> set[str]:
        """Those of some switches that are next to a connected piece of the rest; what is in the piece was seen then."""
        found, waiting = set[str](), [first]
        seen.add(first)
        while waiting:
            for _, to in self.neighbours[waiting.pop()]:
                if to in switches:
                    found.add(to)
                elif to not in seen:
                    seen.add(to)
                    waiting.append(to)
        return found

    def _near_switches(self, instance: str, cell: tuple[str, ...]) -> set[str]:
        """The switches that the servers hang on, and two levels of those above."""
        found = {switch for server in (instance, *cell) for switch in self.topology.servers[server].switches}
        level = found
        for _ in range(2):
            level = {
                to for switch in level for _, to in self.neighbours[switch] if self.topology.switches[to].tier != "rack"
            }
            found = found | level
        return found

    def _lost(self, instance: str, servers: Sequence[str], given: Mapping[str, float], close: float) -> float:
        """P(the instance is up without a majority)."""
        up = self._up(instance, tuple(servers), self._probability(given))
        return up * self.of(instance, servers, given, close).unavailability if up else 0.0

    def _up(self, instance: str, cell: tuple[str, ...], probability: Probability) -> float:
        own = set(self.topology.servers[instance].switches)
        try:
            return up_probability(self._part(instance, (instance,), own), probability)
        except (NotTreeLike, TooHard):
            return availability_bdd.joint_probability(self.topology, instance, cell[:1], probability)[1]

    def _near(self, instance: str, servers: Sequence[str]) -> list[str]:
        """The devices whose failure may matter: those near the cell, and all power above them."""
        topology = self.topology
        switches = self._near_switches(instance, tuple(servers))
        everyone = dict.fromkeys((instance, *servers))
        found = dict.fromkeys(everyone)
        found |= dict.fromkeys(link for server in everyone for link, _ in topology.links_of(server))
        found |= dict.fromkeys(sorted(switches))
        found |= dict.fromkeys(link for switch in sorted(switches) for link, to in self.neighbours[switch]
                               if link is not None and to in switches)  # fmt: skip
        racks = {topology.servers[server].rack for server in everyone}
        racks |= {rack for switch in switches if (rack := topology.switches[switch].rack) is not None}
        found |= dict.fromkeys(sorted(racks))
        above = {supply for rack in racks for supply in topology.racks[rack].supplies}
        above |= {supply for switch in switches for supply in topology.switches[switch].supplies}
        while above:
            found |= dict.fromkeys(sorted(above))
            above = {supply for element in above for supply in topology.powers[element].supplies} - set(found)
        return list(found)

    def _probability(self, given: Mapping[str, float]) -> Callable[[str], float]:
        known, topology = self._known, self.topology

        def fails(device: str) -> float:
            if device in given:
                return given[device]
            found = known.get(device)
            if found is None:
                found = known[device] = topology.failure_probability(device)
            return found

        return fails


def _star(names: Sequence[str], fails: float) -> Topology:
    """Servers in racks of their own, a client that never fails, and one switch above that does not either."""
    everyone = ["client", *names]
    return build(
        name="star",
        rows=["row"],
        powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{name}", "row", ("feed",)) for name in everyone],
        switches=[Switch("core", "core"), *(Switch(f"tor-{name}", "rack", f"rack-{name}") for name in everyone)],
        links=[Link(link_name(f"tor-{name}", "core"), (f"tor-{name}", "core")) for name in everyone],
        servers=[Server(name, f"rack-{name}", (f"tor-{name}",), "any", 1) for name in everyone],
        probability={"server": fails, "rack": 0.0, "feed": 0.0, "switch": 0.0, "link": 0.0},
        device_probability={"client": 0.0},
    )
