"""What a fleet comes to: how full, how available, how far from what none can beat, and a sample proven one by one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

import numpy as np
from attrs import field, frozen

from physalia.fleet.bounds import Bound, all_near, bound, bound_near
from physalia.fleet.fleet import Fleet, written
from physalia.fleet.judge import Wrong, wrong
from physalia.fleet.rules import Rules
from physalia.fleet.sites import Site
from physalia.fleet.unavailability import Unavailability
from physalia.placement.availability.estimator import NotExact
from physalia.placement.certificates.certificate import NoCertificate, certificate, dumps
from physalia.placement.certificates.check import Refused, check
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.queries import Query
from physalia.placement.site.format import dumps as topology_bytes
from physalia.placement.solver.answer import Answer, solve
from physalia.placement.solver.problem import problem

_ROUNDING = 1e-8


@frozen(kw_only=True)
class Proven:
    """A cell of the sample: its cost, and the least there is for it now; ``certified`` if the checker accepted that."""

    cell: str
    cost: Cost | None
    best: Cost | None
    unavailability: float
    best_unavailability: float | None
    certified: bool


@frozen(kw_only=True)
class Near:
    """The cells with all nodes near: how many, their mean, and what no fleet that keeps them near is below."""

    cells: int
    mean: float
    bound: float

    @property
    def gap(self) -> float | None:
        """How much the mean is above the bound, relatively."""
        return self.mean / self.bound - 1 if self.bound > 0 else None


@frozen(kw_only=True)
class Report:
    """What was found. Means are over the placed cells that were computed; ``unknown`` counts those that were not."""

    cells: int
    placed: int
    fill: float
    broken: tuple[Wrong, ...]
    mean: float | None
    worst: tuple[tuple[str, float], ...]
    computed: int
    patterns: int
    unknown: int
    bound: Bound | None
    near: Near | None = None
    sample: tuple[Proven, ...] = field(factory=tuple)
    complete: bool = True

    @property
    def verdict(self) -> Literal["broken", "kept", "inconclusive"]:
        """Whether every rule is kept; inconclusive where time ran out, or there was nothing to judge."""
        if self.broken:
            return "broken"
        return "kept" if self.complete and self.placed else "inconclusive"

    @property
    def at_their_best(self) -> int:
        """How many cells of the sample are as available as at the best place that there is for them."""
        known = [one for one in self.sample if one.best_unavailability is not None]
        return sum(one.unavailability <= one.best_unavailability * (1 + _ROUNDING) for one in known)  # type: ignore[operator]

    @property
    def gap(self) -> float | None:
        """How much the mean is above what no fleet can beat, relatively."""
        if self.mean is None or self.bound is None or self.bound.mean <= 0:
            return None
        return self.mean / self.bound.mean - 1


def report(
    site: Site, rules: Rules, fleet: Fleet, *, worst: int = 5, sample: int = 0, seed: int = 0, bounded: bool = True,
    effort: Effort | None = None,
) -> Report:  # fmt: skip
    """Everything that is told of a fleet; where time runs out, what is known then, and ``complete`` is false."""
    effort = effort or Effort()
    broken = tuple(wrong(site, rules, fleet))
    unavailability, known, unknown, complete = Unavailability(site), dict[int, float](), 0, True
    lowest: Bound | None = None
    near: Near | None = None
    proven: list[Proven] = []
    try:
        for at in np.flatnonzero(fleet.placed).tolist():
            effort.spend("cells")
            try:
                known[at] = unavailability.of(int(fleet.clients[at, 0]), fleet.cells[at].tolist())
            except NotExact:
                unknown += 1
        if bounded and known:
            effort.spend("bounds")
            lowest = bound(site, rules, fleet, effort)
            near = _near(site, rules, fleet, known, effort)
        chosen = Random(seed).sample(sorted(known), min(sample, len(known)))  # noqa: S311  # repeatable, no secret
        proven = [_proven(site, rules, fleet, at, unavailability, known[at], effort) for at in sorted(chosen)]
    except OutOfTime:
        complete = False
    ranked = sorted(known, key=lambda at: (-known[at], at))[:worst]
    return Report(
        cells=len(fleet),
        placed=int(fleet.placed.sum()),
        fill=fleet.fill(site),
        broken=broken,
        mean=sum(known.values()) / len(known) if known else None,
        worst=tuple((fleet.name(at), known[at]) for at in ranked),
        computed=len(known),
        patterns=unavailability.computed,
        unknown=unknown,
        bound=lowest,
        near=near,
        sample=tuple(proven),
        complete=complete,
    )


def _near(site: Site, rules: Rules, fleet: Fleet, known: Mapping[int, float], effort: Effort) -> Near | None:
    """The near cells beside their own bound; None if there are none, or if one of them has no exact unavailability."""
    cells = all_near(site, fleet)
    rows = np.flatnonzero(cells).tolist()
    if not rows or any(at not in known for at in rows):
        return None
    lowest = bound_near(site, rules, fleet, cells, effort)
    mean = sum(known[at] for at in rows) / len(rows)
    return None if lowest is None else Near(cells=len(rows), mean=mean, bound=lowest.mean)


def broken_by_rule(found: Sequence[Wrong]) -> dict[str, int]:
    """How often each rule is broken."""
    return dict(Counter(one.rule for one in found))


def _proven(
    site: Site, rules: Rules, fleet: Fleet, at: int, unavailability: Unavailability, now: float, effort: Effort
) -> Proven:
    """One cell beside the best place that it could have, all others being where they are."""
    effort.spend("proofs")
    cells = fleet.cells.copy()
    servers = [site.names[one] for one in cells[at].tolist()]
    cells[at] = -1
    without = written(site, fleet.with_cells(cells))
    instance, primary, replica = (None if one < 0 else site.names[one] for one in fleet.volume(at))
    asked = Query(str(instance), primary, replica)
    answer = solve(problem(without, rules.policy, asked), effort)
    best = None
    if answer.servers:
        best = unavailability.of(int(fleet.clients[at, 0]), [site.number[one] for one in answer.servers])
    return Proven(
        cell=fleet.name(at),
        cost=Judge.of(without, rules.policy, asked).cost(servers),
        best=answer.cost,
        unavailability=now,
        best_unavailability=best,
        certified=_certified(answer, topology_bytes(without)),
    )


def _certified(answer: Answer, topology: bytes) -> bool:
    """Whether the independent checker accepts that the answer is the best."""
    if answer.verdict != "placed":
        return False
    try:
        made = certificate(answer)
        check(dumps(made).encode(), topology)
    except (NoCertificate, Refused):
        return False
    return bool(made["claim"] == "optimal")
