"""Shrinking: the fewest events that still refute the code.

Events are left out, in ever smaller runs of them, as long as something is still refuted (delta debugging). Because an
event that cannot happen is skipped, any part of a scenario is a scenario.
"""

from collections.abc import Sequence
from time import monotonic

from attrs import frozen

from conformance.lockstep.play import play
from conformance.refutation import Refuted
from conformance.world.scenario import Happening, Scenario
from conformance.world.world import MakeNode


@frozen
class Finding:
    """A scenario, and what it refutes."""

    scenario: Scenario
    refuted: Refuted


def shrink(finding: Finding, make_node: MakeNode, budget_s: float) -> Finding:
    """The smallest finding that leaving out events leads to within `budget_s` seconds; at worst the one given."""
    deadline = monotonic() + budget_s
    chunk = max(1, len(finding.scenario.happenings) // 2)
    while True:
        smaller = _without_chunks(finding, chunk, make_node, deadline)
        progressed = len(smaller.scenario.happenings) < len(finding.scenario.happenings)
        finding = smaller
        if monotonic() > deadline or (chunk == 1 and not progressed):
            return finding
        chunk = max(1, chunk // 2)


def _without_chunks(finding: Finding, chunk: int, make_node: MakeNode, deadline: float) -> Finding:
    """Try to do without each run of `chunk` events, from the last to the first."""
    end = len(finding.scenario.happenings)
    while end > 0 and monotonic() < deadline:
        happenings = finding.scenario.happenings
        end = min(end, len(happenings))
        start = max(0, end - chunk)
        found = _refute(finding, (*happenings[:start], *happenings[end:]), make_node)
        if found is not None:
            finding = found
        end = start
    return finding


def _refute(finding: Finding, happenings: Sequence[Happening], make_node: MakeNode) -> Finding | None:
    scenario, refuted = play(finding.scenario.setup, happenings, make_node)
    if refuted is None or len(scenario.happenings) >= len(finding.scenario.happenings):
        return None
    return Finding(scenario, refuted)
