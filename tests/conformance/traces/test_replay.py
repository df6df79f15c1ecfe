"""Traces of real hosts are accepted, doctored ones refused at the doctored event; with less nothing is concluded."""

from pathlib import Path
from random import Random

import msgspec
import pytest
from attrs import evolve

from conformance.links import Verdict
from conformance.refutation import Refuted
from conformance.traces.cell import cells_of, picked, split
from conformance.traces.doctored import changed, with_line, without
from conformance.traces.lines import Run
from conformance.traces.recorded import read_all
from conformance.traces.replay import Replay
from conformance.traces.short import objects
from physalia.model import (
    Answer,
    Execute,
    Opened,
    OpenSession,
    Proposal,
    Put,
    RequestId,
    Transact,
    Transaction,
)
from physalia.model import (
    Refused as Declined,
)
from physalia.server.forgetting import Forgetting
from physalia.tracing.words import checksum
from tests.conformance.traces.servers import CELL, MOST_BYTES, World, judged, lived


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return lived(tmp_path_factory.mktemp("servers"))


def test_what_hosts_did_is_accepted(runs: list[Run]) -> None:
    found = judged(runs)
    assert found.verdict is Verdict.HOLDS, (found.title, found.lines)
    assert found.taken["crash"] >= 1
    assert found.taken["prepare"] >= 3
    assert {name for name, _ in found.path} == {
        "issue", "prepare", "promise", "propose", "vote", "decide", "learn", "flush", "crash",
        "consult", "echo", "serve",
    }  # fmt: skip
    assert cells_of(runs) == [CELL, (2, 72)]


def test_every_changed_event_is_refused_where_it_is(runs: list[Run]) -> None:
    kinds = set()
    for one in changed(picked(runs, CELL), Random(0)):
        found = judged(one.runs)
        assert found.verdict is Verdict.REFUTED, one.what
        assert found.event is not None, (one.what, found.title)
        assert (found.event.place.path, found.event.place.number) == (one.runs[one.run].path, one.number), one.what
        kinds.add(one.what)
    assert len(kinds) >= 16


def test_without_any_event_that_matters_nothing_is_accepted(runs: list[Run]) -> None:
    kinds = set()
    for one in without(picked(runs, CELL)):
        try:
            verdict = judged(one.runs).verdict
        except Refuted:
            verdict = Verdict.REFUTED
        assert verdict is not Verdict.HOLDS, one
        kinds.add(one.what)
    of_all = ("prepare", "promise", "propose", "vote", "decide", "learn", "flush")
    assert kinds >= {f"without {did}" for did in of_all}


def test_a_refusal_says_what_was_possible_and_which_guard_is_false(runs: list[Run]) -> None:
    mine = picked(runs, CELL)
    one = next(each for each in changed(mine, Random(1)) if each.what == "propose in a later slot")
    lines = "\n".join(judged(one.runs).lines)
    assert "first false guard: i in self.window(s, o)" in lines
    assert "enabled instead: " in lines
    assert "last matching state:" in lines
    assert "event: propose(" in lines


def test_an_empty_trace_and_one_without_a_decision_are_inconclusive(runs: list[Run]) -> None:
    births = [evolve(run, lines=run.lines[:1] if run.header.run == 1 else []) for run in picked(runs, CELL)]
    found = judged(births)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "lacks: prepare, promise, propose, vote, flush, decide" in found.title
    assert split([evolve(run, lines=[]) for run in runs]) == {}


def test_without_the_trace_of_a_server_nothing_is_concluded(runs: list[Run]) -> None:
    found = judged([run for run in runs if run.header.server != 3])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the trace of node 13 is not here" in found.title


def test_a_trace_that_begins_late_is_inconclusive(runs: list[Run]) -> None:
    late = [run for run in runs if (run.header.server, run.header.run) != (1, 1)]
    found = judged(late)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "had a past" in found.title or "not whole" in found.title


def test_a_node_that_sends_before_its_flush_is_refused(tmp_path: Path) -> None:
    """The law of effects, seen from traces alone: the same host, but nothing waits."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    hosts = [server.nodes.host for server in world.running.values()]
    for host in hosts:
        recording = host.recording
        assert recording is not None
        stepped = recording.stepped
        recording.stepped = lambda *given, stepped=stepped: stepped(*given[:3], False, given[4])  # type: ignore[method-assign]
    world.lead(1, 1)
    world.end()
    found = judged([*map(read, sorted(world.traces.glob("*.jsonl")))])
    assert found.verdict is Verdict.REFUTED
    assert "leaves before its record is flushed" in found.title


def read(path: Path) -> Run:
    from conformance.traces.lines import read_run  # noqa: PLC0415

    return read_run(path)


def forgetful(folder: Path) -> World:
    """A leader deposed twice by the next one, which forgets its log and folds its journal after each, and is killed.

    So its disk holds no record any more of the ballots that it used below its promise (design rules R10, R16).
    """
    world = World(folder)
    world.start(1, 2, 3)
    for server in world.running.values():
        server.nodes._forgetting = Forgetting(4)
    request = 0
    for leader in (1, 2, 1, 3):
        world.lead(leader, 1)
        for _ in range(6):
            world.write(leader, 1, request, request)
            world.run()
            request += 1
        for server in world.running.values():
            while server.nodes.host.fold(64):
                pass
    return world


def test_used_ballots_below_the_promise_may_be_folded_away(tmp_path: Path) -> None:
    world = forgetful(tmp_path)
    world.kill(1)
    world.start(1)
    world.lead(1, 1)
    world.end()
    runs = read_all(world.traces)
    verdict, title, used = (found := judged(runs)).verdict, found.title, found.taken["prepare"]
    assert verdict is Verdict.HOLDS, title
    (at, place), line = next(
        ((at, place), line)
        for at, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if line.did == "start" and line.known
    )
    assert line.used == [], "nothing was folded away"
    assert used >= 4
    for ballot, why in (((9, 11), "never used"), ((2, 12), "another's")):
        invented = msgspec.structs.replace(line, used=[ballot])
        refused = judged(with_line(runs, at, place, invented))
        assert refused.verdict is Verdict.REFUTED, why
        assert "leads to what it found on its disk" in refused.title


def test_a_used_ballot_that_the_promise_does_not_forbid_must_be_found(runs: list[Run]) -> None:
    """A disk that lost it would let the node use it again."""
    at, place, line = next(
        (at, place, line)
        for at, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if line.did == "start" and line.used
    )
    refused = judged(with_line(runs, at, place, msgspec.structs.replace(line, used=[])))
    assert refused.verdict is Verdict.REFUTED
    assert "leads to what it found on its disk" in refused.title


def test_a_client_is_told_by_a_snapshot_of_what_it_asked_for(tmp_path: Path) -> None:
    """A leader is cut off with a proposal under way; the next one decides it and more, forgets, and teaches."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    for server in world.running.values():
        server.nodes._forgetting = Forgetting(4)
    world.lead(1, 1)
    world.write(1, 1, 0, 0)
    world.run()
    world.write(1, 1, 1, 1)
    world.run(until=lambda to, envelope: to == 3 and isinstance(envelope.message, Proposal))
    cut_off = world.running.pop(1)
    world.run()
    world.lead(2, 1)
    for request in range(2, 12):
        world.write(2, 1, request, request)
        world.run()
    world.running[1] = cut_off
    world.write(2, 1, 12, 12)
    world.run()
    world.end()
    runs = read_all(world.traces)
    verdict, title = (found := judged(runs)).verdict, found.title
    assert verdict is Verdict.HOLDS, title
    at, place, line = next(
        (at, place, line)
        for at, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if line.did == "install" and line.told is not None
    )
    refused = judged(with_line(runs, at, place, msgspec.structs.replace(line, told="00000000")))
    assert "a client is told something else" in refused.title


def test_who_went_on_and_asks_again_is_told_so(tmp_path: Path) -> None:
    """The first answer to the last request of a session; to one before it, that the number went back (R6)."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    world.lead(1, 1)
    first, second = (
        Execute(RequestId("c", number), 1, Transact(1, Transaction(then=(Put("k", number),)))) for number in (1, 2)
    )
    for asked in (Execute(RequestId("c", 0), 1, OpenSession()), first, second, second, first):
        world.submit(1, 1, asked)
        world.run()
    world.end()
    opened, done, last, again, late = (one.verdict for one in world.told if isinstance(one, Answer))
    assert isinstance(opened, Opened)
    assert opened.session == 1
    assert again == last != done
    assert late == Declined("number went back", size=1, most=2)
    runs = read_all(world.traces)
    found = judged(runs)
    assert found.verdict is Verdict.HOLDS, found.title
    places = [
        (at, place, line)
        for at, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if line.asks is not None and line.told is not None
    ]
    assert [line.told for *_, line in places] == [checksum(again), checksum(late)]
    for (at, place, line), lie in zip(places, (late, done), strict=True):
        refused = judged(with_line(runs, at, place, msgspec.structs.replace(line, told=checksum(lie))))
        assert "a client is told something else" in refused.title


def test_what_nobody_logged_is_found(runs: list[Run]) -> None:
    """Issues and crashes are in no line; they are on the path all the same."""
    found = Replay(split(runs)[CELL])
    assert found.judge().verdict is Verdict.HOLDS
    assert [call for call in found.path if call[0] == "crash"]
    assert len([call for call in found.path if call[0] == "issue"]) == 5


def test_invariants_are_judged_on_what_is_accepted(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.judges.judged import JudgedCell  # noqa: PLC0415

    monkeypatch.setattr(JudgedCell, "agreement", lambda _self, _state: False)
    found = judged(runs)
    assert found.verdict is Verdict.REFUTED
    assert "agreement" in found.title
    refused = next(changed(picked(runs, CELL), Random(2)))
    assert "agreement" not in judged(refused.runs).title


def test_a_full_trace_is_inconclusive(tmp_path: Path) -> None:
    world = World(tmp_path, most_bytes=3000)
    world.start(1, 2, 3)
    world.lead(1, 1)
    for request in range(5):
        world.write(1, 1, request, request)
        world.run()
    world.end()
    found = [read(path) for path in sorted(world.traces.glob("*.jsonl"))]
    assert any(run.is_full for run in found)
    assert judged(found).verdict is Verdict.INCONCLUSIVE
    assert max(path.stat().st_size for path in world.traces.glob("*.jsonl")) < MOST_BYTES


def test_lines_are_read_again_as_they_were_written(runs: list[Run]) -> None:
    for run in runs:
        every = [*objects(run.path.read_bytes().splitlines())]
        for number, line in run.lines:
            written = every[number - 1]
            assert written["did"] == line.did
