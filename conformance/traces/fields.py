"""Traces in which one field of one line is another, or is missing: whatever kind of line it is, and whatever field.

This knows nothing of what lines mean. It takes a line of each kind and each of its fields in turn, as they stand in the
file, or are spelled out where it is written short, and makes of the value another one of its sort. Nothing of it may be
accepted, but for what is listed here: each with the reason why nobody can tell.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Final

from attrs import frozen

from conformance.links import BadInput, Verdict
from conformance.traces.cell import CellKey
from conformance.traces.judging import judge_runs
from conformance.traces.lines import Place, Run, read_lines
from conformance.traces.replay import Judged
from conformance.traces.short import objects

STUTTERS_SAY = "no guard reads it, and the node that is named may have said so by then"
NOBODY_KNOWS: Final[Sequence[tuple[str, str, str]]] = (
    ("header", "server", "what a server is called shows nowhere else"),
    ("header", "run", "runs are read in their order, whatever their numbers"),
    ("start", "cell", "then the node is another cell's, and this cell's lines are missing: inconclusive"),
    ("start", "life", "the same"),
    ("start", "node", "then it is a node of another name, and this one's lines are missing: inconclusive"),
    ("start", "known", "at its first start: a node that had a past when its trace began is inconclusive"),
    ("start", "promised", "the same"),
    ("start", "floor", "the same"),
    ("start", "accepted", "the same"),
    ("start", "used", "the same; and below its promise a node may have forgotten, or not, what it used"),
    ("flush", "steps", "what does not come to the disk may wait yet when its server ends"),
    ("erase", "args[1]", "any slot will do of which enough have learned, from the last that it was a member for"),
    ("truncate", "args[1]", "up to any slot that it knows a node may forget, and soon it forgets more"),
    (
        "vote given proposal",
        "said[2]",
        "a vote may be given again; the one that is missing is missed where it was heard",
    ),
    ("echo given round", "said*", "a round may be echoed once more; the echo that is missing is missed if it counts"),
    ("* given decision", "from", "who knows a decision may have said so"),
    ("* given ask", "*", STUTTERS_SAY),
    ("* given chunk", "*", STUTTERS_SAY),
    ("* given take", "*", STUTTERS_SAY),
    ("* given refusal", "*", STUTTERS_SAY),
    ("* given howfar", "from", "an operator asks whom it wants, in whose name it wants"),
    ("* given learned", "*", "what it had learned before it may have said before; too little heard is missed"),
    ("ignored given *", "said*", "another message that was said may be ignored as well"),
    ("recorded given *", "said*", "the same, where nothing rests on it: otherwise it is missed"),
    ("recorded given promise", "did", "what is remembered, and what is not, shows where something rests on it"),
    ("recorded given vote", "did", "the same"),
    ("recorded given echo", "did", "the same"),
    ("recorded given decision", "did", "the same"),
    ("ignored*", "did", "the same"),
    ("resent*", "did", "that something was said again shows nowhere"),
    ("refused*", "did", "the same"),
    ("rejected*", "did", "that a client was turned away shows nowhere"),
    ("housed", "did", "that nothing was noted down shows nowhere"),
)
"""Kinds of lines, and fields, of which another value may be accepted, or inconclusive; and why nobody can tell.

A field that is missing may not be: that is always told.
"""


@frozen
class Altered:
    """What was done to which line, and all that there is of the file then."""

    kind: str
    """Such as ``vote given proposal``."""
    field: str
    """Such as ``said[2]``."""
    what: str
    """What became of it: ``is another`` or ``is missing``."""
    at: int
    place: Place
    data: bytes


def altered(runs: Sequence[Run], wanted: CellKey, random: Random, times: int = 1) -> Iterator[Altered]:
    """Every field of every kind of line that is there of one cell, `times` times each, in lines taken at random."""
    texts = [run.path.read_bytes().splitlines() for run in runs]
    kinds = defaultdict[tuple[str, str], list[tuple[int, int, dict[str, Any]]]](list)
    for at in range(len(runs)):
        for number, line in _lines_of(texts[at], wanted):
            for name in _names(line):
                kinds[_kind(line), name].append((at, number, line))
    nodes = sorted({line["node"] for some in kinds.values() for _, _, line in some if "node" in line})
    dids = sorted({line["did"] for some in kinds.values() for _, _, line in some if "seq" in line})
    for (kind, name), some in sorted(kinds.items()):
        for at, number, line in random.sample(some, min(times, len(some))):
            for words, other in _others(line, name, nodes, dids, random):
                lines = [*texts[at][: number - 1], json.dumps(other).encode(), *texts[at][number:]]
                data = b"\n".join(lines) + b"\n"
                yield Altered(kind, name, words, at, Place(runs[at].path, number), data)


def judged(runs: Sequence[Run], wanted: CellKey, one: Altered) -> BadInput | Judged:
    """What becomes of the cell with that line; and of all others, if the line went to a node that may be another's."""
    try:
        others = [*runs[: one.at], read_lines(one.place.path, one.data), *runs[one.at + 1 :]]
        cells = judge_runs(others, wanted[0], every=one.field == "n").cells
    except BadInput as bad:
        return bad
    return next((found for _, found in cells.values() if is_told(found)), cells[wanted][1])


def may_be(one: Altered) -> bool:
    """Whether nobody can tell, by the list."""
    return any(
        fnmatchcase(one.kind, kind) and fnmatchcase(one.field, field.replace("[", "[[]"))
        for kind, field, _ in NOBODY_KNOWS
    ) and (one.what == "is another")


def is_told(found: BadInput | Judged) -> bool:
    """Whether it is refuted, or bad input."""
    return isinstance(found, BadInput) or found.verdict is Verdict.REFUTED


def is_at(found: BadInput | Judged, place: Place) -> bool:
    """Whether it is refused, or said to be ill-formed, at that very line."""
    if isinstance(found, BadInput):
        return f"{place}, " in str(found)
    return found.event is not None and found.event.place == place


def _lines_of(texts: Sequence[bytes], wanted: CellKey) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of one cell, and those of the file itself, with their numbers."""
    mine: set[int] = set()
    for number, line in enumerate(objects(texts), start=1):
        if line.get("did") == "start" and (line["cell"], line["life"]) == wanted:
            mine.add(line["n"])
        steps = {node for node, _ in line.get("steps", ())}
        if line.get("n") in mine or steps & mine or not ("n" in line or steps):
            yield number, line


def _kind(line: Mapping[str, Any]) -> str:
    if "did" not in line:
        return "header"
    given = f" given {line['said'][0]}" if "said" in line else " asked" if "asks" in line else ""
    return f"{line['did']}{given}"


def _names(line: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a line; those that are lists of parts are named by the part."""
    for name, value in line.items():
        if name in ("said", "args"):
            yield from (f"{name}[{part}]" for part in range(len(value)))
        yield name


def _others(
    line: dict[str, Any], name: str, nodes: Sequence[int], dids: Sequence[str], random: Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The line without the field, or the field without the part, and with other values in its place."""
    field, _, part = name.rstrip("]").partition("[")
    if part:
        some, at = line[field], int(part)
        values: list[Any] = [[*some[:at], other, *some[at + 1 :]] for other in _values(some[at])]
    elif field == "from":
        values = [random.choice([one for one in nodes if one != line[field]])]
    elif field == "did":
        values = [random.choice([one for one in dids if one != line[field]])]
    else:
        values = [] if field in ("said", "args") else list(_values(line[field]))
    yield from (("is another", {**line, field: value}) for value in values)
    if not part:
        yield "is missing", {each: value for each, value in line.items() if each != field}


def _values(value: Any) -> Iterator[Any]:
    """Other values of the same sort, near by."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
            if value:
                yield value - 1
        case str():
            yield f"{value[:-1]}{'1' if value[-1:] == '0' else '0'}"
        case [*some]:
            for at, one in enumerate(some):
                yield from ([*some[:at], other, *some[at + 1 :]] for other in _values(one))
            if not some:
                yield [[1, [1, 1], "noop"]]
            elif not isinstance(some[0], int):
                yield some[:-1]
