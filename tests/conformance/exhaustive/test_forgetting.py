"""Scopes where logs are cut, snapshots taught and nodes leave: the code is the specification, and faults are found."""

import pytest

from conformance.exhaustive.forgetting import as_performed
from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.scopes import SCOPES, Scope, scope
from conformance.links import Profile
from conformance.mutants.entries import catalogue
from spec.cell import Cell
from spec.machine import explore as explore_machine
from spec.models import MODELS
from tests.conformance.exhaustive.test_exhaustive import explore
from tests.conformance.lockstep.broken_cells import Fault, break_cell

JUMP = scope("MCTeachingJump", Profile.QUICK, audience={1: {1, 2}}, learners={3})
STUDENT = scope("MCTeachingStudent", Profile.QUICK, audience={1: {1, 3}, 2: set()})
CUT = scope("MCTeachingCrash", Profile.QUICK, audience={1: {1, 3}, 2: {1, 2}})
CHANGE = scope("MCTeachingChange", Profile.QUICK)
LEAVING = scope("MCLeaving", Profile.QUICK)
FLOOR = scope("MCLeavingFloor", Profile.QUICK)
SETTLES = scope("MCLeavingCrash", Profile.QUICK, audience={1: {1, 2}})
LOST = scope("MCLeavingLost", Profile.QUICK)

STEPS = {
    JUMP: {"truncate", "install"},
    STUDENT: {"truncate", "install", "crash"},
    CUT: {"truncate", "crash"},
    LEAVING: {"create", "erase"},
    FLOOR: {"truncate", "install", "create", "erase"},
    SETTLES: {"settle", "crash", "create", "erase"},
    LOST: {"settle", "create", "erase", "lose"},
}
"""What is taken in each scope beside the steps of every cell."""


@pytest.mark.parametrize("where", list(STEPS), ids=lambda where: where.name)
def test_the_code_is_the_specification_where_logs_are_cut_and_nodes_leave(where: Scope) -> None:
    product, found = explore(where)
    assert found is None, found
    graph = product.graph
    assert len(graph.projected) == graph.found.distinct < product.found.states
    for state in graph.projected.values():
        assert state.taken == state.outside | state.internal
    assert STEPS[where] <= {graph.found.steps[step][0] for step in graph.found.edge_steps}


def fault_of(name: str) -> Fault:
    mutant = next(one for one in catalogue() if one.name == name)
    module = mutant.file.removeprefix("physalia/cell/").removesuffix(".py").replace("/", ".")
    return Fault(name, module, mutant.replace, mutant.with_)


CASES = (
    ("small-never-truncates-again", JUMP, "the specification allows truncate(1, 2) here, and the code does not"),
    ("small-snapshot-of-the-next-slot-brings-nothing", JUMP, "the specification allows install(3, 2) here"),
    ("small-leaves-once-more-is-learned", LEAVING, "the specification allows erase(1, 1) here"),
    ("small-cut-forgotten-by-a-crash", CUT, "the code is not where the specification is"),
    ("code-truncated-slot-is-free", CUT, "the code takes propose("),
    ("code-votes-below-its-floor", CUT, "sends again what it never sent"),
    ("code-snapshot-not-flushed", CUT, "stores and never flushes"),
    ("code-snapshot-drops-votes-above", STUDENT, "the code is not where the specification is"),
    ("code-snapshot-without-verdicts", JUMP, "does not tell of"),
    ("code-snapshot-without-pending-members", CHANGE, "teaches another snapshot"),
    ("code-teaches-nothing-dropped", JUMP, "does not tell the snapshot"),
    ("code-erased-before-all-know", LEAVING, "said that an event was due, and then it was ignored"),
    ("code-pointer-lists-who-answered", LEAVING, "after erase("),
    ("code-says-what-is-not-flushed", SETTLES, "says that it has learned what it did not flush"),
    ("code-answers-when-it-has-left", LEAVING, "which the specification does not allow here"),
)


@pytest.mark.parametrize(("name", "where", "said"), CASES, ids=[name for name, _, _ in CASES])
def test_a_fault_of_forgetting_is_found(name: str, where: Scope, said: str) -> None:
    broken: MakeExplorable = break_cell(fault_of(name))  # type: ignore[assignment]
    _, found = explore(where, broken)
    assert found is not None
    assert said in found.title


@pytest.mark.parametrize("name", ["MCTeachingJump", "MCLeavingFloor", "MCLeavingAlpha2"])
def test_what_the_code_performs_is_a_part_of_the_specification(name: str) -> None:
    whole = MODELS[name]
    assert isinstance(whole, Cell)
    found, every = explore_machine(as_performed(whole), record=True), explore_machine(whole)
    assert found.violation is None
    assert found.distinct <= every.distinct
    steps = zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True)
    for source, step, target in steps:
        label, args = found.steps[step]
        assert getattr(whole, label)(found.state(source), *args) == found.state(target)


def test_the_quick_profile_cuts_teaches_and_lets_go() -> None:
    quick = {one.model for one in SCOPES if one.profile is Profile.QUICK}
    assert {"MCTeachingJump", "MCTeachingStudent", "MCTeachingCrash", "MCLeaving", "MCLeavingFloor"} <= quick


def test_a_scope_whose_snapshots_have_no_address_has_no_questions() -> None:
    with pytest.raises(ValueError, match="a snapshot has no address"):
        scope("MCTeachingFloor", Profile.QUICK, chatter=True)
