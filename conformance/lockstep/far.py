"""Openings of long runs that go far: many ballots of one node, and a round far above another.

Chance makes neither: a node campaigns anew when it was refused, in a round that is a little higher.
"""

from collections.abc import Iterator
from random import Random

from conformance.lockstep.moves import Moves
from conformance.lockstep.quarrel import arrive
from conformance.world.outcomes import Packet
from conformance.world.scenario import Happening, Lose
from physalia.model import NodeId, Prepare, Promise, Refusal

CAMPAIGNS_IN_A_ROW = 12
FAR_ABOVE = 2**32


def insistence(moves: Moves, random: Random) -> Iterator[Happening]:
    """A member campaigns again and again before anybody hears of it; then what it said first and last arrives."""
    node = random.choice(sorted(moves.members_now()))
    for _ in range(CAMPAIGNS_IN_A_ROW):
        yield from _if(moves.campaign(node))
    own = [one for one in moves.world.in_flight if isinstance(one.message, Prepare) and one.sender == node]
    yield from arrive(moves, [*own[:1], *(one for one in own[1:] if random.random() < 1 / 2)])


def far_above(moves: Moves, random: Random) -> Iterator[Happening]:
    """A leader takes over again in a round far above, of which one member hears nothing; that one is refused.

    The round is as far above as a number of 32 bits would not tell from none.
    """
    members = sorted(moves.members_now())
    leader, other = random.sample(members, 2) if len(members) > 1 else (members[0], members[0])
    for jump in (0, FAR_ABOVE - 1):
        yield from _if(moves.campaign(leader, jump))
        for kind in (Prepare, Promise):
            ours = [one for one in moves.world.in_flight if isinstance(one.message, kind)]
            yield from arrive(moves, [one for one in ours if other not in {one.receiver, one.sender}])
    yield from (Lose(one.sender, one.receiver, one.message) for one in _prepares(moves, leader))
    yield from _if(moves.campaign(other))
    yield from arrive(moves, _prepares(moves, other))
    yield from arrive(moves, [one for one in moves.world.in_flight if isinstance(one.message, Refusal)])


def _prepares(moves: Moves, sender: NodeId) -> list[Packet]:
    return [one for one in moves.world.in_flight if isinstance(one.message, Prepare) and one.sender == sender]


def _if(happening: Happening | None) -> Iterator[Happening]:
    if happening is not None:
        yield happening
