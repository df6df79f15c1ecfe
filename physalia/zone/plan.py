"""What is to be simulated, cut into jobs that know nothing of each other, each with randomness of its own."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from attrs import asdict, frozen

from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import place
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import Policy, to_document
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.topology import Topology
from physalia.zone import placing, routers, sizes, storm
from physalia.zone.devices import changes
from physalia.zone.draws import random
from physalia.zone.errors import BadScenario
from physalia.zone.life import Store, begun, lived
from physalia.zone.scenario import Scenario

VERSION: Final = 1
"""Results of another version are not resumed: raise it when the same job comes to something else."""

ROUTERS, ROUTER_VOLUMES, ROUTER_RUNS = 27, 1000, 40
PLACED_VOLUMES: Final = 60
DRAWS: Final = 2000
HISTORY_HOURS: Final = 8760.0
FAST_DISKS: Final = sizes.Disks(per_year=0.5, hours=1000.0)
"""Disks that are bad enough for losses to be seen in a few thousand histories."""

Result = Mapping[str, Any]


@frozen
class Job:
    """One piece of work: which part of the study it belongs to, what of that it is, and its number among the runs."""

    part: str
    of: str
    run: int

    @property
    def key(self) -> str:
        """What it is called in a file of results."""
        return f"{self.part}/{self.of}/{self.run}"


@frozen(kw_only=True, eq=False)
class Plan:
    """Everything that the results depend on."""

    scenario: Scenario
    site: Site
    rules: Rules
    fleet: Fleet
    hours: float
    runs: int
    seed: int

    @property
    def jobs(self) -> list[Job]:
        """The jobs, in the order in which their results are put together."""
        found = [Job("sizes", str(size), 0) for size in sizes.SIZES]
        found += [
            Job("placing", f"{size} nodes, {per_row} a row", 0) for per_row in (1, 2) for size in placing.CELL_SIZES
        ]
        found.append(Job("routers", str(ROUTERS), 0))
        found += [Job("storm", regime, run) for regime in storm.Regime for run in range(self.runs)]
        found += [Job("life", store, run) for store in Store for run in range(self.runs)]
        return found

    @property
    def digest(self) -> str:
        """What tells this plan from any other: the SHA-256 of everything that the results depend on."""
        said = json.dumps(
            {
                "version": VERSION,
                "scenario": self.scenario.document(),
                "topology": _plain(self.site.topology),
                "policy": to_document(self.rules.policy),
                "hours": self.hours,
                "runs": self.runs,
                "seed": self.seed,
            },
            sort_keys=True,
        )
        cells = self.fleet.clients.tobytes() + self.fleet.cells.tobytes()
        return hashlib.sha256(said.encode() + cells).hexdigest()

    def check(self) -> None:
        """BadScenario if there is nothing to simulate, or more fails than there is."""
        if not len(self.fleet):
            raise BadScenario(f"{self.scenario.where}: there is no volume whose cell has a place.")
        copies = 2 * len(self.fleet)
        room = self.scenario.mirroring.copies_per_server * len(self.site.names)
        if copies > room:
            raise BadScenario(
                f"{self.scenario.where}: mirroring: {copies:,} copies of {len(self.fleet):,} volumes do not fit on "
                f"{len(self.site.names):,} servers with room for {self.scenario.mirroring.copies_per_server} each."
            )
        changes(self.site, self.scenario, self.hours, self.seed)

    def perform(self, job: Job, told: Callable[[], None]) -> Result:
        """Do one job; ``told`` hears now and then that it goes on."""
        match job.part:
            case "sizes":
                return size_told(int(job.of), self.seed)
            case "placing":
                size, _, rest = job.of.partition(" nodes, ")
                per_row = int(rest.partition(" ")[0])
                source = random(self.seed, "placing", job.of)
                found = placing.compared(per_row, int(size), PLACED_VOLUMES, source)
                return {
                    "cell_size": int(size), "aggregation_per_row": per_row, "rows": placing.told(found, per_row),
                }  # fmt: skip
            case "routers":
                calls = routers.curve(
                    ROUTERS, ROUTER_VOLUMES, max(ROUTER_RUNS, self.runs), random(self.seed, "routers")
                )
                rows = [{"failed": one.failed, "exact": float(one.exact), "seen": asdict(one.seen)} for one in calls]
                return {"rows": rows}
            case "storm":
                regime = storm.Regime(job.of)
                return storm.storm(self.scenario.storm, regime, random(self.seed, "storm", job.run))
            case _:
                return self._life(Store(job.of), job.run, told)

    def _life(self, store: Store, run: int, told: Callable[[], None]) -> Result:
        seed = int(random(self.seed, "life", run).getrandbits(48))
        life = begun(self.site, self.rules, self.fleet, self.scenario, store, self.hours, seed)
        life.run(told)
        return {"seed": seed, **lived(life)}


def generated(scenario: Scenario, policy: Policy, seed: int, effort: Effort) -> tuple[Site, Rules, Fleet]:
    """The site of a scenario, with its volumes placed; a volume that found no place is left out."""
    ground = scenario.site
    topology = generate(
        Fabric(
            servers=ground.servers, servers_per_rack=ground.servers_per_rack, racks_per_row=ground.racks_per_row,
            capacity=ground.capacity, fill=0.0, full=0.0, drained=0.0, cells=0, seed=seed,
        )
    )  # fmt: skip
    site = Site.of(topology)
    rules = Rules.of(site, policy)
    fleet = place(site, rules, Fleet.unplaced(made_up(site, ground.volumes, seed), policy.cell_size), effort)
    return site, rules, whole(fleet)


def whole(fleet: Fleet) -> Fleet:
    """The volumes that have a cell, a primary and a replica."""
    kept = fleet.placed & (fleet.clients >= 0).all(axis=1)
    return Fleet(fleet.clients[kept], fleet.cells[kept])


def size_told(size: int, seed: int) -> Result:
    """Cells of one size: how available, durable, fast and dear they are; each closed form beside what is seen."""
    source = random(seed, "sizes", size)
    needed = sizes.majority(size)
    published = sizes.Disks(per_year=0.02, hours=6.0)
    pair = published.hours_to_loss(sizes.COPIES, 1)
    within = sizes.latency(size, 0.99)
    return {
        "size": size,
        "available": [
            {
                "failed": failed,
                "exact": sizes.available(size, failed),
                "seen": asdict(sizes.availability_seen(size, failed, DRAWS, source)),
            }
            for failed in sizes.FAILED
        ],
        "durability": {
            "disk_failures_per_year": published.per_year,
            "replaced_within_hours": published.hours,
            "times_two_copies": published.hours_to_loss(size, needed) / pair,
            "bad_disks_lost_in_a_year": FAST_DISKS.lost_within(size, needed, HISTORY_HOURS),
            "bad_disks_seen": asdict(FAST_DISKS.lost_seen(size, needed, HISTORY_HOURS, DRAWS, source)),
        },
        "latency": {
            "p50": sizes.latency(size, 0.5),
            "p99": within,
            "p999": sizes.latency(size, 0.999),
            "share_within_p99_seen": asdict(sizes.latency_seen(size, within, DRAWS, source)),
        },
        "messages_per_commit": sizes.messages(size),
    }


def _plain(topology: Topology) -> Any:
    parts = attrs.asdict(topology, filter=lambda attribute, _: attribute.name not in {"file", "file_digest", "cells"})
    return json.loads(json.dumps(parts, default=list))
