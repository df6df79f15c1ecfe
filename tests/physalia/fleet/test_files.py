"""Files of fleets: what cannot be read is refused in one sentence with the file, whatever happened to it."""

import zipfile
from pathlib import Path

import pytest

from physalia.fleet import files
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from tests.physalia.fleet.damages import FLIPPED, damages
from tests.physalia.fleet.fleets import small


def test_a_damaged_file_of_columns_is_refused_and_nothing_is_raised_from_inside(tmp_path: Path) -> None:
    """zip and numpy raise some ten kinds of exceptions; most of them were a defect of the program once."""
    site, _, fleet = small(60)
    path = tmp_path / "fleet.npz"
    files.write(fleet, site, path)
    refused = []
    for what, content in damages(path.read_bytes(), 60):
        path.write_bytes(content)
        try:
            files.read(path, site, 7)
        except BadFleet as no:
            refused.append(no)
        else:
            assert what == FLIPPED, what
    for error in refused:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
    reasons = {type(error.__cause__).__name__ for error in refused}
    assert reasons >= {"error", "OverflowError", "RuntimeError", "BadZipFile", "ValueError", "TypeError", "NoneType"}


def test_a_fleet_of_no_cells_is_one_in_either_form(tmp_path: Path) -> None:
    """As an object with no cells it was a defect of the program once."""
    site, _, fleet = small(1)
    for name in ("none.json", "none.npz"):
        files.write(Fleet(fleet.clients[:0], fleet.cells[:0]), site, tmp_path / name)
        assert len(files.read(tmp_path / name, site, 7)) == 0


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Of the two the last was read, whatever the first said."""
    site, _, fleet = small(2)
    path = tmp_path / "fleet.npz"
    files.write(fleet, site, path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("cells.npy", archive.read("cells.npy"))
    with pytest.raises(BadFleet, match="the column cells is there twice"):
        files.read(path, site, 7)
