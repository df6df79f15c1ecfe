"""What brings a stage near: messages that arrive, a node that leads, one that is taught, or only asks.

These are the words in which scenarios say what would help. None of it counts as met: it is one event among those that
are drawn, and what comes of it is judged and looked at like all else.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.moves import Moves
from conformance.world.scenario import Deliver, Duplicate, EndFlush, Give, Happening, Lose
from physalia.model import (
    Ask,
    Campaign,
    Chunk,
    Decide,
    Decision,
    Inquire,
    Install,
    Learn,
    Message,
    NodeId,
    Prepare,
    Promise,
    Proposal,
    Slot,
    Take,
    Truncate,
    Vote,
)

Hint: TypeAlias = Happening | Callable[[Moves], Happening | None]
"""An event, or a move that makes one up."""


def arriving(sight: Sight, kind: type[Message], *, sender: NodeId = 0, receiver: NodeId = 0) -> Iterator[Hint]:
    """Messages of a kind arrive, from a node or from any, at a node or at any."""
    for packet in sight.sent(kind):
        if sender in (0, packet.sender) and receiver in (0, packet.receiver):
            yield Deliver(packet.sender, packet.receiver, packet.message)


def asked_to_write(node: NodeId) -> Hint:
    """A client asks a node for another write."""
    return lambda moves: moves.write(node, 0)


def asked_to_change(node: NodeId, members: frozenset[NodeId]) -> Hint:
    """A client asks a node for these members."""
    return lambda moves: moves.change(node, 0, members)


def is_due(sight: Sight, node: NodeId, kind: type[object]) -> Iterator[Hint]:
    """A node does what is due there, of a kind."""
    for event in sight.play.world.due.get(node, ()):
        if isinstance(event, kind):
            yield Give(node, event)


def to_lead(sight: Sight, *nodes: NodeId) -> Iterator[Hint]:
    """One of these takes over. If one of them has the highest ballot, it is asked no more: it hears the answers."""
    glances = sight.after
    highest = max(max(glance.promised, glance.active) for glance in glances.values())
    candidates = [node for node in nodes if node in glances]
    owner = next((node for node in candidates if glances[node].active == highest), None)
    if owner is None:
        yield from (Give(node, Campaign(sight.play.world.next_ballot(node))) for node in candidates)
    elif not sight.leads(owner):
        yield from arriving(sight, Prepare, sender=owner)
        yield from arriving(sight, Promise, receiver=owner)
        yield from _flushes(sight)


def _flushes(sight: Sight) -> Iterator[Hint]:
    return (EndFlush(node) for node, queue in sight.play.world.queues.items() if queue)


def to_decide(sight: Sight, leader: NodeId) -> Iterator[Hint]:
    """Who leads is asked for something, proposes it, and hears of votes; others hear of what was decided."""
    yield asked_to_write(leader)
    for node, events in sight.play.world.due.items():
        yield from (Give(node, event) for event in events)
    yield from arriving(sight, Proposal, sender=leader)
    yield from arriving(sight, Vote, receiver=leader)
    yield from arriving(sight, Decision, sender=leader)
    yield from _flushes(sight)


def to_jump(sight: Sight, node: NodeId, beyond: Slot = 0) -> Iterator[Hint]:
    """A node is taught a snapshot that goes beyond a slot, or others forget what it lacks, or decide what it lacks."""
    if node not in sight.after:
        return
    known = sight.after[node].known
    ahead = [other for other, glance in sight.after.items() if glance.known > max(known, beyond - 1)]
    teachers = [other for other in ahead if sight.after[other].base > known]
    if teachers:
        yield Give(node, Inquire(frozenset(teachers)))
        yield from to_be_taught(sight, node)
    elif ahead:
        yield from (Give(other, Truncate(sight.after[other].known)) for other in ahead)
    else:
        leader = next((other for other in sight.after if other != node and sight.leads(other)), None)
        if leader is not None:
            yield from to_decide(sight, leader)
        else:
            yield from to_lead(sight, *sorted(sight.members(node) - {node}))


def to_be_taught(sight: Sight, node: NodeId, teacher: NodeId = 0) -> Iterator[Hint]:
    """What a node asks for arrives, and what it is taught; it takes up what is whole."""
    yield from arriving(sight, Ask, sender=node, receiver=teacher)
    yield from arriving(sight, Take, sender=node, receiver=teacher)
    yield from arriving(sight, Chunk, sender=teacher, receiver=node)
    for event in sight.play.world.due.get(node, ()):
        if isinstance(event, Install) and teacher in (0, event.teacher):
            yield Give(node, event)


def is_learning(happening: object, node: NodeId) -> bool:
    """Whether a node would learn a slot otherwise than by a snapshot."""
    match happening:
        case Deliver(_, receiver, Decision()) | Duplicate(_, receiver, Decision()):
            return receiver == node
        case Give(giver, Learn() | Decide()):
            return giver == node
    return False


def takes(happening: object, message: Message, receiver: NodeId) -> bool:
    """Whether a message would be on its way no more."""
    match happening:
        case Deliver(_, to, said) | Lose(_, to, said):
            return (to, said) == (receiver, message)
    return False
