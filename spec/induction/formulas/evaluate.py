"""Formulas of z3 as Python functions over finite structures. It knows no protocol.

The bridge between a proof, which speaks of formulas, and a state that a program has visited: `compiled` turns the very
syntax tree that the solver gets into a function that says whether it holds in a structure. A structure has two halves:
the `Universe`, which does not change (the elements of each sort, the rigid relations and functions), and the facts of
a state: for each relation the set of its tuples, for each function a mapping from tuples.

A quantifier becomes a search (`search.py` beside this) through the tuples of a relation rather than through all values
of its variables, which is what makes this fast. That it computes what z3 means is a matter of testing:
`spec/induction/proving/by_z3.py` asks z3 itself.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

import z3
from attrs import field, frozen

from spec.induction.formulas.normal import Exists, Formula, Some, normal_form
from spec.induction.formulas.search import Writer

Element: TypeAlias = Any
"""Anything that can be hashed; equal elements are one."""
Relation: TypeAlias = frozenset[tuple[Element, ...]]
Facts: TypeAlias = Mapping[str, Any]
"""The relations of a state by name, each a set of tuples; and its functions, each a mapping from tuples."""
Predicate: TypeAlias = Callable[..., bool]
"""Takes the facts of a state, and then a value for each parameter."""


@frozen(kw_only=True)
class Universe:
    """What does not change from state to state."""

    domains: Mapping[str, tuple[Element, ...]]
    """The elements of each sort, by its name; at least one."""
    relations: Mapping[str, Relation] = field(factory=dict)
    """The rigid relations."""
    functions: Mapping[str, Mapping[tuple[Element, ...], Element]] = field(factory=dict)
    """The rigid functions; a constant is a function of the empty tuple."""

    def arguments(self, sorts: tuple[str, ...]) -> Iterator[tuple[Element, ...]]:
        """Every list of elements of these sorts."""
        return product(*(self.domains[sort] for sort in sorts))


def compiled(expression: Any, universe: Universe, parameters: tuple[Any, ...] = ()) -> Predicate:
    """The function that evaluates a formula: `f(facts, *values of the parameters)`. NoFormula if it is none.

    `parameters` are the constants of z3 that stand for values which are given at each call. Everything else that the
    formula names is in the universe, or it must be among the facts.
    """
    names = [parameter.decl().name() for parameter in parameters]
    return compiled_form(normal_form(expression), universe, names)


def compiled_form(form: Formula, universe: Universe, parameters: list[str]) -> Predicate:
    """The same for a formula that has been read, with the names of its parameters."""
    return Writer(universe).function(form, parameters)


def conjuncts(expression: Any) -> Iterator[Any]:
    """The parts of a formula that must all hold, each as a formula of z3."""
    if z3.is_and(expression):
        for part in expression.children():
            yield from conjuncts(part)
    else:
        yield expression


def refutation(expression: Any, universe: Universe, facts: Facts, parameters: Mapping[Any, Element]) -> str:
    """Which part of a formula is false, in words: the first such conjunct, and for which values of its variables.

    Empty if the formula holds.
    """
    names = [parameter.decl().name() for parameter in parameters]
    for part in conjuncts(expression):
        form = normal_form(part)
        if not compiled_form(form, universe, names)(facts, *parameters.values()):
            found = _counterexample(form, universe, facts, dict(zip(names, parameters.values(), strict=True)))
            return f"{_one_line(part)}{f', with {found}' if found else ''}"
    return ""


def _counterexample(form: Formula, universe: Universe, facts: Facts, known: Mapping[str, Element]) -> str:
    """For a "for all" that is false, or for an implication of one, values for which it is."""
    if isinstance(form, Some):
        found = (_counterexample(part, universe, facts, known) for part in form.parts)
        return next(filter(None, found), "")
    if not isinstance(form, Exists) or form.holds:
        return ""
    names = [name for name, _ in form.variables]
    body = compiled_form(form.body, universe, [*known, *names])
    for values in universe.arguments(tuple(sort for _, sort in form.variables)):
        if body(facts, *known.values(), *values):
            return ", ".join(f"{name.split('!')[0]} = {value}" for name, value in zip(names, values, strict=True))
    return ""


def _one_line(expression: Any) -> str:
    return " ".join(str(expression).split())
