"""Small sites with a few volumes, made up, and those of the models of ``tla/BlastRadius.tla``."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from conformance.blast_radius.every_set import Asked
from conformance.placement.definition import single_failures
from conformance.placement.sites import Choices, site
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.site.topology import Link, Power, PowerKind, Rack, Server, Switch, Tier, Topology
from physalia.placement.site.validity import build
from spec.sites.blast_radius import BlastRadius
from spec.sites.site import Failure

CELL = 3
FABRIC, SERVERS = 11, 5
"""How many of the sixteen devices are racks, power, switches or links between these; and servers and their links."""


@frozen(kw_only=True)
class Case:
    """A site, some volumes on it, and the devices of which every set fails."""

    topology: Topology
    volumes: tuple[Asked, ...]
    devices: tuple[str, ...]

    def fleet(self, where: Site) -> Fleet:
        """The volumes as the running code has them."""
        number: dict[str | None, int] = {**{name: at for at, name in enumerate(where.names)}, None: NOBODY}
        clients = [[number[one.instance], number[one.primary], number[one.replica]] for one in self.volumes]
        cells = [[where.number[node] for node in one.cell] for one in self.volumes]
        return Fleet(np.array(clients, dtype=np.int32), np.array(cells, dtype=np.int32))


def made_up(choose: Choices, volumes: int) -> Case:
    """A site of up to twelve servers, some volumes with their cells anywhere on it, and sixteen devices."""
    topology = site(choose)
    names = list(topology.servers)
    asked = tuple(_volume(choose, topology, names) for _ in range(volumes))
    used = sorted(frozenset().union(*(one.servers for one in asked)))
    own = [*used, *(link for name in used for link, _ in topology.links_of(name))]
    taken = set(own) | {link for name in names for link, _ in topology.links_of(name)}
    fabric = [one for one in single_failures(topology) if one not in taken]
    few = choose.some(own, SERVERS, SERVERS)
    return Case(topology=topology, volumes=asked, devices=(*choose.some(fabric, FABRIC, FABRIC), *few))


def _volume(choose: Choices, topology: Topology, names: Sequence[str]) -> Asked:
    """Two times in three the cell is in the row of the clients; now and then there is no replica."""
    near = list(names)
    if choose.number(1, 3) > 1:
        row = topology.row_of(topology.servers[names[choose.number(0, len(names) - 1)]].rack)
        near = [name for name in names if topology.row_of(topology.servers[name].rack) == row]
    near = near if len(near) > CELL else list(names)
    instance, primary, replica = (near[choose.number(0, len(near) - 1)] for _ in range(3))
    return Asked(
        instance=instance,
        primary=primary,
        replica=replica if choose.number(1, 6) > 1 and replica != primary else None,
        cell=tuple(choose.some(near, CELL, CELL)),
    )


def of_model(machine: BlastRadius) -> tuple[Topology, tuple[Asked, ...], tuple[str, ...]]:
    """The site of a model, a volume for each good placement, and the devices that fail there, by name."""
    where = machine.site
    powers, racks, switches = [], [], []
    for name, one in where.devices.items():
        if one.kind == "rack":
            racks.append(Rack(name, one.row, tuple(sorted(one.supplies))))
        elif one.kind == "switch":
            tier: Tier = one.tier  # type: ignore[assignment]  # the models write the same words
            inside = next((supply for supply in one.supplies if where.devices[supply].kind == "rack"), None)
            switches.append(Switch(name, tier, inside, () if inside else tuple(sorted(one.supplies))))
        else:
            kind: PowerKind = one.kind  # type: ignore[assignment]
            powers.append(Power(name, kind, tuple(sorted(one.supplies))))
    topology = build(
        name="model",
        rows=sorted({rack.row for rack in racks}),
        powers=powers,
        racks=racks,
        switches=switches,
        links=[Link("--".join(link), link) for link in sorted(where.links)],
        servers=[Server(one.name, one.rack, tuple(sorted(one.switches)), "any", 9) for one in where.servers],
    )
    clients = machine.clients
    volumes = tuple(
        Asked(
            instance=clients["instance"], primary=clients["primary"], replica=clients["replica"],
            cell=tuple(where.standing(s).name for s in sorted(cell)),
        )
        for cell in sorted(machine.placements, key=sorted)
    )  # fmt: skip
    return topology, volumes, tuple(sorted(map(told, machine.fallible)))


def told(failure: Failure) -> str:
    """A failure of the models by its name in a topology."""
    return "--".join(failure)


def leaning() -> Case:
    """Two racks that each hang on one core alone, and a server that hangs on nothing: bridges, and nodes out of reach.

    The volumes are in the two racks and their cells beyond the cores, so that two devices are worse than any one. One
    volume has its replica on a node of its cell, another node of which nobody reaches.
    """
    racks = [Rack(f"rack-{name}", "row", (f"feed-{1 + at % 2}",)) for at, name in enumerate("abcdez")]
    tors = [Switch(f"tor-{name}", "rack", f"rack-{name}") for name in "abcdez"]
    pairs = [
        ("tor-a", "core-1"),
        ("tor-b", "core-2"),
        *((f"tor-{one}", f"core-{at}") for one in "cde" for at in (1, 2)),
    ]
    servers = [Server(f"{name}{at}", f"rack-{name}", (f"tor-{name}",), "any", 9) for name in "abcdez" for at in (1, 2)]
    topology = build(
        name="leaning", rows=["row"], powers=[Power("feed-1", "feed"), Power("feed-2", "feed")], racks=racks,
        switches=[*tors, Switch("core-1", "core"), Switch("core-2", "core")],
        links=[Link("--".join(pair), pair) for pair in pairs], servers=servers,
    )  # fmt: skip
    volumes = [
        Asked(instance=f"{name}1", primary=f"{name}2", replica=None, cell=cell)
        for name in "ab"
        for cell in (("c1", "d1", "e1"), ("c2", "d2", "e1"), ("c1", "d2", "e2"))
    ]
    late = Asked(instance="c1", primary="c2", replica="d1", cell=("d1", "e1", "z1"))
    devices = ("tor-c", "tor-d", "core-1", "core-2", "tor-a--core-1", "tor-b--core-2", "feed-1", "c1", "d1", "a2")
    return Case(topology=topology, volumes=(*volumes, late), devices=devices)


def two_ways() -> Case:
    """Every rack has two ways to the others, and cells share no rack: only what cuts both ways harms two volumes.

    Each replica is in the rack of a node of the other cell, so that both volumes are in blast then.
    """
    names = "habcdef"
    tors = [Switch(f"tor-{name}", "rack", f"rack-{name}") for name in names]
    pairs = [(tor.name, f"agg-{at}") for tor in tors for at in (1, 2)]
    on = {"i1": "h", "p1": "h", **{f"n-{name}": name for name in names[1:]}}
    topology = build(
        name="two ways", rows=["row"], powers=[Power("feed-1", "feed")],
        racks=[Rack(f"rack-{name}", "row", ("feed-1",)) for name in names],
        switches=[*tors, Switch("agg-1", "aggregation"), Switch("agg-2", "aggregation")],
        links=[Link("--".join(pair), pair) for pair in pairs],
        servers=[Server(name, f"rack-{rack}", (f"tor-{rack}",), "any", 9) for name, rack in on.items()],
    )  # fmt: skip
    cells = (("n-a", "n-b", "n-c"), ("n-d", "n-e", "n-f"))
    volumes = tuple(
        Asked(instance="i1", primary="p1", replica=replica, cell=cell)
        for replica, cell in zip(("n-d", "n-a"), cells, strict=True)
    )
    devices = ("agg-1", "agg-2", "tor-h--agg-1", "tor-h--agg-2", "tor-a", "tor-b", "rack-d", "feed-1", "p1", "n-c")
    return Case(topology=topology, volumes=volumes, devices=devices)


def four_planes() -> Case:
    """Four ways between all racks, which no three devices cut; only two racks together take all volumes."""
    names = "habcde"
    tors = [Switch(f"tor-{name}", "rack", f"rack-{name}") for name in names]
    planes = [Switch(f"agg-{at}", "aggregation") for at in range(1, 5)]
    pairs = [(tor.name, plane.name) for tor in tors for plane in planes]
    on = {"i1": "h", "p1": "h", **{f"{name}{at}": name for name in "ab" for at in (1, 2, 3)}, "c1": "c", "d1": "d"}
    topology = build(
        name="four planes", rows=["row"], powers=[Power("feed-1", "feed")],
        racks=[Rack(f"rack-{name}", "row", ("feed-1",)) for name in names], switches=[*tors, *planes],
        links=[Link("--".join(pair), pair) for pair in pairs],
        servers=[Server(name, f"rack-{rack}", (f"tor-{rack}",), "any", 9) for name, rack in {**on, "e1": "e"}.items()],
    )  # fmt: skip
    cells = (("a1", "b1", "c1"), ("a2", "b2", "d1"), ("a3", "b3", "e1"))
    volumes = tuple(Asked(instance="i1", primary="p1", replica="c1", cell=cell) for cell in cells)
    devices = ("rack-a", "rack-b", "tor-b", "tor-c", "agg-1", "agg-2", "agg-3", "feed-1", "p1", "b1", "c1", "a2--tor-a")
    return Case(topology=topology, volumes=volumes, devices=devices)


def one_rack() -> Case:
    """Everything is in one rack, so that its devices take the instance too, and only servers harm a volume."""
    names = ("i1", "p1", *(f"n{at}" for at in range(1, 7)))
    topology = build(
        name="one rack", rows=["row"], powers=[Power("feed-1", "feed")], racks=[Rack("rack-1", "row", ("feed-1",))],
        switches=[Switch("tor-1", "rack", "rack-1")], links=[],
        servers=[Server(name, "rack-1", ("tor-1",), "any", 9) for name in names],
    )  # fmt: skip
    cells = (("n1", "n2", "n3"), ("n3", "n4", "n5"))
    volumes = tuple(Asked(instance="i1", primary="p1", replica=None, cell=cell) for cell in cells)
    return Case(topology=topology, volumes=volumes, devices=("tor-1", "feed-1", *names, "n1--tor-1", "n4--tor-1"))


def two_cuts() -> Case:
    """One rack takes the cells of three volumes with it; two links cut three others off, who share all their servers.

    Three devices leave six unserved. With one server more the two links leave no more than six; but with the primary
    that the three share they put all three into blast, and nothing that leaves more unserved does.
    """
    racks = {"a": 7, "b": 3, "0": 5, **{str(at): 1 for at in range(1, 6)}}
    pairs = [(f"tor-{name}", f"agg-{at}") for name in racks for at in range(1, 3 if name == "b" else 4)]
    topology = build(
        name="two cuts", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{name}", "row", ("feed",)) for name in racks],
        switches=[
            *(Switch(f"tor-{name}", "rack", f"rack-{name}") for name in racks),
            *(Switch(f"agg-{at}", "aggregation", None, ("feed",)) for at in (1, 2, 3)),
        ],
        links=[Link("--".join(pair), pair) for pair in pairs],
        servers=[
            Server(f"{name}s{at}", f"rack-{name}", (f"tor-{name}",), "any", 99)
            for name, servers in racks.items() for at in range(servers)
        ],
    )  # fmt: skip
    cell = tuple(f"0s{at}" for at in range(5))
    copies = [(f"as{at}", f"as{at + 1}") for at in (1, 3, 5)]
    of_a = [Asked(instance="as0", primary=one, replica=other, cell=cell) for one, other in copies]
    of_b = [Asked(instance="bs0", primary="bs1", replica="bs2", cell=tuple(f"{at}s0" for at in range(1, 6)))] * 3
    devices = ("rack-a", "rack-0", "tor-b--agg-1", "tor-b--agg-2", "bs1", "bs2", "as1", "0s0", "agg-1", "agg-2")
    return Case(topology=topology, volumes=(*of_a, *of_b), devices=devices)


def two_planes() -> Case:
    """Two planes that meet nowhere but in servers, cells of five, and of each a node that is on the second plane alone.

    Every copy is on both, so that it reaches all nodes: any three servers take a majority of one cell at most. One rack
    more hangs on the switch of another one: with that three nodes of a cell are gone. The switch of the second plane
    stands in a rack that holds nodes.
    """
    names, planes = "abcdefg", (1, 2)
    topology = build(
        name="two planes", rows=["row"], powers=[Power("feed-1", "feed"), Power("feed-2", "feed")],
        racks=[Rack(f"rack-{one}", "row", (f"feed-{1 + at % 2}",)) for at, one in enumerate((*names, "h"))],
        switches=[
            Switch("tor-h", "rack", "rack-h"),
            *(Switch(f"tor-{one}{at}", "rack", f"rack-{one}") for one in names for at in planes),
            Switch("agg-1", "aggregation"),
            Switch("agg-2", "aggregation", "rack-g"),
        ],
        links=[
            Link("tor-h--tor-g1", ("tor-h", "tor-g1")),
            *(Link(f"tor-{one}{at}--agg-{at}", (f"tor-{one}{at}", f"agg-{at}")) for one in names for at in planes),
        ],
        servers=[
            *(Server(f"h{at}", "rack-h", ("tor-h",), "any", 9) for at in (1, 2, 3)),
            *(Server(f"{one}1", f"rack-{one}", (f"tor-{one}1", f"tor-{one}2"), "any", 9) for one in names),
            *(Server(f"{one}2", f"rack-{one}", (f"tor-{one}2",), "any", 9) for one in names),
        ],
    )  # fmt: skip
    cells = (("d1", "e1", "f1", "g1", "c2"), ("d1", "e1", "a2", "c1", "g2"), ("h1", "h2", "h3", "d1", "e1"))
    copies = (("b1", "c1"), ("f1", "g1"), ("b1", "c1"))
    volumes = tuple(
        Asked(instance="a1", primary=one, replica=other, cell=cell)
        for (one, other), cell in zip(copies, cells, strict=True)
    )
    devices = ("feed-1", "feed-2", "agg-1", "agg-2", "tor-a1", "tor-a1--agg-1", "tor-b2--agg-2", "tor-g1", "rack-d",
               "rack-e", "b1", "d1", "e1", "a1--tor-a2", "g1--tor-g1", "c2--tor-c2")  # fmt: skip
    return Case(topology=topology, volumes=volumes, devices=devices)


def three_racks() -> Case:
    """Two cells of five with a node each in the same five racks, and four ways between these.

    Only three racks take both. No two devices take either; three servers take one of them at most.
    """
    names, planes = "abcde", (1, 2, 3, 4)
    tors = [f"tor-{one}" for one in (*names, "h")]
    topology = build(
        name="three racks", rows=["row"], powers=[Power("feed-1", "feed")],
        racks=[Rack(f"rack-{one}", "row", ("feed-1",)) for one in (*names, "h")],
        switches=[
            *(Switch(one, "rack", one.replace("tor", "rack")) for one in tors),
            *(Switch(f"agg-{at}", "aggregation") for at in planes),
        ],
        links=[Link(f"{one}--agg-{at}", (one, f"agg-{at}")) for one in tors for at in planes],
        servers=[
            *(Server(f"{one}{at}", f"rack-{one}", (f"tor-{one}",), "any", 9) for one in names for at in (1, 2, 3)),
            *(Server(f"h{at}", "rack-h", ("tor-h",), "any", 9) for at in (1, 2)),
        ],
    )  # fmt: skip
    volumes = tuple(
        Asked(instance="h1", primary="h2", replica="a3", cell=tuple(f"{one}{at}" for one in names)) for at in (1, 2)
    )
    devices = ("rack-a", "rack-b", "tor-c", "rack-d", "agg-1", "agg-2", "a3", "a1", "b1", "c1", "e1--tor-e", "feed-1")
    return Case(topology=topology, volumes=volumes, devices=devices)


def three_servers() -> Case:
    """In one rack three volumes, of whose nodes each two volumes share one: the three shared servers take all three.

    Each of these is the replica of a volume too, so that all three are in blast then. No server
    has more than two volumes, and any two servers take one of them at most.
    """
    kinds = ("instance", "primary", "own", "shared")
    names = [f"{kind}-{at}" for kind in kinds for at in range(3)]
    topology = build(
        name="three servers", rows=["row"], powers=[Power("feed-1", "feed")],
        racks=[Rack("rack-1", "row", ("feed-1",))], switches=[Switch("tor-1", "rack", "rack-1")], links=[],
        servers=[Server(name, "rack-1", ("tor-1",), "any", 9) for name in names],
    )  # fmt: skip
    volumes = tuple(
        Asked(instance=f"instance-{at}", primary=f"primary-{at}", replica=f"shared-{at}",
              cell=(f"own-{at}", f"shared-{at}", f"shared-{(at + 1) % 3}"))
        for at in range(3)
    )  # fmt: skip
    devices = ("tor-1", "feed-1", "shared-0", "shared-1", "shared-2", "own-0", "primary-1", "own-2--tor-1")
    return Case(topology=topology, volumes=volumes, devices=devices)
