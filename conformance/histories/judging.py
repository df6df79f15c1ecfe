"""What is said of a whole history: part by part, with the smallest window of the first part that cannot be ordered."""

from collections.abc import Callable
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


def judge(history: History, model: Model, budget: Budget, *, told: Told = silent, shrink_s: float = 20.0) -> Judged:
    """Judge a history. Nothing that was answered is nothing that could be wrong: that is inconclusive."""
    started = process_time()
    parts = list(model.parts(history.operations))
    answered = sum(not one.is_open for one in history.operations)
    done = 0

    def told_of_search(ended: int, _tried: int) -> None:
        told("operations", done + ended, answered)

    budget = evolve(budget, told=told_of_search)
    verdict, why, window = Verdict.HOLDS, f"{answered} answers are those of one order of the operations", None
    if not answered:
        verdict, why = Verdict.INCONCLUSIVE, "it has no operation that was answered, so nothing was judged"
    try:
        for part in parts:
            told_of_search(0, 0)
            if not check(part, model, budget):
                window = smallest(part, model, shrink_s, lambda tried: told("smaller windows", tried, None))
                verdict, why = Verdict.REFUTED, _why(window)
                break
            done += sum(not one.is_open for one in part)
    except Exhausted as error:
        verdict, why = Verdict.INCONCLUSIVE, f"{error}; give it more, or a shorter history"
    return Judged(
        history=history, verdict=verdict, why=why, parts=len(parts), seconds=process_time() - started,
        tried=budget.tried, window=window,
    )  # fmt: skip


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
