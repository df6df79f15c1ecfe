"""The page of what went wrong elsewhere names the mutants that the catalogue has for it, and says what has none."""

import re
from collections.abc import Iterator

from conformance.mutants.entries import Mutant, catalogue
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([A-H]) \| ([^|]+?) \| ([^|]*?) ?\| ([^|]+?) \|$", re.MULTILINE)
NOT_YET, NOT_HERE = "not yet: ", "not here: "


def rows_of(mutants: tuple[Mutant, ...]) -> Iterator[tuple[str, str, str, str]]:
    """A row for each thing that went wrong, with its mutants in the order of the catalogue."""
    for like in dict.fromkeys(mutant.like for mutant in mutants if mutant.like):
        alike = [mutant for mutant in mutants if mutant.like == like]
        (family,) = {mutant.family for mutant in alike}
        names = ", ".join(f"`{mutant.name}`" for mutant in alike)
        yield family, like, names, ", ".join(sorted({mutant.killer for mutant in alike}))


def test_the_table_is_what_the_catalogue_says() -> None:
    told = {row for row in ROW.findall(PAGE) if not row[3].startswith((NOT_YET, NOT_HERE))}
    assert told == set(rows_of(catalogue()))
    assert len(told) >= 60


def test_what_has_no_mutant_says_why() -> None:
    open_rows = [row for row in ROW.findall(PAGE) if row[3].startswith((NOT_YET, NOT_HERE))]
    assert open_rows
    assert all(not names and len(why) > len(NOT_HERE) + 20 for _, _, names, why in open_rows)
    likes = {mutant.like for mutant in catalogue()}
    assert not likes & {what for _, what, _, _ in open_rows}


def test_every_row_is_read() -> None:
    rows, _, _ = PAGE.partition("## Who kills what")
    table = [line for line in rows.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert len(table) == len(ROW.findall(PAGE))


def test_durability_is_killed_by_more_than_one_link() -> None:
    killers = {mutant.killer for mutant in catalogue() if mutant.like}
    assert killers >= {"crash-points", "lockstep", "exhaustive", "tlc"}
