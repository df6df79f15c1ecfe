"""A glance at a cell: a few runs of each short campaign of the lockstep, in turns.

Most faults show in the first runs of the campaign that is about them, and nobody knows beforehand which one that is. So
all of them are begun before any is carried through. The runs are the first ones of the quick profile. An exception of
the code ends a run, and not the glance: another run may show what the fault does before it raises something.
"""

from collections.abc import Iterator, Sequence
from time import monotonic

from conformance.judges.coverage import Coverage
from conformance.links import Failure, LinkReport, Profile, Row, Settings, Verdict
from conformance.lockstep.campaigns import CAMPAIGNS, Campaign
from conformance.lockstep.drive import drive
from conformance.lockstep.shrink import Finding
from conformance.refutation import How

RUNS = 6
"""So many runs of each campaign."""
MORE_RUNS = 4 * RUNS
"""So many of those that are about the module with the fault: they come first."""
_LONG = "long"


def glance(first: Sequence[str], settings: Settings) -> LinkReport:
    """Run a little of every short campaign, of those that begin with these words first and more."""
    started = monotonic()
    finding: Finding | None = None
    of = ""
    for campaign, number in _turns(first):
        found = _run(campaign, number, settings)
        is_judged = found is not None and found.refuted.how is How.JUDGED
        if is_judged or finding is None:
            finding, of = found, campaign.name
        if is_judged:
            break
    verdict = Verdict.HOLDS if finding is None else Verdict.REFUTED
    seconds = monotonic() - started
    row = Row(name="glance", verdict=verdict, seconds=seconds, note=of)
    failures = [] if finding is None else [_failure(of, finding, settings)]
    return LinkReport.of("lockstep", [row], failures, models=1, seconds=seconds)


def short_campaigns() -> tuple[Campaign, ...]:
    """Those of the quick profile, but for the long one."""
    return tuple(one for one in CAMPAIGNS if Profile.QUICK in one.amounts and not one.name.startswith(_LONG))


def _turns(first: Sequence[str]) -> Iterator[tuple[Campaign, int]]:
    campaigns = short_campaigns()
    near = [one for words in first for one in campaigns if one.name.startswith(words)]
    yield from ((campaign, number) for number in range(MORE_RUNS) for campaign in near)
    yield from ((campaign, number) for number in range(RUNS) for campaign in campaigns if campaign not in near)


def _run(campaign: Campaign, number: int, settings: Settings) -> Finding | None:
    """The run of this number, as the link makes it."""
    setup = campaign.setups[number % len(campaign.setups)]
    seed, length = f"{settings.seed}/{campaign.name}/{number}", campaign.amounts[settings.profile].length
    return drive(setup, seed, length, Coverage(), steer=campaign.steer)


def _failure(name: str, finding: Finding, settings: Settings) -> Failure:
    return Failure(
        title=f"{name}: {finding.refuted.title}",
        lines=finding.refuted.lines,
        replay=settings.again("lockstep"),
        how=finding.refuted.how,
        events=len(finding.scenario.happenings),
    )
