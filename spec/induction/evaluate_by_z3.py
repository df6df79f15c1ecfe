"""The same value of the same formula, by z3 itself: slow, and independent of the compiler.

A structure is written down for the solver: which elements a sort has, that they are different, and every single fact of
every relation and function. Then the formula has one value, and z3 is asked whether it can have the other.
"""

from collections.abc import Iterator
from typing import Any

import z3

from spec.induction.evaluate import Element, Facts, Universe

TIMEOUT_MS = 20_000


class NoAnswer(Exception):
    """The solver gave up, or found that the structure contradicts itself."""


def value_by_z3(expression: Any, universe: Universe, facts: Facts, parameters: dict[Any, Element]) -> bool:
    """Whether a formula holds in a structure. NoAnswer if z3 does not know."""
    solver = z3.SolverFor("UF")
    solver.set("timeout", TIMEOUT_MS)
    solver.set("random_seed", 0)
    solver.add(*_written_down(expression, universe, facts, parameters))
    can_be = [solver.check(expression), solver.check(z3.Not(expression))]
    if sorted(map(str, can_be)) != ["sat", "unsat"]:
        raise NoAnswer(f"z3 says that the formula can hold: {can_be[0]}, and that it can fail: {can_be[1]}")
    return bool(can_be[0] == z3.sat)


def _written_down(
    expression: Any, universe: Universe, facts: Facts, parameters: dict[Any, Element]
) -> Iterator[z3.BoolRef]:
    declared = set(_declarations(expression))
    sorts = {sort for declaration in declared for sort in _sorts_of(declaration)}
    sorts |= {*_bound_sorts(expression), *(parameter.sort() for parameter in parameters)}
    elements = {
        sort.name(): {element: z3.Const(f"{sort.name()}#{k}", sort) for k, element in enumerate(domain)}
        for sort in sorts
        for domain in [universe.domains[sort.name()]]
    }
    for sort in sorts:
        named = list(elements[sort.name()].values())
        anything = z3.Const("anything", sort)
        yield z3.Distinct(*named)
        yield z3.ForAll([anything], z3.Or(*(anything == one for one in named)))
    for parameter, element in parameters.items():
        yield parameter == elements[parameter.sort().name()][element]
    given = {parameter.decl() for parameter in parameters}
    for declaration in declared - given:
        name = declaration.name()
        places = [declaration.domain(place).name() for place in range(declaration.arity())]
        for args in universe.arguments(tuple(places)):
            application = declaration(*(elements[sort][arg] for sort, arg in zip(places, args, strict=True)))
            if declaration.range() == z3.BoolSort():
                holds = args in (universe.relations[name] if name in universe.relations else facts[name])
                yield application if holds else z3.Not(application)
            else:
                function = universe.functions[name] if name in universe.functions else facts[name]
                yield application == elements[declaration.range().name()][function[args]]


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


def _sorts_of(declaration: Any) -> Iterator[Any]:
    sorts = [*(declaration.domain(place) for place in range(declaration.arity())), declaration.range()]
    yield from (sort for sort in sorts if sort != z3.BoolSort())


def _bound_sorts(expression: Any) -> Iterator[Any]:
    for part in _parts(expression):
        if z3.is_quantifier(part):
            yield from (part.var_sort(place) for place in range(part.num_vars()))
