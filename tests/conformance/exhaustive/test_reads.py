"""Reads in scopes: the code is the specification, and what real systems got wrong about reads is refused here too."""

import pytest

from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.reading import eager
from conformance.exhaustive.scopes import Scope, scope
from conformance.links import Profile
from conformance.mutants.entries import catalogue
from spec.machine import explore as explore_machine
from spec.models import MODELS
from spec.service.reads import Reads
from tests.conformance.exhaustive.test_exhaustive import explore
from tests.conformance.lockstep.broken_cells import Fault, break_cell

TWICE = scope("MCReadsTwice", Profile.QUICK)
BOTH = scope("MCReads", Profile.QUICK)
CRASH = scope("MCReadsCrash", Profile.QUICK, audience={1: {1, 3}, 2: set()})
CHANGE = scope("MCReadsChange", Profile.QUICK, audience={1: {1, 2, 4}, 2: set()})
READERS = scope("MCReadsTwice", Profile.QUICK, audience={1: {1, 3}, 2: set()}, readers=2)
PIPELINE = scope("MCReadsPipeline", Profile.QUICK)

CASES = (
    (
        "code-read-by-the-wrong-configuration",
        CHANGE,
        "the code takes consult(1, 1), which the specification does not allow",
    ),
    ("code-echo-older-than-the-read", TWICE, "node 1 forgets what it heard"),
    ("code-nonce-shared-by-retries", TWICE, "node 1 forgets what it heard"),
    ("code-refusal-taken-for-an-echo", BOTH, "the code takes echo("),
    ("code-reported-vote-no-matter-to-a-read", BOTH, "which the specification does not allow here"),
    ("code-read-answered-before-it-is-applied", PIPELINE, "the code takes serve("),
    ("code-read-joins-a-round-that-began", READERS, "does not answer those whose round this is"),
    ("code-leader-answers-without-a-round", READERS, "answers a read in a step that is no Serve"),
)


def fault_of(name: str) -> Fault:
    mutant = next(one for one in catalogue() if one.name == name)
    return Fault(name, mutant.file.removeprefix("physalia/cell/").removesuffix(".py"), mutant.replace, mutant.with_)


@pytest.mark.parametrize("where", [CRASH, CHANGE, READERS], ids=lambda where: where.name)
def test_the_code_is_the_specification_where_clients_read(where: Scope) -> None:
    product, found = explore(where)
    assert found is None, found
    graph = product.graph
    assert len(graph.projected) == graph.found.distinct < product.found.states
    for state in graph.projected.values():
        assert state.taken == state.outside | state.internal
    taken = {graph.found.steps[step][0] for step in graph.found.edge_steps}
    assert {"consult", "echo", "serve"} <= taken


@pytest.mark.parametrize(("name", "where", "said"), CASES, ids=[name for name, _, _ in CASES])
def test_a_fault_of_reads_is_found(name: str, where: Scope, said: str) -> None:
    broken: MakeExplorable = break_cell(fault_of(name))  # type: ignore[assignment]
    _, found = explore(where, broken)
    assert found is not None
    assert said in found.title


UNSEEN = (
    Fault(
        "key-forgets-readers", "memory",
        "            tuple(self.reads.waiting),\n", "            len(self.reads.waiting) > 1,\n",
    ),
    Fault(
        "clone-shares-echoes", "reads",
        "return Consultation(self.round, self.slot, self.members, self.requests, self.echoes.copy())",
        "return Consultation(self.round, self.slot, self.members, self.requests, self.echoes)",
    ),
)  # fmt: skip


@pytest.mark.parametrize("fault", UNSEEN, ids=lambda fault: fault.name)
def test_a_key_or_a_clone_that_lies_about_reads_is_found(fault: Fault) -> None:
    broken: MakeExplorable = break_cell(fault)  # type: ignore[assignment]
    _, found = explore(READERS, broken)
    assert found is not None


def test_who_begins_no_round_is_found() -> None:
    never = Fault("never-reads", "reads", "if not self.waiting or self.under_way is not None", "if True")
    _, found = explore(READERS, break_cell(never))  # type: ignore[arg-type]
    assert found is not None
    assert "consult(1, 1)" in found.title


def test_a_round_begins_where_the_specification_lets_it_and_not_everywhere() -> None:
    """The part of the specification that the code performs: every step of it is one of the whole."""
    whole = MODELS["MCReadsTwice"]
    assert isinstance(whole, Reads)
    found, every = explore_machine(eager(whole), record=True), explore_machine(whole)
    assert found.violation is None
    assert found.distinct < every.distinct
    steps = zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True)
    for source, step, target in steps:
        name, args = found.steps[step]
        after = getattr(whole, name)(found.state(source), *args)
        assert after is not None
        unseen = frozenset(m._replace(seen=0) for m in after.rounds)
        assert after._replace(rounds=unseen) == found.state(target)


def test_a_scope_of_reads_has_no_ticks() -> None:
    with pytest.raises(ValueError, match="a round that takes long begins again"):
        scope("MCReads", Profile.QUICK, ticks=True)
