"""Commits per second of the cell's core: all nodes in this process, every check of the core on, and nothing around it.

There is no codec, disk, socket or clock: a message is a value that goes to the back of one queue, whatever must be
durable is durable at once, and after every step the node is asked what is due, as any driver must. Python looks for
objects that nobody uses as rarely as it does in a server. One client keeps the pipeline full. A commit is a command
that the client was answered; the rate by the clock on the wall is what counts on a machine that does nothing else, the
rate by CPU time says the same on one that does.

Three loads: bare commands, which are writes of the one record that the models know; transactions of the store, each
in a session of its own, with a condition, a change and a reply that its client may ask for again; and reads that take
no slot of the log, in rounds. All are measured in turns in the same run: a read that has a round for itself is to cost
half as much processor time as a write, at most; one of a hundred that share rounds costs far less.

The curves show what the next command costs a single node when its store has from 10^2 to 10^5 keys, sessions or
slots behind it; where that is what grows, the next command makes one more.

    python -m benchmarks.cell [--json] [--seconds S] [--nodes N ...] [--alpha A] [--profile | --million]
"""

import argparse
import cProfile
import gc
import json
import math
import platform
import pstats
import sys
import time
from collections import deque
from typing import Any

from attrs import define

from benchmarks import million
from benchmarks.growth import curves
from benchmarks.loads import Bare, Load, Transactions
from physalia.cell import Node
from physalia.model import Answer, Campaign, Event, Found, NodeId, Query, Receive, Reject, RequestId, Send, Submit
from physalia.server.starting import YOUNG_OBJECTS

SCHEMA_VERSION = 1
COMMITS_PER_CELL = 10_000
"""After so many commits the next cell begins: nothing is truncated here, which `--million` does."""


READS_PER_CELL = 10_000
READERS = (1, 100)
"""So many clients who read, and share the rounds: with one, each read is a round."""


class Cell:
    """The nodes, what is under way between them, and clients that ask for one more whenever they are answered."""

    def __init__(self, size: int, alpha: int, load: Load) -> None:
        self.nodes = {node: Node(node, range(1, size + 1), alpha) for node in range(1, size + 1)}
        self.queue: deque[tuple[NodeId, Event]] = deque()
        self.alpha = alpha
        self.commits = 0
        self.rejected = 0
        self.load = load
        self.queue.append((1, Campaign(self.nodes[1].next_ballot())))
        self.run()
        self.reads = 0
        self.queue += [(1, Submit(command)) for command in load.first(alpha)]

    def run(self, commits: float = math.inf) -> None:
        """Deliver until so many commits were answered in all, or until nothing is under way.

        To store and to flush costs nothing here.
        """
        queue, nodes, load = self.queue, self.nodes, self.load
        while queue and self.commits < commits:
            number, event = queue.popleft()
            node = nodes[number]
            due: tuple[Event, ...] = (event,)
            while due:
                for effect in node.step(due[0]).effects:
                    if isinstance(effect, Send):
                        queue.append((effect.to, Receive(number, effect.message)))
                    elif isinstance(effect, Answer):
                        self.commits += 1
                        queue.append((number, Submit(load.next(effect.request, effect.verdict))))
                    elif isinstance(effect, Reject):
                        self.rejected += 1
                due = node.due()

    def settle(self) -> None:
        """Deliver what is under way, and let nobody ask for more."""
        queue = self.queue
        while queue:
            number, event = queue.popleft()
            if isinstance(event, Submit):
                continue
            node = self.nodes[number]
            due: tuple[Event, ...] = (event,)
            while due:
                for effect in node.step(due[0]).effects:
                    if isinstance(effect, Send):
                        queue.append((effect.to, Receive(number, effect.message)))
                    elif isinstance(effect, Answer):
                        self.commits += 1
                due = node.due()

    def read(self, readers: int, reads: int) -> None:
        """Let so many clients read, each again when it is answered, until so many reads were answered in all."""
        queue, nodes = self.queue, self.nodes
        queue += [(1, Query(RequestId("reader", number))) for number in range(1, readers + 1)]
        while queue and self.reads < reads:
            number, event = queue.popleft()
            node = nodes[number]
            due: tuple[Event, ...] = (event,)
            while due:
                for effect in node.step(due[0]).effects:
                    if isinstance(effect, Send):
                        queue.append((effect.to, Receive(number, effect.message)))
                    elif isinstance(effect, Found):
                        assert effect.slot == self.commits, "a read leaves out what was answered before it arrived"
                        self.reads += 1
                        queue.append((number, Query(effect.request)))
                    elif isinstance(effect, Reject):
                        self.rejected += 1
                due = node.due()
        queue.clear()

    def check(self) -> None:
        """What was answered is what every node knows, but for what is under way; or the figure means nothing."""
        assert not self.rejected, "the client of a pipeline that was never full was rejected"
        logs = [list(node.known) for node in self.nodes.values()]
        assert len(logs[0]) == self.commits, "what was answered is not what was decided"
        self.load.check(logs[0])
        assert all(log == logs[0][: len(log)] for log in logs), "two nodes know different decisions"
        assert min(map(len, logs)) >= self.commits - 2 * self.alpha, "a node is not told of decisions"


@define
class Rate:
    """Commits, and the seconds that they took."""

    commits: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def add_reads(self, cell: Cell, readers: int) -> None:
        """Let a cell whose clients have written and are answered serve reads."""
        wall, cpu = time.perf_counter(), time.process_time()
        cell.read(readers, READS_PER_CELL)
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu
        assert not cell.rejected, "a reader of a leader was rejected"
        assert cell.reads >= READS_PER_CELL, "reads wait for ever"
        self.commits += cell.reads

    def add(self, cell: Cell) -> None:
        """Run a new cell to its end."""
        wall, cpu = time.perf_counter(), time.process_time()
        cell.run(COMMITS_PER_CELL)
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu
        cell.check()
        self.commits += cell.commits


def measure(size: int, alpha: int, seconds: float) -> dict[str, Rate]:
    """The rates of bare commands, of transactions and of reads, of one new cell after the other, in turns."""
    rates = {"commits": Rate(), "transactions": Rate(), **{f"reads_of_{readers}": Rate() for readers in READERS}}
    while sum(rate.wall_s for rate in rates.values()) < (2 + len(READERS)) * seconds:
        rates["commits"].add(Cell(size, alpha, Bare()))
        rates["transactions"].add(Cell(size, alpha, Transactions()))
        for readers in READERS:
            rates[f"reads_of_{readers}"].add_reads(quiet(size, alpha), readers)
    return rates


def quiet(size: int, alpha: int) -> Cell:
    """A cell in which some commands are decided, and nobody asks for more."""
    cell = Cell(size, alpha, Bare())
    cell.run(alpha)
    cell.settle()
    return cell


def profile(size: int, alpha: int, commits: int, load: Load) -> None:
    """Print where the time of so many commits goes. The profiler itself makes the run several times slower."""
    cell = Cell(size, alpha, load)
    with cProfile.Profile() as profiler:
        cell.run(commits)
    cell.check()
    print(f"{size} nodes, {commits:,} commits:")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def _print_million(as_json: bool) -> None:  # of two ways to print
    found = million.figures(1_000_000)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, **found}, indent=2))
        return
    for what, figure in found.items():
        print(f"{what}: {figure}")


def main() -> int:
    """Measure and print, or profile."""
    parser = argparse.ArgumentParser(
        description="Measure how many commits and transactions a second the cell's core makes."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="how long to measure each size (4)")
    parser.add_argument("--nodes", type=int, nargs="+", default=[3, 7], metavar="N", help="sizes of the cell (3 7)")
    parser.add_argument("--alpha", type=int, default=3, metavar="A", help="how many commands are under way (3)")
    parser.add_argument("--million", action="store_true", help="a million commands through a cell that forgets instead")
    parser.add_argument("--profile", action="store_true", help="print a profile of each size instead")
    options = parser.parse_args()
    if min(*options.nodes, options.alpha) < 1 or options.seconds <= 0:
        parser.error("sizes, alpha and seconds are positive")
    if options.million:
        _print_million(options.json)
        return 0
    if options.profile:
        for size in options.nodes:
            for load in (Bare(), Transactions()):
                profile(size, options.alpha, COMMITS_PER_CELL, load)
        return 0
    figures: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "alpha": options.alpha}
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    for size in options.nodes:
        rates = measure(size, options.alpha, options.seconds)
        for name, rate in rates.items():
            wall, cpu = rate.commits / rate.wall_s, rate.commits / rate.cpu_s
            figures[f"{name}_per_second_{size}"] = round(wall)
            figures[f"{name}_per_cpu_second_{size}"] = round(cpu)
            if not options.json:
                print(f"{size} nodes: {wall:,.0f} {name} a second, {cpu:,.0f} a second of CPU time.")
        commits, transactions, *reads = (rate.commits / rate.cpu_s for rate in rates.values())
        figures[f"transactions_to_commits_{size}"] = round(transactions / commits, 3)
        for readers, per_second in zip(READERS, reads, strict=True):
            figures[f"read_of_{readers}_to_write_{size}"] = round(commits / per_second, 3)
    for name, curve in curves().items():
        figures[name] = curve
        if not options.json:
            print(f"{name}: {', '.join(f'{cost:.1f} us at {size}' for size, cost in curve.items())}.")
    figures["python"] = f"{platform.python_implementation()} {platform.python_version()}"
    if options.json:
        print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
