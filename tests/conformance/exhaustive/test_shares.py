"""Scopes that are shared out among processes: what is seen is what one process sees."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from conformance import beside
from conformance.alone import Task
from conformance.exhaustive import link
from conformance.exhaustive.scopes import SCOPES
from conformance.links import BadInput, LinkReport, Profile, Settings, Silence, Verdict

SMALL = (
    "MCCellNewcomer addressed",
    "MCCellChangeRefines broadcast",
    "MCTeachingJump addressed, audience 12, learners 3",
)
ALONE = Settings(profile=Profile.QUICK, models=SMALL)
SHARED = evolve(ALONE, processors=2)


class Told(Silence):
    def __init__(self) -> None:
        self.finished: list[str] = []

    def finish(self, part: str, note: str) -> None:
        self.finished.append(part)


def test_a_link_that_is_shared_sees_what_it_sees_alone() -> None:
    told = Told()
    alone, shared = link.run(ALONE, Silence()), link.run(SHARED, told)
    assert shared.verdict is alone.verdict is Verdict.HOLDS
    assert [evolve(row, seconds=0.0) for row in shared.rows] == [evolve(row, seconds=0.0) for row in alone.rows]
    assert sorted(told.finished) == [f"exhaustive {share} of 3: {name}" for share, name in enumerate(SMALL, start=1)]


def test_what_breaks_in_a_share_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies, which is not refuted and is no pass."""
    monkeypatch.setattr(link, "HERE", "tests.conformance.links_beside:dies")
    seen = link.run(SHARED, Silence())
    assert seen.verdict is Verdict.ERROR
    assert not seen.rows
    assert [failure.title.partition(" ended")[0] for failure in seen.failures] == [
        f"the link exhaustive {share} of 3" for share in (1, 2, 3)
    ]
    assert all(failure.replay.startswith("physalia verify exhaustive --quick") for failure in seen.failures)


def test_every_scope_is_in_one_share(monkeypatch: pytest.MonkeyPatch) -> None:
    shared_out: list[str] = []

    def perform(tasks: Sequence[Task], *_: object) -> tuple[LinkReport, ...]:
        shared_out.extend(name for task in tasks for name in task.settings.models)
        return ()

    monkeypatch.setattr(beside, "perform", perform)
    seen = link.run(Settings(profile=Profile.DEEP, processors=3), Silence())
    assert sorted(shared_out) == sorted(scope.name for scope in SCOPES)
    assert seen.verdict is Verdict.INCONCLUSIVE, "nothing was seen"


def test_a_scope_that_there_is_not_is_refused_before_anything_starts() -> None:
    with pytest.raises(BadInput, match="no scope"):
        link.run(evolve(SHARED, models=("MCNowhere", "MCCellNewcomer")), Silence())
