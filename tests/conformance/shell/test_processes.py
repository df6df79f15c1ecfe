"""Stories of processes: killed, without power, paused, asked to end, started again."""

import pytest

from conformance.shell.clients import Client
from conformance.shell.colony import Colony
from physalia.client import OutcomeUnknown, Unavailable


def test_a_cell_has_a_leader_when_somebody_asks(colony: Colony) -> None:
    assert colony.leader() == ""
    colony.client().put("k", b"v")
    assert colony.leader() == "b"


def test_what_was_put_is_there(colony: Colony, client: Client) -> None:
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_another_client_reads_what_was_put(colony: Colony, client: Client) -> None:
    client.put("k", b"second")
    assert colony.client().get("k") == b"second"


def test_a_killed_leader_is_replaced(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.kill(leader)
    client.put("k", b"second")
    assert colony.leader() not in ("", leader)


def test_a_killed_follower_is_not_missed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.kill(colony.followers()[0])
    client.put("k", b"second")
    assert colony.leader() == leader


def test_a_killed_leader_comes_back_as_a_follower(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.kill(leader)
    client.put("k", b"second")
    colony.restart(leader)
    colony.run(2.0)
    client.put("k", b"third")
    colony.run(0.1)
    assert colony.leader() != leader
    assert colony.node(leader).prefix == colony.node(colony.leader()).prefix


def test_a_killed_leader_leads_again_if_nobody_noticed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.kill(leader)
    colony.restart(leader)
    assert client.get("k") == b"first"
    assert colony.leader() == leader


def test_nothing_is_lost_when_the_power_of_the_leader_goes(colony: Colony, client: Client) -> None:
    client.put("k", b"second")
    colony.cut_power(colony.leader())
    assert client.get("k") == b"second"


def test_nothing_is_lost_when_all_power_goes(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.cut_power(name)
    colony.run(1.0)
    for name in "abc":
        colony.restart(name)
    assert client.get("k") == b"first"


def test_nothing_is_lost_when_all_are_killed(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.kill(name)
    for name in "abc":
        colony.restart(name)
    assert client.get("k") == b"first"


def test_the_power_goes_while_much_is_under_way(colony: Colony, client: Client) -> None:
    calls = [client.asks.put(f"k{number}", b"v") for number in range(8)]
    colony.run(0.003)
    colony.cut_power(colony.leader() or "b")
    for call in calls:
        call.answer()
    assert all(client.get(f"k{number}") == b"v" for number in range(8))


def test_a_leader_dies_again_and_again(colony: Colony, client: Client) -> None:
    for number in range(3):
        leader = colony.leader()
        colony.kill(leader)
        client.put("k", b"%d" % number)
        colony.restart(leader)
        colony.run(1.5)
    assert client.get("k") == b"2"


def test_without_a_majority_nothing_is_done(colony: Colony, client: Client) -> None:
    colony.kill("a")
    colony.kill("b")
    call = colony.client(deadline_s=3.0).asks.put("k", b"second")
    with pytest.raises((Unavailable, OutcomeUnknown)):
        call.answer()


def test_a_majority_that_is_back_goes_on(colony: Colony, client: Client) -> None:
    colony.kill("a")
    colony.kill("b")
    call = client.asks.put("k", b"second")
    colony.run(3.0)
    assert call.said == "waiting"
    colony.restart("a")
    call.answer()
    assert client.get("k") == b"second"


def test_two_of_five_may_die(five: Colony) -> None:
    client = five.client()
    five.kill(five.leader())
    five.kill(five.followers()[0])
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_three_of_five_may_not(five: Colony) -> None:
    for name in "abc":
        five.kill(name)
    with pytest.raises((Unavailable, OutcomeUnknown)):
        five.client(deadline_s=3.0).put("k", b"second")


def test_leaders_die_one_after_the_other(five: Colony) -> None:
    client = five.client()
    for number in range(2):
        five.kill(five.leader())
        client.put("k", b"%d" % number)
    assert client.get("k") == b"1"


def test_a_paused_leader_is_replaced(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.pause(leader)
    client.put("k", b"second")
    assert colony.leader() != leader


def test_a_paused_leader_does_not_believe_in_itself_for_long(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.pause(leader)
    client.put("k", b"second")
    colony.resume(leader)
    assert colony.client(servers=leader).get("k") == b"second"


def test_a_short_pause_changes_nothing(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.pause(leader)
    colony.run(0.2)
    colony.resume(leader)
    client.put("k", b"second")
    assert colony.leader() == leader
    assert not colony.told("suspected")


def test_everybody_pauses(colony: Colony, client: Client) -> None:
    call = client.asks.put("k", b"second")
    for name in "abc":
        colony.pause(name)
    colony.run(5.0)
    for name in "cba":
        colony.resume(name)
    call.answer()
    assert client.get("k") == b"second"


def test_a_server_that_is_asked_to_end_answers_first(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    calls = [client.asks.put(f"k{number}", b"v") for number in range(4)]
    colony.run(0.0012)
    colony.stop(leader)
    colony.run(3.0)
    assert not colony.machines[leader].is_up
    assert colony.told("draining", leader) == 1
    assert [call.said for call in calls] == ["done"] * 4


def test_a_server_that_is_asked_twice_ends_at_once(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.pause(name)
    call = client.asks.put("k", b"second")
    colony.run(0.01)
    colony.stop(leader, again=True)
    colony.run(0.2)
    assert not colony.machines[leader].is_up
    assert call.said == "waiting"


def test_a_server_that_drains_takes_nothing_new(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.pause(name)
    waiting = client.asks.put("k", b"second")
    colony.run(0.05)
    colony.stop(leader)
    colony.run(0.05)
    late = colony.client(deadline_s=1.0, servers=leader)
    with pytest.raises(Unavailable):
        late.put("k", b"late")
    assert waiting.said == "waiting"


@pytest.mark.parametrize("name", "abc")
def test_rolling_restart(colony: Colony, client: Client, name: str) -> None:
    colony.stop(name)
    colony.run(3.0)
    colony.restart(name)
    client.put("k", name.encode())
    assert client.get("k") == name.encode()


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_where_nobody_listens_any_more_nobody_is_waited_for(colony: Colony, client: Client, ends: str) -> None:
    leader = colony.leader()
    getattr(colony, ends)(leader)
    begin_s = colony.simulator.now_s
    client.put("k", b"second")
    took_s = colony.simulator.now_s - begin_s
    assert colony.leader() not in ("", leader)
    assert took_s < 0.3, "half of what silence would have to last to be suspected"


def test_a_server_that_is_back_is_trusted_as_soon_as_it_says_so(colony: Colony, client: Client) -> None:
    """It was away for so long that it is dialled rarely."""
    away = colony.leader()
    colony.kill(away)
    client.put("k", b"second")

    def all_trust() -> bool:
        servers = [colony.machines[one].server for one in "abc"]
        return all(server is not None and not server.suspicion.suspected for server in servers)

    for _ in range(5):
        colony.run(20.0)
        assert not all_trust()
        colony.restart(away)
        assert colony.run(0.1, all_trust)
        colony.kill(away)
    colony.restart(away)


def test_all_are_restarted_one_after_the_other_under_load(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for name in "abc":
        calls = [client.asks.add("n") for _ in range(3)]
        colony.stop(name)
        colony.run(4.0)
        colony.restart(name)
        colony.run(1.0)
        for call in calls:
            call.answer()
    assert client.get("n") == 9


def test_a_server_that_was_away_learns_what_it_missed(colony: Colony, client: Client) -> None:
    away = colony.followers()[0]
    colony.kill(away)
    for number in range(20):
        client.put("k", b"%d" % number)
    colony.restart(away)
    client.put("k", b"last")
    colony.run(3.0)
    assert colony.node(away).prefix == colony.node(colony.leader()).prefix


def test_whoever_was_away_longest_may_lead_next(colony: Colony, client: Client) -> None:
    away = colony.followers()[0]
    colony.kill(away)
    for number in range(5):
        client.put("k", b"%d" % number)
    colony.restart(away)
    colony.run(2.0)
    for name in "abc":
        if name != away:
            colony.kill(name)
    colony.restart(next(name for name in "abc" if name != away))
    assert client.get("k") == b"4"


def test_whoever_was_away_longer_than_logs_are_kept_is_taught_a_snapshot() -> None:
    with Colony(log_slots=4) as colony:
        client = colony.client()
        client.put("n", 0)
        leader, away = colony.leader(), colony.followers()[0]
        colony.kill(away)
        for _ in range(30):
            client.add("n")
        colony.restart(away)
        client.add("n")
        colony.run(2.0)
        colony.kill(leader)
        assert client.get("n") == 31
        assert colony.mirrors[1].coverage.marks["action install"]
        colony.settle()
