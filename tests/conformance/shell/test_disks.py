"""Stories of disks: flushes that fail, disks that are full or slow, and power that goes."""

import pytest

from conformance.shell.clients import Client
from conformance.shell.colony import Colony

QUICK_S = 0.0002


def test_a_server_whose_flush_fails_ends(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.fail_flush(leader)
    client.put("k", b"second")
    assert not colony.machines[leader].is_up
    assert client.get("k") == b"second"


def test_a_follower_whose_flush_fails_is_not_missed(colony: Colony, client: Client) -> None:
    leader, follower = colony.leader(), colony.followers()[0]
    colony.disk.fail_flush(follower)
    client.put("k", b"second")
    colony.run(0.1)
    assert not colony.machines[follower].is_up
    assert colony.leader() == leader


def test_nothing_leaves_a_server_whose_flush_failed(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    before = colony.machines[leader].server.links.carried  # type: ignore[union-attr]
    colony.disk.fail_flush(leader)
    client.asks.put("k", b"second")
    colony.run(0.02)
    carried = colony.machines[leader].server.links.carried - before  # type: ignore[union-attr]
    assert carried <= 2, "the proposals, which wait for nothing, and no other message"


def test_a_server_comes_back_after_a_failed_flush(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.fail_flush(leader)
    client.put("k", b"second")
    colony.restart(leader)
    colony.run(2.0)
    client.put("k", b"third")
    colony.run(0.1)
    assert colony.node(leader).prefix == colony.node(colony.leader()).prefix


def test_a_restart_writes_anew_what_a_failed_flush_left(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.fail_flush(leader)
    call = client.asks.put("k", b"second")
    colony.run(0.05)
    colony.restart(leader)
    colony.run(0.5)
    colony.cut_power(leader)
    call.answer()
    colony.restart(leader)
    assert client.get("k") == b"second"


def test_the_flushes_of_all_fail_one_after_the_other(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.fail_flush(name)
        call = client.asks.put("k", name.encode())
        colony.run(3.0)
        if not colony.machines[name].is_up:
            colony.restart(name)
        call.answer()
    assert client.get("k") == b"c"


def test_the_flushes_of_all_fail_at_once(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.fail_flush(name)
    call = client.asks.put("k", b"second")
    colony.run(1.0)
    assert not any(colony.machines[name].is_up for name in "abc")
    for name in "abc":
        colony.restart(name)
    call.answer()
    assert client.get("k") == b"second"


def test_whoever_asked_is_not_told_before_the_flush(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.slow(name, 0.4)
    before_s = colony.simulator.now_s
    client.put("k", b"second")
    assert colony.simulator.now_s - before_s > 0.4


def test_a_full_disk_of_a_follower_is_not_missed(colony: Colony, client: Client) -> None:
    leader, follower = colony.leader(), colony.followers()[0]
    colony.disk.fill(follower)
    client.put("k", b"2" * 5000)
    assert colony.leader() == leader
    assert colony.marks["a disk refused what a node wrote"]


def test_a_leader_with_a_full_disk_is_replaced(colony: Colony, client: Client) -> None:
    """A server that could write nothing went on leading, and its cells did nothing as long as its disk was full."""
    leader = colony.leader()
    colony.disk.fill(leader)
    client.put("k", b"2" * 5000)
    assert colony.leader() not in ("", leader)
    assert colony.machines[leader].is_up


def test_a_disk_with_room_again_takes_part_again(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.fill(leader)
    client.put("k", b"2" * 5000)
    colony.disk.free(leader)
    client.put("k", b"third")
    colony.run(3.0)
    assert colony.node(leader).prefix == colony.node(colony.leader()).prefix
    assert not colony.machines[leader].server.nodes.host.journal.full  # type: ignore[union-attr]


def test_two_full_disks_of_three_stop_the_cell_and_lose_nothing(colony: Colony, client: Client) -> None:
    for name in "ab":
        colony.disk.fill(name)
    call = client.asks.put("k", b"2" * 5000)
    colony.run(3.0)
    assert call.said == "waiting"
    for name in "ab":
        colony.disk.free(name)
    call.answer()


def test_all_disks_are_full_and_have_room_again(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.fill(name)
    call = client.asks.put("k", b"2" * 5000)
    colony.run(2.0)
    for name in "abc":
        colony.disk.free(name)
    call.answer()
    assert client.get("k") == b"2" * 5000


def test_a_full_disk_is_no_reason_to_end(colony: Colony, client: Client) -> None:
    colony.disk.fill("a")
    client.put("k", b"2" * 5000)
    colony.run(2.0)
    assert colony.machines["a"].is_up


def test_a_server_with_a_full_disk_is_killed_and_started(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.fill(leader)
    client.put("k", b"2" * 5000)
    colony.kill(leader)
    colony.disk.free(leader)
    colony.restart(leader)
    assert client.get("k") == b"2" * 5000


def test_a_slow_disk_of_a_follower_slows_nobody(colony: Colony, client: Client) -> None:
    colony.disk.slow(colony.followers()[0], 0.3)
    before_s = colony.simulator.now_s
    client.put("k", b"second")
    assert colony.simulator.now_s - before_s < 0.1


def test_a_slow_disk_of_the_leader_is_waited_for_in_a_thread(colony: Colony, client: Client) -> None:
    colony.disk.slow(colony.leader(), 0.2)
    for number in range(4):
        client.put("k", b"%d" % number)
    assert colony.marks["a flush waited in a thread"]
    assert client.get("k") == b"3"


def test_nodes_go_on_beside_a_flush(colony: Colony, client: Client) -> None:
    colony.disk.slow(colony.leader(), 0.2)
    client.put("k", b"second")
    calls = [client.asks.put(f"k{number}", b"v") for number in range(4)]
    for call in calls:
        call.answer()
    assert client.get("k0") == b"v"


def test_a_server_is_killed_while_its_flush_is_under_way(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.slow(leader, 0.2)
    client.put("k", b"second")
    call = client.asks.put("k", b"third")
    colony.run(0.1)
    colony.kill(leader)
    call.answer()
    colony.restart(leader)
    assert client.get("k") == b"third"


def test_the_power_goes_while_a_flush_is_under_way(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.slow(name, 0.2)
    client.put("k", b"second")
    call = client.asks.put("k", b"third")
    colony.run(0.3)
    for name in "abc":
        colony.cut_power(name)
    for name in "abc":
        colony.restart(name)
    colony.run(10.0)
    call.answer()
    assert client.get("k") == b"third"


def test_a_disk_is_slow_and_quick_again(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    colony.disk.slow(leader, 0.2)
    for number in range(3):
        client.put("k", b"%d" % number)
    colony.disk.slow(leader, QUICK_S)
    for number in range(20):
        client.put("k", b"%d" % number)
    waited = colony.marks["a flush waited in a thread"]
    client.put("k", b"last")
    assert colony.marks["a flush waited in a thread"] == waited, "it trusts its disk again"


def test_a_disk_that_is_slower_than_patience_makes_no_fork(colony: Colony, client: Client) -> None:
    for name in "abc":
        colony.disk.slow(name, 0.4)
    patient = colony.client(deadline_s=60.0)
    patient.put("k", b"second")
    assert patient.get("k") == b"second"


@pytest.mark.parametrize("name", "abc")
def test_power_goes_and_comes_while_somebody_writes(colony: Colony, client: Client, name: str) -> None:
    client.put("n", 0)
    calls = [client.asks.add("n") for _ in range(6)]
    colony.run(0.004)
    colony.cut_power(name)
    colony.run(0.5)
    colony.restart(name)
    for call in calls:
        call.answer()
    assert client.get("n") == 6


@pytest.mark.parametrize("name", "abc")
def test_a_failed_flush_before_all_power_goes(colony: Colony, client: Client, name: str) -> None:
    colony.disk.fail_flush(name)
    call = client.asks.put("k", b"second")
    colony.run(0.02)
    for each in "abc":
        if colony.machines[each].is_up:
            colony.cut_power(each)
    for each in "abc":
        colony.restart(each)
    call.answer()
    assert client.get("k") == b"second"
