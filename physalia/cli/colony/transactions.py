"""Transactions as JSON: lists of a word, a key, and what else belongs to it."""

import base64
import binascii
from collections.abc import Sequence

from conformance.links import BadInput
from physalia.model import (
    Absent,
    Add,
    Compare,
    Condition,
    Delete,
    Equals,
    Exists,
    Get,
    HasType,
    HasVersion,
    Operation,
    Put,
    Value,
)

PARTS = ("if", "then", "else")


def parts_of(plain: object) -> dict[str, list[object]]:
    """The three parts, empty where they are left out. Raises `BadInput`."""
    if not isinstance(plain, dict):
        raise BadInput(f"a transaction is an object of {', '.join(PARTS)}.")
    for name, steps in plain.items():
        if name not in PARTS:
            raise BadInput(f"a transaction has no part {name!r}; it has {', '.join(PARTS)}.")
        if not isinstance(steps, list):
            raise BadInput(f"the part {name!r} is a list of lists.")
    return {name: plain.get(name, []) for name in PARTS}


def conditions_of(steps: Sequence[object]) -> list[Condition]:
    """Raises `BadInput` for what is no condition."""
    return [_condition(one) for one in steps]


def operations_of(steps: Sequence[object]) -> list[Operation]:
    """Raises `BadInput` for what is no operation."""
    return [_operation(one) for one in steps]


def _condition(step: object) -> Condition:
    match step:
        case ["exists", str(key)]:
            return Exists(key)
        case ["absent", str(key)]:
            return Absent(key)
        case ["version", str(key), int(version)] if not isinstance(version, bool):
            return HasVersion(key, version)
        case ["type", str(key), ("bytes" | "integer" | "boolean") as type_]:
            return HasType(key, type_)
        case ["equals", str(key), given]:
            return Equals(key, _value(given))
        case ["compare", str(key), ("<" | "<=" | ">" | ">=" | "!=") as relation, given]:
            return Compare(key, relation, _value(given))
    raise BadInput(f"{_shown(step)} is no condition: exists, absent, version, type, equals or compare, and a key.")


def _operation(step: object) -> Operation:
    match step:
        case ["put", str(key), given]:
            return Put(key, _value(given))
        case ["delete", str(key)]:
            return Delete(key)
        case ["add", str(key), int(amount)] if not isinstance(amount, bool):
            return Add(key, amount)
        case ["get", str(key)]:
            return Get(key)
    raise BadInput(f"{_shown(step)} is no operation: put, delete, add or get, and a key.")


def _value(given: object) -> Value:
    match given:
        case bool() | int():
            return given
        case str():
            try:
                return given.encode()
            except UnicodeEncodeError:
                raise BadInput("a text holds half a surrogate pair: give such bytes as base64.") from None
        case {"base64": str(text), **rest} if not rest:
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise BadInput(f"{_shown(given)} is no base64.") from None
    raise BadInput(f"{_shown(given)} is no value: a text, an integer, true, false, or base64.")


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004  # enough to find it by
