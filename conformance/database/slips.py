"""Requests for the door, drawn by chance: most of them right, many at a limit, some that no client could have built."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
    Put,
    RequestId,
    Transact,
    Transaction,
)
from physalia.store import Limits


class Like(bytes):
    """Bytes, and no value that a client may store."""


class Named(RequestId):
    """It has all that the name of a request has, and is none."""


LIMITS: Final = Limits(
    key_bytes=4, value_bytes=3, transaction_steps=4, transaction_bytes=14, batch_entries=3, answer_bytes=6,
    partition_bytes=40, sessions=3, page_items=3, snapshots=2, snapshot_changes=5,
)  # fmt: skip
"""So small that chance meets them."""
SLIP: Final = 0.03
"""How often a part of a request is something that does not belong there."""
NUMBERS: Final = (1, 1, 2, 3, 4, 2**63 - 1)
BAD_NUMBERS: Final = (0, -1, 2**63, True, "1", None)
KEYS: Final = ("a", "b", "c", "d", "ab", "é", "éé", "abcd", "\U0001f30d")
BAD_CLIENTS: Final = ("\ud800", 7, None, b"client")
BAD_KEYS: Final = ("", "abcde", "ééa", "\ud800", 7, None, b"a")
VALUES: Final = (True, False, 0, 1, -1, 2**23 - 1, -(2**23), b"", b"ab", b"abc")
RELATIONS: Final = ("<", "<=", ">", ">=", "!=")
BAD_VALUES: Final = (2**23, b"abcd", "a", None, 1.5, Like(b"a"))


class Slips:
    """Draws requests from one source of randomness. `slip` is how often each part of one is wrong."""

    def __init__(self, random: Random, slip: float = SLIP) -> None:
        self._random = random
        self._slip = slip

    def command(self) -> Execute:
        """A command, of whatever kind."""
        random = self._random
        body: Any = random.choice((self.request, self.request, self._batch, OpenSession))()
        body = self._or(body, ("OpenSession", None))
        name = self._or(RequestId(self._client(), self._number()), ("client#1", None, Named("client", 1)))
        version: Any = self._or(1, (*BAD_NUMBERS, 2**63 - 1))
        return Execute(name, version, body)

    def request(self) -> Transact:
        """A request of some session."""
        transaction = Transaction(self._steps(self._condition), self._steps(self._operation), self._some_else())
        return Transact(self._number(), self._or(transaction, (None, "transaction")))

    def named(self) -> tuple[RequestId, Transact]:
        """A request with its name."""
        return RequestId(self._client(), self._number()), self.request()

    def _client(self) -> Any:
        return self._or(self._random.choice(("client", "ç")), BAD_CLIENTS)

    def _batch(self) -> Batch:
        entries: Any = tuple(
            self._or(self.named(), (None, (1, 2, 3), ("client#1", self.request()), (self.named()[0], OpenSession())))
            for _ in range(self._random.choice((1, 2, 2, 3, 3, self._or(1, (0, 4)))))
        )
        return Batch(self._or(entries, (list(entries), None)))

    def _some_else(self) -> Any:
        return self._steps(self._operation) if self._random.getrandbits(1) else ()

    def _steps(self, step: Callable[[], Any]) -> Any:
        most = self._random.choice((0, 1, 1, 2, 3))
        steps = tuple(self._or(step(), ("Put", None, self._operation(), self._condition())) for _ in range(most))
        return self._or(steps, (list(steps), None))

    def _condition(self) -> Any:
        key = self._key()
        return self._random.choice((
            lambda: Equals(key, self._value()),
            lambda: Exists(key),
            lambda: Absent(key),
            lambda: HasType(key, self._or("integer", ("text", ""))),
            lambda: Compare(key, self._or(self._random.choice(RELATIONS), ("==", "", None, 7)), self._value()),
            lambda: HasVersion(key, self._random.choice((0, self._number()))),
        ))()  # fmt: skip

    def _operation(self) -> Any:
        key = self._key()
        amount = self._or(self._random.choice((-1, 1, 2**23 - 1)), (True, b"a", 2**23))
        return self._random.choice((Put(key, self._value()), Delete(key), Add(key, amount), Get(key)))

    def _key(self) -> Any:
        return self._or(self._random.choice(KEYS), BAD_KEYS)

    def _value(self) -> Any:
        return self._or(self._random.choice(VALUES), BAD_VALUES)

    def _number(self) -> Any:
        return self._or(self._random.choice(NUMBERS), BAD_NUMBERS)

    def _or(self, right: Any, wrong: Sequence[Any]) -> Any:
        """What belongs there, and now and then something else."""
        return self._random.choice(wrong) if self._random.random() < self._slip else right
