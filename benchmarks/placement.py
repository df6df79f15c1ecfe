"""The best placement with its proof, beside OR-Tools CP-SAT on the same instance, in one run.

A leaf-spine fabric is generated, written and read back; a volume's three servers are drawn from it. Then this program
finds the best placement under the shipped policy, lets z3 refute everything better, and makes the certificate; the
checker accepts it from the files, in a process of its own; and CP-SAT, given all servers and all rules at once, finds
the least (worst hop, spread, sum of hops, fill) too. Reading the topology is not counted for either; building the
model is.

    python -m benchmarks.placement [--json] [--servers N] [--seed N] [--rounds N] [--no-peer]
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.peers.cp_sat import solve
from physalia.placement.certificates.certificate import certificate, dumps, size
from physalia.placement.rules import policy as policies
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.solver.answer import Answer, prove

SCHEMA_VERSION = 1
PEER_LIMIT_S = 600.0


def measure(servers: int, seed: int, rounds: int, *, peer: bool) -> dict[str, Any]:
    """Measure both sides and the checker on one generated fabric."""
    with tempfile.TemporaryDirectory() as folder:
        topology_file, certificate_file = Path(folder) / "topology.json", Path(folder) / "certificate.json"
        files.write(generate(Fabric(servers=servers, seed=seed)), topology_file)
        topology, policy = files.read(topology_file), policies.default()
        names = sorted(topology.servers)
        query = Query(*Random(seed).sample(names, 3))  # noqa: S311  # repeatable, no secret
        _load()
        gc.collect()
        gc.freeze()  # what was imported stays: the collector need not walk it
        seconds = []
        for _ in range(rounds):
            start = time.perf_counter()
            answer = prove(topology, policy, query)
            made = certificate(answer)
            seconds.append(time.perf_counter() - start)
        certificate_file.write_text(dumps(made), encoding="utf-8")
        checks = [_check(certificate_file, topology_file) for _ in range(2 * rounds)]
        gc.unfreeze()
        theirs = solve(topology, policy, query, PEER_LIMIT_S) if peer else None
    return {
        "schema_version": SCHEMA_VERSION,
        "servers": servers,
        "seed": seed,
        "proven": _is_proven(answer) and made["claim"] == "optimal" and all(check > 0 for check in checks),
        "seconds": round(min(seconds), 4),
        "certificate_bytes": size(answer),
        "check_seconds": round(min(map(abs, checks)), 4),
        "cp_sat_seconds": None if theirs is None else round(theirs.seconds, 2),
        "cp_sat_status": None if theirs is None else theirs.status,
        "same_optimum": theirs is not None and theirs.optimal and theirs.cost == answer.cost,
        "cost": made["cost"],
        "refuted_by_z3": 0 if answer.refuted is None else answer.refuted.queries,
    }


def _is_proven(answer: Answer) -> bool:
    return answer.verdict == "placed" and answer.refuted is not None


def _load() -> None:
    """Import what is imported when it is first used, and warm it up on a small fabric."""
    small = generate(Fabric(servers=200, seed=0))
    prove(small, policies.default(), Query(next(iter(small.servers))))


def _check(certificate_file: Path, topology_file: Path) -> float:
    """How long the checker takes, Python's own start included; negative if it refused."""
    command = [sys.executable, "-I", "-S", str(_checker()), str(certificate_file), str(topology_file)]
    start = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    seconds = time.perf_counter() - start
    return seconds if done.returncode == 0 else -seconds


def _checker() -> Path:
    from physalia.placement.certificates import check  # noqa: PLC0415  # the file is what is run

    return Path(check.__file__)


def main() -> int:
    """Measure and print; exit code 1 if the optimum was not proven, or the peer's is another."""
    parser = argparse.ArgumentParser(description="The best placement with its proof, beside CP-SAT.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--servers", type=int, default=10_000, metavar="N", help="how many servers (10000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the fabric and the clients (1)")
    parser.add_argument(
        "--rounds", type=int, choices=range(1, 20), default=3, metavar="N", help="the best of so many (3)"
    )
    parser.add_argument("--no-peer", action="store_true", help="leave CP-SAT out")
    options = parser.parse_args()
    if options.servers < 1:
        parser.error("--servers must be at least 1")
    figures = measure(options.servers, options.seed, options.rounds, peer=not options.no_peer)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        peer = figures["cp_sat_seconds"]
        beside = "" if peer is None else f"; CP-SAT {peer:.1f} s ({figures['cp_sat_status']})"
        proven = "proven" if figures["proven"] else "not proven"
        print(
            f"{options.servers:,} servers: {proven} in {figures['seconds']:.3f} s, "
            f"evidence {figures['certificate_bytes']:,} bytes, checked in {figures['check_seconds']:.3f} s{beside}"
        )
    return 0 if figures["proven"] and (figures["same_optimum"] or options.no_peer) else 1


if __name__ == "__main__":
    sys.exit(main())
