"""Compaction: fewer records, from which a node comes back the same."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from physalia.cell import Node, compact, forgetting
from physalia.model import Accepted, Ballot, DurableRecord, Known, Part, Promised, Snapshot, Store, Truncate, UsedBallot
from tests.physalia.cell.worlds.node_runs import SWAP, Run, fresh


def same(one: Node, other: Node) -> bool:
    """Whether two nodes that have just started will do the same; of the log, the later may have dropped more.

    Of one that left its cell nothing is asked but who replaced it.
    """
    if one.pointer is not None:
        return (one.pointer, one.stopped) == (other.pointer, other.stopped)
    return (
        (one.promised, dict(one.accepted), len(one.known), one.floor, one.stopped, one.digest(), one.members)
        == (other.promised, dict(other.accepted), len(other.known), other.floor, other.stopped, other.digest(),
            other.members)
        and one.next_ballot() == other.next_ballot()
        and one._acceptor.answered == other._acceptor.answered
        and one._proposer.used >= {ballot for ballot in other._proposer.used if ballot >= other.promised}
    )  # fmt: skip


@given(st.integers(0, 2**32), st.integers(5, 120))
@example(5794, 68)  # it leaves its cell
@settings(max_examples=200, deadline=None)
def test_a_node_comes_back_the_same_from_fewer_records(seed: int, length: int) -> None:
    chance, run = random.Random(seed), Run()
    for _ in range(length):
        run.advance(chance)
    fewer = compact(run.journal)
    assert len(fewer) <= len(run.journal)
    assert same(fresh(journal=run.journal), fresh(journal=fewer))
    assert compact(fewer) == fewer


def journals() -> list[list[DurableRecord]]:
    runs = []
    for seed in range(200):
        chance, run = random.Random(seed), Run()
        for _ in range(60):
            run.advance(chance)
        runs.append(run.journal)
    return runs


JOURNALS = journals()


def test_there_is_something_to_compact() -> None:
    assert sum(any(isinstance(record, Snapshot) for record in journal) for journal in JOURNALS) > 5
    assert sum(len(compact(journal)) < len(journal) for journal in JOURNALS) > 20


@pytest.mark.parametrize("kind", [Accepted, Known, Promised, Snapshot, UsedBallot])
def test_a_kind_of_record_that_is_left_out_is_missed(kind: type) -> None:
    """So the comparison above can fail."""

    def is_seen(journal: list[DurableRecord]) -> bool:
        fewer = [record for record in compact(journal) if not isinstance(record, kind)]
        try:
            return not same(fresh(journal=journal), fresh(journal=fewer))
        except ValueError:
            return True

    assert any(is_seen(journal) for journal in JOURNALS)


def test_a_snapshot_that_is_too_large_for_one_record_is_written_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "PART_BYTES", 1)
    journal: list[DurableRecord] = [Known(1, SWAP)]
    node = fresh(journal=journal)
    journal += [effect.record for effect in node.step(Truncate(1)).effects if isinstance(effect, Store)]
    assert [type(record) for record in journal] == [Known, Part, Snapshot]
    assert same(fresh(journal=journal), fresh(journal=compact(journal)))
    again = fresh(journal=journal[1:])  # the decision itself is gone, and what it led to is there
    assert (again.digest(), len(again.known), again.floor) == (node.digest(), 1, 1)


def test_what_was_compacted_goes_on_wherever_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal is folded a few entries at a time, and the cut may be between a snapshot and its parts."""
    monkeypatch.setattr(forgetting, "PART_BYTES", 1)
    in_parts = 0
    for journal in journals():
        whole = fresh(journal=journal)
        for cut in range(len(journal)):
            in_parts += isinstance(journal[cut], Snapshot) and cut > 0 and isinstance(journal[cut - 1], Part)
            assert same(whole, fresh(journal=[*compact(journal[:cut]), *journal[cut:]]))
            assert same(whole, fresh(journal=compact([*compact(journal[:cut]), *journal[cut:]])))
    assert in_parts > 5, "no cut was before a snapshot that has parts"


def test_parts_whose_snapshot_never_came_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "PART_BYTES", 1)
    journal: list[DurableRecord] = [Known(1, SWAP)]
    part, last = (e.record for e in fresh(journal=journal).step(Truncate(1)).effects if isinstance(e, Store))
    torn = [*journal, part, Known(2, SWAP)]
    assert same(fresh(journal=torn), fresh(journal=[*journal, Known(2, SWAP)]))
    monkeypatch.undo()
    torn += [effect.record for effect in fresh(journal=torn).step(Truncate(1)).effects if isinstance(effect, Store)]
    assert same(fresh(journal=torn), fresh(journal=compact(torn)))
    with pytest.raises(ValueError, match="cannot follow"):
        fresh(journal=[*journal, Known(2, SWAP), part, part, last])


def test_a_promise_is_kept_whose_vote_is_below_the_floor() -> None:
    high = Ballot(7, 2)
    journal: list[DurableRecord] = [Known(1, SWAP), Accepted(high, 1, SWAP)]
    node = fresh(journal=journal)
    journal += [effect.record for effect in node.step(Truncate(1)).effects if isinstance(effect, Store)]
    again = fresh(journal=compact(journal))
    assert (again.promised, again.accepted, again.floor) == (high, {}, 1)
    assert again._acceptor.answered != high
