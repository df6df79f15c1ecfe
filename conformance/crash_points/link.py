"""The link ``crash-points``: whatever was acknowledged survives every crash, or the journal says that it did not.

The journal of ``physalia.journal`` runs on the real SQLite, on a simulated disk, through the campaign. What never
happened was not shown: the marks that must be reached are listed.
"""

import time
from collections import Counter

from attrs import frozen

from conformance.crash_points.campaign import Broken, Tally, run_campaign
from conformance.links import Failure, LinkReport, Profile, Progress, Row, Settings, Verdict

LINK = "crash-points"


@frozen
class Amount:
    """How many crash points a profile tries, and how many of each process at most; None is all of them."""

    points: int
    per_life: int | None


AMOUNTS = {
    Profile.QUICK: Amount(500, 12),
    Profile.DEFAULT: Amount(2_000, 24),
    Profile.DEEP: Amount(100_000, None),
}
ALWAYS = (
    "opened", "acknowledged", "folded", "refused", "latched", "cannot reach", "closed", "killed", "power cut",
    "damage: whole", "damage: told",
)  # fmt: skip
"""What must be reached in every profile."""
MORE = ("full", "damage: the last 1 missed", "damage: an older copy")
"""What must be reached from the default profile on: the last two are what no journal can know."""


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Run the campaign of a profile. Refuted at the first broken word; inconclusive if something was never reached."""
    amount = AMOUNTS[settings.profile]
    start = time.perf_counter()
    tally = Tally()

    def tell() -> None:
        progress.update(LINK, tally.points, "crash points", total=amount.points)

    failures = []
    try:
        run_campaign(str(settings.seed), amount.points, amount.per_life, tally, tell)
    except Broken as broken:
        replay = f"python -m conformance.crash_points --chain {broken.chain}"
        if amount.per_life is not None:
            replay += f" --per-life {amount.per_life}"
        failures.append(Failure(title=f"the journal broke its word {broken}", replay=replay))
    else:
        failures += missing(tally.reached, settings.profile)
    progress.finish(LINK, f"{tally.points:,} crash points")
    row = Row(
        name="journal",
        verdict=failures[0].verdict if failures else Verdict.HOLDS,
        steps=tally.points,
        seconds=time.perf_counter() - start,
        note=f"{tally.chains} chains",
    )
    return LinkReport.of(LINK, [row], failures, models=1, seconds=row.seconds, notes=(in_words(tally),))


def missing(reached: Counter[str], profile: Profile) -> list[Failure]:
    """A failure for each mark that the profile must reach and did not."""
    wanted = ALWAYS + (MORE if profile.includes(Profile.DEFAULT) and profile is not Profile.QUICK else ())
    return [
        Failure(title=f"the campaign never reached: {mark}", verdict=Verdict.INCONCLUSIVE)
        for mark in wanted
        if not reached[mark]
    ]


def in_words(tally: Tally) -> str:
    """What a campaign saw, in a sentence."""
    reached = tally.reached
    return (
        f"{reached['power cut']:,} power cuts and {reached['killed']:,} kills, {reached['latched']} failed flushes; of "
        f"{sum(reached[mark] for mark in reached if mark.startswith('damage: ')):,} kinds of damage "
        f"{reached['damage: told']:,} are told, {reached['damage: whole']:,} hurt nothing, and "
        f"{reached['damage: an older copy']} look like an older copy and "
        f"{reached['damage: the last 1 missed'] + reached['damage: the last 2 missed']} like a torn tail."
    )
