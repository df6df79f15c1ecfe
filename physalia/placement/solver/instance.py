"""The abstract problem: choose n of some servers, each with a cost, so that every domain gets as many as it may.

This is what is left of a topology, a policy and a query for one colour and one limit on the worst hop. Servers that no
domain and no cost tells apart are one column with a count. All numbers are exact integers.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from physalia.placement.site.topology import ALSO

Numbers = NDArray[Any]
"""Exact integers: 64 bits wide where that is enough, Python's own beyond."""

_SAFE: Final = 2**60


@frozen
class Domain:
    """A set of servers of which ``low`` to ``high`` are chosen; each chosen pair in it counts ``weight`` times."""

    key: str
    low: int
    high: int
    weight: int = 0


Inside = tuple[int, ...]
"""The numbers of the domains that servers are in; the first is 0, the domain of all."""


@frozen(eq=False)
class Instance:
    """Columns, which are servers alike in all that counts, and domains, of which number 0 holds every server.

    Column c stands for the servers ``servers[c]`` (the first are taken first), each of which costs ``costs[c]`` and is
    in the domains ``inside[c]``. As arrays: ``ids[starts[c]:starts[c + 1]]`` are those domains, as in a sparse matrix.
    ``number`` is the place of each domain by its key, ``pair_cost`` what a pair costs in a domain of weight 1.
    """

    nodes: int
    domains: Sequence[Domain]
    number: Mapping[str, int]
    costs: Sequence[int]
    inside: Sequence[Inside]
    servers: Sequence[Sequence[str]]
    pair_cost: int = 1
    like: "Instance | None" = field(default=None, repr=False)
    """One with the same columns, whose arrays are taken instead of made again."""
    cost: Numbers = field(init=False)
    count: NDArray[np.int64] = field(init=False)
    starts: NDArray[np.int64] = field(init=False)
    ids: NDArray[np.int64] = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.like is not None:
            for name in ("cost", "count", "starts", "ids"):
                object.__setattr__(self, name, getattr(self.like, name))
            object.__setattr__(self, "like", None)  # else each would hold all before it
            return
        columns = len(self.costs)
        ends = np.zeros(columns + 1, np.int64)
        np.cumsum(np.fromiter(map(len, self.inside), np.int64, columns), out=ends[1:])
        made: dict[str, Any] = {
            "cost": integers(self.costs),
            "count": np.fromiter(map(len, self.servers), np.int64, columns),
            "starts": ends[:-1],
            "ids": np.fromiter(chain.from_iterable(self.inside), np.int64, int(ends[-1])),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def sums(self, prices: Numbers) -> Numbers:
        """For each column, the sum of the prices of its domains."""
        found: Numbers = np.add.reduceat(prices[self.ids], self.starts) if self.costs else prices[:0]
        return found

    def penalty(self, at: int, nodes: int) -> int:
        """What ``nodes`` chosen servers in a domain cost together, beside their own costs."""
        return self.pair_cost * self.domains[at].weight * (nodes * (nodes - 1) // 2)

    def within(self, ranges: Mapping[str, tuple[int, int]]) -> "Instance":
        """The same with narrower ranges; a key that joins several domains makes their intersection a domain."""
        domains = [Domain(one.key, *ranges.get(one.key, (one.low, one.high)), one.weight) for one in self.domains]
        joined = [key for key in ranges if key not in self.number]
        sets = [frozenset(self.number[part] for part in key.split(ALSO)) for key in joined]
        first = len(domains)
        domains += [Domain(key, *ranges[key]) for key in joined]
        number = {**self.number, **{key: at for at, key in enumerate(joined, first)}}
        inside = self.inside
        if joined:
            inside = [
                (*one, *(at for at, parts in enumerate(sets, first) if parts.issubset(one))) for one in self.inside
            ]
        like = None if joined else self
        return Instance(self.nodes, domains, number, self.costs, inside, self.servers, self.pair_cost, like)


def integers(values: Sequence[int]) -> Numbers:
    """Exact integers as an array: 64 bits wide only if sums of many of them still fit."""
    wide = max(max(values, default=0), -min(values, default=0)) > _SAFE >> 24
    return np.array(values, dtype=object if wide else np.int64)
