r"""TLA+ values as TLC prints them, and what differs between two states.

A printed state is a conjunction ``/\ variable = value``. Values become Python values: numbers, booleans, strings,
tuples for sequences, frozensets for sets, ``Function`` for records and other functions, ``Name`` for model values.
"""

import re
from collections.abc import Iterator, Mapping

from attrs import frozen


@frozen
class Name:
    """A model value: it equals itself alone."""

    name: str


@frozen
class Function:
    """A function with a finite domain, such as a record; its pairs are in no order."""

    pairs: frozenset[tuple["Value", "Value"]]
    is_record: bool = False


Value = int | bool | str | Name | Function | tuple["Value", ...] | frozenset["Value"]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|-?\d+|\w+|<<|>>|\|->|:>|@@|[{}\[\](),])')
_VARIABLE = re.compile(r"^(?:/\\ )?(\w+) = ", re.MULTILINE)


def parse_state(text: str) -> dict[str, Value]:
    """The value of every variable in a state as TLC prints it; ValueError when it is none."""
    starts = list(_VARIABLE.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {start[1]: parse_value(text[start.end() : end]) for start, end in zip(starts, ends, strict=True)}


def parse_value(text: str) -> Value:
    """One value; ValueError when the text is none."""
    parser = _Parser(text)
    value = parser.value()
    parser.end()
    return value


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while rest := text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"this is no value: {rest[:80]!r}")
        yield token[1]
        at = token.end()


class _Parser:
    """A recursive descent over the tokens of one value."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError(f"something follows the value: {self._tokens[self._at]!r}")

    def value(self) -> Value:
        token = self._next()
        if token == "{":
            return frozenset(self._items("}"))
        if token == "<<":
            return tuple(self._items(">>"))
        if token == "[":
            return self._record()
        if token == "(":
            return self._function()
        if token.startswith('"'):
            return token[1:-1]
        if token.lstrip("-").isdigit():
            return int(token)
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"
        if not token.isidentifier():
            raise ValueError(f"a value was expected, not {token or 'the end'!r}")
        return Name(token)

    def _items(self, closing: str) -> Iterator[Value]:
        if self._peek() == closing:
            self._next()
            return
        while True:
            yield self.value()
            if self._expect(",", closing) == closing:
                return

    def _record(self) -> Function:
        pairs: list[tuple[Value, Value]] = []
        while True:
            field = self._next()
            self._expect("|->")
            pairs.append((field, self.value()))
            if self._expect(",", "]") == "]":
                return Function(frozenset(pairs), is_record=True)

    def _function(self) -> Function:
        pairs: list[tuple[Value, Value]] = []
        while True:
            argument = self.value()
            self._expect(":>")
            pairs.append((argument, self.value()))
            if self._expect("@@", ")") == ")":
                return Function(frozenset(pairs))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, *wanted: str) -> str:
        token = self._next()
        if token not in wanted:
            raise ValueError(f"{' or '.join(wanted)} was expected, not {token!r}")
        return token


def show(value: Value) -> str:
    """The value as TLA+ writes it, with sets and functions in a fixed order."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case Name(name):
            return name
        case tuple():
            return f"<<{', '.join(show(item) for item in value)}>>"
        case frozenset():
            return f"{{{', '.join(sorted(show(item) for item in value))}}}"
        case Function(pairs, is_record):
            if is_record:
                return f"[{', '.join(sorted(f'{name} |-> {show(result)}' for name, result in pairs))}]"
            return f"({' @@ '.join(sorted(f'{show(argument)} :> {show(result)}' for argument, result in pairs))})"


def differences(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """What changed from one state to the next, a line for each place that did."""
    lines: list[str] = []
    for variable in after:
        if variable in before:
            lines.extend(_changes(variable, before[variable], after[variable]))
        else:
            lines.append(f"{variable} = {show(after[variable])}")
    return lines


def _changes(place: str, before: Value, after: Value) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        for sign, gone_or_come in (("-", before - after), ("+", after - before)):
            yield from sorted(f"{place} {sign} {show(item)}" for item in gone_or_come)
    elif isinstance(before, tuple) and isinstance(after, tuple):
        yield from _sequence_changes(place, before, after)
    elif isinstance(before, Function) and isinstance(after, Function):
        yield from _function_changes(place, before, after)
    else:
        yield f"{place}: {show(before)} -> {show(after)}"


def _sequence_changes(place: str, before: tuple[Value, ...], after: tuple[Value, ...]) -> Iterator[str]:
    for number, (old, new) in enumerate(zip(before, after, strict=False), start=1):
        yield from _changes(f"{place}[{number}]", old, new)
    for number in range(len(before), len(after)):
        yield f"{place}[{number + 1}] = {show(after[number])}"
    for number in range(len(after), len(before)):
        yield f"{place}[{number + 1}] is gone, was {show(before[number])}"


def _function_changes(place: str, before: Function, after: Function) -> Iterator[str]:
    old, new = dict(before.pairs), dict(after.pairs)
    if old.keys() != new.keys():
        yield f"{place}: {show(before)} -> {show(after)}"
        return
    for argument in sorted(new, key=show):
        inner = f"{place}.{argument}" if after.is_record else f"{place}[{show(argument)}]"
        yield from _changes(inner, old[argument], new[argument])
