"""Stories of the network: links that are cut, slow, deaf in one direction, and connections that end."""

import pytest

from conformance.shell import campaign
from conformance.shell.clients import Client
from conformance.shell.colony import Colony
from physalia.client import OutcomeUnknown, Unavailable
from physalia.server import reception


def test_a_leader_that_is_cut_off_is_replaced(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.isolate(leader)
    colony.client().put("k", b"second")
    assert colony.leader() != leader


def test_a_leader_that_is_cut_off_answers_nobody(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.isolate(leader)
    with pytest.raises((Unavailable, OutcomeUnknown)):
        colony.client(deadline_s=2.0, servers=leader).put("k", b"second")


def test_a_leader_that_is_cut_off_answers_no_reads(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    old = colony.client(deadline_s=1.5, servers=leader)
    old.get("k")
    colony.isolate(leader)
    colony.client().put("k", b"second")
    with pytest.raises((Unavailable, OutcomeUnknown)):
        old.get("k")


def test_what_was_under_way_on_the_wrong_side_happens_once(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    call = client.asks.add("n")
    colony.run(0.0008)
    colony.isolate(colony.leader())
    call.answer()
    assert client.get("n") == 1


def test_whoever_finds_the_wrong_side_full_finds_the_other_one(colony: Colony, client: Client) -> None:
    """A leader without the others fills its pipeline, and says so to everybody else as long as it is alone."""
    leader = colony.leader()
    asking = [colony.client(deadline_s=6.0).asks for _ in range(6)]
    for one in asking:
        one.put("k", b"first").answer()
    colony.isolate(leader)
    for call in [one.put("k", b"second") for one in asking]:
        call.answer()
    assert colony.leader() != leader


def test_a_follower_that_is_cut_off_is_not_missed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.isolate(colony.followers()[0])
    client.put("k", b"second")
    assert colony.leader() == leader


def test_a_follower_that_is_cut_off_catches_up(colony: Colony, client: Client) -> None:
    away = colony.followers()[0]
    colony.isolate(away)
    for number in range(10):
        client.put("k", b"%d" % number)
    colony.heal()
    colony.run(2.0)
    client.put("k", b"last")
    colony.run(2.0)
    assert colony.node(away).prefix == colony.node(colony.leader()).prefix


def test_a_follower_that_is_cut_off_may_lead_when_it_is_back(colony: Colony, client: Client) -> None:
    away = colony.followers()[0]
    colony.isolate(away)
    client.put("k", b"second")
    colony.run(5.0)
    colony.heal()
    colony.run(2.0)
    assert client.get("k") == b"second"
    assert colony.leader() == away, "its suspicion was wrong, and cost the leader its place: no more than that"


def test_a_short_cut_is_not_noticed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.isolate(leader)
    colony.run(0.2)
    colony.heal()
    client.put("k", b"second")
    assert colony.leader() == leader
    assert not colony.told("suspected")


def test_what_waits_on_a_cut_link_arrives_when_it_is_whole(colony: Colony, client: Client) -> None:
    colony.net.cut("client1", colony.leader())
    call = client.asks.put("k", b"second")
    colony.run(0.3)
    assert call.said == "waiting"
    colony.heal()
    call.answer(1.0)


def test_a_client_that_reaches_only_followers_is_told_in_time(colony: Colony, client: Client) -> None:
    lonely = colony.client(deadline_s=3.0)
    colony.net.cut("client2", colony.leader())
    with pytest.raises((Unavailable, OutcomeUnknown)):
        lonely.put("k", b"second")


def test_a_link_between_two_followers_is_not_needed(colony: Colony, client: Client) -> None:
    colony.net.cut(*colony.followers())
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_a_link_between_a_leader_and_one_follower_is_not_needed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.net.cut(leader, colony.followers()[0])
    colony.run(2.0)
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_a_leader_that_hears_nobody_is_replaced(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.net.cut(name, leader, both_ways=False)
    colony.client().put("k", b"second")
    assert colony.leader() != leader


def test_a_leader_that_nobody_hears_is_replaced(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.net.cut(leader, name, both_ways=False)
    colony.client().put("k", b"second")
    assert colony.leader() != leader


def test_a_client_that_hears_no_answers_does_nothing_twice(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for name in "abc":
        colony.net.cut(name, "client1", both_ways=False)
    call = client.asks.add("n")
    colony.run(3.0)
    assert call.said == "waiting"
    colony.heal()
    call.answer()
    assert client.get("n") == 1


def test_a_client_that_gives_up_does_nothing_twice(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    deaf = colony.client(deadline_s=2.0)
    for name in "abc":
        colony.net.cut(name, "client2", both_ways=False)
    with pytest.raises(Unavailable):
        deaf.add("n")
    assert client.get("n") in (0, 1)


def test_a_connection_that_ends_loses_no_answer(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    calls = [client.asks.add("n") for _ in range(5)]
    colony.run(0.0015)
    colony.net.reset("client1", colony.leader())
    for call in calls:
        call.answer()
    assert client.get("n") == 5


def test_connections_between_servers_end(colony: Colony, client: Client) -> None:
    for one, other in ("ab", "bc", "ca"):
        call = client.asks.put("k", one.encode())
        colony.run(0.001)
        colony.net.reset(one, other)
        call.answer()
    assert client.get("k") == b"c"


def test_connections_end_all_the_time(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for _ in range(8):
        call = client.asks.add("n")
        colony.run(0.001)
        for one, other in ("ab", "bc", "ca"):
            colony.net.reset(one, other)
        call.answer()
    assert client.get("n") == 8


def test_slow_links_are_only_slow(colony: Colony, client: Client) -> None:
    for one in "abc":
        for other in "abc":
            colony.net.slow(one, other, 0.1)
    before_s = colony.simulator.now_s
    client.put("k", b"second")
    assert 0.2 < colony.simulator.now_s - before_s < 1.0
    assert not colony.told("suspected")


def test_a_link_that_is_slower_than_patience_makes_suspicious(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.net.slow(leader, name, 2.0)
    client.put("k", b"second")
    assert colony.told("suspected")


def test_two_halves_of_five(five: Colony) -> None:
    leader = five.leader()
    others = five.followers()
    for name in others[1:]:
        five.net.cut(leader, name)
        five.net.cut(others[0], name)
    five.client().put("k", b"second")
    assert five.leader() in others[1:]


def test_the_smaller_half_of_five_does_nothing(five: Colony) -> None:
    few, many = ("a", "b"), ("c", "d", "e")
    for one in few:
        for other in many:
            five.net.cut(one, other)
    five.run(2.0)
    with pytest.raises((Unavailable, OutcomeUnknown)):
        five.client(deadline_s=2.0, servers="ab").put("k", b"second")


def test_a_chain_of_five_still_works(five: Colony) -> None:
    for one, other in ("ac", "ad", "ae", "bd", "be", "ce"):
        five.net.cut(one, other)
    five.run(2.0)
    client = five.client(deadline_s=60.0)
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_cuts_move_around(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for name in "abcabc":
        colony.isolate(name)
        call = client.asks.add("n")
        colony.run(1.0)
        colony.heal()
        call.answer()
    assert client.get("n") == 6


def test_all_links_are_cut_and_whole_again(colony: Colony, client: Client) -> None:
    call = client.asks.put("k", b"second")
    for name in "abc":
        colony.isolate(name)
    colony.run(4.0)
    assert call.said == "waiting"
    colony.heal()
    call.answer()


def test_a_killed_server_behind_a_cut_is_not_heard_of(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.isolate(leader)
    colony.kill(leader)
    colony.client().put("k", b"second")
    colony.heal()
    colony.restart(leader)
    assert colony.client().get("k") == b"second"


def test_whoever_swallows_what_is_said_to_it_costs_one_attempt_each(colony: Colony) -> None:
    """Nobody refuses to be dialled there, and nobody answers: others are asked before the dialling is given up."""
    colony.client().put("k", b"v")
    for number in (2, 3, 4):
        for name in colony.followers():
            colony.net.cut(f"client{number}", name)
        before_s = colony.simulator.now_s
        assert colony.client().get("k") == b"v"
        assert colony.simulator.now_s - before_s < 3.0


def test_the_kept_run_shows_a_read_that_nobody_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    script = dict(campaign.kept())["a-leader-that-is-cut-off-shows-nothing"]
    result = campaign.run(script)
    assert result.refuted is None
    assert all(result.marks[mark] for mark in ("a majority was cut off", "action consult", "action serve"))
    monkeypatch.setattr(reception, "needs_round", lambda _: False)
    refuted = campaign.run(script).refuted
    assert refuted is not None
    assert "what clients saw of cell 1" in refuted.title
