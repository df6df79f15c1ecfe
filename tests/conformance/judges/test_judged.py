"""The judge's cell is the specification's cell: whatever it computes in its own way comes to the same."""

from itertools import islice
from random import Random

import pytest

from conformance.judges.judged import MAX_FOLDS, BallotNumber, EachBallot, JudgedCell
from conformance.lockstep.driver import Driver
from conformance.lockstep.moves import Moves
from conformance.lockstep.play import Play
from conformance.world.setup import Setup
from spec.cell_properties import CellProperties
from spec.commands import Change, Content, Read, Write


def plain(judged: JudgedCell) -> CellProperties:
    """The specification's cell with the same constants, listed."""
    ballots = range(1, max(judged.seen, default=0) + 1)
    return CellProperties(
        content=judged.content, first=judged.first, alpha=judged.alpha, nodes=judged.nodes, max_slot=judged.max_slot,
        max_ballot=max(ballots, default=0), owner={b: judged.owner[b] for b in ballots}, learners=judged.learners,
        mortals=judged.mortals, strays=judged.strays,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_it_allows_what_the_specification_allows(seed: int) -> None:
    played = Play(Setup.of(4, 3, 2))
    judged, compared, allowed = played.judge.machine, 0, 0
    for happening in islice(Driver(Moves(played.world), Random(seed)).happenings(160), 160):
        played.play(happening)
        state, spec = played.judge.state, plain(judged)
        for ballot in sorted(judged.seen):
            for slot in range(1, 6):
                for value in (*sorted(judged.content)[:4], "noop"):
                    compared += 1
                    assert judged.allowed(state, ballot, slot, value) == spec.allowed(state, ballot, slot, value)
                    allowed += spec.allowed(state, ballot, slot, value)
        for log in state.known[1:]:
            assert judged.after(log) == spec.after(log)
        for name in spec.invariant_names():
            assert getattr(judged, name)(state) == getattr(spec, name)(state)
    assert compared > 1_000
    assert allowed > 50


def test_a_long_log_leads_where_it_does_without_memory() -> None:
    content: dict[str, Content] = {f"w{n}": Write(n, "a", "b") for n in range(MAX_FOLDS + 40)}
    content["r"] = Read()
    judged = JudgedCell.of(content, frozenset({1, 2, 3}), 2, range(1, 4), 2_000, set())
    spec = plain(judged)
    log: tuple[str, ...] = ()
    for name in (*content, "w3", "noop"):
        log = (*log, name)
        judged.after(log)
    assert judged.after(log) == spec.after(log)
    assert judged.after(log[:7]) == spec.after(log[:7])
    assert judged.after(()) == spec.beginning()


def test_ballots_are_computed_and_there_is_none_beyond_the_last() -> None:
    owner = EachBallot(9, lambda ballot: ballot % 3)
    assert dict(owner) == {ballot: ballot % 3 for ballot in range(1, 10)}
    for beyond in (0, 10, -1):
        with pytest.raises(KeyError):
            owner[beyond]


def test_a_ballot_number_reads_as_the_ballot_and_counts_as_the_number() -> None:
    ballot = BallotNumber.of(34, "12.1")
    assert (str(ballot), repr(ballot), f"{ballot}") == ("12.1", "12.1", "12.1")
    assert ballot == 34
    assert hash(ballot) == hash(34)
    assert 33 < ballot < 35


def test_cells_of_another_alpha_differ() -> None:
    content = {"c": Change(0, frozenset({1}))}
    first, second = (JudgedCell.of(content, frozenset({1, 2, 3}), alpha, range(1, 4), 9, set()) for alpha in (1, 2))
    assert first.members(("c",), 2) == plain(first).members(("c",), 2) == frozenset({1})
    assert second.members(("c",), 2) == plain(second).members(("c",), 2) == frozenset({1, 2, 3})
