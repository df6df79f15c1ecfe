"""What is said of a whole history: part by part, with the smallest window of the first that is found to be wrong."""

from collections.abc import Callable, Iterator
from time import process_time

from attrs import evolve, frozen

from conformance.histories.checker import Budget, Exhausted, check
from conformance.histories.history import History, Operation
from conformance.histories.models import Model, shown
from conformance.histories.window import Window, smallest
from conformance.links import Verdict

Told = Callable[[str, int, int | None], None]
"""Told of a part of the work how far it is, and of how many."""


def silent(_part: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


@frozen(kw_only=True)
class Judged:
    """The verdict on a history, why, and what it took: processor seconds, and situations that were tried."""

    history: History
    verdict: Verdict
    why: str
    parts: int
    seconds: float
    tried: int
    window: Window | None = None


_FIRST_SHARE, _MORE = 1_000, 16
"""So many situations each part may take before any takes more, and how many times as many it may take then."""


def judge(history: History, model: Model, budget: Budget, *, told: Told = silent, shrink_s: float = 20.0) -> Judged:
    """Judge a history. Nothing that was answered is nothing that could be wrong: that is inconclusive.

    One part that is refuted refutes the whole, however hard the others are: so the easy ones come first.
    """
    started = process_time()
    parts = [list(part) for part in model.parts(history.operations)]
    answered = sum(not one.is_open for one in history.operations)
    done = 0

    def told_of_search(ended: int, _tried: int) -> None:
        told("operations", done + ended, answered)

    budget = evolve(budget, told=told_of_search)
    verdict, why, window = Verdict.HOLDS, f"{answered} answers are those of one order of the operations", None
    if not answered:
        verdict, why = Verdict.INCONCLUSIVE, "it has no operation that was answered, so nothing was judged"
    for part, found in _searched(parts, model, budget):
        if isinstance(found, str):
            verdict, why = Verdict.INCONCLUSIVE, f"{found}; give it more, or a shorter history"
        elif found:
            done += sum(not one.is_open for one in part)
        else:
            try:
                window = smallest(part, model, shrink_s, lambda tried: told("smaller windows", tried, None))
            except MemoryError:  # it is wrong, however much of it is shown
                ended = tuple(one for one in part if not one.is_open)
                window = Window(bound=ended, free=(), is_any_start=False, is_smallest=False)
            verdict, why = Verdict.REFUTED, _why(window)
            break
    return Judged(
        history=history, verdict=verdict, why=why, parts=len(parts), seconds=process_time() - started,
        tried=budget.tried, window=window,
    )  # fmt: skip


def _searched(
    parts: list[list[Operation]], model: Model, budget: Budget
) -> Iterator[tuple[list[Operation], bool | str]]:
    """Each part, and whether it can be ordered, or why that is not known; those that are hard come last."""
    situations = budget.configurations if len(parts) == 1 else min(_FIRST_SHARE, budget.configurations)
    while parts:
        is_last, hard = situations == budget.configurations, []
        for place, part in enumerate(parts):
            share = budget.share(situations, len(parts) - place)
            share.told(0, 0)
            found: bool | str
            try:
                found = check(part, model, share)
            except Exhausted as error:
                found = str(error)
            except MemoryError:
                found = "there is no more memory"
            budget.tried += share.tried
            if isinstance(found, bool) or is_last:
                yield part, found
            else:
                hard.append(part)
        parts, situations = hard, min(situations * _MORE, budget.configurations)


def not_judged(source: str, why: str) -> Judged:
    """What is said of a history that could not be looked at."""
    history = History(operations=(), source=source)
    return Judged(history=history, verdict=Verdict.INCONCLUSIVE, why=why, parts=0, seconds=0.0, tried=0)


def _why(window: Window) -> str:
    if len(window.bound) == 1:
        return "no order of the operations explains one answer"
    return f"no order of {len(window.bound)} operations explains their answers"


def lines(window: Window) -> tuple[str, ...]:
    """The window in words, one operation a line."""
    told = [words(one) for one in window.bound]
    if window.is_any_start:
        told.insert(0, "whatever the state was before:")
    if window.free:
        told.append(f"({len(window.free)} other operations before the end may take effect at any moment, or never)")
    return tuple(told)


def words(operation: Operation) -> str:
    """One operation in words: where it stands, who asked what, and what the answer was."""
    where = f"line {operation.line}" if operation.line else f"event {operation.begin}"
    if operation.end is not None:
        where += f" to {operation.end_line or operation.end}"
    return f"{where}: process {shown(operation.process)}: {deed(operation)}"


def deed(operation: Operation) -> str:
    """What was asked, and answered, in a few words."""
    key = "" if operation.key is None else f" of {shown(operation.key)}"
    asked = "" if operation.asked is None else f" {shown(operation.asked)}"
    if operation.is_open:
        return f"{operation.f}{key}{asked}: no answer"
    answer = "done" if operation.answer is None else shown(operation.answer)
    return f"{operation.f}{key}{asked}: {answer}"
