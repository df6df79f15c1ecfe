"""What docs/ladder.md says of running TLC by hand works, with the jar that is installed."""

import subprocess
from pathlib import Path

from conformance.manifest import load_manifest, tla_folder
from conformance.tlc.run import copy_of
from conformance.tlc.toolchain import find_toolchain


def by_hand(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    toolchain = find_toolchain()
    temporary = f"-Djava.io.tmpdir={folder}"
    command = [str(toolchain.java), temporary, "-cp", str(toolchain.jar), "tlc2.TLC", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_walks_at_random_say_what_they_reach() -> None:
    """Each walk of `-simulate` has registers of its own, which nobody set."""
    model = "MCCellTwoBallots"
    with copy_of(tla_folder()) as folder:
        walks = ("-simulate", "num=20", "-depth", "30", "-seed", "1", "-deadlock")
        done = by_hand(folder, *walks, "-config", f"{model}.cfg", model)
    assert done.returncode == 0, done.stdout
    assert '<<"reached", "ReachLastSlot">>' in done.stdout


def test_several_workers_say_what_they_reach() -> None:
    model = "MCCellChangeIssued"
    with copy_of(tla_folder()) as folder:
        done = by_hand(folder, "-workers", "2", "-deadlock", "-config", f"{model}.cfg", model)
    assert done.returncode == 0, done.stdout
    assert f"{load_manifest().model(model).distinct} distinct states found" in done.stdout
    assert '<<"reached", "ReachLastSlot">>' in done.stdout
