"""Runs of a system of formulas that end badly: bounded, over a finite structure, found by a SAT solver.

The names of the actions are given, and how many there are; their arguments, witnesses, and what a crash happens to keep
are the solver's to find. A run that it found is then walked through again with the compiled formulas, which know
nothing of how it was found. It knows no protocol.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import z3
from attrs import define, field, frozen

from spec.induction.formulas.evaluate import Element, Facts, Relation, Universe, compiled, refutation
from spec.induction.formulas.ground import Ground, Known, Pick
from spec.induction.formulas.kernel import Action, System
from spec.induction.formulas.normal import Formula, negated, normal_form
from spec.induction.proving.solve import check, gave_up, limit


class NoRun(Exception):
    """There is no such run over this structure; or the solver gave up, and then it is not `proved`."""

    def __init__(self, sentence: str, *, proved: bool) -> None:
        super().__init__(sentence)
        self.proved = proved


@frozen(kw_only=True)
class Taken:
    """One step of a run: the action, the values of its arguments and witnesses, and the facts afterwards."""

    action: str
    arguments: Mapping[str, Element]
    witnesses: Mapping[str, Element]
    kept: Mapping[str, Relation]
    """Relations that the action chose: what a crash kept."""
    facts: Facts


@frozen(kw_only=True)
class Run:
    """A run from the initial state: its facts, the steps, and what does not hold at the end."""

    start: Facts
    steps: tuple[Taken, ...]
    violated: str
    how: str
    """The part of it that is false, and for which values."""

    @property
    def values(self) -> str:
        """The values for which it does not hold, such as `with i = 1, v = swap`."""
        return self.how[self.how.rindex("with ") :] if "with " in self.how else ""


def find_run(
    system: System, universe: Universe, plan: tuple[str, ...], violates: Mapping[str, Any], and_so: Sequence[Any] = ()
) -> Run:
    """A run of these actions after which one of the named formulas does not hold. NoRun if there is none.

    Nor do the formulas ``and_so``, any of them.

    The plan names an action for each step, and may give some of its arguments: `propose b=1`.
    """
    search = _Search(system, universe)
    steps = [search.step(at, *_planned(system, universe, entry)) for at, entry in enumerate(plan)]
    bad = {name: search.ground.formula(negated(normal_form(formula)), {}) for name, formula in violates.items()}
    solver = z3.SolverFor("QF_FD")
    limit(solver)
    solver.set("random_seed", 0)
    solver.add(*(proposition for proposition in search.asserted if proposition is not True))
    solver.add(z3.Or(*bad.values()))
    solver.add(*(search.ground.formula(negated(normal_form(formula)), {}) for formula in and_so))
    answer = check(solver)
    if answer != z3.sat:
        if answer == z3.unknown:
            raise NoRun(gave_up(solver), proved=False)
        raise NoRun("there is no such run over this structure", proved=True)
    run = _read(search, steps, solver.model())
    return _checked(system, universe, run, violates, and_so)


def _planned(system: System, universe: Universe, entry: str) -> tuple[Action, dict[str, Element]]:
    """An entry of a plan: the action, and the arguments that it gives."""
    name, *given = entry.split()
    act = system.actions[name]
    values = {}
    for argument in given:
        parameter, _, text = argument.partition("=")
        sort = {**act.parameters, **act.witnesses}[parameter].sort().name()
        values[parameter] = next(element for element in universe.domains[sort] if str(element) == text)
    return act, values


@define
class _Step:
    action: Action
    picks: dict[str, Pick]
    kept: dict[str, Known]
    after: dict[str, Known]


@define
class _Search:
    """Takes steps, one after the other, from the initial state."""

    system: System
    universe: Universe
    ground: Ground = field(init=False)
    start: dict[str, Known] = field(init=False)
    asserted: list[Any] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        empty = Ground(self.universe, {})
        self.start = {}
        for name, kind in self.system.relations.items():
            places, form = _written(self.system.init[name], kind.sorts)
            self.start[name] = empty.updated(form, places, _names(kind.sorts), {})
        self.ground = Ground(self.universe, self.start)

    def step(self, at: int, act: Action, given: Mapping[str, Element]) -> _Step:
        """Take an action, with some of its arguments given: what makes it possible is asserted."""
        picks, kept = {}, {}
        for name, term in {**act.parameters, **act.witnesses}.items():
            if z3.is_const(term):
                among = (given[name],) if name in given else self.universe.domains[term.sort().name()]
                picks[name] = Pick.among(f"{at} {act.name}.{name}", among)
                self.asserted.append(picks[name].exactly_one())
            else:
                kept[term.name()] = self._chosen(at, term)
        names = {f"{act.name}.{name}": pick for name, pick in picks.items()}
        here = Ground(self.universe, {**self.ground.state, **kept})
        for conjunct in act.guard.values():
            self.asserted.append(here.formula(normal_form(conjunct), names))
        after = dict(self.ground.state)
        for name, update in act.updates.items():
            kind = self.system.relations[name]
            places, form = _written(update, kind.sorts)
            known = here.updated(form, places, _names(kind.sorts), names)
            after[name] = {args: self._named(at, name, args, value) for args, value in known.items()}
        self.ground = Ground(self.universe, after)
        return _Step(act, picks, kept, after)

    def _chosen(self, at: int, declaration: Any) -> Known:
        sorts = tuple(declaration.domain(place).name() for place in range(declaration.arity()))
        return {args: z3.Bool(f"{at} {declaration.name()}{args}") for args in self.universe.arguments(sorts)}

    def _named(self, at: int, name: str, args: tuple[Element, ...], value: Any) -> Any:
        """A proposition of its own for what is not known, so that formulas do not grow from step to step."""
        if value is True:
            return True
        proposition = z3.Bool(f"{at} {name}{args}")
        self.asserted.append(proposition == value)
        return proposition


def _written(update: Any, sorts: tuple[Any, ...]) -> tuple[list[str], Formula]:
    """The value of a relation as a formula over places."""
    places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(sorts)]
    return [place.decl().name() for place in places], normal_form(update(*places))


def _names(sorts: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(sort.name() for sort in sorts)


def _read(search: _Search, steps: list[_Step], model: Any) -> Run:
    """The run that the solver chose."""

    def holds(value: Any) -> bool:
        return value is True or z3.is_true(model.eval(value, model_completion=True))

    def relation(known: Known) -> Relation:
        return frozenset(args for args, value in known.items() if holds(value))

    taken = []
    for step in steps:
        values = {name: next(e for e, p in pick.chosen.items() if holds(p)) for name, pick in step.picks.items()}
        taken.append(
            Taken(
                action=step.action.name,
                arguments={name: values[name] for name in step.action.parameters},
                witnesses={name: values[name] for name in step.action.witnesses if name in values},
                kept={name: relation(known) for name, known in step.kept.items()},
                facts={name: relation(known) for name, known in step.after.items()},
            )
        )
    start = {name: relation(known) for name, known in search.start.items()}
    return Run(start=start, steps=tuple(taken), violated="", how="")


def _checked(system: System, universe: Universe, run: Run, violates: Mapping[str, Any], and_so: Sequence[Any]) -> Run:
    """The run, walked through with the compiled formulas: guards, effects, and what does not hold at the end."""
    before = run.start
    for name, initial in system.init.items():
        places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(system.relations[name].sorts)]
        worth = compiled(initial(*places), universe, tuple(places))
        for args in universe.arguments(_names(system.relations[name].sorts)):
            assert worth({}, *args) == (args in before[name]), f"{name}{args} in the beginning"
    for step in run.steps:
        act = system.actions[step.action]
        given = {act.parameters[name]: value for name, value in step.arguments.items()}
        given |= {act.witnesses[name]: value for name, value in step.witnesses.items()}
        both_states = {**before, **{f"{name}'": relation for name, relation in step.facts.items()}, **step.kept}
        for formula in (*act.guard.values(), *system.effects(act).values()):
            wrong = refutation(formula, universe, both_states, given)
            assert not wrong, f"{step.action} with {given}: {wrong}"
        before = step.facts
    assert all(refutation(formula, universe, before, {}) for formula in and_so), "something holds at the end after all"
    for name, formula in violates.items():
        how = refutation(formula, universe, before, {})
        if how:
            return Run(start=run.start, steps=run.steps, violated=name, how=how)
    raise AssertionError("nothing is violated at the end")
