"""Where a single server matters and not its stand, and what else was wrong for few cells only."""

from itertools import combinations, count, permutations
from random import Random
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from physalia.fleet.best import front
from physalia.fleet.bounds import bound, bound_near
from physalia.fleet.fleet import Fleet, written
from physalia.fleet.ideal import Ideal
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.repair import repair, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.fleet.swaps import Swaps
from physalia.fleet.unavailability import Unavailability
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.errors import BadPolicy
from physalia.placement.rules.policy import Policy
from physalia.placement.site.topology import Cell
from tests.physalia.fleet.fleets import placed, planes, small
from tests.physalia.fleet.test_placing import by_definition
from tests.physalia.placement.questions import policy_of, row_of_racks

RACKS = {"r1": ("one", "other"), "r2": ("one",), "r3": ("other",)}


@pytest.mark.parametrize("client", ["instance", "primary", "replica"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_cell_that_cannot_spare_a_node_is_judged_by_each_server(size: int, client: str) -> None:
    """Whoever asks reaches itself without a link, and no other server of its stand; wherever it stands among them."""
    site = Site.of(planes(RACKS, joined=True))
    policy = policy_of({"type": "survives", "client": client}, cell_size=size)
    legal = 0
    for rack in ("r1", "r2"):
        for one, primary, replica in permutations([site.number[f"s{at}-{rack}"] for at in (1, 2, 3)]):
            volume, rules = (one, primary, replica), Rules.of(site, policy)
            for cell in combinations(range(len(site.names)), size):
                fleet = Fleet(np.array([volume], dtype=np.int32), np.array([cell], dtype=np.int32))
                expected = not by_definition(site, policy, fleet, 0)
                assert (not list(wrong(site, rules, fleet))) == expected, [site.names[one] for one in cell]
                legal += expected
            found = Placer(site, rules).place(volume)
            fleet = Fleet(np.array([volume], dtype=np.int32), np.array([found or [NOBODY] * size], dtype=np.int32))
            assert found is None or not by_definition(site, policy, fleet, 0)
    assert legal


def test_no_cell_is_placed_that_has_no_room_for_what_must_be_in_it() -> None:
    """Five nodes in each of two rows are ten, of seven."""
    site = Site.of(row_of_racks())
    least: list[dict[str, Any]] = [
        {"id": row, "type": "minimum", "kind": "row", "least": 5, "name": row} for row in ("row-1", "row-2")
    ]
    assert not placed(site, Rules.of(site, policy_of(*least)), 20).placed.any()
    assert placed(site, Rules.of(site, policy_of(least[0])), 20).placed.all()


def one_cell(site: Site, volume: tuple[str, str | None, str | None], cell: tuple[str | None, ...]) -> Fleet:
    rows = [[NOBODY if one is None else site.number[one] for one in names] for names in (volume, cell)]
    return Fleet(np.array([rows[0]], dtype=np.int32), np.array([rows[1]], dtype=np.int32))


def test_a_limit_on_hops_is_for_a_client_that_there_is_and_nobody_is_nearer_than_itself() -> None:
    site = Site.of(row_of_racks())
    policy = policy_of({"type": "hop-limit", "client": "primary", "most": 0}, cell_size=1)
    rules = Rules.of(site, policy)
    for volume, cell in ((("s11", None, None), "s12"), (("s11", "s12", None), "s12"), (("s11", "s12", None), "s13")):
        fleet = one_cell(site, volume, (cell,))
        assert [one.rule for one in wrong(site, rules, fleet)] == by_definition(site, policy, fleet, 0)
    fleet = one_cell(site, ("s11", "s12", None), (None,))
    assert [one.outcome for one in repair(site, rules, fleet, Effort())] == ["moved"]
    assert fleet.cells.tolist() == [[site.number["s12"]]]


def refilled(site: Site, policy: Policy, fleet: Fleet) -> list[str]:
    """What becomes of the one cell that lacks a node, and the rules that it breaks then."""
    (moved,) = repair(site, Rules.of(site, policy), fleet, Effort())
    return [moved.outcome, *(by_definition(site, policy, fleet, 0) if moved.outcome == "moved" else ())]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [({"type": "anti-affinity"}, ("s11", "s21")), ({"type": "overlap", "most": 3}, ("s12", "s23")),
     ({"type": "hop-limit", "client": "instance", "most": 2}, ("s12", "s31"))],
)  # fmt: skip
def test_a_cell_is_completed_around_nodes_that_may_stay(rule: dict[str, object], kept: tuple[str, ...]) -> None:
    """A node that breaks a rule where it is, its colour too, is given up, and what is said to be done is done."""
    site = Site.of(row_of_racks(servers_per_rack=8, colors=("blue", "red")))
    fleet = one_cell(site, ("s11", None, None), (*kept, None))
    assert refilled(site, policy_of(rule, cell_size=3), fleet) == ["moved"]


def test_a_cell_of_one_node_may_take_any_colour() -> None:
    """What is said to be stuck has no way; in between there is one node, and one colour. Here another makes room."""
    site = Site.of(row_of_racks(colors=("blue", "red"), servers_per_rack=2, capacity=1, nodes=0))
    policy = policy_of({"type": "hop-limit", "client": "primary", "most": 2}, cell_size=1)
    volumes = [[site.number["s11"], site.number["s11"], NOBODY], [site.number["s21"], NOBODY, NOBODY]]
    cells = [[site.number["s11"]], [site.number["s12"]]]
    fleet = Fleet(np.array(volumes, dtype=np.int32), np.array(cells, dtype=np.int32))
    closed = without(site, [site.number["s11"]])
    (moved,) = repair(closed, Rules.of(closed, policy), fleet, Effort())
    assert (moved.outcome, len(moved.moves or ()), moved.least) == ("moved", 2, True)
    assert fleet.cells[0].tolist() == [site.number["s12"]]


def test_no_swap_is_with_a_cell_that_lacks_a_node() -> None:
    site, rules, _ = small(0)
    fleet = placed(site, rules, 480 * 12 // 7)
    fleet.cells[::2, 0] = NOBODY
    before = fleet.cells[::2].copy()
    swaps = Swaps(filled(site, rules, fleet), fleet, Unavailability(site), Random(1))
    assert swaps.round(Effort()).tried
    assert (fleet.cells[::2] == before).all()


def test_servers_that_nobody_reaches_are_not_near() -> None:
    """They were the nearest tier of all, and no other server was a candidate."""
    topology = row_of_racks(servers_per_rack=12)
    links = {name: one for name, one in topology.links.items() if "tor-r4" not in one.ends}
    site, policy = Site.of(evolve(topology, links=links)), policy_of(cell_size=3)
    fleet, rules = one_cell(site, ("s11", None, None), ("s21", "s22", "s23")), Rules.of(site, policy)
    swaps = Swaps(filled(site, rules, fleet), fleet, Unavailability(site), Random(1))
    assert swaps.round(Effort()).swapped


def test_every_cell_of_a_fleet_is_written_under_a_name_of_its_own() -> None:
    """A cell of the topology has the name of one; the next name was that of another one, which took its place."""
    topology = row_of_racks(cells=(Cell("one", ("s11",)),))
    site = Site.of(topology)
    cells = np.array([[at, at + 1] for at in range(3)], dtype=np.int32)
    clients = np.array([[9, NOBODY, NOBODY]] * 3, dtype=np.int32)
    for names in permutations(("one", "fleet-one", "fleet-fleet-one")):
        listed = written(site, Fleet(clients, cells, names)).cells
        assert len(listed) == 4
        assert {one.servers for name, one in listed.items() if name != "one"} == {
            ("s11", "s12"),
            ("s12", "s13"),
            ("s13", "s14"),
        }


@pytest.mark.parametrize("name", ["cell-0", "cell-3", "cell-01", "cell-", "cell-²", "cell-" + "9" * 5000, "1", "x-1"])
def test_what_is_no_name_of_a_cell(name: str) -> None:
    _, _, fleet = small(2)
    assert fleet.find(name) is None
    assert [fleet.find("cell-1"), fleet.find("cell-2")] == [0, 1]


def ticking(looks: int) -> Effort:
    """An effort of so many looks at the clock."""
    clock = count()
    return Effort(deadline=looks, clock=lambda: next(clock))


def test_time_ends_a_bound_too() -> None:
    """There are thousands of patterns of nine nodes, and half a million of fifteen: they were looked at without end."""
    site = Site.of(row_of_racks(racks=6, feeds=3))
    rules = Rules.of(site, policy_of(cell_size=9))
    fleet = placed(site, rules, 3)
    assert len(list(Ideal(site, rules, 0, {}).patterns())) > 50
    with pytest.raises(OutOfTime):
        list(front(site, rules, fleet, fleet.volume(0), ticking(50)))
    with pytest.raises(OutOfTime):
        bound(site, rules, fleet, ticking(50))
    with pytest.raises(OutOfTime):
        bound_near(site, rules, fleet, fleet.placed, ticking(50))


@pytest.mark.parametrize("size", [17, 10**12, 10**99])
def test_a_cell_larger_than_the_site_is_refused(size: int) -> None:
    """It was more memory than there is."""
    site = Site.of(row_of_racks())
    assert Rules.of(site, policy_of(cell_size=16)).most_shared is None
    with pytest.raises(BadPolicy, match=f"cell_size is {size:,}, and topology row-of-racks has 16 servers"):
        Rules.of(site, policy_of(cell_size=size))
