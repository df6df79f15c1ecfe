"""Histories from files: JSON Lines, Jepsen's EDN, and the lines of Jepsen's logs. Nothing is patched.

What is ill-formed is refused with its line and its field: an operation that ends before it begins, two that one process
has under way, an event of an unknown type, or what the model does not have.
"""

import json
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import isnan
from pathlib import Path
from typing import TypeAlias

from attrs import evolve, frozen

from conformance.histories import edn
from conformance.histories.history import MOST_NESTED, History, Map, Operation, Typed, Value, integer, opened, value
from conformance.histories.models import Malformed, Model, shown
from conformance.links import BadInput

Number: TypeAlias = int | float | Fraction
_TYPES = ("invoke", "ok", "fail", "info")
_FIELDS = ("process", "type", "f", "value", "key", "time", "index", "error")
_LOG_LINE = re.compile(
    r"""^(?!\s*(?:\[\s*)?[{(\#;])(?:.*?(?:\s-|\S:)\s+)??([^\s{}()\[\]#]\S*)\s+:(invoke|ok|fail|info)\s+:?(\S+)(?:\s+(.*))?$"""
)
"""A process, a type, an f, a value and perhaps an error, behind what a logger puts before it: `- ` or `jepsen.util: `.

Neither the line nor a process begins as EDN does: a map may be written without commas, and its texts may say anything.
"""
_OBJECT = re.compile(r'\s*\{\s*"')
_ARRAY = re.compile(r'\s*\[\s*\{\s*"[^"\\]*"\s*:[\s"\[{\d]')
_NEMESIS = Typed("keyword", "nemesis")
MOST_BYTES = 1 << 30
_AT_ONCE = 1 << 20


@frozen(kw_only=True)
class Event:
    """One event of a history, and the line on which it stands."""

    line: int
    process: Value
    type: str
    f: str
    value: Value
    key: Value = None
    time: "Number | None" = None
    index: "Number | None" = None


def read(path: Path, model: Model) -> History:
    """The history in a file. Raises `BadInput` with the line and the field that are wrong."""
    try:
        text = _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text in UTF-8: {error.reason} at byte {error.start}.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse(text.replace("\r\n", "\n").replace("\r", "\n"), model, str(path))


def _bytes(path: Path) -> bytes:
    """What is in a file, never more than may be: its size says nothing of a pipe, or of what is being written."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise BadInput(f"{path} is a device or a socket: a history is in a file, or comes through a pipe.")
    parts, size = [], 0
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            size += len(part)
            if size > MOST_BYTES:
                raise BadInput(f"{path} has more than {MOST_BYTES:,} bytes, and no more are read: split it by keys.")
            parts.append(part)
    return b"".join(parts)


def parse(text: str, model: Model, source: str) -> History:
    """The history in a text, called `source` in what is said of it."""
    return pair(_events(text.removeprefix("\ufeff"), source), model, source)


def _events(text: str, source: str) -> Iterator[Event]:
    """The events of a text in whichever notation it is written: that shows in its first line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if _OBJECT.match(first):
        return _from_json(text, source)
    if _LOG_LINE.match(first):
        return _from_log(text, source)
    if _ARRAY.match(text):
        raise _wrong(source, 1, "", "it is a JSON array; in JSON Lines each event stands on a line of its own")
    return _from_edn(text, source)


def _from_json(text: str, source: str) -> Iterator[Event]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line, parse_constant=_no_constant, parse_int=integer, object_pairs_hook=_once)
        except RecursionError:
            raise _wrong(source, number, "", f"it is nested more than {MOST_NESTED} deep") from None
        except ValueError as error:
            raise _wrong(source, number, "", f"it is no JSON: {error}") from None
        if not isinstance(given, dict):
            raise _wrong(source, number, "", "an event is a JSON object")
        _must_be_known(source, number, given, _FIELDS)
        try:
            fields = {name: value(one) for name, one in given.items()}
        except ValueError as error:
            raise _wrong(source, number, "", str(error)) from None
        yield _event(source, number, fields)


def _from_edn(text: str, source: str) -> Iterator[Event]:
    try:
        forms = edn.read(text)
    except edn.NotEdn as error:
        raise _wrong(source, error.line, "", f"it is neither JSON Lines nor EDN: {error.why}") from None
    for form in forms:
        for one in form.parts if form.is_list else (form,):
            if not isinstance(one.value, Map):
                raise _wrong(source, one.line, "", "an event is a map")
            fields: dict[str, Value] = {}
            for name, given in sorted(((_name(name), given) for name, given in one.value.entries), key=_first):
                if name in fields:
                    raise _wrong(source, one.line, name, "it is there twice, as a keyword and as a text or symbol")
                fields[name] = given
            yield _event(source, one.line, fields)


def _must_be_known(source: str, line: int, fields: Iterable[str], known: Sequence[str]) -> None:
    for name in fields:
        if name not in known:
            raise _wrong(source, line, name, f"there is no such field; there are {', '.join(known)}")


def _from_log(text: str, source: str) -> Iterator[Event]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _LOG_LINE.match(line)
        if found is None:
            raise _wrong(source, number, "", "it is no line of a history: process, :type, :f and value")
        try:
            process = edn.first(found[1])
            given = None if process in (_NEMESIS, "nemesis") else edn.first(found[4] or "")
        except edn.NotEdn as error:
            raise _wrong(source, number, "value", error.why) from None
        yield _event(source, number, {"process": process, "type": found[2], "f": found[3], "value": given})


def _event(source: str, line: int, fields: dict[str, Value]) -> Event:
    for name in ("process", "type", "f"):
        if fields.get(name) is None:
            raise _wrong(source, line, name, "an event has a process, a type and an f")
    for name in ("type", "f"):
        if not (isinstance(fields[name], str) or _is_word(fields[name])):
            raise _wrong(source, line, name, f"{shown(fields[name])} is no name")
    process, type_, f = fields["process"], _name(fields["type"]), _name(fields["f"])
    if type_ not in _TYPES:
        raise _wrong(
            source, line, "type", f"{shown(fields['type'])} is no type of event; there are {', '.join(_TYPES)}"
        )
    if not isinstance(process, int | str | Typed):
        raise _wrong(source, line, "process", f"{shown(process)} is no name of a process")
    return Event(
        line=line, process=process, type=type_, f=f, value=fields.get("value"), key=fields.get("key"),
        time=_number(source, line, "time", fields), index=_number(source, line, "index", fields),
    )  # fmt: skip


def _number(source: str, line: int, name: str, fields: dict[str, Value]) -> Number | None:
    """What a clock or a counter shows, as a number of Python's, if the event has it."""
    match fields.get(name):
        case None:
            return None
        case int(number):
            return number
        case Typed("float", float(number)) if not isnan(number):
            return number
        case Typed("ratio", str(ratio)):
            return Fraction(ratio)
        case other:
            raise _wrong(source, line, name, f"{shown(other)} is no number that can be compared")


def pair(events: Iterable[Event], model: Model, source: str) -> History:
    """Operations out of events: each begins with its `invoke`, and ends with what comes next from its process."""
    under_way: dict[Value, tuple[int, Event]] = {}
    done: list[Operation] = []
    failed = 0
    for moment, event in enumerate(events):
        if event.process in (_NEMESIS, "nemesis"):  # who breaks things is no client
            continue
        begun = under_way.get(event.process)
        if event.type == "invoke":
            if begun is not None:
                what = f"process {shown(event.process)} has another operation under way, since line {begun[1].line}"
                raise _wrong(source, event.line, "process", what)
            under_way[event.process] = moment, event
            continue
        if begun is None:
            what = f"process {shown(event.process)} ends an operation that it never began"
            raise _wrong(source, event.line, "type", what)
        del under_way[event.process]
        _must_fit(source, begun[1], event)
        if event.type == "fail":
            _admitted(source, model, _open(*begun))
            failed += 1
        elif event.type == "info":
            done.append(_admitted(source, model, _open(*begun)))
        else:
            ended = evolve(_open(*begun), end=moment, answer=event.value, end_line=event.line)
            done.append(_admitted(source, model, ended))
    done += [_admitted(source, model, _open(*begun)) for begun in under_way.values()]
    done.sort(key=lambda operation: operation.begin)
    return History(operations=tuple(done), failed=failed, source=source)


def _open(moment: int, event: Event) -> Operation:
    return Operation(
        process=event.process, f=event.f, asked=event.value, key=event.key, begin=moment, end=None, line=event.line
    )


def _must_fit(source: str, begun: Event, ended: Event) -> None:
    if ended.f != begun.f:
        raise _wrong(source, ended.line, "f", f"the operation began as {begun.f} on line {begun.line}")
    if ended.key not in (None, begun.key):
        raise _wrong(source, ended.line, "key", f"the operation began with another one on line {begun.line}")
    for name, before, after in (("time", begun.time, ended.time), ("index", begun.index, ended.index)):
        if before is not None and after is not None and after < before:
            raise _wrong(source, ended.line, name, f"the operation ends before it begins, on line {begun.line}")


def _admitted(source: str, model: Model, operation: Operation) -> Operation:
    try:
        return model.admit(operation)
    except Malformed as error:
        line = operation.end_line if _can_be_asked(model, operation) else operation.line
        raise _wrong(source, line or operation.line, error.field, error.why) from None


def _can_be_asked(model: Model, operation: Operation) -> bool:
    """Whether nothing but the answer is wrong with it."""
    try:
        model.admit(opened(operation))
    except Malformed:
        return False
    return True


def _wrong(source: str, line: int, field: str, why: str) -> BadInput:
    return BadInput(f"{source}, line {line}{f', field {field}' if field else ''}: {why}.")


def _first(pair: tuple[str, Value]) -> str:
    return pair[0]


def _name(given: Value) -> str:
    return str(given.value) if isinstance(given, Typed) else str(given)


def _is_word(given: Value) -> bool:
    return isinstance(given, Typed) and given.type in ("keyword", "symbol")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has one name twice")
    return found
