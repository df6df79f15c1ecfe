"""The most available cell of a volume: every cell of small sites is tried, and none is below the bound."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import physalia.placement
from physalia.fleet.best import SMALL, front
from physalia.fleet.fleet import Fleet
from physalia.fleet.ideal import partitions
from physalia.fleet.placer import Placer
from physalia.fleet.rules import Rules
from physalia.fleet.sites import Site
from physalia.fleet.unavailability import Unavailability
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.policy import AntiAffinity, Cap, Policy, default
from physalia.placement.rules.queries import Query
from physalia.placement.site.format import read
from physalia.placement.site.generate import Feeding
from tests.physalia.fleet.fleets import small, topology_of

EXAMPLES = Path(physalia.placement.__file__).parent / "examples"
NOTHING = np.zeros((0, 3), dtype=np.int32)


@pytest.mark.parametrize("feeding", [Feeding.SINGLE, Feeding.DUAL])
def test_the_gap_is_at_most_one_part_in_a_hundred(feeding: Feeding) -> None:
    site = Site.of(topology_of(feeding=feeding))
    rules = Rules.of(site, default())
    for instance, primary, replica in made_up(site, 3, 5).tolist():
        found = list(front(site, rules, Fleet.unplaced(NOTHING, 7), (instance, primary, replica), Effort()))
        assert 0 <= found[-1].gap <= found[-1].gap_to_any <= SMALL
        assert [one.within for one in found] == sorted({one.within for one in found})
        query = Query(*(site.names[one] for one in (instance, primary, replica)))
        judge = Judge.of(site.topology, default(), query)
        for one in found:
            servers = [site.names[at] for at in one.servers]
            assert not judge.broken(servers)
            hops = [int(site.hops(int(site.stand_of[instance]))[site.stand_of[at]]) for at in one.servers]
            assert (max(hops), sum(hops)) <= (one.within, one.hops)
            assert Unavailability(site).of(instance, one.servers) == pytest.approx(one.unavailability)


@pytest.mark.parametrize(("most", "within", "rules"), [
    (2, 4, (AntiAffinity(id="apart"),)), (3, 2, (AntiAffinity(id="apart"),)), (3, 2, ()), (2, 4, ()),
])  # fmt: skip
def test_no_cell_of_a_small_site_is_below_the_bound_or_better_than_the_best(
    most: int, within: int, rules: tuple[AntiAffinity, ...]
) -> None:
    """Cells of three, one for each set of stands: servers of one stand fail alike, but for the instance's own."""
    site = Site.of(topology_of(240))
    policy = Policy(cell_size=3, one_color=False, rules=(*rules, Cap(id="racks", kind="rack", most=most)))
    told, exact, volume = Rules.of(site, policy), Unavailability(site), (0, 30, 60)
    found = list(front(site, told, Fleet.unplaced(NOTHING, 3), volume, Effort()))
    hops, barred = site.hops(int(site.stand_of[0])), told.barred(volume)
    firsts = [one for some in site.members for one in [each for each in some if each not in barred][:3]]
    placer, least = Placer(site, told), {one.within: 1.0 for one in found}
    for cell in combinations(firsts, 3):
        if placer.keeps(volume, cell):
            value = exact.of(0, cell)
            for one in found:
                if max(int(hops[site.stand_of[at]]) for at in cell) <= one.within:
                    assert value >= one.bound
                    least[one.within] = min(least[one.within], value)
    assert {one.within: one.unavailability for one in found} == pytest.approx(least, rel=1e-9)
    assert [one.within for one in found] == [within]
    assert found[-1].gap <= SMALL


def test_far_nodes_hang_on_their_feeds_and_racks_fail() -> None:
    """The shipped site, where the best cell has nodes in a row with other units: it is proven within a part in 500."""
    site = Site.of(read(EXAMPLES / "single-fed.json"))
    volume = (site.number["server-1-01-01"], site.number["server-1-02-03"], site.number["server-1-03-05"])
    found = list(front(site, Rules.of(site, default()), Fleet.unplaced(NOTHING, 7), volume, Effort()))
    assert [one.within for one in found] == [4, 6]
    assert all(one.gap < 0.003 for one in found)
    assert found[-1].gap_to_any == found[-1].gap


def test_nodes_share_racks_in_every_way() -> None:
    assert sorted(partitions(4)) == [(1, 1, 1, 1), (2, 1, 1), (2, 2), (3, 1), (4,)]
    assert list(partitions(0)) == [()]


def test_beside_a_fleet_every_rule_is_kept_and_no_node_is_on_a_full_server() -> None:
    site, rules, fleet = small(300)
    volume = tuple(made_up(site, 1, 9)[0].tolist())
    found = list(front(site, rules, fleet, (volume[0], volume[1], volume[2]), Effort()))
    full = site.room <= fleet.nodes(len(site.names))
    for one in found:
        assert not full[list(one.servers)].any()
        assert max(len({*one.servers} & {*cell}) for cell in fleet.cells.tolist()) <= 3
    with pytest.raises(OutOfTime):
        list(front(site, rules, fleet, (volume[0], volume[1], volume[2]), Effort(deadline=0.0, clock=lambda: 1.0)))
