"""The state machine: a total, deterministic function of the decided commands (design rules R5 and R6).

Conditions are judged when a command is applied, in its place in the log, and nowhere else. Whatever is asked, there is
a reply to it, and a reply that refuses has changed nothing.
"""

from attrs import Factory, define, field

from physalia.model import (
    Add,
    Batch,
    Done,
    Execute,
    Failed,
    Get,
    Item,
    Opened,
    OpenSession,
    Page,
    Put,
    Refused,
    Replies,
    RequestId,
    Slot,
    StoreReply,
    Token,
    Transact,
    Transaction,
    Unread,
)
from physalia.store.digests import digest
from physalia.store.items import Items, grown_bytes
from physalia.store.limits import LIMITS, VERSION, Limits
from physalia.store.sessions import Sessions
from physalia.store.values import HOLDS, size_bytes


class NotUnderstood(Exception):
    """The software does not know the rules of the command: the node stops before it, and must be brought up to date.

    No fault of the command, and nothing was changed (design rule R5).
    """


@define
class Store:
    """One partition: its items, and the sessions of its clients.

    `slot` is that of the last command that was applied, and `version` the highest one of all. `understands` is the
    highest version whose rules this software carries out; so far there is one set of rules.
    """

    limits: Limits = field(default=LIMITS, repr=False)
    understands: int = VERSION
    slot: Slot = 0
    version: int = field(default=VERSION, eq=False)
    items: Items = Factory(lambda self: Items(self.limits), takes_self=True)
    sessions: Sessions = Factory(lambda self: Sessions(self.limits.sessions), takes_self=True)

    def copy(self) -> "Store":
        """The same, sharing nothing that can change."""
        return Store(
            self.limits, self.understands, self.slot, self.version, self.items.copy(), self.sessions.copy()
        )  # fmt: skip

    def is_understood(self, command: Execute) -> bool:
        """Whether this software knows what the command means, all of it."""
        return 1 <= command.version <= self.understands and type(command.body) is not Unread

    def digest(self) -> bytes:
        """The digest of everything that later replies depend on."""
        items, sessions = self.items, self.sessions
        return digest((self.slot, items.sum.of(items.now), sessions.sum.of(sessions.table)))

    def apply(self, slot: Slot, command: Execute) -> StoreReply:
        """Apply the command that was decided in this slot. Raises `NotUnderstood` and changes nothing."""
        if not self.is_understood(command):
            raise NotUnderstood(f"the command in slot {slot} is of version {command.version}")
        self.slot = slot
        self.version = max(self.version, command.version)
        body = command.body
        if type(body) is Transact:  # first what is nearly everything
            return self._request(slot, command.request, body)
        match body:
            case OpenSession():
                return self.sessions.open(slot, command.request)
            case Batch(entries):
                return Replies(tuple(self._request(slot, request, asked) for request, asked in entries))
            case _:
                raise AssertionError("what is understood is one of these")

    def remembered(self, command: Execute) -> StoreReply | None:
        """The reply to a command if the log cannot have another one any more, whatever comes yet; nothing changes.

        So there is one to each command that was applied here. A session that is named by a later slot may be there yet.
        """
        body = command.body
        if type(body) is Transact:
            return self._remembered(command.request, body)
        match body:
            case OpenSession():
                name = self.sessions.opened.get(command.request)
                return None if name is None else Opened(name)
            case Batch(entries):
                replies = [self._remembered(request, asked) for request, asked in entries]
                return Replies(tuple(reply for reply in replies if reply is not None)) if all(replies) else None
            case _:
                return None

    def _remembered(self, request: RequestId, asked: Transact) -> Done | Refused | None:
        reply = self.sessions.remembered(request, asked)
        if reply is not None or asked.session > self.slot:
            return reply
        session = self.sessions.new_request(request, asked)
        return session if isinstance(session, Refused) else None

    def page(self, prefix: str, most_items: int, token: Token | None = None) -> Page | Refused:
        """The next items whose keys begin with the prefix, all of them from one moment: when the first page was read.

        A page has at most so many items, and at most as many bytes as an answer, but one item in any case. Its token
        reads on; it is no state of the cell, and another node or a later time may not have the snapshot any more.
        """
        items = self.items
        if token is None:
            token = Token(self.slot, "")
            items.snapshot(self.slot)
        if token.slot not in items.snapshots:
            return Refused("scan expired", size=token.slot)
        most = max(1, min(most_items, self.limits.page_items))
        found: list[tuple[str, Item]] = []
        size = 0
        for key, item in items.scan(token.slot, prefix, token.after):
            size += size_bytes(item.value)
            if len(found) == most or (found and size > self.limits.answer_bytes):
                return Page(tuple(found), Token(token.slot, found[-1][0]))
            found.append((key, item))
        return Page(tuple(found), None)

    def _request(self, slot: Slot, request: RequestId, asked: Transact) -> Done | Refused:
        sessions = self.sessions
        session = sessions.new_request(request, asked)
        if isinstance(session, Refused):
            return sessions.remembered(request, asked) or session
        reply = self._transact(slot, asked.transaction)
        sessions.replied(slot, request, asked, reply, session)
        return reply

    def _transact(self, slot: Slot, transaction: Transaction) -> Done | Refused:
        """Do all of it, or refuse it and change nothing.

        What it changes is kept aside until it is known that nothing refuses it; so are the bytes by which the partition
        grows, of which it may always have fewer.
        """
        now, limits = self.items.now, self.limits
        failed: tuple[Failed, ...] = ()
        read_bytes = 0
        for condition in transaction.if_:
            item = now.get(condition.key)
            if not HOLDS[type(condition)](condition, item):
                failed += (Failed(condition, item),)
                read_bytes += 0 if item is None else size_bytes(item.value)
        changed: dict[str, Item | None] = {}
        results: list[Item | None] = []
        growth_bytes = 0
        for operation in transaction.else_ if failed else transaction.then:
            key = operation.key
            before = changed[key] if key in changed else now.get(key)
            after: Item | None = None
            if type(operation) is Put:
                after = Item(operation.value, slot)
            elif type(operation) is Get:
                read_bytes += 0 if before is None else size_bytes(before.value)
                results.append(before)
                continue
            elif type(operation) is Add:
                sum_or_refused = added(operation, before, slot, limits)
                if isinstance(sum_or_refused, Refused):
                    return sum_or_refused
                after = sum_or_refused
            growth_bytes += grown_bytes(key, before, after)
            changed[key] = after
            results.append(after)
        if read_bytes > limits.answer_bytes:
            return Refused("limit", "answer_bytes", read_bytes, limits.answer_bytes)
        size = self.items.size_bytes + growth_bytes
        if size > limits.partition_bytes and growth_bytes > 0:
            return Refused("limit", "partition_bytes", size, limits.partition_bytes)
        self.items.change(changed, size)
        return Done(slot, not failed, tuple(results), failed)


def added(operation: Add, before: Item | None, slot: Slot, limits: Limits) -> Item | Refused:
    """The item after an addition, or why it cannot be done."""
    if before is None:
        return Refused("no such key", operation.key)
    if type(before.value) is not int:
        return Refused("wrong type", operation.key)
    total = before.value + operation.amount
    size = size_bytes(total)
    if size > limits.value_bytes:
        return Refused("limit", "value_bytes", size, limits.value_bytes)
    return Item(total, slot)
