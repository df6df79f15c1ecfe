"""What a node is, knows and waits for, and why it does not serve: plain data for people and tools (design rule R8).

Numbers that may be larger than what JSON's readers can hold are texts. No key and no value of anybody is in it.
"""

from typing import Any, Literal, TypeAlias

from physalia.cell.memory import Memory
from physalia.cell.seen.shown import Shown
from physalia.model import NO_BALLOT, Ballot, NodeId

LifeState: TypeAlias = Literal["created", "learning", "caught up", "member", "leaving", "gone"]
"""The life of a node: it is born and knows nothing; is taught; knows all that it heard of; is a member of a slot that
it does not know yet; is one no longer; and nothing is left of it but a pointer."""


def life_of(node: Shown) -> LifeState:
    """Where in its life a node is, as far as it knows."""
    return _life(node, node.snapshot())


def _life(node: Shown, memory: Memory) -> LifeState:
    learner = memory.learner
    if node.pointer is not None:
        return "gone"
    if node.is_member:
        return "member"
    if learner.has_served:
        return "leaving"
    if learner.heard or learner.transfers.coming:
        return "learning"
    return "caught up" if learner.prefix else "created"


def inspect(node: Shown) -> dict[str, Any]:
    """All of it. Nothing changes."""
    memory = node.snapshot()
    learner, jury = memory.learner, node.jury
    return {
        "life_state": _life(node, memory),
        "prefix": node.prefix,
        "floor": node.floor,
        "digest": node.digest().hex(),
        "promised": _ballot(node.promised),
        "leads": node.is_leading,
        "members": _names(node.members),
        "version_of_members": jury.version,
        "next_members": _names(jury.members),
        "alpha": learner.configurations.alpha,
        "in_force_from_slot": _in_force(memory),
        "items": len(node.database.items.now),
        "state_bytes": node.state_bytes,
        "log_slots": node.prefix - learner.known.base,
        "votes": len(node.accepted),
        "waits_for": _waits_for(node, memory),
        "does_not_serve": _does_not_serve(node),
        "refused_lessons": dict(sorted(node.refused_lessons.items())),
        "stopped": node.stopped,
    }


def _in_force(memory: Memory) -> int:
    """The first slot, of those that are not known, for which the newest members are members."""
    configurations, slot = memory.learner.configurations, memory.learner.configurations.last
    newest = configurations.members(slot)
    while slot > memory.learner.first_unknown and configurations.members(slot - 1) == newest:
        slot -= 1
    return slot


def _waits_for(node: Shown, memory: Memory) -> dict[str, Any]:
    """For whom and what, by what it is for."""
    waits: dict[str, Any] = {}
    leadership, leaving, learner = memory.proposer.leadership, memory.leaving, memory.learner
    if node.is_leading and not node.is_elected:
        waits["promises_of"] = _names(leadership.invited - leadership.promises.keys())
    if leadership.proposals:
        waits["votes"] = {
            str(slot): _names(learner.configurations.members(slot) - leadership.votes[slot])
            for slot in leadership.proposals
        }
    if learner.heard:
        waits["slots_before"] = min(learner.heard)
    if learner.transfers.coming:
        waits["snapshots"] = {
            str(teacher): {"slot": transfer.slot, "rows": len(transfer.rows)}
            for teacher, transfer in learner.transfers.coming.items()
        }
    if leaving.duty is not None:
        said = {str(member): leaving.learned.get(member) for member in sorted(leaving.duty.members)}
        waits["learned"] = {"slot": leaving.duty.slot, "by": said}
    if node.silent():
        waits["answers_of"] = _names(node.silent())
    return waits


def _does_not_serve(node: Shown) -> str:
    """Why no command can be asked for here, a phrase; empty if one can."""
    if node.stopped:
        return node.stopped
    if node.active == NO_BALLOT:
        if node.node_id not in node.members:
            return "it is no member"
        followed = node.promised.node
        return f"it follows node {followed}" if node.promised != NO_BALLOT else "nobody asked it for anything yet"
    if not node.is_leading:
        return "others promised a higher ballot than its own"
    return "" if node.is_elected else "no majority promised its ballot yet"


def _ballot(ballot: Ballot) -> list[Any]:
    return [ballot.round, str(ballot.node)]


def _names(nodes: frozenset[NodeId]) -> list[str]:
    return [str(node) for node in sorted(nodes)]
