"""The table of every cell of a small site, by the definitions in Python, and which rules decide anything in it."""

from attrs import evolve

from conformance.placement.definition import Cell, Question, breaking
from conformance.placement.judge import Table
from physalia.placement.rules.policy import Cap, HopLimit, Minimum, Overlap, PairCap, SingleFailure, Survives

_NAMES = {
    Cap: "a cap",
    Minimum: "a minimum",
    SingleFailure: "the power rule",
    PairCap: "the pair cap",
    HopLimit: "a hop limit",
    Overlap: "overlap",
    Survives: "survival",
}


def by_definition(question: Question) -> tuple[Table, set[str]]:
    """The table, and marks for the kinds of rules that bind: without one of them the answer would be another."""
    cells = tuple(question.cells())
    broken = {cell: frozenset(question.broken(cell)) for cell in cells}
    # What breaks one rule alone would be legal without it; what always holds is not asked for its value.
    values = {cell: question.value(cell) for cell in cells if len(broken[cell]) <= 1 and "always" not in broken[cell]}
    legal = {cell: value for cell, value in values.items() if not broken[cell]}
    surviving = frozenset(cell for cell in cells if not breaking(question.harms, cell))
    table = Table(cells, legal, surviving)
    marks = set(_binding(question, broken, values, table))
    if legal and legal[min(legal, key=lambda cell: _flat(question, cell, legal[cell]))] != table.best:
        marks.add("a third node in a domain decides")
    return table, marks


def _flat(question: Question, cell: Cell, value: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The value if every further node in a domain cost the same."""
    return value[0], sum(max(0, nodes - 1) for nodes in question.shared(cell)), *value[2:]


def possible(question: Question) -> Question:
    """The question without the rules that its luckiest cell breaks; as it is if rules are not what is in the way."""
    broken = [found for cell in question.cells() if "always" not in (found := question.broken(cell))]
    given_up = min(broken, key=lambda found: (len(found), sorted(found)), default=set())
    kept = tuple(rule for rule in question.policy.rules if rule.id not in given_up)
    return evolve(question, policy=evolve(question.policy, rules=kept))


def _binding(
    question: Question,
    broken: dict[Cell, frozenset[str]],
    values: dict[Cell, tuple[int, int, int, int]],
    table: Table,
) -> list[str]:
    found = []
    for rule in question.policy.rules:
        freed = min((value for cell, value in values.items() if broken[cell] == {rule.id}), default=None)
        if freed is not None and (table.best is None or freed < table.best) and type(rule) in _NAMES:
            copies = isinstance(rule, Survives) and rule.client is not None
            found.append(f"{'survival of a copy' if copies else _NAMES[type(rule)]} binds")
    return found
