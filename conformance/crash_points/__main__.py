"""A campaign by itself, of any size, or one chain of it again; with cells, or of a journal alone.

    python -m conformance.crash_points [--points N] [--per-life N] [--seed S] [--chain NAME] [--json]
    python -m conformance.crash_points --cells [--points N] [--seed S] [--cell NAME] [--json]

Exit code 0: everybody kept their word; 1: somebody did not, and the last line is the command that shows it again.
"""

import argparse
import json
import sys

from conformance.crash_points.campaign import Broken, run_campaign, run_chain
from conformance.crash_points.link import cells_in_words, in_words
from conformance.crash_points.tally import Tally
from conformance.crash_points.torture import run_cell, run_cells


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Crash the journal on a simulated disk, wherever it stands.")
    parser.add_argument("--points", type=int, default=2_000, metavar="N", help="how many crash points (2000)")
    parser.add_argument("--per-life", type=int, metavar="N", help="at most so many of one process (all)")
    parser.add_argument("--seed", default="0", metavar="S", help="what everything follows from (0)")
    parser.add_argument("--chain", metavar="NAME", help="only this chain of a campaign")
    parser.add_argument("--cells", action="store_true", help="cells on journals, and not a journal by itself")
    parser.add_argument("--cell", metavar="NAME", help="only this cell of a campaign with cells")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    is_of_cells = bool(options.cells or options.cell)
    tally = Tally()
    try:
        if options.cell:
            run_cell(options.cell, tally)
        elif options.cells:
            run_cells(options.seed, options.points, tally)
        elif options.chain:
            run_chain(options.chain, options.per_life, tally)
        else:
            run_campaign(options.seed, options.points, options.per_life, tally)
    except Broken as broken:
        whose = "a cell" if is_of_cells else "the journal"
        print(f"{whose} broke its word {broken}", file=sys.stderr)
        per_life = "" if options.per_life is None else f" --per-life {options.per_life}"
        again = f"--cell {broken.chain}" if is_of_cells else f"--chain {broken.chain}{per_life}"
        print(f"python -m conformance.crash_points {again}", file=sys.stderr)
        return 1
    if options.json:
        figures = {"points": tally.points, "chains": tally.chains, "digest": tally.digest.hexdigest()}
        print(json.dumps({"schema_version": 1, **figures, "reached": dict(sorted(tally.reached.items()))}, indent=2))
    else:
        unit = "cells" if is_of_cells else "chains"
        print(f"{tally.points:,} crash points of {tally.chains} {unit}: nothing that was acknowledged is lost.")
        print(cells_in_words(tally) if is_of_cells else in_words(tally))
    return 0


if __name__ == "__main__":
    sys.exit(main())
