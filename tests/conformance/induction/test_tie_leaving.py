"""`Teaching` and `Leaving` as the layers `truncation` and `leaving`: states keep the invariants, every step is one.

Guards are compared where there is an edge, and not where there is none: that is left to the attacks.
"""

from typing import Any

import pytest
from attrs import fields

from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.leaving import FIRST, FLOORS, LEFT, read_leaving, read_truncation
from conformance.induction.tie.model import Tie, TiedModel
from conformance.induction.tie.readings import Reading
from conformance.induction.tie.scope import NOT_TIED
from spec import leaving as spec_leaving
from spec.induction.formulas.kernel import Formula, State, Step, System, Term, action, invariant, then, when
from spec.induction.layers.leaving import Leaving
from spec.induction.layers.stack import system_of
from spec.induction.layers.truncation import Truncation
from spec.induction.layers.vocabulary import And, Not, Or, forall
from spec.induction.proving.queries import queries_of
from spec.induction.proving.solve import Effort, Outcome, solve
from spec.models import MODELS

TAKEN = {"write_promise", "promise", "propose", "write_vote", "vote", "choose", "extend", "believe", "acknowledge"}


def tied(layer: str, name: str, system: System | None = None) -> TiedModel:
    """One model held against a layer, or against a system that stands for it."""
    model: Any = MODELS[name]
    reading: Reading[Any] = read_leaving(model) if layer == "leaving" else read_truncation(model)
    return Tie.explored(name, Formulas(system or system_of(layer), reading)).run("any")


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
    return Tie.explored("frail", Formulas(system or system_of("leaving"), read_leaving(frail))).run("any")


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
    assert "nowhere else" in NOT_TIED["leaving"]
    assert "nowhere else" in NOT_TIED["truncation"]
