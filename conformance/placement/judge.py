"""The answers of ``physalia.placement`` to one question, against a table of every cell: what is legal, best, survives.

The table is TLC's listing or comes from the definitions in Python. Certificates are taken to the checker as they are,
which must accept them, and put wrong in ways that make their claim false, which it must refuse.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import astuple, field, frozen

from conformance.placement.definition import Cell, Question, World, single_failures
from conformance.placement.meaningless import meaningless
from conformance.refutation import Refuted
from physalia.placement.certificates.certificate import NoCertificate, certificate
from physalia.placement.certificates.check import Refused, check
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.topology import JOINT
from physalia.placement.solver import answer as answers
from physalia.placement.solver.answer import Answer
from physalia.placement.survival.by_cuts import survives
from physalia.placement.survival.cuts import cut_sets
from physalia.placement.survival.prove import prove

Value = tuple[int, int, int, int]

_HUGE = 10**9


class GaveUp(Exception):
    """A solver came to no end, so nothing is said of the question; the message says which and of what."""


@frozen
class Table:
    """Every cell: the legal ones with their values, and those that survive."""

    cells: tuple[Cell, ...]
    legal: Mapping[Cell, Value]
    surviving: frozenset[Cell]

    @property
    def best(self) -> Value | None:
        """The least value of a legal cell, if there is one."""
        return min(self.legal.values(), default=None)


@frozen
class Seen:
    """What was seen of one question: marks, and how many single answers were compared."""

    marks: set[str] = field(factory=set)
    compared: int = 0


def query_of(question: Question) -> Query:
    """The question as the running code is asked it."""
    return Query(question.instance, question.primary, question.replica, question.color)


def judge(question: Question, table: Table, *, z3: bool) -> Seen:
    """Compare everything; Refuted names the first difference, GaveUp what has no answer.

    With ``z3`` the solver proves, and survival twice.
    """
    marks: set[str] = set()
    _judge_rules(question, table)
    _judge_cuts(question, marks)
    _judge_survival(question, table, marks, z3=z3)
    ask = answers.prove if z3 else answers.query
    try:
        answer = ask(question.topology, question.policy, query_of(question))
    except answers.Contradiction as contradiction:
        raise Refuted("the parts of the solver contradict each other", (str(contradiction),)) from contradiction
    _judge_answer(answer, table, marks)
    _judge_certificate(question, answer, table, marks)
    return Seen(marks, 2 * len(table.cells) + 1)


def _judge_rules(question: Question, table: Table) -> None:
    """Every cell, judged one by one: does it keep the rules, what does it cost."""
    known = Judge.of(question.topology, question.policy, query_of(question))
    for cell in table.cells:
        broken = known.broken(sorted(cell))
        if bool(broken) == (cell in table.legal):
            said = "; ".join(one.sentence for one in broken) or "no rule is broken"
            by_definition = "is legal" if cell in table.legal else "is not legal"
            raise Refuted(f"the cell {told(cell)} {by_definition}, and the code says: {said}")
        if not broken:
            cost = known.cost(sorted(cell))
            if cost is None or astuple(cost) != table.legal[cell]:
                raise Refuted(f"the cell {told(cell)} costs {table.legal[cell]}, and the code says {cost}")


def _judge_cuts(question: Question, marks: set[str]) -> None:
    """What each failure cuts off, for all failures."""
    topology, instance = question.topology, question.instance
    cuts, unreached = cut_sets(topology, instance), set(topology.servers) - World(topology).reached(instance)
    for device in single_failures(topology):
        reached = question.harms.get(device)
        lost = set() if reached is None else set(topology.servers) - reached
        cut = cuts.get(device)
        found = {name for name, server in topology.servers.items() if cut is not None and cut.holds(server)}
        if found != lost or (cut is not None and cut.size != len(lost)):
            raise Refuted(
                f"if {device} fails, {instance} loses {told(lost)}, and the cut set says {told(found)}",
                () if World(topology, frozenset({device})).is_up(instance) else ("The instance is down then.",),
            )
        if lost and topology.kind_of(device) != "rack":
            marks.add(f"cut by a {topology.kind_of(device)}")
        if len(lost) > len(unreached) and device.startswith(f"{instance}{JOINT}"):
            marks.add("the instance's own link cuts")


def _judge_survival(question: Question, table: Table, marks: set[str], *, z3: bool) -> None:
    """Whether cells survive, and that the device which is blamed is one that breaks them; z3 on two of the cells."""
    chosen = _sample(table.cells, 12)
    asked_z3 = [cells[0] for cells in (
        [cell for cell in chosen if cell in table.surviving], [cell for cell in chosen if cell not in table.surviving]
    ) if cells] if z3 else []  # fmt: skip
    for cell in chosen:
        names = sorted(cell)
        try:
            asked = (question.topology, question.instance, names)
            found = prove(*asked) if cell in asked_z3 else (survives(*asked),)
        except RuntimeError as contradiction:
            raise Refuted(f"survival of {told(cell)}: {contradiction}") from contradiction
        for one in found:
            if one.holds is None:
                raise GaveUp(f"{one.method} gave up on whether {told(cell)} survives")
            if one.holds != (cell in table.surviving):
                raise Refuted(
                    f"the cell {told(cell)} {'does not survive' if one.holds else 'survives'}; {one.sentence}"
                )
            if not one.holds:
                left = question.harms.get(str(one.breaks))
                # z3 may take too much for reached, so it may name too few; but enough of them.
                lost = cell - (left or set())
                named = set(one.lost) == lost if one.method == "graph" else set(one.lost) <= lost
                if left is None or not named or 2 * (len(cell) - len(one.lost)) > len(cell):
                    raise Refuted(f"{one.sentence} By definition it reaches {told(left or ())}")
        marks.add("a cell survives" if cell in table.surviving else "a cell does not survive")


def _judge_answer(answer: Answer, table: Table, marks: set[str]) -> None:
    """Placed or impossible, and the best."""
    best = table.best
    if answer.verdict != ("impossible" if best is None else "placed"):
        raise Refuted(f"the answer is {answer.verdict}; of {len(table.cells)} cells {len(table.legal)} are legal")
    marks.add(answer.verdict)
    if best is None:
        return
    cell = frozenset(answer.servers)
    if answer.cost is None or astuple(answer.cost) != best or table.legal.get(cell) != best:
        real = table.legal.get(cell, "nothing, for it is not legal")
        raise Refuted(
            f"the best cell costs {best}; the answer {told(cell)} is said to cost {answer.cost} and costs {real}"
        )


def _judge_certificate(question: Question, answer: Answer, table: Table, marks: set[str]) -> None:
    try:
        made = json.loads(json.dumps(certificate(answer)))
    except NoCertificate:
        marks.add("no certificate")
        return
    site = files.dumps(answer.problem.topology)
    try:
        check(json.dumps(made).encode(), site)
    except Refused as refused:
        raise Refuted(f"the checker refuses the certificate of an answer that is right: {refused}") from refused
    marks.add("certificate")
    if any("domain" in tree for tree in _trees(made)):
        marks.add("a branch")
    for what, doctored in _doctored(question, made, table):
        try:
            check(json.dumps(doctored).encode(), site)
        except Refused:
            marks.add(f"refused: {what}")
            continue
        raise Refuted(f"the checker accepts a certificate with {what}", (json.dumps(doctored)[:2000],))
    for what, certified, topology in meaningless(made, site):
        try:
            check(certified, topology)
        except Refused as refused:
            if not str(refused).isprintable():
                raise Refuted(f"the checker says what a terminal would obey: {refused}") from refused
            marks.add(f"refused: {what}")
            continue
        raise Refuted(f"the checker accepts {what}", (certified.decode()[:2000],))


def _doctored(question: Question, made: Mapping[str, Any], table: Table) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The certificate with one thing put wrong, each of which makes it claim something false or unproven."""
    best = table.best
    if best is not None:
        worse = [cell for cell, value in table.legal.items() if value > best and made["claim"] == "optimal"]
        for cell in worse[:2]:
            wrong = _with_placement(made, cell, table.legal[cell])
            yield "a placement that is not the best", wrong
            # If a scale could be negative, numbers could be found for any bound.
            negative = {"scale": -1, "node": -_HUGE, "prices": {}, "bound": _HUGE * len(cell)}
            turned = dict.fromkeys(made["evidence"]["trees"], negative)
            yield "a scale below zero", {**wrong, "evidence": {**made["evidence"], "trees": turned}}
        if made["claim"] == "optimal":
            untrue = {key: value for key, value in made.items() if key not in ("placement", "cost", "note")}
            trees = {"trees": made["evidence"]["trees"]}
            yield "the claim that there is no placement", {**untrue, "claim": "infeasible", "evidence": trees}
    for cell in _nearly_legal(question, table):
        untrue = {key: value for key, value in made.items() if key != "evidence"}
        yield (
            "a placement that breaks a rule",
            {**_with_placement(untrue, cell, question.value(cell)), "claim": "feasible"},
        )
    for key in ("trees", "nearer"):
        for color in made.get("evidence", {}).get(key, {}):
            less = copy.deepcopy(dict(made))
            del less["evidence"][key][color]
            yield f"a colour less under {key}", less
    for leaf in range(sum(1 for _ in _leaves(made))):
        for field_name, change in (("bound", 1), ("bound", -1), ("scale", None)):
            other = copy.deepcopy(dict(made))
            node = list(_leaves(other))[leaf]
            if field_name == "scale" and not node.get("scale"):
                continue
            node[field_name] = -node["scale"] if change is None else node[field_name] + change
            yield f"another {field_name}", other


def _nearly_legal(question: Question, table: Table) -> list[Cell]:
    """For each rule a cell that breaks it and no other, if there is one."""
    found: dict[str, Cell] = {}
    for cell in table.cells:
        broken = set() if cell in table.legal else question.broken(cell)
        if len(broken) == 1 and all(cell <= distances.keys() for distances in question.distances.values()):
            found.setdefault(broken.pop(), cell)
    return list(found.values())


def _with_placement(made: Mapping[str, Any], cell: Cell, value: Value) -> Mapping[str, Any]:
    cost = dict(zip(("worst_hop", "spread", "hops", "fill"), value, strict=True))
    return {**copy.deepcopy(dict(made)), "placement": sorted(cell), "cost": cost}


def _trees(made: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("trees", "nearer"):
        yield from made.get("evidence", {}).get(key, {}).values()


def _leaves(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = list(_trees(made))
    while waiting:
        tree = waiting.pop()
        if "bound" in tree:
            yield tree
        waiting.extend(tree[half] for half in ("below", "above") if half in tree)


def _sample(cells: tuple[Cell, ...], count: int) -> list[Cell]:
    """Some of the cells, evenly."""
    step = max(1, len(cells) // count)
    return list(cells[::step][:count])


def told(names: Any) -> str:
    """Names in a sentence."""
    return ", ".join(sorted(names)) or "nothing"
