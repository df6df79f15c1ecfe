"""The same value of the same formula, by z3 itself: slow, and independent of the compiler.

A structure is written down for the solver: which elements a sort has, that they are different, and each relation and
function by its definition, which z3 itself puts in the place of its name. Then z3 is asked whether the formula can
hold.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from spec.induction.formulas.evaluate import Element, Facts, Universe
from spec.induction.proving.solve import check, gave_up, limit


class NoAnswer(Exception):
    """The solver gave up."""


class Oracle:
    """Asks z3 what formulas are worth in structures over one universe; what was written down before is kept."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._elements: dict[str, dict[Element, Any]] = {}
        self._sorts: dict[str, Any] = {}
        self._rigid: dict[Any, Any] = {}

    def value(self, expression: Any, facts: Facts, parameters: Mapping[Any, Element]) -> bool:
        """Whether a formula holds. NoAnswer if z3 does not know; KeyError if a relation of it is not given."""
        given = [(one, self._element(one.sort(), element)) for one, element in parameters.items()]
        closed = self._defined(z3.substitute(expression, *given), facts)
        # Nothing is left to be chosen but names for elements: what can hold does hold.
        solver = z3.SolverFor("UF")
        limit(solver)
        solver.set("random_seed", 0)
        solver.add(closed, *self._closed_sorts())
        answer = check(solver)
        if answer == z3.unknown:
            raise NoAnswer(gave_up(solver))
        return bool(answer == z3.sat)

    def _element(self, sort: Any, element: Element) -> Any:
        """The constant that stands for an element."""
        return self._elements_of(sort)[element]

    def _elements_of(self, sort: Any) -> dict[Element, Any]:
        name = sort.name()
        if name not in self._elements:
            domain = enumerate(self._universe.domains[name])
            self._elements[name] = {element: z3.Const(f"{name}#{k}", sort) for k, element in domain}
            self._sorts[name] = sort
        return self._elements[name]

    def _closed_sorts(self) -> Iterator[Any]:
        """That the elements of each sort are different, and that there are no others."""
        for name, sort in self._sorts.items():
            elements = list(self._elements[name].values())
            anything = z3.Const("anything", sort)
            yield z3.Distinct(*elements)
            yield z3.ForAll([anything], z3.Or(*(anything == element for element in elements)))

    def _defined(self, expression: Any, facts: Facts) -> Any:
        """The formula with every relation, function and constant replaced by its definition."""
        for sort in _bound_sorts(expression):
            self._elements_of(sort)
        known = {element.decl() for elements in self._elements.values() for element in elements.values()}
        functions, constants = [], []
        for declaration in set(_declarations(expression)) - known:
            if declaration.arity():
                functions.append((declaration, self._definition(declaration, facts)))
            else:
                constants.append((declaration(), self._value(declaration, self._given(declaration, facts), ())))
        return z3.substitute_funs(z3.substitute(expression, *constants), *functions)

    def _given(self, declaration: Any, facts: Facts) -> Any:
        name = declaration.name()
        for known in (self._universe.relations, self._universe.functions):
            if name in known:
                return known[name]
        return facts[name]

    def _value(self, declaration: Any, given: Any, args: tuple[Element, ...]) -> Any:
        if declaration.range() == z3.BoolSort():
            return z3.BoolVal(args in given)
        return self._element(declaration.range(), given[args])

    def _definition(self, declaration: Any, facts: Facts) -> Any:
        """The value of a relation or function at `Var(0), Var(1), ...`."""
        if declaration.name() in facts:
            return self._written(declaration, facts[declaration.name()])
        if declaration not in self._rigid:
            self._rigid[declaration] = self._written(declaration, self._given(declaration, facts))
        return self._rigid[declaration]

    def _written(self, declaration: Any, given: Any) -> Any:
        sorts = [declaration.domain(place) for place in range(declaration.arity())]
        places = [z3.Var(place, sort) for place, sort in enumerate(sorts)]

        def here(args: tuple[Element, ...]) -> Any:
            return z3.And(*(x == self._element(s, arg) for x, s, arg in zip(places, sorts, args, strict=True)))

        if declaration.range() == z3.BoolSort():
            return z3.Or(*map(here, given))
        first, *others = given
        value = self._value(declaration, given, first)
        for args in others:
            value = z3.If(here(args), self._value(declaration, given, args), value)
        return value


def _parts(expression: Any) -> Iterator[Any]:
    """Every part of a syntax tree, once."""
    seen = set()
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part.get_id() not in seen:
            seen.add(part.get_id())
            yield part
            waiting += [part.body()] if z3.is_quantifier(part) else part.children()


def _declarations(expression: Any) -> Iterator[Any]:
    for part in _parts(expression):
        if z3.is_app(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            yield part.decl()


def _bound_sorts(expression: Any) -> Iterator[Any]:
    for part in _parts(expression):
        if z3.is_quantifier(part):
            yield from (part.var_sort(place) for place in range(part.num_vars()))
