"""Conditions as they are written: `version("epoch") == 3`, `value("primary") == b"node-a"`, `exists("primary")`."""

from physalia.model import Absent, Compare, Condition, Equals, Exists, HasType, HasVersion, Slot, Value, ValueType


class value:  # noqa: N801  # a word of the small language that conditions are
    """The value under a key, to be compared: `==`, `!=`, `<`, `<=`, `>`, `>=` make conditions.

    All but `==` hold only of a value of the same type; so does `==`, where a type is part of what is equal.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def __eq__(self, other: Value) -> Condition:  # type: ignore[override]
        return Equals(self._key, other)

    def __ne__(self, other: Value) -> Condition:  # type: ignore[override]
        return Compare(self._key, "!=", other)

    def __lt__(self, other: Value) -> Condition:
        return Compare(self._key, "<", other)

    def __le__(self, other: Value) -> Condition:
        return Compare(self._key, "<=", other)

    def __gt__(self, other: Value) -> Condition:
        return Compare(self._key, ">", other)

    def __ge__(self, other: Value) -> Condition:
        return Compare(self._key, ">=", other)

    __hash__ = None  # type: ignore[assignment]


class version:  # noqa: N801  # see above
    """The version under a key, to be compared by `==`; 0 says that there is nothing."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __eq__(self, other: Slot) -> Condition:  # type: ignore[override]
        return HasVersion(self._key, other)

    __hash__ = None  # type: ignore[assignment]


def exists(key: str) -> Condition:
    """There is something under the key."""
    return Exists(key)


def absent(key: str) -> Condition:
    """There is nothing under the key."""
    return Absent(key)


def has_type(key: str, type_: ValueType) -> Condition:
    """What is under the key is of this type."""
    return HasType(key, type_)
