"""The probability that the instance is up and reaches a majority, by one walk over a tree-like fabric.

Tree-like means: servers hang on switches of their own rack, and top-of-rack switches of different racks are joined only
by what is above them. What is remembered on the way (``blocks``) has one probability for every combination of shared
power (``power_states``), and is small as long as few switches are in sight.
"""

from collections.abc import Callable, Iterable
from operator import add

import numpy as np
from attrs import frozen

from physalia.placement.availability import blocks
from physalia.placement.availability.blocks import Bundle, State
from physalia.placement.availability.fabric_order import Add, Drop, Event, Fabric, Join, Show
from physalia.placement.availability.power_states import PowerStates, TooHard, Vector
from physalia.placement.site.topology import Topology, link_name

MOST_STATES = 20_000
MOST_NUMBERS = 4_000_000
MANY_STATES = 300
NEGLIGIBLE = 1e-21
"""Where there are many states, those less likely than this are given up; what they add up to is accounted for."""

States = dict[State, Vector]
Probability = Callable[[str], float]


def joint_probability(fabric: Fabric, probability: Probability) -> tuple[float, float]:
    """P(the instance is up and reaches a majority) on a part of a topology: what it is at least, and at most.

    The two are equal but for states that were given up. NotTreeLike, or TooHard if too much would have to be
    remembered at a time.
    """
    walk = _Walk(fabric, probability)
    found = walk.run()
    return found, found + walk.given_up


def up_probability(fabric: Fabric, probability: Probability) -> float:
    """P(the instance is up)."""
    walk = _Walk(fabric, probability)
    return walk.power_only() * blocks.is_up(walk.bundle(fabric.home))


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


class _Walk:
    def __init__(self, fabric: Fabric, probability: Probability) -> None:
        self._fabric, self._topology, self._probability = fabric, fabric.topology, probability
        self._power = PowerStates(probability)
        self._bits: dict[str, int] = {}
        self._shared: set[str] = set()
        self.given_up = 0.0

    def run(self) -> float:
        """Walk all events; the last one adds the instance's own rack."""
        fabric = self._fabric
        events = fabric.events
        racks = [rack for event in events if (rack := self._rack_of(event)) is not None]
        self._shared = {rack for rack in racks if racks.count(rack) > 1}
        needs = _Needs.of(self._topology, [self._needed(event) for event in events])
        states: States = {blocks.EMPTY: np.ones(1)}
        left = len(fabric.cell)
        for at, event in enumerate(events):
            for element in needs.introduced[at]:
                states = self._power.introduce(element, supplies_of(self._topology, element), states)
            if isinstance(event, Add) and event.rack == fabric.home:
                return self._finish(states)
            if isinstance(event, Add):
                left -= len(fabric.nodes_in(event.rack))
            states = self._after(event, states, left)
            states = self._power.forget(needs.forgotten[at], states)
            if len(states) > MANY_STATES:
                states = self._likely(states)
            if len(states) > MOST_STATES:
                raise TooHard(f"more than {MOST_STATES:,} states would have to be remembered at a time")
            if len(states) * len(self._power.masks) > MOST_NUMBERS:
                raise TooHard(
                    f"too much power is shared: more than {MOST_NUMBERS:,} numbers would have to be remembered"
                )
        raise AssertionError("the last event adds the instance's rack")

    def power_only(self) -> float:
        """P(the instance's rack has power)."""
        home = Add(self._fabric.home)
        needs = _Needs.of(self._topology, [self._needed(home)])
        states: States = {blocks.EMPTY: np.ones(1)}
        for element in needs.introduced[0]:
            states = self._power.introduce(element, supplies_of(self._topology, element), states)
        return float(states[blocks.EMPTY] @ self._powered(home))

    def bundle(self, rack: str) -> Bundle:
        """The switches of a rack with their links, and its nodes; in the instance's rack that is the first server."""
        fabric = self._fabric
        tors = fabric.bundles[rack]
        place = {tor: at for at, tor in enumerate(tors)}

        def ways(links: Iterable[tuple[str | None, str]]) -> tuple[tuple[int, float], ...]:
            return tuple((self._bits[to], 1.0 - self._fails(link)) for link, to in links if to in self._bits)

        servers = [fabric.instance] if rack == fabric.home else []
        servers += fabric.nodes_in(rack)
        return Bundle(
            tuple((1.0 - self._fails(tor), ways(fabric.neighbours[tor])) for tor in tors),
            tuple(
                (place[tor], place[to], 1.0 - self._fails(link))
                for tor in tors
                for link, to in fabric.neighbours[tor]
                if to in place and place[tor] < place[to]
            ),
            tuple(
                (
                    1.0 - self._fails(server),
                    tuple(
                        (place[switch], 1.0 - self._fails(link_name(server, switch)))
                        for switch in self._topology.servers[server].switches
                    ),
                )
                for server in servers
            ),
        )

    def _after(self, event: Event, states: States, left: int) -> States:
        match event:
            case Show(switch=switch):
                used = sum(self._bits.values())
                bit = ~used & (used + 1)
                self._bits[switch] = bit
                lives = self._powered(event) * (1.0 - self._fails(switch))
                return _collected(
                    (after, vector * chance)
                    for state, vector in states.items()
                    for after, chance in ((state, 1.0 - lives), (blocks.with_switch(state, bit), lives))
                )
            case Join(one=one, other=other, link=link):
                return self._join(states, self._bits[one] | self._bits[other], 1.0 - self._fails(link))
            case Drop(switches=switches):
                gone = sum(self._bits.pop(switch) for switch in switches)
                return _collected((blocks.without(state, gone), vector) for state, vector in states.items())
            case Add(rack=rack):
                return self._add(states, self.bundle(rack), self._powered(event), left)

    def _join(self, states: States, both: int, carries: float) -> States:
        found: list[tuple[State, Vector]] = []
        for state, vector in states.items():
            joined = blocks.with_link(state, both)
            if joined is None or carries < 1.0:
                found.append((state, vector if joined is None else vector * (1.0 - carries)))
            if joined is not None:
                found.append((joined, vector * carries))
        return _collected(found)

    def _add(self, states: States, bundle: Bundle, powered: Vector, left: int) -> States:
        found: list[tuple[State, Vector]] = []
        needed = self._fabric.majority - left
        for state, vector in states.items():
            found.append((state, vector * (1.0 - powered)))
            lit = vector * powered
            for after, brought, chance in blocks.in_sight(bundle, state[0]):
                found.append((blocks.with_nodes(state[1], after, brought), lit * chance))
        # What has lost the majority for good adds nothing any more.
        return _collected((state, vector) for state, vector in found if sum(n for _, n in state[1]) >= needed)

    def _likely(self, states: States) -> States:
        chances = {state: float(vector.sum()) for state, vector in states.items()}
        self.given_up += sum(chance for chance in chances.values() if chance < NEGLIGIBLE)
        return {state: vector for state, vector in states.items() if chances[state] >= NEGLIGIBLE}

    def _finish(self, states: States) -> float:
        fabric = self._fabric
        bundle, powered = self.bundle(fabric.home), self._powered(Add(fabric.home))
        itself = fabric.instance in fabric.cell
        return sum(
            float(vector @ powered) * blocks.success(bundle, itself, fabric.majority, state)
            for state, vector in states.items()
        )

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

    def _powered(self, event: Event) -> Vector:
        rack = self._rack_of(event)
        own = self._fails(rack) if rack is not None and rack not in self._shared else 0.0
        return self._power.on(self._needed(event)) * (1.0 - own)

    def _fails(self, device: str | None) -> float:
        """The probability to fail; a link without a name does not."""
        return 0.0 if device is None else self._probability(device)


def _collected(pairs: Iterable[tuple[State, Vector]]) -> States:
    """Add up what came to the same state."""
    found: States = {}
    for state, vector in pairs:
        before = found.get(state)
        found[state] = vector if before is None else add(before, vector)
    return found
