"""Distinct states per second: the explorer in `spec/machine.py` beside TLC with one worker, on one model of the cell.

Both explore the whole model with nothing to check, in turn, on this machine, in this run. Each side is timed from its
initial states to its last one: for TLC from its message that the initial states are computed to the one that checking
is completed, so that the start of Java and the reading of the modules do not count against it.

    python -m benchmarks.explorer [--json] [--model NAME] [--rounds N]
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from conformance.graph.mirror import machine_of
from conformance.links import BadInput, CannotRun
from conformance.manifest import HOLDS, Manifest, Model, load_manifest
from conformance.tlc.cfg import take_checks_out
from conformance.tlc.run import copy_of
from conformance.tlc.toolchain import Toolchain, find_toolchain
from spec.machine import explore
from spec.models import MODELS

SCHEMA_VERSION = 1
MOST_STATES = 400_000
"""Larger models take longer than anyone waits for a benchmark; `--model` measures them all the same."""
MEMORY_MIB = 4096
_BEGIN, _END = "@!@!@STARTMSG 2190:", "@!@!@STARTMSG 2193:"
_VERSION = "TLC2 Version "


@frozen
class Run:
    """One exploration: how many states in how many seconds, and of which version of TLC, if it was TLC's."""

    states: int
    seconds: float
    version: str = ""


def largest_model(manifest: Manifest) -> Model:
    """The largest model of the cell that a benchmark has time for."""
    fitting = [
        model for model in manifest.models
        if model.rung == "Cell" and model.expect == HOLDS and model.name in MODELS and model.distinct <= MOST_STATES
    ]  # fmt: skip
    if not fitting:
        raise BadInput(f"{manifest.path}: no model of the cell has a mirror and at most {MOST_STATES:,} states.")
    return max(fitting, key=lambda model: model.distinct)


def run_mirror(name: str) -> Run:
    """Explore the mirror of a model, with nothing remembered from before."""
    start = time.perf_counter()
    found = explore(evolve(MODELS[name]), invariants=())  # type: ignore[misc]  # every machine is an attrs class
    return Run(found.distinct, time.perf_counter() - start)


def run_tlc(toolchain: Toolchain, specifications: Path, name: str) -> Run:
    """Let TLC explore a model with one worker and nothing to check; CannotRun when it does not come to the end."""
    with copy_of(specifications) as folder:
        take_checks_out(folder / f"{name}.cfg")
        java = [str(toolchain.java), "-XX:+UseParallelGC", f"-Xmx{MEMORY_MIB}m", f"-Djava.io.tmpdir={folder}"]
        options = ["-tool", "-workers", "1", "-deadlock", "-metadir", str(folder / "meta")]
        command = [*java, "-cp", str(toolchain.jar), "tlc2.TLC", *options, "-config", f"{name}.cfg", name]
        begin = end = 0.0
        states, version = 0, ""
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(_BEGIN):
                    begin = time.perf_counter()
                elif line.startswith(_END):
                    end = time.perf_counter()
                elif line.startswith(_VERSION):
                    version = line.removeprefix(_VERSION).split(" of ")[0].strip()
                elif "distinct states found, 0 states left on queue" in line:
                    states = int(line.split(" states generated, ")[1].split(" ")[0].replace(",", ""))
    if process.returncode != 0 or not (states and begin < end):
        raise CannotRun(f"TLC did not come to the end of {name}: run `physalia spec tlc {name}` to see why.")
    return Run(states, end - begin, version)


def measure(model: Model, manifest: Manifest, rounds: int) -> dict[str, Any]:
    """Measure both sides in turn; BadInput when they do not find the same number of states."""
    toolchain = find_toolchain()
    tlc, mirror = [], []
    for _ in range(rounds):
        tlc.append(run_tlc(toolchain, manifest.folder, model.name))
        mirror.append(run_mirror(model.name))
    states = {run.states for run in (*tlc, *mirror)}
    if len(states) > 1:
        raise BadInput(f"{model.name}: TLC and the mirror find {sorted(states)} states: run `physalia verify graph`.")
    tlc_rate, mirror_rate = _rate(tlc), _rate(mirror)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": model.name,
        "states": states.pop(),
        "rounds": rounds,
        "states_per_second": round(mirror_rate),
        "tlc_states_per_second": round(tlc_rate),
        "ratio_to_tlc_one_worker": round(mirror_rate / tlc_rate, 2),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "tlc": tlc[0].version,
    }


def _rate(runs: list[Run]) -> float:
    return sum(run.states for run in runs) / sum(run.seconds for run in runs)


def main() -> int:
    """Measure and print; exit code 2 for bad input, 4 when TLC cannot run."""
    parser = argparse.ArgumentParser(description="Explore a model of the cell with spec/ and with TLC, and compare.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--model", help=f"the largest of at most {MOST_STATES:,} states if not given")
    parser.add_argument(
        "--rounds", type=int, choices=range(1, 10), default=2, metavar="N", help="how often each side runs (2)"
    )
    options = parser.parse_args()
    try:
        manifest = load_manifest()
        model = manifest.model(options.model) if options.model else largest_model(manifest)
        machine_of(manifest, model.name)
        figures = measure(model, manifest, options.rounds)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 4
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        print(
            f"{figures['model']}, {figures['states']:,} states: {figures['states_per_second']:,} states a second in "
            f"{figures['python']}, {figures['tlc_states_per_second']:,} in TLC {figures['tlc']} with one worker: "
            f"{figures['ratio_to_tlc_one_worker']} times as many."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
