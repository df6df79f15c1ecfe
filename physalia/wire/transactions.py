"""The format of what the store is asked for.

The body of such a command travels as bytes of its own. Whoever cannot read them keeps them as they are: it can vote for
the command and pass it on, and stops when the command is decided and must be carried out (design rule R5).
"""

from typing import Generic, TypeVar, get_args

import msgspec

from physalia.model import (
    Absent,
    Add,
    Batch,
    Body,
    Compare,
    Condition,
    Delete,
    Done,
    Equals,
    Exists,
    Failed,
    Fault,
    Get,
    HasType,
    HasVersion,
    Item,
    Opened,
    OpenSession,
    Operation,
    Put,
    Refused,
    Replies,
    RequestId,
    StoreReply,
    Transact,
    Transaction,
    Unread,
    Value,
)
from physalia.store import LIMITS
from physalia.wire.shapes import Choice, CodecError, Flag, Listed, Natural, Row, Shape, Text

T = TypeVar("T")

PAIR = 2
MOST_REMEMBERED, MOST_REMEMBERED_BYTES = 1024, 1024
MOST_NATIVE = 2**63
"""MessagePack has integers from -MOST_NATIVE to MOST_NATIVE - 1; others are lists of their bytes."""


class Key:
    """A text whose UTF-8 has 1 to `LIMITS.key_bytes` bytes."""

    def unpack(self, plain: object) -> str:
        """The text itself, checked."""
        if type(plain) is not str or not 1 <= len(plain.encode()) <= LIMITS.key_bytes:
            raise CodecError(f"expected a key of 1 to {LIMITS.key_bytes} bytes")
        return plain

    pack = unpack


class Values:
    """Bytes, an integer of any size, or a boolean."""

    def pack(self, value: Value) -> object:
        """The value itself, or a list of the bytes of a large integer."""
        if type(value) is int and not -MOST_NATIVE <= value < MOST_NATIVE:
            return [value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)]
        if type(value) not in (bytes, int, bool):
            raise CodecError("expected bytes, an integer or a boolean")
        return value

    def unpack(self, plain: object) -> Value:
        """The value."""
        if type(plain) is bytes or type(plain) is bool or (type(plain) is int and plain < MOST_NATIVE):
            return plain
        if type(plain) is list and len(plain) == 1 and type(plain[0]) is bytes:
            return int.from_bytes(plain[0], "big", signed=True)
        raise CodecError("expected bytes, an integer or a boolean")


class Integer(Values):
    """An integer of any size; a boolean is none."""

    def pack(self, value: Value) -> object:
        """As a value."""
        if type(value) is not int:
            raise CodecError("expected an integer")
        return super().pack(value)

    def unpack(self, plain: object) -> int:
        """The integer."""
        value = super().unpack(plain)
        if type(value) is not int:
            raise CodecError("expected an integer")
        return value


class OneOf:
    """One of these texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def unpack(self, plain: object) -> str:
        """The text itself, checked."""
        if type(plain) is not str or plain not in self.texts:
            raise CodecError(f"expected one of {', '.join(self.texts)}")
        return plain

    pack = unpack


class Maybe(Generic[T]):
    """A value of one shape, or nothing."""

    def __init__(self, shape: Shape[T]) -> None:
        self.shape = shape

    def pack(self, value: T | None) -> object:
        """The packed value, or None."""
        return None if value is None else self.shape.pack(value)

    def unpack(self, plain: object) -> T | None:
        """The value, or None."""
        return None if plain is None else self.shape.unpack(plain)


class Name(Key):
    """A key, or the name of a limit, or nothing."""

    def unpack(self, plain: object) -> str:
        """The text itself, checked."""
        return "" if plain == "" else super().unpack(plain)

    pack = unpack


class Pair:
    """A request of a batch, and what it asks for."""

    def pack(self, pair: tuple[RequestId, Transact]) -> list[object]:
        """A list of two."""
        request, asked = pair
        return [REQUEST.pack(request), TRANSACT.pack(asked)]

    def unpack(self, plain: object) -> tuple[RequestId, Transact]:
        """A tuple of two."""
        if type(plain) is not list or len(plain) != PAIR:
            raise CodecError("expected a pair")
        return REQUEST.unpack(plain[0]), TRANSACT.unpack(plain[1])


class Nested:
    """A body, as bytes. Whatever bytes they are, there is a body that stands for them.

    A command is said and kept a dozen times on its way through a cell, and its body is the most of it. So the last ones
    that were read are remembered with their bytes, if they are short: neither ever changes.
    """

    def __init__(self) -> None:
        self._bodies: dict[bytes, Body] = {}
        self._bytes: dict[int, tuple[Body, bytes]] = {}

    def pack(self, body: Body) -> bytes:
        """The bytes."""
        known = self._bytes.get(id(body))
        return self._pack(body) if known is None else known[1]

    def unpack(self, plain: object) -> Body:
        """What the bytes ask for, as far as this software can tell."""
        if type(plain) is not bytes:
            raise CodecError("expected bytes")
        known = self._bodies.get(plain)
        if known is not None:
            return known
        body = self._unpack(plain)
        if len(plain) <= MOST_REMEMBERED_BYTES:
            self._remember(body, plain)
        return body

    def _unpack(self, plain: bytes) -> Body:
        try:
            body = BODY.unpack(msgspec.msgpack.decode(plain))
            return body if self._pack(body) == plain else Unread(plain)
        except (CodecError, ValueError, RecursionError, msgspec.MsgspecError):
            return Unread(plain)

    def _pack(self, body: Body) -> bytes:
        return body.data if type(body) is Unread else msgspec.msgpack.encode(BODY.pack(body))

    def _remember(self, body: Body, plain: bytes) -> None:
        """All are forgotten together. A body that is remembered is kept: nothing else gets its id meanwhile."""
        if len(self._bodies) >= MOST_REMEMBERED:
            self._bodies.clear()
            self._bytes.clear()
        self._bodies[plain] = body
        self._bytes[id(body)] = body, plain


KEY, VALUE = Key(), Values()
REQUEST = Row(RequestId, client=Text(), number=Natural(0))
CONDITION = Choice[Condition](
    {
        1: Row(Equals, key=KEY, value=VALUE),
        2: Row(Exists, key=KEY),
        3: Row(Absent, key=KEY),
        4: Row(HasType, key=KEY, type=OneOf("bytes", "integer", "boolean")),
        5: Row(Compare, key=KEY, relation=OneOf("<", "<=", ">", ">=", "!="), value=VALUE),
        6: Row(HasVersion, key=KEY, version=Natural(0)),
    }
)
OPERATION = Choice[Operation](
    {
        1: Row(Put, key=KEY, value=VALUE),
        2: Row(Delete, key=KEY),
        3: Row(Add, key=KEY, amount=Integer()),
        4: Row(Get, key=KEY),
    }
)
OPERATIONS = Listed(OPERATION, LIMITS.transaction_steps)
TRANSACTION = Row(Transaction, if_=Listed(CONDITION, LIMITS.transaction_steps), then=OPERATIONS, else_=OPERATIONS)
TRANSACT = Row(Transact, session=Natural(1), transaction=TRANSACTION)
BODY = Choice[Body](
    {
        1: Row(OpenSession),
        2: TRANSACT,
        3: Row(Batch, entries=Listed(Pair(), LIMITS.batch_entries)),
    }
)
ITEM = Row(Item, value=VALUE, version=Natural(1))
DONE = Row(
    Done,
    version=Natural(1),
    succeeded=Flag(),
    results=Listed(Maybe(ITEM), LIMITS.transaction_steps),
    failed=Listed(Row(Failed, condition=CONDITION, saw=Maybe(ITEM)), LIMITS.transaction_steps),
)
REFUSED = Row(Refused, fault=OneOf(*get_args(Fault)), about=Name(), size=Natural(0), most=Natural(0))
REPLY = Choice[StoreReply](
    {
        1: Row(Opened, session=Natural(1)),
        2: DONE,
        3: REFUSED,
        4: Row(Replies, replies=Listed(Choice[Done | Refused]({2: DONE, 3: REFUSED}), LIMITS.batch_entries)),
    }
)
