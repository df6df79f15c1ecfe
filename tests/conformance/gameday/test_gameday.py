"""The parts of a game day that need no servers: its plan, its page, what is kept, and judges that can say no."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from conformance.colonies.verdict import Part
from conformance.gameday import faults, kept, page
from conformance.gameday.day import Band, Day, Probe, Taken
from conformance.gameday.faults import Blow
from conformance.gameday.judging import (
    MEMORY_MORE_BYTES,
    judge_changes,
    judge_leaks,
    judge_reach,
    judge_servers,
    judge_traces,
)
from conformance.links import BadInput, Verdict
from conformance.traces.cell import picked
from conformance.traces.doctored import changed
from physalia.cli.app import invoke
from physalia.colony import lay_out
from physalia.transport import SPOKEN
from tests.conformance.traces.servers import CELL, lived

BLOW = Blow("kill", (1, 2), 1.0, 0.5)
SERVERS, CELLS = [1, 2, 3, 4], [1, 2, 3, 4, 5]


def day() -> Day:
    made = Day(seconds=3.0, settled=True)
    made.bands.append(Band(BLOW, 0.5, 1.5))
    made.probes += [Probe(1, at / 10, is_answered=not 5 <= at <= 15) for at in range(30)]
    made.left_out["clock"] = "<not permitted>"
    made.before = {1: Taken(11, 50 << 20, 20, 3, 12), 2: Taken(12, 50 << 20, 20, 3, 12)}
    made.after = {1: Taken(11, 60 << 20, 22, 3, 13), 2: Taken(99, 900 << 20, 900, 90, 900)}
    return made


def test_a_seed_is_a_plan_in_which_every_fault_comes() -> None:
    names, left_out = faults.allowed(faults.NAMES, len(SERVERS))
    assert (set(names), left_out) == (set(faults.NAMES), {})
    one, other = (faults.plan(names, SERVERS, CELLS, 7) for _ in range(2))
    blows = [one() for _ in range(3 * len(names))]
    assert blows == [other() for _ in blows]
    assert {blow.fault for blow in blows[: len(names)]} == set(names)
    assert any(faults.plan(names, SERVERS, CELLS, seed)() != blows[0] for seed in (8, 9))
    for blow in blows:
        assert bool(blow.cells) == (blow.fault == "move")
        assert (1 <= blow.version < SPOKEN.newest) == (blow.fault == "mixed")
        if blow.fault == "mixed":
            assert len(blow.servers) < len(SERVERS)
            assert f"version {blow.version} of the protocol" in blow.words
        if blow.fault in ("move", "replace"):
            assert len(blow.servers) == 1


def test_what_cannot_be_had_is_left_out_and_named() -> None:
    names, left_out = faults.allowed(faults.NAMES, 3)
    assert set(names) == set(faults.NAMES) - {"move"}
    assert "with 3 servers there is none to move to" in left_out["move"]
    assert set(faults.allowed(faults.NAMES, 1)[1]) == {"move", "replace", "mixed"}


def test_a_day_that_did_not_change_as_it_was_to_is_inconclusive() -> None:
    calm = day()
    calm.wanted = frozenset(faults.CHANGES)
    assert [(part.name, part.verdict) for part in judge_changes(calm)] == [
        ("moves", Verdict.INCONCLUSIVE),
        ("replaced", Verdict.INCONCLUSIVE),
        ("versions", Verdict.INCONCLUSIVE),
    ]
    reach = judge_reach(calm)
    assert (reach.verdict, reach.why) == (Verdict.INCONCLUSIVE, "this did not come: mixed, move, replace")
    calm.moved, calm.lost, calm.replaced, calm.spoken = 2, 1, 5, Counter({1: 2, 3: 0})
    assert {part.verdict for part in judge_changes(calm)} == {Verdict.HOLDS}
    assert judge_changes(calm)[2].why.endswith("protocol: 1")
    calm.unfinished = True
    assert judge_changes(calm)[0].verdict is Verdict.INCONCLUSIVE
    calm.left_out = dict.fromkeys(faults.CHANGES, "not here")
    assert judge_changes(calm) == []


def test_a_server_that_ended_by_itself_refutes(tmp_path: Path) -> None:
    colony = lay_out(tmp_path / "colony", 3, 1)
    assert judge_servers(day(), colony).verdict is Verdict.HOLDS
    dead = day()
    dead.died = (2,)
    (colony.folder / "server-2.log").write_text("first\nKeyError: 'last'\n")
    part = judge_servers(dead, colony)
    assert (part.verdict, part.lines) == (Verdict.REFUTED, ("KeyError: 'last'",))


def test_what_failed_comes_first_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "failed.json"
    move = Blow("move", (1,), 1.0, 1.0, (2, 3))
    assert kept.kept(SERVERS, CELLS, path) == []
    kept.keep([BLOW, move, Blow("stop", (9,), 1.0, 1.0), Blow("move", (1,), 1.0, 1.0, (9,))], path)
    first = kept.kept(SERVERS, CELLS, path)
    assert first == [BLOW, move]
    assert faults.plan(["kill"], SERVERS, CELLS, 0, first)() == BLOW
    path.write_text("{}")
    with pytest.raises(BadInput, match="remove it"):
        kept.kept([1], CELLS, path)


def test_a_leak_is_told_and_a_server_that_was_started_anew_is_not_compared() -> None:
    assert judge_leaks(day()).verdict is Verdict.HOLDS
    for more in (
        Taken(11, (60 << 20) + 2 * MEMORY_MORE_BYTES, 22, 3, 12),
        Taken(11, 60 << 20, 99, 3, 12),
        Taken(11, 60, 22, 30, 12),
        Taken(11, 60, 22, 3, 120),
    ):
        leaking = day()
        leaking.after[1] = more
        assert judge_leaks(leaking).verdict is Verdict.REFUTED
    lost, silent = day(), day()
    del lost.before[1]
    silent.after[1] = Taken(11, 60 << 20, 22, 3, None)
    assert judge_leaks(lost).verdict is judge_leaks(silent).verdict is Verdict.INCONCLUSIVE
    assert "did not say how many tasks" in judge_leaks(silent).why


def test_a_day_without_faults_or_answers_is_inconclusive() -> None:
    assert judge_reach(day()).verdict is Verdict.HOLDS
    calm, deaf = day(), day()
    calm.bands.clear()
    deaf.probes = [Probe(1, 0.0, is_answered=False)]
    assert judge_reach(calm).verdict is judge_reach(deaf).verdict is Verdict.INCONCLUSIVE


def test_traces_of_a_day_are_judged(tmp_path: Path) -> None:
    runs = lived(tmp_path)
    assert judge_traces(tmp_path / "traces", 0).verdict is Verdict.INCONCLUSIVE  # nothing happened in cell 2
    one = next(
        each for each in changed(picked(runs, CELL), random.Random(0)) if each.what.startswith("more is flushed")
    )
    run = one.runs[one.run]
    lines = run.path.read_bytes().split(b"\n")
    line = json.loads(lines[one.number - 1])
    line["steps"] = [[n, steps + 50] for n, steps in line["steps"]]
    lines[one.number - 1] = json.dumps(line).encode()
    run.path.write_bytes(b"\n".join(lines))
    assert judge_traces(tmp_path / "traces", 0).verdict is Verdict.REFUTED
    assert judge_traces(tmp_path / "nothing", 0).verdict is Verdict.INCONCLUSIVE


def test_the_page_has_every_fault_as_a_band_and_escapes() -> None:
    text = page.page(day(), [Part("kv", Verdict.HOLDS, "<b>", 1)], "A <day>", "again & again")
    assert text.count('class="band"') == 1
    assert "kill: servers 1, 2, 0.5 s to 1.5 s" in text
    assert "&lt;not permitted&gt;" in text
    assert "<b>" not in text
    assert "A &lt;day&gt;" in text
    assert "http" not in text.replace("http-equiv", "")
    assert [(at, got) for at, _, got in page.seconds(day())] == [(0, 5), (1, 4), (2, 10)]


def test_bad_words_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert invoke(["conformance", "gameday", "--faults", "meteor"]) == 2
    assert "no fault called 'meteor'" in capsys.readouterr().err
    assert invoke(["conformance", "gameday", "--html", str(tmp_path / "no" / "page.html")]) == 2
    assert "name a file in a folder that is there" in capsys.readouterr().err
