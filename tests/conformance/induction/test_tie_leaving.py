"""`Teaching` and `Leaving` and the layers `truncation` and `leaving` are one relation but for what is declared."""

from typing import Any

import pytest
from attrs import evolve, fields

from conformance.induction.tie.declared import (
    ANY_REPLY,
    HEARD,
    KEPT_MORE,
    LOST_DISK,
    NO_POLICY,
    TOLD,
    WRITTEN_AGAIN,
)
from conformance.induction.tie.evaluations import cross_check
from conformance.induction.tie.flips import flip_targets
from conformance.induction.tie.forgetting import (
    ERASED_ACTS,
    ERASED_AGAIN,
    FORGETFUL,
    FORGOTTEN_AGAIN,
    UNMADE,
)
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.leaving import FIRST, FLOORS, LEFT, read_leaving, read_truncation
from conformance.induction.tie.model import Tie, TiedModel
from conformance.induction.tie.readings import Reading
from conformance.induction.tie.scope import TIED, is_seen_below
from conformance.induction.tie.weakened import Conjuncts, weakened_guards
from conformance.links import Profile
from conformance.manifest import load_manifest
from spec import leaving as spec_leaving
from spec import teaching as spec_teaching
from spec.induction.attacks.breaking import instead
from spec.induction.formulas.kernel import Action, Formula, State, Step, System, Term, action, invariant, then, when
from spec.induction.layers.leaving import Leaving
from spec.induction.layers.stack import system_of
from spec.induction.layers.truncation import Truncation
from spec.induction.layers.vocabulary import And, Not, Or, forall, zero
from spec.induction.proving.queries import queries_of
from spec.induction.proving.solve import Effort, Outcome, solve
from spec.models import FOUNDERS, MODELS, REPLACE, SWAP

TAKEN = {"write_promise", "promise", "propose", "write_vote", "vote", "choose", "extend", "believe", "acknowledge"}


def tied(layer: str, name: str, system: System | None = None) -> TiedModel:
    """One model held against a layer, or against a system that stands for it: states and steps, which costs less."""
    model: Any = MODELS[name]
    reading: Reading[Any] = read_leaving(model) if layer == "leaving" else read_truncation(model)
    return Tie.explored(name, Formulas(system or system_of(layer), evolve(reading, guards=False))).run("any")


@pytest.mark.parametrize(
    ("layer", "name", "more"),
    [
        ("truncation", "MCTeachingRefines", {"truncate", "learn"}),
        ("leaving", "MCLeaving", {"store", "learn", "erase"}),
        ("leaving", "MCLeavingTwice", {"store", "learn", "erase"}),
        ("leaving", "MCLeavingFloor", {"store", "learn", "erase", "truncate"}),
    ],
)
def test_every_state_and_every_step_is_the_layers(layer: str, name: str, more: set[str]) -> None:
    found = tied(layer, name)
    assert not found.mismatches, found.mismatches[0]
    assert found.states >= 200
    assert found.edges > found.states
    assert {action for action, times in found.taken.items() if times} == TAKEN | more


def with_lost_disks(system: System | None = None) -> TiedModel:
    """The smallest model, where two disks may be lost as well."""
    model: Any = MODELS["MCLeaving"]
    constants = {one.name: getattr(model, one.name) for one in fields(type(model))}
    frail = spec_leaving.Leaving(**{**constants, "frail": frozenset({3, 4})})
    reading = evolve(read_leaving(frail), guards=False)
    return Tie.explored("frail", Formulas(system or system_of("leaving"), reading)).run("any")


def test_a_lost_disk_is_the_layers_too_and_what_its_node_said_counts() -> None:
    found = with_lost_disks()
    assert not found.mismatches, found.mismatches[0]
    assert found.taken["lose"] > 0
    assert found.taken["erase"] > 0


class WordsAreLost(Leaving):
    """Broken: what a node said is lost with its disk."""

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """Takes the words back."""
        return super().lose(s, n).also(said=lambda m, i: And(m != n, s.said(m, i)))


def test_a_layer_in_which_words_are_lost_with_a_disk_is_refused() -> None:
    (first, *_) = with_lost_disks(WordsAreLost().system()).mismatches
    assert (first.kind, first.action) == ("step", "lose")
    assert "what it makes of said is not so" in first.reason


class EmptyWords(Leaving):
    """Broken: a node says that it learned what it has not."""

    @action()
    def say(self, s: State, n: Term, i: Term) -> Step:
        """Does not ask whether it has."""
        return Step(when(alive=self.alive(s, n)), then(said=lambda m, j: Or(s.said(m, j), And(m == n, j == i))))


def test_a_word_before_the_flush_is_not_proved() -> None:
    (kept,) = (one for one in queries_of(EmptyWords().system()) if one.about == ("say", "said_durable"))
    assert solve(kept, Effort()).outcome is Outcome.REFUTED
    (kept,) = (one for one in queries_of(Leaving().system()) if one.about == ("store", "said_durable"))
    assert solve(kept, Effort()).outcome is Outcome.PROVED


class NobodyForgets(Truncation):
    """Broken: no floor rises."""

    @action()
    def truncate(self, s: State, n: Term, i: Term, *, x: Term) -> Step:
        """Nothing becomes of the floor."""
        whole = super().truncate(s, n, i, x=x)
        return Step(whole.guard, {})


class NobodyLeaves(Leaving):
    """Broken: it claims that nobody is erased, and that who retires needs everybody's word."""

    @invariant
    def nobody_erased(self, s: State) -> Formula:
        """Nobody is."""
        return forall(lambda n: Not(s.erased(n)))


class EverybodyMustLearn(Leaving):
    """Broken: every node must have learned everything, and not a majority."""

    @action()
    def erase(self, s: State, n: Term, *, j: Term, y: Term, q: Term) -> Step:
        """Asks for more than it need."""
        return (
            super()
            .erase(s, n, j=j, y=y, q=q)
            .where(
                all_of_them=forall(lambda m, i: s.durable(m, i))  # noqa: PLW0108  # the letters say of which sorts
            )
        )


@pytest.mark.parametrize(
    ("layer", "name", "broken", "kind", "reason"),
    [
        ("truncation", "MCTeachingRefines", NobodyForgets, "step", "what it makes of floor is not so"),
        ("leaving", "MCLeaving", NobodyLeaves, "state", "the invariant nobody_erased does not hold"),
        ("leaving", "MCLeaving", EverybodyMustLearn, "step", "its guard would hold without all_of_them"),
    ],
)
def test_a_wrong_formula_is_refused(layer: str, name: str, broken: Any, kind: str, reason: str) -> None:
    found = tied(layer, name, broken().system())
    assert found.mismatches
    assert found.mismatches[0].kind == kind
    assert reason in found.mismatches[0].reason


def test_what_waits_for_a_flush_is_not_read() -> None:
    model: Any = MODELS["MCTeachingCrash"]
    with pytest.raises(ValueError, match="waits for a flush"):
        read_truncation(model)


def test_what_is_compared_is_said() -> None:
    left_out = {"held_by", "latest", "reading", "acknowledged_at", "echoed", "served"}
    below = {"left", "proposals", "votes", "chosen", "configuration", "promised", "accepted", "answered", "reports"}
    below |= {"lost", "knows", "believes"}
    assert system_of("leaving").relations.keys() == below | {*FIRST, *FLOORS, *LEFT} | left_out


def test_models_are_chosen() -> None:
    def names(layer: str) -> list[set[str]]:
        return [{model.name for model in TIED[layer].models(load_manifest(), profile)} for profile in Profile]

    assert names("truncation") == [set(), set(), {"MCTeachingRefines"}]
    assert names("leaving") == [set(), set(), {"MCLeaving", "MCLeavingTwice", "MCLeavingFloor"}]


# Guards, in small models.


def forgetful() -> spec_teaching.Teaching:
    """Node 1 decides, and forgets; node 2 asks it later, or is taught."""
    return spec_teaching.Teaching(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=2, max_slot=1,
        owner={1: 1, 2: 2}, audience={1: frozenset({1, 3}), 2: frozenset({1, 2})}, learners=frozenset(),
        truncators=frozenset({1}), students=frozenset({2}),
    )  # fmt: skip


def replaced(kind: type[spec_leaving.Leaving] = spec_leaving.Leaving, frail: int = 0) -> spec_leaving.Leaving:
    """Node 2 decides that node 4, which is yet to be made, replaces node 1, and forgets that; node 1 may leave."""
    return kind(
        content=REPLACE, first=FOUNDERS, alpha=1, early=frozenset(REPLACE), nodes=range(1, 5), max_ballot=1, max_slot=1,
        owner={1: 2}, audience={1: frozenset({1, 2, 4})}, learners=frozenset({1, 4}), truncators=frozenset({2}),
        students=frozenset(), leavers=frozenset({1}), newcomers=frozenset({4}),
        frail=frozenset({frail}) - {0},
    )  # fmt: skip


def small(layer: str, machine: Any, system: System | None = None) -> Tie:
    reading = read_leaving(machine) if layer == "leaving" else read_truncation(machine)
    return Tie.explored("small", Formulas(system or system_of(layer), reading))


def test_truncation_and_the_model_are_one_relation() -> None:
    tie = small("truncation", forgetful())
    found = tie.run("any")
    assert not found.mismatches, found.mismatches[0]
    assert found.taken.keys() == TAKEN | {"truncate", "learn"}
    assert found.exceptions.keys() == BOTH
    weak = {(one.action, one.conjunct): one for one in weakened_guards([tie], "truncation", not_own("truncation"))}
    assert weak.keys() == {*FORGETTING, ("truncate", "alive")}
    assert all(weak[one].accepted and weak[one].caught for one in FORGETTING)


BOTH = {NO_POLICY, ANY_REPLY, WRITTEN_AGAIN, HEARD, TOLD, FORGETFUL, FORGOTTEN_AGAIN}
FORGETTING = (("propose", "floors_below"), ("write_vote", "above_floor"), ("truncate", "applied"))
LEAVING = (
    *((name, "alive") for name in ("write_promise", "promise", "write_vote", "truncate", "crash")),
    *(("erase", conjunct) for conjunct in ("believed", "removed", "majority", "learned")),
    ("store", "known"),
)
MISSED = {
    ("vote", "alive"): "nothing waits where nobody crashes",
    ("truncate", "snapshot"): "what is known is durable where nobody crashes",
    ("store", "alive"): "who is erased has stored what it knows",
}


def not_own(layer: str) -> Conjuncts:
    """The conjuncts that the layer below has as well."""
    return lambda action, conjunct: is_seen_below(layer, action, conjunct)


def test_leaving_and_the_model_are_one_relation() -> None:
    tie = small("leaving", replaced())
    found = tie.run("any")
    assert not found.mismatches, found.mismatches[0]
    assert (found.states, found.edges, found.guards) == (42, 79, 25_612)
    assert found.taken.keys() == TAKEN | {"truncate", "learn", "store", "erase"}
    assert found.exceptions.keys() == BOTH | {KEPT_MORE, LOST_DISK, UNMADE, ERASED_ACTS, ERASED_AGAIN}
    weak = {(one.action, one.conjunct): one for one in weakened_guards([tie], "leaving", not_own("leaving"))}
    assert weak.keys() == {*LEAVING, *MISSED}
    assert all(weak[one].caught for one in LEAVING)
    # Nobody crashes.
    assert {one for one in LEAVING if not weak[one].accepted} == {("crash", "alive")}
    assert not any(weak[one].caught for one in MISSED)


def test_lost_disks_are_one_relation_too_and_majorities_may_be_others() -> None:
    found = small("leaving", replaced(frail=3)).run("any")
    assert not found.mismatches, found.mismatches[0]
    assert found.taken["lose"] > 0


def test_single_facts_are_refused_and_z3_says_the_same() -> None:
    tie = small("leaving", replaced())
    assert not flip_targets(tie, 20, 0).mismatches
    assert not cross_check(tie, 30, 0).mismatches


@pytest.mark.parametrize(
    ("act", "conjunct", "more", "reason"),
    [
        ("erase", "believed", lambda s, n: Not(s.erased(n)), ERASED_AGAIN),
        ("truncate", "applied", lambda s, n: Not(s.floor(n, zero)), FORGOTTEN_AGAIN),
    ],
)
def test_a_guard_that_asks_for_more_than_is_declared_is_refused(
    act: str, conjunct: str, more: Any, reason: str
) -> None:
    def and_more(system: System, action: Action) -> Any:
        return And(action.guard[conjunct], more(system.state(), action.parameters["n"]))

    broken = instead(act, conjunct, and_more)(system_of("leaving"))
    (first, *_) = small("leaving", replaced(), broken).run("any").mismatches
    assert (first.kind, first.action) == ("guard", act)
    assert first.reason == f"it asks for more than what is declared ({reason})"


class OneIsEnough(spec_leaving.Leaving):
    """Broken: one word is enough."""

    def learned(self, s: Any, i: int) -> frozenset[int]:
        return super().learned(s, i) | {2, 3}


def test_a_machine_that_erases_too_soon_is_refused() -> None:
    (first, *_) = small("leaving", replaced(OneIsEnough)).run("any").mismatches
    assert (first.kind, first.action) == ("step", "erase")
