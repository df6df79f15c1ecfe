"""Stories of members that come and go while a cell is used, and of locks that are held, lost and had again."""

import pytest

from conformance.refutation import Refuted
from conformance.shell import campaign
from conformance.shell.clocks import Clock
from conformance.shell.colony import Colony
from conformance.shell.drawing import draw
from conformance.shell.unrest.cancelling import Interruption
from physalia.client.moving import CannotMove, Mover
from physalia.lease import contender


def four(spares: int = 3) -> Colony:
    """Four servers, and a cell on three of them."""
    return Colony(servers=4, nodes=3, spares=spares)


def test_a_node_is_replaced_while_the_cell_is_written() -> None:
    with four() as colony:
        client = colony.client()
        client.put("n", 0)
        for leaves, to in (("a", "d"), ("b", "a")):
            moving = colony.moves.begin(1, leaves, to)
            while not moving.is_over:
                client.add("n")
                colony.run(0.02)
            assert moving.said == "done"
        assert client.get("n") > 10
        colony.settle()
        assert colony.mirrors[1].departed == {1, 2}
        assert colony.mirrors[1].coverage.marks["action erase"] == 2


@pytest.mark.parametrize("who", ["a", "b", "c", "d"])
@pytest.mark.parametrize("moment_s", [0.05, 0.2])
def test_a_server_dies_while_a_node_is_replaced(who: str, moment_s: float) -> None:
    with four() as colony:
        client = colony.client(deadline_s=30.0)
        client.put("n", 0)
        colony.moves.begin(1, "a", "d")
        colony.run(moment_s)
        colony.cut_power(who)
        client.add("n")
        colony.run(0.7)
        colony.restart(who)
        assert client.add("n") == 2
        colony.settle()


def test_the_leader_is_replaced() -> None:
    with four() as colony:
        client = colony.client()
        client.put("n", 0)
        leader = colony.leader()
        moving = colony.moves.begin(1, leader, "d")
        calls = [client.asks.add("n") for _ in range(8)]
        for call in calls:
            call.answer()
        moving.answer()
        assert client.add("n", 0) == 8
        assert colony.leader() != leader
        colony.settle()


@pytest.mark.parametrize("at", [1, 2, 4, 7, 10, 14, 18, 22])
def test_an_operator_gives_a_move_up_and_another_goes_on(at: int) -> None:
    """Whatever was done so far, the plan is enough."""
    with four() as colony:
        client = colony.client()
        client.put("n", 0)
        moving = colony.moves.begin(1, "a", "d")
        (move, _) = colony.moves.begun[0]
        moving.cancel()
        process = colony.process("somebody", "somebody", Clock())
        process.loop.interruptions.append(Interruption(at))
        given_up = process.start(move.go_on())
        colony.run(10.0, given_up.done)
        assert given_up.cancelled()
        client.add("n")
        colony.settle()
        assert move.is_over


def test_a_move_that_never_ends_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Mover, plan: object, **_: object) -> None:
        raise CannotMove("on purpose")

    monkeypatch.setattr(Mover, "move", never)
    with four() as colony:
        colony.client().put("n", 0)
        colony.moves.begin(1, "a", "d")
        with pytest.raises(Refuted, match="cell 1 does not move"):
            colony.settle(within_s=20.0)


def contest() -> int:
    """Two want a lock; the clock of one goes three times as fast, and the holder is cut off from everybody."""
    with Colony() as colony:
        one, other = colony.client(), colony.client()
        one.put("k", b"x")
        one.asks.lease("lock", 2.0, 3.0)
        colony.run(0.2)
        colony.clock.rate("client2", 3)
        other.asks.lease("lock", 2.0, 0.1)
        colony.run(0.3)
        for name in colony.machines:
            colony.net.cut(name, "client1")
        colony.run(6.0)
        colony.settle()
        return colony.marks["a lock was held"]


def test_a_lock_is_held_by_one_whatever_the_clocks_show() -> None:
    assert contest() == 2


def test_whoever_counts_by_a_fast_clock_alone_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contender, "CLOCKS_DIFFER", 1)
    with pytest.raises(Refuted, match="client1 still believes in it"):
        contest()


def test_moves_and_locks_are_drawn_and_replayed_to_the_byte() -> None:
    drawn = [draw(str(seed)) for seed in range(100)]
    moving = [one for one in drawn if any(event.words[0] == "move" for event in one.events)]
    holding = [one for one in drawn if any(event.words[1] == "lease" for event in one.events)]
    assert len(moving) > 4
    assert len(holding) > 8
    first = min(moving, key=lambda one: len(one.events))
    assert campaign.run(first).digest == campaign.run(first).digest
