"""The benchmark of the blast radius: on a small site the figures are printed, and are what they say."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_figures_are_printed_as_json() -> None:
    command = [
        sys.executable, "-m", "benchmarks.blast_radius", "--servers", "480", "--volumes", "500", "--capacity", "14",
        "--pair-servers", "480", "--pair-volumes", "200", "--cores", "1", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert 450 <= figures["volumes"] <= 500
    assert figures["worst_blast_of_one"] == 0
    assert (figures["pair_volumes"], figures["pair_gap"]) == (200, 0)
    assert 0 < figures["worst_unserved_of_two"] < 1
    assert figures["worst_unserved_of_four"] == figures["proven_unserved_of_four"] == 1 / figures["volumes"]
    assert figures["monolith_worst_unserved_of_four"] > 0.95
    assert figures["seconds"] > 0
