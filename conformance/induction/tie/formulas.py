"""The formulas of a system, compiled for one model: which states, steps and arguments they allow, and why not more."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from itertools import product
from typing import Any, TypeAlias

import z3
from attrs import define, evolve, field, frozen

from conformance.induction.tie.readings import Args, Part, Reading
from spec.induction.formulas.evaluate import Facts, Predicate, Universe, compiled, refutation
from spec.induction.formulas.kernel import Action, System

MOST_DERIVED = 12
"""A path of derived steps that is longer than this leads nowhere: each adds a fact, and no step needs as many."""

Derived: TypeAlias = tuple[str, Args]
"""A step that a machine takes at once with another: an action of the formulas, and its arguments."""


@frozen(kw_only=True)
class CompiledAction:
    """An action of the formulas, as far as a machine has something to compare with it.

    Its arguments are its parameters, the witnesses that its part gives, and the relations that it chooses.
    """

    action: Action
    part: Part
    all_arguments: tuple[Args, ...]
    """Every list of elements of the sorts of the parameters that the action has in the layer."""
    choices: tuple[str, ...]
    """The relations that it chooses, by their names in the formulas."""
    enabled: Predicate
    """Of the facts, and a value for each argument."""
    effects: Mapping[str, Any]
    """For each relation what the relational form says of it."""
    changes: Predicate
    """All effects at once: of the facts before with those after under primed names, and the arguments."""

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The parameters as constants of z3."""
        return tuple(self.action.parameters.values())

    def given(self, args: Args) -> dict[Any, Any]:
        """The parameters with their values; chosen relations come after them."""
        return dict(zip(self.parameters, args[: len(self.parameters)], strict=True))

    def arguments(self, facts: Facts) -> Iterable[Args]:
        """Every list of arguments to compare in a state: witnesses and choices are those that its part asks for."""
        if self.part.more is None:
            return self.all_arguments
        more = self.part.more
        return ((*args, *others) for args in self.all_arguments for others in more(facts, args))


def compile_action(system: System, action: Action, reading: Reading[Any], part: Part) -> CompiledAction:
    """Compile an action, without what the part leaves out, and for the relations of the reading alone."""
    sorts = tuple(parameter.sort().name() for parameter in action.parameters.values())
    lists = (reading.given or reading.universe).arguments(sorts)
    for conjunct in part.leaves_out:
        action = action.without(conjunct)
    given = {name: action.witnesses[name] for name in part.gives}
    found = {name: term for name, term in action.witnesses.items() if name not in given}
    return compile_given(
        system, evolve(action, parameters={**action.parameters, **given}, witnesses=found), reading.universe,
        reading.relations, part, tuple(lists),
    )  # fmt: skip


def compile_given(
    system: System, action: Action, universe: Universe, relations: tuple[str, ...], part: Part, lists: tuple[Args, ...]
) -> CompiledAction:
    """Compile an action whose parameters are what a part gives."""
    parameters = tuple(action.parameters.values())
    choices = tuple(term.name() for term in action.witnesses.values() if not z3.is_const(term))
    effects = {name: formula for name, formula in system.effects(action).items() if name in relations}
    return CompiledAction(
        action=action,
        part=part,
        all_arguments=lists,
        choices=choices,
        enabled=choosing(compiled(action.enabled, universe, parameters), choices),
        effects=effects,
        changes=choosing(compiled(z3.And(*effects.values()), universe, parameters), choices),
    )


def choosing(predicate: Predicate, choices: tuple[str, ...]) -> Predicate:
    """A predicate that takes the relations that an action chooses as its last arguments."""
    if not choices:
        return predicate
    return lambda facts, *args: predicate(with_choices(facts, choices, args), *args[: -len(choices)])


def with_choices(facts: Facts, choices: tuple[str, ...], args: Args) -> Facts:
    """The facts with the relations that an action chose, which are the last of its arguments."""
    return {**facts, **dict(zip(choices, args[len(args) - len(choices) :], strict=True))}


def pair(before: Facts, after: Facts) -> dict[str, Any]:
    """Two states as the facts of a relational formula."""
    return {**before, **{f"{name}'": relation for name, relation in after.items()}}


@define
class Formulas:
    """A system, compiled for the model of one reading."""

    system: System
    reading: Reading[Any]
    invariants: dict[str, Predicate] = field(init=False)
    """The invariants and the safety properties that speak of nothing but what the model has."""
    actions: dict[str, CompiledAction] = field(init=False)
    """By the names of the machine's actions, and the derived ones by their own."""

    def __attrs_post_init__(self) -> None:
        universe = self.reading.universe
        self.invariants = {name: compiled(formula, universe) for name, formula in self.formulas().items()}
        parts = {**self.reading.steps, **{name: Part(action=name) for name in self.reading.derived}}
        self.actions = {
            name: compile_action(self.system, self.system.actions[part.action], self.reading, part)
            for name, part in parts.items()
        }

    def without(self, name: str, conjunct: str) -> "Formulas":
        """The same, with a weaker guard of one action."""
        act = self.actions[name]
        weak = act.action.without(conjunct)
        other = copy(self)
        universe, relations = self.reading.universe, self.reading.relations
        compiled_act = compile_given(self.system, weak, universe, relations, act.part, act.all_arguments)
        other.actions = {**self.actions, name: compiled_act}
        return other

    def formulas(self) -> dict[str, Any]:
        """The formulas of `invariants`."""
        state = self.system.state()
        written = {name: make(state) for name, make in {**self.system.invariants, **self.system.safety}.items()}
        absent = self.system.relations.keys() - set(self.reading.relations)
        return {name: formula for name, formula in written.items() if not absent & names_in(formula)}

    # What does not change, and how it begins.

    def broken_axioms(self) -> Iterator[str]:
        """The axioms that do not hold in the model, each with where it fails."""
        for name, axiom in self.system.axioms.items():
            wrong = refutation(axiom, self.reading.universe, {}, {})
            if wrong:
                yield f"{name}: {wrong}"

    def begun_otherwise(self, facts: Facts) -> Iterator[str]:
        """What the formulas say of the initial state, where it is not so in these facts."""
        for name in self.reading.relations:
            sorts = self.system.relations[name].sorts
            places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(sorts)]
            holds = compiled(self.system.init[name](*places), self.reading.universe, tuple(places))
            for fact in self.reading.universe.arguments(tuple(sort.name() for sort in sorts)):
                if holds({}, *fact) != (fact in facts[name]):
                    yield f"{name}{fact}"

    # States.

    def violated(self, facts: Facts) -> Iterator[str]:
        """The invariants that do not hold."""
        return (name for name, holds in self.invariants.items() if not holds(facts))

    def unfinished(self, facts: Facts) -> Derived | None:
        """A derived step that could still be taken and would change something; None in a state of the machine."""
        same = None
        for name in self.reading.derived:
            act = self.actions[name]
            for args in act.all_arguments:
                if act.enabled(facts, *args):
                    same = same or pair(facts, facts)
                    if not act.changes(same, *args):
                        return name, args
        return None

    @property
    def derived_guards(self) -> int:
        """How many guards `unfinished` evaluates."""
        return sum(len(self.actions[name].all_arguments) for name in self.reading.derived)

    # Steps.

    def middle(self, name: str, before: Facts, after: Facts) -> Facts:
        """The state between a step and the derived steps that belong to it."""
        if name not in self.reading.paths:
            return after
        later = {relation for derived in self.reading.derived for relation in self.system.actions[derived].updates}
        return {**after, **{relation: before[relation] for relation in later & before.keys()}}

    def leads(self, name: str, args: Args, before: Facts, after: Facts) -> tuple[Derived, ...] | None:
        """The derived steps that go with an action from state to state; None if the action does not lead there."""
        middle = self.middle(name, before, after)
        act = self.actions[name]
        if not (act.enabled(before, *args) and act.changes(pair(before, middle), *args)):
            return None
        return () if middle is after else self.path(middle, after)

    def path(self, facts: Facts, goal: Facts) -> tuple[Derived, ...] | None:
        """Derived steps that lead to the goal; None if there are none."""
        steps: list[Derived] = []
        while facts != goal and len(steps) < MOST_DERIVED:
            found = next(self._towards(facts, goal), None)
            if found is None:
                return None
            name, args, facts = found
            steps.append((name, args))
        return tuple(steps) if facts == goal else None

    def _towards(self, facts: Facts, goal: Facts) -> Iterator[tuple[str, Args, Facts]]:
        """Derived steps that add facts of the goal. None closes the way to another, since facts only grow."""
        for name in self.reading.derived:
            act = self.actions[name]
            for after in _with_some(facts, goal, tuple(name for name in act.action.updates if name in facts)):
                for args in act.all_arguments:
                    if act.enabled(facts, *args) and act.changes(pair(facts, after), *args):
                        yield name, args, after

    # Why not.

    def why_disabled(self, name: str, args: Args, facts: Facts) -> str:
        """Which conjuncts of a guard are to blame: each without which it would hold, or the first that is false."""
        act = self.actions[name]
        blamed = [
            conjunct
            for conjunct in act.action.guard
            if self.without(name, conjunct).actions[name].enabled(facts, *args)
        ]
        if blamed:
            return f"its guard would hold without {' or without '.join(blamed)}"
        return "more than one conjunct of its guard is false"

    def why_not(self, name: str, args: Args, before: Facts, after: Facts) -> str:
        """Why a step is not allowed: a conjunct of the guard, or what is said of a relation."""
        act = self.actions[name]
        if not act.enabled(before, *args):
            return self.why_disabled(name, args, before)
        both = with_choices(pair(before, self.middle(name, before, after)), act.choices, args)
        for relation, effect in act.effects.items():
            wrong = refutation(effect, self.reading.universe, both, act.given(args))
            if wrong:
                return f"what it makes of {relation} is not so: {wrong}"
        return f"no {' or '.join(self.reading.derived)} leads on to the target"


def _with_some(facts: Facts, goal: Facts, relations: tuple[str, ...]) -> Iterator[Facts]:
    """The facts with some that are missing from the goal: in one of the relations or in several, one in each."""
    missing = [(None, *(goal[relation] - facts[relation])) for relation in relations]
    for added in product(*missing):
        if any(fact is not None for fact in added):
            more = {r: facts[r] | {fact} for r, fact in zip(relations, added, strict=True) if fact is not None}
            yield {**facts, **more}


def names_in(formula: Any) -> frozenset[str]:
    """The names of the relations and functions in a syntax tree."""
    if z3.is_quantifier(formula):
        return names_in(formula.body())
    inner = frozenset[str]().union(*map(names_in, formula.children()))
    return inner | {formula.decl().name()} if z3.is_app(formula) else inner
