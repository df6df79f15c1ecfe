"""The verdict on trouble: what was not judged is inconclusive, and one doctored answer is refuted."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.colonies.verdict import judge_disks, judge_histories, judge_looks, verdict
from conformance.links import Verdict
from physalia.colony.work import Saw


def ok(process: str, f: str, key: str, asked: Any, answer: Any) -> list[dict[str, Any]]:
    what = {"process": process, "f": f, "key": key}
    return [{"type": "invoke", **what, "value": asked}, {"type": "ok", **what, "value": answer}]


def txn(process: str, asked: dict[str, Any], values: list[Any], *, succeeded: bool = True) -> list[dict[str, Any]]:
    what = {"process": process, "f": "txn"}
    answer = {"succeeded": succeeded, "values": values}
    return [{"type": "invoke", **what, "value": asked}, {"type": "ok", **what, "value": answer}]


@pytest.fixture
def saw() -> Saw:
    made = Saw()
    made.registers += ok("p1", "write", "1/r", "x", "x") + ok("p2", "cas", "1/r", ["x", "y"], ["x", "y"])
    made.registers += ok("p1", "cas", "1/r", ["x", "z"], False) + ok("p1", "read", "1/r", None, "y")
    put = {"if": [["absent", "1/a"]], "then": [["put", "1/a", "v"], ["put", "1/b", "w"]], "else": [["read", "1/a"]]}
    made.transactions += txn("p1", put, ["v", "w"]) + txn("p2", put, ["v"], succeeded=False)
    made.transactions += txn("p1", {"then": [["read", "1/b"]]}, ["w"])
    return made


def test_a_right_history_holds(saw: Saw, tmp_path: Path) -> None:
    parts = judge_histories(saw.write(tmp_path), least=1)
    assert [(part.name, part.verdict, part.judged) for part in parts] == [
        ("kv", Verdict.HOLDS, 4),
        ("store", Verdict.HOLDS, 3),
    ]


@pytest.mark.parametrize(
    ("of", "place", "answer", "name"),
    [
        ("registers", 7, "x", "kv"),  # a read of what was overwritten
        ("registers", 7, None, "kv"),  # of nothing
        ("registers", 5, ["x", "z"], "kv"),  # a condition that did not hold, and was said to
        ("transactions", 5, {"succeeded": True, "values": ["v"]}, "store"),  # half of a transaction
        ("transactions", 3, {"succeeded": True, "values": ["v", "w"]}, "store"),  # done twice
    ],
)
def test_one_doctored_answer_is_refuted(saw: Saw, tmp_path: Path, of: str, place: int, answer: Any, name: str) -> None:
    getattr(saw, of)[place]["value"] = answer
    parts = judge_histories(saw.write(tmp_path), least=1)
    assert verdict(parts) is Verdict.REFUTED
    (refuted,) = [part for part in parts if part.verdict is Verdict.REFUTED]
    assert refuted.name == name
    assert refuted.lines


def test_what_nobody_answered_is_not_judged(tmp_path: Path) -> None:
    assert verdict(judge_histories(Saw().write(tmp_path), least=1)) is Verdict.INCONCLUSIVE
    assert judge_looks([]).verdict is Verdict.INCONCLUSIVE
    assert judge_disks([], settled=True).verdict is Verdict.INCONCLUSIVE


def test_too_few_answers_are_inconclusive(saw: Saw, tmp_path: Path) -> None:
    assert verdict(judge_histories(saw.write(tmp_path), least=4)) is Verdict.INCONCLUSIVE


def test_the_files_are_what_another_judge_reads(saw: Saw, tmp_path: Path) -> None:
    files = saw.write(tmp_path)
    events = [json.loads(line) for line in files["kv"].read_text(encoding="utf-8").splitlines()]
    assert events == saw.registers
