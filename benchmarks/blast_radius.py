"""Which volumes fall with the configuration store: every single device of a whole zone, and any four servers.

A million volumes on 100,000 servers are placed under the shipped policy, on all cores; that is not part of the time
that counts. Then every rack, power unit, switch, link, server and link of a server fails alone, exactly; and the
worst four servers are proven from above, for the cells and for one database for all volumes. The worst pair of devices
is sought for ten thousand volumes on a site of their own.

    python -m benchmarks.blast_radius [--json] [--servers N] [--volumes N] [--capacity N] [--cores N] [--pair-servers N]
        [--pair-volumes N] [--seed N]
"""

import argparse
import json
import os
import platform
import sys
import time
from typing import Any

from physalia.blast_radius.four import by_servers, monolith, own_servers, worst_group
from physalia.blast_radius.pairs import worst_pair
from physalia.blast_radius.singles import Volumes, singles
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import place
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort, no_collection
from physalia.placement.rules.policy import default
from physalia.placement.site.generate import Fabric, generate

SCHEMA_VERSION = 1
PAIR_SERVERS, PAIR_VOLUMES = 2_016, 10_000


def measure(servers: int, volumes: int, capacity: int, cores: int, seed: int) -> dict[str, Any]:
    """Place so many volumes on so many servers, and let everything fail."""
    fabric = Fabric(servers=servers, capacity=capacity, fill=0.0, full=0.0, drained=0.0, cells=0, seed=seed)
    site = Site.of(generate(fabric))
    rules = Rules.of(site, default())
    start = time.perf_counter()
    with no_collection():
        empty = Fleet.unplaced(made_up(site, volumes, seed), rules.policy.cell_size)
        fleet = place(site, rules, empty, Effort(), cores)
    placing = time.perf_counter() - start
    print(f"placed in {placing:.0f} s", file=sys.stderr)
    start, start_cpu = time.perf_counter(), time.process_time()
    known = Volumes(site, fleet)
    found = list(singles(known, Effort()))
    group = worst_group(known)
    worst = by_servers(known, group.servers)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    counted = len(known.rows)
    most = max(found, default=None)
    monoliths = {}
    for name, near in (("near", True), ("spread", False)):
        one = Volumes(site, monolith(site, rules.policy.cell_size, fleet, near=near))
        monoliths[name] = by_servers(one, own_servers(one, len(group.servers))) / counted
    return {
        "schema_version": SCHEMA_VERSION,
        "servers": servers,
        "volumes": counted,
        "volumes_asked_for": volumes,
        "place_seconds": placing,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "devices_that_harm": len(found),
        "worst_single": None if most is None else most.devices[0],
        "worst_unserved_of_one": 0.0 if most is None else most.unserved / counted,
        "worst_blast_of_one": max((one.blast for one in found), default=0) / counted,
        "worst_four": list(group.servers),
        "proven_unserved_of_four": group.cells / counted,
        "worst_unserved_of_four": worst / counted,
        "monolith_worst_unserved_of_four": min(monoliths.values()),
        "monoliths": monoliths,
        "seed": seed,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def measure_pair(servers: int, volumes: int, seed: int) -> dict[str, Any]:
    """The worst two devices for so many volumes on some two thousand servers, all single devices counted before."""
    fabric = Fabric(
        servers=servers, servers_per_rack=42, capacity=48, fill=0.0, full=0.0, drained=0.0, cells=0, seed=seed
    )  # fmt: skip
    site = Site.of(generate(fabric))
    rules = Rules.of(site, default())
    empty = Fleet.unplaced(made_up(site, volumes, seed), rules.policy.cell_size)
    known = Volumes(site, place(site, rules, empty, Effort()))
    start, start_cpu = time.perf_counter(), time.process_time()
    found = worst_pair(known, {one.devices[0]: one for one in singles(known, Effort())}, Effort())
    return {
        "pair_servers": servers,
        "pair_volumes": len(known.rows),
        "pair_seconds": time.perf_counter() - start,
        "pair_cpu_seconds": time.process_time() - start_cpu,
        "worst_pair": list(found.worst.devices),
        "worst_unserved_of_two": found.worst.unserved / len(known.rows),
        "pair_gap": (found.bound - found.worst.unserved) / len(known.rows),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Count which volumes fall with the configuration store.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--servers", type=int, default=100_000, metavar="N", help="servers of the site (100,000)")
    parser.add_argument("--volumes", type=int, default=1_020_000, metavar="N", help="how many are made up (1,020,000)")
    parser.add_argument("--capacity", type=int, default=100, metavar="N", help="nodes of the largest server (100)")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, metavar="N", help="for the placing (all)")
    parser.add_argument(
        "--pair-servers", type=int, default=PAIR_SERVERS, metavar="N", help="for the worst pair (2,016)"
    )
    parser.add_argument("--pair-volumes", type=int, default=PAIR_VOLUMES, metavar="N", help="likewise (10,000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the site and of the volumes (0)")
    options = parser.parse_args()
    figures = measure(options.servers, options.volumes, options.capacity, options.cores, options.seed)
    figures |= measure_pair(options.pair_servers, options.pair_volumes, options.seed)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    print(
        f"{figures['volumes']:,} volumes on {figures['servers']:,} servers: every device and any four servers in "
        f"{figures['seconds']:.0f} s. One device leaves at most {figures['worst_unserved_of_one']:.2%} unserved "
        f"({figures['worst_single'] or 'no device harms any'}), {figures['worst_blast_of_one']:.2%} in blast; "
        f"four servers {figures['worst_unserved_of_four']:.2g} of the volumes, and of a monolith's "
        f"{figures['monolith_worst_unserved_of_four']:.2%}. Of {figures['pair_volumes']:,} volumes two devices leave "
        f"at most {figures['worst_unserved_of_two']:.2%} unserved, found in {figures['pair_seconds']:.0f} s."
    )


if __name__ == "__main__":
    main()
