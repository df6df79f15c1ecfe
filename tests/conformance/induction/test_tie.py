"""The tie holds for the formulas and the models as they are, and whatever is wrong with either is found and placed."""

from collections.abc import Callable
from typing import Any

import pytest
import z3
from attrs import evolve

from conformance.induction.tie.evaluations import cross_check
from conformance.induction.tie.flips import flip_targets
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.model import MOST_FAILURES, Tie, TiedModel
from conformance.induction.tie.readings import CHOSEN_ONCE, NOT_ASKED, Reading, reading_of
from conformance.induction.tie.scope import NOT_TIED, TIED, models_of
from conformance.induction.tie.tie import tie
from conformance.induction.tie.weakened import weakened_guards
from conformance.links import BadInput, Profile, Silence, Verdict
from conformance.manifest import load_manifest
from spec import ballots
from spec.ballots import Ballots
from spec.commands import Ballot, Name, Node, Slot, Told
from spec.induction.attacks.breaking import forgetting, instead, without
from spec.induction.formulas.kernel import Action, System
from spec.induction.layers.stack import LAYERS, system_of
from spec.induction.proving.by_z3 import Oracle
from spec.log import Log
from spec.machine import Machine, action
from spec.models import DROP, FOUNDERS, MODELS, REPLACE, SWAP
from spec.values import put

SMALL = "MCBallotsChangeRefines"


@pytest.fixture(scope="module")
def system() -> System:
    return system_of("ballots")


def tied(
    system: System, machine: str | Machine[Any] = SMALL, change: Callable[[Reading[Any]], Any] | None = None
) -> Tie:
    reading = reading_of(MODELS[machine] if isinstance(machine, str) else machine)
    return Tie.explored("model", Formulas(system, change(reading) if change else reading))


def run(system: System, machine: str | Machine[Any] = SMALL) -> TiedModel:
    return tied(system, machine).run("Ballots")


# As they are.


@pytest.mark.parametrize(
    ("model", "states", "edges", "stutters"),
    [
        (SMALL, 306, 882, 98),
        ("MCBallotsTwoBallots", 1957, 6858, 466),
        ("MCBallotsIssued", 1504, 5316, 1376),
        ("MCWindow", 792, 2132, 1164),
        ("MCCellChangeIssued", 53, 90, 41),
        ("MCCellPipeline", 779, 2149, 1134),
        ("MCCellSharedCrash", 1262, 3757, 2497),
        ("MCCellTwoBallotsRefines", 195, 382, 74),
    ],
)
def test_models_and_formulas_are_one_relation(
    system: System, model: str, states: int, edges: int, stutters: int
) -> None:
    found = run(system, model)
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert (found.states, found.edges, found.stutters) == (states, edges, stutters)
    assert found.states == load_manifest().model(model).distinct
    assert found.taken["extend"] > 0
    assert found.guards > 10 * found.states


def test_what_is_declared_is_counted(system: System) -> None:
    assert run(system, "MCBallotsIssued").exceptions.keys() == {NOT_ASKED}
    assert run(system, "MCWindow").exceptions.keys() == {NOT_ASKED, CHOSEN_ONCE}
    assert not run(system).exceptions


def test_a_change_at_alpha_2_counts_two_slots_later(system: System) -> None:
    machine = Ballots(
        content=DROP, first=FOUNDERS, alpha=2, early=frozenset(DROP), nodes=range(1, 4), max_ballot=1, max_slot=3
    )
    assert run(system, machine).verdict is Verdict.HOLDS


@pytest.mark.slow
def test_the_tie_of_the_default_profile_holds() -> None:
    report = tie(Profile.DEFAULT, Silence())
    assert report.verdict is Verdict.HOLDS
    assert report.states_evaluated >= 10_000
    assert report.flipped.edges >= 1_000
    assert report.checked.evaluations >= 1_000
    assert 0 < report.checked.true < report.checked.evaluations
    base = [one for one in report.weakened if one.layer == "ballots"]
    assert len(base) == 20
    assert set(base) <= set(report.caught)


@pytest.mark.parametrize(
    ("profile", "states", "edges"), [(Profile.DEFAULT, 10_000, 0), (Profile.DEEP, 100_000, 500_000)]
)
def test_profiles_are_large_enough(profile: Profile, states: int, edges: int) -> None:
    """Of the rungs whose guards are compared; TLC generates a few steps twice, which a third makes up for."""
    models = [model for model in models_of(load_manifest(), profile) if model.rung != "Cell"]
    assert sum(model.distinct for model in models) >= states
    assert sum(model.generated for model in models) >= 4 / 3 * edges


# Formulas that are wrong.


def first(found: TiedModel) -> tuple[str, str, tuple[Any, ...], str]:
    assert found.verdict is Verdict.REFUTED
    assert len(found.mismatches) <= MOST_FAILURES
    one = found.mismatches[0]
    assert one.path[0].strip().startswith("0 init")
    return one.kind, one.action, one.arguments, one.reason


def test_an_invariant_that_does_not_hold_is_named(system: System) -> None:
    nobody_votes = {**system.invariants, "nobody_votes": lambda s: z3.Not(z3.Exists(VOTE, s.votes(*VOTE)))}
    kind, _, _, reason = first(run(evolve(system, invariants=nobody_votes)))
    assert (kind, reason) == ("state", "the invariant nobody_votes does not hold")


VOTE = [z3.Const(f"vote{place}", sort) for place, sort in enumerate(system_of("ballots").relations["votes"].sorts)]


@pytest.mark.parametrize(
    ("act", "relation"), [("vote", "left"), ("vote", "votes"), ("leave", "left"), ("propose", "proposals")]
)
def test_an_update_that_is_forgotten_is_named(system: System, act: str, relation: str) -> None:
    kind, name, args, reason = first(run(forgetting(act, relation)(system)))
    assert (kind, name) == ("step", act)
    assert len(args) == len(system.actions[act].parameters)
    assert reason.startswith(f"what it makes of {relation} is not so: ")


def test_a_derived_step_that_cannot_be_taken_is_found(system: System) -> None:
    never = instead("extend", "leads", lambda *_: z3.BoolVal(val=False))
    kind, name, _, reason = first(run(never(system)))
    assert (kind, name, reason) == ("step", "vote", "no choose or extend leads on to the target")


def test_a_guard_that_asks_too_much_is_blamed(system: System) -> None:
    never = instead("vote", "proposed", lambda *_: z3.BoolVal(val=False))
    kind, name, _, reason = first(run(never(system)))
    assert (kind, name, reason) == ("step", "vote", "its guard would hold without proposed")


@pytest.mark.parametrize(
    ("model", "act", "conjunct", "says"),
    [
        (SMALL, "leave", "higher", "s.left[n] < b"),
        (SMALL, "propose", "fresh", "all(p.ballot != b or p.slot != i for p in s.proposals)"),
        (SMALL, "vote", "fresh", "Vote(b, i, n) not in s.votes"),
        ("MCBallotsTwoBallots", "vote", "not_left", "s.left[n] <= b"),
        (SMALL, "propose", "open", "i <= len(self.prefix(s)) + self.alpha"),
    ],
)
def test_a_guard_that_asks_too_little_is_placed(system: System, model: str, act: str, conjunct: str, says: str) -> None:
    found = tied(without(act, conjunct)(system), model).run("Ballots")
    own = [one for one in found.mismatches if one.arguments and all(one.arguments)]
    kind, name, _, _ = first(found)
    assert (kind, name) == ("guard", act)
    assert any(one.reason == f"it holds, and there is no edge, since in spec/ {says}" for one in own) or not own


def test_a_derived_step_that_is_left_to_be_done_is_found(system: System) -> None:
    kind, name, _, reason = first(run(without("choose", "voted")(system)))
    assert (kind, name, reason) == ("derived", "choose", "it is enabled, and was not taken")


def test_an_undeclared_exception_is_no_exception(system: System) -> None:
    def declare_nothing(reading: Reading[Any]) -> Reading[Any]:
        return evolve(reading, exception=lambda *_: "")

    kind, name, args, reason = first(tied(system, "MCBallotsIssued", declare_nothing).run("Ballots"))
    assert (kind, name) == ("guard", "propose")
    assert args[2] in SWAP | DROP
    assert "any(" in reason


def test_a_guard_that_assumes_what_is_to_be_shown_is_found(system: System) -> None:
    """An exception says where a guard must hold without an edge, not only where it may."""

    def once(system: System, act: Action) -> Any:
        return z3.And(act.guard["open"], z3.Not(system.state().chosen(*act.parameters.values())))

    kind, name, _, reason = first(run(instead("choose", "open", once)(system), "MCWindow"))
    assert (kind, name) == ("guard", "choose")
    assert reason == f"it asks for more than what is declared ({CHOSEN_ONCE})"


def test_an_exception_excuses_nothing_else(system: System) -> None:
    """Nobody asked for the value; but that is not all that is missing."""
    found = tied(without("propose", "open")(system), "MCBallotsIssued")
    (state,) = found.reading.machine.init()
    for args in found.formulas.actions["propose"].all_arguments:
        assert not found.reading.exception(state, "propose", args)


def test_every_list_of_arguments_is_compared(system: System) -> None:
    found, universe = run(system), tied(system).reading.universe
    each = 0
    for act in system.actions.values():
        lists = 1
        for parameter in act.parameters.values():
            lists *= len(universe.domains[parameter.sort().name()])
        each += lists
    assert found.guards == found.states * each


def test_a_structure_that_breaks_an_axiom_is_refused(system: System) -> None:
    def slots_before_themselves(reading: Reading[Any]) -> Reading[Any]:
        relations = {**reading.universe.relations, "before": frozenset({(1, 1)})}
        return evolve(reading, universe=evolve(reading.universe, relations=relations))

    kind, _, _, reason = first(tied(system, SMALL, slots_before_themselves).run("Ballots"))
    assert kind == "axiom"
    assert reason.startswith("the model does not satisfy slots_are_ordered: ")
    assert reason.endswith("with i = 1")


def test_a_beginning_that_is_another_one_is_found(system: System) -> None:
    somebody_left = {**system.init, "left": lambda n, _: z3.BoolVal(val=True)}
    kind, _, _, reason = first(run(evolve(system, init=somebody_left)))
    assert (kind, reason) == ("beginning", "the formulas say otherwise of left(1, 0)")


# Models that are wrong.


def broken(kind: type[Ballots]) -> Ballots:
    return kind(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=2, max_slot=1
    )


class VotesBelow(Ballots):
    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: ballots.State, n: Node, b: Ballot, i: Slot) -> ballots.State | None:
        if all(p.ballot != b for p in s.proposals) or ballots.Vote(b, i, n) in s.votes:
            return None
        return s._replace(votes=s.votes | {ballots.Vote(b, i, n)}, left=put(s.left, n, max(b, s.left[n])))


class NeverLeavesTwice(Ballots):
    @action(n="nodes", b="ballots")
    def leave(self, s: ballots.State, n: Node, b: Ballot) -> ballots.State | None:
        return s._replace(left=put(s.left, n, b)) if s.left[n] == 0 else None


class AnswersForget(Ballots):
    @action(c="commands")
    def answer(self, s: ballots.State, c: Name) -> ballots.State | None:
        if c not in self.prefix(s) or any(t.command == c for t in s.told):
            return None
        told = s.told | {Told(c, self.verdict_on(self.prefix(s), c))}
        return s._replace(told=told, left=put(s.left, 1, 0))


@pytest.mark.parametrize(
    ("kind", "found", "says"),
    [
        (VotesBelow, ("step", "vote"), "its guard would hold without not_left"),
        (NeverLeavesTwice, ("guard", "leave"), "it holds, and there is no edge"),
        (AnswersForget, ("stutter", "answer"), "it changes left"),
    ],
)
def test_a_model_that_is_wrong_is_refused(
    system: System, kind: type[Ballots], found: tuple[str, str], says: str
) -> None:
    what, name, _, reason = first(run(system, broken(kind)))
    assert (what, name) == found
    assert reason.startswith(says)


# Flips, evaluations, weakened guards.


def test_flips_are_refused(system: System) -> None:
    flipped = flip_targets(tied(system), most_edges=50, seed=0)
    assert flipped.edges == 50
    assert flipped.flips > 50 * 50
    assert not flipped.mismatches


def test_an_open_frame_lets_flips_through(system: System) -> None:
    found = tied(system)
    act = found.formulas.actions["leave"]
    effects = {name: effect for name, effect in act.effects.items() if name != "proposals"}
    found.formulas.actions["leave"] = evolve(act, changes=lambda facts, *_: facts["votes"] == facts["votes'"])
    assert effects
    flipped = flip_targets(found, most_edges=200, seed=0)
    assert flipped.mismatches
    assert {one.action for one in flipped.mismatches} == {"leave"}
    assert "flipped" in flipped.mismatches[0].reason


def test_evaluations_agree_with_z3(system: System) -> None:
    checked = cross_check(tied(system), evaluations=40, seed=1)
    assert checked.evaluations == 40
    assert 0 < checked.true < 40
    assert not checked.mismatches


def test_an_evaluation_that_differs_is_reported(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    value = Oracle.value
    monkeypatch.setattr(Oracle, "value", lambda *args: not value(*args))
    checked = cross_check(tied(system), evaluations=3, seed=1)
    assert len(checked.mismatches) == 3
    assert "not for z3" in checked.mismatches[0].reason


def test_weakened_guards_pass_the_edges_and_are_caught(system: System) -> None:
    models = [SMALL, "MCWindowTwoChanges", "MCBallotsTwoBallots"]
    found = list(weakened_guards(tied(system, model) for model in models))
    assert len(found) == 20
    assert all(one.accepted for one in found)
    assert all(one.caught for one in found)


def test_a_weakened_guard_that_changes_nothing_is_not_caught(system: System) -> None:
    """In one slot and one ballot, that no vote is higher says nothing."""
    found = {(one.action, one.conjunct): one for one in weakened_guards([tied(system)])}
    assert not found["propose", "highest"].caught
    assert found["propose", "highest"].accepted


# The report.


def test_a_report_adds_up() -> None:
    report = tie(Profile.QUICK, Silence(), models=(SMALL, "MCWindow"))
    assert report.verdict is Verdict.HOLDS
    assert report.states_evaluated == 306 + 792
    told = report.as_json()
    assert told["verdict"] is Verdict.HOLDS
    assert told["states_evaluated"] == report.states_evaluated
    assert told["edges_evaluated"] == sum(model.edges for model in report.models)
    assert sum(one["accepted_by_edges"] and bool(one["caught"]) for one in told["weakened"]) >= 6
    assert told["failures"] == []
    assert [row.name for row in report.rows()] == ["tie MCWindow", f"tie {SMALL}"] or len(list(report.rows())) == 2
    notes = " ".join(report.notes())
    assert NOT_ASKED in notes
    for layer in NOT_TIED:
        assert layer in notes


def test_what_was_never_taken_is_inconclusive() -> None:
    report = tie(Profile.QUICK, Silence(), models=("MCWindow",))
    assert report.never == ("leave", "propose", "vote")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("no edge of these models takes leave, propose, vote" in failure.title for failure in report.failures())


def test_a_refuted_tie_says_where(system: System) -> None:
    report = tie(Profile.QUICK, Silence(), system=forgetting("vote", "left")(system), models=(SMALL,))
    assert report.verdict is Verdict.REFUTED
    failure = next(report.failures())
    assert failure.title.startswith(f"{SMALL}: the formulas and the graph part at a step of vote(")
    assert failure.lines
    assert report.as_json()["failures"][0]["kind"] == "step"


def test_every_layer_that_is_not_tied_is_said_not_to_be() -> None:
    assert NOT_TIED.keys() == LAYERS.keys() - TIED.keys()


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(BadInput, match="MCBallotsIssued"):
        tie(Profile.QUICK, Silence(), models=("MCBallotsIsued",))


def test_a_machine_that_no_formula_speaks_of_is_refused() -> None:
    with pytest.raises(KeyError, match="Log"):
        reading_of(Log(content=REPLACE, first=FOUNDERS, alpha=1, max_slot=1))
