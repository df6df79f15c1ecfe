"""The recorder: off by default, whole lines, an end, a limit, and a server that goes on without it."""

import json
import os
from functools import partial
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from conformance.links import Verdict
from conformance.traces.lines import read_run
from conformance.traces.recorded import read_all
from physalia import model
from physalia.model import (
    Change,
    Command,
    Execute,
    Get,
    Jury,
    NoOp,
    OpenSession,
    Put,
    RequestId,
    Transact,
    Transaction,
    Write,
)
from physalia.server import read_settings
from physalia.server.settings import BadSettings
from physalia.tracing import CannotRecord, record_in
from physalia.tracing.words import checksum, name_of
from tests.conformance.traces.servers import World, judged

SETTINGS = 'server = 1\ndirectory = "disk"\nkeys = "keys.toml"\n'


def test_nothing_is_recorded_unless_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "1.toml"
    file.write_text(SETTINGS)
    assert read_settings(file, {}).record is None
    file.write_text(SETTINGS + 'record = "traces"\n')
    assert read_settings(file, {}).record == tmp_path / "traces"
    file.write_text(SETTINGS + "record_most_mib = 0\n")
    with pytest.raises(BadSettings, match="record_most_mib is at least 1"):
        read_settings(file, {})


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    for run in (1, 2, 3):
        record_in(tmp_path, 7, 1000).close(())
        lines = [json.loads(line) for line in (tmp_path / f"server-7-{run}.jsonl").read_text().splitlines()]
        assert lines == [{"trace": 2, "server": 7, "run": run}, {"did": "close", "lines": 2}]


def test_a_process_that_is_killed_before_anything_happened_leaves_a_whole_trace(tmp_path: Path) -> None:
    record_in(tmp_path, 7, 1000)
    run = read_run(tmp_path / "server-7-1.jsonl")
    assert (run.header.server, run.header.run, run.lines, run.is_closed, run.is_torn) == (7, 1, [], False, False)


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRecord, match="let record name a folder"):
        record_in(tmp_path / "file", 1, 1000)


def test_names_tell_commands_of_one_request_apart() -> None:
    request = RequestId('a "client"', 3)
    commands: list[Command] = [
        Write(request, 0, "a", "b"), Write(request, 1, "a", "b"), Change(request, 0, frozenset({1, 2})),
        Change(request, 0, frozenset({1, 3})), Execute(request, 1, OpenSession()), NoOp(),
    ]  # fmt: skip
    assert len({name_of(command) for command in commands}) == len(commands)
    one, same = in_two_orders()
    assert name_of(Change(request, 0, one)) == name_of(Change(request, 0, same))
    short = b'["change",["requestid","a \\"client\\"",3],0,[1,9,17]]'  # as docs/traces.md says that it is written
    assert name_of(Change(request, 0, same)) == f'a "client"#3:{crc32(short):08x}'


def in_two_orders() -> tuple[frozenset[int], frozenset[int]]:
    """One set, made in two ways, so that Python goes through its members in two orders."""
    one, same = frozenset((1, 9, 17)), frozenset((17, 9, 1))
    assert one == same
    assert list(one) != list(same)
    return one, same


def test_equal_answers_have_one_checksum() -> None:
    """A server has the members from a client, and the judge from a log: so they come in two orders now and then."""
    one, same = in_two_orders()
    assert checksum(model.Verdict(True, Jury(3, one))) == checksum(model.Verdict(True, Jury(3, same)))
    others = [
        model.Verdict(False, Jury(3, one)),
        model.Verdict(True, Jury(2, one)),
        model.Verdict(True, Jury(3, one - {17})),
    ]
    assert len({checksum(answer) for answer in (model.Verdict(True, Jury(3, one)), *others)}) == 1 + len(others)


def test_a_server_goes_on_when_its_trace_cannot_be_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.start(1, 2, 3)
    recorder = world.running[1].nodes.host.recording
    descriptor = recorder._descriptor  # type: ignore[union-attr]
    reading = os.open(os.devnull, os.O_RDONLY)
    os.dup2(reading, descriptor)
    os.close(reading)
    world.lead(1, 1)
    world.write(1, 1, 0, 0)
    world.run()
    assert world.told
    assert recorder.lost is not None  # type: ignore[union-attr]
    world.end()


def test_an_integer_that_is_too_long_to_write_down_is_recorded_and_judged(tmp_path: Path) -> None:
    """Python refuses to write more than 4,300 digits; a client may put an integer of many more, and read it."""
    long, request = 10**5000, partial(RequestId, "c")
    world = World(tmp_path)
    world.start(1, 2, 3)
    world.lead(1, 1)
    world.submit(1, 1, Execute(request(1), 1, OpenSession()))
    world.run()
    for number, step in ((2, Put("k", long)), (3, Get("k"))):
        world.submit(1, 1, Execute(request(number), 1, Transact(1, Transaction((), (step,)))))
        world.run()
    assert any(long in integers(told) for told in world.told)
    world.end()
    found = judged(read_all(world.traces))
    assert found.verdict is Verdict.HOLDS, found.lines


def integers(one: object) -> set[int]:
    """All integers in a value."""
    if isinstance(one, msgspec.Struct):
        return integers([getattr(one, name) for name in one.__struct_fields__])
    if isinstance(one, list | tuple):
        return {found for each in one for found in integers(each)}
    return {one} if isinstance(one, int) else set()
