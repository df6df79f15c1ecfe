"""Scenarios: what is shipped, what a file changes, and what is refused, in one sentence each."""

from pathlib import Path

import pytest

from physalia.blast_radius.figures import PUBLISHED
from physalia.zone import scenario as scenarios
from physalia.zone.errors import BadScenario


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_one_says_where_its_numbers_come_from() -> None:
    given = scenarios.default()
    assert given.failures["server"].per_year == 0.5
    assert given.storm.share == 0.13
    assert [one.kind for one in given.events] == ["core", "server"]


def test_shares_of_time_are_those_that_published_figures_imply() -> None:
    """The ends come from the same figures with the shortest and the longest repairs that were published or assumed."""
    ranges = {"server": (3.3e-4, 3.5e-4), "rack": (1.2e-4, 2.7e-4), "pdu": (1.3e-4, 2.9e-4),
              "top-of-rack": (0.6e-5, 2.9e-5), "aggregation": (1.1e-5, 5.7e-5)}  # fmt: skip
    for kind, failing in scenarios.default().failures.items():
        low, high = ranges.get(kind, (0.0, 1e-3))
        assert low <= failing.down <= high, kind
        for role, name in (("server", "server"), ("rack", "rack"), ("pdu", "pdu")):
            assert name != kind or abs(failing.down / PUBLISHED[role][0] - 1) < 0.2, "as the blast radius has them"


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    given = scenarios.read(written(tmp_path, "[failures.server]\nper_year = 0.1\n[keeper]\nsteps_per_hour = 0\n"))
    shipped = scenarios.default()
    assert given.failures["server"] == scenarios.Failing(per_year=0.1, repair_hours=6.0)
    assert given.keeper.steps_per_hour == 0
    assert (given.mirroring, given.events, given.storm) == (shipped.mirroring, shipped.events, shipped.storm)
    assert scenarios.read(written(tmp_path, "events = []\n")).events == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[failures.server]\nper_year = 1.5\n", "failures.server: per_year is 1.5, and must be at most 1."),
        ("[failures.server]\nper_year = -0.1\n", "per_year is -0.1, and must be 0 or more."),
        ("[failures.server]\nrepair_hours = -6\n", "repair_hours is -6, and must be above 0."),
        ("[failures.server]\nrepair_hours = nan\n", "repair_hours is nan, and must be above 0."),
        ("[failures.core]\nrepair_hours = 'long'\n", "failures.core.repair_hours: Expected `float`, got `str`."),
        ("[failures.moon]\nper_year = 0.1\nrepair_hours = 1\n", "Invalid enum value 'moon'"),
        ("[mirroring]\nafter_hours = -1\n", "mirroring: after_hours is -1, and must be 0 or more."),
        ("[mirroring]\nsize_gib = 0\n", "mirroring: size_gib is 0, and must be above 0."),
        ("[mirroring]\nat_once = 1.5\n", "mirroring.at_once: Expected `int`, got `float`."),
        ("[storm]\nshare = 1.1\n", "storm: share is 1.1, and must be at most 1."),
        ("[storm]\nvolumes = 2000000\n", "storm: volumes is 2e+06, and must be at most 1,000,000."),
        (
            "[keeper]\nsteps = 4\n",
            "keeper: there is no setting steps; there are after_hours, step_hours, steps_per_hour.",
        ),
        ("[weather]\nrain = 1\n", "there is no setting weather; there are"),
        ("keeper = 3\n", "keeper: Expected `object`, got `int`."),
        ("[[events]]\nat_hours = 1\nkind = 'server'\n", "missing required field"),
        ("[[events]]\nat_hours = -1\nkind='server'\ncount=1\nfor_hours=1\n", "events[0]: at_hours is -1"),
        ("[storm\n", "this is not TOML"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadScenario) as refused:
        scenarios.read(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=r"gone.toml: the scenario cannot be read: No such file or directory."):
        scenarios.read(tmp_path / "gone.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadScenario, match=r"bytes.toml: this is not TOML"):
        scenarios.read(tmp_path / "bytes.toml")
