"""Which event of its sender lets a message out, so that whoever waits for the message can be told from its reason."""

from conformance.traces.cell import CellTrace, Event
from physalia import model


def origins_of(trace: CellTrace, event: Event) -> set[tuple[object, ...]] | None:
    """Which events of its sender let a message out: what it did, and about what. None if that cannot be told."""
    ballot = trace.names.ballot
    match event.said:
        case model.Prepare(b):
            return {("prepare", ballot(b))}
        case model.Proposal(b, slot, value):
            return {("propose", ballot(b), slot, trace.names.command(value))}
        case model.Vote(b, slot):
            return {("vote", ballot(b), slot)}
        case model.Promise(b):
            return {("promise", ballot(b))}
        case model.Round(b, read):
            return {("consult", ballot(b), read)}
        case model.Echo(b, nonce):
            return {("echo", ballot(b), nonce)}
        case model.Decision(slot):
            return {("decide", slot), ("learn", slot)}
        case _:
            return None


def key_of(trace: CellTrace, event: Event) -> tuple[object, ...]:
    """About what an event is, as `origins_of` says it."""
    ballot = trace.names.ballot
    match event.said:
        case model.Prepare(b):
            return (ballot(b),)
        case model.Round(b, read):
            return (ballot(b), read)
        case model.Proposal(b, slot):
            return (ballot(b), slot)
        case _:
            return event.arguments[-1:] if event.did in ("decide", "learn") else event.arguments
