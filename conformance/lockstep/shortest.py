"""The shortest counterexample: the one that was found, shrunk, or one that short runs of small worlds come upon.

Shrinking ends where nothing single can be made simpler, and that depends on where it began: of one fault one run leads
to 11 events and another to 16. So the fault is looked for again, from the same seeds whatever was found first, in
worlds of one node and of a few; what is found there is shrunk as well, until for a while nothing better comes of it.
What only a long run shows is not found in this way, and then the finding itself is all there is.
"""

from collections.abc import Callable, Iterator

from attrs import evolve

from conformance.judges.coverage import Coverage
from conformance.lockstep.drive import drive
from conformance.lockstep.shrink import Budget, Finding, shrink
from conformance.lockstep.simpler import complexity
from conformance.world.cells import MakeNode
from conformance.world.setup import Setup

SMALL = tuple(
    Setup.of(nodes, members, alpha)
    for nodes, members, alpha in (
        (1, 1, 1), (1, 1, 2), (2, 2, 1), (2, 2, 2), (3, 2, 1), (3, 3, 1), (3, 3, 2), (4, 3, 2),
    )
)  # fmt: skip
"""Where the fault is looked for again."""

ROUNDS = 24
"""So many runs each small world has at most."""

PATIENCE = 4
"""So many findings in a row may bring nothing better before the search ends."""


def shortest(
    finding: Finding, make_node: MakeNode, budget_s: float, told: Callable[[int, int], None] = lambda *_: None
) -> Finding:
    """The simplest finding within `budget_s` seconds of processor time; at worst the one given.

    `told` hears at each try the how manieth it is, and how many events the best finding has.
    """
    budget, best, in_vain, tried = Budget(budget_s), finding, 0, 0

    def tell(events: int) -> None:
        nonlocal tried
        tried += 1
        told(tried, min(events, len(best.scenario.happenings)))

    for fresh in _found_again(make_node, budget.part(1 / 2)):
        small = shrink(fresh, make_node, budget.part(1 / 2), tell)
        in_vain += 1
        if complexity(small.scenario) < complexity(best.scenario):
            best, in_vain = small, 0
        if in_vain == PATIENCE:
            break
    small = shrink(finding, make_node, budget, tell)
    best = min(best, small, key=lambda one: complexity(one.scenario))
    before, after = len(finding.scenario.happenings), len(best.scenario.happenings)
    end = (
        f"the budget of {budget_s:g} s of processor time is spent, so fewer might do"
        if budget.is_spent
        else "no two of them can be left out, nothing made simpler, and no small world shows it in fewer"
    )
    return evolve(best, effort=f"{before} events shrunk to {after} in {tried} tries: {end}")


def _found_again(make_node: MakeNode, budget: Budget) -> Iterator[Finding]:
    """What short runs find in the small worlds, in turn, as long as the budget lasts."""
    for number in range(ROUNDS):
        for setup in SMALL:
            if budget.is_spent:
                return
            length = 30 + 10 * setup.nodes
            finding = drive(setup, f"again/{number}", length, Coverage(), make_node)
            if finding is not None:
                yield finding
