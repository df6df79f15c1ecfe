"""A colony in trouble holds, and a colony that is wrong is found out."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.colonies.verdict import Part, judge_disks, judge_histories, judge_looks, judge_moves
from conformance.links import Verdict
from physalia.colony import Colony, Processes, ServerFailed, health, lay_out
from physalia.colony.faults import Fault
from physalia.colony.health import restart_in_turn
from physalia.colony.trouble import Trouble, make_trouble
from physalia.colony.work import Saw, read_all, work

QUICK = "ping_every_s = 0.1\nsuspect_after_s = 0.8"


@pytest.fixture
def colony(tmp_path: Path) -> Iterator[Colony]:
    made = lay_out(tmp_path / "colony", cells=3, extra=QUICK, has_network=True)
    yield made
    Processes(made).kill_all()


def trouble_of(colony: Colony, seconds: float, faults: list[Fault], clients: int = 8) -> tuple[Trouble, list[str]]:
    """Make trouble; also what the servers wrote for their operator."""
    processes = Processes(colony)
    processes.start(*colony.settings)
    made = asyncio.run(
        make_trouble(colony, processes, clients=clients, seconds=seconds, faults=faults, seed=7, told=lambda _: None)
    )
    processes.end(*colony.settings)
    return made, [processes.log(server).read_text(encoding="utf-8") for server in colony.settings]


def judged(colony: Colony, trouble: Trouble, least: int = 50) -> list[Part]:
    parts = judge_histories(trouble.saw.write(colony.folder), least)
    disks = judge_disks(list(colony.settings.values()), settled=trouble.settled)
    return [*parts, judge_looks(trouble.saw.looks), disks]


def holds(colony: Colony, seconds: float, faults: list[Fault]) -> None:
    trouble, logs = trouble_of(colony, seconds, faults)
    for part in judged(colony, trouble):
        assert part.verdict is Verdict.HOLDS, part
    assert {Fault(name) for name in trouble.faults} == set(faults), "not every fault had its turn"
    said = "".join(logs)
    for file in (*colony.folder.glob("*.keys"), colony.folder / "operator.toml", colony.folder / "keys.toml"):
        for secret in re.findall(r'secret = "(\w+)"', file.read_text(encoding="utf-8")):
            assert secret not in said, "a secret is in a log"
    assert '"suspected"' in said, "nobody noticed that anybody was gone"
    assert "refused by the journal" in said, "no disk was full"


def test_a_colony_in_trouble_holds(colony: Colony) -> None:
    """Kill -9, SIGSTOP, partitions and full disks: every history is judged, every journal and digest agrees."""
    holds(colony, 20.0, [Fault.FULL, Fault.STOP, Fault.CUT, Fault.KILL, Fault.SPLIT])


def test_the_cells_of_a_colony_in_trouble_move(tmp_path: Path) -> None:
    """Cells of three on four servers: members go from one to another while servers are broken; all of it is judged."""
    colony = lay_out(
        tmp_path / "colony", servers=4, cells=2, extra=f"{QUICK}\nlog_slots = 50", has_network=True, size=3
    )
    processes = Processes(colony)
    processes.start(*colony.settings)
    faults = [Fault.KILL, Fault.STOP]
    try:
        trouble = asyncio.run(
            make_trouble(
                colony, processes, clients=6, seconds=10.0, faults=faults, seed=7, told=lambda _: None, moves=True
            )
        )
        processes.end(*colony.settings)
    finally:
        processes.kill_all()
    assert judge_moves(trouble.moves).verdict is Verdict.HOLDS
    assert judge_moves(0).verdict is Verdict.INCONCLUSIVE
    for part in judged(colony, trouble):
        assert part.verdict is Verdict.HOLDS, part


@pytest.mark.slow
def test_a_colony_in_trouble_for_ten_minutes_holds(colony: Colony) -> None:
    holds(colony, 600.0, list(Fault))


def test_a_server_that_lies_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers every read of a key by what it saw there first; its disk is in order."""
    (tmp_path / "lies").mkdir()
    (tmp_path / "lies" / "sitecustomize.py").write_text(
        "from physalia.model.value import evolve\n"
        "from physalia.model import Seen\n"
        "from physalia.server import requests\n"
        "honest, first = requests.show, {}\n"
        "def lie(node, asked, least=0):\n"
        "    shown = honest(node, asked, least)\n"
        "    if not isinstance(shown, Seen):\n"
        "        return shown\n"
        "    items = [first.setdefault((asked.cell, key), one) or one for key, one in zip(asked.keys, shown.items)]\n"
        "    return evolve(shown, items=tuple(items))\n"
        "requests.show = lie\n",
        encoding="utf-8",
    )
    colony = lay_out(tmp_path / "colony", servers=1)
    processes = Processes(colony)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lies"))
    try:
        trouble, _ = trouble_of(colony, 3.0, [], clients=4)
    finally:
        processes.kill_all()
    verdicts = {part.name: part.verdict for part in judged(colony, trouble, least=1)}
    assert verdicts["kv"] is Verdict.REFUTED


def test_what_a_majority_of_disks_forgot_is_refuted(colony: Colony) -> None:
    """Beyond what a cell survives: two of three disks become older copies of themselves, and the third is gone."""
    processes, copies, saw = Processes(colony), colony.folder / "copies", Saw()

    async def some_work() -> None:
        until = asyncio.Event()
        working = asyncio.create_task(work(colony, saw, 4, until, seed=1))
        while sum(event["type"] == "ok" for event in saw.registers) < count:
            await asyncio.sleep(0.05)
        until.set()
        await working

    count = 40
    processes.start(1, 2, 3)
    asyncio.run(some_work())
    processes.end(1, 2, 3)
    for server in (1, 2):
        shutil.copytree(colony.settings[server].directory, copies / str(server))
    count = 140
    processes.start(1, 2, 3)
    asyncio.run(some_work())
    assert {part.verdict for part in judge_histories(saw.write(colony.folder), 50)} == {Verdict.HOLDS}
    for server in (1, 2, 3):
        processes.kill(server)
    for server in (1, 2):
        shutil.rmtree(colony.settings[server].directory)
        shutil.copytree(copies / str(server), colony.settings[server].directory)
    processes.start(1, 2)
    asyncio.run(read_all(colony, saw))
    verdicts = {part.name: part.verdict for part in judge_histories(saw.write(colony.folder), 50)}
    assert verdicts == {"kv": Verdict.REFUTED, "store": Verdict.REFUTED}


def test_a_rolling_restart_leaves_no_gap(colony: Colony) -> None:
    """Clients work while each server drains, ends and comes back; everything is judged, and nobody is told no."""
    processes, saw, restarted = Processes(colony), Saw(), list[int]()
    processes.start(*colony.settings)

    async def main() -> None:
        until = asyncio.Event()
        working = asyncio.create_task(work(colony, saw, 4, until, seed=3))
        await asyncio.to_thread(restart_in_turn, colony, processes, restarted.append)
        until.set()
        await working
        await read_all(colony, saw)

    asyncio.run(main())
    assert restarted == [1, 2, 3]
    assert [part.verdict for part in judge_histories(saw.write(colony.folder), 20)] == [Verdict.HOLDS] * 2
    ends = [event["type"] for event in saw.registers + saw.transactions]
    assert "fail" not in ends, "somebody was told that nothing could be done"


def test_a_rolling_restart_stops_where_a_server_is_not_well(colony: Colony, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three is gone: to take another one away would stop every cell."""
    processes, restarted = Processes(colony), list[int]()
    processes.start(*colony.settings)
    processes.kill(3)
    monkeypatch.setattr(health, "START_S", 0.2)
    with pytest.raises(ServerFailed, match="all must be well"):
        restart_in_turn(colony, processes, restarted.append)
    assert not restarted
    assert processes.pid(1) is not None
    assert processes.pid(2) is not None
