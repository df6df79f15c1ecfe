"""Why a cell cannot be placed: for each colour a minimal set of rules that conflict, and what would have to give.

Minimal means that without any one of the rules there would be a placement of that colour. The sentences come from the
proof that there is none with these rules alone: they count what the domains can take. A rule in none of these sets is
no help by itself, so only those in some are loosened, each by as little as will do. Where no single change helps, every
minimal set is told, and the pair of changes that costs least.
"""

import time
from collections.abc import Iterator
from typing import Literal

from attrs import field, frozen

from physalia.placement.effort import Effort, OutOfTime, no_collection
from physalia.placement.explanations.ground import Ground
from physalia.placement.explanations.levers import Levers
from physalia.placement.explanations.loosen import Relaxation, pair, singles
from physalia.placement.explanations.sentences import describe
from physalia.placement.explanations.subsets import Subsets
from physalia.placement.rules.policy import Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Topology

MOST_CONFLICTS = 32
"""So many minimal conflicts of one colour are looked for; ``complete`` says whether there may be more."""


@frozen
class Conflict:
    """A minimal set of rules that cannot be kept together by servers of one colour, and how that is seen."""

    color: str
    rules: tuple[str, ...]
    sentences: tuple[str, ...]


@frozen
class Explanation:
    """Why there is no placement: a conflict for each colour, and single changes that would give one, the least first.

    Where no single change helps, ``conflicts`` are all that there are, and ``pair`` is the cheapest pair of changes, if
    any pair helps. ``verdict`` is "placed" where there is nothing to explain, "impossible" with the conflicts, or
    "inconclusive" where neither a placement was found nor a proof that there is none. ``complete`` is false if time ran
    out, or conflicts became too many: what is told is true, and there may be more.
    """

    verdict: Literal["placed", "impossible", "inconclusive"]
    conflicts: tuple[Conflict, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    pair: Relaxation | None = None
    complete: bool = True
    seconds: float = 0.0

    @property
    def placeable(self) -> bool:
        """Whether there is nothing to explain."""
        return self.verdict == "placed"


def explain(topology: Topology, policy: Policy, query: Query, effort: Effort | None = None) -> Explanation:
    """Why a query has no placement; BadQuery and BadPolicy for bad input."""
    start = time.monotonic()
    told = _Findings()
    with no_collection():
        try:
            effort = effort or Effort()
            effort.spend("sets of rules")
            tried = Subsets(topology, policy, query, effort, Ground.of(topology, policy, query))
            verdict = told.find(tried)
        except OutOfTime:
            told.complete.append(False)
            verdict = "impossible" if told.refuted else "inconclusive"
    return Explanation(
        verdict,
        tuple(told.conflicts),
        tuple(told.relaxations),
        told.pair[0] if told.pair else None,
        all(told.complete),
        time.monotonic() - start,
    )


@frozen
class _Findings:
    """What was found so far: it stays when time runs out."""

    refuted: list[bool] = field(factory=list)
    conflicts: list[Conflict] = field(factory=list)
    relaxations: list[Relaxation] = field(factory=list)
    pair: list[Relaxation | None] = field(factory=list)
    complete: list[bool] = field(factory=list)

    def find(self, tried: Subsets) -> Literal["placed", "impossible", "inconclusive"]:
        """One conflict a colour, then what helps; if nothing does, all conflicts and the cheapest pair."""
        if not all(tried.impossible(tried.whole, color) for color in tried.colors):
            return "placed" if any(tried.placed(tried.whole, color) for color in tried.colors) else "inconclusive"
        self.refuted.append(True)
        for color in tried.colors:
            self.conflicts.append(_conflict(tried, tried.shrink(tried.whole, color), color))
        levers = Levers(tried, {rule for one in self.conflicts for rule in one.rules})
        self.relaxations.extend(singles(levers))
        if not self.relaxations:
            for color in tried.colors:
                self._all_conflicts(tried, color)
            levers = Levers(tried, {rule for one in self.conflicts for rule in one.rules})
            self.pair.append(pair(levers))
        return "impossible"

    def _all_conflicts(self, tried: Subsets, color: str) -> None:
        """Every other minimal conflict of a colour: one that lacks a rule of each that is known."""
        known = {frozenset(one.rules) for one in self.conflicts if one.color == color}
        for core in _cores(tried, color, known):
            if len(known) >= MOST_CONFLICTS:
                self.complete.append(False)
                return
            known.add(core)
            self.conflicts.append(_conflict(tried, core, color))


def _cores(tried: Subsets, color: str, known: set[frozenset[str]]) -> Iterator[frozenset[str]]:
    """The minimal conflicts that are not known: any two differ, so each is left when one rule of the other is taken."""
    waiting, seen = [tried.whole], {tried.whole}
    while waiting:
        rules = waiting.pop()
        core = next((one for one in known if one <= rules), None)
        if core is None:
            if not tried.impossible(rules, color):
                continue
            core = tried.shrink(rules, color)
            yield core
        for rule in core:
            left = rules - {rule}
            if left not in seen:
                seen.add(left)
                waiting.append(left)


def _conflict(tried: Subsets, core: frozenset[str], color: str) -> Conflict:
    sentences = describe(tried.problem(core), core, color, tried.tree(core, color))
    return Conflict(color, tuple(sorted(core, key=tried.order)), tuple(sentences))
