"""Small questions with known answers, for the tests of solver, checker and explanations."""

from typing import Any

from physalia.placement.rules import policy as policies
from physalia.placement.rules.policy import Policy
from physalia.placement.site.topology import Cell, Link, Power, Rack, Server, Switch, Topology
from physalia.placement.site.validity import build
from physalia.placement.solver.instance import Domain, Instance


def policy_of(*rules: dict[str, Any], **settings: Any) -> Policy:
    """A policy of some rules; those without an id are called by their type."""
    named = [{"id": rule["type"], **rule} for rule in rules]
    return policies.from_document({**settings, "rules": named}, "policy")


def rack_cap(most: int = 3) -> dict[str, Any]:
    """At most so many nodes in a rack."""
    return {"id": "rack-cap", "type": "cap", "kind": "rack", "most": most}


def row_of_racks(
    racks: int = 4,
    servers_per_rack: int = 4,
    feeds: int = 2,
    colors: tuple[str, ...] = ("blue",),
    nodes: int = 1,
    cells: tuple[Cell, ...] = (),
    fills: dict[str, int] | None = None,
    aggregations: int = 2,
    capacity: int = 100,
) -> Topology:
    """Racks r1, r2, .. in rows of two, rack i on feed i modulo the feeds; servers s11, s12, .. in colours by turns."""
    names = [f"r{at}" for at in range(1, racks + 1)]
    feed = {name: f"feed-{'abcdef'[at % feeds]}" for at, name in enumerate(names)}
    servers = []
    for rack in names:
        for at in range(1, servers_per_rack + 1):
            name = f"s{rack[1:]}{at}"
            color = colors[(at - 1) % len(colors)]
            servers.append(Server(name, rack, (f"tor-{rack}",), color, capacity, (fills or {}).get(name, nodes)))
    spines = [f"agg-{at}" for at in range(1, aggregations + 1)]
    return build(
        name="row-of-racks",
        rows=sorted({f"row-{(at + 1) // 2}" for at in range(1, racks + 1)}),
        powers=[
            *(Power(f"feed-{letter}", "feed") for letter in "abcdef"[:feeds]),
            *(Power(f"pdu-{name}", "pdu", (feed[name],)) for name in names),
        ],
        racks=[Rack(name, f"row-{(at + 1) // 2}", (f"pdu-{name}",)) for at, name in enumerate(names, 1)],
        switches=[
            *(Switch(f"tor-{name}", "rack", name) for name in names),
            *(Switch(spine, "aggregation") for spine in spines),
        ],
        links=[Link(f"tor-{name}--{spine}", (f"tor-{name}", spine)) for name in names for spine in spines],
        servers=servers,
        cells=cells,
    )


def crossing() -> Topology:
    """Three cheap servers, any two of which share a cell: with `overlap 1` half of each is best, but for whole ones."""
    cheap = ("s11", "s21", "s31")
    pairs = (("s11", "s21"), ("s21", "s31"), ("s11", "s31"))
    return row_of_racks(
        racks=6,
        servers_per_rack=2,
        nodes=40,
        cells=tuple(Cell(f"cell-{at}", pair) for at, pair in enumerate(pairs)),
        fills=dict.fromkeys(cheap, 2),
    )


def instance_of(nodes: int, domains: list[Domain], columns: list[tuple[int, tuple[int, ...], int]]) -> Instance:
    """An instance of columns (cost, domains from 1 on, how many servers)."""
    listed = [Domain("", 0, nodes), *domains]
    names = [[f"s{at}.{one}" for one in range(count)] for at, (_, _, count) in enumerate(columns)]
    return Instance(
        nodes,
        listed,
        {domain.key: at for at, domain in enumerate(listed)},
        [cost for cost, _, _ in columns],
        [(0, *inside) for _, inside, _ in columns],
        names,
    )
