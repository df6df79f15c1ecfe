"""When a node puts its log into a snapshot, and drops what that holds (design rule R10).

A snapshot is as large as the items of the cell, and is written as a whole. So a node waits until its log weighs at
least as much: then what it writes in all is no more than about twice its log, and no node holds much more than twice
its items. Short of that it keeps `most_slots` entries, unless they are large.
"""

from attrs import Factory, define

from physalia.host import Hosted
from physalia.journal import NodeKey
from physalia.model import Slot

LOG_SLOTS = 1024
"""How many entries a log has before it is dropped, if the settings do not say otherwise."""
LARGE_LOG_BYTES = 1 << 22
KEPT_PART = 4
"""One of so many entries stays, for those who lag a little: who lags more is taught the snapshot."""
LOOK_EVERY_SLOTS = 64


@define
class _Log:
    """The log of a node, from the floor up to slot `weighed`: about so many bytes."""

    weighed: Slot
    size_bytes: int


@define
class Forgetting:
    """Weighs the logs of the nodes that are in memory, a few entries at a time."""

    most_slots: int = LOG_SLOTS
    _logs: dict[NodeKey, _Log] = Factory(dict)

    def due(self, hosted: Hosted) -> Slot:
        """The slot up to which a node is to truncate now; 0 as long as it need not.

        Nobody need ask again before the node knows slot `hosted.look_at`.
        """
        node, prefix = hosted.node, hosted.node.prefix
        log = self._logs.get(hosted.key)
        if log is None:
            log = self._logs[hosted.key] = _Log(node.floor, 0)
        hosted.look_at = log.weighed + min(LOOK_EVERY_SLOTS, self.most_slots)
        if prefix < hosted.look_at:
            return 0
        hosted.look_at += prefix - log.weighed
        log.size_bytes += node.log_bytes(log.weighed)
        log.weighed = prefix
        is_long = prefix - node.floor >= self.most_slots or log.size_bytes >= LARGE_LOG_BYTES
        if node.stopped or not is_long or log.size_bytes < node.state_bytes:
            return 0
        slot = prefix - min(self.most_slots, prefix - node.floor) // KEPT_PART
        log.size_bytes = node.log_bytes(slot)
        return slot

    def forget(self, key: NodeKey) -> None:
        """The node left memory."""
        self._logs.pop(key, None)
