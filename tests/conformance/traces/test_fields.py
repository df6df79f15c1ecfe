"""Whatever field of whatever line is altered or missing: it is told, or it is on the list of what nobody can tell."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from attrs import evolve

from conformance.links import BadInput, Verdict
from conformance.traces import fields
from conformance.traces.cell import CellKey, cells_of, picked
from conformance.traces.doctored import changed, cut_out, with_line
from conformance.traces.fields import Altered
from conformance.traces.lines import Line, Place, Run, read_lines
from conformance.traces.recorded import Amount, record, record_moves
from conformance.traces.short import objects
from tests.conformance.traces.servers import judged

Case = tuple[list[Run], CellKey]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A cell on three servers, each of which is killed while it is written to and read from."""
    runs = record(tmp_path_factory.mktemp("killed"), Amount(1, 6), lambda _: None)
    return runs, cells_of(runs)[0]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A cell of which nodes are born, taught, gone and lost."""
    runs = record_moves(tmp_path_factory.mktemp("moved"), 4, lambda _: None)
    return runs, cells_of(runs)[0]


def untold(case: Case, seed: int) -> tuple[list[Altered], Counter[str]]:
    """What was altered and not told though it is not on the list; and how many fields of each kind of line were."""
    runs, key = case
    found, kinds = list[Altered](), Counter[str]()
    assert judged(runs, key).verdict is Verdict.HOLDS
    for one in fields.altered(runs, key, Random(seed)):
        kinds[one.kind] += 1
        if not fields.is_told(fields.judged(runs, key, one)) and not fields.may_be(one):
            found.append(one)
    return found, kinds


def test_every_field_of_servers_that_are_killed_is_told(killed: Case) -> None:
    found, kinds = untold(killed, 1)
    assert not found, [(str(one.place), one.kind, one.field, one.what) for one in found]
    assert kinds >= Counter(["start", "end", "flush", "header", "serve", "consult", "prepare", "decide", "learn"])
    assert kinds >= Counter(["promise given prepare", "vote given proposal", "echo given round", "recorded asked"])


def test_every_field_of_nodes_that_come_and_go_is_told(moved: Case) -> None:
    found, kinds = untold(moved, 2)
    assert not found, [(str(one.place), one.kind, one.field, one.what) for one in found]
    assert kinds >= Counter(["erase", "install", "housed", "truncate", "settle given howfar", "close"])


def test_a_missing_field_may_never_be(moved: Case) -> None:
    """What is on the list is another value, which somebody else or another time may explain."""
    runs, key = moved
    missing = [one for one in fields.altered(runs, key, Random(3)) if one.what == "is missing"]
    assert missing
    assert not any(fields.may_be(one) for one in missing)
    assert len(fields.NOBODY_KNOWS) < sum(1 for _ in missing)


def test_an_end_that_goes_to_a_node_of_another_cell_is_told_there(tmp_path: Path) -> None:
    """By chance it is the next line of that node: then its own cell only misses it, and that is inconclusive."""
    runs = record(tmp_path, Amount(2, 2), lambda _: None)
    run, place, lines = next(
        (run, place, lines)
        for run, lines in enumerate([*objects(run.path.read_bytes().splitlines())] for run in runs)
        for place, line in enumerate(lines)
        if line.get("did") == "end" and any(end.get("did") == "end" for end in lines[:place])
    )
    own, other = lines[place], next(line for line in lines if line.get("did") == "end")
    mine = next(one for one in cells_of(runs) if any(_is_start_of(line, one, own["n"]) for line in lines))
    lines[place] = {**own, "n": other["n"], "seq": other["seq"] + 1}
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    moves = Altered("end", "n", "is another", run, Place(runs[run].path, place + 1), data)
    found = fields.judged(runs, mine, moves)
    assert not isinstance(found, BadInput)
    assert "after its end" in found.title
    alone = fields.judged(runs, mine, evolve(moves, field="seq"))
    assert not isinstance(alone, BadInput)
    assert alone.verdict is Verdict.INCONCLUSIVE


def _is_start_of(line: Mapping[str, Any], cell: CellKey, number: int) -> bool:
    return line.get("did") == "start" and line["n"] == number and (line["cell"], line["life"]) == cell


def at(runs: Iterable[Run], is_it: Callable[[Line], bool]) -> tuple[int, int, Line]:
    return next(
        (at, place, line)
        for at, run in enumerate(runs)
        for place, (_, line) in enumerate(run.lines)
        if is_it(line)
    )  # fmt: skip


def refused(case: Case, is_it: Callable[[Line], bool], **changes: object) -> str:
    """Why a line is refused, at that very line, if it is changed."""
    runs, key = case
    run, place, line = at(runs, is_it)
    found = judged(with_line(runs, run, place, msgspec.structs.replace(line, **changes)), key)
    assert found.verdict is Verdict.REFUTED
    assert found.event is not None
    assert (found.event.place.path, found.event.place.number) == (runs[run].path, runs[run].lines[place][0])
    return "\n".join((found.title, *found.lines))


def test_an_end_that_says_stopped_is_not_believed(killed: Case) -> None:
    """A node is stopped if a step of it stopped it; what it knew is compared all the same."""

    def is_end(line: Line) -> bool:
        return line.did == "end" and bool(line.known)

    somebody = next(line.node for run in killed[0] for _, line in run.lines if line.did == "start")
    assert "stopped is True, and must be False" in refused(killed, is_end, stopped=True)
    invented = refused(killed, is_end, stopped=True, known=9999, digest="00", promised=(77, somebody))
    assert "known is 9999" in invented
    assert "last matching state:" in invented
    assert "digest is 00" in refused(killed, is_end, digest="00")


def test_a_step_that_says_stopped_is_not_believed(killed: Case) -> None:
    def is_vote_heard(line: Line) -> bool:
        return line.did == "recorded" and line.said is not None and line.said[0] == "vote"

    assert "remembers what it is told" in refused(killed, is_vote_heard, did="stopped")
    bare = {"did": "stopped", "said": None, "sender": None}
    assert "stops before slot" in refused(killed, lambda line: line.did == "resent" and not line.asks, **bare)


def test_the_end_of_a_node_that_left_is_compared(moved: Case) -> None:
    """So nothing that it learned can be dropped, nor what it decided if it led."""
    runs, key = moved
    run, place, erased = at(runs, lambda line: line.did == "erase")

    def is_its_end(line: Line) -> bool:
        return line.did == "end" and line.stopped is True

    assert "stopped is False, and must be True" in refused(moved, is_its_end, stopped=False)
    assert "known is" in refused(moved, is_its_end, known=1)
    before = enumerate(runs[run].lines[:place])
    learned = [at for at, (_, line) in before if line.n == erased.n and line.did in ("learn", "decide")]
    assert learned
    assert judged(cut_out(runs, run, learned[-1:]), key).verdict is Verdict.REFUTED


@pytest.mark.parametrize(("did", "kind"), [("vote", "proposal"), ("echo", "round"), ("promise", "prepare")])
def test_who_does_not_own_a_ballot_calls_for_nothing(killed: Case, did: str, kind: str) -> None:
    nodes = {line.node for run in killed[0] for _, line in run.lines if line.node is not None}
    _, _, line = at(killed[0], lambda line: line.did == did)
    for other in nodes - {line.sender}:
        text = refused(killed, lambda line: line.did == did, sender=other)
        assert "never says this to node" in text
        assert f"owns the ballot of the {kind}" in text
        assert "enabled instead: " in text
        assert "last matching state:" in text


def test_what_has_nothing_to_wait_for_does_not_wait(killed: Case) -> None:
    runs, key = killed
    waits = [one for one in changed(picked(runs, key), Random(4)) if one.what == "a step waits for nothing"]
    for one in waits[:10]:
        found = judged(one.runs, key)
        assert "nothing is to be flushed" in found.title
        assert found.event is not None
        assert (found.event.place.path, found.event.place.number) == (runs[one.run].path, one.number)
    assert waits


def test_reads_that_can_be_answered_are(killed: Case) -> None:
    runs, key = killed
    run, place, _ = at(runs, lambda line: line.did == "serve")
    found = judged(cut_out(runs, run, [place]), key)
    assert found.verdict is Verdict.REFUTED
    assert "has not answered reads" in found.title
    assert "is answered from slot" in refused(killed, lambda line: line.did == "serve", slot=999)
    readers = [
        at for at, (_, line) in enumerate(runs[run].lines) if line.did == "recorded" and not (line.said or line.asks)
    ]
    found = judged(cut_out(runs, run, readers), key)
    assert "nobody wants to read" in found.title


def test_a_client_that_waits_is_told(killed: Case) -> None:
    text = refused(killed, lambda line: line.did == "decide" and line.told is not None, told=None)
    assert "a client that waits is told nothing" in text


@pytest.mark.parametrize(
    ("did", "field"),
    [("end", "digest"), ("end", "stopped"), ("start", "digest"), ("start", "stopped"), ("serve", "slot")],
)
def test_what_is_always_written_must_be_there(killed: Case, did: str, field: str) -> None:
    runs, _ = killed
    run, place, _ = at(runs, lambda line: line.did == did)
    number, path = runs[run].lines[place][0], runs[run].path
    lines = path.read_bytes().splitlines()
    line = [*objects(lines)][number - 1]
    del line[field]
    lines[number - 1] = msgspec.json.encode(line)
    with pytest.raises(BadInput, match=f"line {number}, {field}: a line that did {did} has one"):
        read_lines(path, b"\n".join(lines) + b"\n")


def test_a_field_that_a_line_has_not_is_bad_input(killed: Case) -> None:
    runs, _ = killed
    for did, field, value in (
        ("end", "alpha", 3),
        ("decide", "digest", "00"),
        ("flush", "waits", True),
        ("vote", "slot", 1),
    ):
        run, place, _ = at(runs, lambda line, did=did: line.did == did)  # type: ignore[misc]
        number, path = runs[run].lines[place][0], runs[run].path
        lines = path.read_bytes().splitlines()
        lines[number - 1] = msgspec.json.encode({**[*objects(lines)][number - 1], field: value})
        with pytest.raises(BadInput, match=f"line {number}, {field}: what did {did} has none"):
            read_lines(path, b"\n".join(lines) + b"\n")


def test_without_its_end_nothing_is_concluded_of_a_node(killed: Case) -> None:
    runs, key = killed
    run, place = next(
        (at, len(run.lines) - 1) for at, run in enumerate(runs) if run.is_closed and run.lines[-1][1].did == "end"
    )
    found = judged(cut_out(runs, run, [place]), key)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "does not say with what nodes" in found.title


def test_a_ballot_of_no_round_is_bad_input(killed: Case) -> None:
    runs, key = killed
    run, place, line = at(runs, lambda line: line.did == "decide")
    assert line.args is not None
    none = msgspec.structs.replace(line, args=[(0, line.args[0][1]), *line.args[1:]])
    with pytest.raises(BadInput, match=r"args\[0\]: the first round of ballots is round 1"):
        judged(with_line(runs, run, place, none), key)
