"""Traces as ITF, the JSON of states that Apalache and Quint write, and back.

A trace of lines tells what nodes did; one of ITF has the states that this led to, each with the step that led there as
`mbt::actionTaken` and `mbt::nondetPicks`. So an accepted trace becomes ITF by its path. The other way the steps become
lines of the nodes that took them, without what was received, which no state tells; whoever judges such lines finds out
whether the steps are steps. That the states are theirs is judged here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.judges.judged import JudgedCell
from conformance.links import BadInput
from conformance.traces.cell import CellTrace, TraceNames
from conformance.traces.lines import MOST_OF_WHY, Run, read_lines
from conformance.traces.progress import Call
from conformance.traces.replay import Judged
from conformance.traces.steps import machine_of
from physalia import model
from physalia.tracing import VERSION
from physalia.tracing.words import name_of
from physalia.wire import CodecError, decode_command, encode_command
from spec import cell as spec

LARGE = 2**53
"""An integer from here on is written as text: not every reader of JSON has it."""
FUNCTIONS = ("promised", "accepted", "active", "known", "queue", "disk", "kept", "place", "pointer")


def to_itf(trace: CellTrace, judged: Judged) -> dict[str, Any]:
    """An accepted trace as ITF."""
    machine = judged.machine
    assert machine is not None
    (state,) = machine.init()
    states = [_state(0, state, None, machine)]
    for number, call in enumerate(judged.path, start=1):
        after = getattr(machine, call[0])(state, *call[1])
        assert after is not None, "the path of an accepted trace has steps alone"
        state = after
        states.append(_state(number, state, call, machine))
    return {
        "#meta": {
            "format": "ITF",
            "description": f"cell {trace.key[0]} in its life {trace.key[1]}",
            "physalia": {
                "trace": VERSION, "cell": trace.key[0], "life": trace.key[1], "alpha": trace.alpha,
                "members": sorted(trace.members), "slots": machine.max_slot,
                "incarnations": [trace.incarnations[node] for node in sorted(trace.incarnations)],
                "commands": {name: encode_command(command).hex() for name, command in trace.asked.items()},
            },
        },
        "vars": list(state._fields),
        "states": states,
    }  # fmt: skip


def from_itf(path: Path, text: bytes) -> dict[str, str]:
    """The lines of each node of a trace in ITF, by the name of the file that they belong into.

    Raises `BadInput` if it is no such trace, or its states are not those that its steps lead to.
    """
    try:
        return _files_of(path, text)
    except NO_TRACE as error:
        raise BadInput(
            f"{path} is no trace of a cell in ITF ({repr(error)[:MOST_OF_WHY]}): --itf writes one."
        ) from None


def without_receipts(whole: Mapping[str, Any]) -> tuple[Run, ...]:
    """A trace in ITF as runs, a server for each node: its steps, and nothing of what nodes received."""
    texts = from_itf(Path("path.itf.json"), json.dumps(whole).encode())
    return tuple(read_lines(Path(name), text.encode()) for name, text in texts.items())


NO_TRACE = (ValueError, LookupError, TypeError, AttributeError, CodecError, RecursionError, OverflowError)
"""What comes of values of other kinds than they must be, wherever they stand."""


def _files_of(path: Path, text: bytes) -> dict[str, str]:
    whole = json.loads(text)
    meta = whole["#meta"]["physalia"]
    states, size = whole["states"], len(meta["incarnations"])
    asked = {name: decode_command(bytes.fromhex(code)) for name, code in meta["commands"].items()}
    incarnations: list[int] = meta["incarnations"]
    machine = _machine(meta, asked, size)
    calls = [_call(state) for state in states[1:]]
    if not states:
        raise BadInput(f"{path}, states: there is none, and so no trace.")
    writer = _Writer(machine, incarnations, meta, asked)
    (state,) = machine.init()
    for number, (call, found) in enumerate(zip([None, *calls], states, strict=True)):
        if call is not None:
            after = _taken(machine, state, call)
            if after is None:
                raise BadInput(f"{path}, states[{number}], mbt::actionTaken: {call[0]} is no step there.")
            writer.step(call, state, after)
            state = after
        for field in state._fields:
            if _sorted(found.get(field)) != _sorted(_value(field, getattr(state, field))):
                raise BadInput(f"{path}, states[{number}], {field}: this is not what the steps before lead to.")
    return writer.files(state)


def _taken(machine: JudgedCell, state: spec.State, call: Call) -> spec.State | None:
    try:
        after: spec.State | None = getattr(machine, call[0])(state, *call[1])
    except (TypeError, LookupError, AttributeError, ValueError):
        return None
    return after


def _machine(meta: Mapping[str, Any], asked: Mapping[str, Any], size: int) -> JudgedCell:
    names = TraceNames(size)
    for name, command in asked.items():
        names.name_content(name, command)
    return machine_of(names, size, frozenset(meta["members"]), meta["alpha"], meta["slots"])


def _call(state: Mapping[str, Any]) -> Call:
    return state["mbt::actionTaken"], tuple(_plain(given) for given in state["mbt::nondetPicks"].values())


def _plain(given: Any) -> Any:
    return int(given["#bigint"]) if isinstance(given, dict) else given


def _state(number: int, state: spec.State, call: Call | None, machine: JudgedCell) -> dict[str, Any]:
    picks: dict[str, Any] = {}
    if call is not None:
        picks = dict(zip(getattr(machine, call[0]).domains, map(_number_or_text, call[1]), strict=True))
    return {
        "#meta": {"index": number},
        "mbt::actionTaken": "init" if call is None else call[0],
        "mbt::nondetPicks": picks,
        **{field: _value(field, value) for field, value in state._asdict().items()},
    }


def _number_or_text(given: Any) -> Any:
    if isinstance(given, bool | str):
        return given
    return int(given) if abs(int(given)) < LARGE else {"#bigint": str(int(given))}


def _value(field: str, value: Any) -> Any:
    """A value of a variable: functions over 1..n are tuples whose place 0 is unused."""
    if field in FUNCTIONS:
        inner = field == "accepted"
        return {"#map": [[at, _map(one) if inner else _value("", one)] for at, one in _places(value)]}
    match value:
        case frozenset():
            return {"#set": [_value("", one) for one in sorted(value, key=str)]}
        case tuple() if hasattr(value, "_fields"):
            return {
                name: _map(part) if name == "accepted" and type(value) is spec.Disk else _value("", part)
                for name, part in zip(value._fields, value, strict=True)
            }
        case tuple():
            return [_value("", one) for one in value]
        case _:
            return _number_or_text(value)


def _map(function: Sequence[Any]) -> Any:
    return {"#map": [[at, _value("", one)] for at, one in _places(function)]}


def _places(function: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    return ((at, one) for at, one in enumerate(function) if at)


def _sorted(value: Any) -> Any:
    """A value of ITF in which the order of a set does not count."""
    if isinstance(value, dict):
        if set(value) == {"#set"}:
            return {"#set": sorted(json.dumps(_sorted(one), sort_keys=True) for one in value["#set"])}
        return {name: _sorted(part) for name, part in value.items()}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


class _Writer:
    """Writes the steps as lines of the nodes that took them, each as if it had a server of its own."""

    def __init__(
        self, machine: JudgedCell, incarnations: Sequence[int], meta: Mapping[str, Any], asked: Mapping[str, Any]
    ) -> None:
        self._machine, self._incarnations, self._meta = machine, incarnations, meta
        self._asked = {name: self._outside(command) for name, command in asked.items()}
        self._lines: dict[int, list[dict[str, Any]]] = {node: [] for node in machine.nodes}
        self._seq = dict.fromkeys(machine.nodes, 0)
        self._here: set[int] = set()
        """Who was born, and has not left."""
        (state,) = machine.init()
        for node in sorted(machine.first):
            self._start(node, state)

    def step(self, call: tuple[str, tuple[Any, ...]], before: spec.State, after: spec.State) -> None:
        """One step more."""
        name, arguments = call
        if name == "issue":
            command = self._asked[arguments[0]]
            asked = {"asks": name_of(command), "command": encode_command(command).hex()}
            self._add(min(self._here), {"did": "recorded", **asked})
        elif name == "flush":
            self._lines[arguments[0]].append({"did": "flush", "steps": [[1, 1]]})
        elif name in ("crash", "create"):
            self._start(arguments[0], after)
        elif name == "erase":
            self._add(arguments[0], {"did": name, **self._given(name, arguments, before), "waits": True})
            self._here.remove(arguments[0])
            self._lines[arguments[0]].append({"did": "flush", "steps": [[1, 1]]})
        else:
            node = self._whose(name, arguments)
            waits = {"waits": True} if len(after.queue[node]) > len(before.queue[node]) else {}
            self._add(node, {"did": name, **self._given(name, arguments, before), **waits})

    def files(self, state: spec.State) -> dict[str, str]:
        """Each file, by its name."""
        found = {}
        for node, lines in self._lines.items():
            self._add(node, {"did": "end", "active": self._ballot(state.active[node]), **self._has(node, state)})
            lines.append({"did": "close", "lines": len(lines) + 2})
            header = {"trace": VERSION, "server": node, "run": 1, "receipts": False}
            found[f"server-{node}-1.jsonl"] = "".join(json.dumps(line) + "\n" for line in (header, *lines))
        return found

    def _given(self, name: str, arguments: Sequence[Any], before: spec.State) -> dict[str, Any]:
        if name == "promise":
            prefix = next(m.prefix for m in before.prepares if m.ballot == arguments[1])
            return {"from": self._owner(arguments[1]), "said": ["prepare", self._ballot(arguments[1]), prefix]}
        if name == "vote":
            proposal = self._machine.proposal(before, arguments[1], arguments[2])
            assert proposal is not None
            said = ["proposal", self._ballot(arguments[1]), arguments[2], self._name(proposal.value)]
            return {"from": self._owner(arguments[1]), "said": said}
        if name == "echo":
            return {"from": self._owner(arguments[1]), "said": ["round", self._ballot(arguments[1]), arguments[2]]}
        if name == "settle":
            return {"from": self._incarnations[arguments[0] - 1], "said": ["howfar"]}
        domains = getattr(self._machine, name).domains
        slot = {"slot": len(before.known[self._whose(name, arguments)])} if name == "serve" else {}
        return {"args": [self._argument(*pair) for pair in zip(domains, arguments, strict=True)], **slot}

    def _argument(self, domain: str, given: Any) -> Any:
        match domain:
            case "b":
                return self._ballot(given)
            case "n":
                return self._incarnations[given - 1]
            case "v":
                return self._name(given)
            case _:
                return given

    def _outside(self, command: Any) -> Any:
        if isinstance(command, model.Change):
            members = frozenset(self._incarnations[node - 1] for node in command.members)
            return model.Change(command.request, command.expects, members)
        return command

    def _name(self, name: str) -> str:
        return name_of(self._asked[name]) if name in self._asked else name

    def _whose(self, name: str, arguments: Sequence[Any]) -> int:
        is_node = "n" in getattr(self._machine, name).domains
        return int(arguments[0] if is_node else self._machine.owner[arguments[0]])

    def _owner(self, ballot: int) -> int:
        return self._incarnations[self._machine.owner[ballot] - 1]

    def _ballot(self, ballot: int) -> list[int]:
        size = len(self._incarnations)
        return [(ballot - 1) // size + 1, self._incarnations[(ballot - 1) % size]] if ballot else [0, 0]

    def _start(self, node: int, state: spec.State) -> None:
        self._here.add(node)
        votes = [
            [slot, self._ballot(vote.ballot), self._name(vote.value)]
            for slot, vote in _places(state.disk[node].accepted) if vote != spec.NoVote
        ]  # fmt: skip
        self._add(
            node,
            {
                "did": "start", "cell": self._meta["cell"], "life": self._meta["life"],
                "node": self._incarnations[node - 1], "alpha": self._meta["alpha"],
                "members": sorted(self._incarnations[one - 1] for one in self._meta["members"]),
                "used": [self._ballot(ballot) for ballot in sorted(state.disk[node].used)],
                "accepted": votes, **self._has(node, state),
            },
        )  # fmt: skip

    def _has(self, node: int, state: spec.State) -> dict[str, Any]:
        return {
            "promised": self._ballot(state.promised[node]),
            "known": len(state.known[node]),
            "floor": self._machine.floor(state, node),
            "digest": self._machine.digest(state.known[node], lambda one: self._incarnations[one - 1]).hex(),
            "stopped": node not in self._here,
        }

    def _add(self, node: int, line: dict[str, Any]) -> None:
        self._seq[node] += 1
        self._lines[node].append({"n": 1, "seq": self._seq[node], **line})
