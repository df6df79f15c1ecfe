"""z3 states the rules and refutes what would make an answer wrong: a cheaper placement, or any where there is none.

Each leaf of a branch tree is one query over linear reals: the servers of a colour within a limit on the worst hop, as
many taken of each as there are, n together, every range kept, and the cost at most the optimum less one. Whoever
refutes it for reals has refuted it for whole servers.

Two things keep the queries small, and both only make them easier to satisfy, so that a refutation stands for the whole.
Only the domains are stated that the leaf's dual prices. And of servers that those domains do not tell apart the
cheapest are enough, as many as the narrowest of the domains can take: a choice with a dearer one could take one of
these instead.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import z3
from attrs import frozen

from physalia.placement.solver.instance import Instance, integers
from physalia.placement.solver.search import Leaf

_MILLISECONDS = 1000
_SIMPLEX = 2
"""The older of z3's two: on these small dense programs it takes half the time, and varies less."""


@frozen
class Refutation:
    """What z3 said to one query: true if it refuted it, false if it found a way, None if it did not come to an end."""

    refuted: bool | None
    reason: str = ""


def refute(instance: Instance, leaf: Leaf, optimum: int | None, timeout_s: float | None = None) -> Refutation:
    """Ask z3 to refute a choice that costs less than the optimum; any choice at all if the leaf says there is none."""
    solver = z3.SolverFor("QF_LRA")
    solver.set("ctrl_c", False)  # z3 would take an interrupt for its own, and only give up
    solver.set("arith.solver", _SIMPLEX)
    if timeout_s is not None:
        solver.set("timeout", max(1, int(timeout_s * _MILLISECONDS)))
    solver.add(*_statements(instance, leaf, None if leaf.dual.scale == 0 else optimum))
    verdict = solver.check()
    if verdict == z3.unknown:
        return Refutation(None, solver.reason_unknown())
    return Refutation(verdict == z3.unsat, "" if verdict == z3.unsat else "there is a (fractional) choice")


def _statements(instance: Instance, leaf: Leaf, optimum: int | None) -> Iterator[Any]:
    numbers = [instance.number[key] for key in sorted(leaf.dual.prices)]
    takes, costs = [], []
    inside: dict[int, list[Any]] = {at: [] for at in numbers}
    for variable, (price, most, domains) in enumerate(_alike(instance, numbers)):
        take = z3.Real(f"take {variable}")
        yield take >= 0
        yield take <= most
        takes.append(take)
        costs.append(price * take)
        for at in domains:
            inside[at].append(take)
    yield z3.Sum(takes) == instance.nodes
    for at in numbers:
        domain, nodes = instance.domains[at], z3.Sum(inside[at])
        high = min(domain.high, instance.nodes)
        yield nodes >= domain.low
        yield nodes <= high
        if domain.weight and optimum is not None:
            penalty = z3.Real(f"penalty {domain.key}")
            # The penalty is convex: it lies above the line through any two neighbouring points.
            for one in range(max(high, 1)):
                yield penalty >= instance.penalty(at, one) + instance.pair_cost * domain.weight * one * (nodes - one)
            costs.append(penalty)
    if optimum is not None:
        yield z3.Sum(costs) <= optimum - 1


def _alike(instance: Instance, numbers: list[int]) -> Iterator[tuple[int, int, list[int]]]:
    """Cost, count and stated domains of the cheapest servers of each kind, of as many as could all be taken."""
    powers = [0] * len(instance.domains)
    for bit, at in enumerate(numbers):
        powers[at] = 1 << bit
    kinds, kind_of = np.unique(instance.sums(integers(powers)), return_inverse=True)
    order = np.lexsort((np.unique(instance.cost, return_inverse=True)[1], kind_of))
    ends = np.searchsorted(kind_of[order], np.arange(len(kinds)), side="right").tolist()
    for kind, start, end in zip(kinds.tolist(), [0, *ends], ends, strict=False):
        domains = [at for bit, at in enumerate(numbers) if int(kind) >> bit & 1]
        left = min([instance.nodes, *(instance.domains[at].high for at in domains)])
        for column in order[start:end].tolist():
            if left <= 0:
                break
            yield int(instance.cost[column]), int(instance.count[column]), domains
            left -= int(instance.count[column])
