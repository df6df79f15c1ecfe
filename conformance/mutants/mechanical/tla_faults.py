"""What slips a tool can make in the guards of TLA+: the conjuncts of actions that say nothing of the next state.

Own code, since there is no mutator for TLA+: line by line, as the modules of this project are written, with one
conjunct to a line and definitions that begin in the first column.
"""

import re
from collections.abc import Iterator

from conformance.mutants.mechanical.fault import Fault, numbered, words

_DEFINITION = re.compile(rb"^(\w+)(?:\(.*\))? ==")
_CONJUNCT = re.compile(rb"^( *)/\\ (?=\S)")
_COMMENT = re.compile(rb" *\\\*.*$")
_NO_GUARD = re.compile(rb"TypeOK|Spec|Fair|Init|Next|vars|Refine|^Inv|Live|^Reach")
_BOUND = re.compile(rb"(?:\\[EA] [\w, ]+|[{\[]\w+|: \w+) $|\bCHOOSE \w+ $")
_FIRST_NAME = re.compile(rb"^ *\w+ $")
_FIELD = re.compile(rb"!\S*$")
"""What an EXCEPT changes: no relation stands there."""
_EFFECT = re.compile(rb"'|\bUNCHANGED\b|/\\ (?:Say|Send|Store|Answer)\(")
"""What says something of the next state. So do the lines below it, up to the next conjunct of its list."""
_SLIPS: tuple[tuple[str, re.Pattern[bytes], bytes], ...] = (
    ("relation", re.compile(rb" < "), b" <= "),
    ("relation", re.compile(rb" <= "), b" < "),
    ("relation", re.compile(rb" > "), b" >= "),
    ("relation", re.compile(rb" >= "), b" > "),
    ("relation", re.compile(rb" = "), b" # "),
    ("relation", re.compile(rb" # "), b" = "),
    ("relation", re.compile(rb"(?<= )\\in "), b"\\notin "),
    ("relation", re.compile(rb"(?<= )\\notin "), b"\\in "),
    ("connective", re.compile(rb"(?<=[\w)}\]>\"@'])(?<!\bIN)(?<!THEN)(?<!ELSE)(?<!\bLET) /\\ "), b" \\/ "),
    ("connective", re.compile(rb"(?<=[\w)}\]>\"@'])(?<!\bIN)(?<!THEN)(?<!ELSE)(?<!\bLET) \\/ "), b" /\\ "),
    ("arithmetic", re.compile(rb" \\cup "), b" \\cap "),
    ("arithmetic", re.compile(rb" \\cap "), b" \\cup "),
    ("operand dropped", re.compile(rb" [+-] 1\b"), b""),
    ("arithmetic", re.compile(rb" \+ (?=\d)"), b" - "),
    ("arithmetic", re.compile(rb" - (?=\d)"), b" + "),
    ("quantifier", re.compile(rb"\\A "), b"\\E "),
)


def faults_of(file: str, text: str, left_out: frozenset[str] = frozenset()) -> tuple[Fault, ...]:
    """Every fault of the guards of the module, in the order of its lines, but for the definitions that are left out."""
    return numbered(fault for fault in _faults(file, text.encode()) if fault.where not in left_out)


def _faults(file: str, data: bytes) -> Iterator[Fault]:
    lines = data.split(b"\n")
    start, name = 0, b""
    effect: int | None = None
    for number, line in enumerate(lines, start=1):
        begins = _DEFINITION.match(line)
        name = begins[1] if begins else name if line.startswith(b" ") else b""
        code = _COMMENT.sub(b"", line)
        effect = None if begins else effect
        if (conjunct := _CONJUNCT.match(code)) and (effect is None or len(conjunct[1]) <= effect):
            effect = len(conjunct[1]) if _EFFECT.search(code) else None
        if name and effect is None and not _NO_GUARD.search(name) and not _EFFECT.search(code):
            following = lines[number] if number < len(lines) else b""
            is_bound = number > 1 and _COMMENT.sub(b"", lines[number - 2]).rstrip().endswith(b":")
            for operator, first, end, after in _slips(code, following, is_bound=is_bound):
                before = code.strip().decode()
                changed = (code[:first] + after + code[end:]).strip().decode()
                yield Fault(
                    file=file, where=name.decode(), operator=operator, line=number, start=start + first,
                    end=start + end, after=after.decode(), what=words(before, changed),
                )  # fmt: skip
        start += len(line) + 1


def _slips(code: bytes, following: bytes, *, is_bound: bool) -> Iterator[tuple[str, int, int, bytes]]:
    """Slips of one line: the operator, from where to where, and what stands there then.

    `is_bound` is whether the line before ends with a colon, so that a name in the beginning of this one may be bound.
    """
    conjunct = _CONJUNCT.match(code)
    if conjunct and _is_whole(code[conjunct.end() :], conjunct, following):
        yield "conjunct dropped", conjunct.end(), len(code), b"TRUE"
        yield "condition negated", conjunct.end(), len(code), b"~ (" + code[conjunct.end() :] + b")"
    for operator, pattern, after in _SLIPS:
        for found in pattern.finditer(code):
            before = code[: found.start()]
            binds = _BOUND.search(before) or (is_bound and _FIRST_NAME.search(before))
            if (b"in " in found[0] and binds) or (found[0] == b" = " and _FIELD.search(before)):
                continue
            yield operator, found.start(), found.end(), after


def _is_whole(rest: bytes, conjunct: re.Match[bytes], following: bytes) -> bool:
    """Whether a conjunct ends with its line."""
    is_closed = all(rest.count(pair[:1]) == rest.count(pair[1:]) for pair in (b"()", b"[]", b"{}"))
    indent = len(following) - len(following.lstrip(b" "))
    return is_closed and (not following.strip() or indent <= len(conjunct[1])) and not rest.endswith(b":")
