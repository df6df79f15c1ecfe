"""States of the implementation a second: the exhaustive link in its default profile, every check on.

A state is one of all nodes, their disks and queues, and everything that was said: real code, projected and compared
with the specification. The specification's own graphs and both audits are part of what is timed.

    python -m benchmarks.exhaustive [--json] [--quick | --deep] [--model NAME]
"""

import argparse
import json
import platform
import sys
import time
from typing import Any

from conformance.exhaustive.link import run
from conformance.links import LinkReport, Profile, Settings, Silence, Verdict
from spec.machine import peak_memory_bytes

SCHEMA_VERSION = 1


def measure(profile: Profile, models: tuple[str, ...]) -> tuple[LinkReport, dict[str, Any]]:
    """Run the link once; its report, and the figures."""
    start = time.perf_counter()
    report = run(Settings(profile=profile, models=models), Silence())
    seconds = time.perf_counter() - start
    return report, {
        "schema_version": SCHEMA_VERSION,
        "profile": profile,
        "verdict": report.verdict,
        "scopes": report.models,
        "implementation_states": report.states,
        "implementation_steps": report.steps,
        "model_edges": report.edges,
        "seconds": round(seconds, 3),
        "states_per_second": round(report.states / seconds),
        "peak_memory_mib": round(peak_memory_bytes() / 2**20),
        "rows": [
            {"scope": row.name, "states": row.states, "seconds": round(row.seconds, 3), "note": row.note}
            for row in report.rows
        ],
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and print; exit code 1 if the link does not hold."""
    parser = argparse.ArgumentParser(description="Measure how many states of the code a second the link explores.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    profiles = parser.add_mutually_exclusive_group()
    profiles.add_argument("--quick", action="store_true", help="the scopes of the quick profile only")
    profiles.add_argument("--deep", action="store_true", help="the scopes of the deep profile too")
    parser.add_argument("--model", action="append", default=[], metavar="NAME", help="only the scopes of this model")
    options = parser.parse_args()
    profile = Profile.QUICK if options.quick else Profile.DEEP if options.deep else Profile.DEFAULT
    report, figures = measure(profile, tuple(options.model))
    if report.verdict is not Verdict.HOLDS:
        print(f"{report.verdict}: {[failure.title for failure in report.failures]}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        print(
            f"{figures['states_per_second']:,} states a second: {figures['implementation_states']:,} of the code in "
            f"{figures['scopes']} scopes in {figures['seconds']} s, at most {figures['peak_memory_mib']:,} MiB."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
