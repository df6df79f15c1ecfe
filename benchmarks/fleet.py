"""A fleet of ten thousand cells on some two thousand servers: how fast it is placed, how full, and how available.

Every cell is placed online under every rule of the shipped policy, the one on overlap included, and one round of swaps
follows. Beside it stand random cells under the same rules, and a bound that no fleet can beat, proven by prices of room
(``physalia.fleet.bounds``); the cells that are near their instances have a bound of their own. Placements are counted
by a second of processor time on one core.

    python -m benchmarks.fleet [--json] [--servers N] [--servers-per-rack N] [--capacity N] [--fill X] [--seed N]
"""

import argparse
import json
import platform
import time
from random import Random
from typing import Any

import numpy as np

from physalia.fleet.bounds import all_near, bound, bound_near
from physalia.fleet.fleet import Fleet
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.rules import Rules
from physalia.fleet.shards import filled, place
from physalia.fleet.sites import Site
from physalia.fleet.swaps import Swaps
from physalia.fleet.unavailability import Unavailability
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import default
from physalia.placement.site.generate import Fabric, generate

SCHEMA_VERSION = 1
SERVERS, SERVERS_PER_RACK = 2_016, 42
"""48 racks in four full rows, so that no feed has more racks than another: the site that most fleets have."""


def measure(servers: int, servers_per_rack: int, capacity: int, fill: float, sample: int, seed: int) -> dict[str, Any]:
    """Place, improve and bound a fleet that fills so much of a site; and place as many random cells beside it."""
    fabric = Fabric(
        servers=servers, servers_per_rack=servers_per_rack, capacity=capacity, fill=0.0, full=0.0, drained=0.0, cells=0,
        seed=seed,
    )  # fmt: skip
    site = Site.of(generate(fabric))
    rules = Rules.of(site, default())
    size = rules.policy.cell_size
    volumes = -(-int(fill * int(site.room.sum())) // size)
    empty = Fleet.unplaced(made_up(site, volumes, seed), size)
    start = time.process_time()
    fleet = place(site, rules, empty, Effort())
    seconds = time.process_time() - start
    placed = int(fleet.placed.sum())
    unavailability = Unavailability(site)
    greedy = _mean(fleet, unavailability)
    start = time.process_time()
    swaps = Swaps(filled(site, rules, fleet), fleet, unavailability, Random(seed))  # noqa: S311  # repeatable
    swapped = swaps.round(Effort()).swapped
    improving = time.process_time() - start
    broken = [one.sentence for one in wrong(site, rules, fleet)]
    if broken:
        raise SystemExit(f"the fleet breaks a rule: {broken[0]}")
    mean, lowest = _mean(fleet, unavailability), bound(site, rules, fleet)
    cells = all_near(site, fleet)
    near = bound_near(site, rules, fleet, cells)
    near_mean = np.mean(unavailability.of_fleet(fleet, np.flatnonzero(cells).tolist())).item() if near else None
    chance, chances = _by_chance(site, rules, empty, unavailability, sample, seed)
    return {
        "schema_version": SCHEMA_VERSION,
        "servers": servers,
        "cells": volumes,
        "placed": placed,
        "placements_per_second": placed / seconds,
        "fill": fleet.fill(site),
        "mean_unavailability": mean,
        "mean_unavailability_before_swaps": greedy,
        "swaps": swapped,
        "swaps_seconds": improving,
        "patterns": unavailability.computed,
        "random_mean_unavailability": chance,
        "random_cells": chances,
        "bound": lowest.mean,
        "gap": mean / lowest.mean - 1,
        "near_cells": int(cells.sum()),
        "near_mean_unavailability": near_mean,
        "near_bound": near.mean if near else None,
        "near_gap": near_mean / near.mean - 1 if near and near_mean is not None else None,
        "seed": seed,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _mean(fleet: Fleet, unavailability: Unavailability) -> float:
    """The exact mean over all placed cells."""
    found = unavailability.of_fleet(fleet, np.flatnonzero(fleet.placed).tolist())
    return sum(found) / len(found)


def _by_chance(
    site: Site, rules: Rules, empty: Fleet, unavailability: Unavailability, sample: int, seed: int
) -> tuple[float, int]:
    """The mean over the first random cells that keep every rule beside each other, and how many they are."""
    placer, random = Placer(site, rules), Random(seed)  # noqa: S311  # repeatable, no secret
    found = []
    for at in range(min(sample, len(empty))):
        servers = placer.by_chance(empty.volume(at), random)
        if servers is not None:
            placer.add(at, servers)
            found.append(unavailability.of(int(empty.clients[at, 0]), servers))
    return sum(found) / len(found), len(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Place, improve and bound a whole fleet.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--servers", type=int, default=SERVERS, metavar="N", help=f"servers of the site ({SERVERS:,})")
    parser.add_argument("--servers-per-rack", type=int, default=SERVERS_PER_RACK, metavar="N")
    parser.add_argument("--capacity", type=int, default=48, metavar="N", help="nodes of the largest server (48)")
    parser.add_argument("--fill", type=float, default=0.975, metavar="X", help="how full the site shall be (0.975)")
    parser.add_argument("--random-cells", type=int, default=40, metavar="N", help="how many random cells (40)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the site and of the volumes (0)")
    options = parser.parse_args()
    figures = measure(
        options.servers, options.servers_per_rack, options.capacity, options.fill, options.random_cells, options.seed
    )
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    print(
        f"{figures['placed']:,} of {figures['cells']:,} cells on {figures['servers']:,} servers, "
        f"{figures['fill']:.1%} full, {figures['placements_per_second']:,.0f} placements/s; unavailable "
        f"{figures['mean_unavailability']:.3g} in the mean ({figures['mean_unavailability_before_swaps']:.3g} before "
        f"{figures['swaps']:,} swaps in {figures['swaps_seconds']:.0f} s), random cells "
        f"{figures['random_mean_unavailability']:.3g}; no fleet is below {figures['bound']:.3g}: the gap is "
        f"{figures['gap']:.1%}."
    )


if __name__ == "__main__":
    main()
