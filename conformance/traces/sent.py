"""Whether a message that a node was given was sent before, and by whom it may be said at all."""

from collections.abc import Mapping
from typing import Any

from conformance.judges.judged import JudgedCell
from conformance.judges.vocabulary import FIELD
from conformance.traces.cell import Event, TraceNames
from conformance.traces.progress import Progress
from physalia import model
from physalia.model import NodeId
from spec import cell as spec


def never_said(event: Event) -> str:
    """Why nobody of that name ever says this to that node; empty if somebody may."""
    said, sender = event.said, event.sender
    match said:
        case model.Promise(node=node) | model.Vote(node=node) | model.Echo(node=node) if node != sender:
            return f"it is node {sender} that the {type(said).__name__.lower()} names"
        case model.Prepare(ballot) | model.Proposal(ballot) | model.Round(ballot) if ballot.node != sender:
            return f"node {sender} owns the ballot of the {type(said).__name__.lower()}"
        case model.Refusal(ballot) if ballot.node != event.node:
            return f"node {event.node} owns the ballot that was refused"
        case _:
            return ""


def is_sent(
    machine: JudgedCell, state: spec.State, nodes: Mapping[NodeId, Progress], names: TraceNames, event: Event
) -> bool:
    """Whether the sender of what an event was given may have said it by then. It is a message that it may say."""
    said, sender, ballot = event.said, event.sender, names.ballot
    seen: Any = state
    match said:
        case model.Prepare(b, prefix):
            return any(m.ballot == ballot(b) and m.prefix == prefix for m in state.prepares)
        case model.Proposal(b, slot, value):
            name = names.command(value)
            return any(m[:3] == (ballot(b), slot, name) for m in state.proposals)
        case model.Round(b, read):
            return any(m.ballot == ballot(b) and m.read == read for m in seen.rounds)
        case model.HowFar():
            return True  # an operator asks whom, whenever it wants
        case model.Learned(slot):
            return slot <= machine.durable(state, sender)
        case model.Ask(prefix):
            return prefix <= nodes[sender].known
        case model.Chunk(slot) | model.Take(slot):
            return slot <= nodes[sender if isinstance(said, model.Chunk) else event.node].known
        case model.Refusal(b, promised):
            is_under_way = any(m.ballot == ballot(b) for m in state.prepares)
            return is_under_way and ballot(b) < ballot(promised) <= nodes[sender].promised
        case _:
            assert said is not None
            message = names.message(said, sender)
            assert message is not None
            return message in getattr(seen, FIELD[type(message)])
