r"""The graph that TLC dumps with ``-dump dot,actionlabels``, read line by line.

A node is ``ID [label="STATE"];``, with ``,style = filled`` if it is initial; an edge is ``ID -> ID [label="Action",``
and colours. A jar of later years writes ``Action(1,"swap")`` with the arguments, repeats a state as the node's
``tooltip``, and begins with one line more.
In a label ``"`` is ``\"``, a line break ``\n`` and a backslash ``\\``. Lines ``{rank = same; ...}`` say how to draw it.
Edges may come before the nodes they lead to. A dump that ends early, or in which anything else stands, is an error:
what was not read was not compared.
"""

import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from conformance.tlc.values import Value, parse_value

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_NODE = re.compile(rf"(-?\d+) \[label={_QUOTED}(,style = filled)?(?:,tooltip={_QUOTED})?\];?")
_EDGE = re.compile(rf"(-?\d+) -> (-?\d+) \[label={_QUOTED}[^\]]*\];?")
_RANK = re.compile(r"\{rank = same;[-\d; ]*\}")
_INVOCATION = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?", re.DOTALL)
_HEAD = ("strict digraph DiskGraph {", "nodesep=0.35;", "subgraph cluster_graph {", 'color="white";')
_SHAPE = re.compile(r"node \[shape=\w+(,style=\w+)?\]")


class DumpError(Exception):
    """The dump cannot be used; the message names file and line."""


@frozen
class Label:
    """What an edge is called: the action, and its arguments in a dump that names them."""

    name: str
    arguments: tuple[Value, ...] | None = None


@define
class Dump:
    """A graph. Nodes are numbered in the order in which the file names them, from 0; ``states`` is what each one is."""

    states: list[Any] = field(factory=list)
    initial: list[int] = field(factory=list)
    labels: list[Label] = field(factory=list)
    sources: "array[int]" = field(factory=lambda: array("q"))
    label_numbers: "array[int]" = field(factory=lambda: array("q"))
    targets: "array[int]" = field(factory=lambda: array("q"))
    """Of each edge the source, the number of its label in ``labels``, and the target."""


def read_dump(path: Path, state_of: Callable[[dict[str, str]], Any], distinct: int) -> Dump:
    """Read a dump; ``state_of`` makes a state from the texts of its variables.

    DumpError when it is not whole: malformed, cut off, or without exactly ``distinct`` states.
    """
    reader = _Reader(path, state_of)
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                reader.read(line.rstrip("\n"), number)
    except UnicodeDecodeError as error:
        raise DumpError(f"{path}: it is no text ({error.reason}).") from None
    dump = reader.finish()
    if len(dump.states) != distinct:
        raise DumpError(f"{path}: TLC found {distinct} states, and {len(dump.states)} were dumped.")
    return dump


def variables(label: str) -> dict[str, str]:
    """The text of each variable in the label of a node; ValueError when one stands there twice."""
    texts: dict[str, str] = {}
    for part in _parts(_unescaped(label)):
        name, equals, text = part.partition(" = ")
        if not equals or not name.isidentifier():
            raise ValueError(f"this is no variable: {part[:80]!r}")
        if name in texts:
            raise ValueError(f"variable {name} stands there twice")
        texts[name] = text
    return texts


def label_of(text: str) -> Label:
    """What the label of an edge says; ValueError when it is no action."""
    invocation = _INVOCATION.fullmatch(_unescaped(text))
    if invocation is None:
        raise ValueError(f"this is no action: {text[:80]!r}")
    if invocation["arguments"] is None:
        return Label(invocation["name"])
    arguments = parse_value(f"<<{invocation['arguments']}>>")
    assert isinstance(arguments, tuple)
    return Label(invocation["name"], arguments)


def _unescaped(label: str) -> str:
    """The text of a label; the NUL, which TLC never prints, holds the place of a backslash that stands for itself."""
    return label.replace("\\\\", "\0").replace("\\n", "\n").replace('\\"', '"').replace("\0", "\\")


def _parts(state: str) -> Iterator[str]:
    yield from state.removeprefix("/\\ ").split("\n/\\ ")


class _Reader:
    """Collects what the lines say."""

    def __init__(self, path: Path, state_of: Callable[[dict[str, str]], Any]) -> None:
        self._path = path
        self._state_of = state_of
        self._dump = Dump()
        self._number_of: dict[str, int] = {}
        self._label_of: dict[str, int] = {}
        self._described: dict[int, int] = {}
        self._head = list(_HEAD)
        self._closed = 0

    def read(self, line: str, number: int) -> None:
        """Read one line."""
        if self._head:
            self._read_head(line, number)
        elif line == "}":
            self._closed += 1
        elif edge := _EDGE.fullmatch(line):
            self._must(not self._closed, number, "an edge follows the end")
            self._dump.sources.append(self._number(edge[1]))
            self._dump.targets.append(self._number(edge[2]))
            self._dump.label_numbers.append(self._label(edge[3], number))
        elif node := _NODE.fullmatch(line):
            self._must(not self._closed, number, "a state follows the end")
            self._node(node, number)
        else:
            self._must(_RANK.fullmatch(line) is not None, number, f"neither a state nor a step: {line[:80]!r}")

    def _read_head(self, line: str, number: int) -> None:
        if self._head[0] == _HEAD[1] and _SHAPE.fullmatch(line):
            return
        self._must(line == self._head[0], number, f"{self._head[0]!r} was expected")
        del self._head[0]

    def finish(self) -> Dump:
        """The graph, if it is whole."""
        if self._closed != 2:  # noqa: PLR2004  # the subgraph's and the graph's
            raise DumpError(f"{self._path}: it ends too early, so that states or steps may be missing.")
        missing = len(self._number_of) - len(self._described)
        if missing:
            raise DumpError(f"{self._path}: {missing} states are named by steps and described nowhere.")
        if not self._dump.initial:
            raise DumpError(f"{self._path}: no state is initial.")
        return self._dump

    def _node(self, node: "re.Match[str]", line: int) -> None:
        number = self._number(node[1])
        self._must(node[4] in (None, node[2]), line, "the label is another state than the tooltip: take the ALIAS out")
        try:
            state = self._state_of(variables(node[2]))
        except ValueError as error:
            raise DumpError(f"{self._path}, line {line}: {error}.") from None
        if number in self._described:
            same = self._dump.states[number] == state
            self._must(same, line, f"state {node[1]} is described in two ways, first in line {self._described[number]}")
        self._described[number] = line
        self._dump.states[number] = state
        if node[3] and number not in self._dump.initial:
            self._dump.initial.append(number)

    def _number(self, identity: str) -> int:
        number = self._number_of.setdefault(identity, len(self._dump.states))
        if number == len(self._dump.states):
            self._dump.states.append(None)
        return number

    def _label(self, text: str, line: int) -> int:
        number = self._label_of.setdefault(text, len(self._dump.labels))
        if number == len(self._dump.labels):
            try:
                self._dump.labels.append(label_of(text))
            except ValueError as error:
                raise DumpError(f"{self._path}, line {line}: {error}.") from None
        return number

    def _must(self, holds: bool, line: int, otherwise: str) -> None:
        if not holds:
            raise DumpError(f"{self._path}, line {line}: {otherwise}.")
