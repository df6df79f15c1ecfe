"""What is wrong with a file of traces is told with line and field, and with exit code 2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.links import BadInput
from conformance.traces import judging
from conformance.traces.short import objects
from physalia.cli.app import invoke
from tests.conformance.traces.servers import lived

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("servers")
    lived(made)
    return made / "traces"


def last(folder: Path, tmp_path: Path, change: Callable[[Lines], None]) -> Path:
    """The last trace of server 3, spelled out, with something changed."""
    lines = [*objects((folder / "server-3-1.jsonl").read_bytes().splitlines())]
    change(lines)
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def ill_formed(path: Path) -> str:
    """What is told of it."""
    with pytest.raises(BadInput) as told:
        judging.judge_files([path], 1, every=False)
    return str(told.value)


@pytest.mark.parametrize(
    ("change", "line", "field", "why"),
    [
        (lambda lines: lines[0].update(trace=1), 1, "trace", "version 1"),
        (lambda lines: lines[4].update(did="guess"), 5, "did", "'guess' is no event"),
        (lambda lines: lines[4].update(colour="red"), 5, "colour", "unknown field"),
        (lambda lines: lines[2].update(seq=7), 3, "seq", "comes 2, and not 7"),
        (lambda lines: lines.insert(2, lines.pop(5)), 3, "", ""),
        (lambda lines: lines[1].pop("members"), 2, "members", "has none"),
        (lambda lines: lines[1].update(cell="one"), 2, "cell", "expected `int`"),
        (lambda lines: lines[2]["said"].append(1), 3, "said", "parts"),
        (lambda lines: lines[2].update(said=["rumour", 1]), 3, "said", "'rumour' is no message"),
        (lambda lines: lines[-1].update(lines=3), None, "lines", "the server wrote 3 lines"),
        (lambda lines: lines.append({"did": "flush", "steps": [[1, 1]]}), None, "did", "ended before"),
        (lambda lines: lines.insert(1, {"did": "flush", "steps": [[1, 1]]}), 2, "steps[0]", "not started"),
    ],
)
def test_a_bad_line_is_told_with_its_place(
    folder: Path, tmp_path: Path, change: Callable[[Lines], None], line: int | None, field: str, why: str
) -> None:
    path = last(folder, tmp_path, change)
    text = ill_formed(path)
    assert text.startswith(f"{path}, line {'' if line is None else line}")
    assert f", {field}" in text
    assert why in text


def test_a_trace_that_is_cut_is_refused(folder: Path, tmp_path: Path) -> None:
    data = (folder / "server-3-1.jsonl").read_bytes()
    for cut in (data[: len(data) // 2], data[: data.rindex(b"\n", 0, -1) + 1]):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(cut)
        with pytest.raises(BadInput, match=r"line \d+, did: the trace is cut"):
            judging.judge_files([path], 1, every=False)


def test_two_cells_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["conformance", "trace", *map(str, sorted(folder.glob("*.jsonl")))]) == 2
    assert "cell: this is cell 2 in its life 72" in capsys.readouterr().err
    assert invoke(["conformance", "trace", "--cell", "9", str(folder / "server-3-1.jsonl")]) == 2
    assert "no trace tells of cell 9" in capsys.readouterr().err


def test_the_command_judges_and_goes_to_itf_and_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [*map(str, sorted(folder.glob("*.jsonl")))]
    itf = tmp_path / "one.itf.json"
    assert invoke(["conformance", "trace", "--cell", "1", "--itf", str(itf), *files]) == 0
    assert "cell 1, life 71: holds" in capsys.readouterr().out
    assert invoke(["conformance", "trace", str(itf), "--lines", str(tmp_path / "lines")]) == 0
    lines = [*map(str, sorted((tmp_path / "lines").glob("*.jsonl")))]
    assert len(lines) == 3
    capsys.readouterr()
    assert invoke(["conformance", "trace", "--json", *lines]) == 0
    assert json.loads(capsys.readouterr().out)["cells"][0]["steps"] > 50


def test_an_itf_whose_states_are_not_those_of_its_steps_is_refused(folder: Path, tmp_path: Path) -> None:
    files = [*map(str, sorted(folder.glob("*.jsonl")))]
    itf = tmp_path / "one.itf.json"
    assert invoke(["conformance", "trace", "--cell", "1", "--itf", str(itf), *files]) == 0
    whole = json.loads(itf.read_text())
    whole["states"][3]["promised"]["#map"][0][1] = 9
    itf.write_text(json.dumps(whole))
    assert invoke(["conformance", "trace", str(itf)]) == 2
    whole = json.loads(itf.read_text())
    del whole["states"][5]
    itf.write_text(json.dumps(whole))
    assert invoke(["conformance", "trace", str(itf)]) == 2


def test_traces_are_followed_until_they_end(folder: Path, tmp_path: Path) -> None:
    """A line of one server comes late: within the window nothing is said of it; beyond it is refused."""
    whole = {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}
    late = "server-2-1.jsonl"
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data if name != late else data[: data.index(b"\n", len(data) // 2) + 1])
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 1.0:
            (tmp_path / late).write_bytes(whole[late])

    told: list[int] = []
    found = judging.follow(
        [tmp_path], 1, every=False, window_s=5.0, told=told.append, clock=lambda: now[0], pause=pause
    )
    assert found.verdict == "holds"
    assert told[0] < told[-1]
    (tmp_path / late).write_bytes(whole[late][: whole[late].index(b"\n", len(whole[late]) // 2) + 1])
    now[0] = -100.0
    found = judging.follow(
        [tmp_path], 1, every=False, window_s=5.0, told=told.append, clock=lambda: now[0], pause=pause
    )
    assert found.verdict == "refuted"
    assert -96 < now[0] < -94
