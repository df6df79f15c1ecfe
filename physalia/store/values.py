"""What values are to the store: their size, and whether a condition holds of an item."""

from collections.abc import Callable
from operator import ge, gt, le, lt, ne
from typing import Any, Final

from physalia.model import Absent, Compare, Equals, Exists, HasType, HasVersion, Item, Value
from physalia.model.transactions import TYPE_NAMES

_RELATIONS: Final[dict[str, Any]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "!=": ne}


def size_bytes(value: Value) -> int:
    """How many bytes a value takes: an integer as many as its digits to base 256, with a sign."""
    return len(value) if isinstance(value, bytes) else value.bit_length() // 8 + 1


def _equals(condition: Equals, item: Item | None) -> bool:
    return item is not None and type(item.value) is type(condition.value) and item.value == condition.value


def _has_version(condition: HasVersion, item: Item | None) -> bool:
    return condition.version == (0 if item is None else item.version)


def _has_type(condition: HasType, item: Item | None) -> bool:
    return item is not None and TYPE_NAMES[type(item.value)] == condition.type


def _compares(condition: Compare, item: Item | None) -> bool:
    if item is None or type(item.value) is not type(condition.value):
        return False
    return bool(_RELATIONS[condition.relation](item.value, condition.value))


HOLDS: Final[dict[type, Callable[[Any, Item | None], bool]]] = {
    Equals: _equals,
    Exists: lambda _, item: item is not None,
    Absent: lambda _, item: item is None,
    HasType: _has_type,
    Compare: _compares,
    HasVersion: _has_version,
}
"""Whether a condition, of each kind, holds of what is under its key. Values of two types are in no relation."""
