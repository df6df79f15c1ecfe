"""The border of one node: what belongs to another cell, life or incarnation stays outside, and is counted (rule R15).

The core inside knows nothing of lives. Whoever drives a node lets everything that it hears, reads, says and writes pass
here. Who may speak at all is not judged here: the transport vouches for the sender, and the roles know their members.
"""

from collections import Counter
from typing import Literal, TypeAlias

from physalia.model import DurableRecord, Entry, Envelope, Origin, Receive, Send, Store

Foreign: TypeAlias = Literal["another cell", "another life", "another incarnation"]


class Border:
    """The border of the node `own`. `refused` counts what was not let in, by why."""

    def __init__(self, own: Origin) -> None:
        self.own = own
        self._name = own.cell, own.life, own.node
        self.refused: Counter[Foreign] = Counter()

    def send(self, send: Send) -> Envelope:
        """What leaves the process in place of the message."""
        return Envelope(self.own, send.to, send.message)

    def store(self, store: Store) -> Entry:
        """What goes to the journal in place of the record."""
        return Entry(self.own, store.record)

    def receive(self, envelope: Envelope) -> Receive | None:
        """The event for the node, or None for what is meant for another cell, life or incarnation."""
        origin = envelope.origin
        if (origin.cell, origin.life, envelope.to) != self._name and self._refuses(origin, envelope.to):
            return None
        return Receive(origin.node, envelope.message)

    def read(self, entry: Entry) -> DurableRecord | None:
        """The node's own record, or None for what another one wrote."""
        return None if self._refuses(entry.origin, entry.origin.node) else entry.record

    def _refuses(self, origin: Origin, node: int) -> bool:
        why: Foreign
        if origin.cell != self.own.cell:
            why = "another cell"
        elif origin.life != self.own.life:
            why = "another life"
        elif node != self.own.node:
            why = "another incarnation"
        else:
            return False
        self.refused[why] += 1
        return True
