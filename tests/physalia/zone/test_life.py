"""A zone over time, held against the definition of the blast radius, closed forms, and small histories."""

from random import Random

import numpy as np
import pytest

from physalia.blast_radius.definition import Living, Volume, fate
from physalia.blast_radius.network import Network
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import place
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import default
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.zone.bands import mean
from physalia.zone.devices import changes, devices_of
from physalia.zone.errors import BadScenario
from physalia.zone.keeper import Keeper
from physalia.zone.life import Life, Store, begun
from physalia.zone.scenario import HOURS_A_YEAR, Clients, Event, Failing
from physalia.zone.state import Condition, State
from tests.physalia.zone.zones import changed, lived_through, placed, quiet

OFTEN = Failing(per_year=1.0, repair_hours=100.0)


def test_where_volumes_stand_is_what_the_definition_says() -> None:
    site, _, fleet = placed(quiet(), servers=480, volumes=12)
    agree(site, fleet)


def test_where_volumes_stand_on_two_switches() -> None:
    topology = generate(
        Fabric(servers=240, servers_per_rack=20, racks_per_row=12, capacity=12, fill=0.0, full=0.0, drained=0.0,
               cells=0,               feeding=Feeding.DUAL, redundant_racks=True)
    )  # fmt: skip
    site = Site.of(topology)
    clients = made_up(site, 12, 4)
    agree(site, place(site, Rules.of(site, default()), Fleet.unplaced(clients, 7), Effort()))


def agree(site: Site, fleet: Fleet) -> None:
    """What the arrays say under sixty sets of failures is what the definition says, volume by volume."""
    devices = [one for kind, names in devices_of(site).items() if kind != "server" for one in names]
    near = [site.names[one] for one in {*fleet.clients.ravel().tolist(), *fleet.cells.ravel().tolist()}]
    random, seen = Random(5), set()
    for _ in range(60):
        failed = {
            *random.sample(devices, random.choice((0, 1, 3, 8))),
            *random.sample(near, random.choice((0, 10, 40))),
        }
        state = State.of(site, Network(site), fleet)
        state.look(state.change(sorted(failed), ()))
        living = Living(site.topology, failed)
        for row in range(len(fleet)):
            instance, primary, replica = (site.names[one] for one in fleet.clients[row].tolist())
            volume = Volume(instance, primary, replica, tuple(site.names[one] for one in fleet.cells[row].tolist()))
            told = fate(living, volume)
            found = Condition(state.condition[row])
            assert told.blast == (found is Condition.BLAST)
            assert told.unserved == state.unserved[row]
            assert told.up == (found is not Condition.DOWN)
            assert (told.whole and told.up) == (found is Condition.WHOLE)
            seen.add((found, told.unserved))
    assert {found for found, _ in seen} == set(Condition)
    assert {unserved for _, unserved in seen} == {True, False}


def test_all_time_is_accounted_for() -> None:
    life = lived_through(quiet(server=OFTEN, aggregation=OFTEN), 500.0)
    assert life.state.hours.sum() == pytest.approx(500.0 * len(life.state.clients))
    assert life.state.now == 500.0


def test_instances_are_down_as_often_as_their_servers() -> None:
    """Servers fail alone: each is down for rate * repair / (1 + rate * repair) of the time, in the long run."""
    down = [
        lived_through(quiet(server=OFTEN), HOURS_A_YEAR, Store.ROW, seed=seed).state.hours[Condition.DOWN]
        for seed in range(4)
    ]
    exact = OFTEN.down * HOURS_A_YEAR * 60 - _begins_up(OFTEN) * 60
    assert mean(down).holds(exact), (mean(down), exact)
    assert mean(down).high < 2 * exact


def test_a_volume_is_solo_while_a_copy_is_away_and_writes_twice() -> None:
    """Nothing is mirrored anew: each absence of a copy costs a write when it goes and one when it is back."""
    given = changed(quiet(server=OFTEN), "mirroring", after_hours=HOURS_A_YEAR, resync_hours=0.0)
    lives = [lived_through(given, HOURS_A_YEAR, Store.SITE, seed=seed, volumes=100) for seed in range(4)]
    solo = mean([one.state.hours[Condition.SOLO] for one in lives])
    down = OFTEN.down
    exact = 2 * down * (1 - down) * (1 - down) * HOURS_A_YEAR * 100
    assert solo.low * 0.9 < exact < solo.high * 1.1, (solo, exact)
    writes = mean([float(one.state.writes) for one in lives])
    absences = 2 * (1 - down) * HOURS_A_YEAR * OFTEN.per_year / HOURS_A_YEAR * 100
    assert writes.low * 0.9 < 2 * absences < writes.high * 1.1, (writes, 2 * absences)


def test_one_copy_serves_for_as_long_as_the_other_is_away() -> None:
    """One server is away for ten hours, and nobody waits longer or makes a copy: its volumes are solo for ten each."""
    given = changed(quiet(Event(at_hours=1.0, kind="server", count=30, for_hours=10.0)), "mirroring",
                    after_hours=100.0, resync_hours=0.25)  # fmt: skip
    life = lived_through(given, 50.0, Store.ROW)
    first = placed(given)[2].clients
    gone = [life.state.site.number[one.device] for one in changes(life.state.site, given, 50.0, 0) if one.fails]
    lost = np.isin(first, gone)
    hours = life.state.hours
    assert hours[Condition.DOWN] == pytest.approx(10.0 * lost[:, 0].sum())
    alone = ~lost[:, 0] & (lost[:, 1] ^ lost[:, 2])
    cut = ~lost[:, 0] & lost[:, 1] & lost[:, 2]
    assert alone.sum() > 3
    assert hours[Condition.SOLO] == pytest.approx(10.25 * alone.sum())
    assert hours[Condition.CUT] == pytest.approx(10.0 * cut.sum())
    assert life.state.writes == 2 * alone.sum()


def test_copies_are_made_anew_within_the_limits() -> None:
    event = Event(at_hours=1.0, kind="server", count=48, for_hours=400.0)
    given = changed(quiet(event), "mirroring", after_hours=0.0, at_once=3)
    life = begun(*placed(given), given, Store.ROW, 300.0, 0)
    most = 0

    def told() -> None:
        nonlocal most
        most = max(most, life.mirrors.copying.total())

    life.run(told)
    assert most == 3
    assert life.mirrors.done > 3
    assert life.mirrors.most_waiting > 3
    _room_adds_up(life)


def test_a_server_copies_to_no_more_than_it_may() -> None:
    event = Event(at_hours=1.0, kind="server", count=120, for_hours=400.0)
    given = changed(quiet(event), "mirroring", after_hours=0.0, at_once=0, at_once_per_server=1)
    life = begun(*placed(given, volumes=300), given, Store.ROW, 300.0, 0)
    most, widest = 0, 0

    def told() -> None:
        nonlocal most, widest
        most = max([most, *life.mirrors.copying.values()])
        widest = max(widest, life.mirrors.copying.total())

    life.run(told)
    assert most == 1
    assert widest > 10


def test_no_server_holds_more_copies_than_there_is_room() -> None:
    event = Event(at_hours=1.0, kind="server", count=200, for_hours=400.0)
    given = changed(quiet(event), "mirroring", after_hours=0.0, at_once=0, at_once_per_server=0, copies_per_server=3)
    life = lived_through(given, 100.0, Store.ROW, volumes=300)
    first = np.bincount(placed(given, volumes=300)[2].clients[:, 1:].ravel(), minlength=480)
    assert (life.mirrors.held <= np.maximum(3, first)).all()
    assert life.mirrors.done
    _room_adds_up(life)


def test_a_copy_that_is_back_is_taken_again_and_not_made_anew() -> None:
    event = Event(at_hours=1.0, kind="server", count=120, for_hours=1.0)
    waits = lived_through(changed(quiet(event), "mirroring", after_hours=2.0), 50.0)
    assert waits.mirrors.resynced > 10
    assert waits.mirrors.done == 0
    assert not waits.state.solo.any()
    hastes = lived_through(changed(quiet(event), "mirroring", after_hours=0.1), 50.0)
    assert hastes.mirrors.done > 0


def test_cells_are_repaired_by_single_steps_that_keep_every_rule() -> None:
    event = Event(at_hours=1.0, kind="server", count=40, for_hours=500.0)
    given = quiet(event)
    life = begun(*placed(given), given, Store.CELLS, 200.0, 0)
    before, steps = life.state.cells.copy(), 0

    def told() -> None:
        nonlocal before, steps
        differ = (life.state.cells != before).sum(axis=1)
        assert differ.max() <= 1, "one node of a cell at a time"
        steps += int(differ.sum())
        before = life.state.cells.copy()

    life.run(told)
    assert life.keeper is not None
    assert steps == life.keeper.repaired > 20
    dead = [at for at in range(480) if not life.state.lives(at)]
    left = np.asarray(np.isin(life.state.cells, dead).any(axis=1))
    assert left.sum() <= life.keeper.without_place
    rules = life.keeper.placer.rules
    for row in range(len(life.state.cells)):
        servers = life.state.cells[row].tolist()
        assert len(set(servers)) == 7
        assert life.keeper.placer.keeps(life.state.fleet.volume(row), servers, (row,))
        if not left[row]:
            assert rules.barred(life.state.fleet.volume(row)).isdisjoint(servers)


def test_a_node_that_is_back_in_time_is_not_replaced() -> None:
    event = Event(at_hours=1.0, kind="server", count=40, for_hours=0.5)
    life = lived_through(quiet(event), 20.0)
    assert life.keeper is not None
    assert (life.keeper.repaired, life.keeper.without_place) == (0, 0)


def test_a_node_that_is_back_in_time_stays() -> None:
    """It is away at the hour again, but not all the time: what was said of its first absence is void."""
    events = tuple(Event(at_hours=at, kind="server", count=480, for_hours=0.5) for at in (1.0, 1.9))
    life = lived_through(quiet(*events), 2.05)
    assert life.keeper is not None
    assert not life.keeper.waiting
    assert (life.keeper.repaired, life.keeper.without_majority) == (0, 0)


def test_a_cell_takes_one_step_at_a_time() -> None:
    event = Event(at_hours=1.0, kind="server", count=60, for_hours=500.0)
    given = changed(quiet(event), "keeper", after_hours=0.0, step_hours=1.0, steps_per_hour=0)
    life = begun(*placed(given, volumes=200), given, Store.CELLS, 10.0, 0)
    begins: list[int] = []
    begin = Keeper._begin

    def noted(keeper: Keeper, row: int, away: int, to: int) -> None:
        assert row not in keeper.busy, "a second step began during the first"
        begins.append(row)
        begin(keeper, row, away, to)

    Keeper._begin = noted  # type: ignore[method-assign, assignment]
    try:
        life.run(lambda: None)
    finally:
        Keeper._begin = begin  # type: ignore[method-assign]
    assert max(begins.count(row) for row in begins) > 1, "some cell has two nodes to replace"


def test_a_volume_asks_for_a_copy_once() -> None:
    """Its copy is away three times, each time shorter than it waits: nothing is ever wanted."""
    events = tuple(Event(at_hours=at, kind="server", count=480, for_hours=0.2) for at in (1.0, 1.3, 1.6))
    life = lived_through(changed(quiet(*events), "mirroring", after_hours=0.5, resync_hours=0.0), 10.0, Store.ROW)
    asked: list[int] = []
    one = begun(*placed(life.scenario), life.scenario, Store.ROW, 10.0, 0)
    one.mirrors._wants(0, int(one.state.epoch[0]))
    asked += one.mirrors.waiting
    assert asked == [], "whoever has both copies wants no other"


def test_a_volume_that_waits_is_served_when_its_cell_is_repaired() -> None:
    given = changed(quiet(), "keeper", after_hours=0.0)
    life = begun(*placed(given), given, Store.CELLS, 10.0, 0)
    state, keeper = life.state, life.keeper
    assert keeper is not None
    heard: list[int] = []
    keeper.stepped = lambda rows: heard.extend(rows.tolist())
    away = int(state.cells[5, 0])
    state.dead[away] = True
    keeper.lost(away)
    life.run(lambda: None)
    assert keeper.repaired > 0
    assert 5 in heard
    assert len(heard) == keeper.repaired


def test_no_device_fails_while_it_is_down() -> None:
    site, _, _ = placed(quiet())
    slow = Failing(per_year=1.0, repair_hours=3000.0)
    down: set[str] = set()
    met = 0
    for one in changes(site, quiet(server=slow), HOURS_A_YEAR, 0):
        assert (one.device in down) != one.fails
        (down.add if one.fails else down.remove)(one.device)
        met += 1
    assert met > 100


def test_the_keeper_is_never_faster_than_its_rate() -> None:
    event = Event(at_hours=1.0, kind="server", count=60, for_hours=500.0)
    given = changed(quiet(event), "keeper", after_hours=0.0, steps_per_hour=10.0, step_hours=0.01)
    life = lived_through(given, 3.0)
    assert life.keeper is not None
    assert 18 <= life.keeper.repaired <= 20
    assert life.keeper.most_waiting > 20


def test_a_cell_without_a_majority_changes_nothing() -> None:
    event = Event(at_hours=1.0, kind="server", count=470, for_hours=100.0)
    given = changed(quiet(event), "keeper", after_hours=0.5)
    life = lived_through(given, 50.0, volumes=20)
    assert life.keeper is not None
    assert life.keeper.repaired == 0
    assert life.keeper.without_majority > 0


def test_cell_and_copies_follow_their_client() -> None:
    given = changed(quiet(), "clients", moves_per_year=12.0)
    life = lived_through(given, 2000.0, volumes=10)
    assert life.keeper is not None
    assert life.keeper.moved > 10
    state = life.state
    home = state.site.row_of[state.site.stand_of[state.clients]]
    followed = (home == home[:, :1]).all(axis=1)
    assert followed.mean() > 0.9
    near = state.site.row_of[state.site.stand_of[state.cells]] == home[:, :1]
    assert near.mean() > 0.95, near.mean()
    _room_adds_up(life)


def test_an_afternoon_without_a_core_takes_nobody_from_cells_and_many_from_one_database() -> None:
    """Each row is alone, and servers die: whoever needs its store finds it in its row, or in another one."""
    events = (Event(at_hours=2.0, kind="core", count=4, for_hours=2.0),
              Event(at_hours=2.5, kind="server", count=48, for_hours=1.0))  # fmt: skip
    given = quiet(*events)
    blast = {store: lived_through(given, 10.0, store, volumes=200).state for store in Store}
    assert blast[Store.CELLS].hours[Condition.BLAST] == 0
    site, _, fleet = placed(given, volumes=200)
    dead = [site.number[one.device] for one in changes(site, given, 10.0, 0) if one.fails and one.device in site.number]
    gone = np.isin(fleet.clients, dead)
    needy = ~gone[:, 0] & (gone[:, 1] ^ gone[:, 2])
    elsewhere = site.row_of[site.stand_of[fleet.clients[:, 0]]] != site.row_of[0]
    assert (needy & elsewhere).sum() > 5
    row = blast[Store.ROW]
    assert row.entered_blast == (needy & elsewhere).sum()
    assert row.hours[Condition.BLAST] == pytest.approx(float(row.entered_blast)), (
        "for the hour until the servers are back"
    )
    assert blast[Store.SITE].entered_blast > 5
    for state in blast.values():
        assert state.condition.max() == Condition.WHOLE, "all is well again in the end"


def test_every_store_meets_the_same_failures() -> None:
    site, _, _ = placed(quiet())
    given = quiet(server=OFTEN, rack=OFTEN)
    once, again = changes(site, given, 500.0, 3), changes(site, given, 500.0, 3)
    assert once == again
    assert once != changes(site, given, 500.0, 4)
    assert [one.at_hours for one in once] == sorted(one.at_hours for one in once)


def test_failures_are_as_frequent_as_is_said() -> None:
    site, _, _ = placed(quiet())
    counts = [
        float(sum(one.fails for one in changes(site, quiet(server=OFTEN), HOURS_A_YEAR, seed))) for seed in range(12)
    ]
    some = changes(site, quiet(server=OFTEN), HOURS_A_YEAR, 0)
    assert len({one.at_hours for one in some}) == len(some), "each at its own hours"
    exact = 480 * OFTEN.per_year * (1 - OFTEN.down)
    assert mean(counts).low - 5 < exact < mean(counts).high + 5, (mean(counts), exact)


def test_more_failures_than_devices_are_refused() -> None:
    site, _, _ = placed(quiet())
    with pytest.raises(BadScenario, match=r"event 1 fails 5 devices of kind core, but topology .* has 4."):
        changes(site, quiet(Event(at_hours=1.0, kind="core", count=5, for_hours=1.0)), 10.0, 0)


def test_nobody_moves_unless_it_is_said() -> None:
    life = lived_through(quiet(), 1000.0)
    assert (life.state.writes, life.scenario.clients) == (0, Clients(moves_per_year=0.0))
    assert life.state.hours[Condition.WHOLE] == pytest.approx(1000.0 * len(life.state.clients))


def _begins_up(failing: Failing) -> float:
    """The hours down that are missing to the long run since every server begins up: it is reached exponentially."""
    return failing.down / (failing.per_year / HOURS_A_YEAR + 1 / failing.repair_hours)


def _room_adds_up(life: Life) -> None:
    """The room that is taken is that of the copies, lost ones that wait included, and of transfers under way."""
    state = life.state
    copies = np.concatenate([state.clients[:, 1:].ravel(), state.old])
    assert life.mirrors.held.sum() == (copies >= 0).sum() + life.mirrors.copying.total()
    assert (life.mirrors.held >= 0).all()
