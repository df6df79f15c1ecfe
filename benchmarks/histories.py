"""How long the checker of histories takes, and how long `detangle.lin` takes on the same, in one process.

Processor seconds. Measured are, with clients that have one operation each under way, on an object that answers as it
must, from a seed:

* a `cas-register` of 4,000 operations of 50 clients, and the same with one answer spoilt, refused with its window;
* a `kv` of 100,000 operations over 10,000 keys, and the same with one answer spoilt, refused with its window;
* histories of some hundred operations of 5 to 12 clients, a fifth of which got no answer, as in those that are public:
  these by `detangle.lin` as well. `ratio_to_peer` is our time over its time, both in sum, and `ratio_on_slowest` the
  same on its slowest; `by_clients` has both times for each number of clients. Public histories are measured in the same
  way: --public FOLDER with EDN files or Jepsen's logs.

    python -m benchmarks.histories [--json] [--seed N] [--quick] [--public FOLDER]
"""

import argparse
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from conformance.histories.checker import Budget, check
from conformance.histories.generate import ask_cas_register, ask_kv, linearizable, spoil
from conformance.histories.history import History, Operation
from conformance.histories.judging import Judged, judge
from conformance.histories.known import MODELS
from conformance.histories.reading import read
from conformance.histories.second_opinion import theirs_of
from conformance.links import Verdict

SCHEMA_VERSION = 1
CAS, KV = MODELS["cas-register"], MODELS["kv"]
NOBODY_WROTE = -1
CLIENTS = (5, 8, 10, 12)
LOST = 0.2


def measure(seed: int, *, quick: bool, public: Path | None) -> dict[str, Any]:
    """All figures; `quick` takes a tenth of everything. Raises `ValueError` where a verdict is wrong."""
    part = 10 if quick else 1
    registers = linearizable(
        CAS, ask_cas_register(5), clients=50, operations=4_000 // part, seed=seed, refused_fail=False
    )
    keys = linearizable(
        KV, ask_kv(10_000 // part, 5), clients=50, operations=100_000 // part, seed=seed, refused_fail=False
    )
    seconds_register, _ = _timed(registers, "cas-register", Verdict.HOLDS)
    seconds_kv, _ = _timed(keys, "kv", Verdict.HOLDS)
    random = Random(seed)  # noqa: S311 (repeatable, no secret)
    seconds_wrong, wrong = _timed(spoil(registers, random, NOBODY_WROTE), "cas-register", Verdict.REFUTED)
    seconds_wrong_kv, wrong_kv = _timed(spoil(keys, random, NOBODY_WROTE), "kv", Verdict.REFUTED)
    given = {0: _public(public)} if public else {one: _like_public(seed, one, 20 // part) for one in CLIENTS}
    return {
        "schema_version": SCHEMA_VERSION,
        "operations": len(registers),
        "seconds_4000_operations": round(seconds_register, 3),
        "seconds_4000_operations_wrong": round(seconds_wrong, 3),
        "window_4000_operations": _window(wrong),
        "kv_operations": len(keys),
        "seconds_kv": round(seconds_kv, 3),
        "seconds_kv_wrong": round(seconds_wrong_kv, 3),
        "window_kv": _window(wrong_kv),
        **_beside_peer(given),
        "seed": seed,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _timed(operations: list[Operation], model: str, expected: Verdict) -> tuple[float, Judged]:
    start = time.process_time()
    judged = judge(History(operations=tuple(operations)), MODELS[model], Budget())
    seconds = time.process_time() - start
    if judged.verdict is not expected:
        raise ValueError(f"a {model} of {len(operations)} operations: {judged.verdict}, and not {expected}")
    return seconds, judged


def _window(judged: Judged) -> int:
    return 0 if judged.window is None else len(judged.window.bound)


def _like_public(seed: int, clients: int, number: int) -> list[list[Operation]]:
    return [
        linearizable(
            CAS, ask_cas_register(5), clients=clients, operations=100, seed=f"{seed}/{clients}/{one}", lost=LOST
        )
        for one in range(number)
    ]


def _public(folder: Path) -> list[list[Operation]]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".edn", ".log", ".jsonl"))
    return [list(read(path, CAS).operations) for path in files]


def _beside_peer(given: Mapping[int, Sequence[list[Operation]]]) -> dict[str, Any]:
    """Both checkers on each history, by the number of clients; those that are not linearizable are not timed."""
    ours: Counter[int] = Counter()
    theirs: Counter[int] = Counter()
    slowest, differ, ordered = (0, 0), 0, 0
    for clients, histories in given.items():
        for operations in histories:
            start = time.process_time_ns()
            said = check(operations, CAS, Budget())
            between = time.process_time_ns()
            differ += said != theirs_of(operations, "cas-register")
            end = time.process_time_ns()
            if said:
                ordered += 1
                ours[clients] += between - start
                theirs[clients] += end - between
                slowest = max(slowest, (end - between, between - start))
    return {
        "histories": sum(map(len, given.values())),
        "linearizable": ordered,
        "disagreements": differ,
        "seconds": round(ours.total() / 1e9, 3),
        "peer_seconds": round(theirs.total() / 1e9, 3),
        "by_clients": {
            str(one): {"seconds": round(ours[one] / 1e9, 4), "peer_seconds": round(theirs[one] / 1e9, 4)}
            for one in given
        },
        "ratio_to_peer": round(ours.total() / theirs.total(), 4),
        "ratio_on_slowest": round(slowest[1] / slowest[0], 4),
    }


def main() -> int:
    """Measure and print; exit code 1 if a verdict is wrong."""
    parser = argparse.ArgumentParser(description="Measure the checker of histories beside detangle.lin.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the histories (0)")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--public", type=Path, metavar="FOLDER", help="compare with the peer on these files instead")
    options = parser.parse_args()
    try:
        figures = measure(options.seed, quick=options.quick, public=options.public)
    except ValueError as wrong:
        print(f"wrong: {wrong}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        print(
            f"{figures['operations']:,} operations of 50 clients in {figures['seconds_4000_operations']} s, "
            f"{figures['kv_operations']:,} over keys in {figures['seconds_kv']} s; {figures['ratio_to_peer']} of the "
            f"peer's time on {figures['linearizable']} linearizable histories."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
