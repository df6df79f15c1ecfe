"""The question stated once: under any rules it asks what the question taken apart anew asks."""

from itertools import chain, combinations

import pytest
from attrs import evolve

from physalia.placement.effort import Effort
from physalia.placement.explanations import explain as explanations
from physalia.placement.explanations import ground as grounds
from physalia.placement.explanations import loosen
from physalia.placement.explanations.ground import Ground
from physalia.placement.explanations.subsets import LIFTABLE, decided
from physalia.placement.rules.policy import AntiAffinity, Minimum, Policy, Rule, Survives
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Topology
from physalia.placement.solver.answer import solve
from physalia.placement.solver.problem import Problem, problem
from tests.physalia.placement.explanations.test_explain import CONFLICTS


def _laxer(rule: Rule) -> Rule:
    """The same rule, with a limit that allows one more."""
    if isinstance(rule, Minimum):
        return evolve(rule, least=max(0, rule.least - 1))
    return rule if isinstance(rule, AntiAffinity | Survives) else evolve(rule, most=rule.most + 1)


def _questions(policy: Policy) -> list[Policy]:
    """The policy, with any of its rules left out or made laxer, and with colours mixed."""
    rules = policy.rules
    kept = chain.from_iterable(combinations(rules, size) for size in range(len(rules) + 1))
    laxer = [tuple(_laxer(one) if one is rule else one for one in rules) for rule in rules]
    return [evolve(policy, rules=some) for some in (*kept, *laxer)] + [evolve(policy, one_color=False)]


def _candidates(stated: Problem) -> dict[str, set[str]]:
    return {color: {name for one in groups for name in one.names()} for color, groups in stated.groups.items()}


@pytest.mark.parametrize("name", CONFLICTS)
def test_it_is_the_question_taken_apart_anew(name: str) -> None:
    topology, policy, asked, _, _ = CONFLICTS[name]
    spread = evolve(policy, spread=("rack", "feed"))
    ground = Ground.of(topology, spread, asked)
    for wanted in _questions(spread):
        for lifted in (frozenset[str](), frozenset({"drained"}), frozenset({"capacity"}), frozenset(LIFTABLE)):
            anew, derived = problem(topology, wanted, asked, lifted), ground.under(wanted, asked, lifted)
            assert _candidates(derived) == _candidates(anew)
            assert derived.worst_hops == anew.worst_hops
            for color in anew.colors:
                found = decided(derived, color, Effort())[1].cost is not None
                assert found == (decided(anew, color, Effort())[1].cost is not None), (wanted, lifted)
        one, other = (
            solve(ground.under(wanted, asked, frozenset()), Effort()),
            solve(problem(topology, wanted, asked), Effort()),
        )
        assert (one.verdict, one.cost) == (other.verdict, other.cost)


def test_an_explanation_takes_its_question_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the most expensive part on a large site; it was done a dozen times."""
    stated: list[Policy] = []

    def counted(topology: Topology, policy: Policy, query: Query, *rest: object, **more: object) -> Problem:
        stated.append(policy)
        return problem(topology, policy, query, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(grounds, "problem", counted)
    monkeypatch.setattr(loosen, "problem", counted)
    for topology, policy, asked, _, _ in CONFLICTS.values():
        stated.clear()
        explained = explanations.explain(topology, policy, asked)
        lifting = [one for one in explained.relaxations if one.rule in LIFTABLE]
        assert len(stated) == 1 + len(lifting)
