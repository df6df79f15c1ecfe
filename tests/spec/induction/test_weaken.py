"""What becomes of a proof without a premise, how its counterexamples read, and what a second solver says."""

from functools import cache

import pytest
from attrs import evolve

from spec.induction.layers.stack import system_of
from spec.induction.proving.models import counterexample
from spec.induction.proving.prove import Proof, prove
from spec.induction.proving.queries import premises_of, queries_of
from spec.induction.proving.second_opinion import Opinion, second_opinion
from spec.induction.proving.solve import Effort, Outcome, as_smtlib
from spec.induction.proving.weaken import Ending, without


@cache
def ballots() -> Proof:
    return prove(system_of("ballots"))


@pytest.mark.parametrize(
    ("dropped", "ending", "by"),
    [
        ("guard vote.not_left", Ending.REFUSED, "ballots/vote/proposals_safe"),
        ("guard propose.all_left", Ending.REFUSED, "ballots/propose/proposals_safe"),
        ("guard propose.highest", Ending.REFUSED, "ballots/propose/proposals_safe"),
        ("axiom majorities_meet", Ending.REFUSED, "ballots/safety/one_value_chosen"),
        ("invariant prefix_before", Ending.REFUSED, "ballots/extend/prefix_leads_to"),
        ("invariant left_covers_votes", Ending.REDUNDANT, ""),
        ("guard vote.fresh", Ending.SAFE, ""),
    ],
)
def test_a_premise_is_needed_or_not(dropped: str, ending: Ending, by: str) -> None:
    weakened = without(ballots(), dropped, Effort())
    assert (weakened.ending, weakened.by) == (ending, by)
    assert weakened.reason


def test_refused_only_for_itself_is_redundant() -> None:
    proof = prove(system_of("outbox"), prove(system_of("disk"), ballots()))
    weakened = without(proof, "guard crash.one_record", Effort())
    assert weakened.ending is Ending.REDUNDANT
    assert weakened.fallen == ("promised_covers_accepted",)
    assert weakened.by == "outbox/crash/promised_covers_accepted"
    assert weakened.reason == "only promised_covers_accepted falls, and safety is proved without"


def test_a_premise_that_is_not_there_is_no_mutant() -> None:
    assert "guard vote.not_left" in premises_of(ballots().system)
    with pytest.raises(KeyError, match=r"guard vote\.not_lift"):
        without(ballots(), "guard vote.not_lift", Effort())


def test_out_of_work_is_neither_refused_nor_redundant(monkeypatch: pytest.MonkeyPatch) -> None:
    proved = ballots()
    monkeypatch.setattr("spec.induction.proving.solve.WORK", 1)
    weakened = without(proved, "invariant proposals_inside_window", Effort())
    assert weakened.ending is Ending.UNKNOWN
    assert "not decided" in weakened.reason


def test_a_counterexample_is_a_step_that_can_be_read() -> None:
    weakened = without(ballots(), "guard vote.not_left", Effort())
    lines = counterexample(ballots().system, weakened.refuted[0], Effort())
    assert lines[0].startswith("there are bot < ballot1")
    assert any(line.startswith("before: ") for line in lines)
    assert any(line.startswith("step:   vote(n = node") for line in lines)
    assert any(line.startswith("  holds now: ") and "votes(" in line for line in lines)
    assert lines[-1] == "then proposals_safe does not hold"


def test_a_counterexample_of_safety_has_no_step() -> None:
    weakened = without(ballots(), "axiom majorities_meet", Effort())
    lines = counterexample(ballots().system, weakened.refuted[0], Effort())
    assert not any(line.startswith("step:") for line in lines)
    assert lines[-1] == "then one_value_chosen does not hold"


def test_a_second_solver_agrees() -> None:
    for name in ("ballots/vote/proposals_safe", "ballots/safety/one_value_chosen", "ballots/initiation/agreement"):
        second = second_opinion(ballots().asked[name], timeout_s=20)
        assert (second.opinion, second.said) == (Opinion.AGREES, "unsat")


def test_a_second_solver_can_disagree_and_can_give_up() -> None:
    answer = ballots().asked["ballots/vote/proposals_safe"]
    lie = evolve(answer, outcome=Outcome.REFUTED)
    assert second_opinion(lie, timeout_s=20).opinion is Opinion.DISAGREES
    unproved = evolve(answer, query=evolve(answer.query, premises={}))
    assert second_opinion(unproved, timeout_s=20).opinion is Opinion.DISAGREES
    assert second_opinion(answer, timeout_s=0.001).opinion is Opinion.UNDECIDED


def test_a_script_that_cannot_be_read_is_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "spec.induction.proving.second_opinion.as_smtlib", lambda _: "(assert (forall ((n' Node)) true))"
    )
    second = second_opinion(ballots().asked["ballots/vote/proposals_safe"], timeout_s=20)
    assert second.opinion is Opinion.UNDECIDED
    assert second.said.startswith("error: ")


def test_every_script_has_plain_names() -> None:
    scripts = [as_smtlib(query) for name in ("leaving", "outbox") for query in queries_of(system_of(name))]
    assert not [script.splitlines()[0] for script in scripts if "'" in script]
