"""Formulas over a finite structure in which values are not known yet, as propositions for a SAT solver.

A fact of a state is true, false, or a proposition; an argument is an element, or a `Pick` of one among many. What is
known folds away at once, so that a run of twenty steps remains a small problem. It knows no protocol.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

import z3
from attrs import define, field, frozen

from spec.induction.formulas.evaluate import Element, Universe
from spec.induction.formulas.normal import (
    All,
    Applied,
    Choice,
    Equal,
    Exists,
    Fact,
    Formula,
    Some,
    Symbol,
    Term,
    symbols_of,
)

Proposition: TypeAlias = Any
"""True, False, or a Boolean of z3."""
Known: TypeAlias = dict[tuple[Element, ...], Proposition]
"""A relation: what each tuple is worth; those that are not in it are false."""


@frozen(eq=False)
class Pick:
    """One element of a sort, which the solver chooses: a proposition for each."""

    name: str
    chosen: Mapping[Element, Proposition]

    @classmethod
    def among(cls, name: str, elements: Iterable[Element]) -> "Pick":
        """A new one."""
        return cls(name, {element: z3.Bool(f"{name} = {element}") for element in elements})

    def exactly_one(self) -> Proposition:
        """What makes it one element."""
        pairs = [z3.Not(z3.And(a, b)) for k, a in enumerate(self.chosen.values()) for b in [*self.chosen.values()][:k]]
        return z3.And(z3.Or(*self.chosen.values()), *pairs)


Value: TypeAlias = Element | Pick
Names: TypeAlias = Mapping[str, Value]


def both(parts: Iterable[Proposition]) -> Proposition:
    """The conjunction, folded."""
    found: list[Proposition] = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            found.append(part)
    return z3.And(*found) if len(found) > 1 else found[0] if found else True


def either(parts: Iterable[Proposition]) -> Proposition:
    """The disjunction, folded."""
    found: list[Proposition] = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            found.append(part)
    return z3.Or(*found) if len(found) > 1 else found[0] if found else False


def opposite(part: Proposition) -> Proposition:
    """The negation, folded."""
    return not part if isinstance(part, bool) else z3.Not(part)


def same(a: Value, b: Value) -> Proposition:
    """Whether two values are one element."""
    if isinstance(a, Pick) and isinstance(b, Pick):
        return a is b or either(both((p, b.chosen[e])) for e, p in a.chosen.items() if e in b.chosen)
    if isinstance(a, Pick):
        return a.chosen.get(b, False)
    return same(b, a) if isinstance(b, Pick) else a == b


@define
class Ground:
    """Formulas in one state: what its relations are worth."""

    universe: Universe
    state: Mapping[str, Known]
    _rigid: dict[str, Known] = field(factory=dict)

    def formula(self, form: Formula, names: Names) -> Proposition:
        """What a formula is worth, with these values for its free symbols."""
        match form:
            case Fact(name, args, holds):
                value = either(worth for worth, _ in self._matches(name, args, names, frozenset()))
                return value if holds else opposite(value)
            case Equal(left, right, holds):
                value = same(self._term(left, names), self._term(right, names))
                return value if holds else opposite(value)
            case All():
                return both(self._expanded([form], names, {}))
            case Some(parts):
                return either(self.formula(part, names) for part in parts)
            case Exists(variables, body, holds):
                value = either(self._expanded([body], names, dict(variables)))
                return value if holds else opposite(value)

    def _term(self, term: Term, names: Names) -> Value:
        match term:
            case Symbol(name):
                return names[name] if name in names else self.universe.functions[name][()]
            case Applied() | Choice():
                raise TypeError(f"a function of what is not known yet has no value: {term}")

    def _relation(self, name: str) -> Known:
        if name not in self.universe.relations:
            return self.state[name]
        if name not in self._rigid:
            self._rigid[name] = dict.fromkeys(self.universe.relations[name], True)
        return self._rigid[name]

    def _matches(
        self, name: str, args: tuple[Term, ...], names: Names, free: frozenset[str]
    ) -> Iterator[tuple[Proposition, dict[str, Value]]]:
        """The tuples of a relation that may fit: what it takes, and the values of the free symbols among the args."""
        places = [None if isinstance(arg, Symbol) and arg.name in free else self._term(arg, names) for arg in args]
        if all(place is not None and not isinstance(place, Pick) for place in places):
            worth = self._relation(name).get(tuple(places), False)
            if worth is not False:
                yield worth, {}
            return
        for entry, worth in self._relation(name).items():
            bound: dict[str, Value] = {}
            needs = [worth]
            for arg, place, element in zip(args, places, entry, strict=True):
                if place is None:
                    assert isinstance(arg, Symbol)
                    needs.append(same(bound.setdefault(arg.name, element), element))
                else:
                    needs.append(same(place, element))
            found = both(needs)
            if found is not False:
                yield found, bound

    def _expanded(self, parts: list[Formula], names: Names, free: dict[str, str]) -> Iterator[Proposition]:
        """What a conjunction is worth for each way to give the free symbols values; ways that are false are left out.

        Without free symbols it is the parts of one conjunction.
        """
        flat = list(_flat(parts))
        if not free:
            yield both(self._sequence(flat, names))
            return
        ready = [part for part in flat if not symbols_of(part) & free.keys()]
        rest = [part for part in flat if part not in ready]
        now = both(self._sequence(ready, names))
        if now is False:
            return
        if not rest:
            yield now
            return
        for worth, bound, later in self._bindings(rest, names, free):
            left = {name: sort for name, sort in free.items() if name not in bound}
            for value in self._expanded(later, {**names, **bound}, left):
                found = both((now, worth, value))
                if found is not False:
                    yield found

    def _sequence(self, parts: list[Formula], names: Names) -> Iterator[Proposition]:
        """The parts of a conjunction; an equation with a pick settles it for the parts that come after."""
        names = dict(names)
        for part in sorted(parts, key=lambda part: not isinstance(part, Equal)):
            value = self.formula(part, names)
            yield value
            if value is False:
                return
            if isinstance(part, Equal) and part.holds:
                for one, other in ((part.left, part.right), (part.right, part.left)):
                    if isinstance(one, Symbol) and isinstance(names.get(one.name), Pick):
                        names[one.name] = self._term(other, names)

    def _bindings(
        self, rest: list[Formula], names: Names, free: dict[str, str]
    ) -> Iterator[tuple[Proposition, dict[str, Value], list[Formula]]]:
        """Ways to bind some free symbol: by an equation, by the tuples of the smallest relation, or by its sort."""
        unbound = frozenset(free)
        for part in rest:
            if isinstance(part, Equal) and part.holds:
                for one, other in ((part.left, part.right), (part.right, part.left)):
                    if isinstance(one, Symbol) and one.name in free and not symbols_of(other) & unbound:
                        yield True, {one.name: self._term(other, names)}, [p for p in rest if p is not part]
                        return
        facts = [part for part in rest if isinstance(part, Fact) and part.holds]
        if facts:
            smallest = min(facts, key=lambda fact: len(self._relation(fact.name)))
            later = [part for part in rest if part is not smallest]
            for worth, bound in self._matches(smallest.name, smallest.args, names, unbound):
                yield worth, bound, later
            return
        variable = next(name for name in free if any(name in symbols_of(part) for part in rest))
        for element in self.universe.domains[free[variable]]:
            yield True, {variable: element}, rest

    def updated(self, form: Formula, places: list[str], sorts: tuple[str, ...], names: Names) -> Known:
        """A relation that is what the formula says of its places: every tuple that is not false."""
        known: Known = {}
        for args in product(*(self.universe.domains[sort] for sort in sorts)):
            value = self.formula(form, {**names, **dict(zip(places, args, strict=True))})
            if value is not False:
                known[args] = value
        return known


def _flat(parts: Iterable[Formula]) -> Iterator[Formula]:
    for part in parts:
        if isinstance(part, All):
            yield from _flat(part.parts)
        else:
            yield part
