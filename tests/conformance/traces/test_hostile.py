"""Files that nobody should be given: one sentence with the line and the field, soon, and nothing else."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.gameday import kept
from conformance.links import BadInput, Verdict
from conformance.traces.cell import picked, split
from conformance.traces.doctored import with_line
from conformance.traces.itf import from_itf, to_itf
from conformance.traces.judging import follow
from conformance.traces.lines import MOST_OF_FIELD, MOST_OF_WHY, Line, Run, read_lines, read_run
from physalia.cli.app import invoke
from tests.conformance.traces.servers import CELL, judged, lived

HEADER = b'{"trace":2,"server":1,"run":1}\n'
DEEP = 100_000
SEEN_S = 60.0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return lived(tmp_path_factory.mktemp("servers"))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (HEADER + b'{"did":"start","said":' + b"[" * DEEP + b"]" * DEEP + b"}\n", "line 2, did: lists stand in lists"),
        (HEADER + b"[" * DEEP + b"\n", "line 2, n: "),
        (b'{"trace":' + b"[" * DEEP + b"]" * DEEP + b"}\n", "line 1, trace: "),
        (HEADER + b'{"n":1,"seq":7,"seq":1,"did":"start"}\n', "line 2, seq: this field stands there twice"),
        (HEADER + b'{"did":"flush","steps":[[1,1]],"did":"close"}\n', "line 2, did: this field stands there twice"),
        (HEADER.replace(b"{", b'{"run":2,'), "line 1, run: this field stands there twice"),
        (HEADER + b'{"n":NaN,"seq":1,"did":"start"}\n', "line 2, did: JSON is malformed"),
        (HEADER + b'{"n":' + b"9" * 5_000 + b',"seq":1,"did":"start"}\n', "line 2, n: "),
        (HEADER + b'{"did":"' + b"a" * 1_000_000 + b'"}\n', "line 2, did: 'aaa"),
        (HEADER + b'{"' + b"a" * 1_000_000 + b'":1}\n', "line 2, "),
        (HEADER + b'{"did":"\\u001b[31mred"}\n', r"line 2, did: '\x1b[31mred' is no event"),
    ],
)
def test_one_sentence_is_enough(data: bytes, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(data)
    assert invoke(["conformance", "trace", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{path}, {place}" in told
    assert told.count("\n") == 1
    assert len(told) < len(str(path)) + MOST_OF_FIELD + MOST_OF_WHY + 100
    assert "\x1b" not in told


@pytest.mark.parametrize("options", [(), ("--open",), ("--follow",)])
@pytest.mark.parametrize("name", ["pipe.jsonl", "pipe.itf.json"])
def test_a_pipe_has_no_end_and_is_not_read(
    name: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / name)
    assert invoke(["conformance", "trace", str(tmp_path / name), *options]) == 2
    assert "is no regular file, and may have no end" in capsys.readouterr().err


def test_a_device_and_a_folder_are_no_traces(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no regular file"):
        read_run(Path("/dev/zero"))
    with pytest.raises(BadInput, match="Is a directory"):
        read_run(tmp_path)


def test_a_file_that_was_just_begun_is_waited_for(tmp_path: Path, runs: list[Run]) -> None:
    paths = [tmp_path / run.path.name for run in runs]
    for path in paths:
        path.write_bytes(b"")
    steps: Iterator[Path] = iter(paths)

    def pause(_: float) -> None:
        path = next(steps)
        path.write_bytes(next(run for run in runs if run.path.name == path.name).path.read_bytes())

    found = follow([tmp_path], CELL[0], every=False, window_s=1e9, told=lambda _: None, pause=pause)
    assert found.verdict is Verdict.HOLDS


def test_a_file_that_goes_away_while_it_is_followed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(HEADER)

    def vanishes(_: float) -> None:
        path.unlink()

    with pytest.raises(BadInput, match="is not there"):
        follow([path], None, every=False, window_s=1.0, told=lambda _: None, pause=vanishes)


def at(runs: list[Run], did: str) -> tuple[int, int, Line]:
    return next(
        (number, place, line)
        for number, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if line.did == did
    )


def changed(runs: list[Run], did: str, args: list[Any]) -> tuple[Run, ...]:
    mine = list(picked(runs, CELL))
    number, place, line = at(mine, did)
    assert line.args is not None
    other = Line(**{name: getattr(line, name) for name in Line.__struct_fields__})
    other.args = [new if new is not None else old for new, old in zip(args, line.args, strict=True)]
    return with_line(mine, number, place, other)


@pytest.mark.parametrize(("did", "args"), [("decide", [None, 2**62]), ("learn", [None, 2**62])])
def test_a_slot_that_nobody_came_to_takes_no_room(runs: list[Run], did: str, args: list[Any]) -> None:
    """Of every slot that a line speaks of, the specification had a place before anything was judged."""
    trace = split(changed(runs, did, args))[CELL]
    assert trace.slots <= len(trace) + trace.alpha
    assert judged(changed(runs, did, args)).verdict is Verdict.REFUTED


def test_a_round_that_nobody_came_to_takes_no_room(runs: list[Run]) -> None:
    assert judged(changed(runs, "serve", [None, 2**62])).verdict is Verdict.REFUTED


@pytest.mark.parametrize("did", ["consult", "serve", "prepare", "propose"])
def test_no_step_is_under_the_ballot_of_nobody(runs: list[Run], did: str) -> None:
    args = at(list(picked(runs, CELL)), did)[2].args
    assert args is not None
    with pytest.raises(BadInput, match=r"args\[0\]: the first round of ballots is round 1"):
        judged(changed(runs, did, [(0, 0), *[None] * (len(args) - 1)]))


WRONG: list[tuple[tuple[object, ...], object]] = [
    (("#meta", "physalia", "members"), "x"), (("#meta", "physalia", "members", 0), None),
    (("#meta", "physalia", "commands"), True), (("#meta", "physalia", "incarnations"), 3),
    (("states",), {}), (("states", 0), 1.5), (("states", 1, "mbt::nondetPicks"), None),
    (("states", 1, "prepares"), {"#set": True}), (("states", 1, "accepted"), {"#map": [1]}),
]  # fmt: skip


@pytest.mark.parametrize(("where", "value"), WRONG)
def test_an_itf_with_a_value_of_another_kind_is_told(runs: list[Run], where: tuple[Any, ...], value: object) -> None:
    mine = [*picked(runs, CELL)]
    whole: Any = json.loads(json.dumps(to_itf(split(mine)[CELL], judged(mine))))
    part = whole
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    with pytest.raises(BadInput):
        from_itf(Path("it.itf.json"), json.dumps(whole).encode())


def test_an_itf_of_lists_in_lists_is_told() -> None:
    with pytest.raises(BadInput, match="no trace of a cell in ITF"):
        from_itf(Path("it.itf.json"), b"[" * DEEP)


BLOW = '{"fault":"kill","servers":[1],"lasts_s":1.0,"peace_s":1.0}'


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", '{"blows":3}', '{"blows":[{}]}', '{"blows":' + "[" * DEEP, BLOW,
     *('{"blows":[' + BLOW.replace("1.0", seconds, 1) + "]}" for seconds in ("NaN", "1e300", "-1.0")), "\x1b[31m"],
)  # fmt: skip
def test_what_was_kept_of_a_game_day_and_is_none_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "failed.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"failed\.json has .*: remove it"):
        kept.kept([1, 2, 3], [1], path)


def test_a_pipe_in_the_place_of_what_was_kept_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "failed.json"
    os.mkfifo(path)
    told: list[BaseException] = []

    def read() -> None:
        try:
            kept.kept([1], [1], path)
        except BadInput as bad:
            told.append(bad)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(SEEN_S)
    assert "is no regular file" in str(told[0])


def test_a_line_that_is_as_it_must_be_is_read(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "t.jsonl", HEADER + b'{"did":"close","lines":2}\n').is_closed


@pytest.mark.parametrize("minutes", ["inf", "1e300", "nan", "-1"])
def test_a_game_day_has_an_end(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["conformance", "gameday", "--minutes", minutes, "--faults", "none"]) == 2
    assert "--minutes" in capsys.readouterr().err
