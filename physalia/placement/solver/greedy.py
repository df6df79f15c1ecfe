"""A placement without any proof, for when time ran out before there was a better one: the cheapest server that fits."""

from collections.abc import Iterator

from physalia.placement.effort import Effort
from physalia.placement.rules.judge import broken
from physalia.placement.solver.problem import Problem


def pick(stated: Problem, effort: Effort) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Legal placements, with their colours: for each limit and colour, servers in order of cost while they fit.

    None any more once the time allowed is over.
    """
    for limit in stated.worst_hops:
        for color in stated.colors:
            if effort.is_over:
                return
            servers = _pick(stated, color, limit)
            if servers is not None and not broken(stated.topology, stated.policy, stated.query, servers):
                yield color, servers


def _pick(stated: Problem, color: str, limit: int) -> tuple[str, ...] | None:
    instance = stated.instance(color, limit)
    inside = [0] * len(instance.domains)
    highs = [instance.nodes, *(domain.high for domain in instance.domains[1:])]
    wanted = [at for at, domain in enumerate(instance.domains) if domain.low]
    chosen: list[str] = []
    # What a minimum asks for goes first.
    order = sorted(
        range(len(instance.costs)),
        key=lambda at: (set(wanted).isdisjoint(instance.inside[at]), instance.costs[at], instance.servers[at][0]),
    )
    for at in order:
        for name in instance.servers[at]:
            if all(inside[domain] < highs[domain] for domain in instance.inside[at]):
                chosen.append(name)
                for domain in instance.inside[at]:
                    inside[domain] += 1
        if len(chosen) == instance.nodes:
            return tuple(chosen)
    return None
