"""What recording costs servers, and how many traces a minute are judged.

Three servers serve 64 clients, once with traces and once without, in turn, and every other round begins with the
traces; the cost is in their processor time for one write, as the system counts it, and the median of the rounds stands
beside the other. So it is what recording takes of the throughput where servers have no processor time to spare. What
was seen of the throughput stands there too: clients share this machine, so it falls by less. The same is seen where
clients put the largest values, of which a trace takes several times as much. Then a colony of many cells is recorded,
each cell written to until its trace has about a hundred events, and all traces are read and judged: a trace is that of
one cell, of all its nodes. What is timed is this process's own processor time, with the reading.

    python -m benchmarks.traces [--json] [--seconds S] [--rounds N] [--clients N] [--cells N] [--value-bytes B]
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from benchmarks.colony import PATIENCE_S, SERVERS, Round, middle, physalia
from conformance.links import Verdict
from conformance.traces.cell import split
from conformance.traces.recorded import read_all
from conformance.traces.replay import Replay
from physalia.client import AsyncClient
from physalia.colony import Processes, lay_out
from physalia.store import LIMITS
from physalia.tracing import FULL

SCHEMA_VERSION = 1
LARGE_BYTES = LIMITS.value_bytes
LARGE_CLIENTS = 8
LARGE_SECONDS = 1.0
"""The largest value is put by so many clients, each for so long: a trace is full at one gibibyte."""
FULL_LINE = json.dumps({"did": FULL}, separators=(",", ":")).encode() + b"\n"
WRITES = 6
"""Of a cell: six writes and a takeover make a hundred events."""


@frozen
class Cost:
    """The medians of rounds without traces, and with them, and how many bytes the traces took for a write."""

    plain: Round
    recorded: Round
    traced_bytes_per_operation: float

    @property
    def overhead(self) -> float:
        """How much more processor time recording takes."""
        return self.recorded.cpu_us_per_operation / self.plain.cpu_us_per_operation - 1


def overhead(seconds: float, rounds: int, clients: int, value_bytes: int = 0) -> Cost:
    """What so many rounds saw. Raises `AssertionError` if a trace became full: then it was recorded no more."""
    plain: list[Round] = []
    recorded: list[Round] = []
    traced: list[float] = []
    for number in range(rounds):
        sides = (plain, ""), (recorded, 'record = "traces"')
        for seen, extra in sides if number % 2 == 0 else reversed(sides):
            with tempfile.TemporaryDirectory(prefix="physalia-traces-") as folder:
                one = physalia(Path(folder), clients, seconds, "asyncio", extra=extra, value_bytes=value_bytes)
                seen.append(one)
                if extra:
                    traced.append(_traced_bytes(Path(folder)) / (one.operations_per_second * seconds + clients))
    return Cost(middle(plain), middle(recorded), median(traced))


def _traced_bytes(folder: Path) -> int:
    """How large the traces of a colony are, none of which is full."""
    traces = [*folder.rglob("*.jsonl")]
    for trace in traces:
        with trace.open("rb") as file:
            file.seek(max(0, trace.stat().st_size - len(FULL_LINE)))
            assert file.read() != FULL_LINE, f"{trace.name} is full: take fewer seconds"
    return sum(trace.stat().st_size for trace in traces)


def judged(cells: int) -> tuple[int, int, float]:
    """How many traces were judged and accepted, how many events they have, and the processor seconds that it took."""
    with tempfile.TemporaryDirectory(prefix="physalia-traces-") as name:
        folder = record(Path(name), cells)
        start = time.process_time()
        found = [Replay(trace).judge() for trace in split(read_all(folder)).values()]
        took_s = time.process_time() - start
    wrong = [one for one in found if one.verdict is not Verdict.HOLDS]
    if wrong:
        raise AssertionError(f"{wrong[0].verdict}: {wrong[0].title}")
    return len(found), sum(one.events for one in found), took_s


def record(folder: Path, cells: int) -> Path:
    """Let a colony record the birth of so many cells, and a few writes to each; return where the traces are."""
    colony = lay_out(folder / "colony", SERVERS, cells, extra='record = "traces"')
    processes = Processes(colony)

    async def write(client: AsyncClient, cell: int) -> None:
        for version in range(WRITES):
            verdict = await client.write(cell, version, "node-a", "node-b")
            assert verdict.done, "a write of the only writer failed"

    async def run() -> None:
        async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:
            for first in range(0, cells, 100):
                await asyncio.gather(*(write(client, cell) for cell in colony.cells[first : first + 100]))

    try:
        processes.start(*colony.settings)
        asyncio.run(run())
        processes.end(*colony.settings)
    finally:
        processes.kill_all()
    return colony.folder / "traces"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what recording costs, and how fast traces are judged.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="how long a round takes (2)")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how many rounds each (9)")
    parser.add_argument("--clients", type=int, default=64, metavar="N", help="how many clients (64)")
    parser.add_argument("--cells", type=int, default=1000, metavar="N", help="how many traces are judged (1000)")
    parser.add_argument("--value-bytes", type=int, default=LARGE_BYTES, metavar="B", help="a large value (32768)")
    options = parser.parse_args()
    if options.value_bytes > LARGE_BYTES:
        parser.error(f"a value has at most {LARGE_BYTES} bytes")
    if min(options.rounds, options.clients, options.cells, options.value_bytes) < 1 or options.seconds <= 0:
        parser.error("rounds, clients, cells, bytes and seconds are positive")
    small = overhead(options.seconds, options.rounds, options.clients)
    seconds, clients = min(LARGE_SECONDS, options.seconds), min(LARGE_CLIENTS, options.clients)
    large = overhead(seconds, options.rounds, clients, options.value_bytes)
    plain_us, recorded_us = small.plain.cpu_us_per_operation, small.recorded.cpu_us_per_operation
    traces, events, took_s = judged(options.cells)
    figures: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "traces": traces,
        "events_per_trace": round(events / traces, 1),
        "traces_per_minute": round(60 * traces / took_s),
        "cpu_us_per_operation": round(plain_us),
        "cpu_us_per_operation_recorded": round(recorded_us),
        "overhead": round(small.overhead, 3),
        "traced_bytes_per_operation": round(small.traced_bytes_per_operation),
        "operations_per_second": round(small.plain.operations_per_second),
        "operations_per_second_recorded": round(small.recorded.operations_per_second),
        "large_value_bytes": options.value_bytes,
        "cpu_us_per_operation_large": round(large.plain.cpu_us_per_operation),
        "cpu_us_per_operation_large_recorded": round(large.recorded.cpu_us_per_operation),
        "overhead_large": round(large.overhead, 3),
        "traced_bytes_per_operation_large": round(large.traced_bytes_per_operation),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    large_us, large_recorded_us = large.plain.cpu_us_per_operation, large.recorded.cpu_us_per_operation
    print(
        f"{figures['traces_per_minute']:,} traces of {figures['events_per_trace']} events are judged a minute; "
        f"recording takes {100 * figures['overhead']:.1f} % more of the servers' processor time, "
        f"{recorded_us:.0f} us a write instead of {plain_us:.0f}. With values of {options.value_bytes:,} bytes it "
        f"takes {100 * large.overhead:.1f} % more, {large_recorded_us:,.0f} us instead of {large_us:,.0f}, and "
        f"{large.traced_bytes_per_operation:,.0f} bytes of trace for each."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
