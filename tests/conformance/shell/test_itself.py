"""What the link shell tries by itself: what disturbs its runs, and strangers. Where that fails, the link says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from conformance.links import Profile, Settings, Silence, Verdict
from conformance.refutation import Refuted
from conformance.shell import campaign, link
from conformance.shell.clocks import Clock
from conformance.shell.colony import Colony
from conformance.shell.faults import Clocks
from conformance.shell.script import read
from conformance.shell.tried import itself, strangers
from conformance.shell.tried.saying import MAY_SAY, every_kind
from conformance.shell.unrest.cancelling import Interrupted
from conformance.shell.unrest.moving import Move
from conformance.shell.unrest.priorities import Priorities, Ready
from physalia.client import AsyncClient
from physalia.client.moving import Mover
from physalia.journal import NodeKey
from physalia.model import Envelope, Traffic
from physalia.server.nodes import Nodes


def in_order(_self: Priorities, waiting: list[Ready]) -> Ready:
    return min(waiting, key=lambda one: one.since)


def never_third(self: Interrupted, what: Any) -> Any:
    self.awaits += 1
    if self.awaits == self.interruption.at != 3:
        self.task.cancel()  # type: ignore[union-attr]
    return what


def no_rate(self: Clock, true_s: float, _rate: float) -> None:
    self.shown_s, self.true_s = self.shows_s(true_s), true_s


async def nothing(*_: object, **__: object) -> None:
    """An operator is content."""


FAULTS: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "order": (Priorities, "_next", in_order),
    "cancellation": (Interrupted, "_waits_for", never_third),
    "clocks": (Clock, "go", no_rate),
    "moves": (Mover, "move", nothing),
}


def test_what_disturbs_runs_does_what_it_says() -> None:
    assert list(itself.faults()) == [(name, None) for name in itself.PARTS]


@pytest.mark.parametrize("part", FAULTS)
def test_what_disturbs_nothing_is_refuted(monkeypatch: pytest.MonkeyPatch, part: str, tmp_path: Path) -> None:
    monkeypatch.setattr(*FAULTS[part])
    assert [name for name, refuted in itself.faults() if refuted is not None] == [part]
    report = link.run(Settings(profile=Profile.QUICK, models=("itself",)), Silence(), tmp_path)
    assert report.verdict is Verdict.REFUTED


@pytest.mark.parametrize("how", ["at", "late at"])
def test_each_await_is_tried(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    real = Interrupted._waits_for

    def spares(self: Interrupted, what: Any) -> Any:
        is_spared = self.interruption.at == itself.AWAITS and self.interruption.is_late is (how == "late at")
        return what if is_spared else real(self, what)

    monkeypatch.setattr(Interrupted, "_waits_for", spares)
    assert f"cancelled {how} its await {itself.AWAITS} of {itself.AWAITS} went on" in itself.cancellation()


def test_a_move_that_is_over_and_moved_nothing_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mover, "move", nothing)
    with Colony(servers=4, nodes=3, spares=1) as colony:
        colony.client().put("n", 0)
        colony.moves.begin(1, "a", "d")
        with pytest.raises(Refuted, match="a move of cell 1 is over, and node 1 has not left it"):
            colony.settle()


def test_a_move_that_never_begins_is_told_from_one_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Move) -> None:
        self.is_over = True

    monkeypatch.setattr(Move, "go_on", never)
    assert "those that left are none" in itself.moves()


SCRIPT = """
colony seed marks servers 3 cells 1
0.0 client1 put k v cell 1
0.1 client1 give-up now {awaits} cell 1
0.2 client1 put k w cell 1
0.3 rate a {rate}
0.4 priorities {depth} 800
0.5 client1 put k x cell 1
0.6 client1 put k y cell 1
"""


def marks_of(**given: int) -> set[str]:
    result = campaign.run(read(SCRIPT.format(**given), "it"))
    assert result.refuted is None
    return set(result.marks)


def test_marks_tell_what_happened_and_not_what_was_meant_to() -> None:
    marks = {"a client gave up at an await", "a clock went at a rate of its own", "a task was preempted"}
    assert marks_of(awaits=1, rate=3, depth=200) >= marks
    assert not marks_of(awaits=10_000, rate=1, depth=1) & marks


def test_a_clock_that_is_told_no_rate_leaves_no_mark() -> None:
    with Colony() as colony:
        Clocks(colony).rate("a", 1.0)
        assert not colony.marks["a clock went at a rate of its own"]


def test_strangers_are_turned_away() -> None:
    assert [(what, refuted) for what, refuted in strangers.faults() if refuted is not None] == []
    assert {one.refused for one in strangers.STRANGERS} == {"", "server", "role"}
    assert {one.counted.rpartition(" ")[0] for one in strangers.STRANGERS} == {
        "", "impostors", "strangers", "not of this cell", "another cell or life",
    }  # fmt: skip


def test_strangers_say_everything_that_there_is_to_say() -> None:
    said = [type(one) for one in every_kind(NodeKey(1, 1, 1))]
    assert set(said) == set(get_args(Traffic))
    assert {kind.__name__ for kind in said} > MAY_SAY.keys()


def test_a_server_that_believes_every_server_is_refuted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = Nodes.receive

    def believes(self: Nodes, server: int, envelope: Envelope) -> None:
        hosted = self.host.find(envelope.origin, envelope.to)
        real(self, server if hosted is None else hosted.homes[envelope.origin.node], envelope)

    monkeypatch.setattr(Nodes, "receive", believes)
    report = link.run(Settings(profile=Profile.QUICK, models=("strangers",)), Silence(), tmp_path)
    assert report.verdict is Verdict.REFUTED
    assert "carries what a node of another one says is heard by a node" in report.failures[0].title


def test_a_client_that_waits_past_its_deadline_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = AsyncClient._answered
    monkeypatch.setattr(AsyncClient, "_answered", lambda self, question, effort, _: real(self, question, effort, 60.0))
    with Colony() as colony:
        client = colony.client(deadline_s=1.0)
        for name in "abc":
            colony.net.cut("client1", name)
        client.asks.get("k")
        colony.run(5.0)
        colony.heal()
        with pytest.raises(Refuted, match=r"client1 was told .* and it had 1\.0 s for that"):
            colony.run(10.0)


def test_who_is_held_back_is_not_late() -> None:
    with Colony() as colony:
        client = colony.client(deadline_s=1.0)
        client.put("k", b"v")
        client.asks.get("k")
        for turn in range(400):
            colony.simulator.held_back[colony.simulator.turns + 1 + turn] = 0.05
        colony.run(60.0)
        assert client.asks.process.clock_s() - client.asks.process.awake_s() > 1.0


def test_who_is_held_back_already_is_not_counted_as_awake() -> None:
    """What is asked while its client is held back begins when that is over."""
    with Colony() as colony:
        client = colony.client(deadline_s=1.0)
        client.put("k", b"v")
        process = client.asks.process
        before_s = process.awake_s()
        process.hold(5.0)
        assert process.awake_s() == before_s
        for name in "abc":
            colony.net.cut("client1", name)
        call = client.asks.get("k")
        colony.run(3.0)
        assert process.awake_s() == before_s
        colony.run(5.0)
        assert call.said == "Unavailable"
        assert process.awake_s() == pytest.approx(before_s + 3.0)
        colony.heal()
