"""Stories of nodes that leave memory, and come back when somebody speaks to them."""

import pytest

from conformance.shell.colony import Colony


def test_nodes_at_rest_leave_memory(cold: Colony) -> None:
    cold.client().put("k", b"v")
    cold.run(5.0)
    assert [cold.node(name) for name in "abc"] == [None] * 3


def test_a_node_that_was_dropped_knows_all(cold: Colony) -> None:
    client = cold.client()
    client.put("k", b"v")
    cold.run(5.0)
    assert client.get("k") == b"v"
    assert cold.marks["a node was read again"]


def test_nodes_are_dropped_and_read_all_the_time(cold: Colony) -> None:
    client = cold.client()
    client.put("n", 0)
    for _ in range(5):
        cold.run(3.0)
        client.add("n")
    assert client.get("n") == 5
    assert cold.marks["a node was read again"] > 5


def test_a_leader_that_was_dropped_leads_again_under_a_new_ballot(cold: Colony) -> None:
    client = cold.client()
    client.put("k", b"v")
    leader = cold.leader()
    before = cold.node(leader).active
    cold.run(5.0)
    client.put("k", b"w")
    assert cold.node(cold.leader()).active > before


@pytest.mark.parametrize("name", "abc")
def test_a_server_dies_while_its_nodes_are_at_rest(cold: Colony, name: str) -> None:
    client = cold.client()
    client.put("k", b"v")
    cold.run(5.0)
    cold.kill(name)
    assert client.get("k") == b"v"


def test_whoever_is_cut_off_owes_an_answer_and_its_leader_stays(cold: Colony) -> None:
    client = cold.client()
    client.put("k", b"v")
    follower = cold.followers()[0]
    cold.isolate(follower)
    client.put("k", b"w")
    cold.run(5.0)
    assert cold.node(cold.leader()) is not None
    cold.heal()
    cold.run(5.0)
    assert client.get("k") == b"w"


def test_the_power_goes_while_nodes_are_at_rest(cold: Colony) -> None:
    client = cold.client()
    client.put("k", b"v")
    cold.run(5.0)
    for name in "abc":
        cold.cut_power(name)
    for name in "abc":
        cold.restart(name)
    assert client.get("k") == b"v"


def test_two_cells_come_and_go_by_themselves(cold: Colony) -> None:
    client = cold.client()
    for number in range(4):
        client.put("k", b"%d" % number, cell=1 + number % 2)
        cold.run(1.0)
    assert client.get("k", cell=1) == b"2"
    assert client.get("k", cell=2) == b"3"


def test_a_stale_read_wakes_a_node(cold: Colony) -> None:
    client = cold.client()
    client.put("k", b"v")
    cold.run(5.0)
    assert cold.client().peek("k") in (b"v", None)
