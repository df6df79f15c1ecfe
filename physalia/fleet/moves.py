"""From one placement of a cell to another, one node at a time: as few steps as there can be, each keeping every rule.

A step replaces one server by another. So there are at least as many steps as servers that the new placement has and the
old one lacks, and where a way of so many steps is found nothing more is to be proven. If there is none, which is known
once every order and every pairing was tried, ways over other servers are searched, the fewest steps first, until one is
found, or there are none left, or so many placements were judged.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from attrs import frozen

from physalia.placement.effort import Effort
from physalia.placement.rules.judge import Judge

State = frozenset[int]

MOST_DETOURS = 200
"""Over so many servers that are in neither placement a way is searched."""

MOST_JUDGED = 50_000
"""So many placements are judged before it is said that no way was found."""


@frozen
class Step:
    """One node is replaced: learned at ``to`` first, then given up at ``away``."""

    away: int
    to: int


@frozen(kw_only=True)
class Plan:
    """A way from one placement to another; none if ``steps`` is None.

    ``least`` says that no way has fewer steps. ``because`` says why: ``counted``, each step brings one of the servers
    that are missing; ``exhausted``, all ways with fewer steps were tried. Where there are no steps, ``exhausted`` says
    that there is no way, and ``unknown`` that none was found.
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
    found = _way(start, goal, allowed, effort)
    if found is not None:
        return Plan(steps=found, differ=differ, least=True, because="counted")
    return _roundabout(start, goal, allowed, others, effort)


def straight(
    old: Iterable[int], new: Iterable[int], legal: Callable[[State], bool], effort: Effort
) -> tuple[Step, ...] | None:  # fmt: skip
    """A way with as many steps as servers are missing; None if there is none. OutOfTime."""
    goal = frozenset(new)
    return _way(frozenset(old), goal, legal, effort) if legal(goal) else None


def _way(start: State, goal: State, allowed: Callable[[State], bool], effort: Effort) -> tuple[Step, ...] | None:
    """The way on which every step brings one of the servers that are missing; None if there is none."""
    came: dict[State, tuple[State, Step] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if state == goal:
            return tuple(_back(came, state))
        effort.spend("placements")
        for away in sorted(state - goal):
            for to in sorted(goal - state):
                after = state - {away} | {to}
                if after not in came and allowed(after):
                    came[after] = (state, Step(away, to))
                    waiting.append(after)
    return None


def _roundabout(
    start: State, goal: State, allowed: Callable[[State], bool], others: Iterable[int], effort: Effort
) -> Plan:  # fmt: skip
    """The shortest way that may also leave servers of the goal again, and lead over others.

    A step is wasted that brings none of the goal's servers, and so is one that leaves one: a way has as many steps as
    servers are missing, and one more for each. Whoever waits under a number of steps has a way of no fewer to the goal.
    """
    few = list(islice((one for one in others if one not in start | goal), MOST_DETOURS + 1))
    is_all, enter = len(few) <= MOST_DETOURS, [*sorted(start - goal), *few[:MOST_DETOURS]]
    differ, judged = len(goal - start), 0
    came: dict[State, tuple[State, Step] | None] = {}
    waiting: dict[int, list[tuple[State, int, int, tuple[State, Step] | None]]] = {differ: [(start, 0, 0, None)]}
    while waiting:
        length = min(waiting)
        state, steps, wasted, before = waiting[length].pop()
        if not waiting[length]:
            del waiting[length]
        if not wasted:
            if state in came:
                continue
            judged += 1
            if judged > MOST_JUDGED:
                return Plan(steps=None, differ=differ, least=False, because="unknown")
            effort.spend("placements")
            if before is not None and not allowed(state):
                continue
            came[state] = before
            if state == goal:
                is_least = is_all or length <= differ + 1  # so many steps less are none that lead over others
                because: Literal["exhausted", "unknown"] = "exhausted" if is_least else "unknown"
                return Plan(steps=tuple(_back(came, state)), differ=differ, least=is_least, because=because)
        for away, to in _wasting(state, goal, enter, wasted):
            after = state - {away} | {to}
            if after not in came:
                waiting.setdefault(length, []).append((after, steps + 1, 0, (state, Step(away, to))))
        if wasted < _MOST_WASTED:
            waiting.setdefault(length + 1, []).append((state, steps, wasted + 1, before))
    return Plan(steps=None, differ=differ, least=False, because="exhausted" if is_all else "unknown")


_MOST_WASTED = 2
"""A step that leaves a server of the goal and brings none."""


def _wasting(state: State, goal: State, enter: Sequence[int], wasted: int) -> Iterator[tuple[int, int]]:
    """The steps that bring the goal so much less near than they might: away from where, to where."""
    for stays in (False, True):
        others = wasted - stays
        for away in sorted(state & goal if stays else state - goal):
            if others == 0:
                yield from ((away, to) for to in sorted(goal - state))
            elif others == 1:
                yield from ((away, to) for to in reversed(enter) if to not in state)


def _back(came: dict[State, tuple[State, Step] | None], state: State) -> Iterator[Step]:
    steps = []
    while (before := came[state]) is not None:
        state, step = before
        steps.append(step)
    return reversed(steps)


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
