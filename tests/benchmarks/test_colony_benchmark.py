"""The benchmark of colonies measures real servers, and says so as figures that fit together."""

import json
import shutil
import subprocess
import sys

from tests import PATIENCE_S


def test_it_measures_and_stands_beside_etcd_where_that_is_installed() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.colony",
        "--json",
        "--rounds",
        "1",
        "--seconds",
        "0.5",
        "--clients",
        "4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    figures = json.loads(done.stdout)
    sides = ["", "etcd_"] if shutil.which("etcd") else [""]
    for side in sides:
        assert figures[f"{side}operations_per_second"] > 0
        assert figures[f"{side}p50_ms"] > 0
    assert ("cpu_ratio_to_etcd" in figures) == ("etcd_" in sides)
    assert (figures["clients"], figures["loop"]) == (4, "asyncio")


def test_wrong_options_are_refused() -> None:
    command = [sys.executable, "-m", "benchmarks.colony", "--rounds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert "are positive" in done.stderr
