"""Sessions: each request is done once, however often it comes (design rule R6).

A session remembers its last request and the reply. The requests of one session come one after the other; whoever wants
several at a time opens several sessions. Numbers rise, and may leave some out: a request that was turned away before it
was decided need not be made again.

The table is bounded. When a session is opened and there is no room, the one that was used longest ago makes room, by
the slots of the log and nothing else; so every node drops the same ones at the same place.
"""

from collections import OrderedDict
from itertools import takewhile

from attrs import Factory, define, field

from physalia.model import Done, Fault, Opened, Refused, RequestId, Slot, Transact
from physalia.model.value import value
from physalia.store.digests import Sum


@value
class Session:
    """Who opened it, by which request, and its last request: the number, what it asked for, and the reply.

    `used` is the slot in which it was last used; `number` is 0 and the rest None as long as it made no request.
    """

    opened_by: RequestId
    used: Slot
    number: int = 0
    asked: Transact | None = None
    reply: Done | Refused | None = None


@define
class Sessions:
    """The table, by the sessions' names, the one that was used longest ago first."""

    most: int
    table: OrderedDict[Slot, Session] = Factory(OrderedDict)
    opened: dict[RequestId, Slot] = Factory(dict)
    sum: Sum[int, Session] = field(factory=Sum, eq=False, repr=False)

    def copy(self) -> "Sessions":
        """The same, sharing nothing that can change."""
        return Sessions(self.most, self.table.copy(), self.opened.copy(), self.sum.copy())

    def open(self, slot: Slot, request: RequestId) -> Opened:
        """Open a session. The same request again is told of the session that it opened, as long as there is that."""
        name = self.opened.get(request)
        if name is not None:
            return Opened(name)
        while len(self.table) >= self.most:
            name = self._longest_ago()
            session = self.table.pop(name)
            del self.opened[session.opened_by]
            self.sum.note(name, session, self.table)
        self.opened[request] = slot
        self.table[slot] = Session(request, slot)
        self.sum.note(slot, None, self.table)
        return Opened(slot)

    def keep(self, name: Slot, session: Session) -> None:
        """The session is one of those that somebody else has, who teaches them all, in the order of the table."""
        before = self.table.get(name)
        self.table[name] = session
        self.sum.note(name, before, self.table)
        self.opened[session.opened_by] = name

    def _longest_ago(self) -> Slot:
        """The session that was used longest ago; of several that a batch used last, the one that was opened first."""
        used = next(iter(self.table.values())).used
        return min(takewhile(lambda name: self.table[name].used == used, self.table))

    def remembered(self, request: RequestId, asked: Transact) -> Done | Refused | None:
        """The reply that this very request was given, if it was the last one of its session."""
        session = self.table.get(asked.session)
        if session is None or session.number != request.number or session.opened_by.client != request.client:
            return None
        return session.reply if session.asked == asked else None

    def new_request(self, request: RequestId, asked: Transact) -> Session | Refused:
        """The session, if the request is a new one in it; or why it cannot be."""
        session = self.table.get(asked.session)
        if session is None or session.opened_by.client != request.client:
            return Refused("session expired", size=asked.session)
        if request.number > session.number:
            return session
        fault: Fault = "number went back" if request.number < session.number else "number reused"
        return Refused(fault, size=request.number, most=session.number)

    def replied(self, slot: Slot, request: RequestId, asked: Transact, reply: Done | Refused, session: Session) -> None:
        """A new request of this session was given this reply."""
        name, table = asked.session, self.table
        table[name] = Session(session.opened_by, slot, request.number, asked, reply)
        table.move_to_end(name)
        if name not in self.sum.before:
            self.sum.note(name, session, table)
