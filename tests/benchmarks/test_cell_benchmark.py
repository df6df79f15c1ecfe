"""The benchmark of the cell's core: commits that were made, and a check that does not believe in others."""

import json
import sys

import pytest

from benchmarks import cell, growth
from benchmarks.loads import Bare, Load, Transactions
from physalia.model import Done, Execute, NoOp, Refused, RequestId, Submit, Transact

LOADS = {"bare": Bare, "transactions": Transactions}


def some_commits(load: Load | None = None) -> cell.Cell:
    made = cell.Cell(3, 3, Bare() if load is None else load)
    made.run(100)
    return made


def test_transactions_are_in_sessions_and_have_conditions() -> None:
    load = Transactions()
    made = some_commits(load)
    made.check()
    assert load.done == 97
    asked = [one.body for one in made.nodes[1].known if isinstance(one, Execute) and isinstance(one.body, Transact)]
    assert {body.session for body in asked} == {1, 2, 3}
    assert all(body.transaction.if_ and body.transaction.then for body in asked)
    assert {one.digest() for one in made.nodes.values() if len(one.known) == 100} == {made.nodes[1].digest()}


def test_a_transaction_that_was_not_done_is_not_believed() -> None:
    load = Transactions({"client0": 1})
    for told in (Refused("wrong type", "a"), Done(7, succeeded=False, results=(), failed=())):
        with pytest.raises(AssertionError):
            load.next(RequestId("client0", 3), told)


def test_the_curves_speak_of_what_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZES", (10, 30))
    monkeypatch.setattr(growth, "SAMPLE", 20)
    curves = growth.curves()
    assert set(curves) == {f"microseconds_by_{name}" for name in ("keys", "sessions", "slots")}
    assert all(cost > 0 for curve in curves.values() for cost in curve.values())
    assert all(list(curve) == ["10", "30"] for curve in curves.values())


def test_what_is_counted_was_decided_and_answered() -> None:
    made = some_commits()
    made.check()
    assert made.commits == 100
    assert len(made.nodes[1].known) == 100
    assert min(len(node.known) for node in made.nodes.values()) >= 95


def test_commits_that_were_not_made_are_not_believed() -> None:
    made = some_commits()
    made.commits += 1
    with pytest.raises(AssertionError, match="what was answered is not what was decided"):
        made.check()
    made = some_commits()
    del made.nodes[1]._learner.known.entries[50]
    made.commits -= 1
    with pytest.raises(AssertionError, match="what was answered is not what was decided"):
        made.check()


def test_a_fork_is_not_believed() -> None:
    made = some_commits()
    made.nodes[2]._learner.known.entries[50] = NoOp()
    with pytest.raises(AssertionError, match="two nodes know different decisions"):
        made.check()


def test_a_node_that_is_not_told_is_not_believed() -> None:
    made = some_commits()
    del made.nodes[2]._learner.known.entries[10:]
    with pytest.raises(AssertionError, match="a node is not told of decisions"):
        made.check()


def test_reads_are_served_from_what_was_answered() -> None:
    made = cell.quiet(3, 3)
    made.read(2, 50)
    assert made.reads >= 50
    assert not made.rejected
    assert len(made.nodes[1].known) == made.commits  # nothing was written for them


def test_a_read_that_leaves_out_what_was_answered_is_not_believed() -> None:
    made = cell.quiet(3, 3)
    made.commits += 1
    with pytest.raises(AssertionError, match="a read leaves out what was answered"):
        made.read(1, 10)


def test_reads_that_are_rejected_or_wait_for_ever_are_not_believed() -> None:
    for spoil, said in ((2, "a reader of a leader was rejected"), (0, "reads wait for ever")):
        made = cell.quiet(3, 3)
        if spoil:
            made.nodes[1]._proposer.leadership.refused.update({2, 3})
        else:
            made.nodes.update(dict.fromkeys((2, 3), made.nodes[1]))
        with pytest.raises(AssertionError, match=said):
            cell.Rate().add_reads(made, 1)


def test_a_rejected_client_is_not_believed() -> None:
    made = some_commits()
    made.queue.extend([(1, Submit(command)) for command in made.load.first(4)])
    made.run(110)
    with pytest.raises(AssertionError, match="rejected"):
        made.check()


def test_the_figures_are_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cell, "COMMITS_PER_CELL", 50)
    monkeypatch.setattr(cell, "READS_PER_CELL", 200)
    monkeypatch.setattr(sys, "argv", ["cell", "--json", "--seconds", "0.01"])
    assert cell.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["alpha"] == 3
    for size in (3, 7):
        assert figures[f"commits_per_second_{size}"] > 0
        assert figures[f"commits_per_cpu_second_{size}"] > 0
        assert figures[f"transactions_per_second_{size}"] > 0
        assert 0 < figures[f"read_of_100_to_write_{size}"] < figures[f"read_of_1_to_write_{size}"]


def test_a_profile_names_the_steps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cell, "COMMITS_PER_CELL", 50)
    monkeypatch.setattr(sys, "argv", ["cell", "--profile", "--nodes", "3"])
    assert cell.main() == 0
    told = capsys.readouterr().out
    assert "3 nodes, 50 commits:" in told
    assert "(step)" in told


def test_no_nodes_are_bad_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["cell", "--nodes", "0"])
    with pytest.raises(SystemExit) as stopped:
        cell.main()
    assert stopped.value.code == 2
    assert "sizes, alpha and seconds are positive" in capsys.readouterr().err
