"""Hypothesis lets clients read too: rounds are begun, echoed and served, and what is wrong with reads is found."""

import pytest

from conformance.judges.coverage import READ_AND_PEEKED, Coverage
from conformance.lockstep.machine import explore
from conformance.mutants.entries import catalogue
from conformance.world.setup import Setup
from tests.conformance.lockstep.broken_cells import Fault, break_cell

WORLD = Setup.of(3, 3, 2, ("1", "1", "1"), slots=96)


def test_rules_reach_what_readers_can_meet() -> None:
    coverage = Coverage()
    assert explore(WORLD, 12, 30, 0, coverage, lambda _: None) is None
    assert not coverage.missing(READ_AND_PEEKED)


@pytest.mark.parametrize("name", ["code-leader-answers-without-a-round", "code-stale-read-goes-backwards"])
def test_a_fault_of_reads_is_found_by_rules(name: str) -> None:
    mutant = next(one for one in catalogue() if one.name == name)
    module = mutant.file.removeprefix("physalia/cell/").removesuffix(".py")
    broken = break_cell(Fault(name, module, mutant.replace, mutant.with_))
    found = explore(WORLD, 40, 40, 0, Coverage(), lambda _: None, broken)
    assert found is not None
    assert any(word in found.refuted.title for word in ("round", "Serve", "serve", "peeked", "seen", "read"))
