"""When which device fails and returns: drawn before anything else happens, so that every store meets the same failures.

A device fails as a Poisson process while it is up, and is down for an exponential time: each begins up. Links do not
fail here: nobody has published a figure for them that could be put beside those of switches.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from physalia.fleet.sites import Site
from physalia.zone.draws import random
from physalia.zone.errors import BadScenario
from physalia.zone.scenario import HOURS_A_YEAR, KINDS, Kind, Scenario


@frozen(order=True)
class Change:
    """At this hour a device fails, or returns."""

    at_hours: float
    device: str
    fails: bool


def devices_of(site: Site) -> Mapping[Kind, Sequence[str]]:
    """The devices of each kind, in the order of the topology."""
    topology = site.topology
    tiers: Mapping[str, Kind] = {"rack": "top-of-rack", "aggregation": "aggregation", "core": "core"}
    found: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    found["server"] += topology.servers
    found["rack"] += topology.racks
    for power in topology.powers.values():
        found[power.kind].append(power.name)
    for switch in topology.switches.values():
        found[tiers[switch.tier]].append(switch.name)
    return found


def changes(site: Site, scenario: Scenario, hours: float, seed: int) -> list[Change]:
    """Everything that fails and returns in so many hours, in order; BadScenario if more fail than there are."""
    found: list[Change] = []
    kinds = devices_of(site)
    for kind, devices in kinds.items():
        failing = scenario.failures[kind]
        if not failing.per_year:
            continue
        mean_up = HOURS_A_YEAR / failing.per_year
        for device in devices:
            source, now = random(seed, "fails", device), 0.0
            while (now := now + source.expovariate(1 / mean_up)) < hours:
                found.append(Change(now, device, fails=True))
                now += source.expovariate(1 / failing.repair_hours)
                if now < hours:
                    found.append(Change(now, device, fails=False))
    for at, event in enumerate(scenario.events, start=1):
        devices = kinds[event.kind]
        if event.count > len(devices):
            raise BadScenario(
                f"{scenario.where}: event {at} fails {event.count:,} devices of kind {event.kind}, but "
                f"{site.topology.where} has {len(devices):,}."
            )
        for device in random(seed, "event", at).sample(devices, event.count):
            found.append(Change(event.at_hours, device, fails=True))
            found.append(Change(event.at_hours + event.for_hours, device, fails=False))
    return sorted(one for one in found if one.at_hours < hours)
