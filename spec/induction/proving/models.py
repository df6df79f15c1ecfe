"""A structure that a solver found, as a person reads it: the few things there are, and what holds of them.

Ballots and slots are named by their order, other things by their letter and a number.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cmp_to_key, partial
from itertools import combinations, product
from typing import Any

import z3
from attrs import frozen

from spec.induction.formulas.kernel import Action, Formula, Predicate, State, System, Term
from spec.induction.layers.vocabulary import before, below
from spec.induction.proving.queries import Kind, Query
from spec.induction.proving.solve import Answer, Effort, Outcome, satisfiable

_ORDERS = {"Ballot": below, "Slot": before}
_SIZES = (2, 3, 4)


@frozen
class Structure:
    """The things of a structure by the names of their sorts, and what each one is called."""

    model: Any
    things: Mapping[str, tuple[Term, ...]]
    names: Mapping[str, str]

    def holds(self, formula: Formula) -> bool:
        """Whether a formula holds of it."""
        return bool(z3.is_true(self.model.eval(formula, model_completion=True)))

    def facts(self, name: str, relation: Predicate, sorts: Iterable[z3.SortRef]) -> list[str]:
        """What holds, such as `left(n1, b2)`."""
        return [
            f"{name}({', '.join(map(self.name, args))})" if args else name
            for args in product(*(self.things.get(sort.name(), ()) for sort in sorts))
            if self.holds(relation(*args))
        ]

    def name(self, thing: Term) -> str:
        """What a thing is called."""
        value = str(self.model.eval(thing, model_completion=True))
        return self.names.get(value, value)


def smallest(query: Query, effort: Effort) -> Any:
    """A structure that refutes the query, with few things of each sort if there is one; None if none was found."""
    sorts = {sort for formula in query.assertions for sort in _sorts(formula)}
    for size in (*_SIZES, None):
        few = [] if size is None else [_at_most(size, sort) for sort in sorts]
        outcome, model, _ = satisfiable([*query.assertions, *few], effort)
        if outcome is Outcome.PROVED:
            return model
    return None


def counterexample(system: System, answer: Answer, effort: Effort) -> tuple[str, ...]:
    """A refuted query as lines: what there is, what holds before, the step, and what it changes.

    This is no run: nothing says that the state before can be reached. That it cannot is what a further invariant must
    say.
    """
    query = answer.query
    structure = structure_of(smallest(query, effort) or answer.model)
    lines = [f"there are {', '.join(_things(structure))}", *_rigid(structure, query)]
    s = system.state()
    if query.kind is Kind.INITIATION:
        return (*lines, f"{query.about[-1]} does not hold in the initial state")
    lines.append(f"before: {_listed(_state(structure, system, s))}")
    act = system.actions.get(query.about[0])
    if act is not None:
        lines += [f"step:   {_step(structure, act)}", *_changes(structure, system, act)]
    return (*lines, f"then {query.about[-1]} does not hold")


def structure_of(model: Any) -> Structure:
    """Name the things of a structure."""
    things: dict[str, tuple[Term, ...]] = {}
    names: dict[str, str] = {}
    constants = {
        str(model.eval(declaration(), model_completion=True)): declaration.name()
        for declaration in model.decls()
        if declaration.arity() == 0 and declaration.range().kind() == z3.Z3_UNINTERPRETED_SORT
        and declaration.name() in ("bot", "zero", "first")
    }  # fmt: skip
    for sort in model.sorts():
        universe = list(model.get_universe(sort))
        order = _ORDERS.get(sort.name())
        if order is not None:
            universe.sort(key=cmp_to_key(partial(_compare, model, order)))
        things[sort.name()] = tuple(universe)
        for at, thing in enumerate(universe):
            start = 0 if constants.get(str(universe[0])) in ("bot", "zero") else 1
            names[str(thing)] = constants.get(str(thing)) or f"{sort.name().lower()}{at + start}"
    return Structure(model, things, names)


def _compare(model: Any, order: Predicate, x: Term, y: Term) -> int:
    if z3.is_true(model.eval(order(x, y), model_completion=True)):
        return -1
    return 0 if x.eq(y) else 1


def _things(structure: Structure) -> Iterator[str]:
    for sort, things in sorted(structure.things.items()):
        between = " < " if sort in _ORDERS else ", "
        yield between.join(structure.name(thing) for thing in things)


def _rigid(structure: Structure, query: Query) -> Iterator[str]:
    """What no step changes, orders aside: they are in the names."""
    shown = {}
    for name, declaration in _relations(query.assertions).items():
        if name in _UNCHANGING:
            sorts = [declaration.domain(at) for at in range(declaration.arity())]
            shown[name] = structure.facts(name, declaration, sorts)
    facts = [fact for name in sorted(shown) for fact in shown[name]]
    if facts:
        yield f"where   {_listed(facts)}"


_UNCHANGING = frozenset(
    (
        "follows",
        "window",
        "member",
        "majority",
        "leads_to",
        "belongs",
        "removed",
        "opens_before",
        "ahead",
        "promises",
        "casts",
    )
)


def _state(structure: Structure, system: System, s: State) -> list[str]:
    return [
        fact for name, kind in system.relations.items() for fact in structure.facts(name, getattr(s, name), kind.sorts)
    ]


def _step(structure: Structure, act: Action) -> str:
    given = {**act.parameters, **act.witnesses}
    arguments = [f"{name} = {structure.name(term)}" for name, term in given.items() if z3.is_const(term)]
    return f"{act.name}({', '.join(arguments)})"


def _changes(structure: Structure, system: System, act: Action) -> Iterator[str]:
    before_it, after = system.state(), system.after(act)
    old, new = (_state(structure, system, state) for state in (before_it, after))
    for mark, facts in (
        ("holds now:", [f for f in new if f not in old]),
        ("no more:", [f for f in old if f not in new]),
    ):
        if facts:
            yield f"  {mark} {_listed(facts)}"


def _listed(facts: list[str]) -> str:
    return ", ".join(facts) or "nothing"


def _relations(formulas: Iterable[Formula]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting, seen = list(formulas), set()
    while waiting:
        e = waiting.pop()
        if e.get_id() in seen:
            continue
        seen.add(e.get_id())
        if z3.is_quantifier(e):
            waiting.append(e.body())
        elif z3.is_app(e):
            if e.num_args() and e.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found[e.decl().name()] = e.decl()
            waiting.extend(e.children())
    return found


def _sorts(formula: Formula) -> set[z3.SortRef]:
    return {d.domain(at) for d in _relations([formula]).values() for at in range(d.arity())}


def _at_most(size: int, sort: z3.SortRef) -> Formula:
    """That there are no more than so many things of a sort."""
    things = [z3.Const(f"some{at}", sort) for at in range(size + 1)]
    return z3.ForAll(things, z3.Or(*(x == y for x, y in combinations(things, 2))))
