"""Seeded random commands: long logs that meet every reply, faster than Hypothesis draws them."""

from random import Random

from physalia.model import (
    Absent,
    Add,
    Compare,
    Condition,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    Operation,
    Put,
    Transaction,
    Value,
)
from tests.physalia.store.strategies import OPENINGS, Move, resolve

KEYS = ("a", "b", "ab", "é", "\U0001f600")


def random_log(random: Random, length: int) -> list[Execute]:
    """So many commands of two clients."""
    return resolve([*OPENINGS, *(_move(random) for _ in range(length))])


def _move(random: Random) -> Move:
    return Move(
        random.choice(("open", *9 * ("do",), "batch")),
        random.choice("xy"),
        random.choice((1, 1, 1, 1, 2, 2, 3, 4)),
        random.choice((1, 1, 1, 1, 1, 2, 0, 0, -1)),
        random_transaction(random),
        random.random() < 2 / 3,
    )


def random_transaction(random: Random) -> Transaction:
    """At most one condition, and a few operations."""
    conditions = tuple(_condition(random) for _ in range(random.choice((0, 0, 1))))
    then = tuple(_operation(random) for _ in range(random.choice((1, 2, 4, 6))))
    return Transaction(conditions, then, tuple(_operation(random) for _ in range(random.choice((0, 1)))))


def _value(random: Random) -> Value:
    return random.choice(
        (True, False, random.randint(-2, 2), 2**16, -(2**23), 2**23 - 1, random.randbytes(random.randint(0, 3)))
    )


def _condition(random: Random) -> Condition:
    key = random.choice(KEYS)
    return random.choice(
        (
            Equals(key, _value(random)),
            Exists(key),
            Absent(key),
            HasType(key, random.choice(("bytes", "integer", "boolean"))),
            Compare(key, random.choice(("<", "<=", ">", ">=", "!=")), _value(random)),
            HasVersion(key, random.randint(0, 9)),
        )
    )


def _operation(random: Random) -> Operation:
    key = random.choice(KEYS)
    return random.choice(
        (Put(key, _value(random)), Put(key, _value(random)), Delete(key), Add(key, random.choice((-1, 1, 2**22))),
         Get(key), Get(key))
    )  # fmt: skip
