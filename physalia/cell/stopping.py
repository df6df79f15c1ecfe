"""A node that has stopped: what it says to its operator, and to clients (design rules R5, R6 and R16)."""

from physalia.cell.steps import IGNORED, rejected
from physalia.model import Event, Left, NodeId, Peek, Query, Reject, Slot, Step, Stopped, Stutter, Submit


def turned_away(event: Event) -> Step:
    """It does nothing, and says so to clients."""
    match event:
        case Submit(command):
            return rejected(command, "stopped")
        case Query(request) | Peek(request):
            return Step(Stutter("rejected"), (Reject(request, "stopped"),))
        case _:
            return IGNORED


def why_before(node: NodeId, slot: Slot) -> str:
    """Why it stopped before a slot whose command its software does not understand."""
    return (
        f"node {node} stops before slot {slot}: what is decided there is asked in a way that this software "
        "does not understand. Start the node with the software that the other nodes have; its disk is in order."
    )


def why(node: NodeId, stopped: Stopped | Left) -> str:
    """Why it does nothing any more: its disk went back in time, or it left its cell."""
    if isinstance(stopped, Left):
        members = ", ".join(map(str, sorted(stopped.members)))
        return f"node {node} left its cell: as of version {stopped.version} its members are nodes {members}."
    return (
        f"node {node} stops for good: node {stopped.teller} tells of {stopped.lost}, and its disk has no "
        "record of it, so it went back in time. Count it as lost, and let a new node take its place."
    )
