"""Snapshots in pieces: all rows, in their order, and each piece about as large as it may be (R9).

How large a row is about, the code weighs. Here it is what it takes on the wire: a piece of several rows never takes
more than it may, and none is cut short as long as it takes less than an eighth of that. Nor is a whole snapshot, of
which only the sessions' requests are not counted, said to be much heavier or lighter than it is.
"""

from collections import Counter
from random import Random

from conformance.refutation import Refuted
from physalia.cell.image import pieces, rows_of, weight_of
from physalia.cell.learner import Learner
from physalia.model import (
    Chunk,
    Done,
    Item,
    KeptItem,
    KeptSession,
    NoOp,
    Put,
    Read,
    RequestId,
    Row,
    Transact,
    Transaction,
)
from physalia.store import LIMITS, Store
from physalia.store.sessions import Session
from physalia.wire import encode_message

SEVERAL, ALONE, LARGE_ROW = "a piece has several rows", "a piece has one row", "a row is larger than a piece may be"
NUMBERS, TEXTS = "a row holds a large number", "a row has a long key"
WHOLE = "a snapshot of everything is weighed"
PIECE_MARKS = (SEVERAL, ALONE, LARGE_ROW, NUMBERS, TEXTS, WHOLE)
HEAVIEST = 16
"""A snapshot takes no more than it is said to weigh, and is not said to weigh more than so many times as much."""
SLACK = 8
MARGIN_BYTES = 64
"""So much may be beside the rows in a message."""


class Pieces:
    """Cuts snapshots."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()

    def run(self, commands: int) -> int:
        """So many snapshots are cut. Raises `Refuted`."""
        for _ in range(commands):
            kinds = self._random.choice(((self._item,), (self._session,), (self._item, self._session)))
            rows = tuple(self._random.choice(kinds)(number) for number in range(self._random.choice((1, 4, 30))))
            self._cut(rows, self._random.choice((1, 600, 2_000, 5_000)))
            self._weigh(*(self._random.choice((0, 1, 30)) for _ in range(3)))
        return commands

    def _weigh(self, items: int, sessions: int, reads: int) -> None:
        """A snapshot of so many items, sessions without a request, and commands that were no transactions."""
        learner = Learner.create(1, frozenset({1, 2, 3}), 1, Store(LIMITS))
        for number in range(items):
            learner.state.store.items.keep(f"{number:03}{self._key()}", Item(self._value(), number + 1))
        for number in range(1, sessions + 1):
            learner.state.store.sessions.keep(number, Session(RequestId("client", number), number))
        learner.append(NoOp())
        for number in range(reads):
            learner.append(Read(RequestId("reader", number)))
        takes = _wire_bytes(rows_of(learner.state, learner.configurations, NoOp()))
        said = weight_of(learner.state)
        if not takes <= said <= HEAVIEST * takes:
            raise Refuted(f"a snapshot is said to weigh {said} bytes, and takes {takes}")
        self.reached[WHOLE] += items > 1 and sessions > 1 and reads > 1

    def _cut(self, rows: tuple[Row, ...], most_bytes: int) -> None:
        cut = list(pieces(rows, most_bytes))
        if tuple(row for _, some in cut for row in some) != rows:
            raise Refuted("the pieces of a snapshot are not its rows in their order")
        at = 0
        for number, (first, some) in enumerate(cut):
            if first != at or not some:
                raise Refuted(f"piece {number + 1} of a snapshot begins at row {at}, and is said to begin at {first}")
            at += len(some)
            takes = _wire_bytes(some)
            if len(some) > 1 and takes > most_bytes + MARGIN_BYTES:
                raise Refuted(f"a piece of {len(some)} rows takes {takes} bytes, and may take {most_bytes}")
            with_next = takes if at == len(rows) else _wire_bytes((*some, rows[at]))
            if at < len(rows) and SLACK * with_next < most_bytes:
                raise Refuted(f"a piece of {takes} bytes ends, and could be of {with_next}: {most_bytes} are allowed")
            self.reached[SEVERAL if len(some) > 1 else ALONE] += 1
            self.reached[LARGE_ROW] += takes > most_bytes

    def _item(self, number: int) -> Row:
        key = f"{number:03}{self._key()}"
        return KeptItem(key, Item(self._value(), number + 1))

    def _session(self, number: int) -> Row:
        asked = Transact(number + 1, Transaction((), tuple(Put(self._key(), self._value()) for _ in range(3)), ()))
        reply = Done(number + 1, True, tuple(Item(self._value(), 1) for _ in range(3)), ())
        return KeptSession(number + 1, RequestId("client", 1), number + 1, 1, asked, reply)

    def _key(self) -> str:
        key = self._random.choice(("k", "k" * 500))
        self.reached[TEXTS] += len(key) > MARGIN_BYTES
        return key

    def _value(self) -> int | bytes:
        size_bytes = self._random.choice((60, 200, 400))
        is_number = self._random.random() < 1 / 3
        self.reached[NUMBERS] += is_number
        return self._random.getrandbits(8 * size_bytes) if is_number else self._random.randbytes(size_bytes)


def _wire_bytes(rows: tuple[Row, ...]) -> int:
    return len(encode_message(Chunk(1, bytes(32), 1, rows)))
