"""Runs that met a scenario once meet it still, in whatever world."""

from pathlib import Path

import pytest

from conformance.guided.kept import again
from conformance.lockstep.guided.ground import ground as of_lockstep
from conformance.shell.guided.ground import ground as of_shell

MET = sorted((Path(__file__).parent / "met").glob("*.txt"))


def test_each_world_has_one() -> None:
    assert {file.stem.partition("-")[0] for file in MET} == {"lockstep", "shell"}


@pytest.mark.parametrize("file", MET, ids=lambda file: file.stem)
def test_it_meets_its_scenario(file: Path) -> None:
    played = again((of_lockstep(), of_shell()), file.read_text(encoding="utf-8"), file.name)
    assert played.failure is None
    assert played.watch.is_complete
