"""The link itself: one seed is one run, what is wrong is refuted, shrunk and replayed, and nothing passes unseen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from conformance.refutation import How, Refuted
from conformance.shell import campaign, link
from conformance.shell.colony import Colony
from conformance.shell.drawing import draw
from conformance.shell.mirror import Mirror
from conformance.shell.script import Event, Script, read
from physalia.model import Ballot, Known, NoOp, Vote
from physalia.server import leadership
from physalia.server.disk import Disk
from physalia.server.suspicion import Suspicion
from physalia.wire import encode_record

SMALL = """
colony seed small servers 3 cells 1
0.0 client1 count count 0 cell 1
0.2 client1 add count 1 cell 1
0.4 kill a
0.5 client2 add count 1 cell 1
0.9 start a
"""
PROGRAM = """
from conformance.shell import campaign
from conformance.shell.drawing import draw
print(campaign.run(draw("3")).digest)
"""


def test_two_runs_of_one_seed_are_the_same_bytes() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_is_another_run() -> None:
    script = read(SMALL, "small")
    first, again = campaign.run(script), campaign.run(script)
    assert first.digest == again.digest
    assert campaign.run(evolve(script, seed="other")).digest != first.digest


def test_a_drawn_run_is_read_back_as_it_was_written() -> None:
    for seed in range(20):
        script = draw(str(seed))
        again = read(script.text(), "it")
        assert again.text() == script.text()


def test_what_was_kept_holds() -> None:
    results = [campaign.run(script) for _, script in campaign.kept()]
    assert len(results) >= 7
    assert all(result.refuted is None for result in results)


def test_a_fault_is_refuted_shrunk_kept_and_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def early(self: Disk, batch: object, journal: object) -> None:
        del self, journal
        batch.safe = list(batch.waiting)  # type: ignore[attr-defined]

    monkeypatch.setattr(Disk, "write", early)
    result = campaign.run(read(SMALL, "small"))
    assert result.refuted is not None
    assert result.refuted.how is How.JUDGED
    shortest = campaign.shrink(result, 5.0, lambda _tried, _events: None)
    assert len(shortest.script.events) <= 1
    script = campaign.keep(shortest, tmp_path)
    assert campaign.main(script.with_name("script.txt")) == 1
    monkeypatch.undo()
    assert campaign.main(script.with_name("script.txt")) == 0


def test_clients_that_share_a_name_are_refuted_by_their_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("physalia.client.asynchronous.secrets.token_hex", lambda _size: "same")
    result = campaign.run(read(SMALL.replace("0.5 client2", "0.2 client2"), "small"))
    assert result.refuted is not None


def nobody_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is gone is never suspected, and waited for ever."""
    monkeypatch.setattr(Suspicion, "fresh", lambda *_: [])
    monkeypatch.setattr(leadership, "MUTE_S", float("inf"))


def test_a_colony_that_does_not_come_to_rest_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_takes_over(monkeypatch)
    result = campaign.run(dict(campaign.kept())["a-full-disk"])
    assert result.refuted is not None
    assert "the trouble is over" in result.refuted.title


def test_a_server_that_ends_by_itself_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[int]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Suspicion, "fresh", broken)
    result = campaign.run(read(SMALL, "small"))
    assert result.refuted is not None
    assert result.refuted.how is How.RAISED
    assert "on purpose" in result.refuted.title


def came_back_with(kept: Callable[[list[bytes]], list[bytes]]) -> str:
    """What is said of a node that comes back with something else than is on its disk."""
    with Colony() as colony:
        colony.client().put("k", b"v")
        mirror = colony.mirrors[1]
        data = list(mirror.disks[2].data)
        with pytest.raises(Refuted) as raised:
            mirror.came(2, colony.node("b"), kept(data))
    return raised.value.title


def test_a_node_that_comes_back_with_less_than_was_flushed_is_refuted() -> None:
    assert "without" in came_back_with(lambda data: data[:1])


def test_a_node_that_comes_back_with_what_it_did_not_write_is_refuted() -> None:
    assert "did not write" in came_back_with(lambda data: [*data, encode_record(Known(9, NoOp()))])


def test_a_message_that_rests_on_nothing_is_refuted_when_it_leaves() -> None:
    mirror = Mirror(1, 3, frozenset({1, 2, 3}), 3)
    with pytest.raises(Refuted, match="before what it depends on is durable"):
        mirror.left(1, Vote(Ballot(1, 2), 1, 1))


def test_what_was_never_reached_is_inconclusive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(link, "draw", lambda seed: Script(seed, {"servers": 3}, ()))
    monkeypatch.setattr(campaign, "kept", lambda: iter(()))
    monkeypatch.setitem(link.RUNS_OF, Profile.QUICK, 1)
    report = link.run(Settings(profile=Profile.QUICK), Silence(), tmp_path)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "never: a server was killed" in report.failures[0].lines


def test_a_refuted_run_is_told_with_its_replay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nobody_takes_over(monkeypatch)
    monkeypatch.setattr(
        campaign, "kept", lambda kept=campaign.kept: ((name, one) for name, one in kept() if name == "a-full-disk")
    )
    report = link.run(Settings(profile=Profile.QUICK, shrink_s=0.0), Silence(), tmp_path)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert failure.how == How.JUDGED
    assert failure.replay.startswith(f"python {tmp_path}")
    assert (tmp_path / "latest" / "script.txt").is_file()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no line such as"),
        ("colony seed 1 servers 3\n1.0 explode a", "explode is no event"),
        ("colony seed 1 servers 3\n1.0 cut a", "cut has 2 arguments"),
        ("colony seed 1 servers 3\nsoon kill a", "line 2"),
        ("colony seed 1 servers 3\n-1 kill a", "nothing happens before the start"),
        ("colony seed 1 horses 3", "horses is no setting"),
        ("kill a", "should begin with"),
    ],
)
def test_what_is_no_script_is_refused_with_its_line(text: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        read(text, "it")


def test_a_script_that_is_not_there_cannot_be_replayed(tmp_path: Path) -> None:
    assert campaign.main(tmp_path / "none.txt") == 2


def test_an_event_that_cannot_happen_is_passed_over() -> None:
    script = read(SMALL, "small")
    more = (*script.events, Event(1.0, ("kill", "z")), Event(1.1, ("start", "a")))
    assert campaign.run(evolve(script, events=more)).refuted is None


def test_the_simulation_puts_everything_back() -> None:
    before = os.urandom, hash.__name__
    with Colony():
        pass
    assert (os.urandom, hash.__name__) == before
    assert os.urandom(8) != os.urandom(8)
