"""A small reader of EDN, the notation of Jepsen's histories, that knows on which line everything stands.

The readers that can be had forget the lines, and an ill-formed history is refused with its line. Nothing recurses.

Jepsen writes with Clojure's printer, which says more than EDN has, mostly in errors and exceptions: ratios, the address
of an object (`#object[Foo 0x6e2a "Foo@6e2a"]`), `##NaN`, maps under one namespace (`#:a{:b 1}`), what is known about a
value (`^{:line 3} x`). All that is read; what is known about a value is passed over.
"""

import re
from collections.abc import Iterator

from attrs import Factory, define, frozen

from conformance.histories.history import FALSE, MOST_NESTED, TRUE, Map, Typed, Value, integer

_TOKEN = re.compile(
    r"""(?P<space>[\s,]+|;[^\n]*)
      | (?P<open>\#\{|[(\[{])
      | (?P<close>[)\]}])
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<discard>\#_)
      | (?P<meta>\#?\^)
      | (?P<tag>\#:*[A-Za-z][^\s,()\[\]{}"]*)
      | (?P<char>\\(?:newline|space|tab|return|formfeed|backspace|u[0-9a-fA-F]{4}|o[0-3]?[0-7]{1,2}|.))
      | (?P<atom>[^\s,()\[\]{}";\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d*)N?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,64}N?")
_RATIO = re.compile(r"[+-]?(?:0|[1-9]\d{0,999})/[1-9]\d{0,999}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?M?", re.ASCII)
_NO_NUMBERS = ("##NaN", "##Inf", "##-Inf")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
_CLOSES = {"(": ")", "[": "]", "{": "}", "#{": "}"}
_NAMED = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r", "formfeed": "\f", "backspace": "\b"}


class NotEdn(Exception):
    """The text is no EDN: the line, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


@frozen
class Form:
    """A value, the line on which it begins, and whether it is a list or vector."""

    value: Value
    line: int
    parts: tuple["Form", ...] = ()
    is_list: bool = False


@define
class _Open:
    bracket: str
    line: int
    forms: list[Form] = Factory(list)
    waiting: list[str] = Factory(list)
    """What comes before a form that has not come: a `discard` of it, `meta` that it is, or the `value` of such."""


def first(text: str) -> Value:
    """The first value in a text, nil if there is none: what comes behind it need not be EDN. Raises `NotEdn`."""
    forms = read(text, most=1)
    return forms[0].value if forms else None


def read(text: str, most: int | None = None) -> list[Form]:
    """Every form at the top of a text, or so many of them. Raises `NotEdn`."""
    stack = [_Open("", 1)]
    for kind, token, line in _tokens(text):
        here = stack[-1]
        if kind == "open":
            stack.append(_Open(token, line))
            if len(stack) > MOST_NESTED:
                raise NotEdn(line, f"it is nested more than {MOST_NESTED} deep")
        elif kind in ("discard", "meta"):
            here.waiting.append(kind)
        elif kind == "close":
            if _CLOSES.get(here.bracket) != token:
                raise NotEdn(line, f"{token} closes nothing that is open")
            _must_be_complete(here, line)
            stack.pop()
            _put(stack[-1], _closed(here))
        elif kind != "tag":  # the value behind a tag stands for itself
            _put(here, Form(_atom(kind, token, line), line))
        if len(stack[0].forms) == most:
            return stack[0].forms
    if len(stack) > 1:
        raise NotEdn(stack[-1].line, f"{stack[-1].bracket} is never closed")
    _must_be_complete(stack[0], text.count("\n") + 1)
    return stack[0].forms


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    place, line = 0, 1
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise NotEdn(line, f"{text[place : place + 20]!r} cannot stand here")
        if found.lastgroup != "space":
            yield found.lastgroup, found.group(), line
        line += found.group().count("\n")
        place = found.end()


def _put(where: _Open, form: Form) -> None:
    while where.waiting:
        match where.waiting.pop():
            case "discard":
                return
            case "meta":  # this is what is known about the value, which comes next
                where.waiting.append("value")
                return
    where.forms.append(form)


def _must_be_complete(where: _Open, line: int) -> None:
    if where.waiting:
        what = "#_ passes over" if where.waiting[-1] == "discard" else "^ says something about"
        raise NotEdn(line, f"{what} a form that does not come")


def _closed(done: _Open) -> Form:
    values = tuple(form.value for form in done.forms)
    if done.bracket in ("(", "["):
        return Form(values, done.line, tuple(done.forms), is_list=True)
    if done.bracket == "#{":
        return Form(Typed("set", frozenset(values)), done.line)
    if len(values) % 2:
        raise NotEdn(done.line, "a map has a key without a value")
    keys = values[::2]
    if len(set(keys)) < len(keys):
        raise NotEdn(done.line, "a map has one key twice")
    return Form(Map(frozenset(zip(keys, values[1::2], strict=True))), done.line)


def _atom(kind: str, token: str, line: int) -> Value:
    if kind == "text":
        return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescape, token[1:-1], flags=re.DOTALL)
    if kind == "char":
        return _character(token[1:])
    if token in ("nil", "true", "false"):
        return {"nil": None, "true": TRUE, "false": FALSE}[token]
    if token.startswith(":"):
        return Typed("keyword", token[1:])
    if _INTEGER.fullmatch(token):
        try:
            return integer(token.rstrip("N"))
        except ValueError as error:
            raise NotEdn(line, str(error)) from None
    if _HEXADECIMAL.fullmatch(token):
        return int(token.rstrip("N"), 16)
    if _FLOAT.fullmatch(token):
        return Typed("float", float(token.rstrip("M")))
    if _RATIO.fullmatch(token):
        return Typed("ratio", token)
    if token in _NO_NUMBERS:
        return Typed("float", token[2:])
    if token.lstrip("+-")[:1].isdigit() or token.startswith("#"):
        raise NotEdn(line, f"{token} is nothing that EDN knows")
    return Typed("symbol", token)


def _character(name: str) -> str:
    if len(name) > 1 and name not in _NAMED:
        return chr(int(name[1:], 16 if name[0] == "u" else 8))
    return _NAMED.get(name, name)


def _unescape(found: "re.Match[str]") -> str:
    escaped = found.group(1)
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else _ESCAPES.get(escaped, escaped)
