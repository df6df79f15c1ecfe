"""Steps per second of the lockstep: a cell of 3 nodes in one process, every check on, driven by a seeded random driver.

A step is an action of the step table that the code took and the specification allowed; stutters take their time too,
and are not counted. Choosing the events, the codec, the disks and the end of each run are part of what is timed.

    python -m benchmarks.lockstep [--json] [--seconds S] [--seed N]
"""

import argparse
import json
import platform
import sys
import time
from itertools import count
from typing import Any

from conformance.judges.coverage import Coverage
from conformance.lockstep.drive import drive
from conformance.lockstep.play import Play
from conformance.refutation import Refuted
from conformance.world.setup import Setup

SCHEMA_VERSION = 1
EVENTS_PER_RUN = 250
SETUP = Setup.of(3, 3, 3)


def measure(seconds: float, seed: int) -> dict[str, Any]:
    """Play runs for so many seconds. Raises `Refuted` if one of them does not hold."""
    played: list[Play] = []
    coverage = Coverage()
    start = time.perf_counter()
    steps = stutters = runs = 0
    for number in count():
        finding = drive(SETUP, f"{seed}/{number}", EVENTS_PER_RUN, coverage, held=played.append)
        if finding is not None:
            raise finding.refuted
        run = played.pop()
        steps, stutters, runs = steps + run.steps, stutters + run.stutters, runs + 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            break
    return {
        "schema_version": SCHEMA_VERSION,
        "nodes": SETUP.nodes,
        "runs": runs,
        "steps": steps,
        "stutters": stutters,
        "seconds": round(elapsed, 3),
        "steps_per_second": round(steps / elapsed),
        "seed": seed,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and print; exit code 1 if the lockstep refutes something on the way."""
    parser = argparse.ArgumentParser(description="Measure how many steps of the code a second the lockstep judges.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="how long to measure (8)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the driver (0)")
    options = parser.parse_args()
    try:
        figures = measure(options.seconds, options.seed)
    except Refuted as refuted:
        print(f"refuted: {refuted.title}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        print(
            f"{figures['steps_per_second']:,} steps a second: {figures['steps']:,} steps and {figures['stutters']:,} "
            f"stutters of {figures['nodes']} nodes in {figures['seconds']} s, seed {figures['seed']}."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
