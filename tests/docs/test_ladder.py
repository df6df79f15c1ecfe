"""The chapter on the ladder names every model, and says of each what the manifest and its configuration say."""

import re
from pathlib import Path

from conformance.manifest import load_manifest
from conformance.tlc.cfg import config_properties

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ladder.md").read_text(encoding="utf-8")
ROWS = "".join(line for line in PAGE.splitlines(keepends=True) if line.startswith("| ") and "`MC" in line)
MANIFEST = load_manifest(ROOT / "tla")
NAMED = dict(re.findall(r"`(MC\w+)`((?: \([^)]*\))?)", ROWS))
"""Each model of the table, with what is said of it in brackets right after its name."""


def test_every_model_is_in_the_table_and_no_other() -> None:
    assert set(NAMED) == {model.name for model in MANIFEST.models}
    assert set(re.findall(r"`(MC\w+)`", PAGE)) == set(NAMED)


def test_the_states_of_a_model_are_those_of_the_manifest() -> None:
    told = {
        name: int(states.replace(",", "")) for name, said in NAMED.items() for states in re.findall(r"[\d,]{3,}", said)
    }
    assert len(told) >= 4
    assert told == {name: MANIFEST.model(name).distinct for name in told}


def test_the_models_of_cell_whose_refinement_tlc_checks_are_marked() -> None:
    checked = {
        model.name
        for model in MANIFEST.models
        if model.rung == "Cell" and "RefinesBallots" in config_properties(MANIFEST.folder / f"{model.name}.cfg")
    }
    assert {name for name, said in NAMED.items() if "TLC" in said} == checked
