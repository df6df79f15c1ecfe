"""The search for rare scenarios as a part of a link: a row, and a failure if something is refuted or was not met."""

from time import monotonic

from conformance.guided.looking import Ground, look
from conformance.guided.scenario import Sight
from conformance.guided.search import Found, Schedule
from conformance.links import Failure, Profile, Progress, Row, Settings, Verdict

NAME = "rare scenarios"
PROFILES = (Profile.DEEP,)
"""Where scenarios are looked for."""


def is_wanted(settings: Settings) -> bool:
    """Whether scenarios are looked for: in a profile that does so, unless other parts are named."""
    return settings.profile in PROFILES and NAME in (settings.models or (NAME,))


def part(
    ground: Ground[Schedule, Sight, Found], link: str, settings: Settings, progress: Progress
) -> tuple[Row, Failure | None]:
    """Look for all scenarios of a world."""
    started, budget = monotonic(), ground.runs
    looked = look(ground, ground.scenarios, budget, settings.seed, progress)
    missed = [line for line in looked.lines if not line.is_met]
    lost = [line for line in missed if line.scenario in ground.expected]
    failure = looked.failure
    if failure is None and lost:
        failure = Failure(
            title=f"{NAME}: nothing was refuted, but some were not met, so nothing was shown of them",
            verdict=Verdict.INCONCLUSIVE,
            lines=tuple(
                f"never: {line.scenario}, of which {line.reached} of {len(line.stages)} stages were met"
                for line in lost
            ),
            replay=f"physalia conformance search --world {link} --runs {budget} --seed {settings.seed}",
        )
    met = len(looked.lines) - len(missed)
    row = Row(
        name=NAME, verdict=Verdict.HOLDS if failure is None else failure.verdict, seconds=monotonic() - started,
        note=f"{met} of {len(ground.scenarios)} met in {looked.runs} runs, seed {settings.seed}",
    )  # fmt: skip
    return row, failure
