"""The page of the exhaustive link: its table has every scope, and the counts that the link finds."""

import re
from pathlib import Path

import pytest

from conformance.exhaustive.graph import Graph
from conformance.exhaustive.product import Disagreement, Product
from conformance.exhaustive.scopes import SCOPES, Scope, scope
from conformance.exhaustive.telling import finding
from conformance.links import Profile
from tests.conformance.lockstep.broken_cells import Fault, break_cell

PAGE = (Path(__file__).parents[2] / "docs" / "exhaustive.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(MC\w+)` ([^|]+?) \| (\w+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)
ROWS = {f"{name} {rest}": (profile, counts) for name, rest, profile, *counts in ROW.findall(PAGE)}
SMALL = 20_000
"""Scopes of at most so many states of the code are explored again by the test."""


def counts_of(name: str) -> list[int]:
    return [int(number.replace(",", "")) for number in ROWS[name][1]]


def test_the_table_has_every_scope_with_its_profile() -> None:
    assert {name: profile for name, (profile, _) in ROWS.items()} == {one.name: one.profile for one in SCOPES}


@pytest.mark.parametrize(
    "where",
    [one for one in SCOPES if counts_of(one.name)[2] <= SMALL and one.profile is Profile.QUICK],
    ids=lambda where: where.name,
)
def test_the_counts_are_those_that_are_found(where: Scope) -> None:
    graph = Graph(where.machine)
    found = Product(where, graph).explore()
    assert [graph.found.distinct, graph.edges, found.states] == counts_of(where.name)


def test_the_sums_are_those_of_the_table() -> None:
    for profile in Profile:
        total = sum(counts_of(one.name)[2] for one in SCOPES if profile.includes(one.profile))
        assert f"{total:,} states of the code in the profile *{profile}*" in " ".join(PAGE.split())


def test_the_difference_that_is_shown_is_the_one_that_is_told() -> None:
    """Line by line, but for those that are left out."""
    shown = next(
        block for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if "scenario" in block
    )
    where = scope("MCCellTwoBallotsRefines", Profile.QUICK)
    majority = "return votes is not None and is_majority(votes, self.learner.configurations.members(slot))"
    broken = break_cell(Fault("one-vote-decides", "proposer", majority, "return bool(votes)"))
    product = Product(where, Graph(where.machine), broken)  # type: ignore[arg-type]
    with pytest.raises(Disagreement) as raised:
        product.explore()
    found = finding(product, raised.value)
    told = [found.title, *(line.rstrip() for line in found.told())]
    lines = [line.rstrip() for line in shown.splitlines() if line.strip() != "..."]
    assert [line for line in told if line in lines] == lines
