"""The nodes of a server at work, sans-I/O: every event is taken to its end, and nothing waits in between.

A step, what is due after it, and the messages that nodes of this server send each other are done in one go; what leaves
is handed to an outlet at once. So no other event comes between a step and the queuing of its effects.

A node that is not in memory is read when somebody speaks to it, and what was said waits for it. One that nobody spoke
to for a while, and that owes nobody anything, is dropped: it costs an entry of an index then, and no more (R14).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Protocol

from physalia.cell import Node
from physalia.host import Batch, Gone, Host, Hosted, Output, Safe
from physalia.journal import NodeKey
from physalia.model import (
    Answer,
    Asked,
    Campaign,
    Envelope,
    Event,
    Found,
    NodeId,
    Query,
    Reject,
    RequestId,
    Submit,
    Tick,
    Truncate,
)
from physalia.server.atlas import Atlas
from physalia.server.forgetting import Forgetting

MOST_WAITING = 256
"""So much may wait for one node to be read; what is said beyond is lost, and its senders say it again."""
DROPPED_AT_ONCE = 1024


class Outlet(Protocol):
    """Where things go that leave the nodes of this server. It never waits, and may drop envelopes."""

    def carry(self, server: int, envelope: Envelope) -> None:
        """To a node on another server."""

    def tell(self, said: Answer | Found | Reject) -> None:
        """To whoever asked."""

    def stopped(self, key: NodeKey, why: str) -> None:
        """A node has stopped for good (design rule R16)."""

    def stray(self, hosted: Hosted, node: NodeId) -> None:
        """A node spoke to one here that does not know where it lives."""

    def missed(self, server: int, key: NodeKey) -> None:
        """A server spoke to a node that left its cell for good (design rule R11)."""

    def gone(self, key: NodeKey) -> None:
        """A node has left its cell for good, durably."""


class Nodes:
    """Drives a host. `recent` has the nodes in memory that did something, and when, by `now_s`: the latest at its end.

    `impostors` counts messages that came from a server on which their sender does not live, `homeless` those to nodes
    of which nobody told this server where they live.
    """

    def __init__(self, host: Host, atlas: Atlas, outlet: Outlet, forgetting: Forgetting | None = None) -> None:
        self.host = host
        self.now_s = 0.0
        self.recent: dict[NodeKey, float] = {}
        self.restless: set[NodeKey] = set()
        """Nodes to which somebody owes an answer, perhaps, or that taught somebody: ticks are for them alone (R14)."""
        self._busy: set[NodeKey] = set()
        self.impostors = 0
        self.homeless = 0
        self._atlas = atlas
        self._outlet = outlet
        self._forgetting = Forgetting() if forgetting is None else forgetting
        self._inside: deque[Envelope] = deque()
        self._halted: set[NodeKey] = set()
        self._said: dict[NodeKey, list[Callable[[], None]]] = {}

    def receive(self, server: int, envelope: Envelope) -> None:
        """A server brings a message. That its sender lives there is all that makes it the sender's."""
        origin = envelope.origin
        hosted = self.host.find(origin, envelope.to)
        if hosted is None:
            key = NodeKey(origin.cell, origin.life, envelope.to)
            if key in self.host.pointers:
                self._outlet.missed(server, key)
            elif self._atlas.index.has(key):
                self.when_loaded(key, partial(self.receive, server, envelope))
            else:
                self.host.strangers += 1
        elif hosted.homes.get(origin.node) != server:
            self.impostors += 1
            if origin.node not in hosted.homes:
                self._outlet.stray(hosted, origin.node)
        elif (event := hosted.border.receive(envelope)) is not None:
            self._do(hosted, event)
            if self._inside:
                self._run()

    def receive_all(self, server: int, envelopes: Iterable[Envelope]) -> None:
        """A server brings messages; each is taken to its end before the next."""
        for envelope in envelopes:
            self.receive(server, envelope)

    def when_loaded(self, key: NodeKey, call: Callable[[], None]) -> None:
        """Call this once the node is in memory, or its pointer: now, or when it was read. Never, if that cannot be."""
        if self.host.hosted(key) is not None or key in self.host.pointers:
            call()
            return
        waiting = self._said.setdefault(key, [])
        if len(waiting) < MOST_WAITING:
            waiting.append(call)
        self.host.want(key)

    def submit(self, key: NodeKey, command: Asked) -> None:
        """A client asks for something."""
        self.begin(key, Submit(command))

    def query(self, key: NodeKey, request: RequestId) -> None:
        """A client wants to read what is true now."""
        self.begin(key, Query(request))

    def campaign(self, key: NodeKey) -> None:
        """The node shall lead."""
        self.when_loaded(key, partial(self._campaign, key))

    def _campaign(self, key: NodeKey) -> None:
        node = self.host.node(key)
        if node is not None:
            self.begin(key, Campaign(node.next_ballot()))

    def gather(self) -> Batch:
        """What is to be written now."""
        return self.host.gather()

    def settle(self) -> None:
        """It was written: let out what waited for it. Raises what stopped the journal, if that happened."""
        self._let_out(self.host.settle())
        if self.host.stopped is not None:
            raise self.host.stopped
        for key in tuple(self._said):
            hosted = self.host.hosted(key)
            if hosted is not None or key in self.host.pointers:
                if hosted is not None:
                    self._note(hosted)
                for call in self._said.pop(key):
                    call()
            elif not self.host.is_coming(key):
                del self._said[key]
        self._run()

    def drop_cold(self, since_s: float) -> list[NodeKey]:
        """Drop nodes that did nothing since then, and return them: those that are idle, and to whom nobody owes a word.

        What a server that is suspected owes is asked for again when it is back, so such a node stays.
        """
        dropped = []
        for key, last_s in tuple(islice(self.recent.items(), DROPPED_AT_ONCE)):
            if last_s > since_s:
                break
            node = self.host.node(key)
            if node is not None and self._is_cold(key, node) and self.host.drop(key):
                del self.recent[key]
                self._forgetting.forget(key)
                dropped.append(key)
            else:  # it may be looked at again after the others
                self.recent[key] = self.recent.pop(key) if node is None else self.now_s
        return dropped

    def tick(self, now_ms: int, suspected: set[int]) -> None:
        """Let nodes send again what nobody answered, unless only servers that are `suspected` owe an answer.

        One that did something since the last tick has time yet: what it sent then is given its time anyway.
        """
        busy, self._busy = self._busy, set()
        for key in tuple(self.restless):
            node = self.host.node(key)
            if node is None or (key in busy and not node.has_taught):
                continue
            owing = {self._atlas.server_of(key, other) for other in node.silent()}
            if owing - {None} <= suspected and not node.has_taught:
                self.restless.discard(key)
            else:
                self._let_out(self.host.step(key, Tick(now_ms)))
        self._run()

    def resume(self, server: int) -> None:
        """A server is back: what its nodes owe can be asked for again."""
        for key in tuple(self.recent):
            if any(self._atlas.server_of(key, node) == server for node in self._members(key)):
                self._rouse(key)

    def _is_cold(self, key: NodeKey, node: Node) -> bool:
        return key not in self.restless and node.is_idle and not node.silent() and not node.stopped

    def _members(self, key: NodeKey) -> frozenset[int]:
        node = self.host.node(key)
        return frozenset() if node is None else node.members

    def begin(self, key: NodeKey, event: Event) -> None:
        """Give an event to a node that is in memory, and take it to its end."""
        hosted = self.host.hosted(key)
        if hosted is not None:
            self._do(hosted, event)
            self._run()

    def _run(self) -> None:
        """Bring messages inside this server until there are none."""
        inside = self._inside
        while inside:
            envelope = inside.popleft()
            hosted = self.host.find(envelope.origin, envelope.to)
            event = None if hosted is None else hosted.border.receive(envelope)
            if hosted is not None and event is not None:
                self._do(hosted, event)

    def _do(self, hosted: Hosted, event: Event) -> None:
        outputs = self.host.run(hosted, event)
        if outputs:
            self._let_out(outputs, hosted)
        self._note(hosted)
        if hosted.node.prefix >= hosted.look_at and (slot := self._forgetting.due(hosted)):
            self._let_out(self.host.run(hosted, Truncate(slot)), hosted)

    def _note(self, hosted: Hosted) -> None:
        """The node did something."""
        key, node, recent = hosted.key, hosted.node, self.recent
        if recent.get(key) != self.now_s:
            recent.pop(key, None)
            recent[key] = self.now_s
        if key not in self._busy and node.is_restless:
            self.restless.add(key)
            self._busy.add(key)
        if node.stopped and node.pointer is None and key not in self._halted:
            self._halted.add(key)
            self._outlet.stopped(key, node.stopped)

    def house(self, hosted: Hosted, homes: Mapping[NodeId, int], call: Callable[[], None]) -> None:
        """Nodes of a cell live there as well: true from now on, and call when it is safe."""
        self.host.house(hosted, homes, call)
        self._note(hosted)

    def _bury(self, key: NodeKey) -> None:
        self.host.bury(key)
        self.recent.pop(key, None)
        self.restless.discard(key)
        self._forgetting.forget(key)
        self._outlet.gone(key)

    def _rouse(self, key: NodeKey) -> None:
        node = self.host.node(key)
        if node is not None and node.is_restless:
            self.restless.add(key)

    def _let_out(self, outputs: Iterable[Output], hosted: Hosted | None = None) -> None:
        """Hand out what leaves: of one node, or, after a flush, of any."""
        inside, carry, own = self._inside, self._outlet.carry, self._atlas.own
        for output in outputs:
            if type(output) is not Envelope:
                self._let_out_other(output)
                continue
            speaker = hosted or self.host.find(output.origin, output.origin.node)
            server = None if speaker is None else speaker.homes.get(output.to)
            if server == own:
                inside.append(output)
            elif server is None:
                self.homeless += 1
            else:
                carry(server, output)

    def _let_out_other(self, output: Output) -> None:
        if isinstance(output, Safe):
            output.call()
        elif isinstance(output, Gone):
            self._bury(output.key)
        elif not isinstance(output, Envelope):
            self._outlet.tell(output)
