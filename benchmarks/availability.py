"""Seconds for the exact availability of a placement, on a generated fabric, for placements that answer queries.

Each placement is the best one for another client. What depends on the topology alone is prepared once and timed by
itself. The states of small parts of a fabric are remembered between placements
(``physalia.placement.availability.blocks``), so the first one is timed by itself too.
"""

import argparse
import json
import platform
import time
from random import Random
from typing import Any

from physalia.placement.availability.estimator import Estimator
from physalia.placement.rules.policy import default
from physalia.placement.rules.queries import Query
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.solver.answer import query

SCHEMA_VERSION = 1


def measure(servers: int, placements: int, feeding: Feeding, seed: int) -> dict[str, Any]:
    """Place so many cells, and time the availability of each."""
    topology = generate(Fabric(servers=servers, feeding=feeding, seed=seed))
    clients = Random(seed).sample(list(topology.servers), placements)  # noqa: S311  # repeatable, no secret
    answers = [(client, query(topology, default(), Query(client)).servers) for client in clients]
    placed = [(client, cell) for client, cell in answers if cell]
    if not placed:
        raise SystemExit(f"none of {placements} clients has a placement on this fabric; try more servers.")
    start = time.perf_counter()
    estimator = Estimator(topology)
    prepared = time.perf_counter() - start
    seconds, found = [], []
    for client, cell in placed:
        start = time.perf_counter()
        found.append(estimator.of(client, cell))
        seconds.append(time.perf_counter() - start)
    return {
        "schema_version": SCHEMA_VERSION,
        "servers": servers,
        "feeding": str(feeding),
        "placements": len(placed),
        "seconds_per_placement": sum(seconds) / len(seconds),
        "slowest_seconds": max(seconds),
        "first_seconds": seconds[0],
        "prepare_seconds": prepared,
        "mean_unavailability": sum(one.unavailability for one in found) / len(found),
        "largest_error": max(one.error for one in found),
        "methods": sorted({one.method for one in found}),
        "seed": seed,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the exact availability of placements.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--servers", type=int, default=10_000, metavar="N", help="servers of the fabric (10,000)")
    parser.add_argument("--placements", type=int, default=40, metavar="N", help="how many are timed (40)")
    parser.add_argument("--feeding", type=Feeding, default=Feeding.SINGLE, help="single, dual or mixed (single)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the fabric and of the clients (0)")
    options = parser.parse_args()
    figures = measure(options.servers, options.placements, options.feeding, options.seed)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        slowest = f"{1000 * figures['slowest_seconds']:.0f} ms"
        print(
            f"{1000 * figures['seconds_per_placement']:.1f} ms a placement, the mean of {figures['placements']} on "
            f"{figures['servers']:,} servers, {figures['feeding']}-fed (the slowest {slowest}; "
            f"prepared once in {1000 * figures['prepare_seconds']:.0f} ms); mean unavailability "
            f"{figures['mean_unavailability']:.2e}, to a relative error of {figures['largest_error']:.0e}."
        )


if __name__ == "__main__":
    main()
