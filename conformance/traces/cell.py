"""One cell as its servers' traces tell of it: what each node did, in its order, in the words of the specification.

Nodes get numbers from 1 on, by their incarnations, and keep the order of their ballots by that. A command is its name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from attrs import Factory, define, evolve, frozen

from conformance.judges.projection import Names
from conformance.links import BadInput
from conformance.traces.lines import ARGUMENTS, Line, Place, Run, bad
from physalia import model
from physalia.model import NodeId
from physalia.tracing.words import NO_OP, name_of
from physalia.wire import CodecError, decode_command

CellKey = tuple[int, int]
"""A cell and its life."""


@frozen
class Named:
    """A command of which nothing but the name is told."""

    name: str


@define
class Event:
    """A line of one node: where it stands, and what it tells, in numbers of this cell."""

    place: Place
    node: NodeId
    line: Line
    said: model.Message | None = None
    sender: NodeId = 0
    arguments: tuple[object, ...] = ()
    steps: int = 0
    """How many steps of the node a flush made safe."""

    @property
    def did(self) -> str:
        """What the node did."""
        return self.line.did

    @property
    def words(self) -> str:
        """The event in a phrase."""
        if self.did == "flush":
            return f"flush of {self.steps} steps"
        said = "" if self.line.said is None else f", given {' '.join(map(str, self.line.said))} of node {self.sender}"
        arguments = f"({', '.join(map(str, self.line.args))})" if self.line.args is not None else ""
        asks = f", asked for {self.line.asks}" if self.line.asks else ""
        return f"{self.did}{arguments}{said}{asks}"


@define
class CellTrace:
    """All that some servers wrote down about one cell."""

    key: CellKey
    names: "TraceNames"
    members: frozenset[NodeId]
    alpha: int
    incarnations: Mapping[NodeId, int]
    events: dict[NodeId, list[Event]] = Factory(dict)
    """What each node did, in order, over all runs of its server."""
    open_nodes: set[NodeId] = Factory(set)
    """Whose trace may lack something at its end: nobody closed it."""
    closed_nodes: set[NodeId] = Factory(set)
    """Those that were in a server that ended in order, when they were last heard of."""
    receipts: bool = True
    asked: dict[str, model.Asked] = Factory(dict)
    """What each name asks for."""

    @property
    def slots(self) -> int:
        """The highest slot that anything here speaks of, and the window after it.

        No slot beyond the number of lines was ever proposed in, since each is a line: what speaks of one is refused.
        """
        highest = max([0, *(_highest(event) for events in self.events.values() for event in events)])
        return min(highest, len(self)) + self.alpha

    def __len__(self) -> int:
        return sum(map(len, self.events.values()))


class TraceNames(Names):
    """Numbers for the ballots of a trace, and the names of its commands, which are told."""

    def command(self, command: object) -> str:
        """The name of a command."""
        return command.name if isinstance(command, Named) else super().command(command)


def cells_of(runs: Sequence[Run]) -> list[CellKey]:
    """The cells that the traces tell of, in the order of their first lines."""
    starts = (line for run in runs for _, line in run.lines if line.did == "start")
    return list(dict.fromkeys((line.cell or 0, line.life or 0) for line in starts))


def only_cell(runs: Sequence[Run]) -> CellKey:
    """The one cell of some traces. Raises `BadInput` if there are two."""
    first: CellKey | None = None
    for run in runs:
        for number, line in run.lines:
            if line.did != "start":
                continue
            key = (line.cell or 0, line.life or 0)
            first = first or key
            if key != first:
                field = "cell" if key[0] != first[0] else "life"
                raise bad(
                    run.path, number, field,
                    f"this is cell {key[0]} in its life {key[1]}, and the lines before are of cell {first[0]} in its "
                    f"life {first[1]}: choose one with --cell, or judge all with --all",
                )  # fmt: skip
    return first or (0, 0)


def picked(runs: Sequence[Run], wanted: CellKey) -> tuple[Run, ...]:
    """The runs with the lines of one cell alone."""
    return tuple(evolve(run, lines=list(_lines_of(run, wanted))) for run in runs)


def _lines_of(run: Run, wanted: CellKey) -> Iterator[tuple[int, Line]]:
    mine: set[int] = set()
    for number, line in run.lines:
        if line.did == "flush":
            steps = [(n, some) for n, some in line.steps or () if n in mine]
            if steps:
                yield number, msgspec.structs.replace(line, steps=steps)
        elif line.did == "start" and (line.cell, line.life) == wanted:
            assert line.n is not None
            mine.add(line.n)
            yield number, line
        elif line.n in mine:
            yield number, line


def split(runs: Iterable[Run], wanted: Iterable[CellKey] | None = None) -> dict[CellKey, CellTrace]:
    """What the traces tell of each cell. Raises `BadInput`."""
    in_order = sorted(runs, key=lambda run: (run.header.server, run.header.run))
    _refuse_twice(in_order)
    wanted = None if wanted is None else set(wanted)
    last = {run.header.server: run for run in in_order}
    raw: dict[CellKey, dict[int, list[tuple[Place, Line, int]]]] = {}
    is_open: dict[CellKey, set[int]] = {}
    is_closed: dict[CellKey, set[int]] = {}
    for run in in_order:
        known: dict[int, tuple[CellKey, int]] = {}
        for number, line in run.lines:
            place = Place(run.path, number)
            if line.did == "flush":
                for n, steps in line.steps or ():
                    key, node = known[n]
                    if wanted is None or key in wanted:
                        raw[key][node].append((place, line, steps))
                continue
            assert line.n is not None
            if line.did == "start":
                known[line.n] = ((line.cell or 0, line.life or 0), line.node or 0)
            key, node = known[line.n]
            if wanted is None or key in wanted:
                raw.setdefault(key, {}).setdefault(node, []).append((place, line, 0))
        for key, node in known.values():
            (set.add if run.is_closed else set.discard)(is_closed.setdefault(key, set()), node)
        if last[run.header.server] is run and not run.is_closed:
            for key, node in known.values():
                is_open.setdefault(key, set()).add(node)
    receipts = all(run.header.receipts for run in in_order)
    found = {key: _cell(key, nodes, is_open.get(key, set()), receipts) for key, nodes in raw.items()}
    for key, trace in found.items():
        trace.closed_nodes = {n for n, node in trace.incarnations.items() if node in is_closed.get(key, ())}
    return found


def _refuse_twice(runs: Sequence[Run]) -> None:
    for one, other in pairwise(runs):
        if (one.header.server, one.header.run) == (other.header.server, other.header.run):
            raise bad(
                other.path, 1, "run", f"run {other.header.run} of server {other.header.server} is in {one.path} too"
            )


def _cell(
    key: CellKey, nodes: Mapping[int, list[tuple[Place, Line, int]]], open_nodes: set[int], receipts: bool
) -> CellTrace:
    number = {node: place for place, node in enumerate(sorted(_incarnations(nodes)), start=1)}
    names = TraceNames(len(number))
    asked: dict[str, model.Asked] = {}
    translate = _Translation(number, names, asked)
    first_place, first = next((place, line) for lines in nodes.values() for place, line, _ in lines)
    trace = CellTrace(
        key, names, frozenset(number[one] for one in first.members or ()), first.alpha or 1,
        {place: node for node, place in number.items()}, receipts=receipts, asked=asked,
    )  # fmt: skip
    if not trace.members:
        raise bad(first_place.path, first_place.number, "members", "a cell has at least one member")
    for node, lines in nodes.items():
        trace.events[number[node]] = [translate.event(place, number[node], line, steps) for place, line, steps in lines]
        for place, line, _ in lines:
            if line.did == "start" and (line.members, line.alpha) != (first.members, first.alpha):
                raise bad(place.path, place.number, "members", f"{first_place} has other members or another window")
    trace.open_nodes = {number[node] for node in open_nodes}
    return trace


def _incarnations(nodes: Mapping[int, list[tuple[Place, Line, int]]]) -> set[int]:
    """All nodes that a cell's lines speak of: those that wrote, the first members, and those of changes."""
    found = set(nodes)
    for lines in nodes.values():
        for place, line, _ in lines:
            found |= set(line.members or ())
            if line.sender is not None:
                found.add(line.sender)
            command = _command(place, line)
            if isinstance(command, model.Change):
                found |= command.members
    return found


def _command(place: Place, line: Line) -> model.Asked | None:
    if line.command is None:
        return None
    try:
        command = decode_command(bytes.fromhex(line.command))
    except CodecError as error:
        raise bad(place.path, place.number, "command", f"this is no command ({error})") from None
    if isinstance(command, model.NoOp):
        raise bad(place.path, place.number, "command", "nobody asks for a no-op")
    if name_of(command) != line.asks:
        raise bad(place.path, place.number, "asks", f"the command that is asked for is called {name_of(command)}")
    return command


class _Translation:
    """From the words of a file to those of one cell."""

    def __init__(self, number: Mapping[int, NodeId], names: TraceNames, asked: dict[str, model.Asked]) -> None:
        self._number, self._names, self._asked = number, names, asked

    def event(self, place: Place, node: NodeId, line: Line, steps: int) -> Event:
        event = Event(place, node, line, steps=steps)
        self._place = place
        if line.said is not None:
            event.said = self._message(line.said)
            event.sender = self._node("from", line.sender)
        if line.args is not None:
            nodes = line.did in ("learn", "truncate", "install", "erase")
            event.arguments = tuple(
                self._node("args[0]", part) if nodes and at == 0 else self._part(f"args[{at}]", part)
                for at, part in enumerate(line.args)
            )
        command = _command(place, line)
        if command is not None:
            assert line.asks is not None
            if isinstance(command, model.Change):
                members = frozenset(self._number[one] for one in command.members)
                command = model.Change(command.request, command.expects, members)
            self._names.name_content(line.asks, command)
            self._asked[line.asks] = command
        return event

    def ballot(self, field: str, given: tuple[int, int]) -> model.Ballot:
        """A ballot that somebody used, with the number of its node: none is of nobody."""
        if not given[0]:
            raise bad(self._place.path, self._place.number, field, "the first round of ballots is round 1")
        return model.Ballot(given[0], self._node(field, given[1]))

    def _node(self, field: str, node: int | None) -> NodeId:
        if node is None or node not in self._number:
            raise bad(self._place.path, self._place.number, field, f"nothing here tells of a node {node} in this cell")
        return self._number[node]

    def _part(self, field: str, part: Any) -> object:
        return self._names.ballot(self.ballot(field, part)) if isinstance(part, tuple) else part

    def _value(self, name: str) -> Any:
        return model.NoOp() if name == NO_OP else Named(name)

    def _message(self, said: list[Any]) -> model.Message:
        kind, *parts = said
        first: Any = parts[0] if parts else None
        if isinstance(first, tuple):
            first = self.ballot("said[1]", first)
        match kind:
            case "prepare":
                return model.Prepare(first, parts[1])
            case "promise":
                reports = tuple(
                    model.Report(slot, self.ballot("said[3]", ballot), self._value(value))
                    for slot, ballot, value in parts[2]
                )
                return model.Promise(first, self._node("said[2]", parts[1]), reports, parts[3])
            case "proposal":
                return model.Proposal(first, parts[1], self._value(parts[2]))
            case "vote":
                return model.Vote(first, parts[1], self._node("said[3]", parts[2]))
            case "decision":
                return model.Decision(first, self._value(parts[1]))
            case "round":
                return model.Round(first, parts[1])
            case "echo":
                return model.Echo(first, parts[1], self._node("said[3]", parts[2]))
            case "refusal":
                return model.Refusal(first, self.ballot("said[2]", parts[1]))
            case _:
                return _helping(kind, first)


def _helping(kind: str, first: Any) -> model.Message:
    """What only helps along: no guard reads it."""
    match kind:
        case "ask":
            return model.Ask(first)
        case "chunk":
            return model.Chunk(first, b"", 0, ())
        case "take":
            return model.Take(first, 0)
        case "howfar":
            return model.HowFar()
        case _:
            return model.Learned(first)


def ballot_of(trace: CellTrace, event: Event, field: str, given: tuple[int, int] | None) -> int:
    """The number of a ballot that stands in a field of a start or an end."""
    number = {node: place for place, node in trace.incarnations.items()}
    if given is None or not any(given):
        return 0
    if not given[0]:
        raise BadInput(f"{event.place}, {field}: the first round of ballots is round 1.")
    if given[1] not in number:
        raise BadInput(f"{event.place}, {field}: nothing here tells of a node {given[1]} in this cell.")
    return trace.names.ballot(model.Ballot(given[0], number[given[1]]))


def _highest(event: Event) -> int:
    slots = [part for part in event.arguments if type(part) is int] if event.did in ARGUMENTS else []
    match event.said:
        case model.Proposal(_, slot) | model.Vote(_, slot) | model.Decision(slot) | model.Chunk(slot):
            slots.append(slot)
        case model.Promise(_, _, accepted):
            slots += [report.slot for report in accepted]
    return max([event.line.known or 0, *slots])
