"""Small fleets for tests."""

from collections.abc import Mapping

from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import place
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import Policy, default
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology
from physalia.placement.site.validity import build


def topology_of(servers: int = 480, *, capacity: int = 12, feeding: Feeding = Feeding.SINGLE, cells: int = 0,
                seed: int = 3) -> Topology:  # fmt: skip
    return generate(
        Fabric(
            servers=servers, servers_per_rack=20, racks_per_row=12, capacity=capacity, fill=0.0, full=0.0, drained=0.0,
            feeding=feeding, redundant_racks=feeding is Feeding.DUAL, cells=cells, clients=True, seed=seed,
        )
    )  # fmt: skip


def placed(site: Site, rules: Rules, volumes: int, seed: int = 1, cores: int = 1) -> Fleet:
    empty = Fleet.unplaced(made_up(site, volumes, seed), rules.policy.cell_size)
    return place(site, rules, empty, Effort(), cores)


def small(volumes: int = 300, policy: Policy | None = None) -> tuple[Site, Rules, Fleet]:
    site = Site.of(topology_of())
    rules = Rules.of(site, policy or default())
    return site, rules, placed(site, rules, volumes)


def planes(racks: Mapping[str, tuple[str, ...]], *, joined: bool) -> Topology:
    """Racks of three servers, each on the planes named: to who sees one, others hang on a link of their own."""
    joint = [Link("agg-one--agg-other", ("agg-one", "agg-other"))] if joined else []
    return build(
        name="planes",
        rows=["row"],
        powers=[Power(f"feed-{rack}", "feed") for rack in racks],
        racks=[Rack(rack, "row", (f"feed-{rack}",)) for rack in racks],
        switches=[
            Switch("agg-one", "aggregation"), Switch("agg-other", "aggregation"),
            *(Switch(f"tor-{rack}-{plane}", "rack", rack) for rack, on in racks.items() for plane in on),
        ],
        links=[
            *(Link(f"tor-{rack}-{plane}--agg-{plane}", (f"tor-{rack}-{plane}", f"agg-{plane}"))
              for rack, on in racks.items() for plane in on),
            *joint,
        ],
        servers=[
            Server(f"s{at}-{rack}", rack, tuple(f"tor-{rack}-{plane}" for plane in on), "blue", 10, 0)
            for rack, on in racks.items() for at in (1, 2, 3)
        ],
    )  # fmt: skip
