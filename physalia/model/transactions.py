"""The database's own commands: what a client asks of the store, and what it is answered.

A partition maps string keys to one value each: bytes, an integer of any size, or a boolean. A value is equal to another
only if their types are the same too; for Python alone `True == 1`, and a retry with the other of the two would pass for
the same request. There are no floats: two machines need not agree on their sums.
"""

from typing import Final, Literal, TypeAlias

from physalia.model.ids import RequestId, Slot
from physalia.model.value import key, typed, value

Value: TypeAlias = bytes | int | bool
ValueType: TypeAlias = Literal["bytes", "integer", "boolean"]
Relation: TypeAlias = Literal["<", "<=", ">", ">=", "!="]

TYPE_NAMES: Final[dict[type, ValueType]] = {bytes: "bytes", int: "integer", bool: "boolean"}


@typed
class Item:
    """What is under a key. `version` is the slot of the command that last put it there, also if nothing differed."""

    value: Value
    version: Slot


# Conditions. Each is about one key, and false of what it does not fit: nothing about a condition is an error.


@typed
class Equals:
    """The item has this value, and its type."""

    key: str
    value: Value


@value
class Exists:
    """There is an item."""

    key: str


@value
class Absent:
    """There is none."""

    key: str


@value
class HasType:
    """The item's value is of this type."""

    key: str
    type: ValueType


@typed
class Compare:
    """The item's value is of the same type as `value`, and in this relation to it; `False` is below `True`."""

    key: str
    relation: Relation
    value: Value


@value
class HasVersion:
    """The item is of this version; version 0 says that there is none."""

    key: str
    version: Slot


Condition: TypeAlias = Equals | Exists | Absent | HasType | Compare | HasVersion


# Operations. The result of each is the item under its key right after it, None if there is none.


@typed
class Put:
    """Put the value under the key, whatever was there."""

    key: str
    value: Value


@value
class Delete:
    """Leave nothing under the key; if nothing was there, nothing changes."""

    key: str


@typed
class Add:
    """Add to the integer under the key. Where there is none, or another type, the whole transaction is refused."""

    key: str
    amount: int


@value
class Get:
    """Look at the item, as the operations before this one left it."""

    key: str


Operation: TypeAlias = Put | Delete | Add | Get


@value
class Transaction:
    """If all conditions hold when it is applied, do `then`, otherwise `else_`: all of it or nothing."""

    if_: tuple[Condition, ...] = ()
    then: tuple[Operation, ...] = ()
    else_: tuple[Operation, ...] = ()


# Commands


@value
class OpenSession:
    """Begin a session for the client that asks. The slot of the command names it (design rule R6)."""


@value
class Transact:
    """Do the transaction once, in this session: the request's number says which of the session's requests it is."""

    session: Slot
    transaction: Transaction


@value
class Batch:
    """Several clients' transactions in one slot. None of them touches what another one changes."""

    entries: tuple[tuple[RequestId, Transact], ...]


@value
class Unread:
    """What a later version asks for, as bytes: this software cannot know what it means (design rule R5)."""

    data: bytes


Body: TypeAlias = OpenSession | Transact | Batch | Unread


@key
class Execute:
    """Let the store carry out `body` by the rules of `version`. Whoever does not know these stops before it (R5)."""

    request: RequestId
    version: int
    body: Body


# Answers


@value
class Failed:
    """A condition that did not hold, and what was there."""

    condition: Condition
    saw: Item | None


@value
class Opened:
    """The session's name, for every request in it."""

    session: Slot


@value
class Done:
    """The transaction took place: `then` if it `succeeded`, which is when nothing `failed`, otherwise `else_`.

    `results` has one for each operation that was done, and `version` is that of everything that was changed.
    """

    version: Slot
    succeeded: bool
    results: tuple[Item | None, ...]
    failed: tuple[Failed, ...]


Fault: TypeAlias = Literal[
    "invalid",
    "limit",
    "interacting",
    "wrong type",
    "no such key",
    "session expired",
    "number reused",
    "number went back",
    "scan expired",
]
"""Why nothing was done.

`invalid`, `limit` and `interacting` are said at the door: of what is no request, of what is too large, and of a batch
whose requests touch what others of it change. `session expired` is said of a session that there is not, or not
any more. `number reused`: this number was another request's. `number went back`: a later request of the session was
done; whether this one was done before it, nobody remembers. `scan expired`: the snapshot of the page is gone.
"""


@value
class Refused:
    """Nothing was changed, and why. `about` is the key, or the name of the limit; `size` is not within `most`."""

    fault: Fault
    about: str = ""
    size: int = 0
    most: int = 0


@value
class Replies:
    """The replies to the requests of a batch, in its order."""

    replies: tuple["Done | Refused", ...]


StoreReply: TypeAlias = Opened | Done | Refused | Replies


# Scans: they read one node, and are no commands.


@value
class Token:
    """Where a scan goes on: in the snapshot after `slot`, with the keys after `after`."""

    slot: Slot
    after: str


@value
class Page:
    """Some items in the order of their keys, and how to read on, None at the end."""

    items: tuple[tuple[str, Item], ...]
    token: Token | None
