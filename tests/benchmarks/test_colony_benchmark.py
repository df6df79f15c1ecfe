"""The benchmark of colonies measures real servers, and says so as figures that fit together."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests import PATIENCE_S

ROOT = Path(__file__).parents[2]


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
    rates = {name for name in figures if "operations_per_second" in name}
    expected = {"operations_per_second"}
    expected |= {"operations_per_second_uvloop"} if find_spec("uvloop") else set()
    expected |= {"etcd_operations_per_second"} if shutil.which("etcd") else set()
    assert rates == expected
    assert all(figures[name] > 0 for name in rates)
    assert ("cpu_ratio_to_etcd" in figures) == bool(shutil.which("etcd"))
    assert figures["clients"] == 4
    told = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "server.md").read_text(encoding="utf-8")))
    assert figures.keys() - told == {"schema_version", "python"}, "the page says of each figure what was measured"


def test_wrong_options_are_refused() -> None:
    command = [sys.executable, "-m", "benchmarks.colony", "--rounds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert "are positive" in done.stderr
