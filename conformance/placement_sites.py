"""Small sites that Hypothesis, or a seed, makes up: a few racks, dual feeds, crossing networks, cells that exist.

``Choices`` is the one source of choice: both Hypothesis and a seeded generator serve, so that the link is repeatable
and the tests shrink.
"""

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

from physalia.placement.topology import Cell, DeviceKind, Link, Power, PowerKind, Rack, Server, Switch, Topology
from physalia.placement.validity import build

T = TypeVar("T")


class Choices(Protocol):
    """Where a site takes its choices from."""

    def number(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``."""

    def some(self, options: Sequence[T], low: int, high: int) -> list[T]:
        """From ``low`` to ``high`` different ones of the options, in their order."""


class Seeded:
    """Choices that follow from a seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311  # repeatable, no secret

    def number(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``."""
        return self._random.randint(low, high)

    def some(self, options: Sequence[T], low: int, high: int) -> list[T]:
        """From ``low`` to ``high`` different ones of the options, in their order."""
        count = min(self._random.randint(low, high), len(options))
        return [options[at] for at in sorted(self._random.sample(range(len(options)), count))]


def site(choose: Choices, most_servers: int = 12) -> Topology:
    """A site of at most so many servers in three to six racks of one or two rows."""
    rows = [f"row-{at}" for at in range(1, 1 + choose.number(1, 2))]
    powers = _power(choose)
    names = [power.name for power in powers]
    pdus = [power.name for power in powers if power.kind == "pdu"]
    racks = [
        Rack(f"rack-{at}", rows[at % len(rows)], tuple(choose.some(pdus, 1, 2)))
        for at in range(1, 1 + choose.number(3, 6))
    ]
    switches, links = _network(choose, racks, names)
    servers = _servers(choose, racks, switches, most_servers)
    return build(
        name="made-up",
        rows=rows,
        powers=powers,
        racks=racks,
        switches=switches,
        links=links,
        servers=servers,
        cells=[
            Cell(f"cell-{at}", tuple(choose.some([one.name for one in servers if one.nodes > 1], 2, 5)))
            for at in range(1, 1 + choose.number(0, 2))
        ],
        probability=dict.fromkeys(("server", "rack", "pdu", "ups", "feed", "switch", "link"), 0.0),
    )


def with_probabilities(choose: Choices, topology: Topology, matter: Sequence[str], most: int) -> Topology:
    """The same site, where up to so many of the devices that may matter fail with probabilities worth seeing."""
    chosen = choose.some(matter, min(most, len(matter)), most)
    kinds: dict[DeviceKind, float] = dict.fromkeys(("server", "rack", "pdu", "ups", "feed", "switch", "link"), 0.0)
    return build(
        name=topology.name,
        rows=topology.rows,
        powers=topology.powers.values(),
        racks=topology.racks.values(),
        switches=topology.switches.values(),
        links=topology.links.values(),
        servers=topology.servers.values(),
        cells=topology.cells.values(),
        probability=kinds,
        device_probability={device: choose.number(1, 9) / 16 for device in chosen},
    )


def _power(choose: Choices) -> list[Power]:
    feeds = [Power(f"feed-{at}", "feed") for at in range(1, 1 + choose.number(1, 2))]
    ups = _below(choose, "ups", feeds, choose.number(1, 3))
    return [*feeds, *ups, *_below(choose, "pdu", ups, choose.number(2, 4))]


def _below(choose: Choices, kind: PowerKind, above: Sequence[Power], count: int) -> list[Power]:
    names = [power.name for power in above]
    # One in four has two supplies of its own, so that domains are named by sets.
    return [
        Power(f"{kind}-{at}", kind, tuple(choose.some(names, 1, 2 if choose.number(1, 4) == 1 else 1)))
        for at in range(1, 1 + count)
    ]


def _network(choose: Choices, racks: Sequence[Rack], powers: Sequence[str]) -> tuple[list[Switch], list[Link]]:
    tors = [Switch(f"tor-{rack.name}", "rack", rack.name) for rack in racks]
    if choose.number(1, 3) == 1:
        tors += [Switch(f"tor-{rack.name}-b", "rack", rack.name) for rack in racks[:2]]
    aggregations = [
        Switch(f"agg-{at}", "aggregation", *_place(choose, racks, powers)) for at in range(1, 1 + choose.number(1, 3))
    ]
    cores = [Switch(f"core-{at}", "core") for at in range(1, 1 + choose.number(1, 2))]
    names = [switch.name for switch in aggregations]
    pairs = [(tor.name, up) for tor in tors for up in choose.some(names, 1, 2)]
    pairs += [(name, up) for name in names for up in choose.some([core.name for core in cores], 1, 2)]
    return [*tors, *aggregations, *cores], [Link("--".join(pair), pair) for pair in pairs]


def _place(choose: Choices, racks: Sequence[Rack], powers: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Where a switch stands: in a rack, whose power others then depend on; by itself; or without modelled power."""
    where = choose.number(1, 3)
    if where == 1:
        return racks[choose.number(0, len(racks) - 1)].name, ()
    return None, tuple(choose.some(powers, 1, 2)) if where == 2 else ()  # noqa: PLR2004


def _servers(choose: Choices, racks: Sequence[Rack], switches: Sequence[Switch], most: int) -> list[Server]:
    count = choose.number(min(8, most), most)
    colors = ["blue"] if choose.number(1, 3) < 3 else ["blue", "green"]  # noqa: PLR2004
    servers = []
    for at in range(count):
        rack = racks[at % len(racks)]
        own = [switch.name for switch in switches if switch.tier == "rack" and switch.rack == rack.name]
        others = [switch.name for switch in switches if switch.tier == "rack" and switch.rack != rack.name]
        hangs_on = choose.some(own, 1, 2)
        if choose.number(1, 8) == 1:
            hangs_on += choose.some(others, 1, 1)  # a link to a neighbouring rack's switch
        nodes = choose.number(0, 4)
        servers.append(
            Server(
                name=f"server-{at + 1:02}",
                rack=rack.name,
                switches=tuple(hangs_on),
                color=colors[at // len(racks) % len(colors)],
                capacity=nodes if choose.number(1, 16) == 1 else nodes + 1,
                nodes=nodes,
                drained=choose.number(1, 16) == 1,
            )
        )
    return servers
