"""The graph of sorts: why a query is decidable.

A formula that says "for every A there is a B" lets a solver make new things of sort B from things of sort A. If the
graph of all such pairs has no cycle, only finitely many things can ever be made: the formulas are effectively
propositional, and a solver decides them. With a cycle it may still answer; it may also look for ever.

The graph is computed from the formulas that a solver is given, claims negated. Of a "there is" only those variables
count that occur in it.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import z3
from attrs import frozen

from spec.induction.formulas.kernel import Formula
from spec.induction.proving.queries import Query

Edge = tuple[str, str]
"""For every (first) there is a (second): names of sorts."""


@frozen
class SortGraph:
    """Which sorts are made from which, and, of each pair, one formula that does so."""

    edges: Mapping[Edge, str]

    @property
    def successors(self) -> Mapping[str, tuple[str, ...]]:
        """For each sort those that are made from it, in alphabetical order."""
        sources = sorted({source for source, _ in self.edges})
        return {source: tuple(sorted(t for s, t in self.edges if s == source)) for source in sources}

    @property
    def exceptions(self) -> tuple[str, ...]:
        """The edges that lie on a cycle, each as a sentence; none, if everything is decidable."""
        return tuple(
            f"{source} -> {target} lies on a cycle: {why}"
            for (source, target), why in sorted(self.edges.items())
            if source in self._reachable(target)
        )

    def _reachable(self, sort: str) -> set[str]:
        found, waiting = {sort}, [sort]
        while waiting:
            for target in self.successors.get(waiting.pop(), ()):
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return found


def sort_graph(queries: Iterable[Query]) -> SortGraph:
    """The graph of all that a solver is given in these queries."""
    edges: dict[Edge, str] = {}
    seen: set[int] = set()
    for query in list(queries):  # all are kept, so that no number of a formula is used again
        for name, premise in query.premises.items():
            if premise.get_id() not in seen:
                seen.add(premise.get_id())
                for edge in edges_of(premise):
                    edges.setdefault(edge, name)
        for edge in edges_of(z3.Not(query.claim)):
            edges.setdefault(edge, f"the claim of {query.name}")
    return SortGraph(edges)


@cache
def edges_of(formula: Formula) -> frozenset[Edge]:
    """For which sort A and B the formula, asserted, says that for every A there is a B."""
    found: set[Edge] = set()
    _collect(formula, True, (), found)
    return frozenset(found)


def _collect(e: Formula, positive: bool, bound: tuple[str, ...], found: set[Edge]) -> None:
    """`bound` has the sorts of the variables in scope, innermost last; empty for one that there is, not for all."""
    if z3.is_quantifier(e):
        sorts = tuple(e.var_sort(at).name() for at in range(e.num_vars()))
        if e.is_forall() == positive:
            _collect(e.body(), positive, bound + sorts, found)
            return
        universal = {bound[-1 - index] for index in _free(e, 0)} - {""}
        found.update((source, target) for source in universal for target in sorts)
        _collect(e.body(), positive, bound + ("",) * len(sorts), found)
    elif z3.is_not(e):
        _collect(e.arg(0), not positive, bound, found)
    elif z3.is_implies(e):
        _collect(e.arg(0), not positive, bound, found)
        _collect(e.arg(1), positive, bound, found)
    elif z3.is_and(e) or z3.is_or(e):
        for part in e.children():
            _collect(part, positive, bound, found)
    elif z3.is_eq(e) and e.arg(0).sort() == z3.BoolSort():
        for part in e.children():
            _collect(part, True, bound, found)
            _collect(part, False, bound, found)


def _free(e: Formula, inside: int) -> set[int]:
    """The variables of outer quantifiers that occur in `e`, counted from the innermost; `inside` are bound in `e`."""
    if z3.is_var(e):
        index = z3.get_var_index(e) - inside
        return {index} if index >= 0 else set()
    if z3.is_quantifier(e):
        return _free(e.body(), inside + e.num_vars())
    return {index for part in e.children() for index in _free(part, inside)}
