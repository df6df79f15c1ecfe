"""Fixtures of the journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.physalia.journal.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = Shelf(folder)
    yield made
    made.die()
