"""Formulas of z3, read from its syntax trees into a form without negation above an atom. It knows no protocol.

What is left are atoms, conjunctions, disjunctions, and "there are ... such that"; "for all" becomes "there are no ...
such that not". Bound variables get names of their own, so that no scope hides another. What has no place in formulas
over finite structures, such as arithmetic, is refused.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, TypeAlias

import z3
from attrs import evolve, frozen


@frozen
class Symbol:
    """A variable, a parameter, or a constant of the structure."""

    name: str


@frozen
class Applied:
    """A function of the structure, applied."""

    name: str
    args: "tuple[Term, ...]"


@frozen
class Choice:
    """The one term or the other."""

    condition: "Formula"
    then: "Term"
    otherwise: "Term"


Term: TypeAlias = Symbol | Applied | Choice


@frozen
class Fact:
    """A relation of the structure holds, or does not."""

    name: str
    args: tuple[Term, ...]
    holds: bool


@frozen
class Equal:
    """Two terms are equal, or are not."""

    left: Term
    right: Term
    holds: bool


@frozen
class All:
    """Every part holds; true if there is none."""

    parts: "tuple[Formula, ...]"


@frozen
class Some:
    """Some part holds; false if there is none."""

    parts: "tuple[Formula, ...]"


@frozen
class Exists:
    """There are values of the variables such that the body holds, or there are none."""

    variables: tuple[tuple[str, str], ...]
    """Names, with the names of their sorts."""
    body: "Formula"
    holds: bool


Formula: TypeAlias = Fact | Equal | All | Some | Exists


class NoFormula(ValueError):
    """A syntax tree has something that has no meaning over finite structures of relations and functions."""


def all_of(parts: Iterable[Formula]) -> Formula:
    """The conjunction, flat."""
    flat = tuple(_flat(parts, All))
    if any(part == Some(()) for part in flat):
        return Some(())
    return flat[0] if len(flat) == 1 else All(flat)


def some_of(parts: Iterable[Formula]) -> Formula:
    """The disjunction, flat."""
    flat = tuple(_flat(parts, Some))
    if any(part == All(()) for part in flat):
        return All(())
    return flat[0] if len(flat) == 1 else Some(flat)


def _flat(parts: Iterable[Formula], kind: type[All] | type[Some]) -> Iterator[Formula]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def negated(formula: Formula) -> Formula:
    """What holds exactly when the formula does not."""
    match formula:
        case All(parts):
            return some_of(negated(part) for part in parts)
        case Some(parts):
            return all_of(negated(part) for part in parts)
        case _:
            return evolve(formula, holds=not formula.holds)


def normal_form(expression: Any) -> Formula:
    """A formula of z3 in this form; NoFormula with the offending part when that cannot be."""
    return _Reader().formula(expression)


class _Reader:
    """Reads one formula; the numbers make names of bound variables unique in it."""

    def __init__(self) -> None:
        self._numbers = count()

    def formula(self, e: Any) -> Formula:
        """Read a formula."""
        if z3.is_quantifier(e):
            return self._quantified(e)
        if not z3.is_bool(e) or not z3.is_app(e):
            raise NoFormula(f"this is no formula: {e}")
        parts = e.children()
        kind = e.decl().kind()
        match kind:
            case z3.Z3_OP_UNINTERPRETED:
                return Fact(e.decl().name(), tuple(map(self.term, parts)), holds=True)
            case z3.Z3_OP_EQ | z3.Z3_OP_IFF:
                return self._equal(*parts)
            case z3.Z3_OP_XOR:
                return negated(self._equal(*parts))
            case z3.Z3_OP_DISTINCT:
                pairs = ((a, b) for place, a in enumerate(parts) for b in parts[:place])
                return all_of(negated(self._equal(a, b)) for a, b in pairs)
        return self._connected(kind, [self.formula(part) for part in parts], e)

    def _connected(self, kind: int, parts: list[Formula], e: Any) -> Formula:
        match kind:
            case z3.Z3_OP_TRUE | z3.Z3_OP_AND:
                return all_of(parts)
            case z3.Z3_OP_FALSE | z3.Z3_OP_OR:
                return some_of(parts)
            case z3.Z3_OP_NOT:
                return negated(parts[0])
            case z3.Z3_OP_IMPLIES:
                return some_of((negated(parts[0]), parts[1]))
            case z3.Z3_OP_ITE:
                return self._either(*parts)
        raise NoFormula(f"this has no meaning over finite structures: {e}")

    def _equal(self, a: Any, b: Any) -> Formula:
        if not z3.is_bool(a):
            return Equal(self.term(a), self.term(b), holds=True)
        one, other = self.formula(a), self.formula(b)
        return self._either(one, other, negated(other))

    def _either(self, condition: Formula, then: Formula, otherwise: Formula) -> Formula:
        return some_of((all_of((condition, then)), all_of((negated(condition), otherwise))))

    def _quantified(self, e: Any) -> Formula:
        if e.is_lambda():
            raise NoFormula(f"a lambda has no meaning here: {e}")
        places = range(e.num_vars())
        variables = [z3.Const(f"{e.var_name(k)}!{next(self._numbers)}", e.var_sort(k)) for k in places]
        body = self.formula(z3.substitute_vars(e.body(), *reversed(variables)))
        named = tuple((v.decl().name(), v.sort().name()) for v in variables)
        if e.is_forall():
            return Exists(named, negated(body), holds=False)
        return Exists(named, body, holds=True)

    def term(self, e: Any) -> Term:
        """Read a term."""
        if z3.is_app(e) and e.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            name = e.decl().name()
            return Applied(name, tuple(map(self.term, e.children()))) if e.num_args() else Symbol(name)
        if z3.is_app(e) and e.decl().kind() == z3.Z3_OP_ITE:
            condition, then, otherwise = e.children()
            return Choice(self.formula(condition), self.term(then), self.term(otherwise))
        raise NoFormula(f"this term has no meaning over finite structures: {e}")


def symbols_of(part: Formula | Term) -> frozenset[str]:
    """The names of all symbols in a formula or term, those that are bound inside taken out."""
    match part:
        case Symbol(name):
            return frozenset({name})
        case Applied(_, args) | Fact(_, args, _):
            return frozenset[str]().union(*map(symbols_of, args))
        case Choice(condition, then, otherwise):
            return symbols_of(condition) | symbols_of(then) | symbols_of(otherwise)
        case Equal(left, right, _):
            return symbols_of(left) | symbols_of(right)
        case All(parts) | Some(parts):
            return frozenset[str]().union(*map(symbols_of, parts))
        case Exists(variables, body, _):
            return symbols_of(body) - {name for name, _ in variables}
