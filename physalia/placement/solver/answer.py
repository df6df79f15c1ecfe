"""Where should this cell live: the best placement with its proof, or the proof that there is none.

Limits on the worst hop are tried from the least on, all colours at each, so that every lower worst hop is refuted
before a higher one is allowed. What the linear programs propose is judged twice: a placement by the rules as they are
defined, and the numbers of its proof by the formula in exact integers; with ``prove`` also by z3.
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal

from attrs import evolve, field, frozen

from physalia.placement.effort import Effort, no_collection
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.judge import Judge, cost
from physalia.placement.rules.policy import Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Topology
from physalia.placement.solver.bound import Dual
from physalia.placement.solver.greedy import pick
from physalia.placement.solver.problem import Problem, problem
from physalia.placement.solver.search import Best, Leaf, Search, Tree, impossible, least, leaves, proven

Verdict = Literal["placed", "impossible", "inconclusive"]
Told = Callable[[str], None]


GRACE_S = 0.5
"""When time ran out and nothing was found, so many seconds more are given to a placement without any proof."""


def _untold(_what: str) -> None:
    """Nobody is told."""


class Contradiction(Exception):
    """Two parts of this program that should agree do not: a defect, and no answer."""


@frozen
class Refuted:
    """What z3 refuted: how many queries, and in how many seconds."""

    queries: int
    seconds: float


@frozen(kw_only=True)
class Answer:
    """An answer to a query.

    ``placed``: no placement costs less than the one on ``servers``. ``impossible``: there is none. ``inconclusive``:
    time ran out; ``servers`` hold the best placement that was found, if any, and ``bound`` what none can beat.
    ``trees`` prove it for each colour within the limit of the worst hop, ``nearer`` that no lower limit will do.
    ``refuted`` says what z3 proved again; None if it was not asked.
    """

    verdict: Verdict
    problem: Problem
    color: str | None = None
    servers: tuple[str, ...] = ()
    cost: Cost | None = None
    bound: Cost | None = None
    trees: Mapping[str, Tree] = field(factory=dict)
    nearer: Mapping[str, Tree] = field(factory=dict)
    refuted: Refuted | None = None
    seconds: float = 0.0

    @property
    def limit(self) -> int:
        """The limit on the worst hop within which the trees hold: that of the placement, or that of all candidates."""
        if self.cost is not None:
            return self.cost.worst_hop
        return max(self.problem.worst_hops, default=0)


def query(
    topology: Topology,
    policy: Policy,
    asked: Query,
    *,
    time_limit_s: float | None = None,
    told: Told = _untold,
    effort: Effort | None = None,
) -> Answer:
    """The best placement with its proof, or the proof that there is none; BadQuery and BadPolicy for bad input.

    The same input gives the same answer. With a time limit it may be inconclusive. ``told`` hears of every step. Who
    has other work to do for the same question gives an ``effort`` instead of both.
    """
    start = time.monotonic()
    effort = effort or Effort.within(time_limit_s, told)
    with no_collection():
        answer = solve(problem(topology, policy, asked), effort)
    return evolve(answer, seconds=time.monotonic() - start)


def solve(stated: Problem, effort: Effort) -> Answer:
    """The best placement of a question that was taken apart, with its proof; or the proof that there is none."""
    answer = _search(stated, effort)
    _judge(answer)
    return answer


def prove(
    topology: Topology,
    policy: Policy,
    asked: Query,
    *,
    time_limit_s: float | None = None,
    told: Told = _untold,
    effort: Effort | None = None,
) -> Answer:
    """The same, and z3 refutes whatever would make it wrong; inconclusive if z3 does not come to an end in time."""
    start = time.monotonic()
    effort = effort or Effort.within(time_limit_s, told)
    with no_collection():
        answer = query(topology, policy, asked, effort=effort)
        if answer.verdict != "inconclusive":
            answer = _refute(answer, effort)
    return evolve(answer, seconds=time.monotonic() - start)


def _search(stated: Problem, effort: Effort) -> Answer:
    nearer: dict[str, Tree] = {color: Leaf(Dual(0, 1, {}), stated.policy.cell_size) for color in stated.colors}
    for limit in stated.worst_hops:
        best, trees = Best(), {}
        for color in stated.colors:
            trees[color] = Search(stated.instance(color, limit), best, color, effort).run()
        if not all(map(proven, trees.values())):
            return _inconclusive(stated, limit, best, trees, effort.grace(GRACE_S))
        if best.cost is not None:
            found = stated.weights(limit).cost(limit, best.cost)
            return Answer(
                verdict="placed",
                problem=stated,
                color=best.source,
                servers=tuple(sorted(best.servers)),
                cost=found,
                bound=found,
                trees=trees,
                nearer=nearer,
            )
        nearer = trees
    return Answer(verdict="impossible", problem=stated, trees=nearer)


def _inconclusive(stated: Problem, limit: int, best: Best, trees: Mapping[str, Tree], grace: Effort) -> Answer:
    """The best that was found, anywhere, and what was proven: at least this limit, and within it the trees' bounds."""
    bounds = [least(tree) for tree in trees.values() if not impossible(tree)]
    total = min((bound or 0 for bound in bounds), default=0)
    bound = stated.weights(limit).cost(limit, max(0, total))
    unproven = Answer(verdict="inconclusive", problem=stated, bound=bound)
    color, servers = (best.source, best.servers) if best.cost is not None else next(pick(stated, grace), ("", ()))
    if not servers:
        return unproven
    found = cost(stated.topology, stated.policy, stated.query, servers)
    return evolve(unproven, color=color, servers=tuple(sorted(servers)), cost=found)


def _judge(answer: Answer) -> None:
    """Judge a placement by the rules as they are defined, whoever proposed it."""
    if not answer.servers:
        return
    stated = answer.problem
    judge = Judge.of(stated.topology, stated.policy, stated.query)
    wrong = judge.broken(answer.servers)
    if wrong:
        raise Contradiction(f"the placement that was found breaks rule {wrong[0].rule}: {wrong[0].sentence}")
    real = judge.cost(answer.servers)
    if real != answer.cost:
        raise Contradiction(f"the placement that was found costs {real}, not {answer.cost}.")


def _refute(answer: Answer, effort: Effort) -> Answer:
    from physalia.placement.solver.proof import refute  # noqa: PLC0415  # z3 takes long to import

    start, queries, stated = time.monotonic(), 0, answer.problem
    optimum = None if answer.cost is None else stated.weights(answer.limit).total(answer.cost)
    for limit, trees, best in ((answer.limit, answer.trees, optimum), (answer.limit - 1, answer.nearer, None)):
        for color, tree in trees.items():
            for instance, leaf in leaves(stated.instance(color, limit), tree):
                found = None if effort.is_over else refute(instance, leaf, best, effort.left_s)
                if found is None or found.refuted is None:
                    return evolve(answer, verdict="inconclusive")
                if not found.refuted:
                    raise Contradiction(f"z3 does not refute what the proof for {color} within {limit} hops refutes.")
                queries += 1
                effort.told("refutations by z3")
    return evolve(answer, refuted=Refuted(queries, time.monotonic() - start))
