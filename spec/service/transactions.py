"""What the store answers, as short as it can be: plain values, nothing remembered that can be computed.

The reference for `physalia/store`. A command, a reply and an item are tuples: their name, then their fields, in the
order in which the code has them. `apply` is a function from a state and a command to the next state and the reply.

Rules: R5 (apply is total and deterministic; conditions are judged when a command is applied), R6 (exactly once).
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import permutations
from operator import ge, gt, le, lt, ne
from typing import Any, NamedTuple, TypeAlias

from attrs import frozen

Plain: TypeAlias = Any
"""None, a boolean, an integer, a text, bytes, or a tuple of such."""

Items: TypeAlias = Mapping[str, Plain]
RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "!=": ne}
TYPES = {"bytes": bytes, "integer": int, "boolean": bool}


class Session(NamedTuple):
    """Who opened it, when it was last used, and its last request with the reply."""

    opened_by: Plain
    used: int
    number: int = 0
    asked: Plain = None
    reply: Plain = None


class State(NamedTuple):
    """The last slot, the items by key, and the sessions by name. A state is never changed."""

    slot: int
    items: Items
    sessions: Mapping[int, Session]


def beginning() -> "State":
    """What the empty log leads to."""
    return State(0, {}, {})


class Refused(Exception):
    """Nothing is changed; `args` are the fields of the reply."""


@frozen(kw_only=True)
class Transactions:
    """The limits that are judged when a command is applied, and the function."""

    value_bytes: int
    answer_bytes: int
    partition_bytes: int
    sessions: int

    def apply(self, state: State, slot: int, command: Plain) -> tuple[State, Plain]:
        """The state after the command of this slot, and its reply."""
        _, request, _, body = command
        state = state._replace(slot=slot)
        match body:
            case ("OpenSession",):
                return self.opened(state, slot, request)
            case ("Batch", entries):
                replies: list[Plain] = []
                for its_request, asked in entries:
                    state, reply = self.requested(state, slot, its_request, asked)
                    replies.append(reply)
                return state, ("Replies", tuple(replies))
        return self.requested(state, slot, request, body)

    def opened(self, state: State, slot: int, request: Plain) -> tuple[State, Plain]:
        """A session more, perhaps in place of the one that was used longest ago."""
        for name, session in state.sessions.items():
            if session.opened_by == request:
                return state, ("Opened", name)
        newest = sorted(state.sessions.items(), key=lambda entry: (entry[1].used, entry[0]))[-(self.sessions - 1) :]
        kept = dict(newest if self.sessions > 1 else ())
        return state._replace(sessions={**kept, slot: Session(request, slot)}), ("Opened", slot)

    def requested(self, state: State, slot: int, request: Plain, asked: Plain) -> tuple[State, Plain]:
        """A request of a session: the first answer again, an objection, or done now."""
        (_, client, number), (_, name, transaction) = request, asked
        session = state.sessions.get(name)
        if session is None or session.opened_by[1] != client:
            return state, refused("session expired", size=name)
        if number < session.number:
            return state, refused("number went back", size=number, most=session.number)
        if number == session.number:
            same = encode(asked) == encode(session.asked)
            return state, session.reply if same else refused("number reused", size=number, most=session.number)
        items, reply = self.transacted(state.items, slot, transaction)
        now = session._replace(used=slot, number=number, asked=asked, reply=reply)
        others = {one: session for one, session in state.sessions.items() if one != name}
        return state._replace(items=items, sessions={**others, name: now}), reply

    def transacted(
        self, items: Mapping[str, Plain], slot: int, transaction: Plain
    ) -> tuple[Mapping[str, Plain], Plain]:
        """The items after a transaction, and the reply."""
        _, conditions, then, else_ = transaction
        failed = tuple(("Failed", one, items.get(one[1])) for one in conditions if not holds(one, items.get(one[1])))
        read = [saw for _, _, saw in failed]
        after, results = items, list[Plain]()
        try:
            for operation in else_ if failed else then:
                after = self.performed(after, slot, operation)
                results.append(after.get(operation[1]))
                if operation[0] == "Get":
                    read.append(results[-1])
            within("answer_bytes", sum(size(item[1]) for item in read if item is not None), self.answer_bytes)
            if total(after) > total(items):
                within("partition_bytes", total(after), self.partition_bytes)
        except Refused as no:
            return items, refused(*no.args)
        return after, ("Done", slot, not failed, tuple(results), failed)

    def performed(self, items: Items, slot: int, operation: Plain) -> Items:
        """The items after one operation. Raises `Refused`."""
        match operation:
            case ("Put", key, value):
                return {**items, key: ("Item", value, slot)}
            case ("Delete", key):
                return {other: item for other, item in items.items() if other != key}
            case ("Add", key, amount):
                if key not in items:
                    raise Refused("no such key", key)
                value = items[key][1]
                if type(value) is not int:
                    raise Refused("wrong type", key)
                within("value_bytes", size(value + amount), self.value_bytes)
                return {**items, key: ("Item", value + amount, slot)}
        return items


def footprint(asked: Plain) -> tuple[set[str], set[str]]:
    """The keys that a request may touch, and those that it may change."""
    _, _, (_, conditions, then, else_) = asked
    operations = (*then, *else_)
    return {step[1] for step in (*conditions, *operations)}, {step[1] for step in operations if step[0] != "Get"}


def interact(requests: Sequence[Plain]) -> bool:
    """Whether one of the requests may change what another one touches, or two are of one session."""
    pairs = [(one, other) for one, other in permutations(requests, 2)]
    return any(one[1] == other[1] or footprint(one)[1] & footprint(other)[0] for one, other in pairs)


def refused(fault: str, about: str = "", size: int = 0, most: int = 0) -> Plain:
    """The reply that nothing was done, and why."""
    return "Refused", fault, about, size, most


def within(limit: str, size: int, most: int) -> None:
    """Raises `Refused` for what is larger than it may be."""
    if size > most:
        raise Refused("limit", limit, size, most)


def holds(condition: Plain, item: Plain) -> bool:
    """Whether a condition holds of what is under its key."""
    match condition:
        case ("Absent", _):
            return item is None
        case ("HasVersion", _, version):
            return bool(version == (item[2] if item else 0))
        case ("Exists", _):
            return item is not None
        case ("HasType", _, name):
            return item is not None and type(item[1]) is TYPES[name]
        case ("Equals", _, value):
            return item is not None and encode(item[1]) == encode(value)
        case ("Compare", _, relation, value):
            return item is not None and type(item[1]) is type(value) and RELATIONS[relation](item[1], value)
    raise ValueError(condition)


def size(value: Plain) -> int:
    """The size of a value in bytes."""
    return len(value) if isinstance(value, bytes) else int(value).bit_length() // 8 + 1


def total(items: Items) -> int:
    """The size of all keys and values."""
    return sum(len(key.encode()) + size(item[1]) for key, item in items.items())


def encode(thing: Plain) -> bytes:
    """The one encoding: a tag, the length in 8 bytes, the content."""
    match thing:
        case None | True | False:
            return {None: b"n", True: b"t", False: b"f"}[thing]
        case int():
            tag, content = b"i", thing.to_bytes(thing.bit_length() // 8 + 1, "big", signed=True)
        case str():
            tag, content = b"s", thing.encode()
        case bytes():
            tag, content = b"b", thing
        case _:
            tag, content = b"(", b"".join(map(encode, thing))
    return tag + len(content).to_bytes(8, "big") + content


def digest(state: State) -> bytes:
    """The digest of a state: of the slot, and of the sums of the hashes of all items and of all sessions."""
    items = [(key, item) for key, item in state.items.items()]
    sessions = [(name, ("Session", *session)) for name, session in state.sessions.items()]
    sums = (sum(int.from_bytes(sha256(encode(one)).digest(), "big") for one in some) for some in (items, sessions))
    return sha256(encode((state.slot, *(one % 2**256 for one in sums)))).digest()
