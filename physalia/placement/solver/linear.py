"""The linear relaxation of an instance, by column generation with HiGHS; exact numbers for a proof come of it.

HiGHS works in floating point and only proposes: its prices are rounded to fractions with small denominators, and what
those prove is computed exactly in `bound`. Instances have up to a hundred thousand columns, of which a few hundred ever
matter: the program starts with some and adds those that its prices make profitable, until there are none.

The penalty of a domain is convex, so its pairs are sold one unit at a time: the k-th node costs k - 1 times the weight.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any

import highspy
import numpy as np
from attrs import define, field, frozen

from physalia.placement.solver.bound import Dual, adjusted_costs, bound
from physalia.placement.solver.instance import Instance, Numbers

_SOLVER: Any = highspy.Highs.__base__
"""HiGHS itself: the class around it prints a banner, which would spoil what goes to standard output."""
_FIRST, _LOOKED_AT, _BATCH = 160, 2000, 120
_TOLERANCE = 1e-7
_WIDEST, _SHARPER = 1e7, 1e5
_DENOMINATORS = (1, 2, 12, 360)


@frozen(eq=False)
class Relaxation:
    """The optimum of a relaxation: an exact dual with its bound, and the (fractional) share of each column taken.

    With ``feasible`` false there is no choice at all, not even a fractional one, and the dual (q = 0) proves it.
    """

    feasible: bool
    dual: Dual
    bound: int
    taken: Mapping[int, float]


class Undecided(Exception):
    """HiGHS came to no result, or its numbers prove less than they should."""


def relax(instance: Instance) -> Relaxation:
    """Solve the relaxation: first whether there is a choice at all, then for the cheapest one."""
    empty = next((d for d in instance.domains[1:] if d.low and d.low > min(d.high, instance.nodes)), None)
    if empty is not None:
        return Relaxation(False, Dual(0, 0, {empty.key: 0}), 1, {})
    if int(instance.count.sum()) < instance.nodes:
        dual = Dual(0, 1, {})
        return Relaxation(False, dual, bound(instance, dual), {})
    program = _Program(instance)
    missing = program.solve(costs=False)
    if missing > _TOLERANCE * instance.nodes:
        dual = program.dual(scale=0)
        proven = bound(instance, dual)
        if proven < 1:
            raise Undecided(f"the numbers of HiGHS do not prove that {missing:g} nodes are missing")
        return Relaxation(False, dual, proven, {})
    if not instance.pair_cost and not instance.cost.any():  # only whether there is a choice was asked
        free = Dual(1, 0, {})
        return Relaxation(True, free, bound(instance, free), program.taken())
    program.solve(costs=True, unit=program.widest())
    while program.unit > 1.0:
        program.sharpen()
    dual = program.dual(scale=1)
    return Relaxation(True, dual, bound(instance, dual), program.taken())


@define(eq=False)
class _Program:
    """A linear program over some of the columns; ``chosen`` grows until no other column would pay."""

    instance: Instance
    chosen: list[int] = field(init=False)
    lows: list[int] = field(init=False)
    rows: list[int] = field(init=False, factory=list)
    values: Any = field(init=False, default=None)
    prices: Numbers = field(init=False)
    node: float = field(init=False, default=0.0)
    unit: float = field(init=False, default=1.0)
    given: dict[int, int] = field(init=False, factory=dict)
    given_node: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.chosen = _first_columns(self.instance)
        self.lows = [at for at, domain in enumerate(self.instance.domains) if domain.low > 0]
        self.prices = np.zeros(len(self.instance.domains))

    def widest(self) -> float:
        """The unit in which no cost and no penalty is wider than floating point should have to tell apart."""
        pairs = (self.instance.penalty(at, one.high) for at, one in enumerate(self.instance.domains))
        return max(1.0, max(self.instance.costs) / _WIDEST, max(pairs) / _WIDEST)

    def solve(self, *, costs: bool, unit: float = 1.0) -> float:
        """Solve with all columns, in effect; the optimum: the cost in units, or without costs the nodes missing."""
        self.unit = unit
        instance = self.instance
        cost = np.zeros(len(instance.costs))
        if costs:
            cost = self._left(adjusted_costs(instance, 1, self._by_key()) - self.given_node)
        while True:
            optimum = self._solve(cost, costs=costs)
            profit = self.node - cost - instance.sums(self.prices)
            profit[self.chosen] = 0.0
            paying = np.flatnonzero(profit > _TOLERANCE * max(1.0, abs(self.node)))
            if not len(paying) or (not costs and optimum <= _TOLERANCE):
                return optimum
            self.chosen += [int(at) for at in paying[np.argsort(-profit[paying], kind="stable")][:_BATCH]]

    def sharpen(self) -> None:
        """Solve again around the prices that were found, exactly, so that what is left is small enough to be told.

        Prices change no optimum: every column pays those of its domains, every unit of a domain gets its own back.
        """
        for at in self.rows:
            self.given[at] = self.given.get(at, 0) + round(self.prices[at])
        self.given_node += round(self.node)
        self.solve(costs=True, unit=max(1.0, self.unit / _SHARPER))

    def _left(self, exact: Numbers) -> Numbers:
        """Costs in floating point; what is far too dear, or far too cheap, by no more than the program can tell."""
        most = self.unit * _WIDEST
        return np.clip(exact, -most, most).astype(float)

    def _by_key(self) -> dict[str, int]:
        return {self.instance.domains[at].key: price for at, price in self.given.items()}

    def _solve(self, cost: Numbers, *, costs: bool) -> float:
        instance = self.instance
        model = _Model(instance.nodes)
        members: dict[int, list[int]] = {}
        for at in self.chosen:
            variable = model.add(cost[at] / self.unit, 0, int(instance.count[at]), [0])
            for number in instance.inside[at][1:]:
                members.setdefault(number, []).append(variable)
        self.rows = [at for at in {**members, **dict.fromkeys(self.lows)} if self._restricts(at, members.get(at, []))]
        for row, at in enumerate(self.rows, start=1):
            domain = instance.domains[at]
            for variable in members.get(at, ()):
                model.rows_of[variable].append(row)
            high = min(domain.high, instance.nodes)
            if domain.weight and costs:
                step, price = instance.pair_cost * domain.weight, self.given.get(at, 0)
                pairs = self._left(np.array([step * nodes - price for nodes in range(high)], dtype=object))
                for nodes in range(high):
                    model.add(pairs[nodes] / self.unit, nodes < domain.low, 1, [-row])
            else:
                model.add(-self.given.get(at, 0) / self.unit if costs else 0.0, domain.low, high, [-row])
            if domain.low and not costs:
                model.add(1, 0, domain.low, [row])
        if not costs:
            model.add(1, 0, instance.nodes, [0])
        optimum, self.values, duals = model.run(1 + len(self.rows))
        self.node = duals[0] * self.unit
        self.prices = np.zeros(len(instance.domains))
        self.prices[self.rows] = -np.asarray(duals[1:]) * self.unit
        return optimum

    def _restricts(self, at: int, variables: list[int]) -> bool:
        domain = self.instance.domains[at]
        return bool(domain.low or domain.weight or (variables and domain.high < self.instance.nodes))

    def dual(self, *, scale: int) -> Dual:
        """The prices as exact integers over a common scale, with the best value of a node for them."""
        instance, best = self.instance, None
        for denominator in _DENOMINATORS:
            prices = {
                at: self._price(at).limit_denominator(denominator) + self.given.get(at, 0)
                for at in self.rows
                if abs(self.prices[at]) > _TOLERANCE
                or self.given.get(at)
                or (instance.domains[at].low and instance.domains[at].weight)
            }
            common = lcm(1, *(price.denominator for price in prices.values()))
            exact = {instance.domains[at].key: int(price * common) for at, price in sorted(prices.items())}
            found = _with_node(instance, scale * common, exact)
            proven = bound(instance, found)
            if best is None or proven > best[0]:
                best = (proven, found)
            if all(abs(prices[at] - self.given.get(at, 0) - self._price(at)) < _close(self.prices) for at in prices):
                break
        assert best is not None
        return best[1]

    def _price(self, at: int) -> Fraction:
        return Fraction(float(self.prices[at]))

    def taken(self) -> dict[int, float]:
        """How many servers of each column the last solution takes, where that is more than none."""
        return {at: v for at, v in zip(self.chosen, self.values[: len(self.chosen)], strict=True) if v > _TOLERANCE}


def _close(prices: Numbers) -> float:
    return 1e-9 * max(1.0, float(np.abs(prices).max(initial=0.0)))


def _with_node(instance: Instance, scale: int, prices: Mapping[str, int]) -> Dual:
    """The dual with these prices whose node has the value that proves most: the n-th least adjusted cost."""
    adjusted = adjusted_costs(instance, scale, prices)
    order = np.argsort(adjusted, kind="stable")
    at = int(np.searchsorted(np.cumsum(instance.count[order]), instance.nodes))
    return Dual(scale, int(adjusted[order[at]]), prices)


def _first_columns(instance: Instance) -> list[int]:
    """Columns to begin with: the cheapest of all, and the cheapest in each of the larger domains."""
    order = np.argsort(instance.cost, kind="stable")
    chosen = dict.fromkeys(order[: _FIRST // 4].tolist())
    order = order[:_LOOKED_AT]
    starts, ends = instance.starts, np.append(instance.starts[1:], len(instance.ids))
    inside = [instance.ids[start + 1 : end] for start, end in zip(starts[order], ends[order], strict=True)]
    column_of = np.repeat(order, [len(ids) for ids in inside])
    domains, first, sizes = np.unique(
        np.concatenate([*inside, instance.ids[:0]]), return_index=True, return_counts=True
    )
    by_size = np.lexsort((domains, -sizes))
    chosen |= dict.fromkeys(column_of[first[by_size]].tolist()[:_FIRST])
    return list(chosen)


@define
class _Model:
    """Columns of a linear program, as HiGHS wants them; row 0 counts the nodes, the others tie domains together."""

    nodes: int
    costs: list[float] = field(factory=list)
    lows: list[float] = field(factory=list)
    highs: list[float] = field(factory=list)
    rows_of: list[list[int]] = field(factory=list)

    def add(self, cost: float, low: float, high: float, rows: list[int]) -> int:
        """Add a variable that stands in the given rows, in those named by their negative with a minus sign."""
        self.costs.append(cost)
        self.lows.append(low)
        self.highs.append(high)
        self.rows_of.append(rows)
        return len(self.costs) - 1

    def run(self, rows: int) -> tuple[float, list[float], list[float]]:
        """The optimum, the values of the variables, and the duals of the rows."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.costs), rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = (np.array(x, float) for x in (self.costs, self.lows, self.highs))
        lp.row_lower_ = lp.row_upper_ = np.array([self.nodes, *[0] * (rows - 1)], float)
        flat = [row for rows in self.rows_of for row in rows]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate(([0], np.cumsum([len(rows) for rows in self.rows_of])))
        lp.a_matrix_.index_ = np.abs(np.array(flat, np.int32))
        lp.a_matrix_.value_ = np.where(np.array(flat) < 0, -1.0, 1.0)
        highs = _SOLVER()
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
            highs.setOptionValue(option, value)
        highs.passModel(lp)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise Undecided(f"HiGHS says {highs.modelStatusToString(highs.getModelStatus())}")
        solution = highs.getSolution()
        optimum = float(highs.getInfo().objective_function_value)
        return optimum, list(solution.col_value), list(solution.row_dual)
