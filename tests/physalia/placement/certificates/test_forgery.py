"""A forger's certificates: whatever the checker accepts of them is true by definition."""

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from physalia.placement.certificates import check as checker
from tests.physalia.placement.certificates.forgery import Data, forge, is_true, material, stands

SITES, TRIES = 12, 40


def tried(sites: range, tries: int) -> Counter[str]:
    """How many forgeries were refused, how many accepted that are true, and how many that are false."""
    seen = Counter[str]()
    for seed in sites:
        found = material(f"forge {seed}")
        for at in range(tries if found else 0):
            random = Random(f"{seed} {at}")
            made, site = _copy(found)
            changes = [forge(random, made, site) for _ in range(random.choice((1, 1, 2, 3)))]
            if (made, site) == found:
                continue
            accepted = stands(made, site)
            seen["refused" if not accepted else "true" if is_true(made, site) else "false"] += 1
            seen.update(changes if accepted else ())
    return seen


def _copy(found: Any) -> tuple[Data, Data]:
    made, site = json.loads(json.dumps(found))
    return made, site


def test_what_is_accepted_is_true() -> None:
    seen = tried(range(SITES), TRIES)
    assert seen["false"] == 0
    assert seen["refused"] > 100
    assert seen["true"] > 100
    kinds = {"placement", "cost", "claim", "dual", "price", "tree", "split", "query", "rule", "policy", "site"}
    assert kinds <= seen.keys()  # each was accepted now and then, and was true


@pytest.mark.parametrize("fault", ["servers earn nothing", "nothing is lost", "one node more may be anywhere"])
def test_a_fault_of_the_checker_shows(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forger finds what a broken checker lets pass, with as many tries."""
    right = checker._Case._range

    def one_more(self: Any, key: str) -> tuple[int, int, int]:
        low, high, weight = right(self, key)
        return low, high + 1, weight

    if fault == "servers earn nothing":
        monkeypatch.setattr(checker._Offers, "earned", lambda *_: 0)
    elif fault == "nothing is lost":
        monkeypatch.setattr(checker.Site, "lost", lambda *_: (set(), set()))
    else:
        monkeypatch.setattr(checker._Case, "_range", one_more)
    assert tried(range(SITES), TRIES)["false"] > 0
