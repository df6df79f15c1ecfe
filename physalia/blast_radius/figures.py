"""How often things fail, as others published it, and what of that is assumed here. The sources are in `SOURCES`.

A figure is the share of time that a device is down. What the topology says of a device or of its kind goes before it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from physalia.placement.site.topology import DEFAULT_PROBABILITY, Topology

SOURCES: Final = MappingProxyType({
    "Dean 2010": "Jeffrey Dean, Building Software Systems at Google and Lessons Learned, talk at Stanford, 2010",
    "Gill 2011": "Gill, Jain and Nagappan, Understanding Network Failures in Data Centers, SIGCOMM 2011",
    "Singh 2021": "Singh et al., Surviving switch failures in cloud datacenters, ACM CCR 2021",
})  # fmt: skip

PUBLISHED: Final[Mapping[str, tuple[float, str]]] = MappingProxyType({
    "server": (3.4e-4, "Dean 2010: some 1,000 failures a year in a cluster; assumed: 2,000 machines, 6 h to repair"),
    "rack": (1.9e-4, "Dean 2010: some 20 a year in a cluster, 1 to 6 h; assumed: the middle of 1.2e-4 to 2.7e-4"),
    "pdu": (2.1e-4, "Dean 2010: about one a year in a cluster, some 6 h; assumed: the middle of 1.3e-4 to 2.9e-4"),
    "rack switch": (2.9e-5, "Gill 2011 and Singh 2021: 5 % fail in a year; assumed: the more careful of both"),
    "aggregation switch": (5.7e-5, "Gill 2011: 10 % fail in a year; assumed: the longest of their repairs"),
})  # fmt: skip
"""Shares of time; for all other kinds nobody published one, and those of `DEFAULT_PROBABILITY` are assumed."""


@frozen
class Event:
    """Something that is no failure of single devices by chance: what it strikes, and how often in a cluster's year."""

    name: str
    strikes: str
    a_year: float
    source: str


GRAY: Final = Event(
    "gray", "rack", 5.0,
    "Dean 2010: some 5 racks a year lose half of the packets; assumed: no better than a rack that is down",
)  # fmt: skip
MAINTENANCE: Final = Event(
    "maintenance", "switch", 4.0,
    "Dean 2010: 8 network maintenances a year, 4 with 30 minutes of random loss; assumed: a switch that is down",
)  # fmt: skip
HEAT: Final = Event(
    "heat", "site", 0.5,
    "Dean 2010: overheating, 0.5 a year, most machines off within 5 minutes and back in 1 to 2 days; assumed: machines "
    "go one after the other, in any order, and nothing else fails",
)  # fmt: skip


def down(topology: Topology, device: str) -> float:
    """The share of time that a device is down: as the topology says, else as published, else as assumed."""
    kind = topology.kind_of(device)
    if device in topology.device_probability or kind in topology.probability:
        return topology.failure_probability(device)
    switch = topology.switches.get(device)
    role = kind if switch is None else f"{switch.tier} switch"
    return PUBLISHED[role][0] if role in PUBLISHED else DEFAULT_PROBABILITY[kind]
