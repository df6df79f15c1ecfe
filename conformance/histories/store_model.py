"""The model `store`: transactions with conditions on the keys of one partition, each at one moment.

    {"if": [["equals", "primary", "a"], ["version", "primary", 3]],
     "then": [["put", "primary", "b"]], "else": [["read", "primary"]]}

Conditions are `equals`, `exists`, `absent`, `version`, `type` and `compare` with a relation; operations are `put`,
`delete`, `add` and `read`. If all conditions hold, `then` is performed, otherwise `else`. A key's version counts how
often it was put, added to or deleted, and is 0 before. A transaction that adds to what is no integer, or not there, is
refused as a whole.

The answer says `succeeded`, whether the conditions held, and may give `results`: for each operation what was under its
key right after it, [value, version], or null for nothing; or `values`, the same without the versions, where a store
counts them in another way. Or it says `refused`, and nothing was changed.

An operation may say in `key` of which partition it is; each partition has keys of its own.

A value is a text, an integer, a boolean, or bytes as `{"bytes": text}`, which are in the order of these texts. In EDN a
keyword stands for its name: `{:if [[:exists "primary"]] :then [[:add "epoch" 1]]}`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from attrs import evolve

from conformance.histories.history import FALSE, TRUE, Map, Operation, Typed, Value
from conformance.histories.models import ILLEGAL, Bounds, Kind, Malformed, NotLegal, shown

_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "!=": ne, "==": eq}
_CONDITIONS = {"equals": 3, "exists": 2, "absent": 2, "version": 3, "type": 3, "compare": 4}
_OPERATIONS = {"put": 3, "delete": 2, "add": 3, "read": 2}
TYPES = ("text", "integer", "boolean", "bytes")
_GONE = Typed("gone", None)
"""The value of a key that was deleted: its version goes on counting."""

Step = tuple[Value, ...]


class Refused(Exception):
    """The transaction is refused as a whole."""


class Store:
    """See above. A state is the set of (key, value, version) of every key that was ever written."""

    name = "store"
    initial: Value = frozenset()

    def admit(self, operation: Operation) -> Operation:
        """See `Model`."""
        if operation.f != "txn":
            raise Malformed("f", f"{operation.f} is no operation of a store; it has txn")
        operation = _named(operation)
        if not isinstance(operation.asked, Map):
            raise Malformed("value", "a transaction is a map of if, then and else")
        if operation.asked.names() - {"if", "then", "else"}:
            raise Malformed("value", "a transaction has nothing but if, then and else")
        for name, known in (("if", _CONDITIONS), ("then", _OPERATIONS), ("else", _OPERATIONS)):
            for step in _steps(operation.asked, name):
                _admit_step(step, name, known)
        if not operation.is_open:
            _admit_answer(operation.answer)
        return operation

    def parts(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        """See `Model`: apart are transactions that share no key, not even by way of others."""
        leader: dict[Value, Value] = {}

        def find(key: Value) -> Value:
            while leader.setdefault(key, key) != key:
                leader[key] = key = leader[leader[key]]
            return key

        for operation in operations:
            keys = [find(key) for key in _keys(operation)]
            for key in keys[1:]:
                leader[find(key)] = find(keys[0])
        parts: dict[Value, list[Operation]] = {}
        for operation in operations:
            first = next(_keys(operation), None)
            parts.setdefault(None if first is None else find(first), []).append(operation)
        return parts.values()

    def kind(self, operation: Operation) -> Kind:
        """See `Model`: by its answer, or by all that it may do."""
        assert isinstance(operation.asked, Map)
        answer = operation.answer
        if _is_refused(answer):
            return Kind.READS
        branches = ["then", "else"]
        if isinstance(answer, Map):
            branches = ["then" if answer.get("succeeded") == TRUE else "else"]
        only_reads = all(step[0] == "read" for name in branches for step in _steps(operation.asked, name))
        return Kind.READS if only_reads else Kind.CHANGES

    def bounds(self, operation: Operation) -> Bounds | None:
        """See `Model`: that cannot be said."""
        del operation
        return None

    def may_become(self, state: Value, needed: Value) -> bool:
        """See `Model`."""
        del state, needed
        return True

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """See `Model`."""
        assert isinstance(operation.asked, Map)
        assert isinstance(state, frozenset)
        items = {key: (value, version) for key, value, version in state}
        succeeded = all(_holds(one, items) for one in _steps(operation.asked, "if"))
        answer = operation.answer
        try:
            results = [_perform(one, items) for one in _steps(operation.asked, "then" if succeeded else "else")]
        except Refused:
            return (
                state if answer is None or (isinstance(answer, Map) and answer.get("refused") is not None) else ILLEGAL
            )
        if isinstance(answer, Map):
            told, values = answer.get("results"), answer.get("values")
            if answer.get("succeeded") != (TRUE if succeeded else FALSE) or told not in (None, tuple(results)):
                return ILLEGAL
            if values not in (None, tuple(one[0] if isinstance(one, tuple) else None for one in results)):
                return ILLEGAL
        return frozenset((key, value, version) for key, (value, version) in items.items())

    def words(self, state: Value) -> str:
        """See `Model`."""
        assert isinstance(state, frozenset)
        there = sorted((str(key), shown(value), version) for key, value, version in state if value != _GONE)
        return ", ".join(f"{key} = {value} (version {version})" for key, value, version in there) or "empty"


def _is_refused(answer: Value) -> bool:
    return isinstance(answer, Map) and answer.get("refused") is not None


def _named(operation: Operation) -> Operation:
    """The operation, with the name of each keyword of EDN in its place."""
    asked, answer = _without_keywords(operation.asked), _without_keywords(operation.answer)
    if (asked, answer) == (operation.asked, operation.answer):
        return operation
    return evolve(operation, asked=asked, answer=answer)


def _without_keywords(given: Value) -> Value:
    match given:
        case Typed("keyword", name):
            return name
        case tuple():
            return tuple(map(_without_keywords, given))
        case Map(entries):
            plain = [(_without_keywords(name), _without_keywords(one)) for name, one in entries]
            if len({name for name, _ in plain}) < len(plain):
                raise Malformed("value", "a map has a name twice, as a keyword and as a text")
            return Map(frozenset(plain))
    return given


def _steps(transaction: Map, name: str) -> tuple[Step, ...]:
    given = transaction.get(name)
    if given is None:
        return ()
    if not (isinstance(given, tuple) and all(isinstance(one, tuple) for one in given)):
        raise Malformed("value", f"{name} is a list of lists")
    return given


def _admit_step(step: Step, name: str, known: Mapping[str, int]) -> None:
    word = step[0] if step else None
    if not isinstance(word, str) or word not in known:
        raise Malformed("value", f"{shown(word)} cannot stand under {name}; there are {', '.join(known)}")
    if len(step) != known[word]:
        raise Malformed("value", f"{word} has {known[word] - 1} arguments, and not {len(step) - 1}")
    if not isinstance(step[1], str):
        raise Malformed("value", f"a key is a text, and not {shown(step[1])}")
    if word == "add" and not isinstance(step[2], int):
        raise Malformed("value", f"{shown(step[2])} is no integer that could be added")
    if word == "compare" and step[2] not in _RELATIONS:
        raise Malformed("value", f"{shown(step[2])} is no relation; there are {' '.join(_RELATIONS)}")
    if word == "version" and not (isinstance(step[2], int) and step[2] >= 0):
        raise Malformed("value", f"{shown(step[2])} is no version: they count from 0")
    if word == "type" and step[2] not in TYPES:
        raise Malformed("value", f"{shown(step[2])} is no type; there are {', '.join(TYPES)}")
    if word in ("equals", "put", "compare"):
        _admit_value(step[-1])


def _admit_value(value: Value) -> None:
    if _type(value) not in TYPES:
        what = "a store has no floats" if _type(value) == "float" else f"{shown(value)} is no value of a store"
        raise Malformed("value", f"{what}; it has texts, integers, booleans, and bytes as {{bytes: text}}")


def _admit_answer(answer: Value) -> None:
    if not isinstance(answer, Map) or answer.names() - {"succeeded", "results", "values", "refused"}:
        raise Malformed("value", "a transaction is answered by a map of succeeded and results or values, or of refused")
    refused = answer.get("refused")
    if refused is None and answer.get("succeeded") not in (TRUE, FALSE):
        raise Malformed("value", "the answer to a transaction says succeeded: true or false")
    if refused is not None and (not isinstance(refused, str) or answer.get("succeeded") == TRUE):
        raise Malformed("value", "a transaction that is refused did not succeed, and the answer says why in a text")
    for name in ("results", "values"):
        told = answer.get(name)
        if told is not None and (refused is not None or not isinstance(told, tuple)):
            raise Malformed("value", f"{name} are a list with one for each operation that was performed")


def _keys(operation: Operation) -> Iterator[Value]:
    """The keys that it speaks of, each with its partition."""
    assert isinstance(operation.asked, Map)
    for name in ("if", "then", "else"):
        for step in _steps(operation.asked, name):
            yield operation.key, step[1]


def _holds(condition: Step, items: Mapping[Value, tuple[Value, int]]) -> bool:
    value, version = items.get(condition[1], (_GONE, 0))
    match condition:
        case ("equals", _, wanted):
            return value == wanted
        case ("exists", _):
            return value != _GONE
        case ("absent", _):
            return value == _GONE
        case ("version", _, wanted):
            return version == wanted
        case ("type", _, wanted):
            return value != _GONE and _type(value) == wanted
        case ("compare", _, str() as relation, wanted):
            return value != _GONE and _compare(relation, value, wanted)
    raise AssertionError(condition)


def _compare(relation: str, value: Value, wanted: Value) -> bool:
    one, other = _content(value), _content(wanted)
    return _type(value) == _type(wanted) and _RELATIONS[relation](one, other)


def _content(value: Value) -> Value:
    """What values of one type are compared by."""
    return value.value if isinstance(value, Typed) else value.get("bytes") if isinstance(value, Map) else value


def _type(value: Value) -> str:
    match value:
        case int():
            return "integer"
        case str():
            return "text"
        case Typed(type=name):
            return name
        case Map() if value.names() == {"bytes"} and isinstance(value.get("bytes"), str):
            return "bytes"
    return "nothing that a store has"


def _perform(operation: Step, items: dict[Value, tuple[Value, int]]) -> Value:
    """Perform it on the items; what is under the key then. Raises `Refused`."""
    key = operation[1]
    value, version = items.get(key, (_GONE, 0))
    match operation:
        case ("put", _, new):
            items[key] = new, version + 1
        case ("delete", _):
            if value == _GONE:
                return None
            items[key] = _GONE, version + 1
            return None
        case ("add", _, int() as amount):
            if not isinstance(value, int):
                raise Refused
            items[key] = value + amount, version + 1
        case _:
            return None if value == _GONE else (value, version)
    return items[key]
