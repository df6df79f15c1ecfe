"""Traces of a cell that moves: nodes that are born, taught and gone, on real servers that record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.links import Verdict
from conformance.traces.cell import cells_of, split
from conformance.traces.lines import Run
from conformance.traces.recorded import read_all, record_moves
from conformance.traces.replay import Judged, Replay
from conformance.traces.short import objects
from physalia.cli.app import invoke


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of a cell whose members go from server to server, one of them with a lost disk, while it is written to."""
    folder = tmp_path_factory.mktemp("moves")
    record_moves(folder, 8, lambda _: None)
    return folder / "moves" / "traces"


def judged(runs: list[Run]) -> Judged:
    (key,) = cells_of(runs)
    return Replay(split(runs)[key]).judge()


def test_births_departures_and_a_lost_disk_are_steps(traces: Path) -> None:
    found = judged(read_all(traces))
    assert found.verdict is Verdict.HOLDS, (found.title, *found.lines)
    steps = [name for name, _ in found.path]
    assert (steps.count("create"), steps.count("erase")) == (3, 2)
    assert steps.count("settle") > 0
    assert found.taken["install"] > 0


def test_the_states_of_a_move_go_to_itf_and_back(traces: Path, tmp_path: Path) -> None:
    states, lines = tmp_path / "states.itf.json", tmp_path / "lines"
    assert invoke(["conformance", "trace", *map(str, sorted(traces.iterdir())), "--itf", str(states)]) == 0
    assert invoke(["conformance", "trace", str(states), "--lines", str(lines)]) == 0
    again = judged(read_all(lines))
    assert again.verdict is Verdict.HOLDS, (again.title, *again.lines)
    assert again.taken["erase"] == 2


def test_a_departure_that_cannot_be_is_refused(traces: Path, tmp_path: Path) -> None:
    """Nobody said that enough have learned; somebody says more than its disk has; what is gone is not flushed."""

    def heard_nothing(line: dict[str, Any]) -> None:
        if line.get("said", [""])[0] == "learned":
            line["said"][1] = 0

    def says_too_much(line: dict[str, Any]) -> None:
        if line.get("said", [""])[0] == "learned":
            line["said"][1] = 10**6

    def leaves_at_once(line: dict[str, Any]) -> None:
        if line["did"] == "erase":
            line["waits"] = False

    for number, (change, why) in enumerate(
        (
            (heard_nothing, "had not heard that enough have learned what it holds"),
            (says_too_much, "no order of all events explains this one"),
            (leaves_at_once, "is gone before that is flushed"),
        )
    ):
        found = judged(read_all(changed(traces, tmp_path / str(number), change)))
        assert found.verdict is Verdict.REFUTED
        assert why in found.title


def test_a_node_that_is_gone_does_nothing_any_more(traces: Path, tmp_path: Path) -> None:
    """It truncates its log once more, which it might have done as long as it was there."""
    server, number, seq, node = next(
        (path.name, line["n"], line["seq"], line["args"][0])
        for path in sorted(traces.iterdir())
        for line in [*objects(path.read_bytes().splitlines())][1:]
        if line["did"] == "erase"
    )
    head, *lines = objects((traces / server).read_bytes().splitlines())
    at, end = next((at, one) for at, one in enumerate(lines) if one["did"] == "end" and one["n"] == number)
    assert end["seq"] > seq
    assert end["floor"] < end["known"]
    lines[at] = {"n": number, "seq": end["seq"], "did": "truncate", "args": [node, end["known"]], "waits": True}
    folder = changed(traces, tmp_path / "gone", lambda _: None)
    (folder / server).write_text("".join(json.dumps(one) + "\n" for one in (head, *lines)))
    found = judged(read_all(folder))
    assert found.verdict is Verdict.REFUTED
    assert "does something after it stopped" in found.title


def changed(traces: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same traces, in another folder, with each line changed."""
    folder.mkdir()
    for path in traces.iterdir():
        lines = [*objects(path.read_bytes().splitlines())]
        for line in lines[1:]:
            change(line)
        (folder / path.name).write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return folder
