"""How the judges hear of what the nodes of real servers do: a host that tells it, and is otherwise the host.

Servers are started with this host in place of the other; it changes nothing of what nodes do, or of when.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from conformance.refutation import Refuted
from conformance.shell.mirror import Mirror
from physalia.cell import Node
from physalia.host import Batch, Charter, Host, Output
from physalia.host.host import Hosted
from physalia.journal import NodeKey
from physalia.model import Envelope, Event, Step
from physalia.wire import is_homes


class Witnesses(Protocol):
    """Whoever has the mirrors of the cells."""

    def mirror(self, key: NodeKey, charter: Charter) -> Mirror:
        """That of the cell of a node, which is made if there is none."""

    def refute(self, refuted: Refuted) -> None:
        """A judge saw a fault."""

    def saw(self, mark: str) -> None:
        """Something was reached."""

    def syncs(self) -> int:
        """How often the disk of the process that runs now was flushed."""


class WatchedHost(Host):
    """A host whose nodes are followed. `witnesses` must be there before the first node is made."""

    witnesses: Witnesses

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._waits: dict[Mirror, dict[int, int]] = {}
        self._keys: dict[Mirror, set[NodeKey]] = {}
        self._syncs = 0
        self._dropped_before: set[NodeKey] = set()
        self._is_over = False

    def _make(self, key: NodeKey, charter: Charter, kept: Sequence[bytes]) -> None:
        super()._make(key, charter, kept)
        hosted = self._hosted.get(key)
        if self._is_over or hosted is None:
            return  # it left before
        if key in self._dropped_before:
            self._dropped_before.discard(key)
            self.witnesses.saw("a node was read again")
        mirror = self.witnesses.mirror(key, charter)
        self._keys.setdefault(mirror, set()).add(key)
        hosted.node = _watched(hosted, mirror, self)
        records = [record for record in kept[hosted.is_chartered :] if not is_homes(record)]
        self._tell(mirror.came, key.incarnation, hosted.node, records)

    def gather(self) -> Batch:
        """As the host's; what waits now is what this flush makes safe."""
        batch, self._syncs = super().gather(), self.witnesses.syncs()
        for mirror in self._keys:
            self._waits[mirror] = mirror.gathered()
        return batch

    def settle(self) -> tuple[Output, ...]:
        """As the host's; the judges hear of it before anything leaves."""
        batch = self._batch
        assert batch is not None, "there is no batch to settle"
        self._tell(self._must_be_flushed, batch)
        for mirror, keys in self._keys.items():
            for key in sorted(keys):
                if batch.failed is not None:
                    mirror.troubles[key.incarnation] = "failed flush"
                elif key in batch.behind:
                    mirror.troubles[key.incarnation] = "full disk"
                    self.witnesses.saw("a disk refused what a node wrote")
                else:
                    self._tell(mirror.flushed, key.incarnation, self._waits.get(mirror, {}).get(key.incarnation, 0))
        return super().settle()

    def _must_be_flushed(self, batch: Batch) -> None:
        """What is let out was carried to the disk, and the disk was waited for."""
        if batch.failed is None and any(each.records for each in batch.safe) and self.witnesses.syncs() == self._syncs:
            raise Refuted("a server lets out what waited for a flush, and no disk was flushed (R4)")

    def leaves(self, envelope: Envelope) -> None:
        """A message leaves this server."""
        key = NodeKey(envelope.origin.cell, envelope.origin.life, envelope.origin.node)
        for mirror, keys in self._keys.items():
            if key in keys:
                self._tell(mirror.left, key.incarnation, envelope.message)

    def drop(self, key: NodeKey) -> bool:
        """As the host's."""
        is_dropped = super().drop(key)
        if is_dropped:
            self._dropped_before.add(key)
            self.witnesses.saw("a cold node left memory")
        return is_dropped

    def _tell(self, call: Any, *arguments: Any) -> None:
        """A judge that refutes something does not disturb the server: the simulation ends after this turn."""
        if self._is_over:
            return
        try:
            call(*arguments)
        except Refuted as refuted:
            self._is_over = True
            self.witnesses.refute(refuted)

    def tell_step(self, mirror: Mirror, node: Node, event: Event, step: Step) -> None:
        """A node took a step."""
        self._tell(mirror.stepped, node.node_id, event, step)


class WatchedNode(Node):
    """A node that tells its host's judges of every step."""

    mirror: Mirror
    host: WatchedHost

    def step(self, event: Event) -> Step:
        """As the node's."""
        step = super().step(event)
        self.host.tell_step(self.mirror, self, event, step)
        return step


def _watched(hosted: Hosted, mirror: Mirror, host: WatchedHost) -> Node:
    """The very same node, of a class that tells."""
    node = hosted.node
    node.__class__ = WatchedNode
    assert isinstance(node, WatchedNode)
    node.mirror, node.host = mirror, host
    return node
