"""What is to be expected of a fleet, against the sum over every device and every pair, counted by definition."""

from collections.abc import Iterator, Mapping
from math import isclose

from conformance.refutation import Refuted
from physalia.blast_radius.expectation import Expectation, expectation
from physalia.blast_radius.figures import down
from physalia.blast_radius.singles import Impact, Volumes
from physalia.placement.effort import Effort
from physalia.placement.site.topology import Topology

CLOSE = 1e-9
"""Relative error of a sum of some thousand products."""


def judge_expectation(
    volumes: Volumes, alone: Mapping[str, Impact], both: Mapping[tuple[str, str], Impact]
) -> Iterator[str]:  # fmt: skip
    """The sum, and each device's part of it; Refuted if they are others. Marks of what was seen."""
    share = {device: down(volumes.site.topology, device) for device in alone}
    part = {device: share[device] * one.unserved for device, one in alone.items()}
    total = [sum(part.values()), sum(share[device] * one.blast for device, one in alone.items())]
    for (one, other), found in both.items():
        likely = share[one] * share[other]
        more = likely * (found.unserved - alone[one].unserved - alone[other].unserved)
        total[0] += more
        total[1] += likely * (found.blast - alone[one].blast - alone[other].blast)
        part[one], part[other] = part[one] + more, part[other] + more
    told = expectation(volumes, Effort())
    for what, counted, real in zip(("unserved", "in blast"), told.at_any_moment, total, strict=True):
        if not isclose(counted, real, rel_tol=CLOSE, abs_tol=CLOSE * CLOSE):
            raise Refuted(f"{real} volumes are to be expected {what}, and the answer is {counted}")
    listed = dict(told.first)
    for device, real in part.items():
        if not isclose(max(0.0, listed.get(device, 0.0)), max(0.0, real), rel_tol=CLOSE, abs_tol=CLOSE * max(total)):
            raise Refuted(f"the part of {device} in that is {real}, and the answer is {listed.get(device)}")
    _judge_events(told, volumes.site.topology, share, alone, both)
    if total[0] > 0:
        yield "an expectation"


def _judge_events(
    told: Expectation, topology: Topology, share: Mapping[str, float], alone: Mapping[str, Impact],
    both: Mapping[tuple[str, str], Impact],
) -> None:  # fmt: skip
    """What is to be expected while a device is down for sure: in the mean over what an event strikes, and at worst."""
    given = {device: [float(one.unserved), float(one.blast)] for device, one in alone.items()}
    for (one, other), found in both.items():
        for down_for_sure, beside in ((one, other), (other, one)):
            known = alone[down_for_sure]
            given[down_for_sure][0] += share[beside] * (found.unserved - known.unserved)
            given[down_for_sure][1] += share[beside] * (found.blast - known.blast)
    above = [name for name, one in topology.switches.items() if one.tier != "rack"]
    for event, struck in (("gray", list(topology.racks)), ("maintenance", above)):
        answers = [one for one in told.struck if one.event.name == event]
        if len(answers) != bool(struck):
            raise Refuted(f"of {len(struck)} that {event} may strike there are {len(answers)} answers")
        for answer in answers:
            for at, what in enumerate(("unserved", "in blast")):
                real = [given[device][at] for device in struck]
                wanted = sum(real) / len(real), max(real)
                got = answer.mean[at], answer.worst[at]
                if not all(isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE) for a, b in zip(got, wanted, strict=True)):
                    raise Refuted(f"{event} leaves {wanted} volumes {what} in the mean and at worst: told are {got}")
