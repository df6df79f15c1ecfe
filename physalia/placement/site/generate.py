"""Leaf-spine fabrics of any size, the same for the same seed: rows, racks, power, switches, servers, existing cells.

Each row has its own power distribution units and aggregation switches, and neighbouring rows share their UPSs.
Neighbouring racks of a row hang on different feeds, so that the nodes of a cell can stay in one row and still be spread
over power, as in the published example. A rack that is fed from two sides has one supply from each of two feeds.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from random import Random

from attrs import frozen

from physalia.placement.errors import BadTopology
from physalia.placement.site.topology import Cell, Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build

_COLORS = ("blue", "green", "orange", "purple", "red", "teal", "white", "yellow", "brown", "gray", "pink", "olive")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CELL_SIZE, _MOST_A_RACK = 7, 3


class Feeding(StrEnum):
    """How racks are fed: from one side, from two, or row by row in turn."""

    SINGLE = "single"
    DUAL = "dual"
    MIXED = "mixed"


@frozen(kw_only=True)
class Fabric:
    """What to generate. Shares are between 0 and 1; ``feeds`` is 3 for single-fed sites and 2 for others if left out.

    With ``redundant_racks`` every rack has two top-of-rack switches, and every server a link to both. ``fill`` is the
    mean share of its capacity that a server already holds; capacities vary between half of ``capacity`` and all of it.
    ``cells`` is how many existing cells are listed at most, one for every 20 servers if left out;
    with ``clients`` each one names the server of its instance, of the same row and color.
    """

    servers: int = 1_000
    servers_per_rack: int = 40
    racks_per_row: int = 12
    rows_per_ups: int = 4
    racks_per_pdu: int = 2
    feeding: Feeding = Feeding.SINGLE
    feeds: int | None = None
    redundant_racks: bool = False
    aggregation_per_row: int = 2
    cores: int = 4
    colors: int = 5
    capacity: int = 200
    fill: float = 0.6
    full: float = 0.02
    drained: float = 0.01
    cells: int | None = None
    clients: bool = False
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        counts = ("servers", "servers_per_rack", "racks_per_row", "rows_per_ups", "racks_per_pdu",
                  "aggregation_per_row", "cores", "colors")  # fmt: skip
        for name in counts:
            if getattr(self, name) < 1:
                raise BadTopology(f"a fabric cannot be generated with {name} {getattr(self, name)}: at least 1.")
        for name in ("capacity", "cells"):
            if (getattr(self, name) or 0) < 0:
                raise BadTopology(f"a fabric cannot be generated with {name} {getattr(self, name)}: at least 0.")
        for name in ("fill", "full", "drained"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadTopology(f"a fabric cannot be generated with {name} {getattr(self, name)}: between 0 and 1.")
        least = 1 if self.feeding is Feeding.SINGLE else 2
        if not least <= self.feed_count <= len(_LETTERS):
            span = f"between {least} and {len(_LETTERS)}"
            raise BadTopology(f"a fabric, {self.feeding}-fed, cannot be generated with feeds {self.feeds}: {span}.")

    @property
    def feed_count(self) -> int:
        """How many feeds the site has."""
        return self.feeds if self.feeds is not None else 3 if self.feeding is Feeding.SINGLE else 2

    @property
    def racks(self) -> int:
        """How many racks are needed."""
        return -(-self.servers // self.servers_per_rack)

    @property
    def rows(self) -> int:
        """How many rows are needed."""
        return -(-self.racks // self.racks_per_row)

    def is_dual(self, row: int) -> bool:
        """Whether the racks of a row are fed from two sides."""
        return self.feeding is Feeding.DUAL or (self.feeding is Feeding.MIXED and row % 2 == 1)


def generate(fabric: Fabric) -> Topology:
    """The fabric as a topology; the same parameters and seed always give the same one."""
    plan = _Plan(fabric)
    racks = list(plan.racks())
    servers = list(plan.servers())
    return build(
        name=f"fabric-{fabric.servers}-{fabric.feeding}-{fabric.seed}",
        rows=[plan.row(row) for row in range(fabric.rows)],
        powers=plan.powers(racks),
        racks=racks,
        switches=plan.switches(),
        links=plan.links(),
        servers=servers,
        cells=plan.cells(servers, {rack.name: rack.row for rack in racks}),
    )


class _Plan:
    """The names of everything, and what hangs on what."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._random = Random(fabric.seed)  # noqa: S311  # a reproducible fabric, no secret
        self._row_width = len(str(fabric.rows))
        self._rack_width = len(str(fabric.racks_per_row))
        self._server_width = len(str(fabric.servers_per_rack))
        fewest, longer = divmod(fabric.racks, fabric.rows)  # rows differ by one rack at most
        self._places = [(row, at) for row in range(fabric.rows) for at in range(fewest + (row < longer))]

    def row(self, row: int) -> str:
        return f"row-{self._row(row)}"

    def racks(self) -> Iterator[Rack]:
        for row, at in self._places:
            feeds = self._feeds(at, dual=self._fabric.is_dual(row))
            yield Rack(self._rack(row, at), self.row(row), tuple(self._pdu(row, at, feed) for feed in feeds))

    def powers(self, racks: list[Rack]) -> Iterator[Power]:
        """Every feed and every UPS, and the distribution units that a rack uses."""
        fabric = self._fabric
        for feed in range(fabric.feed_count):
            yield Power(f"feed-{_LETTERS[feed]}", "feed")
        for feed, group in product(range(fabric.feed_count), range(-(-fabric.rows // fabric.rows_per_ups))):
            yield Power(self._ups(group * fabric.rows_per_ups, feed), "ups", (f"feed-{_LETTERS[feed]}",))
        supplied: dict[str, str] = {}
        for (row, at), rack in zip(self._places, racks, strict=True):
            feeds = self._feeds(at, dual=fabric.is_dual(row))
            supplied.update(zip(rack.supplies, (self._ups(row, feed) for feed in feeds), strict=True))
        for pdu, ups in supplied.items():
            yield Power(pdu, "pdu", (ups,))

    def switches(self) -> Iterator[Switch]:
        for row, at in self._places:
            for name in self._tops_of_rack(row, at):
                yield Switch(name, "rack", self._rack(row, at))
        for row, at in product(range(self._fabric.rows), range(self._fabric.aggregation_per_row)):
            feeds = self._feeds(at, dual=self._fabric.is_dual(row))
            yield Switch(self._aggregation(row, at), "aggregation", None, tuple(self._ups(row, one) for one in feeds))
        for at in range(self._fabric.cores):
            feeds = self._feeds(at, dual=self._fabric.feeding is not Feeding.SINGLE)
            yield Switch(f"core-{at + 1}", "core", None, tuple(f"feed-{_LETTERS[one]}" for one in feeds))

    def links(self) -> Iterator[Link]:
        above = range(self._fabric.aggregation_per_row)
        for row, at in self._places:
            for top, higher in product(self._tops_of_rack(row, at), above):
                yield _link(top, self._aggregation(row, higher))
        for row, at, core in product(range(self._fabric.rows), above, range(self._fabric.cores)):
            yield _link(self._aggregation(row, at), f"core-{core + 1}")

    def servers(self) -> Iterator[Server]:
        fabric, random = self._fabric, self._random
        colors = [*_COLORS, *(f"color-{at}" for at in range(len(_COLORS), fabric.colors))][: fabric.colors]
        left = fabric.servers
        for number, (row, at) in enumerate(self._places):
            rack, tops = self._rack(row, at), self._tops_of_rack(row, at)
            for place in range(min(left, fabric.servers_per_rack)):
                # Colours take turns, and each rack begins with another one, so that all are equally near everywhere.
                color = colors[(number + place) % fabric.colors]
                capacity = fabric.capacity - int(random.random() * (fabric.capacity // 2 + 1))
                share = 1.0 if random.random() < fabric.full else fabric.fill * (0.5 + random.random())
                nodes = min(capacity, int(share * capacity))
                drained = random.random() < fabric.drained
                name = f"server-{rack.removeprefix('rack-')}-{place + 1:0{self._server_width}}"
                yield Server(name, rack, tops, color, capacity, nodes, drained)
            left -= fabric.servers_per_rack

    def cells(self, servers: list[Server], row_of: dict[str, str]) -> Iterator[Cell]:
        """Cells as they are placed: one colour, one row, at most 3 in a rack; fewer than asked for if room is short."""
        wanted = len(servers) // 20 if self._fabric.cells is None else self._fabric.cells
        room = {server.name: server.nodes for server in servers}
        rows: dict[tuple[str, str], list[Server]] = {}
        for server in servers:
            rows.setdefault((row_of[server.rack], server.color), []).append(server)
        groups = list(rows.values())
        for number in range(wanted):
            group = groups[int(self._random.random() * len(groups))]
            chosen = self._members(group, room)
            for name in chosen:
                room[name] -= 1
            if len(chosen) == _CELL_SIZE:
                client = next((one.name for one in group if one.name not in chosen), None)
                yield Cell(f"cell-{number + 1:0{len(str(wanted))}}", tuple(chosen),
                           client if self._fabric.clients else None)  # fmt: skip

    def _members(self, group: list[Server], room: dict[str, int]) -> list[str]:
        """Seven servers of a group, or fewer if it is too small; none that is known to hold no further node."""
        chosen: list[str] = []
        in_rack: dict[str, int] = {}
        start = int(self._random.random() * len(group))
        stride = 1 + int(self._random.random() * 3)
        for step in range(len(group)):
            server = group[(start + step * stride) % len(group)]
            if server.name in chosen or room[server.name] < 1 or in_rack.get(server.rack, 0) == _MOST_A_RACK:
                continue
            chosen.append(server.name)
            in_rack[server.rack] = in_rack.get(server.rack, 0) + 1
            if len(chosen) == _CELL_SIZE:
                return chosen
        return []

    def _row(self, row: int) -> str:
        return f"{row + 1:0{self._row_width}}"

    def _rack(self, row: int, at: int) -> str:
        return f"rack-{self._row(row)}-{at + 1:0{self._rack_width}}"

    def _feeds(self, at: int, *, dual: bool) -> tuple[int, ...]:
        """The feeds that the thing at this place of a row hangs on: its neighbour begins with the next one."""
        count = self._fabric.feed_count
        return (at % count, (at + 1) % count) if dual else (at % count,)

    def _pdu(self, row: int, at: int, feed: int) -> str:
        group = at // (self._fabric.feed_count * self._fabric.racks_per_pdu)
        return f"pdu-{self._row(row)}-{_LETTERS[feed]}{group + 1}"

    def _ups(self, row: int, feed: int) -> str:
        return f"ups-{_LETTERS[feed]}{row // self._fabric.rows_per_ups + 1}"

    def _tops_of_rack(self, row: int, at: int) -> tuple[str, ...]:
        name = f"tor-{self._row(row)}-{at + 1:0{self._rack_width}}"
        return (f"{name}-a", f"{name}-b") if self._fabric.redundant_racks else (name,)

    def _aggregation(self, row: int, at: int) -> str:
        return f"agg-{self._row(row)}-{at + 1}"


def _link(one: str, other: str) -> Link:
    return Link(link_name(one, other), (one, other))
