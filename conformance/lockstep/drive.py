"""One seeded run of a world: somebody drives it, every step is judged, and there is calm at the end."""

from collections.abc import Callable
from random import Random

from conformance.judges.coverage import Coverage
from conformance.lockstep.campaigns import Steer, troubled
from conformance.lockstep.moves import Moves
from conformance.lockstep.play import Play
from conformance.lockstep.shrink import Finding
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.scenario import Calm, Scenario
from conformance.world.setup import Setup
from physalia.cell import Node


def drive(
    setup: Setup,
    seed: str,
    length: int,
    coverage: Coverage,
    make_node: MakeNode = Node,
    held: Callable[[Play], None] = lambda _: None,
    steer: Steer = troubled,
    told: Callable[[Play], None] = lambda _: None,
) -> Finding | None:
    """One run of a certain length; return what it found, or tell `held` of it. `told` hears of it after every event."""
    played: Play | None = None
    try:
        played = Play(setup, make_node, coverage)
        for happening in steer(Moves(played.world), Random(seed), length):  # noqa: S311 (repeatable, no secret)
            played.play(happening)
            told(played)
            if played.out_of_bounds:
                break
        played.play(Calm())
        played.finish()
    except Refuted as refuted:
        return Finding(Scenario(setup, ()) if played is None else played.scenario, refuted)
    held(played)
    return None
