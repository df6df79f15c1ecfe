"""The one formula behind every certificate: what any numbers prove about the cost of a cell (weak duality).

For a value λ of a node, a price y of each domain and a scale q, every choice of n servers that keeps the ranges costs
at least

    ceil((n λ - Σ_D max over low <= k <= high of (y_D k - q W_D(k)) - Σ_s max(0, λ - Σ y_D over D with s - q c_s)) / q)

with W the penalty of a domain and c the cost of a server. With q = 0 nothing costs anything; then numbers that come to
1 or more prove that there is no such choice. Whatever the numbers, the bound holds: how they were found is no matter.
A domain that is not named is left out of the second sum, which can only make the bound lower.
"""

from collections.abc import Mapping

import numpy as np
from attrs import frozen

from physalia.placement.solver.instance import Instance, Numbers, integers

_SAFE = 2**62


@frozen
class Dual:
    """The numbers of a proof: scale q, value λ of a node, and the prices of domains by their keys."""

    scale: int
    node: int
    prices: Mapping[str, int]


def bound(instance: Instance, dual: Dual) -> int:
    """What the dual proves of an instance: a lower bound of the cost, or for q = 0 how absurd a choice would be."""
    adjusted = adjusted_costs(instance, dual.scale, dual.prices)
    earned = exact_sum(np.maximum(0, dual.node - adjusted) * instance.count) if len(adjusted) else 0
    paid = sum(best_in_range(instance, instance.number[key], price, dual.scale) for key, price in dual.prices.items())
    total = instance.nodes * dual.node - paid - earned
    return -(-total // dual.scale) if dual.scale else total


def adjusted_costs(instance: Instance, scale: int, prices: Mapping[str, int]) -> Numbers:
    """For each column q c + Σ y, exactly."""
    listed = [0] * len(instance.domains)
    for key, price in prices.items():
        listed[instance.number[key]] = price
    exact = integers(listed)
    cost = instance.cost
    most = (abs(scale) + 1) * (max(map(abs, map(int, (cost.min(), cost.max())))) if len(cost) else 0)
    if most > _SAFE >> 24:
        cost, exact = cost.astype(object), exact.astype(object)
    adjusted: Numbers = instance.sums(exact) + scale * cost
    return adjusted


def exact_sum(values: Numbers) -> int:
    """The sum of an array of exact integers."""
    return int(values.sum()) if values.dtype != object else sum(map(int, values))


def best_in_range(instance: Instance, at: int, price: int, scale: int) -> int:
    """The greatest over low <= k <= high of y k - q W(k); if no k is in the range -1, which proves what is plain."""
    domain = instance.domains[at]
    counts = range(domain.low, min(domain.high, instance.nodes) + 1)
    return max((price * nodes - scale * instance.penalty(at, nodes) for nodes in counts), default=-1)
