"""The chapter on the zone says the numbers that are shipped and computed."""

import re
import tomllib

from physalia.zone import scenario as scenarios
from physalia.zone import sizes, storm
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "zone.md").read_text(encoding="utf-8")


def row(beginning: str, page: str = PAGE) -> list[str]:
    """The cells of the row of a table that begins so."""
    (found,) = re.findall(rf"^\| {re.escape(beginning)} \| (.+) \|$", page, flags=re.MULTILINE)
    return [cell.strip() for cell in found.split("|")]


def test_rates_are_those_that_are_shipped() -> None:
    failures = scenarios.default().failures
    kinds = {"failures of a server": "server", "of a rack": "rack", "of a power distribution unit": "pdu",
             "of a top-of-rack switch": "top-of-rack", "of an aggregation switch": "aggregation"}  # fmt: skip
    for words, kind in kinds.items():
        known = failures[kind]  # type: ignore[index]
        assert re.match(rf"{known.per_year:g}( a year)?, {known.repair_hours:g} h$", row(words)[0]), words
    rest = [f"{failures[kind].per_year:g}" for kind in ("core", "ups", "feed")]
    assert row("of a core switch, a UPS, a feed")[0] == f"{', '.join(rest)} a year"
    assert row("volumes struck in the storm")[0] == f"{scenarios.default().storm.share:.0%}".replace("%", " %")


def test_why_seven_is_as_it_is_computed() -> None:
    larger = sizes.SIZES[1:]
    disks = sizes.Disks(per_year=0.02, hours=6.0)
    assert row("up where 1 node in 10 fails") == [f"{sizes.available(size, 0.1):.4f}" for size in larger]
    assert row("up where 6 in 10 fail") == [f"{sizes.available(size, 0.6):.4f}" for size in larger]
    assert row("half of the writes within") == [f"{sizes.latency(size, 0.5):.2f}" for size in larger]
    assert row("999 of 1,000 within") == [f"{sizes.latency(size, 0.999):.2f}" for size in larger]
    assert row("messages a commit") == [f"{sizes.messages(size)}" for size in larger]
    pair = disks.hours_to_loss(2, 1)
    times = [disks.hours_to_loss(size, sizes.majority(size)) / pair for size in larger]
    told = [float(one.replace(",", "")) for one in row("durable, beside two copies on the same disks")]
    assert all(abs(one / real - 1) < 0.05 for one, real in zip(told, times, strict=True))


def test_the_storm_is_as_large_as_is_said() -> None:
    rules = scenarios.default().storm
    _, free = storm.room(rules)
    words = f"{round(rules.share * rules.volumes):,} of {rules.volumes:,} volumes lose a copy"
    assert words in PAGE
    assert f"there is room for {free:,}" in PAGE


def test_faults_are_counted() -> None:
    faults = tomllib.loads((ROOT / "tests/physalia/zone/faults.toml").read_text(encoding="utf-8"))["mutant"]
    assert f"has {len(faults)}, in the form" in PAGE


def test_a_row_that_is_not_there_is_missed() -> None:
    assert row("a", "| a | 1 | 2 |\n| b | 3 |\n") == ["1", "2"]
