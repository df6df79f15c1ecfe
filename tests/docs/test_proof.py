"""The chapter on the proof says what is the case: counterexamples, redundant invariants, sorts, attacks, profiles."""

import re
from pathlib import Path

import pytest
from attrs import evolve

from conformance.induction.chapter import (
    PLACES,
    PLAIN,
    Counterexample,
    counterexample,
    read_counterexamples,
    small_universe,
    why_none,
)
from conformance.induction.tie.scope import TIED
from conformance.links import Profile
from conformance.manifest import load_manifest
from spec.induction.attacks.attacks import ATTACKS
from spec.induction.formulas.evaluate import compiled
from spec.induction.layers.stack import LAYERS, system_of
from spec.induction.proving.prove import prove
from spec.induction.proving.queries import queries_of
from spec.induction.proving.solve import Effort
from spec.induction.proving.sorts import sort_graph
from spec.induction.proving.weaken import Ending, without

PAGE = (Path(__file__).parents[2] / "docs" / "proof.md").read_text(encoding="utf-8")
SYSTEM = system_of("ballots")
SHOWN = {one.dropped: one for one in read_counterexamples(SYSTEM, PAGE)}


@pytest.mark.parametrize("one", SHOWN.values(), ids=SHOWN)
def test_a_counterexample_is_one(one: Counterexample) -> None:
    assert not why_none(SYSTEM, one)


def test_every_invariant_is_shown_or_said_to_be_redundant() -> None:
    said = re.search(r"^((?:\*\*\w+\*\*,? (?:and )?)+)are \*redundant\*", PAGE, re.MULTILINE)
    assert said is not None
    redundant = re.findall(r"\*\*(\w+)\*\*", said[1])
    assert [*SHOWN, *redundant] == sorted([*SHOWN, *redundant], key=lambda name: name in redundant)
    assert {*SHOWN, *redundant} == SYSTEM.invariants.keys()
    proof = prove(SYSTEM)
    for name in SYSTEM.invariants:
        ending = without(proof, f"invariant {name}", Effort()).ending
        assert ending is (Ending.REDUNDANT if name in redundant else Ending.REFUSED), name


def test_a_wrong_counterexample_is_refused() -> None:
    one = SHOWN["chosen_by_majority"]
    nothing = {name: frozenset[tuple[object, ...]]() for name in one.before}
    assert why_none(SYSTEM, evolve(one, before=nothing)) == "empty_prefix does not hold before"
    assert why_none(SYSTEM, evolve(one, dropped="agreement")) == "chosen_by_majority does not hold before"
    assert why_none(SYSTEM, evolve(one, falls="one_configuration")) == "one_configuration holds afterwards"
    assert why_none(SYSTEM, evolve(one, action="vote", arguments={"n": 1, "b": 2, "i": 1})) == "vote is not enabled"
    without_votes = {**one.before, "chosen": frozenset()}
    assert why_none(SYSTEM, evolve(one, before=without_votes)) == "chosen_by_majority holds before"


def test_what_is_searched_for_is_found_and_read_again() -> None:
    found = counterexample(SYSTEM, "chosen_by_majority")
    assert found is not None
    assert not why_none(SYSTEM, found)
    (again,) = read_counterexamples(SYSTEM, "\n".join(found.lines()))
    assert again == found
    assert sum(map(len, found.before.values())) == sum(map(len, SHOWN["chosen_by_majority"].before.values()))


@pytest.mark.parametrize("where", PLACES)
def test_the_axioms_hold_where_counterexamples_are_searched(where: str) -> None:
    universe = small_universe(where)
    assert all(compiled(axiom, universe)({}) for axiom in SYSTEM.axioms.values())
    assert (where == PLAIN) == (universe == small_universe())


def test_the_sorts_are_those_of_the_base() -> None:
    graph = sort_graph(queries_of(SYSTEM))
    lines = dict(re.findall(r"^(\w+) +-> (.*)$", PAGE, re.MULTILINE))
    assert lines == {source: ", ".join(targets) for source, targets in graph.successors.items()}
    for name, floor in LAYERS.items():
        below = system_of(floor.on) if floor.on else None
        assert not sort_graph(queries_of(system_of(name), below)).exceptions


def test_the_layers_and_the_attacks_are_all_there() -> None:
    assert re.findall(r"^\| `(\w+)` \| .* \| .* \| .* \|$", PAGE, re.MULTILINE)[-len(LAYERS) :] == list(LAYERS)
    rows = re.findall(r"^\| `([\w-]+)` \| (R.*) \| (\d+) \| (\w+) \| (.*)\|$", PAGE, re.MULTILINE)
    assert [row[0] for row in rows] == list(ATTACKS)
    for name, rule, steps, violates, replayed in rows:
        one = ATTACKS[name]
        assert (rule, int(steps), violates) == (one.rule, len(one.plan), one.violates)
        assert bool(replayed.strip()) == (one.replays is not None)


def test_the_profiles_tie_as_many_models_as_the_page_says() -> None:
    for profile, models, states in re.findall(r"^\| (quick|default|deep) \| (\d+) \| ([\d,]+) \|", PAGE, re.MULTILINE):
        tied = [one for layer in TIED.values() for one in layer.models(load_manifest(), Profile(profile))]
        assert len(tied) == int(models)
        assert sum(model.distinct for model in tied) == int(states.replace(",", ""))
