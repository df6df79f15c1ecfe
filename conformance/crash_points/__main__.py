"""A campaign by itself, of any size, or one chain of it again.

    python -m conformance.crash_points [--points N] [--per-life N] [--seed S] [--chain NAME] [--json]

Exit code 0: the journal kept its word; 1: it did not, and the last line is the command that shows it again.
"""

import argparse
import json
import sys

from conformance.crash_points.campaign import Broken, Tally, run_campaign, run_chain
from conformance.crash_points.link import in_words


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Crash the journal on a simulated disk, wherever it stands.")
    parser.add_argument("--points", type=int, default=2_000, metavar="N", help="how many crash points (2000)")
    parser.add_argument("--per-life", type=int, metavar="N", help="at most so many of one process (all)")
    parser.add_argument("--seed", default="0", metavar="S", help="what everything follows from (0)")
    parser.add_argument("--chain", metavar="NAME", help="only this chain of a campaign")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    tally = Tally()
    try:
        if options.chain:
            run_chain(options.chain, options.per_life, tally)
        else:
            run_campaign(options.seed, options.points, options.per_life, tally)
    except Broken as broken:
        print(f"the journal broke its word {broken}", file=sys.stderr)
        per_life = "" if options.per_life is None else f" --per-life {options.per_life}"
        print(f"python -m conformance.crash_points --chain {broken.chain}{per_life}", file=sys.stderr)
        return 1
    if options.json:
        figures = {"points": tally.points, "chains": tally.chains, "digest": tally.digest.hexdigest()}
        print(json.dumps({"schema_version": 1, **figures, "reached": dict(sorted(tally.reached.items()))}, indent=2))
    else:
        print(f"{tally.points:,} crash points of {tally.chains} chains: nothing that was acknowledged is lost.")
        print(in_words(tally))
    return 0


if __name__ == "__main__":
    sys.exit(main())
