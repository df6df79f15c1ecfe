"""Commits per second of the cell's core: all nodes in this process, every check of the core on, and nothing around it.

There is no codec, disk, socket or clock: a message is a value that goes to the back of one queue, whatever must be
durable is durable at once, and after every step the node is asked what is due, as any driver must. One client keeps
the pipeline full. A commit is a command that the client was answered; the rate by the clock on the wall is what
counts on a machine that does nothing else, the rate by CPU time says the same on one that does.

    python -m benchmarks.cell [--json] [--seconds S] [--nodes N ...] [--alpha A] [--profile]
"""

import argparse
import cProfile
import json
import math
import platform
import pstats
import sys
import time
from collections import deque
from typing import Any

from physalia.cell import Node
from physalia.model import Answer, Asked, Campaign, Event, NodeId, Receive, Reject, RequestId, Send, Submit, Write

SCHEMA_VERSION = 1
COMMITS_PER_CELL = 10_000
"""After so many commits the next cell begins: logs and votes are never truncated in this version."""


class Cell:
    """The nodes, what is under way between them, and a client that asks for one more whenever it is answered."""

    def __init__(self, size: int, alpha: int) -> None:
        self.nodes = {node: Node(node, range(1, size + 1), alpha) for node in range(1, size + 1)}
        self.queue: deque[tuple[NodeId, Event]] = deque()
        self.alpha = alpha
        self.commits = 0
        self.asked = 0
        self.rejected = 0
        self.queue.append((1, Campaign(self.nodes[1].next_ballot())))
        self.run()
        for _ in range(alpha):
            self.queue.append((1, Submit(self.command())))

    def command(self) -> Asked:
        """The client's next command: a write that succeeds if all before it did."""
        self.asked += 1
        return Write(RequestId("client", self.asked), self.asked - 1, "a", "b")

    def run(self, commits: float = math.inf) -> None:
        """Deliver until so many commits were answered in all, or until nothing is under way.

        To store and to flush costs nothing here.
        """
        queue, nodes = self.queue, self.nodes
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
                        queue.append((number, Submit(self.command())))
                    elif isinstance(effect, Reject):
                        self.rejected += 1
                due = node.due()

    def check(self) -> None:
        """What was answered is what every node knows, but for what is under way; or the figure means nothing."""
        assert not self.rejected, "the client of a pipeline that was never full was rejected"
        logs = [list(node.known) for node in self.nodes.values()]
        requests = [command.request.number for command in logs[0] if isinstance(command, Write)]
        assert requests == list(range(1, self.commits + 1)), "what was answered is not what was decided"
        assert all(log == logs[0][: len(log)] for log in logs), "two nodes know different decisions"
        assert min(map(len, logs)) >= self.commits - 2 * self.alpha, "a node is not told of decisions"


def measure(size: int, alpha: int, seconds: float) -> tuple[float, float]:
    """Commits a second by the clock on the wall, and by CPU time, of one new cell after the other."""
    commits = 0
    wall_s = cpu_s = 0.0
    while wall_s < seconds:
        cell = Cell(size, alpha)
        wall, cpu = time.perf_counter(), time.process_time()
        cell.run(COMMITS_PER_CELL)
        wall_s, cpu_s = wall_s + time.perf_counter() - wall, cpu_s + time.process_time() - cpu
        cell.check()
        commits += cell.commits
    return commits / wall_s, commits / cpu_s


def profile(size: int, alpha: int, commits: int) -> None:
    """Print where the time of so many commits goes. The profiler itself makes the run several times slower."""
    cell = Cell(size, alpha)
    with cProfile.Profile() as profiler:
        cell.run(commits)
    cell.check()
    print(f"{size} nodes, {commits:,} commits:")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> int:
    """Measure and print, or profile."""
    parser = argparse.ArgumentParser(description="Measure how many commits a second the cell's core makes.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="how long to measure each size (4)")
    parser.add_argument("--nodes", type=int, nargs="+", default=[3, 7], metavar="N", help="sizes of the cell (3 7)")
    parser.add_argument("--alpha", type=int, default=3, metavar="A", help="how many commands are under way (3)")
    parser.add_argument("--profile", action="store_true", help="print a profile of each size instead")
    options = parser.parse_args()
    if min(*options.nodes, options.alpha) < 1 or options.seconds <= 0:
        parser.error("sizes, alpha and seconds are positive")
    if options.profile:
        for size in options.nodes:
            profile(size, options.alpha, COMMITS_PER_CELL)
        return 0
    figures: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "alpha": options.alpha}
    for size in options.nodes:
        wall, cpu = measure(size, options.alpha, options.seconds)
        figures[f"commits_per_second_{size}"] = round(wall)
        figures[f"commits_per_cpu_second_{size}"] = round(cpu)
        if not options.json:
            print(f"{size} nodes: {wall:,.0f} commits a second, {cpu:,.0f} a second of CPU time.")
    figures["python"] = f"{platform.python_implementation()} {platform.python_version()}"
    if options.json:
        print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
