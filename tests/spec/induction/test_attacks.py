"""Attacks: broken rules are exploited, rules in place are not, and a run that is none is never shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import z3
from attrs import evolve

from conformance.induction import attacks as judged
from conformance.links import BadInput, Silence, Verdict
from spec.ballots import Ballots
from spec.cell_properties import CellProperties
from spec.induction.attacks import replay, replay_leaving, replay_reads
from spec.induction.attacks.attacks import ATTACKS, attack, is_prevented
from spec.induction.attacks.breaking import forgetting, instead, without
from spec.induction.formulas.evaluate import Universe, compiled
from spec.induction.formulas.ground import Ground, Pick
from spec.induction.formulas.normal import normal_form
from spec.induction.formulas.structure import Juries, universe_of
from spec.induction.layers.stack import system_of
from spec.induction.proving.prove import prove
from spec.induction.proving.solve import Outcome
from spec.induction.proving.unroll import NoRun, find_run
from spec.leaving import Leaving
from spec.models import DROP, FOUNDERS, SWAP
from spec.service.reads import Reads
from tests.spec.induction.test_evaluate import BALLOTS, random_cell

ONE_SLOT = Ballots(content=SWAP, first=FOUNDERS, alpha=1, nodes=range(1, 4), max_ballot=1, max_slot=1)
UNIVERSE = universe_of(Juries(ONE_SLOT), nodes=range(1, 4), max_ballot=1, max_slot=1)
PLAN = ("leave b=1", "leave b=1", "propose i=1", "vote", "vote", "choose", "extend")


@pytest.mark.parametrize("name", ATTACKS)
def test_a_broken_rule_is_exploited_and_the_rule_prevents_it(name: str) -> None:
    found = judged.judge(ATTACKS[name])
    assert found.verdict is Verdict.HOLDS, found.sentence
    assert found.found is not None
    assert found.found.run.violated == ATTACKS[name].violates
    if ATTACKS[name].replays is not None:
        assert found.found.replayed is not None
        assert found.found.replayed.violated in replay.HEADLINES


def test_the_rules_that_must_be_attacked_are() -> None:
    assert {
        "promise-before-durable", "vote-before-durable", "lost-disk-stays", "stale-jury",
        "phase-1-of-the-wrong-configuration", "truncated-read-as-free", "leaving-by-membership",
    } <= ATTACKS.keys()  # fmt: skip
    assert all(one.replays is not None for one in ATTACKS.values())


FOR_THE_REPLAY = {"read-before-it-is-applied": "propose b=2 i=1 n=1"}
"""A step that the layer can do without: there a read may note a higher slot than it must, and on the model not."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_no_step_of_a_run_can_be_left_out(name: str) -> None:
    chosen = ATTACKS[name]
    system = chosen.breaks(system_of(chosen.layer))
    m = chosen.bounds
    universe = universe_of(
        Juries(m), nodes=m.nodes, max_ballot=m.max_ballot, max_slot=m.max_slot, values=m.commands
    )  # fmt: skip
    violates = {chosen.violates: {**system.invariants, **system.safety}[chosen.violates](system.state())}
    for place in range(len(chosen.plan)):
        if chosen.plan[place] == FOR_THE_REPLAY.get(name):
            continue
        shorter = (*chosen.plan[:place], *chosen.plan[place + 1 :])
        with pytest.raises(NoRun) as none:
            find_run(system, universe, shorter, violates)
        assert none.value.proved


# The search.


def reached(property_: Any) -> Mapping[str, Any]:
    """A formula whose violation is that the property holds."""
    return {"never": z3.Not(property_)}


def test_a_run_is_found_with_arguments_and_facts() -> None:
    system = system_of("ballots")
    s = system.state()
    i, v = z3.Const("i", system.relations["chosen"].sorts[0]), z3.Const("v", system.relations["chosen"].sorts[1])
    run = find_run(system, UNIVERSE, PLAN, reached(z3.Exists([i, v], s.chosen(i, v))))
    assert [step.action for step in run.steps] == [entry.split()[0] for entry in PLAN]
    assert {step.arguments["b"] for step in run.steps[:2]} == {1}
    (chosen,) = run.steps[-1].facts["chosen"]
    assert chosen == (1, run.steps[2].arguments["v"])
    assert len({step.arguments["n"] for step in run.steps[3:5]}) == 2


def test_that_there_is_no_run_is_said() -> None:
    system = system_of("ballots")
    s = system.state()
    i, v = z3.Const("i", system.relations["chosen"].sorts[0]), z3.Const("v", system.relations["chosen"].sorts[1])
    with pytest.raises(NoRun, match="no such run") as none:
        find_run(system, UNIVERSE, ("leave", "propose", "vote", "choose"), reached(z3.Exists([i, v], s.chosen(i, v))))
    assert none.value.proved


def test_a_solver_that_gave_up_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3.Solver, "check", lambda _: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda _: "timeout")
    with pytest.raises(NoRun, match=r"gave up, with a limit of [\d,]+ units of work \(timeout\)") as none:
        attack("vote-below-the-promise")
    assert not none.value.proved
    with pytest.raises(NoRun):
        is_prevented("vote-below-the-promise")
    assert judged.judge(ATTACKS["vote-below-the-promise"]).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("seed", range(20))
def test_what_is_ground_means_what_is_compiled(seed: int) -> None:
    from random import Random  # noqa: PLC0415

    random = Random(seed)
    universe, facts = random_cell(random)
    state = {name: dict.fromkeys(relation, True) for name, relation in facts.items()}
    for name, formula in BALLOTS.items():
        assert Ground(universe, state).formula(normal_form(formula), {}) is compiled(formula, universe)(facts), name


@pytest.mark.parametrize("seed", range(5))
def test_what_is_picked_means_what_is_compiled(seed: int) -> None:
    from random import Random  # noqa: PLC0415

    random = Random(seed)
    universe, facts = random_cell(random)
    unknown = {
        name: {args: z3.Bool(f"{name}{args}") for args in universe.arguments(_sorts(universe, name))} for name in facts
    }  # fmt: skip
    for act in system_of("ballots").actions.values():
        terms = tuple(act.parameters.values())
        picks = {term.decl().name(): Pick.among(str(term), universe.domains[term.sort().name()]) for term in terms}
        solver = z3.Solver()
        solver.add(*(pick.exactly_one() for pick in picks.values()))
        chosen = {term: random.choice(universe.domains[term.sort().name()]) for term in terms}
        solver.add(*(picks[str(term)].chosen[element] for term, element in chosen.items()))
        solver.add(*(p if args in facts[name] else z3.Not(p) for name in facts for args, p in unknown[name].items()))
        value = Ground(universe, unknown).formula(normal_form(act.enabled), picks)
        expected = compiled(act.enabled, universe, terms)(facts, *chosen.values())
        assert solver.check(value if expected else z3.Not(value)) == z3.sat
        assert solver.check(z3.Not(value) if expected else value) == z3.unsat


def test_an_element_that_occurs_twice_in_a_fact_is_one() -> None:
    sort = z3.DeclareSort("S")
    r, x, y = z3.Function("r", sort, sort, z3.BoolSort()), z3.Const("x", sort), z3.Const("y", sort)
    universe = Universe(domains={"S": ("a", "b")})
    loops, edges = normal_form(z3.Exists([x], r(x, x))), normal_form(z3.Exists([x, y], r(x, y)))
    for fact, is_loop in ((("a", "b"), False), (("b", "b"), True)):
        ground = Ground(universe, {"r": {fact: True}})
        assert ground.formula(loops, {}) is is_loop
        assert ground.formula(edges, {}) is True


def _sorts(universe: Universe, name: str) -> tuple[str, ...]:
    return tuple(sort.name() for sort in system_of("ballots").relations[name].sorts)


def test_a_run_that_the_formulas_do_not_allow_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Ground, *_: Any) -> bool:
        return True

    system = system_of("ballots")
    monkeypatch.setattr(Ground, "formula", wrong)
    with pytest.raises(AssertionError):
        find_run(system, UNIVERSE, PLAN, {"agreement": system.invariants["agreement"](system.state())})


# Breaking.


def test_what_is_not_there_cannot_be_broken() -> None:
    system = system_of("ballots")
    for broken in (
        without("vote", "no such conjunct"),
        instead("vote", "no such conjunct", lambda *_: z3.BoolVal(val=True)),
        forgetting("vote", "no such relation"),
    ):
        with pytest.raises(AssertionError):
            broken(system)


def test_a_system_is_broken_in_a_copy() -> None:
    system = system_of("ballots")
    assert "not_left" not in without("vote", "not_left")(system).actions["vote"].guard
    assert "not_left" in system.actions["vote"].guard
    assert "left" not in forgetting("vote", "left")(system).actions["vote"].updates


# Judging, and telling.


def test_an_attack_that_finds_nothing_is_refuted() -> None:
    harmless = evolve(ATTACKS["vote-below-the-promise"], breaks=lambda system: system)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ATTACKS, harmless.name, harmless)
        assert judged.judge(harmless).verdict is Verdict.REFUTED


def test_a_rule_that_does_not_prevent_its_attack_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "is_prevented", lambda _: False)
    assert judged.judge(ATTACKS["vote-below-the-promise"]).verdict is Verdict.REFUTED


def test_a_replay_on_a_model_whose_rule_is_not_broken_is_refused() -> None:
    run = attack("vote-below-the-promise").run
    with pytest.raises(replay.NotReplayed, match=r"left\[n\] <= b"):
        replay.on_ballots(Ballots)(ATTACKS["vote-below-the-promise"].bounds, run)
    run = attack("lost-disk-stays").run
    with pytest.raises(replay.NotReplayed):
        replay.on_cell(CellProperties)(ATTACKS["lost-disk-stays"].bounds, run)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("read-by-the-wrong-configuration", r"echo\(1, 1, 1\): n in asked.to"),
        ("read-without-a-round", r"serve\(1, 1\): is_majority"),
        ("echo-older-than-the-read", r"serve\(1, 2\): is_majority"),
        ("refusal-taken-for-an-echo", r"echo\(3, 1, 1\): s.promised\[n\] == b"),
        ("reported-vote-no-matter", r"serve\(2, 1\): is_majority"),
        ("read-before-it-is-applied", r"serve\(2, 1\): asked.slot <= len"),
    ],
)
def test_a_broken_read_is_refused_by_reads_as_they_are(name: str, says: str) -> None:
    found = attack(name)
    assert found.replayed is not None
    assert found.replayed.violated == "reads_see_acknowledged"
    with pytest.raises(replay.NotReplayed, match=says):
        replay_reads.on_reads(Reads)(ATTACKS[name].bounds, found.run)


@pytest.mark.parametrize(
    ("name", "owner", "says"),
    [
        ("erased-when-effective", 1, r"erase\(1, 1\): is_majority"),
        ("leaving-by-membership", 2, r"erase\(4, 2\): is_majority"),
    ],
)
def test_who_leaves_too_early_is_refused_by_leaving_as_it_is(name: str, owner: int, says: str) -> None:
    found = attack(name)
    assert found.replayed is not None
    assert found.replayed.violated == "recoverable"
    bounds = ATTACKS[name].bounds
    machine = replay_leaving.cell_of(Leaving, bounds, dict.fromkeys(range(1, bounds.max_ballot + 1), owner))
    with pytest.raises(replay.NotReplayed, match=says):
        replay.taken(machine, "spec/leaving.py", replay_leaving.leaving_calls(machine, found.run))


def test_a_scenario_can_be_read() -> None:
    lines = list(attack("vote-before-durable").lines())
    assert lines[0].startswith("vote-before-durable (R2, R4): a vote is sent before it is durable")
    assert sum("crash(" in line for line in lines) == 1
    assert any(line.strip().startswith("- accepted(") for line in lines)
    assert any("violated: agreement with i = 1" in line for line in lines)
    assert "replayed on spec/cell.py" in lines[-1]


def test_a_report_for_machines() -> None:
    report = judged.run_attacks(["erased-when-effective"], Silence())
    told = report.as_json()
    assert told["verdict"] is Verdict.HOLDS
    (one,) = told["attacks"]
    assert one["violated"] == "recoverable"
    assert one["steps"][-1]["action"] == "lose"
    assert one["replay"]["model"] == "spec/leaving.py"
    assert one["replay"]["violated"] == "recoverable"


def test_a_system_in_which_nothing_bad_can_happen_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that there is to prove of a read that notes nothing is proved; but no broken rule leads to a bad one."""
    careless = forgetting("ask", "acknowledged_at")(system_of("reads"))
    assert prove(careless).outcome is Outcome.PROVED
    monkeypatch.setattr("spec.induction.attacks.attacks.system_of", lambda _: careless)
    report = judged.run_attacks(["read-by-the-wrong-configuration"], Silence())
    (row,) = report.rows()
    (failure,) = report.failures()
    assert row.verdict is failure.verdict is Verdict.REFUTED
    assert "no such run" in failure.title


def test_a_safety_property_that_asks_too_little_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a ballot has one value is proved, and can fail; but what two ballots decide does not violate it."""
    base = system_of("ballots")
    same_ballot = evolve(base, safety={**base.safety, "one_value_chosen": base.invariants["one_value_per_ballot"]})
    assert prove(same_ballot).outcome is Outcome.PROVED
    monkeypatch.setattr("spec.induction.attacks.attacks.system_of", lambda _: same_ballot)
    report = judged.run_attacks(["vote-below-the-promise"], Silence())
    assert report.verdict is Verdict.REFUTED


def test_an_unknown_attack_gets_the_closest_ones() -> None:
    with pytest.raises(BadInput, match="did you mean stale-jury"):
        judged.run_attacks(["stale-juri"], Silence())


def test_every_attack_names_a_rule_of_the_design() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "proof.md").read_text(encoding="utf-8")
    for one in ATTACKS.values():
        assert one.rule.startswith("R")
        assert f"`{one.name}`" in docs


def test_structures_for_changes_are_what_they_say() -> None:
    m = Ballots(content=DROP, first=FOUNDERS, alpha=1, nodes=range(1, 4), max_ballot=1, max_slot=2)
    universe = universe_of(Juries(m), nodes=m.nodes, max_ballot=1, max_slot=2)
    first, second = universe.domains["Configuration"]
    assert universe.relations["removed"] == {(1, second)}
    assert (first, "drop", second) in universe.relations["leads_to"]
    assert ("{2, 3}", second) in universe.relations["majority"]
    assert ("{1, 2}", second) not in universe.relations["majority"]
    assert universe.relations["window"] == {(0, 1), (1, 2)}
    assert universe.relations["opens_before"] == {(1, 1), (1, 2), (2, 2)}
