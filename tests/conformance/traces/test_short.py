"""Steps that are written short stand for the lines that they are spelled out as, and every part of them counts."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conformance.links import BadInput
from conformance.traces.lines import Line, Run, read_lines
from conformance.traces.recorded import read_all
from conformance.traces.short import objects
from physalia.model import (
    Action,
    Ballot,
    Batch,
    Chunk,
    Execute,
    Get,
    NodeId,
    Peek,
    Proposal,
    Put,
    Receive,
    Report,
    RequestId,
    Submit,
    Take,
    Transact,
    Transaction,
)
from physalia.model import Promise as PromiseOf
from physalia.tracing.words import json as encoded
from physalia.tracing.words import name_of
from tests.conformance.traces.servers import World, lived

BODY = Transact(3, Transaction((), (Put("k", b"\xff\0"), Put("n", 2**80), Put("b", True)), (Get("k"),)))
ASKED = Execute(RequestId("c", 7), 1, Batch(((RequestId("c", 8), BODY),)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return lived(tmp_path_factory.mktemp("servers"))


def others(value: Any) -> Iterator[Any]:
    """The value with one part another, longer or shorter by one part."""
    match value:
        case None:
            yield 1
        case bool():
            yield not value
        case int():
            yield value + 1
            yield str(value)
        case str():
            yield f"{value}0"
            yield 1
        case [*parts]:
            for at, part in enumerate(parts):
                yield from ([*parts[:at], other, *parts[at + 1 :]] for other in others(part))
            yield parts[:-1]
            yield [*parts, 0]


def test_a_server_writes_its_steps_short(runs: list[Run]) -> None:
    texts = [text for run in runs for text in run.path.read_bytes().splitlines()]
    assert sum(text.startswith(b"[") for text in texts) == sum(
        "seq" in line and line["did"] not in ("start", "end") for line in objects(texts)
    )


def test_what_is_spelled_out_is_the_same_trace(runs: list[Run]) -> None:
    for run in runs:
        lines = objects(run.path.read_bytes().splitlines())
        assert read_lines(run.path, b"".join(json.dumps(line).encode() + b"\n" for line in lines)) == run


def test_every_part_of_a_short_line_counts(runs: list[Run]) -> None:
    """Whatever is another, the line is another or none: so what is true of lines that are spelled out is true of it.

    Only why a node stopped is told to people alone.
    """
    seen = set[tuple[str, ...]]()
    for run in runs:
        texts = run.path.read_bytes().splitlines(keepends=True)
        for at, text in enumerate(texts):
            whole = json.loads(text)
            if not isinstance(whole, list):
                continue
            kind = (*whole[2][:2], *(whole[4] or ["none"])[:1], *((whole[4] or [0, 0, []])[2:3] or [[]])[0][:1])
            if kind in seen:
                continue
            seen.add(kind)
            _, line = next(one for one in run.lines if one[0] == at + 1)
            for other in others(whole):
                if other[2][:1] == ["stutter"] and other[2][:2] == whole[2][:2] and len(other[2]) in (2, 3):
                    continue
                assert other_line(run.path, texts, at, other) != line, (whole, other)
    assert len(seen) > 15


def other_line(path: Path, texts: list[bytes], at: int, other: Any) -> Line | None:
    """What is read with that in its place; None if it is ill-formed."""
    with suppress(BadInput):
        return read_lines(path, b"".join([*texts[:at], json.dumps(other).encode() + b"\n"])).lines[-1][1]
    return None


START = (
    b'{"trace":2,"server":1,"run":1}\n{"n":1,"seq":1,"did":"start","cell":1,"life":2,"node":12,"members":[12],"alpha":3,'
    b'"used":[],"accepted":[],"promised":[0,0],"known":0,"floor":0,"digest":"","stopped":false}\n'
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (PromiseOf(Ballot(1, NodeId(2)), NodeId(3), (Report(4, Ballot(1, NodeId(2)), ASKED),), 0),
         ["promise", (1, 2), 3, [(4, (1, 2), name_of(ASKED))], 0]),
        (Proposal(Ballot(1, NodeId(2)), 4, ASKED), ["proposal", (1, 2), 4, name_of(ASKED)]),
        (Chunk(4, b"\xff", 0, ()), ["chunk", 4]),
        (Take(4, 2), ["take", 4]),
    ],
)  # fmt: skip
def test_commands_of_the_store_are_read_whatever_they_hold(given: Any, said: list[Any]) -> None:
    row = (1, 2, Action("truncate", (12, 4)), False, Receive(NodeId(2), given))
    line = encoded([*row[:2], ("stutter", "recorded", ""), *row[3:]])
    assert read_lines(Path("a"), START + line + b"\n").lines[-1][1].said == said


def test_a_read_that_may_be_old_says_nothing_of_its_slot(tmp_path: Path) -> None:
    """Nothing judges it: a line with one would be ill-formed."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    world.lead(2, 1)
    server = world.running[2]
    server.nodes.begin(server.key(1), Peek(RequestId("reader", 1), 0))
    assert world.told
    world.end()
    lines = [line for run in read_all(world.traces) for _, line in run.lines if line.did == "peeked"]
    assert [line.slot for line in lines] == [None]


def test_what_a_client_asks_for_is_its_name_and_its_bytes() -> None:
    line = encoded([1, 2, ("stutter", "recorded", ""), False, Submit(ASKED)])
    read = read_lines(Path("a"), START + line + b"\n").lines[-1][1]
    assert read.asks == name_of(ASKED)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b'[1,2,["action","vote",[12,[1,2],4]],true,["receive",2,["vote",[1,2],4,3]]]', "said"),
        (b'[1,2,["action","vote",[13,[1,2],4]],true,["receive",2,["proposal",[1,2],4,["noop"]]]]', "step"),
        (b'[1,2,["action","vote",[12,[1,2],5]],true,["receive",2,["proposal",[1,2],4,["noop"]]]]', "step"),
        (b'[1,2,["action","guess",[]],true,null]', "step[1]"),
        (b'[1,2,["stutter","recorded",""],false,["receive",2,["vote",[1,2],"4",3]]]', "given[2][2]"),
        (b'[1,2,["stutter","recorded",""],false,["receive",2,["vote",[1,2],0,3]]]', "said[1]"),
        (b'[1,2,["stutter","recorded",""],false,["receive",2,["rumour",1]]]', "given[2][0]"),
        (b'[1,2,["action","propose",[[1,2],4,["noop",1]]],false,null]', "args[2]"),
        (b'[1,2,["stutter","recorded",""],1,null]', "waits"),
        (b'[1,2,["stutter","recorded",""]', "did"),
        (b"[1,2]", "did"),
        (b'["1",2,["stutter","recorded",""],false,null]', "n"),
    ],
)
def test_a_bad_short_line_is_told_with_its_field(line: bytes, field: str) -> None:
    with pytest.raises(BadInput) as told:
        read_lines(Path("a"), START + line + b"\n")
    assert str(told.value).startswith(f"a, line 3, {field}: ")
