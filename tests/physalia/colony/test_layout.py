"""A colony is laid out as a whole, or not at all: by whoever comes first, and whatever cuts it short."""

from pathlib import Path

import pytest

from physalia.colony import ColonyExists, NoColony, lay_out, layout, load
from physalia.server import Settings, create


@pytest.fixture(params=[False, True], ids=["new", "there"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a colony is to be: a folder that is not there, or one with nothing in it."""
    named = tmp_path / "colony"
    if request.param:
        named.mkdir()
    return named


def test_what_was_cut_short_is_no_colony(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that was there, settings of servers stayed, whose disks were never made: they could not start."""

    def interrupted(_settings: Settings, *, are_cells_new: bool) -> None:
        assert are_cells_new
        with pytest.raises(NoColony):  # nobody takes it for one meanwhile either
            load(folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(layout, "create", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lay_out(folder, cells=0)
    assert lay_out(folder, cells=0).settings.keys() == {1, 2, 3}


def test_of_two_who_make_a_colony_one_is_told_that_it_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def create_later(settings: Settings, *, are_cells_new: bool) -> None:
        if not made:
            made.append(folder)
            folder.mkdir(exist_ok=True)
            (folder / "keys.toml").touch()
        create(settings, are_cells_new=are_cells_new)

    monkeypatch.setattr(layout, "create", create_later)
    with pytest.raises(ColonyExists, match="somebody else"):
        lay_out(folder, cells=0)
    assert list(folder.iterdir()) == [folder / "keys.toml"]
