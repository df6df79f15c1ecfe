"""Where no single change helps: every minimal conflict is told, and the pair of changes that is least together."""

from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any

import pytest
from attrs import evolve

from conformance.placement.sites import Seeded
from physalia.cli.place.printing import explanation_lines
from physalia.placement.effort import Effort
from physalia.placement.explanations.explain import explain
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.policy import Policy
from physalia.placement.rules.queries import Query
from physalia.placement.solver.answer import query
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks

FEED: dict[str, Any] = {"id": "feed-cap", "type": "cap", "kind": "feed", "most": 3}
ROW: dict[str, Any] = {"id": "row-cap", "type": "cap", "kind": "row", "most": 3}
SITE = row_of_racks()


def strict(seed: int) -> Policy:
    """Some rules that mostly ask for too much."""
    choose = Seeded(f"pairs/{seed}")
    rules = [
        {**FEED, "most": choose.number(2, 4)},
        {**ROW, "most": choose.number(2, 4)},
        rack_cap(choose.number(1, 3)),
        {"id": "near", "type": "hop-limit", "client": "instance", "most": choose.number(1, 4)},
        {"id": "home", "type": "minimum", "kind": "row", "of": "instance", "least": choose.number(3, 6)},
    ]
    return policy_of(*choose.some(rules, 3, 5))


def subsets(rules: Policy) -> Iterator[frozenset[str]]:
    ids = [rule.id for rule in rules.rules]
    return map(frozenset, chain.from_iterable(combinations(ids, size) for size in range(len(ids) + 1)))


def placed(policy: Policy, kept: frozenset[str]) -> bool:
    ruling = evolve(policy, rules=tuple(rule for rule in policy.rules if rule.id in kept))
    return query(SITE, ruling, Query("s11")).verdict == "placed"


def minimal_conflicts(policy: Policy) -> set[frozenset[str]]:
    """By trying every subset of the rules."""
    refused = {kept for kept in subsets(policy) if not placed(policy, kept)}
    return {kept for kept in refused if not any(other < kept for other in refused)}


def loosened(policy: Policy, rule: str, by: int) -> Policy:
    def less(one: Any) -> Any:
        if one.id != rule:
            return one
        return evolve(one, least=one.least - by) if hasattr(one, "least") else evolve(one, most=one.most + by)

    return evolve(policy, rules=tuple(map(less, policy.rules)))


def least_pair(policy: Policy) -> tuple[int, Cost] | None:
    """By trying every two rules, each by every amount."""
    found = []
    for one, other in combinations([rule.id for rule in policy.rules], 2):
        for first, second in product(range(1, 8), repeat=2):
            by = {one: first, other: second}
            if any(getattr(rule, "least", 8) < by.get(rule.id, 0) for rule in policy.rules):
                continue
            answer = query(SITE, loosened(loosened(policy, one, first), other, second), Query("s11"))
            if answer.cost is not None:
                found.append((first + second, answer.cost))
    return min(found, default=None)


def test_two_rules_that_must_both_give() -> None:
    explained = explain(SITE, policy_of(FEED, ROW), Query("s11"))
    assert explained.relaxations == ()
    assert {one.rules for one in explained.conflicts} == {("feed-cap",), ("row-cap",)}
    assert explained.pair is not None
    assert [one.change for one in explained.pair.changes] == [
        "feed-cap: at most 4 instead of 3", "row-cap: at most 4 instead of 3",
    ]  # fmt: skip
    assert explained.complete
    told = "\n".join(explanation_lines(explained))
    assert "no single change of a rule would do; of any two together this is the least:" in told
    assert "feed-cap: at most 4 instead of 3; and row-cap: at most 4 instead of 3: blue, worst hop" in told


def test_where_two_changes_are_too_few_it_is_said() -> None:
    policy = policy_of(FEED, ROW, rack_cap(1))
    explained = explain(SITE, policy, Query("s11"))
    assert minimal_conflicts(policy) == {frozenset(one.rules) for one in explained.conflicts}
    assert (explained.relaxations, explained.pair) == ((), None)
    assert "no single change of a rule would do, and no two together." in list(explanation_lines(explained))


def test_servers_and_a_rule_are_a_pair() -> None:
    """All but 5 of 16 servers are drained: two must come back, or more, the less the cap gives."""
    drained = {name: evolve(one, drained=at >= 5) for at, (name, one) in enumerate(sorted(SITE.servers.items()))}
    site = evolve(SITE, servers=drained)
    explained = explain(site, policy_of(FEED), Query("s11"))
    assert explained.relaxations == ()
    assert explained.pair is not None
    assert explained.pair.amount == 3
    assert sorted(one.rule for one in explained.pair.changes) == ["drained", "feed-cap"]
    back = next(one for one in explained.pair.changes if one.rule == "drained")
    assert back.amount == 2
    assert back.change.startswith("take back into service s")


@pytest.mark.parametrize("seed", range(25))
def test_all_conflicts_and_the_least_pair_are_those_of_brute_force(seed: int) -> None:
    policy = strict(seed)
    explained = explain(SITE, policy, Query("s11"))
    if explained.relaxations or explained.placeable:
        return  # single changes are tested elsewhere
    assert {frozenset(one.rules) for one in explained.conflicts} == minimal_conflicts(policy)
    assert len(explained.conflicts) == len({one.rules for one in explained.conflicts})
    expected = least_pair(policy)
    found = None if explained.pair is None else (explained.pair.amount, explained.pair.cost)
    assert found == expected


def test_the_seeds_ask_what_they_should() -> None:
    """Questions without a single change that helps, some with a pair and some without."""
    seen = []
    for seed in range(25):
        explained = explain(SITE, strict(seed), Query("s11"))
        if not (explained.relaxations or explained.placeable):
            seen.append(explained.pair is not None)
    assert seen.count(True) >= 3
    assert seen.count(False) >= 2


def test_time_that_runs_out_keeps_what_was_found() -> None:
    """Every reading of the clock is a tick: there are more findings, and never other ones, the later it is over."""
    policy, ticks = policy_of(FEED, ROW), 0

    def clock() -> float:
        nonlocal ticks
        ticks += 1
        return float(ticks)

    whole = explain(SITE, policy, Query("s11"), Effort(told=lambda _: None, clock=clock, deadline=1e9))
    needed, verdicts, found = ticks, [], []
    for deadline in range(1, needed + 2):
        ticks = 0
        explained = explain(SITE, policy, Query("s11"), Effort(deadline=float(deadline), clock=clock))
        assert ticks <= deadline + 6, "the clock was read on, although time was over"
        assert explained.conflicts == whole.conflicts[: len(explained.conflicts)]
        assert explained.complete == (explained.pair == whole.pair)
        verdicts.append(explained.verdict)
        found.append(len(explained.conflicts))
    assert verdicts[0] == "inconclusive"
    assert verdicts[-1] == "impossible"
    assert found == sorted(found)
    assert set(found) == {0, 1, 2}


def test_progress_is_told_of_every_set_of_rules_and_every_change() -> None:
    heard: list[str] = []
    explain(SITE, policy_of(FEED, ROW), Query("s11"), Effort(told=heard.append))
    assert set(heard) == {"sets of rules", "linear programs", "changes of rules"}
    assert heard.count("changes of rules") >= 5
