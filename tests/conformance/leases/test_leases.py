"""Contests for a lock: they hold with clocks that differ by 3, and are refuted beyond, and with broken contenders."""

from collections.abc import Callable

import pytest

from conformance.histories.checker import Budget
from conformance.histories.judging import judge
from conformance.histories.known import MODELS
from conformance.histories.worlds import record_lock
from conformance.leases import link
from conformance.leases.campaign import RATES, Driver
from conformance.leases.judge import MARKS
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.refutation import Refuted
from physalia.lease import Contender
from physalia.lease.record import Record
from physalia.model import Item, Transaction

QUICK = Settings(profile=Profile.QUICK)
APART = frozenset({1, 4})


def test_contests_hold_and_reach_what_they_are_for() -> None:
    row, failure = link.contests(QUICK, Silence())
    assert failure is None
    assert row.verdict is Verdict.HOLDS
    assert row.steps > 100 * len(MARKS)


def test_clocks_that_differ_by_more_than_three_are_refuted() -> None:
    row, failure = link.contests(QUICK, Silence(), APART)
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert "two processes believe at once" in failure.title
    assert 0 < failure.events <= link.EVENTS


def test_nothing_reached_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(link.CONTESTS, Profile.QUICK, 1)
    row, failure = link.contests(QUICK, Silence())
    assert row.verdict is Verdict.INCONCLUSIVE
    assert failure is not None


def test_what_the_users_see_is_one_lock_if_clocks_differ_by_three_and_not_beyond() -> None:
    model = MODELS["lease"]
    verdicts = {
        rates: {
            judge(record_lock(link.seed_of(QUICK, number), link.EVENTS, rates, model), model, Budget()).verdict
            for number in range(80)
        }
        for rates in (RATES, APART)
    }
    assert verdicts[RATES] == {Verdict.HOLDS}
    assert Verdict.REFUTED in verdicts[APART]


def refuted() -> str:
    """What is said of the first contest that is refuted."""
    for number in range(link.CONTESTS[Profile.QUICK]):
        try:
            Driver(link.seed_of(QUICK, number)).run(link.EVENTS)
        except Refuted as error:
            return error.title
    return ""


def _sees_without_counting_from_the_first_time(one: Contender, item: Item | None, now_ns: int) -> None:
    asked = one.asked
    see(one, item, now_ns)
    if asked is not None and one._held_until_ns is not None and item is not None and item.version == one.saw:
        one._held_until_ns = now_ns + one.length_ns


def _never_asks(_one: Contender, _now_ns: int) -> Transaction | None:
    return None


def _asks_without_a_condition(one: Contender, expects: int, length_ns: int) -> Transaction:
    return Transaction((), change(one, expects, length_ns).then)


def _forgets_nothing_after_a_release(one: Contender, now_ns: int) -> Transaction | None:
    held = one._held_until_ns
    released = release(one, now_ns)
    one._held_until_ns = held
    return released


see, change, release = Contender.see, Contender._change, Contender.release


@pytest.mark.parametrize(
    ("method", "wrong", "said"),
    [
        ("see", _sees_without_counting_from_the_first_time, "another state"),
        ("ask", _never_asks, ""),
        ("_change", _asks_without_a_condition, "no step"),
        ("release", _forgets_nothing_after_a_release, "another state"),
    ],
)
def test_broken_contenders_are_refuted(
    method: str, wrong: Callable[..., object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that never asks does nothing that is wrong: then the campaign reached nothing."""
    monkeypatch.setattr(Contender, method, wrong)
    if said:
        assert said in refuted()
    else:
        row, _ = link.contests(QUICK, Silence())
        assert row.verdict is Verdict.INCONCLUSIVE


def test_records_are_read_as_they_were_written() -> None:
    assert Record("a-0", 3, 5).data() == b"lease a-0 3 5"
