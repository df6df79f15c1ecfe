"""How likely the instance, when it is up, reaches no majority of its cell: 1 - P(A_v | A_i). Every device counted.

A device of any kind is down with its probability, independently of the others; what hangs on it follows. On tree-like
fabrics the number comes from a walk over the switches near the cell (``physalia.placement.availability.walk``). It is
done twice, once without the rest of the site and once with a rest that never fails; the truth lies between. If the two
differ by more than ``TOLERANCE`` a small site is walked whole. Other graphs get a decision diagram, up to a limit.

What is computed is the *unavailability*, which may be 1e-7 or 1e-30, to a relative error; the availability follows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal

from attrs import define, field, frozen

from physalia.placement.availability import diagram as availability_bdd
from physalia.placement.availability.fabric_order import Fabric, Neighbours, NotTreeLike
from physalia.placement.availability.power_states import TooHard
from physalia.placement.availability.walk import Lost, Probability, lost, up_probability
from physalia.placement.effort import Effort
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build
from physalia.placement.survival.by_cuts import check_names

ROUNDING = 1e-9
"""The relative error of sums and products of positive doubles here: a unit in the last place for each of a few hundred
products in a row and of the terms of every sum, of which there are at most four million, and in practice thousands."""

TOLERANCE = 1e-9
"""How far the two bounds may differ, relatively, for a small site not to be walked whole."""

CLOSE = 1e-3
"""How far they may differ where the site has too many switches to be walked whole; the answer tells how far."""

MOST_SWITCHES = 60
"""Whole sites with more switches are not walked, and get no diagram: neither comes to an end there."""


class NotExact(ValueError):
    """There is no exact answer within the limits; one sentence that says why and what is known."""


@frozen(kw_only=True)
class Availability:
    """The unavailability while the instance is up, how it was found, and its relative error.

    The truth is at most the number (but for `ROUNDING`), and at least ``1 - error`` times the number.
    """

    unavailability: float
    method: Literal["walk", "whole walk", "diagram"]
    error: float = ROUNDING

    @property
    def value(self) -> float:
        """The availability: what is missing to 1. A double near 1 tells no more of it than 16 digits."""
        return 1.0 - self.unavailability


@frozen(kw_only=True)
class Weight:
    """What a device matters: of the time in which the instance is up without a majority, the share in which it is down.

    ``conditional`` is the unavailability while the device is down.
    """

    device: str
    kind: str
    share: float
    conditional: float


@frozen(kw_only=True)
class _Loss:
    """P(up without a majority) by two bounds, and P(up); also with each device down, if asked for, where it matters."""

    low: Lost
    high: Lost
    up: float
    method: Literal["walk", "whole walk", "diagram"]
    up_down: Mapping[str, float] = field(factory=dict)

    @property
    def most(self) -> float:
        """The upper bound."""
        return self.high.probability + self.high.given_up

    @property
    def error(self) -> float:
        """How far the bounds are apart, relatively."""
        return max(0.0, self.most - self.low.probability) / self.most if self.most else 0.0


def exact(topology: Topology, instance: str, servers: Sequence[str]) -> float:
    """P(majority of the cell reachable | instance up). NotExact if the graph is too hard, BadQuery for wrong names.

    What is missing to 1 is better asked of `Estimator.of`, which does not round it away.
    """
    return Estimator(topology).of(instance, servers).value


def devices_that_matter(
    topology: Topology, instance: str, servers: Sequence[str], most: int = 10, effort: Effort | None = None
) -> list[Weight]:
    """The devices that are down in most of the unavailable time, the worst first (`Estimator.with_weights`)."""
    return Estimator(topology).with_weights(instance, servers, effort)[1][:most]


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
    _known: dict[str, float] = field(factory=dict, init=False)

    @property
    def neighbours(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """For each switch its links and where they lead."""
        return self.topology.neighbours

    def of(
        self,
        instance: str,
        servers: Sequence[str],
        given: Mapping[str, float] | None = None,
        effort: Effort | None = None,
    ) -> Availability:
        """The availability of a placement; ``given`` replaces probabilities of single devices.

        NotExact if there is no exact answer within the limits, or if the instance is never up; OutOfTime.
        """
        return _told(self._loss(instance, servers, given or {}, effort or Effort(), devices=False))

    def with_weights(
        self, instance: str, servers: Sequence[str], effort: Effort | None = None
    ) -> tuple[Availability, list[Weight]]:
        """The availability, and every device near the cell by its share of the unavailable time; the worst first.

        The shares are as right as the availability: the same two bounds hold for the part of the time in which a device
        is down. No device needs a computation of its own. NotExact and OutOfTime like `of`.
        """
        loss = self._loss(instance, servers, {}, effort or Effort(), devices=True)
        found = []
        for device, down in loss.high.down.items() if loss.most else ():
            up = loss.up_down.get(device, loss.up)
            share = self.topology.failure_probability(device) * down / loss.most
            conditional = down / up if up else 0.0
            kind = self.topology.kind_of(device)
            found.append(Weight(device=device, kind=kind, share=share, conditional=conditional))
        return _told(loss), sorted(found, key=lambda weight: (-weight.share, weight.device))

    def _loss(
        self, instance: str, servers: Sequence[str], given: Mapping[str, float], effort: Effort, *, devices: bool
    ) -> _Loss:
        check_names(self.topology, instance, servers)
        probability = self._probability(given)
        cell = tuple(servers)
        try:
            return self._walked(instance, cell, probability, effort, devices=devices)
        except (NotTreeLike, TooHard) as reason:
            return self._by_diagram(instance, cell, probability, effort, str(reason), devices=devices)

    def _walked(
        self, instance: str, cell: tuple[str, ...], probability: Probability, effort: Effort, *, devices: bool
    ) -> _Loss:
        up = self._up(instance, probability)
        if not up:
            raise NotExact(f"instance {instance} is never up, so nothing can be said of what it reaches then.")
        near, is_large = self._near_switches(instance, cell), len(self.neighbours) > MOST_SWITCHES
        within = CLOSE if is_large else TOLERANCE

        def walked(part: Fabric, *, devices: bool = devices) -> Lost:
            return lost(part, probability, effort, devices=devices, close=within / 10)

        up_down = self._up_down(instance, probability) if devices else {}
        without, with_rest = self._part(instance, cell, near), self._part(instance, cell, near, self._ways_round(near))
        loss = _Loss(low=walked(with_rest, devices=False), high=walked(without), up=up, method="walk", up_down=up_down)
        if loss.error <= within:
            return loss
        if is_large:
            raise NotExact(
                f"the site has {len(self.neighbours):,} switches and those near the cell do not decide: "
                f"the unavailability is between {loss.low.probability / up!r} and {loss.most / up!r}."
            )
        whole = walked(self._part(instance, cell, set(self.neighbours)))
        return _Loss(low=whole, high=whole, up=up, method="whole walk", up_down=up_down)

    def _by_diagram(
        self,
        instance: str,
        cell: tuple[str, ...],
        probability: Probability,
        effort: Effort,
        reason: str,
        *,
        devices: bool,
    ) -> _Loss:
        try:
            found = availability_bdd.lost(self.topology, instance, cell, probability, effort, devices=devices)
        except TooHard as limit:
            raise NotExact(f"no exact availability: {reason}, and {limit}.") from limit
        if not found.up:
            raise NotExact(f"instance {instance} is never up, so nothing can be said of what it reaches then.")
        only = Lost(found.lost, 0.0, found.lost_down)
        return _Loss(low=only, high=only, up=found.up, method="diagram", up_down=found.up_down)

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

    def _up(self, instance: str, probability: Probability) -> float:
        own = set(self.topology.servers[instance].switches)
        return up_probability(self._part(instance, (instance,), own), probability)

    def _up_down(self, instance: str, probability: Probability) -> dict[str, float]:
        """P(the instance is up) with each device down on which that depends."""
        topology, server = self.topology, self.topology.servers[instance]
        devices = [instance, server.rack, *server.switches, *(link for link, _ in topology.links_of(instance))]
        above = topology.racks[server.rack].supplies
        while above:
            devices += above
            above = tuple(supply for element in above for supply in topology.powers[element].supplies)
        return {
            down: self._up(instance, lambda device, down=down: 1.0 if device == down else probability(device))  # type: ignore[misc]
            for down in dict.fromkeys(devices)
        }

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


def _told(loss: _Loss) -> Availability:
    return Availability(unavailability=loss.most / loss.up, method=loss.method, error=loss.error + ROUNDING)


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
