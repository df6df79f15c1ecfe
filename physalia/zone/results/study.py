"""What the jobs came to together: plain data, for `--json`, for the lines that people read, and for the pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict

from physalia.zone import bands, placing, routers, storm
from physalia.zone.life import BINS, Store
from physalia.zone.plan import Plan, Result
from physalia.zone.scenario import HOURS_A_YEAR

COUNTED = ("blast_entered", "writes", "writes_in_busiest_minute", "mirrored", "resynced", "without_room", "repaired",
           "moved", "without_place", "without_majority")  # fmt: skip
STORM_COUNTED = ("most_requests_per_second", "least_api_answered", "hours_with_api_below_99", "most_without_room",
                 "least_free")  # fmt: skip


def document(plan: Plan, results: Mapping[str, Result]) -> dict[str, Any]:
    """The whole study."""
    by_part: dict[str, list[Result]] = {}
    for job in plan.jobs:
        by_part.setdefault(job.part, []).append(results[job.key])
    return {
        "complete": True,
        "seed": plan.seed,
        "runs": plan.runs,
        "days": plan.hours / 24,
        "servers": len(plan.site.names),
        "volumes": len(plan.fleet),
        "cell_size": plan.rules.policy.cell_size,
        "scenario": plan.scenario.document(),
        "stores": [_store(plan, store, results) for store in Store],
        "sizes": by_part["sizes"],
        "placing": by_part["placing"],
        "routers": {
            **by_part["routers"][0],
            "routers": len(by_part["routers"][0]["rows"]) - 1,
            "peak": float(routers.PEAK),
        },
        "storm": [_storm(plan, regime, results) for regime in storm.Regime],
    }


def _store(plan: Plan, store: Store, results: Mapping[str, Result]) -> dict[str, Any]:
    runs = [results[f"life/{store}/{run}"] for run in range(plan.runs)]
    volume_years = len(plan.fleet) * plan.hours / HOURS_A_YEAR
    hours = {
        name: _band([one["hours"][name] / volume_years for one in runs])
        for name in ("solo", "blast", "cut", "down")
    }  # fmt: skip
    worst = {
        name: [max(one["worst"][name][at] for one in runs) for at in range(BINS)] for name in ("solo", "blast", "cut")
    }
    return {
        "store": str(store),
        "hours_per_volume_year": {
            **hours, "unserved": _band([one["unserved_hours"] / volume_years for one in runs])
        },
        "blast_at_once": max(one["blast_at_once"] for one in runs),
        **{name: _band([one[name] for one in runs]) for name in COUNTED},
        "seeds": [one["seed"] for one in runs],
        "worst": worst,
    }  # fmt: skip


def _storm(plan: Plan, regime: storm.Regime, results: Mapping[str, Result]) -> dict[str, Any]:
    runs = [results[f"storm/{regime}/{run}"] for run in range(plan.runs)]
    ended = [one["mirrored_after_hours"] for one in runs]
    return {
        "regime": str(regime),
        "struck": runs[0]["struck"],
        "mirrored_after_hours": None if None in ended else _band(ended),
        **{name: _band([one[name] for one in runs]) for name in STORM_COUNTED},
        "series": runs[0]["series"],
    }  # fmt: skip


def gains(found: Mapping[str, Any]) -> tuple[float, float]:
    """Figure 11 in two numbers: how many times less often an instance loses a cell placed by swaps, and by greed."""
    gain = {placing.Way.SWAPS: 0.0, placing.Way.GREEDY: 0.0}
    for one in found["placing"]:
        for row in one["rows"]:
            if row["lost_to"] == "instance":
                for way, most in gain.items():
                    gain[way] = max(most, row["lost"][placing.Way.POINT] / row["lost"][way])
    return gain[placing.Way.SWAPS], gain[placing.Way.GREEDY]


def _band(values: Sequence[float]) -> dict[str, float | None]:
    """A mean with its band, which ends at nought since none of this is below; of one run there is no band."""
    found = asdict(bands.mean(values))
    found["low"] = max(0.0, found["low"])
    return found if len(values) > 1 else {**found, "low": None, "high": None}
