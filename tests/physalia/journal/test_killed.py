"""Real processes on a real disk, killed at every boundary: nothing acknowledged is lost, no batch is there by half."""

import json
import subprocess
import sys
from pathlib import Path

from tests.physalia.journal.killed import BATCHES

ROOT = Path(__file__).resolve().parents[3]


def test_a_process_killed_at_every_boundary_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.physalia.journal.killed", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    lives = [json.loads(line) for line in done.stdout.splitlines()]
    assert [life["killed"] for life in lives] == [True] * (len(lives) - 1) + [False]
    assert len(lives) > 100
    for life in lives:
        told, shown = life["told"], life["shown"]
        if shown is None:
            assert told == ""
            continue
        whole = [f"{batch} {part}" for batch in range(BATCHES) for part in ("first", "second")]
        assert shown == whole[: len(shown)], life
        assert len(shown) in (2 * told.count("b"), 2 * told.count("b") + 2), life
    assert {life["told"] for life in lives} == {"", "n", *("n" + "b" * batch for batch in range(1, BATCHES + 1))}
    ahead = [life for life in lives if life["shown"] and len(life["shown"]) > 2 * life["told"].count("b")]
    assert ahead, "no process was killed between a flush and its acknowledgement"
