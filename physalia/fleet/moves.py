"""From one placement of a cell to another, one node at a time: as few steps as there can be, each keeping every rule.

A step replaces one server by another. So there are at least as many steps as servers that the new placement has and the
old one lacks, and where a way of so many steps is found nothing more is to be proven. If there is none, which is known
once every order and every pairing was tried, ways over one more server are searched, the fewest steps first.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from attrs import frozen

from physalia.placement.effort import Effort
from physalia.placement.rules.judge import Judge

State = frozenset[int]

MOST_DETOURS = 200
"""Over so many servers that are in neither placement a way is searched."""


@frozen
class Step:
    """One node is replaced: learned at ``to`` first, then given up at ``away``."""

    away: int
    to: int


@frozen(kw_only=True)
class Plan:
    """A way from one placement to another; none if ``steps`` is None.

    ``least`` says that no way has fewer steps. ``because`` says why: ``counted``, each step brings one of the servers
    that are missing; ``exhausted``, there is no way of so many steps, all of which were tried, and this has one more.
    """

    steps: tuple[Step, ...] | None
    differ: int
    least: bool
    because: Literal["counted", "exhausted", "unknown"]


def plan(
    old: Iterable[int], new: Iterable[int], legal: Callable[[State], bool], others: Iterable[int], effort: Effort
) -> Plan:
    """The fewest single replacements from ``old`` to ``new`` such that every placement after a step is ``legal``.

    ``others`` are servers over which a detour may lead. OutOfTime.
    """
    start, goal = frozenset(old), frozenset(new)
    differ = len(goal - start)
    known: dict[State, bool] = {}

    def allowed(state: State) -> bool:
        if state not in known:
            known[state] = legal(state)
        return known[state]

    if not allowed(goal):
        return Plan(steps=None, differ=differ, least=False, because="unknown")
    found = _way(start, goal, allowed, goal, start - goal, differ, effort)
    if found is not None:
        return Plan(steps=found, differ=differ, least=True, because="counted")
    for more in (1, 2):
        for other in _first(others, start | goal):
            found = _way(start, goal, allowed, goal | start | {other}, start | goal | {other}, differ + more, effort)
            if found is not None:
                return Plan(
                    steps=found, differ=differ, least=more == 1, because="exhausted" if more == 1 else "unknown"
                )
    return Plan(steps=None, differ=differ, least=False, because="unknown")


def _way(
    start: State,
    goal: State,
    allowed: Callable[[State], bool],
    enter: State,
    leave: State,
    most: int,
    effort: Effort,
) -> tuple[Step, ...] | None:
    """The shortest way of at most so many steps on which only some servers are entered and some left; None if none."""
    came: dict[State, tuple[State, Step] | None] = {start: None}
    waiting = deque([(start, 0)])
    while waiting:
        state, steps = waiting.popleft()
        if state == goal:
            return tuple(_back(came, state))
        if steps + len(goal - state) > most:
            continue
        effort.spend("placements")
        for away in sorted(state & leave):
            for to in sorted(enter - state):
                after = state - {away} | {to}
                if after not in came and steps + 1 + len(goal - after) <= most and allowed(after):
                    came[after] = (state, Step(away, to))
                    waiting.append((after, steps + 1))
    return None


def _back(came: dict[State, tuple[State, Step] | None], state: State) -> Iterator[Step]:
    steps = []
    while (before := came[state]) is not None:
        state, step = before
        steps.append(step)
    return reversed(steps)


def _first(others: Iterable[int], besides: State) -> Iterator[int]:
    left = MOST_DETOURS
    for one in others:
        if one not in besides:
            yield one
            left -= 1
        if not left:
            return


def replay(judge: Judge, old: Sequence[str], new: Sequence[str], steps: Sequence[tuple[str, str]]) -> str:
    """Why a way is none, by the rules as they are defined; empty if it leads from one placement to the other.

    ``judge`` must be of the site without the cell. It shares nothing with the search. That no way is shorter follows
    where there are as many steps as servers that are missing.
    """
    now = list(old)
    for at, (away, to) in enumerate(steps, start=1):
        if away not in now or to in now:
            return f"step {at} replaces {away} by {to}, and the cell is on {', '.join(now)}."
        now[now.index(away)] = to
        wrong = [one for one in judge.broken(now) if not (one.rule == "drained" and set(old) & set(now))]
        if wrong:
            return f"after step {at} rule {wrong[0].rule} is broken: {wrong[0].sentence}"
    return "" if set(now) == set(new) else f"the way ends on {', '.join(now)}."
