"""Bounds, the relaxation and branch and bound, on abstract instances, against trying all choices."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from physalia.placement.solver.bound import Dual, bound
from physalia.placement.solver.instance import Domain, Instance
from physalia.placement.solver.linear import relax
from physalia.placement.solver.search import Best, Search, Split, impossible, least, leaves, proven
from tests.physalia.placement.questions import instance_of


def best_by_trying(instance: Instance) -> int | None:
    """The least cost of a choice, by trying all."""
    servers = [
        (cost, inside)
        for cost, inside, names in zip(instance.costs, instance.inside, instance.servers, strict=True)
        for _ in names
    ]
    found = []
    for choice in combinations(servers, instance.nodes):
        inside = [sum(at in domains for _, domains in choice) for at in range(len(instance.domains))]
        if all(one.low <= k <= one.high for one, k in list(zip(instance.domains, inside, strict=True))[1:]):
            penalties = sum(instance.penalty(at, k) for at, k in enumerate(inside) if at)
            found.append(sum(cost for cost, _ in choice) + penalties)
    return min(found, default=None)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Up to eleven servers in up to six domains that cross as they like, some with minimum counts and penalties."""
    weight = draw(st.sampled_from([0, 1, 50, 10**15]))
    domains = [
        Domain(f"d{at}", low, draw(st.integers(max(low - 1, 0), 3)), draw(st.sampled_from([0, weight])))
        for at, low in enumerate(draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=1, max_size=6)))
    ]
    numbers = st.lists(st.integers(1, len(domains)), unique=True, max_size=4).map(sorted).map(tuple)
    cost = st.sampled_from([0, 1, 7, 10**12]) | st.integers(0, 1000)
    columns = draw(st.lists(st.tuples(cost, numbers, st.integers(1, 3)), min_size=2, max_size=6))
    kept: list[tuple[int, tuple[int, ...], int]] = []
    for column in columns:
        if sum(count for *_, count in [*kept, column]) <= 11:
            kept.append(column)
    return instance_of(draw(st.integers(1, 5)), domains, kept)


@given(instances())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_search_finds_what_trying_all_finds_and_proves_it(instance: Instance) -> None:
    best = Best()
    tree = Search(instance, best).run()
    assert proven(tree)
    assert best.cost == best_by_trying(instance)
    bounds = [(leaf.dual.scale, bound(narrowed, leaf.dual), leaf.bound) for narrowed, leaf in leaves(instance, tree)]
    assert all(found == recorded for _, found, recorded in bounds)
    if best.cost is None:
        assert impossible(tree)
        assert all(scale == 0 and found >= 1 for scale, found, _ in bounds)
    else:
        assert all(found >= (best.cost if scale else 1) for scale, found, _ in bounds)
        assert least(tree) == best.cost


@given(instances(), st.integers(0, 3), st.integers(-5, 50), st.lists(st.integers(-20, 20), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_numbers_prove_a_valid_bound(instance: Instance, scale: int, node: int, prices: list[int]) -> None:
    keys = [domain.key for domain in instance.domains[1:]]
    proves = bound(instance, Dual(scale, node, dict(zip(keys, prices, strict=False))))
    best = best_by_trying(instance)
    if best is not None:
        assert proves <= (best if scale else 0)


def test_a_bound_by_hand() -> None:
    """Two of three servers that cost 1, 2, 5, the first two in a rack that takes one: 1 + 5, with λ = 5 and y = 3."""
    rack = Domain("rack", 0, 1)
    instance = instance_of(2, [rack], [(1, (1,), 1), (2, (1,), 1), (5, (), 1)])
    # 2 * 5 - max(0, 3) - (max(0, 5 - 3 - 1) + max(0, 5 - 3 - 2) + max(0, 5 - 5)) = 10 - 3 - 1
    assert bound(instance, Dual(1, 5, {"rack": 3})) == 6
    assert bound(instance, Dual(2, 9, {"rack": 6})) == 6  # halves are rounded up: 18 - 6 - 1 = 11
    assert best_by_trying(instance) == 6


def test_a_relaxation_is_integral_where_domains_nest() -> None:
    nested = [Domain("feed", 0, 4, 10), Domain("r1", 0, 2, 10), Domain("r2", 0, 2, 10)]
    instance = instance_of(4, nested, [(1, (1, 2), 3), (2, (1, 3), 3), (9, (), 3)])
    relaxed = relax(instance)
    assert relaxed.feasible
    assert relaxed.bound == best_by_trying(instance)


def test_servers_that_pay_are_found_among_many() -> None:
    """The only good ones are the dearest, in domains of their own, behind hundreds that share one place."""
    racks = [Domain(f"rack {at}", 0, 1) for at in range(400)]
    columns = [(at, tuple([1, at + 2] if at < 390 else [at + 2]), 1) for at in range(400)]
    instance = instance_of(5, [Domain("zone", 0, 1), *racks], columns)
    best = Best()
    tree = Search(instance, best).run()
    assert proven(tree)
    assert best.cost == 0 + 390 + 391 + 392 + 393
    assert least(tree) == best.cost


@pytest.mark.parametrize(
    ("domains", "columns"),
    [
        ([Domain("d0", 0, 2, 10**15)], [(0, (), 1), (0, (1,), 1), (0, (1,), 1)]),
        ([Domain("d0", 0, 3, 10**15), Domain("d1", 1, 2, 1)], [(10**12, (1,), 2), (7, (1, 2), 2), (1, (2,), 2)]),
        ([Domain("d0", 0, 3)], [(10**18 + 3, (), 1), (10**18 + 1, (1,), 3), (10**18 + 2, (), 2)]),
        ([], [(10**30 + at, (), 1) for at in range(5)]),
    ],
)
def test_what_counts_most_leaves_the_rest_to_be_told(domains: list[Domain], columns: Any) -> None:
    """Penalties and costs that are wider than floating point: the difference of one still decides."""
    instance, best = instance_of(3, domains, columns), Best()
    tree = Search(instance, best).run()
    assert proven(tree)
    assert best.cost == least(tree) == best_by_trying(instance)


def test_where_domains_cross_the_tree_has_branches() -> None:
    pairs = [Domain(key, 0, 1) for key in ("ab", "bc", "ac")]
    instance = instance_of(2, pairs, [(1, (1, 3), 1), (1, (1, 2), 1), (1, (2, 3), 1), (100, (), 2)])
    best = Best()
    tree = Search(instance, best).run()
    assert isinstance(tree, Split)
    assert best.cost == best_by_trying(instance) == 101


def test_an_intersection_of_domains_is_split_where_the_domains_are_whole() -> None:
    """Every pair of a seven-point plane: lines of three points, at most one in each, three wanted in a half."""
    lines = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]
    domains = [Domain(f"line{at}", 0, 1) for at in range(len(lines))]
    columns = [(1, tuple(at for at, line in enumerate(lines, 1) if point in line), 1) for point in range(7)]
    instance = instance_of(2, domains, [*columns, (50, (), 3)])
    best = Best()
    tree = Search(instance, best).run()
    assert proven(tree)
    assert best.cost == best_by_trying(instance)
