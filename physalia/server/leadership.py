"""Who should lead a cell, as far as this server can tell, and when one of its nodes takes over.

Somebody leads only if somebody asks: a node takes over when a client wants something and its place it is, or when the
server of the leader is suspected. The nodes of a server that was lost take over one after the other, those first that
did something last.
"""

import random
from collections import deque
from collections.abc import Callable

from physalia.cell import Node
from physalia.journal import NodeKey
from physalia.model import Inquire, NodeId
from physalia.server.atlas import Atlas
from physalia.server.nodes import Nodes
from physalia.server.suspicion import Suspicion

PATIENCE_S = 0.5
"""How long a campaign is given, at least half of it, before the same node tries again."""

LONELY_S, MOST_LONELY_S = 1.0, 30.0
"""How long a ballot is asked for that no majority promised, at first and at most, before the node tries another."""

MUTE_S = 3.0
"""How long clients want something of a cell, without a longer gap, until whoever should lead is taken for gone."""
MOST_MUTE = 4096

MOMENT_S = 0.25
MOST_UNDER_WAY = 512
MOST_AT_ONCE = 64
"""How many take over before anything else is looked at."""


class Leadership:
    """Decides about campaigns; `pending` has the nodes that are to take over when it is their turn."""

    def __init__(
        self, nodes: Nodes, atlas: Atlas, suspicion: Suspicion, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self.pending: deque[NodeKey] = deque()
        self.campaigns = 0
        self._nodes, self._atlas, self._suspicion, self._clock, self._rng = nodes, atlas, suspicion, clock, rng
        self._not_before_s: dict[NodeKey, float] = {}
        self._begun: deque[tuple[float, NodeKey]] = deque()
        self._lonely: dict[tuple[NodeKey, bool], tuple[float, float]] = {}
        self._mute: dict[NodeKey, tuple[float, float, object]] = {}

    def rightful(self, key: NodeKey) -> NodeId:
        """Who should lead the cell of this node: whom it promised to follow, if that is there; else the next in line.

        The line is different for each cell, so that a lost server's cells spread over those that are left.
        """
        node = self._nodes.host.node(key)
        if node is None:
            return key.incarnation
        members, followed = node.members, node.promised.node
        if followed in members and self._is_there(key, followed):
            return followed
        line = sorted(members)
        first = key.cell % len(line)
        return next((one for one in line[first:] + line[:first] if self._is_there(key, one)), key.incarnation)

    def lacks_majority(self, key: NodeKey) -> bool:
        """Whether so many servers of members are suspected that the others are no majority.

        Who is wrong about that refuses what could have been done. Nobody is harmed: others may know better.
        """
        node = self._nodes.host.node(key) if self._suspicion.suspected else None
        if node is None or key.incarnation not in node.members:
            return False
        homes = (self._atlas.server_of(key, member) for member in node.members if member != key.incarnation)
        gone = sum(home in self._suspicion.suspected for home in homes)
        return 2 * (len(node.members) - gone) <= len(node.members)

    def leader_elsewhere(self, key: NodeKey) -> int | None:
        """The server of the rightful leader; None if that is this one, or nobody knows."""
        server = self._atlas.server_of(key, self.rightful(key))
        return None if server == self._atlas.own else server

    def wanted(self, key: NodeKey) -> None:
        """A client wants something of this node: let it take over if it does not lead, and should.

        Nor does it lead if somebody who is needed promised a higher ballot, and whoever owns that is gone: the node
        would ask for that promise for ever. Who is needed nobody knows, so one refusal is enough for a new campaign.

        Whom it follows instead may have left, and nobody told it. So it asks that one what it knows: either that
        teaches it, or it is told where the cell has moved (R11). If nothing comes of that for long, the node takes over
        itself: a server may be there that lost its disk, and with it the node that is in line (R8).
        """
        node = self._nodes.host.node(key)
        if node is None:
            return
        rightful = self.rightful(key)
        if rightful != key.incarnation and not self._is_mute(key, node, rightful):
            if self._may(key):
                self._nodes.begin(key, Inquire(frozenset({rightful})))
            return
        if not node.is_leading or node.was_refused:
            self._campaign(key)

    def _is_mute(self, key: NodeKey, node: Node, rightful: NodeId) -> bool:
        """Whether nothing has changed here for long, though clients want something of whoever should lead."""
        now_s, seen = self._clock(), (rightful, node.promised, node.prefix)
        since_s, last_s, before = self._mute.get(key, (now_s, now_s, seen))
        if before != seen or now_s - last_s > MUTE_S:
            since_s = now_s
        if len(self._mute) >= MOST_MUTE:
            self._mute.clear()
        self._mute[key] = since_s, now_s, seen
        return now_s - since_s >= MUTE_S

    def lost(self, server: int) -> None:
        """A server is suspected: line up the nodes here that are to follow its leaders."""
        for key in reversed(self._nodes.recent):
            node = self._nodes.host.node(key)
            if node is None or self._atlas.server_of(key, node.promised.node) != server:
                continue
            if self.rightful(key) == key.incarnation:
                self.pending.append(key)

    def take_over(self) -> None:
        """The next ones in `pending` take over, if they still should, and not too many of those that began are left.

        A moment is over when others have answered, so that no server has to take in more than it can write; and after
        `MOMENT_S` in any case, since a cell that is led again may be busy from then on.
        """
        now_s, begun = self._clock(), self._begun
        while begun and begun[0][0] <= now_s - MOMENT_S:
            begun.popleft()
        room = MOST_UNDER_WAY - sum(key in self._nodes.restless for _, key in begun)
        for _ in range(min(room, MOST_AT_ONCE, len(self.pending))):
            key = self.pending.popleft()
            begun.append((now_s, key))
            self.wanted(key)

    def look_after(self) -> None:
        """Whoever asks for promises that do not come tries another ballot, each time after twice the patience.

        A promise that was lost is sent again from memory, but not by a node that began anew since (R2): to those that
        were dropped or killed in between, the same ballot would be put in vain for ever. Whoever is elected without
        them would never be silent (R14): when nothing else is to be done for long, it asks under another ballot too.
        Sooner if reads wait for one of them, since another who promised is gone (R7): writes go on, and reads do not.
        """
        now_s, lonely, room = self._clock(), self._lonely, MOST_AT_ONCE
        self._lonely = {}
        for key in tuple(self._nodes.restless):
            node = self._nodes.host.node(key)
            if node is None or not node.is_leading:
                continue
            is_urgent = not node.is_elected or node.lacks_promises
            if not is_urgent and not self._asks_in_vain(key, node):
                continue
            first_s = LONELY_S if is_urgent else MOST_LONELY_S
            since_s, patience_s = lonely.get((key, is_urgent), (now_s, first_s))
            if now_s - since_s >= patience_s and room:
                since_s, patience_s, room = now_s, min(2 * patience_s, MOST_LONELY_S), room - 1
                self._campaign(key)
            self._lonely[key, is_urgent] = since_s, patience_s

    def _asks_in_vain(self, key: NodeKey, node: Node) -> bool:
        """Whether all that this node still waits for are answers of nodes that are there, and do not give them."""
        return node.is_idle and any(self._is_there(key, other) for other in node.silent())

    def forget(self, key: NodeKey) -> None:
        """The node was dropped."""
        self._not_before_s.pop(key, None)
        for is_urgent in (False, True):
            self._lonely.pop((key, is_urgent), None)

    def _campaign(self, key: NodeKey) -> None:
        if self._may(key):
            self.campaigns += 1
            self._nodes.campaign(key)

    def _may(self, key: NodeKey) -> bool:
        """Whether the node has been given its time since it last tried something."""
        now_s = self._clock()
        if now_s < self._not_before_s.get(key, now_s):
            return False
        self._not_before_s[key] = now_s + PATIENCE_S * self._rng.uniform(0.5, 1.0)
        return True

    def _is_there(self, key: NodeKey, node: NodeId) -> bool:
        server = self._atlas.server_of(key, node)
        return server is not None and server not in self._suspicion.suspected
