"""The image of a state: the rows of a snapshot, and the state that they stand for (design rules R9 and R10).

The rows are the same on every node, so that it does not matter who writes or teaches them; a digest tells whether they
arrived whole. Whatever of them makes no sense is refused as a whole.
"""

from collections.abc import Iterable, Iterator

from attrs import frozen

from physalia.cell.configuration import Configurations
from physalia.cell.state import State
from physalia.model import Command, Head, KeptItem, KeptMember, KeptSession, KeptVerdict, NodeId, Row, Slot
from physalia.model.value import evolve
from physalia.store import Session, digest
from physalia.store import Store as Database


class BadImage(ValueError):
    """These rows are no snapshot, or one of software that knows more. Nothing was changed."""


@frozen
class Landing:
    """Where a snapshot leads: the state after its slot, the members from that slot on, and what was decided there."""

    state: State
    configurations: tuple[frozenset[NodeId], ...]
    last: Command

    @property
    def slot(self) -> Slot:
        """The slot of the snapshot."""
        return self.state.prefix


def rows_of(state: State, configurations: Configurations, last: Command) -> tuple[Row, ...]:
    """The rows for a state, in the order that every node gives them. `last` is its last command."""
    store = state.store
    rows: list[Row] = [KeptVerdict(command, verdict) for command, verdict in state.verdicts.items()]
    rows += [KeptItem(key, store.items.now[key]) for key in sorted(store.items.now)]
    rows += [
        KeptSession(name, s.opened_by, s.used, s.number, s.asked, s.reply)
        for name, s in store.sessions.table.items()
    ]  # fmt: skip
    members = tuple(configurations.members(slot) for slot in range(state.prefix, configurations.last + 1))
    rows += [KeptMember(node) for node in sorted(state.served.difference(*members))]
    head = Head(
        state.prefix, last, state.volume, state.jury, members, store.version, store.slot, len(rows) + 1
    )  # fmt: skip
    return head, *rows


def landing(rows: Iterable[Row], alpha: int, empty: Database) -> Landing:
    """Where these rows lead; `empty` is a store with nothing in it, of this software. Raises `BadImage`."""
    head, *others = rows
    if not isinstance(head, Head) or head.rows != len(others) + 1:
        raise BadImage("a snapshot begins with its head, which says how many rows it has")
    if head.version > empty.understands:
        raise BadImage(f"the snapshot at slot {head.slot} is of version {head.version}, which this software is not")
    if len(head.configurations) != alpha + 1 or not all(head.configurations):
        raise BadImage(f"the snapshot at slot {head.slot} does not have the members of {alpha + 1} slots")
    store = empty.copy()
    store.slot, store.version = head.applied, head.version
    state = State(head.jury, head.volume, store=store, prefix=head.slot)
    state.served = head.jury.members.union(*head.configurations)
    kept: dict[type, set[object]] = {KeptVerdict: set(), KeptItem: set(), KeptSession: set(), KeptMember: set()}
    for row in others:
        match row:
            case KeptVerdict(command, verdict):
                name: object = command
                state.verdicts[command] = verdict
            case KeptItem(key, item):
                name = key
                store.items.keep(key, item)
            case KeptSession(slot):
                name = slot
                session = Session(row.opened_by, row.used, row.number, row.asked, row.reply)
                store.sessions.keep(slot, session)
            case KeptMember(node):
                name = node
                state.served |= {node}
            case _:
                raise BadImage("a snapshot has one head")
        if name in kept[type(row)]:
            raise BadImage(f"the snapshot at slot {head.slot} has two rows of one name")
        kept[type(row)].add(name)
    if len(store.sessions.table) > store.sessions.most:
        raise BadImage(f"the snapshot at slot {head.slot} has more sessions than there is room for")
    return Landing(state, head.configurations, head.last)


def digest_of(rows: tuple[Row, ...]) -> bytes:
    """32 bytes that vouch for every row."""
    return digest(_ordered(rows))


def is_image(rows: tuple[Row, ...], image: tuple[Row, ...]) -> bool:
    """Whether these rows are that image, or what software wrote for it that kept no former members."""
    if not any(isinstance(row, KeptMember) for row in rows):
        head, *others = (row for row in image if not isinstance(row, KeptMember))
        assert isinstance(head, Head)
        image = (evolve(head, rows=len(others) + 1), *others)
    return digest_of(rows) == digest_of(image)


def _ordered(thing: object) -> object:
    """The same, with sets as tuples in order and values as tuples of their names and fields."""
    if isinstance(thing, frozenset):
        return tuple(sorted(thing))
    if isinstance(thing, tuple):
        return tuple(map(_ordered, thing))
    names = getattr(type(thing), "__match_args__", None)
    return thing if names is None else (type(thing).__name__, *(_ordered(getattr(thing, name)) for name in names))


ITEM_BYTES, SESSION_BYTES, OTHER_BYTES, FIELD_BYTES = 64, 128, 256, 8
"""About what a row takes, by its kind, beside what is in it; and what a field does."""

BYTE_BITS = 8


def weight(row: Row) -> int:
    """About how many bytes a row takes."""
    match row:
        case KeptItem(key, item):
            return ITEM_BYTES + len(key) + weigh(item)
        case KeptSession():
            return SESSION_BYTES + weigh(row.asked) + weigh(row.reply)
        case _:
            return OTHER_BYTES


def weight_of(state: State) -> int:
    """About how many bytes a snapshot takes, without a look at each row: what sessions remember is not counted."""
    items, sessions = state.store.items, state.store.sessions.table
    others = OTHER_BYTES * (len(state.verdicts) + 1)
    return items.size_bytes + ITEM_BYTES * len(items.now) + SESSION_BYTES * len(sessions) + others


def weigh(thing: object) -> int:
    """The bytes of all texts, byte strings and large integers in it, and some for each thing."""
    if isinstance(thing, bytes | str):
        return FIELD_BYTES + len(thing)
    if isinstance(thing, int):
        return FIELD_BYTES + thing.bit_length() // BYTE_BITS
    if isinstance(thing, tuple):
        return FIELD_BYTES + sum(map(weigh, thing))
    names = getattr(type(thing), "__match_args__", ())
    return FIELD_BYTES + sum(weigh(getattr(thing, name)) for name in names)


def pieces(rows: tuple[Row, ...], size_bytes: int) -> Iterator[tuple[int, tuple[Row, ...]]]:
    """The rows in pieces of about so many bytes, at least one row each, with the number of the first row."""
    first = size = 0
    for number, row in enumerate(rows):
        weighs = weight(row)
        if number > first and size + weighs > size_bytes:
            yield first, rows[first:number]
            first, size = number, 0
        size += weighs
    yield first, rows[first:]
