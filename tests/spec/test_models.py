"""The ladder in Python: invariants hold, every step is one of the rung above, and broken models are seen through."""

from collections.abc import Callable
from typing import Any

import pytest

from spec.cell import Cell, State
from spec.explain import effect, explain
from spec.machine import enabled, explore, walk
from spec.models import MODELS
from spec.observed import changes_of

SMALL = [name for name in MODELS if name in {
    "MCStore", "MCLog", "MCWindow", "MCWindowTwoChanges", "MCBallotsTwoBallots",
    "MCCellChangeIssued", "MCCellChangeRefines", "MCCellFailedChange", "MCCellTwoBallotsRefines", "MCCellHole",
    "MCLivesListen", "MCLeases", "MCReads", "MCClients",
}]  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_invariants_and_refinement_hold(name: str) -> None:
    machine = MODELS[name]
    found = explore(machine, refinement=machine.above() is not None)
    assert found.violation is None
    assert found.whole


@pytest.mark.parametrize("name", SMALL)
def test_what_is_remembered_agrees_with_the_actions_themselves(name: str) -> None:
    machine = MODELS[name]
    found = explore(machine, invariants=(), record=True)
    steps: dict[int, set[tuple[Any, ...]]] = {}
    for source, step, target in zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True):
        steps.setdefault(source, set()).add((*found.steps[step], found.state(target)))
    for number in range(0, found.distinct, max(1, found.distinct // 100)):
        assert steps.get(number, set()) == {tuple(step) for step in enabled(machine, found.state(number))}


@pytest.mark.parametrize("name", SMALL)
def test_explain_names_a_conjunct_of_every_action_that_is_not_enabled(name: str) -> None:
    machine = MODELS[name]
    for step in list(walk(machine, 1, most_steps=6)):
        allowed = {(one.name, one.args) for one in enabled(machine, step.state)}
        for action_name in machine.action_names():
            for args in list(machine.arguments(action_name))[:20]:
                assert bool(explain(machine, step.state, action_name, args)) == ((action_name, args) not in allowed)


@pytest.mark.parametrize("name", SMALL)
def test_without_its_guard_an_action_does_the_same(name: str) -> None:
    machine = MODELS[name]
    for step in list(walk(machine, 1, most_steps=12)):
        for one in enabled(machine, step.state):
            assert effect(machine, step.state, one.name, one.args) == one.state


def test_an_action_that_is_not_allowed_has_an_effect_all_the_same() -> None:
    machine = MODELS["MCCellTwoBallots"]
    (state,) = machine.init()
    proposed = effect(machine, state, "propose", (1, 1, "swap"))
    assert {(m.ballot, m.slot, m.value) for m in proposed.proposals} == {(1, 1, "swap")}
    assert effect(machine, state, "vote", (1, 1, 1)) is None  # what it would vote for is nowhere
    with pytest.raises(KeyError):
        effect(machine, state, "gossip", ())


def test_explain_speaks_the_language_of_the_cell() -> None:
    machine = MODELS["MCCellTwoBallots"]
    (state,) = machine.init()
    assert explain(machine, state, "issue", ("swap",)) == "c not in s.asked"
    assert explain(machine, state, "promise", (1, 1)) == "prepare is not None"
    assert explain(machine, state, "vote", (1, 1, 1)) == "proposal is not None"
    assert explain(machine, state, "propose", (1, 1, "swap")) == "s.active[o] == b"
    assert explain(machine, state, "crash", (1, 0)) == "n in self.mortals"
    prepared = machine.prepare(state, 1)  # type: ignore[attr-defined]
    assert explain(machine, prepared, "propose", (1, 1, "swap")) == "self.allowed(s, b, i, v)"


@pytest.mark.parametrize("name", ["MCLivesTrust", "MCLivesStop"])
def test_a_node_that_goes_on_from_an_older_copy_breaks_agreement(name: str) -> None:
    found = explore(MODELS[name])
    assert found.violation is not None
    assert found.violation.name == "agreement"
    assert [step.name for step in found.violation.path[-3:]] == ["regress", "vote", "decide"]


def replaced(name: str, attribute: str, change: Callable[..., Any]) -> Any:
    """The model `name` with one method changed."""
    machine = MODELS[name]
    broken = type(f"Broken{type(machine).__name__}", (type(machine),), {attribute: change})
    fields = {field.name: getattr(machine, field.name) for field in type(machine).__attrs_attrs__}  # type: ignore[attr-defined]
    return broken(**fields)


def forgetful_promise(self: Any, s: State, n: int, b: int) -> State | None:
    """A promise that reports no votes."""
    after: Any = Cell.promise(self, s, n, b)
    if after is None:
        return None
    changes = changes_of(after)
    (told,) = changes["promises"] - s.promises
    return s._replace(**{**changes, "promises": s.promises | {told._replace(accepted=frozenset())}})


def half_a_quorum(self: Any, s: State, b: int, i: int) -> frozenset[int]:
    """One voter is taken for everyone."""
    voters = frozenset(m.node for m in s.votes if m.ballot == b and m.slot == i)
    return frozenset(self.nodes) if voters else voters


def test_a_cell_with_half_a_quorum_is_seen_through() -> None:
    found = explore(replaced("MCCellTwoBallots", "voters", half_a_quorum), invariants=("agreement",))
    assert found.violation is not None
    assert found.violation.name == "agreement"


def test_a_cell_that_forgets_its_votes_is_no_refinement() -> None:
    forgetful_promise.domains = {"n": "nodes", "b": "ballots"}  # type: ignore[attr-defined]
    found = explore(replaced("MCCellTwoBallots", "promise", forgetful_promise), invariants=(), refinement=True)
    assert found.violation is not None
    assert found.violation.name == "refines Ballots"
