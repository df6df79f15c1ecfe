"""The report of the proof, its mutants, and the link: nothing passes because nothing happened."""

from pathlib import Path

import pytest
from attrs import evolve

from conformance.induction import link as induction
from conformance.induction import unbounded
from conformance.induction.mutants import MutantsReport, judge_mutants
from conformance.induction.necessity import necessity
from conformance.induction.reasons import REASONS
from conformance.induction.second_opinion import Opinions, judge_again
from conformance.induction.tie.tie import tie
from conformance.induction.unbounded import ProofReport, prove_layers
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from spec.induction.attacks.attacks import ATTACKS
from spec.induction.layers.stack import LAYERS
from spec.induction.proving import second_opinion as second_opinions
from spec.induction.proving.second_opinion import Opinion, Second
from spec.induction.proving.solve import Effort
from spec.induction.proving.weaken import Ending
from tests.spec.induction.test_layers import NoPhaseOne


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    system = NoPhaseOne().system()
    monkeypatch.setattr(unbounded, "system_of", lambda _: evolve(system, name="ballots"))


def prove_base(folder: Path, **effort: float) -> ProofReport:
    return prove_layers(("ballots",), Effort(**effort), Silence(), folder)  # type: ignore[arg-type]


def test_the_base_holds(tmp_path: Path) -> None:
    report = prove_base(tmp_path)
    assert report.verdict is Verdict.HOLDS
    assert report.queries == 92
    assert not list(report.failures())
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("broken")
def test_a_broken_base_is_refuted_with_a_counterexample_and_a_script(tmp_path: Path) -> None:
    report = prove_base(tmp_path)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures()
    assert failure.title == "ballots/propose/proposals_safe: the claim does not follow"
    assert any(line.startswith("step:   propose(") for line in failure.lines)
    assert (tmp_path / "ballots.propose.proposals_safe.smt2").is_file()


def test_out_of_time_is_inconclusive_and_leaves_a_script(tmp_path: Path) -> None:
    report = prove_base(tmp_path, timeout_s=0.001)
    assert report.verdict is Verdict.INCONCLUSIVE
    failures = list(report.failures())
    assert failures
    assert {failure.verdict for failure in failures} == {Verdict.INCONCLUSIVE}
    name = failures[0].title.split(":")[0]
    script = tmp_path / f"{name.replace('/', '.')}.smt2"
    assert script.read_text(encoding="utf-8").startswith(f"; query: {name}\n")
    assert any(str(script) in line for line in failures[0].lines)


def test_an_unknown_layer_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no layer called ballot; there are ballots, disk"):
        prove_layers(("ballot",), Effort(), Silence())


def test_nothing_proved_is_no_pass() -> None:
    assert ProofReport(layers=(), elapsed_s=0.0, effort=Effort()).verdict is Verdict.INCONCLUSIVE
    assert Opinions(opinions=(), seconds=0.0).verdict is Verdict.INCONCLUSIVE


@pytest.fixture(scope="module")
def mutants_of_the_base(tmp_path_factory: pytest.TempPathFactory) -> MutantsReport:
    return judge_mutants(prove_base(tmp_path_factory.mktemp("scripts")), (), Effort(), Silence())


def test_mutants_of_the_base_are_refused_or_explained(
    mutants_of_the_base: MutantsReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = mutants_of_the_base
    assert len(report.mutants) == 44
    assert len(report.ended(Ending.REFUSED)) == 37
    # What the base can do without, a layer above it needs: alone, the base has no reason for that.
    assert report.unexplained == ["ballots: axiom window_is_behind"]
    assert report.as_json()["verdict"] is Verdict.REFUTED
    reasons = {**REASONS, "ballots: axiom window_is_behind": "only leaving needs it"}
    monkeypatch.setattr("conformance.induction.mutants.REASONS", reasons)
    assert report.as_json()["verdict"] is Verdict.HOLDS
    by = {mutant.name: mutant.weakened.by for mutant in report.mutants}
    assert by["ballots: guard vote.not_left"] == "ballots/vote/proposals_safe"


@pytest.mark.usefixtures("broken")
def test_mutants_of_what_does_not_hold_are_not_judged(tmp_path: Path) -> None:
    report = judge_mutants(prove_base(tmp_path), (), Effort(), Silence())
    assert (report.verdict, report.mutants) == (Verdict.REFUTED, ())


@pytest.mark.slow
def test_all_mutants_are_refused_or_explained_and_no_reason_is_left_over(tmp_path: Path) -> None:
    report = judge_mutants(prove_layers((), Effort(), Silence(), tmp_path), (), Effort(), Silence())
    assert report.verdict is Verdict.HOLDS
    survivors = {m.name for m in report.mutants if m.ending is not Ending.REFUSED}
    assert survivors == REASONS.keys()
    assert len(report.ended(Ending.REFUSED)) >= 100


def test_each_invariant_of_the_base_has_its_counterexample(tmp_path: Path) -> None:
    found = {one.invariant: one for one in necessity(prove_base(tmp_path), Effort(), Silence())}
    assert len(found) == 15
    redundant = {name for name, one in found.items() if one.ending is Ending.REDUNDANT}
    assert redundant == {"left_covers_votes", "left_is_a_ballot", "empty_prefix"}
    for name, one in found.items():
        assert bool(one.lines) == (name not in redundant)
        assert one.says


def test_a_disagreement_of_solvers_is_an_error(tmp_path: Path) -> None:
    report = prove_base(tmp_path)
    answer = next(iter(report.layers[0].proof.asked.values()))
    for opinion, verdict in [
        (Opinion.AGREES, Verdict.HOLDS),
        (Opinion.DISAGREES, Verdict.ERROR),
        (Opinion.UNDECIDED, Verdict.INCONCLUSIVE),
    ]:
        second = Second(answer=answer, opinion=opinion, said="sat", seconds=0.0)
        opinions = Opinions(opinions=(second,), seconds=0.0)
        assert opinions.verdict is verdict
        assert [failure.verdict for failure in opinions.failures()] == ([] if verdict is Verdict.HOLDS else [verdict])


def test_what_a_second_solver_may_do_is_counted_and_named_when_it_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same on every machine: of the queries of the base some need more than a little work, and most need less."""
    monkeypatch.setattr(second_opinions, "WORK", 4_000)
    opinions = judge_again(prove_base(tmp_path), Silence())
    left = opinions.which(Opinion.UNDECIDED)
    assert opinions.verdict is Verdict.INCONCLUSIVE
    assert 0 < len(left) < len(opinions.opinions) == 92
    assert {one.said for one in left} == {
        "unknown (RESOURCEOUT), with a limit of 4,000 units of work; `physalia prove --second --timeout S` sets another"
    }


@pytest.mark.slow
def test_a_second_solver_agrees_on_the_base(tmp_path: Path) -> None:
    opinions = judge_again(prove_base(tmp_path), Silence())
    assert opinions.verdict is Verdict.HOLDS
    assert len(opinions.opinions) == 92


def test_the_quick_link_proves_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = induction.run(Settings(profile=Profile.QUICK), Silence())
    assert report.verdict is Verdict.HOLDS
    assert [row.name for row in report.rows if not row.name.startswith("tie")] == ["ballots"]
    assert any("92 queries" in note for note in report.notes)


def test_the_default_link_breaks_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base = prove_base(tmp_path)
    monkeypatch.setattr(induction, "prove_layers", lambda *_: base)
    monkeypatch.setattr(induction, "tie", lambda _, progress, seed: tie(Profile.QUICK, progress, seed=seed))
    rows = {row.name: row.verdict for row in induction.run(Settings(), Silence()).rows}
    assert {f"attack {name}" for name in ATTACKS} <= rows.keys()
    assert set(rows.values()) == {Verdict.HOLDS}


@pytest.mark.usefixtures("broken")
def test_the_link_refutes_a_broken_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert induction.run(Settings(profile=Profile.QUICK), Silence()).verdict is Verdict.REFUTED


def test_a_layer_outside_the_decidable_fragment_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = prove_base(tmp_path)
    layer = report.layers[0]
    sorts = type(layer.sorts)({("Slot", "Slot"): "axiom endless"})
    monkeypatch.setattr(
        induction, "prove_layers", lambda *_: evolve(report, layers=(evolve(layer, sorts=sorts),))
    )  # fmt: skip
    notes = induction.run(Settings(profile=Profile.QUICK), Silence()).notes
    assert any("Slot -> Slot lies on a cycle" in note for note in notes)


def test_layers_are_named_as_their_classes() -> None:
    assert {name: floor.layer.__name__.lower() for name, floor in LAYERS.items()} == {name: name for name in LAYERS}
    names = list(LAYERS)
    assert all(floor.on in names[:at] or not floor.on for at, floor in enumerate(LAYERS.values()))
