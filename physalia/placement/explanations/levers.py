"""What could give: every rule of a conflict as a lever, which can be moved by ever larger steps.

A step changes the policy, the query, or lifts a rule that always holds; larger steps of a lever only ever allow more.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from attrs import evolve, field, frozen

from physalia.placement.explanations.subsets import LIFTABLE, Subsets, decided
from physalia.placement.rules.policy import AntiAffinity, HopLimit, Minimum, Policy, Rule, Survives
from physalia.placement.rules.queries import Query, colors_of
from physalia.placement.solver.problem import Problem


@frozen
class Step:
    """One change: of which rule, in words, and how large. A rule is replaced, dropped (None), or lifted.

    ``color`` is "another" than the query asks for, or "several" in one cell.
    """

    rule: str
    words: str
    amount: int
    replaced: Rule | None = None
    color: Literal["", "another", "several"] = ""

    @property
    def lifts(self) -> str | None:
        """The rule that always holds and would not, if it is one."""
        return self.rule if self.rule in LIFTABLE else None


Steps = tuple[Step, ...]


@frozen
class Levers:
    """The levers of a question that has no answer, and whether there would be one after some steps."""

    tried: Subsets
    suspected: AbstractSet[str]
    _known: dict[frozenset[Step], bool] = field(factory=dict, init=False)
    _problems: dict[frozenset[Step], Problem] = field(factory=dict, init=False)

    def levers(self) -> Iterator[Steps]:
        """Each lever by its steps, the least first: the rules of the policy, what always holds, colours."""
        for rule in self.tried.policy.rules:
            if rule.id in self.suspected:
                yield tuple(self._steps(rule))
        for fixed in LIFTABLE:
            if fixed in self.suspected:
                yield (Step(fixed, f"lift {fixed}", 0),)
        size, colors = self.tried.policy.cell_size, []
        if self.tried.query.color is not None:
            colors.append(Step("color", f"ask for another color than {self.tried.query.color}", size, color="another"))
        if self.tried.policy.one_color and len(colors_of(self.tried.topology)) > 1:
            colors.append(Step("color", "let the cell be of several colors", size, color="several"))
        yield tuple(colors)

    def helps(self, *steps: Step) -> bool:
        """Whether there is a placement after these changes."""
        key = frozenset(steps)
        if key not in self._known:
            stated = self.problem(*steps)
            tried = (decided(stated, color, self.tried.effort) for color in stated.colors)
            self._known[key] = any(best.cost is not None for _, best in tried)
        return self._known[key]

    def problem(self, *steps: Step) -> Problem:
        """The question after these changes, without what its answers cost."""
        key = frozenset(steps)
        if key not in self._problems:
            self.tried.effort.spend("changes of rules")
            policy, asked = self.changed(*steps)
            self._problems[key] = self.tried.ground.under(evolve(policy, spread=()), asked, _lifted(steps))
        return self._problems[key]

    def costed(self, *steps: Step) -> Problem:
        """The same, with what its answers cost."""
        return self.tried.ground.under(*self.changed(*steps), _lifted(steps))

    def changed(self, *steps: Step) -> tuple[Policy, Query]:
        """The policy and the query after these changes, but for rules that always hold."""
        changed: Mapping[str, Rule | None] = {step.rule: step.replaced for step in steps}
        rules = (changed.get(rule.id, rule) for rule in self.tried.policy.rules)
        policy = evolve(self.tried.policy, rules=tuple(rule for rule in rules if rule is not None))
        asked = self.tried.query
        if any(step.color for step in steps):
            asked = evolve(asked, color=None)
        if any(step.color == "several" for step in steps):
            policy = evolve(policy, one_color=False)
        return policy, asked

    def _steps(self, rule: Rule) -> Iterator[Step]:
        size = self.tried.policy.cell_size
        if isinstance(rule, AntiAffinity | Survives):
            yield Step(rule.id, f"drop the rule {rule.id}", size)
        elif isinstance(rule, Minimum):
            for least in range(min(rule.least - 1, size), -1, -1):
                words = f"{rule.id}: at least {least} instead of {rule.least}"
                yield Step(rule.id, words, rule.least - least, evolve(rule, least=least))
        else:
            for most in self._most(rule):
                words = f"{rule.id}: at most {most} instead of {rule.most}"
                yield Step(rule.id, words, most - rule.most, evolve(rule, most=most))

    def _most(self, rule: Rule) -> Iterator[int]:
        """Larger limits, up to one that allows everything."""
        assert not isinstance(rule, AntiAffinity | Survives | Minimum)
        if not isinstance(rule, HopLimit):
            yield from range(rule.most + 1, max(self.tried.policy.cell_size, rule.most + 1) + 1)
            return
        # Between two distances that servers have nothing changes.
        without = self.problem(Step(rule.id, f"drop the rule {rule.id}", 0))
        yield from range(rule.most + 1, max([rule.most + 1, *without.worst_hops]) + 1)


def _lifted(steps: Steps) -> frozenset[str]:
    return frozenset(step.rule for step in steps if step.lifts)
