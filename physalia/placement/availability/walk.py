"""The probability that the instance is up without a majority, by one walk over a tree-like fabric.

Tree-like means: servers hang on switches of their own rack, and top-of-rack switches of different racks are joined only
by what is above them. What is remembered on the way (``blocks``) has one probability for every combination of shared
power (``power_states``), and is small as long as few switches are in sight. States without hope of a majority are one.

It is the small number that is summed up, from products of positive numbers only, so that it is right to a *relative*
error, however reliable the devices are.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from attrs import define, field, frozen

from physalia.placement.availability import blocks
from physalia.placement.availability.blocks import Bundle
from physalia.placement.availability.fabric_order import Add, Drop, Event, Fabric, Join, Show
from physalia.placement.availability.power_states import Forgotten, Introduced, PowerStates, States, TooHard
from physalia.placement.availability.steps import (
    Built,
    HomeReached,
    LinkJoined,
    Powered,
    RackAdded,
    Step,
    SwitchesDropped,
    SwitchShown,
    worth,
)
from physalia.placement.effort import Effort
from physalia.placement.site.topology import Topology, link_name

MOST_STATES = 20_000
MOST_NUMBERS = 4_000_000
MANY_STATES = 300
NEGLIGIBLE = 1e-21
"""Where there are many states, those less likely than this are given up at first; it is accounted for what they add
up to, and the walk is done again with less where that matters."""

Probability = Callable[[str], float]


@frozen
class Lost:
    """P(the instance is up without a majority), at least; and how much more it may be, by what was given up.

    ``down``: for each device that was met and may fail, the same while it is down. Empty unless asked for.
    """

    probability: float
    given_up: float
    down: Mapping[str, float] = field(factory=dict)


def lost(fabric: Fabric, probability: Probability, effort: Effort, *, devices: bool = False, close: float) -> Lost:
    """How likely the instance is up without a majority on a part of a topology, and with each device down.

    What is given up is at most the share ``close`` of it. NotTreeLike, or TooHard if too much would have to be
    remembered at a time; OutOfTime.
    """
    sieve = NEGLIGIBLE
    while True:
        walk = _Walk(fabric, probability, effort, sieve)
        found = walk.lost(devices=devices)
        if walk.given_up <= close * found.probability:
            return found
        sieve *= min(1e-3, close * found.probability / walk.given_up)


def up_probability(fabric: Fabric, probability: Probability) -> float:
    """P(the instance is up)."""
    walk = _Walk(fabric, probability, Effort(), 0.0)
    return walk.power_only() * blocks.is_up(walk.bundle(fabric.home, {}, None))


@frozen
class _Needs:
    """Which elements of power to introduce before each event, and to forget after it."""

    introduced: list[list[str]]
    forgotten: list[list[str]]

    @classmethod
    def of(cls, topology: Topology, needed: list[tuple[str, ...]]) -> "_Needs":
        found = cls([[] for _ in needed], [[] for _ in needed])
        last: dict[str, int] = {}

        def need(element: str, at: int) -> None:
            if element not in last:
                for supply in supplies_of(topology, element):
                    need(supply, at)
                found.introduced[at].append(element)
            last[element] = at

        for at, elements in enumerate(needed):
            for element in elements:
                need(element, at)
        for element, at in last.items():
            found.forgotten[at].append(element)
        return found


def supplies_of(topology: Topology, element: str) -> tuple[str, ...]:
    """What supplies an element of power or a rack."""
    return topology.powers[element].supplies if element in topology.powers else topology.racks[element].supplies


@define
class _Trace:
    """The steps that were taken, each with the states before it, if anybody wants to go back."""

    kept: bool
    steps: list[tuple[Step | Introduced | Forgotten, States]] = field(factory=list)

    def take(self, step: Step | Introduced | Forgotten, states: States) -> States:
        if self.kept:
            self.steps.append((step, states))
        return step.forward(states)


class _Walk:
    def __init__(self, fabric: Fabric, probability: Probability, effort: Effort, sieve: float) -> None:
        self._fabric, self._topology, self._probability = fabric, fabric.topology, probability
        self._effort, self._sieve = effort, sieve
        self._power = PowerStates()
        self._bits: dict[str, int] = {}
        self._shared: set[str] = set()
        self.given_up = 0.0

    def lost(self, *, devices: bool) -> Lost:
        """Walk all events; the last one adds the instance's own rack. Then back, if devices are asked for."""
        events = self._fabric.events
        racks = [rack for event in events if (rack := self._rack_of(event)) is not None]
        self._shared = {rack for rack in racks if racks.count(rack) > 1}
        needs = _Needs.of(self._topology, [self._needed(event) for event in events])
        states: States = {blocks.EMPTY: np.ones(1)}
        trace, left = _Trace(devices), len(self._fabric.cell)
        for at, event in enumerate(events[:-1]):
            self._effort.spend("steps of a walk")
            states = self._introduce(needs.introduced[at], states, trace)
            if isinstance(event, Add):
                left -= len(self._fabric.nodes_in(event.rack))
            states = trace.take(self._step(event, left), states)
            forgotten = self._power.forget(needs.forgotten[at])
            states = states if forgotten is None else trace.take(forgotten, states)
            states = self._within_limits(states)
        states = self._introduce(needs.introduced[-1], states, trace)
        end = self._end(Add(self._fabric.home))
        values = end.values(states)
        return Lost(worth(states, values), self.given_up, self._back(trace, end, states, values) if devices else {})

    def power_only(self) -> float:
        """P(the instance's rack has power)."""
        home = Add(self._fabric.home)
        needs = _Needs.of(self._topology, [self._needed(home)])
        states = self._introduce(needs.introduced[0], {blocks.EMPTY: np.ones(1)}, _Trace(kept=False))
        return float(states[blocks.EMPTY] @ self._powered(home).lit)

    def bundle(self, rack: str, bits: Mapping[str, int], down: str | None) -> Bundle:
        """The switches of a rack with their links, and its nodes; in the instance's rack that is the first server."""
        fabric = self._fabric
        tors = fabric.bundles[rack]
        place = {tor: at for at, tor in enumerate(tors)}

        def fails(device: str | None) -> float:
            return 1.0 if device is not None and device == down else self._fails(device)

        def ways(links: Iterable[tuple[str | None, str]]) -> tuple[tuple[int, float], ...]:
            return tuple((bits[to], fails(link)) for link, to in links if to in bits)

        return Bundle(
            tuple((fails(tor), ways(fabric.neighbours[tor])) for tor in tors),
            tuple(
                (place[tor], place[to], fails(link))
                for tor in tors
                for link, to in fabric.neighbours[tor]
                if to in place and place[tor] < place[to]
            ),
            tuple(
                (
                    fails(server),
                    tuple(
                        (place[switch], fails(link_name(server, switch)))
                        for switch in self._topology.servers[server].switches
                    ),
                )
                for server in self._servers(rack)
            ),
        )

    def _introduce(self, elements: list[str], states: States, trace: _Trace) -> States:
        for element in elements:
            supplies = supplies_of(self._topology, element)
            states = trace.take(self._power.introduce(element, self._fails(element), supplies), states)
        return states

    def _back(self, trace: _Trace, end: HomeReached, states: States, values: States) -> dict[str, float]:
        """For each device, what is lost while it is down: where the way there and the way back meet."""
        found = end.down(states)
        for step, before in reversed(trace.steps):
            self._effort.spend("steps back")
            found |= step.down(before, values)
            values = step.backward(before, values)
        return found

    def _step(self, event: Event, left: int) -> Step:
        match event:
            case Show(switch=switch):
                powered, rack = self._powered(event), self._rack_of(event)
                used = sum(self._bits.values())
                bit = self._bits[switch] = ~used & (used + 1)
                own = (switch,) if rack is None or rack in self._shared else (switch, rack)
                return SwitchShown(bit, self._fails(switch), powered, own)
            case Join(one=one, other=other, link=link):
                return LinkJoined(self._bits[one] | self._bits[other], self._fails(link), link)
            case Drop(switches=switches):
                return SwitchesDropped(sum(self._bits.pop(switch) for switch in switches))
            case Add(rack=rack):
                alone = None if rack in self._shared else rack
                built, devices = self._built(rack)
                return RackAdded(built, self._powered(event), self._fabric.majority - left, alone, devices)

    def _end(self, home: Add) -> HomeReached:
        fabric = self._fabric
        built, devices = self._built(home.rack)
        alone = None if home.rack in self._shared else home.rack
        return HomeReached(
            built, self._powered(home), fabric.instance in fabric.cell, fabric.majority, alone, devices
        )  # fmt: skip

    def _built(self, rack: str) -> tuple[Built, tuple[str, ...]]:
        """The bundle of a rack with the switches that are now in sight; and its devices that may fail."""
        fabric, bits = self._fabric, dict(self._bits)
        known: dict[str | None, Bundle] = {}

        def built(down: str | None) -> Bundle:
            if down not in known:
                known[down] = self.bundle(rack, bits, down)
            return known[down]

        tors = fabric.bundles[rack]
        inside = {to: None for tor in tors for link, to in fabric.neighbours[tor] if to in bits or to in tors}
        devices = [*tors, *(link for tor in tors for link, to in fabric.neighbours[tor] if link and to in inside)]
        for server in self._servers(rack):
            devices += [server, *(link for link, _ in self._topology.links_of(server))]
        return built, tuple(one for one in dict.fromkeys(devices) if 0.0 < self._fails(one) < 1.0)

    def _servers(self, rack: str) -> list[str]:
        own = [self._fabric.instance] if rack == self._fabric.home else []
        return own + self._fabric.nodes_in(rack)

    def _within_limits(self, states: States) -> States:
        if len(states) > MANY_STATES:
            chances = {state: float(vector.sum()) for state, vector in states.items()}
            self.given_up += sum(chance for chance in chances.values() if chance < self._sieve)
            states = {state: vector for state, vector in states.items() if chances[state] >= self._sieve}
        if len(states) > MOST_STATES:
            raise TooHard(f"more than {MOST_STATES:,} states would have to be remembered at a time")
        if len(states) * len(self._power.masks) > MOST_NUMBERS:
            raise TooHard(f"too much power is shared: more than {MOST_NUMBERS:,} numbers would have to be remembered")
        return states

    def _rack_of(self, event: Event) -> str | None:
        match event:
            case Add(rack=rack):
                return rack
            case Show(switch=switch) if switch in self._topology.switches:
                return self._topology.switches[switch].rack
        return None

    def _needed(self, event: Event) -> tuple[str, ...]:
        """The elements of power that an event asks for: a rack itself only if several events are about it."""
        rack = self._rack_of(event)
        if rack is not None:
            return (rack,) if rack in self._shared else self._topology.racks[rack].supplies
        known = self._topology.switches.get(event.switch) if isinstance(event, Show) else None
        return () if known is None else known.supplies

    def _powered(self, event: Event) -> Powered:
        rack = self._rack_of(event)
        own = self._fails(rack) if rack is not None and rack not in self._shared else 0.0
        return Powered(self._power.on(self._needed(event)), own)

    def _fails(self, device: str | None) -> float:
        """The probability to fail; a link without a name does not."""
        return 0.0 if device is None else self._probability(device)
