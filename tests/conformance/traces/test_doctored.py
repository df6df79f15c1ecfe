"""What is put into true traces is refused where it stands, and what nothing is shown of is no pass."""

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest

from conformance.links import Profile, Settings, Silence, Verdict
from conformance.traces import link, tlc
from conformance.traces.cell import cells_of, picked, split
from conformance.traces.doctored import (
    WAITS,
    _changes_of_node,
    added,
    changed,
    gone_on,
    nobody_reads,
    somebody_reads_on,
    taught_who_waits,
)
from conformance.traces.lines import Line, Run
from conformance.traces.recorded import Amount, record, record_moves
from tests.conformance.traces.servers import CELL, judged, lived


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return lived(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return record_moves(tmp_path_factory.mktemp("moved"), 4, lambda _: None)


def test_what_nobody_says_is_refused_where_it_comes(killed: list[Run], moved: list[Run]) -> None:
    kinds = Counter[str]()
    for runs, key in ((killed, CELL), (moved, cells_of(moved)[0])):
        for one in added(picked(runs, key)):
            assert link._refused_at(key, one) is True, one.what
            kinds[one.what] += 1
    assert set(kinds) == set(link.MUST_BE_ADDED)


def test_every_changed_event_of_nodes_that_come_and_go_is_refused_where_it_is(moved: list[Run]) -> None:
    (key,) = cells_of(moved)
    kinds = {one.what: link._refused_at(key, one) for _, one in link._changed_once(moved, Random(0))}
    assert {what for what, refused in kinds.items() if refused is not True} == set()
    assert set(kinds) >= set(link.MUST_BE_CHANGED)


def test_only_what_it_was_taught_a_node_installs(moved: list[Run]) -> None:
    (key,) = cells_of(moved)
    some = [one for one in changed(picked(moved, key), Random(1)) if one.what == "install what was not taught"]
    for one in some:
        found = judged(one.runs, key)
        assert found.verdict is Verdict.REFUTED
        assert "was not taught up to there" in found.title or "does not allow install" in found.title
    assert any("was not taught" in judged(one.runs, key).title for one in some)


def test_a_round_is_refused_if_everybody_was_answered_and_taken_if_somebody_came_later(killed: list[Run]) -> None:
    mine = picked(killed, CELL)
    assert {link._refused_at(CELL, one) for one in nobody_reads(mine)} == {True}
    assert {judged(one.runs).verdict for one in somebody_reads_on(mine)} == {Verdict.HOLDS}


def test_who_waits_for_what_a_snapshot_tells_is_told_it(moved: list[Run]) -> None:
    (key,) = cells_of(moved)
    found = list(taught_who_waits(picked(moved, key)))
    assert found
    for three in found:
        assert tuple(one.what for one in three) == WAITS
        assert judged(three[0].runs, key).verdict is Verdict.HOLDS
        assert [link._refused_at(key, one) for one in three[1:]] == [True, True]


def test_who_went_on_is_not_told_the_first_answer_again(moved: list[Run]) -> None:
    (key,) = cells_of(moved)
    assert {link._refused_at(key, one) for one in gone_on(picked(moved, key))} == {True}


def test_a_trace_without_receipts_is_accepted_and_no_step_of_it_that_is_none(killed: list[Run]) -> None:
    found = link._Findings()
    link._judge_without_receipts(killed, [CELL], {CELL: judged(killed)}, found, Silence(), "again")
    assert [row.verdict for row in found.rows] == [Verdict.HOLDS]


def test_what_left_memory_does_nothing_until_it_starts_again(killed: list[Run]) -> None:
    for one in added(picked(killed, CELL)):
        if one.what == "a node goes on after its end":
            assert "does something after its end" in judged(one.runs).title


def test_nobody_is_made_to_promise_a_ballot_that_no_node_has() -> None:
    """An end does not say whose it is: a higher ballot than none would be of no node, which is ill-formed."""
    for promised, is_raised in (((0, 0), False), ((3, 11), True)):
        end = Line("end", n=1, seq=2, promised=promised, known=0, floor=0, active=(0, 0), digest="", stopped=False)
        kinds = dict(_changes_of_node(end))
        assert ("another promise at the end" in kinds) is is_raised
        assert "more is known at the end" in kinds


def test_tlc_is_given_what_comes_after_reads(killed: list[Run]) -> None:
    found = judged(killed)
    assert found.taken["serve"]
    taken = [name for name, _ in tlc.sample(found).path]
    assert taken == [name for name, _ in found.path if name not in tlc.READS][: tlc.MOST_STEPS]
    assert tlc.fits(found)


def test_who_asks_again_is_told_the_same(killed: list[Run]) -> None:
    again = partial(link._judge_again, killed, [CELL], progress=Silence(), again="again")
    again(found=(found := link._Findings()))
    assert [(row.verdict, row.steps) for row in found.rows] == [(Verdict.HOLDS, 1)]
    nobody = partial(link._judge_again, killed, [], progress=Silence(), again="again")
    nobody(found=(nothing := link._Findings()))
    assert [row.verdict for row in nothing.rows] == [Verdict.INCONCLUSIVE]


def test_every_server_shows_its_nodes_at_the_end(tmp_path: Path) -> None:
    """Writes may be over before a server that was killed is reached: then nobody had seen what its disk had."""
    runs = record(tmp_path, Amount(2, 2), lambda _: None)
    for key in cells_of(runs):
        found = judged(runs, key)
        assert found.verdict is Verdict.HOLDS
        assert [events[-1].did for events in split(runs)[key].events.values()] == ["end"] * 3


def test_where_tlc_is_given_too_little_the_link_concludes_nothing(killed: list[Run]) -> None:
    asked = partial(link._ask_tlc, settings=Settings(profile=Profile.QUICK), progress=Silence(), again="again")
    asked([], 1, found=(found := link._Findings()))
    assert [row.verdict for row in found.rows] == [Verdict.INCONCLUSIVE]
    assert "TLC could be given 0 traces, and must be given 1" in found.failures[0].title


def test_where_a_kind_cannot_be_put_in_the_link_concludes_nothing(killed: list[Run]) -> None:
    every = [(CELL, one) for one in added(picked(killed, CELL))]
    put_in = partial(link._judge_refused, "put in", progress=Silence(), again="again", must=link.MUST_BE_ADDED)
    put_in(every, found=(found := link._Findings()))
    assert [row.verdict for row in found.rows] == [Verdict.INCONCLUSIVE]
    assert "none with a node that is gone goes on" in found.failures[0].title
