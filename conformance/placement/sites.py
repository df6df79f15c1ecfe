"""Small sites that Hypothesis, or a seed, makes up: a few racks, dual feeds, crossing networks, cells that exist.

``Choices`` is the one source of choice: both Hypothesis and a seeded generator serve, so that the link is repeatable
and the tests shrink.
"""

from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Protocol, TypeVar

from attrs import evolve

from conformance.placement.definition import Question
from physalia.placement.rules.policy import (
    DOMAIN_KINDS,
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
from physalia.placement.site.topology import Cell, DeviceKind, Link, Power, PowerKind, Rack, Server, Switch, Topology
from physalia.placement.site.validity import build

T = TypeVar("T")

_MOST_CELLS = 6


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
        cells=_cells(choose, [one for one in servers if one.nodes >= _MOST_CELLS]),
        probability=dict.fromkeys(("server", "rack", "pdu", "ups", "feed", "switch", "link"), 0.0),
    )


def with_probabilities(choose: Choices, topology: Topology, matter: Sequence[str], most: int) -> Topology:
    """The same site, where up to so many of the devices that may matter fail: often, or all of them hardly ever."""
    chosen = choose.some(matter, min(most, len(matter)), most)
    kinds: dict[DeviceKind, float] = dict.fromkeys(("server", "rack", "pdu", "ups", "feed", "switch", "link"), 0.0)
    often = choose.number(1, 4) > 1
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
        device_probability={device: choose.number(1, 9) / (16 if often else 2**34) for device in chosen},
    )


def _cells(choose: Choices, holders: Sequence[Server]) -> list[Cell]:
    """Existing cells: some anywhere, or every pair of the three emptiest, of which half each would be best."""
    if choose.number(1, 3) == 1:
        emptiest = sorted(sorted(one.nodes for one in holders)[:3])
        names = [one.name for one in holders if one.nodes in emptiest][:3]
        members: list[tuple[str, ...]] = list(combinations(names, 2))
    else:
        members = [tuple(choose.some([one.name for one in holders], 2, 4)) for _ in range(choose.number(0, 3))]
    return [Cell(f"cell-{at}", servers) for at, servers in enumerate(members, start=1)]


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
    if choose.number(1, 2) == 1:
        tors += [Switch(f"tor-{rack.name}-b", "rack", rack.name) for rack in racks[:2]]
    aggregations = [
        Switch(f"agg-{at}", "aggregation", *_place(choose, racks, powers)) for at in range(1, 1 + choose.number(1, 3))
    ]
    cores = [Switch(f"core-{at}", "core") for at in range(1, 1 + choose.number(1, 2))]
    names = [switch.name for switch in aggregations]
    pairs = [(tor.name, up) for tor in tors for up in choose.some(names, 1, 2)]
    if len(tors) > len(racks) and choose.number(1, 2) == 1:
        # A second network beside the first, which only servers with links to both can reach from it.
        aggregations.append(Switch("agg-b", "aggregation"))
        pairs = [pair for pair in pairs if not pair[0].endswith("-b")]
        pairs += [(tor.name, "agg-b") for tor in tors if tor.name.endswith("-b")]
    # Mostly all is connected; now and then a part is not.
    tops = [core.name for core in cores]
    pairs += [(name, up) for name in names for up in (choose.some(tops, 1, 2) if choose.number(1, 5) == 1 else tops)]
    return [*tors, *aggregations, *cores], [Link("--".join(pair), pair) for pair in pairs]


def _place(choose: Choices, racks: Sequence[Rack], powers: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Where a switch stands: in a rack, whose power others then depend on; by itself; or without modelled power."""
    where = choose.number(1, 3)
    if where == 1:
        return racks[choose.number(0, len(racks) - 1)].name, ()
    return None, tuple(choose.some(powers, 1, 2)) if where == 2 else ()  # noqa: PLR2004


def _servers(choose: Choices, racks: Sequence[Rack], switches: Sequence[Switch], most: int) -> list[Server]:
    count = choose.number(min(8, most), most)
    colors = ["blue", "green"] if choose.number(1, 4) == 1 else ["blue"]
    servers = []
    for at in range(count):
        rack = racks[at % len(racks)]
        own = [switch.name for switch in switches if switch.tier == "rack" and switch.rack == rack.name]
        others = [switch.name for switch in switches if switch.tier == "rack" and switch.rack != rack.name]
        hangs_on = choose.some(own, 1, 2)
        if choose.number(1, 8) == 1:
            hangs_on += choose.some(others, 1, 1)  # a link to a neighbouring rack's switch
        nodes = choose.number(0, 2 * _MOST_CELLS)
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


def question(choose: Choices) -> Question:
    """A site of up to twelve servers, a policy, and the servers of a volume; more often possible than not."""
    if choose.number(1, 8) == 1:
        return _crossed(choose)
    if choose.number(1, 10) == 1:
        return _crowded(choose)
    topology = site(choose)
    servers = list(topology.servers)
    instance, primary, replica = (servers[choose.number(0, len(servers) - 1)] for _ in range(3))
    two_ways = [one.name for one in topology.servers.values() if len(one.switches) > 1]
    if two_ways and choose.number(1, 2) == 1:
        instance = two_ways[choose.number(0, len(two_ways) - 1)]
    size = (3, 3, 3, 4, 4, 5, 5, 7)[choose.number(0, 7)]
    size = min(size, len(servers) - 2)
    spare = size - size // 2 - 1
    rules: list[Rule] = [Cap(id="rack-cap", kind="rack", most=max(1, spare - (choose.number(1, 4) == 1)))]
    if any(len(cell.servers) == 2 for cell in topology.cells.values()):  # noqa: PLR2004
        rules.append(Overlap(id="no-pair", most=1))
    rules += [rule for rule in _more_rules(choose, topology, size, spare) if choose.number(1, 3) == 1]
    asked = Question(
        topology=topology,
        policy=Policy(
            cell_size=size,
            one_color=choose.number(1, 4) > 1,
            spread=tuple(choose.some(DOMAIN_KINDS, 0, 3)),
            rules=tuple(rules),
        ),
        instance=instance,
        primary=primary if choose.number(1, 2) == 1 else None,
        replica=replica if choose.number(1, 2) == 1 else None,
        color="blue" if choose.number(1, 4) == 1 else None,
    )
    return _seen_from_copies(asked)


def _seen_from_copies(asked: Question) -> Question:
    """Where the instance must see a majority survive, on some sites the copies must too, even such as nobody names."""
    policy = asked.policy
    if not any(isinstance(rule, Survives) for rule in policy.rules) or len(asked.topology.servers) % 3 == 0:
        return asked
    copies = (Survives(id="primary-survival", client="primary"), Survives(id="replica-survival", client="replica"))
    return evolve(asked, policy=evolve(policy, rules=(*policy.rules, *copies)))


def _crossed(choose: Choices) -> Question:
    """Nothing but servers that cost differently, and cells that hold any two of the cheapest: half of each is best."""
    count = choose.number(7, 10)
    racks = [f"rack-{at}" for at in range(1, count + 1)]
    servers = [
        Server(f"server-{at:02}", rack, (f"tor-{rack}",), "blue", 90, choose.number(2, 4) if at <= 3 else 20 + at)  # noqa: PLR2004
        for at, rack in enumerate(racks, start=1)
    ]
    topology = build(
        name="crossed",
        rows=["row-1"],
        powers=[Power("feed-1", "feed"), Power("feed-2", "feed")],
        racks=[Rack(rack, "row-1", (f"feed-{1 + at % 2}",)) for at, rack in enumerate(racks)],
        switches=[Switch("agg-1", "aggregation"), *(Switch(f"tor-{rack}", "rack", rack) for rack in racks)],
        links=[Link(f"tor-{rack}--agg-1", (f"tor-{rack}", "agg-1")) for rack in racks],
        servers=servers,
        cells=[Cell(f"cell-{at}", pair) for at, pair in enumerate(combinations([one.name for one in servers[:3]], 2))],
    )
    rules: tuple[Rule, ...] = (Overlap(id="no-pair", most=1), AntiAffinity(id="apart"))
    policy = Policy(cell_size=choose.number(3, 4), rules=rules)
    return Question(topology=topology, policy=policy, instance=servers[-1].name)


def _crowded(choose: Choices) -> Question:
    """More nodes than racks beside the instance's, so that a third or fourth node in a rack has its price."""
    racks = [f"rack-{at}" for at in range(1, choose.number(3, 4))]
    everywhere = [*racks, "rack-home"]
    servers = [
        Server(
            f"server-{at:02}",
            racks[at % len(racks)],
            (f"tor-{racks[at % len(racks)]}",),
            "blue",
            90,
            choose.number(0, 9),
        )
        for at in range(1, choose.number(10, 12))
    ]
    topology = build(
        name="crowded",
        rows=["row-1"],
        powers=[Power("feed-1", "feed")],
        racks=[Rack(rack, "row-1", ("feed-1",)) for rack in everywhere],
        switches=[Switch("agg-1", "aggregation"), *(Switch(f"tor-{rack}", "rack", rack) for rack in everywhere)],
        links=[Link(f"tor-{rack}--agg-1", (f"tor-{rack}", "agg-1")) for rack in everywhere],
        servers=[*servers, Server("server-home", "rack-home", ("tor-rack-home",), "blue", 90)],
    )
    policy = Policy(cell_size=choose.number(4, 6), spread=("rack",), rules=(AntiAffinity(id="apart"),))
    return Question(topology=topology, policy=policy, instance="server-home")


def _more_rules(choose: Choices, topology: Topology, size: int, spare: int) -> list[Rule]:
    racks = list(topology.racks)
    rack = racks[choose.number(0, len(racks) - 1)]
    ups = "+".join(sorted(topology.powers_above(rack)["ups"]))
    return [
        Cap(id="row-cap", kind="row", most=choose.number(size - 1, size)),
        Cap(id="ups-cap", kind="ups", most=choose.number(max(1, spare), size)),
        SingleFailure(id="power", most=choose.number(max(1, spare), size)),
        PairCap(id="pair", most=choose.number(max(1, spare), size), kind=None if choose.number(1, 2) == 1 else "pdu"),
        Minimum(id="some-here", kind="rack", name=rack, least=1),
        Minimum(id="some-power", kind="ups", name=ups, least=choose.number(1, 2)),
        Minimum(id="near-replica", kind="row", of="replica", least=choose.number(1, 2)),
        HopLimit(id="near", client="instance", most=choose.number(2, 3) * 2),
        HopLimit(id="near-primary", client="primary", most=choose.number(2, 3) * 2),
        AntiAffinity(id="apart"),
        Overlap(id="overlap", most=1 if choose.number(1, 2) == 1 else 2),
        Survives(id="survival"),
    ]
