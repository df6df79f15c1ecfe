"""Every cell that a topology lists, judged as it stands, and how far it is from its best.

A cell is judged as if it were to be placed now: without itself, so that it neither overlaps with itself nor fills the
servers that it stands on. A drained server keeps what it has, so the cell may stay on its own. What concerns the
clients of a volume is judged where the topology says who they are; otherwise it is said that it was not.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from attrs import evolve, frozen

from physalia.placement.availability.estimator import Availability, Estimator, NotExact
from physalia.placement.effort import Effort, OutOfTime, no_collection
from physalia.placement.errors import BadQuery
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.judge import Broken, Judge
from physalia.placement.rules.policy import AntiAffinity, HopLimit, Minimum, Policy, Rule, Survives
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Cell, Topology
from physalia.placement.solver.answer import solve
from physalia.placement.solver.problem import problem
from physalia.placement.survival.by_cuts import Loss, losses


@frozen(kw_only=True)
class Finding:
    """What was found of one cell.

    ``unjudged`` are the rules that speak of clients which the topology does not name. Without an instance there is no
    cost and nothing is said of failures, availability or the best. ``availability`` is None too where there is no exact
    answer, and ``unknown`` says why. ``best`` is the cost of the best place that there is for the cell now, and None if
    nobody asked, or if there is no place that keeps every rule (``best_servers`` is empty then).
    """

    cell: Cell
    broken: tuple[Broken, ...]
    unjudged: tuple[str, ...] = ()
    failures: tuple[Loss, ...] | None = None
    availability: Availability | None = None
    unknown: str = ""
    cost: Cost | None = None
    best: Cost | None = None
    best_servers: tuple[str, ...] = ()
    best_availability: Availability | None = None

    @property
    def could_be_better(self) -> bool:
        """Whether there is a place that keeps every rule and costs less, or any where the cell breaks one."""
        return self.best is not None and (bool(self.broken) or self.cost is None or self.best < self.cost)


@frozen(kw_only=True)
class Audit:
    """The findings, in the order of the topology; ``complete`` is false if time ran out before the last cell."""

    findings: tuple[Finding, ...]
    cells: int
    complete: bool

    @property
    def keeps_the_rules(self) -> bool:
        """Whether no cell that was judged breaks a rule."""
        return not any(one.broken for one in self.findings)

    @property
    def verdict(self) -> Literal["broken", "kept", "inconclusive"]:
        """Whether every cell keeps the rules; inconclusive where not all were judged, or there was none to judge."""
        if not self.keeps_the_rules:
            return "broken"
        return "kept" if self.complete and self.findings else "inconclusive"


def audit(
    topology: Topology,
    policy: Policy,
    names: Iterable[str] | None = None,
    *,
    best: bool = True,
    effort: Effort | None = None,
) -> Audit:
    """Judge every cell of a topology, or those that are named; without ``best`` not how far they are from their best.

    BadQuery for a cell that the topology does not list, BadPolicy as for a query. When time runs out, the cells that
    were judged whole are told.
    """
    chosen = list(topology.cells if names is None else dict.fromkeys(names))  # each once
    unknown = next((name for name in chosen if name not in topology.cells), None)
    if unknown is not None:
        raise BadQuery(f"{topology.where}: there is no cell {unknown}.")
    found: list[Finding] = []
    with no_collection():
        try:
            for one in _findings(topology, policy, chosen, best, effort or Effort()):
                found.append(one)  # noqa: PERF402  # what was found before time ran out stays
        except OutOfTime:
            return Audit(findings=tuple(found), cells=len(chosen), complete=False)
    return Audit(findings=tuple(found), cells=len(chosen), complete=True)


def _findings(topology: Topology, policy: Policy, names: list[str], best: bool, effort: Effort) -> Iterator[Finding]:
    """One finding after the other; OutOfTime."""
    estimator = Estimator(topology)
    for name in names:
        effort.spend("cells")
        cell = topology.cells[name]
        yield _Judged(topology, topology.without_cell(name), policy, cell, estimator, effort).finding(best=best)


@frozen
class _Judged:
    """One cell, with the topology as it is and without the cell."""

    topology: Topology
    without: Topology
    policy: Policy
    cell: Cell
    estimator: Estimator
    effort: Effort

    def finding(self, *, best: bool) -> Finding:
        """Everything that can be said of the cell."""
        cell, servers = self.cell, self.cell.servers
        clients = {client for client in ("instance", "primary", "replica") if getattr(cell, client) is not None}
        unjudged = tuple(rule.id for rule in self.policy.rules if not _speaks_of(rule) <= clients)
        if cell.instance is None:
            about_cells = tuple(rule for rule in self.policy.rules if not _speaks_of(rule))
            judge = Judge(
                self.without, evolve(self.policy, rules=about_cells), Query(servers[0] if servers else ""), {}
            )
            return Finding(cell=cell, broken=tuple(judge.broken(servers)), unjudged=unjudged)
        query = Query(cell.instance, cell.primary, cell.replica)
        judge = Judge.of(self.without, self.policy, query)
        available, unknown = self._availability(cell.instance, servers)
        found = Finding(
            cell=cell,
            broken=tuple(judge.broken(servers)),
            unjudged=unjudged,
            failures=tuple(losses(self.topology, cell.instance, servers)) if servers else (),
            availability=available,
            unknown=unknown,
            cost=judge.cost(servers) if servers else None,
        )
        return self._with_best(found, query) if best else found

    def _with_best(self, found: Finding, query: Query) -> Finding:
        answer = solve(problem(self.without, self.policy, query), self.effort)
        if answer.verdict == "inconclusive":
            if self.effort.is_over:
                self.effort.stop()
            return found
        if not answer.servers:
            return found
        available, _ = self._availability(query.instance, answer.servers)
        return evolve(found, best=answer.cost, best_servers=answer.servers, best_availability=available)

    def _availability(self, instance: str, servers: tuple[str, ...]) -> tuple[Availability | None, str]:
        if not servers:
            return None, "the cell has no nodes."
        try:
            return self.estimator.of(instance, servers, effort=self.effort), ""
        except NotExact as reason:
            return None, str(reason)


def _speaks_of(rule: Rule) -> set[str]:
    """The clients without which a rule says nothing."""
    if isinstance(rule, HopLimit):
        return {rule.client}
    if isinstance(rule, Minimum):
        return {rule.of} if rule.of is not None else set()
    if isinstance(rule, Survives):
        return {"instance", rule.seen_from}
    return {"instance"} if isinstance(rule, AntiAffinity) else set()
