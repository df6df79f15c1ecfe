"""The kernel of the unbounded proof: what a system of formulas is. It knows no protocol.

A system is a class. Its state is a handful of relations, declared as attributes; its actions and invariants are methods
with a mark, as in `spec/machine.py`, and what they return are z3 formulas. A layer is a class that extends another one:
it adds relations, and overrides or adds actions and invariants.

An action is read in two forms. In the *substitution* form, which the proof uses, the next state is the present one with
each relation replaced by its update: no second copy of the state exists, and solvers are fastest. In the *relational*
form, which is compared with graphs, two copies of the state are related.

Variables have the sort that their letter stands for (`LETTERS` of the vocabulary): `forall(lambda b, i: ...)` speaks of
all ballots b and slots i, and `b2` is one more ballot.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import z3
from attrs import define, evolve, field, frozen

T = TypeVar("T")

# z3 has no type stubs: to mypy these are all Any, to the reader they say what is meant.
Formula: TypeAlias = z3.BoolRef
Term: TypeAlias = z3.ExprRef
Sort: TypeAlias = z3.SortRef
Predicate: TypeAlias = Callable[..., Formula]


# Variables and quantifiers.


@define
class Letters:
    """Which sort a letter stands for, and the two quantifiers over variables that are named by letters."""

    sorts: Mapping[str, Sort]
    _bound: list[str] = field(factory=list)

    def sort_of(self, name: str) -> Sort:
        """The sort of a variable called `name`: a letter, and perhaps a digit. KeyError if it stands for nothing."""
        return self.sorts[name.rstrip("0123456789")]

    def forall(self, body: Callable[..., Formula]) -> Formula:
        """For all values of the parameters of `body`."""
        return self._quantified(z3.ForAll, body)

    def exists(self, body: Callable[..., Formula]) -> Formula:
        """For some values of the parameters of `body`."""
        return self._quantified(z3.Exists, body)

    def _quantified(self, quantifier: Callable[..., Formula], body: Callable[..., Formula]) -> Formula:
        with self.variables(inspect.signature(body).parameters) as variables:
            return quantifier(variables, body(*variables))

    @contextmanager
    def variables(self, names: Iterator[str] | Mapping[str, Any]) -> Iterator[list[Term]]:
        """Variables of these names, under other names if an outer quantifier has them already."""
        fresh = [name + "_" * self._bound.count(name) for name in names]
        self._bound.extend(names)
        try:
            yield [z3.Const(name, self.sort_of(letter)) for name, letter in zip(fresh, names, strict=True)]
        finally:
            del self._bound[len(self._bound) - len(fresh) :]


# States.


@frozen
class Relation:
    """A relation of the state: the sorts of its places."""

    sorts: tuple[Sort, ...]


def relation(*sorts: Sort) -> Any:
    """Declare a relation of the state, by the sorts of its places.

    After `left = relation(Node, Ballot)` in a layer, `s.left(n, b)` is a formula about the state s.
    """
    return Relation(sorts)


class State:
    """What each relation is in one state: `s.left(n, b)` is a formula."""

    def __init__(self, relations: Mapping[str, Predicate]) -> None:
        self._relations = dict(relations)

    def __getattr__(self, name: str) -> Predicate:
        try:
            return self._relations[name]
        except KeyError:
            raise AttributeError(name) from None

    def with_(self, updates: Mapping[str, Predicate]) -> "State":
        """The state with some relations replaced."""
        unknown = updates.keys() - self._relations.keys()
        assert not unknown, f"no such relations: {unknown}"
        return State({**self._relations, **updates})


# Actions, invariants and systems.


def when(**conjuncts: Formula) -> dict[str, Formula]:
    """The guard of an action: conjuncts by name, so that each can be left out to see what it is for."""
    return conjuncts


def then(**updates: Predicate) -> dict[str, Predicate]:
    """What relations are afterwards; those that are not named stay what they were."""
    return updates


@frozen
class Step:
    """An action taken from a state, with its arguments: the guard's conjuncts, and what becomes of the relations."""

    guard: Mapping[str, Formula]
    updates: Mapping[str, Predicate]

    def where(self, **conjuncts: Formula) -> "Step":
        """The same step of a layer above, with these conjuncts instead of those of their names, or besides."""
        return evolve(self, guard={**self.guard, **conjuncts})

    def without(self, *conjuncts: str) -> "Step":
        """The same step of a layer above, which does not ask for these."""
        assert self.guard.keys() >= set(conjuncts)
        return evolve(self, guard={name: formula for name, formula in self.guard.items() if name not in conjuncts})

    def also(self, **updates: Predicate) -> "Step":
        """The same step of a layer above, with these updates instead of those of their names, or besides."""
        return evolve(self, updates={**self.updates, **updates})


@frozen
class Choice:
    """A relation that an action chooses freely: what a crash happens to keep."""

    name: str
    sorts: tuple[Sort, ...]


def action(*choices: Choice) -> Callable[[T], T]:
    """Mark a method as an action.

    Its positional parameters after the state are the arguments that the action has in `tla/`. Its keyword-only ones are
    witnesses: the guard says that there are such values. `choices` are relations among them.
    """

    def mark(method: T) -> T:
        method.choices = choices  # type: ignore[attr-defined]
        return method

    return mark


def invariant(method: T) -> T:
    """Mark a method as an invariant: it holds in the beginning, and every action keeps it."""
    method.is_invariant = True  # type: ignore[attr-defined]
    return method


def safety(method: T) -> T:
    """Mark a method as what it is all for: it follows from the invariants."""
    method.is_safety = True  # type: ignore[attr-defined]
    return method


def axiom(method: T) -> T:
    """Mark a method as an axiom about what no action changes."""
    method.is_axiom = True  # type: ignore[attr-defined]
    return method


@frozen(eq=False)
class Action:
    """An action of a system, as formulas over constants named `action.parameter`."""

    name: str
    parameters: Mapping[str, Term]
    """The arguments that it has in `tla/`, in order."""
    witnesses: Mapping[str, Term]
    """Values that the guard says to exist."""
    guard: Mapping[str, Formula]
    """Conjuncts by name, over the relations of `state()` and the constants above."""
    updates: Mapping[str, Predicate]
    """The next value of each relation that changes, as a function of its places."""
    doc: str

    @property
    def enabled(self) -> Formula:
        """The guard as one formula over the parameters: its witnesses are bound."""
        body = z3.And(*self.guard.values())
        firsts = [term for term in self.witnesses.values() if z3.is_const(term)]
        return z3.Exists(firsts, body) if firsts else body

    def without(self, conjunct: str) -> "Action":
        """The action with a weaker guard."""
        assert conjunct in self.guard
        return evolve(self, guard={name: formula for name, formula in self.guard.items() if name != conjunct})


@frozen
class Becomes:
    """Which action of the layer above an action is, with the arguments of the same names, and whether it may be none.

    It is none when the guard above does not hold; then no relation of the layer above may change.
    """

    name: str
    or_nothing: bool = False


@frozen(eq=False)
class Refinement:
    """That a system refines another one, whose relations it has under the same names.

    Actions that `becomes` does not name change nothing above.
    """

    above: "System"
    becomes: Mapping[str, Becomes]


@frozen(eq=False)
class System:
    """A layer of the proof: relations, axioms, initial state, actions, invariants, safety; all formulas by name."""

    name: str
    doc: str
    letters: Letters
    relations: Mapping[str, Relation]
    axioms: Mapping[str, Formula]
    init: Mapping[str, Predicate]
    """The first value of each relation, as a function of its places."""
    actions: Mapping[str, Action]
    invariants: Mapping[str, Predicate]
    """Each a function of a state."""
    safety: Mapping[str, Predicate]
    """Each a function of a state."""
    refinement: Refinement | None = None
    implied: tuple[str, ...] = ()
    """Invariants of the layer below that this one states otherwise, or not at all: they follow from its own."""

    def state(self, prime: str = "") -> State:
        """The state whose relations are uninterpreted, with `prime` after their names."""
        return State({name: declaration(name + prime, kind.sorts) for name, kind in self.relations.items()})

    def initial(self) -> State:
        """The initial state."""
        return State(self.init)

    def after(self, act: Action, s: State | None = None) -> State:
        """The state after an action, in the substitution form; `s` must be `state()`, which is the default."""
        return (s or self.state()).with_(act.updates)

    def transition(self, act: Action) -> Formula:
        """An action in the relational form: the guard, and what `state("'")` is; a frame for every other relation."""
        return z3.And(act.enabled, *self.effects(act).values())

    def effects(self, act: Action) -> dict[str, Formula]:
        """What the relational form says of each relation of `state("'")`."""
        after, primed = self.after(act), self.state("'")
        return {name: self.same(name, primed, after) for name in self.relations}

    def starts(self, s: State) -> Formula:
        """That `s` is the initial state."""
        initial = self.initial()
        return z3.And(*(self.same(name, s, initial) for name in self.relations))

    def same(self, name: str, s: State, t: State) -> Formula:
        """That a relation is the same in two states."""
        places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(self.relations[name].sorts)]
        same = getattr(s, name)(*places) == getattr(t, name)(*places)
        return z3.ForAll(places, same) if places else same


def declaration(name: str, sorts: tuple[Sort, ...]) -> Predicate:
    """An uninterpreted relation; with no places, a proposition."""
    if sorts:
        return z3.Function(name, *sorts, z3.BoolSort())  # type: ignore[no-any-return]
    proposition = z3.Bool(name)
    return lambda: proposition


class Layer:
    """The base of all layers. A subclass declares relations, and has methods with the marks above."""

    letters: Letters
    implied: tuple[str, ...] = ()
    """Invariants of the layer below that this one states otherwise, or not at all: they follow from its own."""

    def init(self) -> Mapping[str, Predicate]:
        """The first value of each relation; empty where none is given."""
        return {}

    def refinement(self) -> Refinement | None:
        """Which system this one refines; None if it only has invariants."""
        return None

    def system(self) -> System:
        """Everything as formulas."""
        relations = {name: value for name, value in self._attributes().items() if isinstance(value, Relation)}
        s = State({name: declaration(name, kind.sorts) for name, kind in relations.items()})
        init: dict[str, Predicate] = dict.fromkeys(relations, lambda *_: z3.BoolVal(val=False))
        init.update(self.init())
        assert init.keys() == relations.keys()
        return System(
            name=type(self).__name__.lower(),
            doc=inspect.getdoc(type(self)) or "",
            letters=self.letters,
            relations=relations,
            axioms={name: getattr(self, name)() for name in self._marked("is_axiom")},
            init=init,
            actions={name: self._action(name, s) for name in self._marked("choices")},
            invariants={name: getattr(self, name) for name in self._marked("is_invariant")},
            safety={name: getattr(self, name) for name in self._marked("is_safety")},
            refinement=self.refinement(),
            implied=vars(type(self)).get("implied", ()),
        )

    def _attributes(self) -> dict[str, Any]:
        classes = reversed(type(self).__mro__)
        return {name: getattr(type(self), name) for one in classes for name in vars(one)}

    def _marked(self, mark: str) -> list[str]:
        return [name for name, value in self._attributes().items() if hasattr(value, mark)]

    def _action(self, name: str, s: State) -> Action:
        method = getattr(self, name)
        parameters: dict[str, Term] = {}
        witnesses: dict[str, Term] = {}
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            chosen = {choice.name: choice.sorts for choice in method.choices}.get(parameter.name)
            given = f"{name}.{parameter.name}"
            term = declaration(given, chosen) if chosen else z3.Const(given, self.letters.sort_of(parameter.name))
            (witnesses if parameter.kind is parameter.KEYWORD_ONLY else parameters)[parameter.name] = term
        step: Step = method(s, *parameters.values(), **witnesses)
        doc = inspect.getdoc(method) or ""
        return Action(name, parameters, witnesses, dict(step.guard), dict(step.updates), doc)
