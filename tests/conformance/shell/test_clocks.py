"""Stories of clocks: fast, slow, and of processes that are held back. Nothing that is decided rests on a clock."""

import pytest

from conformance.shell.clients import Client
from conformance.shell.colony import Colony


@pytest.mark.parametrize("rate", [0.2, 3.0, 20.0])
def test_the_clock_of_a_leader_goes_wrong(colony: Colony, client: Client, rate: float) -> None:
    colony.clock.rate(colony.leader(), rate)
    for number in range(5):
        client.put("k", b"%d" % number)
    colony.run(5.0)
    assert client.get("k") == b"4"


@pytest.mark.parametrize("rate", [0.2, 3.0, 20.0])
def test_the_clock_of_a_follower_goes_wrong(colony: Colony, client: Client, rate: float) -> None:
    colony.clock.rate(colony.followers()[0], rate)
    for number in range(5):
        client.put("k", b"%d" % number)
    colony.run(5.0)
    assert client.get("k") == b"4"


def test_all_clocks_go_differently(colony: Colony, client: Client) -> None:
    for name, rate in zip("abc", (0.3, 1.0, 3.0), strict=True):
        colony.clock.rate(name, rate)
    colony.kill(colony.leader())
    client.put("k", b"second")
    assert client.get("k") == b"second"


def test_a_fast_clock_suspects_too_early_and_forks_nothing(colony: Colony, client: Client) -> None:
    colony.clock.rate("a", 50.0)
    colony.clock.rate("c", 50.0)
    client.put("n", 0)
    for _ in range(5):
        client.add("n")
        colony.run(0.5)
    assert client.get("n") == 5


def test_a_slow_clock_takes_longer_to_suspect(colony: Colony, client: Client) -> None:
    leader = colony.leader()
    for name in colony.followers():
        colony.clock.rate(name, 0.1)
    colony.pause(leader)
    colony.run(3.0)
    assert not colony.told("suspected")
    colony.run(5.0)
    assert colony.told("suspected")


def test_a_client_whose_clock_is_slow_is_answered_all_the_same(colony: Colony, client: Client) -> None:
    client.asks.process.clock.go(colony.simulator.now_s, 0.1)
    colony.kill(colony.leader())
    client.put("k", b"second")
    assert client.get("k") == b"second"


@pytest.mark.parametrize("turn", range(0, 60, 10))
def test_whoever_is_next_is_held_back(colony: Colony, client: Client, turn: int) -> None:
    client.put("n", 0)
    calls = [client.asks.add("n") for _ in range(4)]
    colony.simulator.held_back[colony.simulator.turns + 1 + turn] = 1.5
    for call in calls:
        call.answer()
    assert client.get("n") == 4


def test_everybody_is_held_back_now_and_then(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for turn in range(0, 600, 20):
        colony.simulator.held_back[colony.simulator.turns + 1 + turn] = 0.2
    calls = [client.asks.add("n") for _ in range(8)]
    for call in calls:
        call.answer()
    assert client.get("n") == 8
