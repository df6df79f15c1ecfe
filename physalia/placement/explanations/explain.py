"""Why a cell cannot be placed: for each colour a minimal set of rules that conflict, and what would have to give.

Minimal means that without any one of the rules there would be a placement of that colour. The sentences come from the
proof that there is none with these rules alone: they count what the domains can take. A rule in none of these sets is
no help by itself, so only those in some are loosened, each by as little as will do.
"""

import time
from collections.abc import Sequence
from typing import Final, Literal

from attrs import evolve, field, frozen

from physalia.placement.effort import Effort
from physalia.placement.explanations.loosen import Relaxation, loosened
from physalia.placement.explanations.sentences import describe
from physalia.placement.rules.policy import FIXED_IDS, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import ALSO, Topology
from physalia.placement.solver.problem import Problem, problem
from physalia.placement.solver.search import Best, Leaf, Search, Split, Tree, impossible

LIFTABLE: Final = ("drained", "capacity")
"""The rules that always hold and may nevertheless be part of a conflict within one colour."""


@frozen
class Conflict:
    """A minimal set of rules that cannot be kept together by servers of one colour, and how that is seen."""

    color: str
    rules: tuple[str, ...]
    sentences: tuple[str, ...]


@frozen
class Explanation:
    """Why there is no placement: a conflict for each colour, and single changes that would give one, the least first.

    ``verdict`` is "placed" where there is nothing to explain, "impossible" with the conflicts, or "inconclusive" where
    the search found no placement and no proof that there is none.
    """

    verdict: Literal["placed", "impossible", "inconclusive"]
    conflicts: tuple[Conflict, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    seconds: float = 0.0

    @property
    def placeable(self) -> bool:
        """Whether there is nothing to explain."""
        return self.verdict == "placed"


def explain(topology: Topology, policy: Policy, query: Query, effort: Effort | None = None) -> Explanation:
    """Why a query has no placement; BadQuery and BadPolicy for bad input."""
    start = time.monotonic()
    tried = _Subsets(topology, policy, query)
    whole = frozenset({*LIFTABLE, *(rule.id for rule in policy.rules)})
    stated = tried.problem(whole)
    trees = {color: tried.tree(whole, color) for color in stated.colors}
    if not all(map(impossible, trees.values())):
        found = any(tried.found[whole, color] for color in stated.colors)
        return Explanation("placed" if found else "inconclusive", seconds=time.monotonic() - start)
    conflicts = []
    for color in stated.colors:
        core = tried.shrink(whole, color)
        sentences = describe(tried.problem(core), core, color, tried.tree(core, color))
        conflicts.append(Conflict(color, tuple(sorted(core, key=tried.order)), tuple(sentences)))
    relaxations = loosened(topology, policy, query, {one.color: one.rules for one in conflicts})
    return Explanation("impossible", tuple(conflicts), tuple(relaxations), seconds=time.monotonic() - start)


@frozen
class _Subsets:
    """The query under some of the rules only, each subset stated once."""

    topology: Topology
    policy: Policy
    query: Query
    problems: dict[frozenset[str], Problem] = field(factory=dict)
    trees: dict[tuple[frozenset[str], str], Tree] = field(factory=dict)
    found: dict[tuple[frozenset[str], str], bool] = field(factory=dict)

    def problem(self, rules: frozenset[str]) -> Problem:
        """The query under these rules."""
        if rules not in self.problems:
            kept = tuple(rule for rule in self.policy.rules if rule.id in rules)
            policy = evolve(self.policy, rules=kept, spread=())
            self.problems[rules] = problem(self.topology, policy, self.query, frozenset(LIFTABLE) - rules)
        return self.problems[rules]

    def tree(self, rules: frozenset[str], color: str) -> Tree:
        """The proof that there is no placement of a colour under these rules, or something else if there is one."""
        if (rules, color) not in self.trees:
            stated = self.problem(rules)
            limit = max(stated.worst_hops, default=0)
            best = Best()
            self.trees[rules, color] = Search(stated.instance(color, limit), best, color).run()
            self.found[rules, color] = best.cost is not None
        return self.trees[rules, color]

    def shrink(self, rules: frozenset[str], color: str) -> frozenset[str]:
        """A minimal subset of the rules under which there is no placement of a colour either."""
        suspected = self._suspected(rules, color)
        core = suspected if impossible(self.tree(suspected, color)) else rules
        for rule in sorted(core, key=self.order):
            without = core - {rule}
            if impossible(self.tree(without, color)):
                core = without
        return core

    def _suspected(self, rules: frozenset[str], color: str) -> frozenset[str]:
        """The rules that a proof speaks of: those that forbid servers, and those of the domains that it prices."""
        tree, domains = self.tree(rules, color), self.problem(rules).domains
        known = {rule.id for ruling in domains.rules.values() for rule in ruling}
        priced = {rule.id for key in _priced(tree) for part in key.split(ALSO) for rule in domains.rules.get(part, ())}
        return frozenset(rule for rule in rules if rule in priced or rule not in known)

    def order(self, rule: str) -> tuple[int, str]:
        """What always holds comes first, then the rules of the policy in their order."""
        ids = [*FIXED_IDS, *(one.id for one in self.policy.rules)]
        return (ids.index(rule), rule)


def _priced(tree: Tree) -> Sequence[str]:
    if isinstance(tree, Leaf):
        return list(tree.dual.prices)
    return [tree.key, *_priced(tree.below), *_priced(tree.above)] if isinstance(tree, Split) else []
