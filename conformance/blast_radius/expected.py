"""What is to be expected of a fleet, against the sum over every device and every pair, counted by definition."""

from collections.abc import Iterator, Mapping
from math import isclose

from conformance.refutation import Refuted
from physalia.blast_radius.expectation import expectation
from physalia.blast_radius.figures import down
from physalia.blast_radius.singles import Impact, Volumes
from physalia.placement.effort import Effort

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
    if total[0] > 0:
        yield "an expectation"
