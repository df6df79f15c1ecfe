"""A query under some of the rules only: whether there is a placement of a colour then, and the least rules without one.

Only whether there is a choice at all is asked, so costs are left out, and every subset is decided once.
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve, field, frozen

from physalia.placement.effort import Effort
from physalia.placement.explanations.ground import Ground
from physalia.placement.rules.policy import FIXED_IDS, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import ALSO, Topology
from physalia.placement.solver.problem import Problem
from physalia.placement.solver.search import Best, Leaf, Search, Split, Tree, impossible

LIFTABLE: Final = ("drained", "capacity")
"""The rules that always hold and may nevertheless be part of a conflict within one colour."""


@frozen
class Subsets:
    """The query under some of the rules only, each subset stated once. OutOfTime from everything that is asked."""

    topology: Topology
    policy: Policy
    query: Query
    effort: Effort
    ground: Ground
    problems: dict[frozenset[str], Problem] = field(factory=dict)
    trees: dict[tuple[frozenset[str], str], Tree] = field(factory=dict)
    found: dict[tuple[frozenset[str], str], bool] = field(factory=dict)

    @property
    def whole(self) -> frozenset[str]:
        """All rules."""
        return frozenset({*LIFTABLE, *(rule.id for rule in self.policy.rules)})

    @property
    def colors(self) -> tuple[str, ...]:
        """The colours to try."""
        return self.problem(self.whole).colors

    def problem(self, rules: frozenset[str]) -> Problem:
        """The query under these rules."""
        if rules not in self.problems:
            self.effort.spend("sets of rules")
            kept = tuple(rule for rule in self.policy.rules if rule.id in rules)
            policy = evolve(self.policy, rules=kept, spread=())
            self.problems[rules] = self.ground.under(policy, self.query, frozenset(LIFTABLE) - rules)
        return self.problems[rules]

    def tree(self, rules: frozenset[str], color: str) -> Tree:
        """The proof that there is no placement of a colour under these rules, or something else if there is one."""
        if (rules, color) not in self.trees:
            self.trees[rules, color], best = decided(self.problem(rules), color, self.effort)
            self.found[rules, color] = best.cost is not None
        return self.trees[rules, color]

    def impossible(self, rules: frozenset[str], color: str) -> bool:
        """Whether it is proven that there is no placement of a colour under these rules."""
        return impossible(self.tree(rules, color))

    def placed(self, rules: frozenset[str], color: str) -> bool:
        """Whether a placement of a colour was found under these rules."""
        self.tree(rules, color)
        return self.found[rules, color]

    def shrink(self, rules: frozenset[str], color: str) -> frozenset[str]:
        """A minimal subset of the rules under which there is no placement of a colour either."""
        suspected = self._suspected(rules, color)
        core = suspected if self.impossible(suspected, color) else rules
        for rule in sorted(core, key=self.order):
            without = core - {rule}
            if self.impossible(without, color):
                core = without
        return core

    def order(self, rule: str) -> tuple[int, str]:
        """What always holds comes first, then the rules of the policy in their order."""
        ids = [*FIXED_IDS, *(one.id for one in self.policy.rules)]
        return (ids.index(rule), rule)

    def _suspected(self, rules: frozenset[str], color: str) -> frozenset[str]:
        """The rules that a proof speaks of: those that forbid servers, and those of the domains that it prices."""
        tree, domains = self.tree(rules, color), self.problem(rules).domains
        known = {rule.id for ruling in domains.rules.values() for rule in ruling}
        priced = {rule.id for key in _priced(tree) for part in key.split(ALSO) for rule in domains.rules.get(part, ())}
        return frozenset(rule for rule in rules if rule in priced or rule not in known)


def decided(stated: Problem, color: str, effort: Effort) -> tuple[Tree, Best]:
    """Whether there is a choice of a colour at all: the proof that there is none, or one; OutOfTime."""
    best = Best()
    tree = Search(stated.bare(color), best, color, effort).run()
    if effort.is_over:
        effort.stop()
    return tree, best


def _priced(tree: Tree) -> Sequence[str]:
    if isinstance(tree, Leaf):
        return list(tree.dual.prices)
    return [tree.key, *_priced(tree.below), *_priced(tree.above)] if isinstance(tree, Split) else []
