"""What is said to matter does; what does not is such that the rest can be explained without it."""

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest

from conformance.links import BadInput, Silence, Verdict
from conformance.refutation import Refuted
from conformance.traces import link
from conformance.traces.cell import Event, picked, split
from conformance.traces.doctored import cut_out
from conformance.traces.lines import Run, read_lines
from conformance.traces.mattering import STEPS, Mattering
from conformance.traces.recorded import read_all
from physalia.model import Decision
from tests.conformance.traces.servers import CELL, World, judged, lived


def is_accepted(runs: list[Run], event: Event) -> bool:
    """Whether a trace holds without one of its lines."""
    (at,) = [at for at, run in enumerate(runs) if run.path == event.place.path]
    (place,) = [place for place, (number, _) in enumerate(runs[at].lines) if number == event.place.number]
    try:
        return judged(cut_out(runs, at, [place])).verdict is Verdict.HOLDS
    except Refuted:
        return False


def looked_at(runs: list[Run]) -> Counter[tuple[str, bool, bool]]:
    """Of each step and flush: what it is, whether it is said to matter, and whether the trace holds without it."""
    mine = list(picked(runs, CELL))
    trace = split(mine)[CELL]
    mattering = Mattering(trace)
    return Counter(
        (event.did, mattering.matters(node, place), is_accepted(mine, event))
        for node, events in trace.events.items()
        for place, event in enumerate(events)
        if event.did in (*STEPS, "flush")
    )


def test_what_is_said_to_matter_does_and_most_of_it_is_found(tmp_path: Path) -> None:
    found = looked_at(lived(tmp_path))
    assert not [each for each in found if each[1] and each[2]], found
    assert {did for did, matters, _ in found if matters} >= {
        "prepare", "promise", "propose", "vote", "decide", "learn", "flush",
    }  # fmt: skip
    missed = sum(count for (_, matters, accepted), count in found.items() if not matters and not accepted)
    assert missed * 20 <= found.total(), found


NEEDLESS = {
    "ignored": "nothing came of it",
    "refused": "a node that refuses stays as it is, and no guard reads a refusal",
    "rejected": "a client that is turned away is told nothing of the log",
    "recorded promise": "others had promised before, and they were a majority",
    "recorded refusal": "no guard reads it",
    "recorded vote": "others had voted before, and they were a majority",
    "vote": "nobody heard it before others had voted, and its node did not come back to it",
}
"""What may be missing from a trace that is accepted all the same, and why nothing that comes after needs it."""


def test_without_any_event_a_trace_is_not_accepted_but_for_those_that_nothing_needs(tmp_path: Path) -> None:
    mine = list(picked(lived(tmp_path), CELL))
    (trace,) = split(mine).values()
    events = [event for some in trace.events.values() for event in some]
    needless = Counter(
        " ".join((event.did, *((event.line.said or ())[:1] if event.did == "recorded" else ())))
        for event in events
        if event.did != "start" and is_accepted(mine, event)
    )
    assert needless.keys() <= NEEDLESS.keys()
    assert 3 * needless.total() < len(events)


def test_a_file_without_one_of_its_lines_is_out_of_order(tmp_path: Path) -> None:
    """Lines of a node count up, and the last one says how many there are: so nothing can be missing from a file."""
    lived(tmp_path)
    tried = 0
    for file in sorted(tmp_path.rglob("*.jsonl")):
        lines = file.read_bytes().splitlines(keepends=True)
        for place in range(len(lines)):
            text = b"".join(lines[:place] + lines[place + 1 :])
            is_last = place == len(lines) - 1
            if is_last or b'"close"' not in lines[-1]:
                continue  # of what was cut at its end nobody can tell how much there was
            with pytest.raises(BadInput):
                read_lines(file, text)
            tried += 1
    assert tried > 20


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.start(1, 2, 3)
    world.lead(1, 1)
    world.write(1, 1, 0, 0)
    world.run()
    return world


def last(runs: list[Run], did: str, server: int) -> tuple[bool, bool]:
    """Of the last event of a kind in a server's first run: whether it is said to matter, and whether it does."""
    mine = list(picked(runs, CELL))
    trace = split(mine)[CELL]
    events = trace.events[server]
    place = max(
        at for at, each in enumerate(events) if each.did == did and each.place.path.stem == f"server-{server}-1"
    )
    return Mattering(trace).matters(server, place), not is_accepted(mine, events[place])


def test_what_was_learned_last_before_a_kill_matters_only_if_somebody_heard_of_it(world: World) -> None:
    """Its process dies before the disk has a record of it."""
    world.write(1, 1, 1, 1)
    world.run(until=lambda to, envelope: to == 3 and isinstance(envelope.message, Decision))
    world.kill(3)
    world.start(3)
    world.lead(1, 1)
    world.end()
    assert last(read_all(world.traces), "learn", 3) == (False, False)


def test_a_decision_that_others_learn_matters_though_its_node_was_killed(world: World) -> None:
    world.kill(1)
    world.start(1)
    world.lead(2, 1)
    world.end()
    assert last(read_all(world.traces), "decide", 1) == (True, True)


def test_where_nothing_matters_the_link_concludes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = lived(tmp_path)
    left_out = partial(link._judge_without, runs, CELL, 10_000, Random(0), progress=Silence(), again="again")
    left_out(found=(all_there := link._Findings()))
    assert [row.verdict for row in all_there.rows] == [Verdict.HOLDS]
    monkeypatch.setattr(Mattering, "matters", lambda _self, _node, _place: False)
    left_out(found=(nothing := link._Findings()))
    assert [row.verdict for row in nothing.rows] == [Verdict.INCONCLUSIVE]
    assert "nothing that was done matters of prepare" in nothing.failures[0].title
