"""Drivers that break R15 or R16 are refuted in a story that shows how, and refutes them again when it is replayed."""

from collections.abc import Callable

import pytest

from conformance.judges.coverage import Coverage
from conformance.lockstep.drive import drive
from conformance.lockstep.play import play
from conformance.lockstep.replay import lines
from conformance.lockstep.shrink import Budget, Finding, shrink
from conformance.world.disk import Disk
from conformance.world.outcomes import Outcome, Trouble
from conformance.world.scenario import read_scenario
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.cell import Border, Node
from physalia.model import Action, Envelope, NodeId, Receive

Patch = pytest.MonkeyPatch


def sends_after_a_failed_flush(patch: Patch) -> None:
    end = World._end

    def sends(self: World, node: NodeId, keep: int, trouble: Trouble) -> tuple[Outcome, ...]:
        if trouble == "failed flush":
            self.in_flight += self.queues[node][0].packets
        return end(self, node, keep, trouble)

    patch.setattr(World, "_end", sends)


def goes_on_after_a_refusal(patch: Patch) -> None:
    def goes_on(self: World, node: NodeId) -> Outcome:
        self._must_wait(node)
        self.queues[node].clear()
        self.disks[node].crash(self.disks[node].survivors(0)[0])
        kept = len(self.disks[node].flushed.known)
        return Outcome(node, None, Action("crash", (node, kept)), durable=self.durable(node), trouble="full disk")

    patch.setattr(World, "_refuse", goes_on)


def is_full_for_ever(patch: Patch) -> None:
    def change(self: World, node: NodeId, *, is_full: bool) -> None:
        if is_full:
            self.full.add(node)

    patch.setattr(World, "_change_room", change)


def acts_on_the_page_cache(patch: Patch) -> None:
    patch.setattr(Disk, "write_anew", lambda _: None)


def lets_everybody_in(patch: Patch) -> None:
    def receive(_: Border, envelope: Envelope) -> Receive:
        return Receive(envelope.origin.node, envelope.message)

    patch.setattr(Border, "receive", receive)


def counts_nobody(patch: Patch) -> None:
    receive = Border.receive

    def silently(self: Border, envelope: Envelope) -> Receive | None:
        event = receive(self, envelope)
        self.refused.clear()
        return event

    patch.setattr(Border, "receive", silently)


@pytest.mark.parametrize(
    ("fault", "event"),
    [
        (sends_after_a_failed_flush, "fail flush "),
        (goes_on_after_a_refusal, "fill disk "),
        (is_full_for_ever, "fill disk "),
        (acts_on_the_page_cache, " keep 1"),
        (lets_everybody_in, "haunt "),
        (counts_nobody, "haunt "),
    ],
)
def test_a_driver_that_is_wrong_is_refuted_in_a_story(
    monkeypatch: Patch, fault: Callable[[Patch], None], event: str
) -> None:
    fault(monkeypatch)
    setup = Setup.of(3, 3, 2)
    runs = (drive(setup, f"disks/{number}", 160, Coverage()) for number in range(200))
    found: Finding = next(finding for finding in runs if finding is not None)
    small = shrink(found, Node, Budget(20.0))
    told = lines(small.scenario, small.refuted)
    assert any(event in line for line in told), told
    again = read_scenario(small.scenario.text())
    _, refuted = play(again.setup, again.happenings)
    assert refuted is not None
    assert refuted.title == small.refuted.title
    monkeypatch.undo()
    _, refuted = play(again.setup, again.happenings)
    assert refuted is None, "the real ones hold on the same story"
