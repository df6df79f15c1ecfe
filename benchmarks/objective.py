"""Does the order of the objective pay? Mean unavailability over clients, against hops alone and against chance.

On a shipped example, for each of 40 clients: the best placement with spread before hops (the shipped policy), the best
by hops alone (the same rules, nothing to spread over), and a random cell that keeps the rules. The unavailability is
exact, P(no majority reachable | instance up).

    python -m benchmarks.objective [--json] [--clients N] [--seed N] [--example NAME]
"""

import argparse
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from attrs import evolve, frozen

from physalia.placement.availability.estimator import Estimator
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.policy import Policy, default
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.shipped import example
from physalia.placement.site.topology import Topology
from physalia.placement.solver.answer import query

SCHEMA_VERSION = 1
OURS, HOPS, CHANCE = "spread before hops", "hops only", "random"
MOST_TRIES = 10_000


@frozen
class Trial:
    """One client's cell under one objective."""

    hops: int
    unavailability: float


def trials(topology: Topology, clients: int, seed: int) -> Iterator[dict[str, Trial]]:
    """For so many clients, their cells under every objective."""
    random, estimator, policy = Random(seed), Estimator(topology), default()  # noqa: S311  # repeatable, no secret
    for client in random.sample(list(topology.servers), clients):
        cells = {
            OURS: query(topology, policy, Query(client)).servers,
            HOPS: query(topology, evolve(policy, spread=()), Query(client)).servers,
            CHANCE: by_chance(topology, policy, client, random),
        }
        judge = Judge.of(topology, policy, Query(client))
        found = {}
        for name, cell in cells.items():
            cost = judge.cost(cell)
            assert cost is not None, f"the cell of {client} by {name} is out of reach"
            found[name] = Trial(cost.hops, estimator.of(client, cell).unavailability)
        yield found


def by_chance(topology: Topology, policy: Policy, client: str, random: Random) -> tuple[str, ...]:
    """A random cell of one colour that keeps every rule."""
    judge = Judge.of(topology, policy, Query(client))
    colors: dict[str, list[str]] = {}
    for server in topology.servers.values():
        colors.setdefault(server.color, []).append(server.name)
    for _ in range(MOST_TRIES):
        cell = random.sample(colors[random.choice(sorted(colors))], policy.cell_size)
        if not judge.broken(sorted(cell)):
            return tuple(sorted(cell))
    raise SystemExit(f"no legal cell for {client} in {MOST_TRIES:,} random ones.")


def summary(found: list[dict[str, Trial]]) -> list[dict[str, Any]]:
    """A row for each objective: means, the gain over hops alone, and the worst trial against it."""
    rows = []
    base = sum(trial[HOPS].unavailability for trial in found)
    for name in (OURS, HOPS, CHANCE):
        total = sum(trial[name].unavailability for trial in found)
        rows.append(
            {
                "objective": name,
                "mean_hops": sum(trial[name].hops for trial in found) / len(found),
                "mean_unavailability": total / len(found),
                "gain": base / total,
                "worst_trial": min(trial[HOPS].unavailability / trial[name].unavailability for trial in found),
            }
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compare objectives by the availability that they lead to.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--clients", type=int, default=40, metavar="N", help="how many clients (40)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the clients and of chance (0)")
    parser.add_argument("--example", default="single-fed.json", metavar="NAME", help="a shipped topology")
    options = parser.parse_args()
    topology = files.read(example(options.example))
    rows = summary(list(trials(topology, options.clients, options.seed)))
    if options.json:
        told = {"schema_version": SCHEMA_VERSION, "topology": topology.name, "clients": options.clients}
        print(json.dumps({**told, "seed": options.seed, "objectives": rows}, indent=2))
        return
    print("| objective | mean hops | mean unavailability | gain | worst trial |\n|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['objective']} | {row['mean_hops']:.1f} | {row['mean_unavailability']:.2e} | {row['gain']:.2f} "
            f"| {row['worst_trial']:.2f} |"
        )


if __name__ == "__main__":
    main()
