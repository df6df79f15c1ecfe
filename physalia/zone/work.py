"""Jobs over cores, and over interruptions: what is done is kept in a file, and is not done again.

A job's result depends on the plan and its own name alone, so the same seed makes the same results on any number of
cores, in whatever order they end. The file has a line for the plan and one for each result; a last line that was cut
off is as if it had not been begun.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import partial
from math import inf
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.synchronize import Event
from pathlib import Path

from attrs import define, field

from physalia import outputs
from physalia.placement.effort import Effort
from physalia.zone.errors import BadScenario
from physalia.zone.plan import Job, Plan, Result


@define(eq=False)
class Kept:
    """The results of a plan that are known already, in memory and, if there is one, in a file."""

    plan: Plan
    path: Path | None = None
    results: dict[str, Result] = field(factory=dict)

    @classmethod
    def of(cls, plan: Plan, path: Path | None) -> "Kept":
        """What a file knows of a plan; a new file if there is none. BadScenario if it belongs to another plan."""
        kept = cls(plan, path)
        if path is None:
            return kept
        head = json.dumps({"plan": plan.digest}) + "\n"
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            whole, _, torn = text.rpartition("\n")
            lines = whole.split("\n") if whole else []
            if (lines[0] + "\n" != head) if lines else not head.startswith(torn):
                raise BadScenario(
                    f"{path}: these results belong to another scenario, site, seed or length; name another file."
                )
            if not lines or torn:
                outputs.write({path: (head if not lines else whole + "\n").encode()})
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise BadScenario(f"{path}: the results cannot be kept there: {reason}.") from error
        known = {job.key for job in plan.jobs}
        for at, line in enumerate(lines[1:], start=2):
            try:
                entry = json.loads(line)
                key, result = entry["job"], entry["result"]
                is_its_own = entry.get("sha256") == _digest(key, result)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise BadScenario(f"{path}: line {at} is no result; delete the file to begin anew.") from error
            if str(key) not in known:
                raise BadScenario(f"{path}: line {at}: there is no job {key}; delete the file to begin anew.")
            if not is_its_own:
                raise BadScenario(f"{path}: line {at} is no result as it was written; delete the file to begin anew.")
            kept.results[key] = result
        return kept

    def keep(self, job: Job, result: Result) -> None:
        """Know a result, and write it down."""
        self.results[job.key] = json.loads(json.dumps(result))  # as it will be read again
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                entry = {"job": job.key, "result": result, "sha256": _digest(job.key, result)}
                file.write(json.dumps(entry) + "\n")


def _digest(key: str, result: object) -> str:
    """What tells a result from anything else: nobody looks into it again before it is told."""
    return hashlib.sha256(json.dumps([key, result]).encode()).hexdigest()


def work(kept: Kept, effort: Effort, cores: int) -> Mapping[str, Result]:
    """All results of a plan, in the order of its jobs. OutOfTime between two of them: what was done is kept."""
    left = [job for job in kept.plan.jobs if job.key not in kept.results]
    for job, result in _done(kept.plan, left, effort, cores):
        kept.keep(job, result)
    return {job.key: kept.results[job.key] for job in kept.plan.jobs}


def _done(plan: Plan, jobs: list[Job], effort: Effort, cores: int) -> Iterator[tuple[Job, Result]]:
    if cores <= 1 or len(jobs) <= 1 or "fork" not in get_all_start_methods():
        for job in jobs:
            effort.spend("jobs")
            yield job, plan.perform(job, partial(effort.spend, "moments"))
        return
    longest_first = sorted(jobs, key=lambda job: job.part != "life")
    context = get_context("fork")
    stop = context.Event()
    several = min(cores, len(jobs))
    with ProcessPoolExecutor(several, context, initializer=_begin, initargs=(plan, effort.deadline, stop)) as pool:
        try:
            waiting = {pool.submit(_perform, job): job for job in longest_first}
            while waiting:
                ended, _ = wait(waiting, timeout=effort.left_s, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield waiting.pop(future), future.result()
                    effort.told("jobs")
                if waiting and effort.is_over:
                    effort.stop()
        finally:
            stop.set()  # whoever is at work ends soon, and an interrupt waits for nobody
            pool.shutdown(wait=False, cancel_futures=True)


_WORKS: list[tuple[Plan, Effort]] = []
"""What this process works on, and until when; set once, when it begins."""


def _begin(plan: Plan, deadline: float | None, stop: Event) -> None:
    def clock() -> float:
        return inf if stop.is_set() else time.monotonic()

    _WORKS[:] = [(plan, Effort(inf if deadline is None else deadline, clock=clock))]


def _perform(job: Job) -> Result:
    plan, effort = _WORKS[0]
    effort.spend("jobs")
    return plan.perform(job, partial(effort.spend, "moments"))
