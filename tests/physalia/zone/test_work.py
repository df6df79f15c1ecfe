"""Jobs: the same bytes on any number of cores, and after any interruption."""

import json
from multiprocessing import get_context
from pathlib import Path

import pytest
from attrs import evolve

from physalia.placement.effort import Effort, OutOfTime
from physalia.zone import work as workers
from physalia.zone.errors import BadScenario
from physalia.zone.plan import Plan
from physalia.zone.results import report, study
from physalia.zone.work import Kept, work
from tests.physalia.zone.zones import changed, placed, quiet

SMALL = evolve(
    changed(quiet(), "storm", volumes=400, servers=40, hours=1.0), failures=quiet().failures
)  # fmt: skip


def small(seed: int = 7, runs: int = 2) -> Plan:
    site, rules, fleet = placed(SMALL, servers=240, volumes=20)
    plan = Plan(scenario=SMALL, site=site, rules=rules, fleet=fleet, hours=48.0, runs=runs, seed=seed)
    plan.check()
    return plan


def told(plan: Plan, path: Path | None = None, cores: int = 1) -> str:
    found = study.document(plan, work(Kept.of(plan, path), Effort(), cores))
    return report.report(found)


@pytest.fixture(scope="module")
def once() -> str:
    return told(small())


def test_the_same_seed_makes_the_same_bytes_on_any_number_of_cores(once: str) -> None:
    assert told(small(), cores=3) == once
    assert told(small(seed=8)) != once


def test_an_interruption_changes_nothing(once: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    plan = small()
    moments = iter([0.0] * 12)
    with pytest.raises(OutOfTime):
        work(Kept.of(plan, path), Effort(deadline=1.0, clock=lambda: next(moments, 2.0)), 1)
    kept = path.read_text(encoding="utf-8").splitlines()
    assert 1 < len(kept) < 1 + len(plan.jobs)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"job": "life/cells/0", "resu')  # cut off while it was written
    assert told(plan, path) == once
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + len(plan.jobs)
    assert told(plan, path) == once, "nothing is left to do"


def test_what_is_known_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    plan = small()
    work(Kept.of(plan, path), Effort(), 1)
    lines = path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[1])
    entry["result"]["messages_per_commit"] = 4711
    entry["sha256"] = workers._digest(entry["job"], entry["result"])
    path.write_text("\n".join([lines[0], json.dumps(entry), *lines[2:]]) + "\n", encoding="utf-8")
    found = study.document(plan, work(Kept.of(plan, path), Effort(), 1))
    assert found["sizes"][0]["messages_per_commit"] == 4711


def test_a_result_that_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    """Nobody looks into a result before it is told: a word in the place of a number was a defect of the program."""
    path, plan = tmp_path / "results.jsonl", small()
    work(Kept.of(plan, path), Effort(), 1)
    head, first, *others = path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(first)
    other = json.loads(others[0])["result"]
    for damaged in ({**entry, "result": {}}, {**entry, "result": other}, {"job": entry["job"], "result": other}):
        path.write_text("\n".join([head, json.dumps(damaged), *others]) + "\n", encoding="utf-8")
        with pytest.raises(BadScenario, match="line 2 is no result"):
            Kept.of(plan, path)
    path.write_text("\n".join([head, "[" * 100_000]) + "\n", encoding="utf-8")
    with pytest.raises(BadScenario, match="line 2 is no result"):
        Kept.of(plan, path)


@pytest.mark.parametrize("text", ["a note without an end of line", "[[[["])
def test_a_file_of_one_line_that_is_something_else_is_left_alone(text: str, tmp_path: Path) -> None:
    path, plan = tmp_path / "note", small()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadScenario, match="name another file"):
        Kept.of(plan, path)
    assert path.read_text(encoding="utf-8") == text
    path.write_text(json.dumps({"plan": plan.digest})[:20], encoding="utf-8")  # cut off while it was written
    assert not Kept.of(plan, path).results


def test_whoever_is_at_work_ends_when_it_is_told() -> None:
    plan, stop = small(), get_context("fork").Event()
    life = next(job for job in plan.jobs if job.part == "life")
    before = list(workers._WORKS)
    try:
        workers._begin(plan, None, stop)
        assert workers._perform(life)["seed"]
        stop.set()
        with pytest.raises(OutOfTime):
            workers._perform(life)
    finally:
        workers._WORKS[:] = before


def test_results_of_another_plan_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Kept.of(small(), path)
    before = path.read_bytes()
    for other in (
        small(seed=8),
        evolve(small(), hours=49.0),
        evolve(small(), scenario=changed(SMALL, "storm", share=0.2)),
    ):
        with pytest.raises(BadScenario, match=r"results.jsonl: these results belong to another scenario, site, seed"):
            Kept.of(other, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "line 2 is no result"),
        ('{"job": "life/moon/0", "result": {}}', "line 2: there is no job life/moon/0"),
        ('{"job": [], "result": {}}', r"line 2: there is no job \[\]"),
        ('{"job": "life/cells/0", "result": {}}', "line 2 is no result"),
    ],
)
def test_a_line_that_is_none_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "results.jsonl"
    Kept.of(small(), path)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(BadScenario, match=said):
        Kept.of(small(), path)


def test_where_nothing_can_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=r"the results cannot be kept there: Is a directory"):
        Kept.of(small(), tmp_path)


def test_copies_must_fit() -> None:
    crowded = changed(SMALL, "mirroring", copies_per_server=1)
    site, rules, fleet = placed(SMALL, servers=240, volumes=20)
    with pytest.raises(BadScenario, match=r"there is no volume whose cell has a place"):
        Plan(scenario=SMALL, site=site, rules=rules, fleet=fleet.__class__(fleet.clients[:0], fleet.cells[:0]),
             hours=1.0, runs=1, seed=0).check()  # fmt: skip
    many = fleet.__class__(fleet.clients.repeat(7, axis=0), fleet.cells.repeat(7, axis=0))
    with pytest.raises(BadScenario, match=r"280 copies of 140 volumes do not fit on 240 servers with room for 1 each"):
        Plan(scenario=crowded, site=site, rules=rules, fleet=many, hours=1.0, runs=1, seed=0).check()
