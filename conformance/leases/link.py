"""The row of leases in the link lockstep: contests from a seed, each step of which is judged."""

from collections import Counter
from time import monotonic

from conformance.leases.campaign import RATES, Driver
from conformance.leases.judge import MARKS
from conformance.links import Failure, Profile, Progress, Row, Settings, Verdict
from conformance.refutation import Refuted

NAME = "leases, 3 processes"
EVENTS = 300
CONTESTS = {Profile.QUICK: 150, Profile.DEFAULT: 500, Profile.DEEP: 20_000}


def seed_of(settings: Settings, number: int) -> str:
    """The seed of the contest of this number."""
    return f"{settings.seed}/{NAME}/{number}"


def contests(settings: Settings, progress: Progress, rates: frozenset[int] = RATES) -> tuple[Row, Failure | None]:
    """The contests of a profile. Rates above 3 are for those who want to see it refuted."""
    started, steps, reached = monotonic(), 0, Counter[str]()
    failure: Failure | None = None
    most = CONTESTS[settings.profile]
    played = 0
    for number in range(most):
        driver = Driver(seed_of(settings, number), rates)
        played += 1
        try:
            driver.run(EVENTS)
        except Refuted as refuted:
            failure = Failure(
                title=f"{NAME}, contest {number}: {refuted.title}", lines=refuted.lines, how=refuted.how,
                replay=f"physalia verify lockstep --seed {settings.seed}", events=driver.events,
            )  # fmt: skip
            break
        assert driver.judge is not None
        steps += driver.judge.steps
        reached.update(driver.reached)
        progress.update(NAME, number + 1, "contests", total=most)
    missing = [mark for mark in MARKS if not reached[mark]]
    if failure is None and missing:
        failure = Failure(
            title=f"{NAME}: nothing was refuted, but some things never happened, so nothing was shown of them",
            verdict=Verdict.INCONCLUSIVE,
            lines=tuple(f"never: {mark}" for mark in missing),
            replay=f"physalia verify lockstep --seed {settings.seed}",
        )
    row = Row(
        name=NAME, verdict=Verdict.HOLDS if failure is None else failure.verdict, steps=steps,
        seconds=monotonic() - started, note=f"{played} contests, seed {settings.seed}",
    )  # fmt: skip
    return row, failure
