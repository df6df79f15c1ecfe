"""Fleets against the definitions: made-up sites agree, what must be seen is seen, and broken code is refuted."""

from collections import Counter

import numpy as np
import pytest
from attrs import evolve

from conformance.placement import fleets
from conformance.placement.fleets import judge_fleet
from conformance.placement.sites import Seeded, question
from conformance.placement.table import by_definition, possible
from conformance.refutation import Refuted
from physalia.blast_radius.fates import Fates
from physalia.fleet.ideal import Ideal
from physalia.fleet.placer import Placer
from physalia.fleet.repair import way_to
from physalia.fleet.rules import Rules


def judged(seeds: range) -> Counter[str]:
    """What a few sites show."""
    seen = Counter[str]()
    for seed in seeds:
        choose = Seeded(f"fleets/{seed}")
        asked = possible(question(choose))
        seen.update(judge_fleet(asked, by_definition(asked)[0], choose))
    return seen


def test_made_up_sites_agree() -> None:
    seen = judged(range(25))
    for mark in (
        "a fleet places a cell", "a fleet places another cell", "a fleet's judge finds a broken rule",
        "a fleet's judge finds every rule kept", "a way that counting proves", "a volume in blast",
        "a volume unserved", "a volume that is served or lost", "a cell is near the bound", "a bound says something",
    ):  # fmt: skip
        assert seen[mark], mark


def test_a_cell_that_breaks_a_rule_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rules, "of", classmethod(lambda cls, site, policy: cls(site, policy, (), None)))
    with pytest.raises(Refuted, match="breaks"):
        judged(range(25))


def test_a_server_twice_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Placer.place
    monkeypatch.setattr(Placer, "place", lambda self, volume: (found := real(self, volume)) and found[:1] * len(found))
    with pytest.raises(Refuted, match=r"which breaks .*size"):
        judged(range(25))


def test_a_judge_that_finds_nothing_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "wrong", lambda *_: iter(()))
    with pytest.raises(Refuted, match="the judge of fleets says"):
        judged(range(25))


def test_a_way_that_is_not_found_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "way_to", lambda *given: evolve(way_to(*given), steps=None))
    with pytest.raises(Refuted, match="and none was found"):
        judged(range(25))


def test_a_blast_that_is_not_counted_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    none = np.zeros(1, dtype=np.bool_)
    monkeypatch.setattr(fleets, "under", lambda *_: Fates(none, none))
    with pytest.raises(Refuted, match="counted otherwise"):
        judged(range(25))


def test_a_bound_that_is_above_a_cell_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Ideal.least
    monkeypatch.setattr(Ideal, "least", lambda self, some: 1.5 * real(self, some))
    with pytest.raises(Refuted, match="say the bounds"):
        judged(range(25))
