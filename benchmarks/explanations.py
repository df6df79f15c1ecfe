"""How long it takes to explain why a cell cannot be placed: one conflict of each kind, solver set-up included.

Each question is put to the same generated fabric under a policy that it cannot keep. The clock runs over all of it: the
problem is stated, every colour's conflict shrunk to a minimal one, and every single change that helps is found.

    python -m benchmarks.explanations [--json] [--servers N] [--seed N]
"""

import argparse
import json
import sys
import time
from typing import Any

from attrs import evolve

from physalia.placement.explanations.explain import explain
from physalia.placement.rules import policy as policies
from physalia.placement.rules.queries import Query
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.topology import Topology

SCHEMA_VERSION = 1
_RACK_CAP = {"id": "rack-cap", "type": "cap", "kind": "rack", "most": 3}
_NEAR = {"type": "hop-limit", "most": 2}
KINDS: dict[str, list[dict[str, Any]]] = {
    "cap on feeds": [_RACK_CAP, {"id": "feed-cap", "type": "cap", "kind": "feed", "most": 2}],
    "pair cap": [_RACK_CAP, {"id": "pair-cap", "type": "pair-cap", "kind": "feed", "most": 2}],
    "single failure": [_RACK_CAP, {"id": "single", "type": "single-failure", "most": 2}],
    "distance against a cap": [_RACK_CAP, {"id": "near", "client": "instance", **_NEAR}],
    "distance from two clients": [
        {"id": "near", "client": "instance", **_NEAR},
        {"id": "near-too", "client": "replica", **_NEAR},
    ],
    "minimum against a cap": [
        _RACK_CAP,
        {"id": "home", "type": "minimum", "kind": "rack", "of": "instance", "least": 4},
    ],
    "two minima": [
        {"id": "home", "type": "minimum", "kind": "row", "of": "instance", "least": 4},
        {"id": "away", "type": "minimum", "kind": "row", "of": "replica", "least": 4},
    ],
    "survival": [_RACK_CAP, {"id": "survives", "type": "survives"}],
    "drained servers": [_RACK_CAP],
}


def measure(servers: int, seed: int) -> dict[str, Any]:
    """Explain one conflict of each kind."""
    topology = generate(Fabric(servers=servers, seed=seed))
    sites = {
        "survival": generate(Fabric(servers=servers, seed=seed, aggregation_per_row=1)),
        "drained servers": _drained(topology),
    }
    names = sorted(topology.servers)
    asked = Query(names[0], names[len(names) // 2], names[-1])
    explain(generate(Fabric(servers=200, seed=0)), policies.default(), Query("server-1-01-01"))  # import what is needed
    told: list[dict[str, Any]] = []
    for kind, rules in KINDS.items():
        policy = policies.from_document({"rules": rules, "spread": ["rack", "pdu"]}, kind)
        site = sites.get(kind, topology)
        start = time.perf_counter()
        explained = explain(site, policy, asked)
        seconds = time.perf_counter() - start
        (conflict, *_) = explained.conflicts
        told.append(
            {
                "kind": kind,
                "seconds": round(seconds, 4),
                "colors": len(explained.conflicts),
                "rules": list(conflict.rules),
                "sentences": list(conflict.sentences),
                "relaxations": len(explained.relaxations),
            }
        )
    slowest = max(one["seconds"] for one in told)
    return {"schema_version": SCHEMA_VERSION, "servers": servers, "slowest_seconds": slowest, "explanations": told}


def _drained(topology: Topology) -> Topology:
    """The same site with all drained but the servers of one rack."""
    kept = next(iter(topology.racks))
    return evolve(topology, servers={n: evolve(s, drained=s.rack != kept) for n, s in topology.servers.items()})


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Explain one conflict of each kind.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--servers", type=int, default=2_000, metavar="N", help="how many servers (2000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the fabric (1)")
    options = parser.parse_args()
    figures = measure(options.servers, options.seed)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    for one in figures["explanations"]:
        print(f"{one['seconds']:.3f} s  {one['kind']}: {' and '.join(one['rules'])}")
        print(f"         {one['sentences'][-1]} ({one['relaxations']} changes would help)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
