"""The verdict on a colony that was in trouble: each history, the reads that may be old, and the disks.

Nothing that was not judged counts as judged: a history without answers, a judge that ran out of its budget, or nodes
that do not come to know the same are inconclusive.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from conformance.colonies import disks, looks
from conformance.histories.checker import Budget
from conformance.histories.judging import Judged, judge, lines
from conformance.histories.known import MODELS
from conformance.histories.reading import read
from conformance.links import Verdict, combine
from conformance.refutation import Refuted
from physalia.server import Settings

OF_MODELS = ("kv", "store")
SITUATIONS = 2_000_000


@frozen
class Part:
    """One thing that was judged: its verdict, in a phrase why, and more lines where it is refuted."""

    name: str
    verdict: Verdict
    why: str
    judged: int
    lines: tuple[str, ...] = ()


def verdict(parts: Sequence[Part]) -> Verdict:
    """That on all of them together."""
    return combine(part.verdict for part in parts)


def judge_histories(files: Mapping[str, Path], least: int) -> list[Part]:
    """Judge each history of a model; with fewer than `least` answers nothing is concluded."""
    parts = []
    for name in OF_MODELS:
        judged = judge(read(files[name], MODELS[name]), MODELS[name], Budget(SITUATIONS))
        parts.append(_of_history(name, judged, least))
    return parts


def judge_looks(events: Sequence[Mapping[str, Any]]) -> Part:
    """Judge the reads that may be old."""
    try:
        count = looks.judge(events)
    except Refuted as refuted:
        return Part("looks", Verdict.REFUTED, refuted.title, 0, tuple(refuted.lines))
    if not count:
        return Part("looks", Verdict.INCONCLUSIVE, "nobody looked", 0)
    return Part(
        "looks", Verdict.HOLDS, f"{count:,} reads that may be old are of one prefix each, none goes back", count
    )


def judge_moves(made: int) -> Part:
    """Cells that were to move, and did: whether that went well the other parts say."""
    if not made:
        return Part("moves", Verdict.INCONCLUSIVE, "no cell moved", 0)
    return Part("moves", Verdict.HOLDS, f"{made} members of cells went to another server", made)


NO_FAULT = Part("faults", Verdict.INCONCLUSIVE, "none of the faults that were asked for happened", 0)
"""What is said in addition where there was no trouble: what holds says nothing about it then."""


def judge_disks(servers: Sequence[Settings], *, settled: bool) -> Part:
    """Judge the disks, when no server runs."""
    try:
        agreed = disks.judge(servers)
    except Refuted as refuted:
        return Part("disks", Verdict.REFUTED, refuted.title, 0, tuple(refuted.lines))
    if not settled or not agreed.slots:
        return Part("disks", Verdict.INCONCLUSIVE, "not all nodes of a cell came to know the same", agreed.slots)
    why = f"{agreed.journals} journals are whole, and {agreed.nodes} nodes agree on {agreed.slots:,} slots"
    return Part("disks", Verdict.HOLDS, why, agreed.slots)


def _of_history(name: str, judged: Judged, least: int) -> Part:
    answered = sum(not one.is_open for one in judged.history.operations)
    shown = () if judged.window is None else lines(judged.window)
    if judged.verdict is Verdict.HOLDS and answered < least:
        return Part(name, Verdict.INCONCLUSIVE, f"only {answered} operations were answered: too few to judge", answered)
    unknown = len(judged.history.operations) - answered
    why = f"{answered:,} answers are those of one order, {unknown} operations are uncertain"
    return Part(name, judged.verdict, why if judged.verdict is Verdict.HOLDS else judged.why, answered, shown)
