"""The lines of a trace, as they stand in a file (docs/traces.md), and what is wrong with a file that has others.

Whoever reads gets lines that make sense one by one: every field is of its kind, no event is unknown, and the lines of a
node follow each other. Whether what they tell can have happened is another matter, and is judged elsewhere.
"""

import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import define, frozen

from conformance.links import BadInput
from conformance.traces.short import FIELDS, SHORT, IllFormed, Natural, Positive, refuse_twice, spelled_out
from physalia.model import ActionName, StutterKind
from physalia.tracing import FULL, VERSION

Ballot = tuple[Natural, Natural]

ACTIONS: Final[tuple[str, ...]] = ActionName.__args__  # type: ignore[attr-defined]
STUTTERS: Final[tuple[str, ...]] = StutterKind.__args__  # type: ignore[attr-defined]
HIDDEN = ("issue", "flush", "crash", "restarted", "create", "lose")
"""What no line of a node is called: a client asks, the disk flushes, a node is born, lost or restarted."""
OF_NODE: Final = frozenset({"start", "end", "housed", *ACTIONS, *STUTTERS} - set(HIDDEN))
MESSAGES: Final[dict[str, tuple[Any, ...]]] = {
    "prepare": (Ballot, Natural),
    "promise": (Ballot, Positive, list[tuple[Positive, Ballot, str]], Natural),
    "proposal": (Ballot, Positive, str),
    "vote": (Ballot, Positive, Positive),
    "decision": (Positive, str),
    "round": (Ballot, Positive),
    "echo": (Ballot, Positive, Positive),
    "ask": (Natural,),
    "chunk": (Natural,),
    "take": (Natural,),
    "refusal": (Ballot, Ballot),
    "howfar": (),
    "learned": (Natural,),
}
"""What is said, and of which kinds its parts are."""
ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "prepare": (Ballot,), "propose": (Ballot, Positive, str), "decide": (Ballot, Positive),
    "learn": (Positive, Positive), "consult": (Ballot, Positive), "serve": (Ballot, Positive),
    "truncate": (Positive, Positive), "install": (Positive, Positive), "erase": (Positive, Positive),
}  # fmt: skip
"""The arguments of actions that no message calls for."""


MOST_OF_FIELD, MOST_OF_WHY = 80, 400
"""So many letters of what a bad line says are told again."""


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line: the version of the format, of which server and of which of its runs this is."""

    trace: int
    server: Natural
    run: Positive
    receipts: bool = True
    """Whether what nodes received is told: if not, nobody can say what they knew, and it is not judged."""


class Line(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """One line after the first. Fields that an event does not have are None."""

    did: str
    n: Positive | None = None
    seq: Positive | None = None
    cell: Natural | None = None
    life: Natural | None = None
    node: Positive | None = None
    members: list[Positive] | None = None
    alpha: Positive | None = None
    used: list[Ballot] | None = None
    accepted: list[tuple[Positive, Ballot, str]] | None = None
    promised: Ballot | None = None
    known: Natural | None = None
    floor: Natural | None = None
    digest: str | None = None
    stopped: bool | None = None
    active: Ballot | None = None
    sender: Positive | None = None
    said: list[Any] | None = None
    args: list[Any] | None = None
    asks: str | None = None
    command: str | None = None
    told: str | None = None
    slot: Natural | None = None
    waits: bool = False
    steps: list[tuple[Positive, Positive]] | None = None
    lines: Positive | None = None


NEEDED: Final = {
    "start": (
        "cell",
        "life",
        "node",
        "members",
        "alpha",
        "used",
        "accepted",
        "promised",
        "known",
        "floor",
        "digest",
        "stopped",
    ),
    "end": ("promised", "known", "floor", "active", "digest", "stopped"),
    "serve": ("slot",),
    "flush": ("steps",),
    "close": ("lines",),
}
_OF_STEPS: Final = frozenset({"did", "n", "seq", "sender", "said", "args", "asks", "command", "told", "slot", "waits"})
_ALLOWED: Final = {
    **{did: {"did", "n", "seq", *NEEDED[did]} for did in ("start", "end")},
    "flush": {"did", "steps"}, "close": {"did", "lines"}, FULL: {"did"},
}  # fmt: skip
"""The fields that lines may have which are no steps."""
CALLED_FOR: Final = {"promise": "prepare", "vote": "proposal", "echo": "round", "settle": "howfar"}
"""Actions that a message calls for, and which."""


@define
class Run:
    """What one server wrote in one run: its lines with their numbers, and how the file ends."""

    path: Path
    header: Header
    lines: list[tuple[int, Line]]
    is_closed: bool = False
    """Whether the server ended in order, so that nothing is missing at the end."""
    is_torn: bool = False
    """Whether the last line is not whole: its process was killed while it wrote, or somebody cut the file."""
    is_full: bool = False


@frozen
class Place:
    """Where a line stands."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.number}"


def bad(path: Path, number: int, field: str, why: str) -> BadInput:
    """What a bad line is told with, however much of it is wrong."""
    return BadInput(f"{path}, line {number}, {_cut(field, MOST_OF_FIELD)}: {_cut(why, MOST_OF_WHY)}.")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} .. {text[-most // 4 :]}"


UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised for a line that is none."""

_NOTHING: Final = Line("")


def _getter(allowed: Iterable[str]) -> tuple[Callable[[Line], Any], Any]:
    """What a line has beside the allowed fields, and what that must be. Made once, as there are many lines."""
    beside = attrgetter(*(name for name in Line.__struct_fields__ if name not in allowed))
    return beside, beside(_NOTHING)


_beside: Final = {did: _getter(allowed) for did, allowed in _ALLOWED.items()}
_beside_steps: Final = _getter(_OF_STEPS)
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


def read_run(path: Path) -> Run:
    """Read one file. Raises `BadInput`."""
    return read_lines(path, read_bytes(path, "the traces of servers"))


def read_bytes(path: Path, what: str) -> bytes:
    """All of a file, and of nothing else: a pipe may never end, or never begin. Raises `BadInput`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise BadInput(f"{path} is no regular file, and may have no end: name {what}.")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): name {what}.") from None


def read_lines(path: Path, data: bytes) -> Run:
    """Read the bytes of one file. Raises `BadInput`."""
    *whole, rest = data.split(b"\n")
    if not whole:
        raise bad(path, 1, "trace", "the file is empty or cut, and has no first line: name a whole trace")
    reader = Reader(path, read_header(path, whole[0]))
    for text in whole[1:]:
        reader.read(text)
    reader.run.is_torn = bool(rest)
    return reader.run


def read_header(path: Path, text: bytes) -> Header:
    """Read the first line. Raises `BadInput`."""
    try:
        header = _header.decode(text)
        refuse_twice(text)
    except IllFormed as error:
        raise bad(path, 1, error.field, str(error)) from None
    except UNDECODABLE as error:
        raise _undecodable(path, 1, error, "trace") from None
    if header.trace != VERSION:
        raise bad(path, 1, "trace", f"this is version {header.trace} of the format, and version {VERSION} is read here")
    return header


class Reader:
    """Reads the lines of one file, one after the other. Every method raises `BadInput`."""

    def __init__(self, path: Path, header: Header) -> None:
        self.run = Run(path, header, [])
        self._number = 1
        self._seen: dict[int, int] = {}
        """The last line of each node, by the node's number in this file."""
        self._nodes: dict[int, int] = {}
        """Which node each of these numbers is."""

    def read(self, text: bytes) -> None:
        """Read the next line."""
        self._number += 1
        run, number = self.run, self._number
        if run.is_closed or run.is_full:
            raise bad(run.path, number, "did", "the trace ended before, and nothing comes after that")
        try:
            line = self._decode(text)
        except IllFormed as error:
            raise bad(run.path, number, error.field, str(error)) from None
        except UNDECODABLE as error:
            raise _undecodable(run.path, number, error, "did") from None
        self._judge(number, line)
        if line.did == FULL:
            run.is_full = True
        elif line.did == "close":
            if line.lines != number:
                raise bad(run.path, number, "lines", f"the server wrote {line.lines} lines, and this is line {number}")
            run.is_closed = True
        else:
            run.lines.append((number, line))

    def _decode(self, text: bytes) -> Line:
        if not text.startswith(SHORT):
            line = _line.decode(text)
            refuse_twice(text)
            return line
        return msgspec.convert(spelled_out(text, self._nodes), Line)

    def _judge(self, number: int, line: Line) -> None:
        path = self.run.path
        if line.did not in OF_NODE and line.did not in ("flush", "close", FULL):
            raise bad(path, number, "did", f"{line.did!r} is no event of version {VERSION}")
        beside, nothing = _beside.get(line.did, _beside_steps)
        if beside(line) != nothing:
            names = [name for name in Line.__struct_fields__ if name not in _ALLOWED.get(line.did, _OF_STEPS)]
            field = next(name for name in names if getattr(line, name) != getattr(_NOTHING, name))
            raise bad(path, number, field, f"what did {line.did} has none")
        for field in NEEDED.get(line.did, ()):
            if getattr(line, field) is None:
                raise bad(path, number, field, f"a line that did {line.did} has one, and this has none")
        if line.steps is not None and not line.steps:
            raise bad(path, number, "steps", "nothing waited for this flush, and of those no line is written")
        for place, (node, _) in enumerate(line.steps or ()):
            if node not in self._seen:
                raise bad(path, number, f"steps[{place}]", f"node {node} has not started in this file")
        if line.did in OF_NODE:
            self._follow(number, line)
            self._judge_event(number, line)

    def _follow(self, number: int, line: Line) -> None:
        """The lines of a node follow each other, and the first tells which node it is."""
        path = self.run.path
        for field in ("n", "seq"):
            if getattr(line, field) is None:
                raise bad(path, number, field, f"a line that did {line.did} has one, and this has none")
        assert line.n is not None
        assert line.seq is not None
        last = self._seen.get(line.n)
        if last is None and line.did != "start":
            raise bad(path, number, "did", f"node {line.n} of this file did {line.did} before its start")
        if line.seq != (last or 0) + 1:
            raise bad(
                path,
                number,
                "seq",
                f"after line {last or 0} of node {line.n} comes {(last or 0) + 1}, and not {line.seq}",
            )
        self._seen[line.n] = line.seq
        if line.node is not None:
            self._nodes[line.n] = line.node

    def _judge_event(self, number: int, line: Line) -> None:
        path, did = self.run.path, line.did
        if (line.sender is None) != (line.said is None):
            raise bad(path, number, "said", "what is said comes from somebody, and whoever is named says something")
        if line.said is not None:
            kind = line.said[0] if line.said else None
            if not isinstance(kind, str) or kind not in MESSAGES:
                raise bad(path, number, "said", f"{kind!r} is no message of version {VERSION}")
            line.said[1:] = self._parts(number, "said", line.said[1:], MESSAGES[kind])
        if line.asks is not None and (line.said is not None or did in ARGUMENTS):
            raise bad(path, number, "asks", "one thing at a time comes to a node, and this line tells of two")
        if line.said is not None and did in ARGUMENTS:
            raise bad(path, number, "said", f"nobody calls for {did}, which a node does by itself")
        if did in ARGUMENTS:
            line.args = self._parts(number, "args", line.args or [], ARGUMENTS[did])
        elif line.args is not None:
            raise bad(path, number, "args", f"what did {did} has no arguments but what was said to it")
        if did in CALLED_FOR and self.run.header.receipts and (line.said or [""])[0] != CALLED_FOR[did]:
            raise bad(path, number, "said", f"a {CALLED_FOR[did]} calls for {did}, and nothing else")
        if line.asks is not None and did == "resent" and line.told is None:
            raise bad(path, number, "told", "who asks for what is known is told of it, and this line does not say what")
        if line.slot is not None and did != "serve":
            raise bad(path, number, "slot", f"what did {did} has none")
        if (line.asks is None) != (line.command is None):
            raise bad(path, number, "command", "what is asked has a name and a content")
        if line.command is not None and not re.fullmatch(r"(?:[0-9a-f]{2})*", line.command):
            raise bad(path, number, "command", "these are no bytes in hexadecimal digits")

    def _parts(self, number: int, field: str, given: Sequence[Any], kinds: Sequence[Any]) -> list[Any]:
        if len(given) != len(kinds):
            raise bad(self.run.path, number, field, f"it has {len(given)} parts, and must have {len(kinds)}")
        parts = []
        for place, (part, kind) in enumerate(zip(given, kinds, strict=True)):
            try:
                parts.append(msgspec.convert(part, kind))
            except msgspec.ValidationError as error:
                raise bad(self.run.path, number, f"{field}[{place}]", _lower(str(error))) from None
        return parts


def _undecodable(path: Path, number: int, error: Exception, default: str) -> BadInput:
    """A line that is no JSON, or has a field of another kind: msgspec names the field."""
    text = str(error)
    if isinstance(error, RecursionError):
        return bad(path, number, default, "lists stand in lists in lists, deeper than anything that is read here")
    found = re.search(r"`\$\.([\w.\[\]]+)`", text) or re.search(r"field `(\w+)`", text)
    field = found[1] if found else default
    if short := re.search(r"`\$\[(\d+)\](.*)`", text):
        field = FIELDS[int(short[1])] + short[2]
    text = re.sub(r" - at `\$.*", "", text).replace(" | null", "")
    return bad(path, number, field, _lower(text.rstrip(".")))


def _lower(text: str) -> str:
    """To stand in a sentence: but for the name of something, such as JSON."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def all_lines(runs: Sequence[Run]) -> Iterator[tuple[Place, Line]]:
    """The lines of some runs, with their places."""
    for run in runs:
        for number, line in run.lines:
            yield Place(run.path, number), line
