"""The benchmark of fleets: on a small site the figures are printed, and are what they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import fleet as benchmark
from physalia.fleet.judge import Wrong

ROOT = Path(__file__).parents[2]


def test_the_figures_are_printed_as_json() -> None:
    command = [
        sys.executable, "-m", "benchmarks.fleet", "--servers", "240", "--servers-per-rack", "20", "--capacity", "12",
        "--random-cells", "20", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["placed"] <= figures["cells"]
    assert figures["fill"] > 0.9
    assert figures["placements_per_second"] > 0
    assert 0 < figures["bound"] <= figures["mean_unavailability"] < figures["random_mean_unavailability"]
    assert figures["gap"] == pytest.approx(figures["mean_unavailability"] / figures["bound"] - 1)


def test_a_fleet_that_breaks_a_rule_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "wrong", lambda *_: iter([Wrong("cell-1", "rack-cap", "4 nodes are in rack r1.")]))
    with pytest.raises(SystemExit, match="breaks a rule: 4 nodes are in rack r1"):
        benchmark.measure(240, 20, 12, 0.5, 5, 0)
