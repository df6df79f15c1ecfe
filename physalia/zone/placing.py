"""The paper's figure 11: what placement is worth when devices of the aggregation layer fail.

Cells of five and of nine nodes are placed at random, by the paper's heuristic (two cells exchange nodes if that brings
them nearer to their clients, 20 candidates for each cell), and by this project's greedy placer. The baseline is a
database at a single point. Nothing fails but aggregation switches, and of those every set is visited, so that the
numbers are exact for any probability. The best that there can be is known in closed form (`best`).

A cell is lost in two senses. To the *instance*: it is up and reaches no majority. To the *volume*: it is up and reaches
a copy, and no copy that it reaches reaches a majority. Where the copies are in other racks of the row, whoever has lost
all switches above its own rack has lost its copies with them: the second sense alone shows what nearness is worth.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from math import comb
from random import Random
from typing import Any, Final

import numpy as np
from attrs import frozen

from physalia.blast_radius.fates import Seen
from physalia.blast_radius.network import Network
from physalia.fleet.fleet import Fleet
from physalia.fleet.placer import Placer
from physalia.fleet.rules import Rules
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.rules.policy import AntiAffinity, Cap, Policy, SingleFailure
from physalia.placement.site.generate import Fabric, generate
from physalia.zone.standing import FIRST_NODE, reach, standing

CELL_SIZES: Final = (5, 9)
CANDIDATES: Final = 20
ROUNDS: Final = 15
PROBABILITIES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)


class Way(StrEnum):
    """How a cell came to its place."""

    POINT = "a single point"
    CHANCE = "chance"
    SWAPS = "the paper's swaps"
    GREEDY = "greedy"


@frozen(kw_only=True)
class Lost:
    """Of each number of failed switches the mean share of volumes that are lost, in both senses."""

    to_instance: tuple[float, ...]
    to_volume: tuple[float, ...]

    def at(self, probability: float, *, to_instance: bool) -> float:
        """The probability that a volume is lost where each switch fails with this one."""
        shares = self.to_instance if to_instance else self.to_volume
        most = len(shares) - 1
        return sum(
            share * comb(most, down) * probability**down * (1 - probability) ** (most - down)
            for down, share in enumerate(shares)
        )


def policy(cell_size: int) -> Policy:
    """No majority in a rack, none on one element of power, none of the volume's own servers."""
    most = (cell_size - 1) // 2
    rules = (Cap(id="rack", kind="rack", most=most), SingleFailure(id="power", most=most), AntiAffinity(id="apart"))
    return Policy(cell_size=cell_size, one_color=False, rules=rules if cell_size > 1 else rules[2:])


def fabric(aggregation_per_row: int) -> Site:
    """Five rows of six racks, every rack on all switches of its row, and these on a core that does not fail."""
    return Site.of(
        generate(
            Fabric(
                servers=300, servers_per_rack=10, racks_per_row=6, aggregation_per_row=aggregation_per_row, cores=2,
                colors=1, capacity=20, fill=0.0, full=0.0, drained=0.0, cells=0, seed=11,
            )
        )
    )  # fmt: skip


def best(probability: float, aggregation_per_row: int, *, to_instance: bool) -> float:
    """No cell without a majority in the instance's rack does better than this, and one in its row does it.

    A node in another rack is behind the switches of the instance's own row, and some is needed. All of those fail
    together with p to the power of their number. Then a copy in another rack is lost too, and nobody counts.
    """
    return probability**aggregation_per_row if to_instance else 0.0


def compared(aggregation_per_row: int, cell_size: int, volumes: int, random: Random) -> Mapping[str, Lost]:
    """What is lost on one fabric by each way of placing."""
    site = fabric(aggregation_per_row)
    clients = made_up(site, volumes, random.getrandbits(32))
    rules = Rules.of(site, policy(cell_size))
    fleets = {
        Way.POINT: _fleet(Placer(site, Rules.of(site, policy(1))), clients, 1, random),
        Way.CHANCE: _fleet(Placer(site, rules), clients, cell_size, random),
        Way.SWAPS: swapped(site, rules, clients, random),
        Way.GREEDY: _fleet(Placer(site, rules), clients, cell_size, None),
    }
    return {str(way): lost(site, fleet) for way, fleet in fleets.items()}


def swapped(site: Site, rules: Rules, clients: np.ndarray, random: Random) -> Fleet:
    """The paper's heuristic from a random start. An exchange leaves as many nodes on every server as there were."""
    placer = Placer(site, rules)
    fleet = _fleet(placer, clients, rules.policy.cell_size, random)
    for _ in range(ROUNDS):
        for cell in range(len(fleet)):
            for _ in range(CANDIDATES):
                _try(site, placer, fleet, cell, random)
    return fleet


def lost(site: Site, fleet: Fleet) -> Lost:
    """What is lost under every set of failed aggregation switches, by their number."""
    network = Network(site)
    names = [name for name, one in site.topology.switches.items() if one.tier == "aggregation"]
    rows = np.arange(len(fleet))
    majority = fleet.cells.shape[1] // 2 + 1
    to_instance, to_volume = [], []
    for down in range(len(names) + 1):
        shares = []
        for failed in combinations(names, down):
            seen = Seen.of(site, network.without(failed), fleet, rows)
            at = standing(seen)
            own = sum((reach(seen, 0, node).astype(int) for node in range(FIRST_NODE, seen.servers.shape[1])), 0 * rows)
            served = (at.primary & at.primary_asks) | (at.replica & at.replica_asks)
            alone = at.up & (own < majority)
            shares.append((alone.mean(), (at.up & (at.primary | at.replica) & ~served).mean()))
        means = np.array(shares).mean(axis=0)
        to_instance.append(float(means[0]))
        to_volume.append(float(means[1]))
    return Lost(to_instance=tuple(to_instance), to_volume=tuple(to_volume))


def told(found: Mapping[str, Lost], aggregation_per_row: int) -> Sequence[Mapping[str, Any]]:
    """The rows of the figure: for each probability what is lost by each way, and the best that there can be."""
    rows = []
    for probability in PROBABILITIES:
        for sense, to_instance in (("instance", True), ("volume", False)):
            by_way = {way: one.at(probability, to_instance=to_instance) for way, one in found.items()}
            most = best(probability, aggregation_per_row, to_instance=to_instance)
            rows.append({"failing": probability, "lost_to": sense, "lost": by_way, "best": most})
    return rows


def _fleet(placer: Placer, clients: np.ndarray, size: int, random: Random | None) -> Fleet:
    """Cells for these clients one after the other, by chance or by the greedy placer."""
    fleet = Fleet.unplaced(clients, size)
    for at in range(len(fleet)):
        volume = fleet.volume(at)
        servers = placer.place(volume) if random is None else placer.by_chance(volume, random)
        assert servers is not None, "the fabric has room for every cell"
        placer.add(at, servers)
        fleet.cells[at] = servers
    return fleet


def _try(site: Site, placer: Placer, fleet: Fleet, cell: int, random: Random) -> None:
    """Two cells drawn at random exchange a node if they come nearer to their clients together, and both stay legal."""
    other = int(random.random() * len(fleet))
    size = fleet.cells.shape[1]
    mine, theirs = fleet.cells[cell].tolist(), fleet.cells[other].tolist()
    give, take = mine[int(random.random() * size)], theirs[int(random.random() * size)]
    if other == cell or take in mine or give in theirs:
        return
    new, back = [take if one == give else one for one in mine], [give if one == take else one for one in theirs]
    before, after = (
        _far(site, fleet, cell, one) + _far(site, fleet, other, two) for one, two in ((mine, theirs), (new, back))
    )
    if after >= before:
        return
    for at, servers in ((cell, new), (other, back)):
        volume = fleet.volume(at)
        if not placer.rules.barred(volume).isdisjoint(servers) or not placer.keeps(volume, servers, (cell, other)):
            return
    fleet.cells[cell], fleet.cells[other] = new, back


def _far(site: Site, fleet: Fleet, cell: int, servers: Sequence[int]) -> int:
    """The hops from the instance to all nodes of a cell."""
    hops = site.hops(int(site.stand_of[fleet.clients[cell, 0]]))
    return sum(int(hops[site.stand_of[one]]) for one in servers)
