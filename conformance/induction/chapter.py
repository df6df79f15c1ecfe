"""What the chapter `docs/proof.md` shows of each invariant: the counterexample to induction that appears without it.

A counterexample to induction is a state that satisfies all other invariants, and a step from it after which one of them
does not hold; or a state that is bad already. It is no bad run: without the invariant, nobody knows that the state
cannot be reached. Each is searched in one small structure, with as few facts as possible, and each is checked with the
compiled formulas, the ones in the page as well, so that the page cannot drift from the formulas.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import z3
from attrs import frozen

from spec.ballots import Ballots
from spec.induction.formulas.evaluate import Element, Facts, Universe, compiled, refutation
from spec.induction.formulas.ground import Ground, Known, Pick
from spec.induction.formulas.kernel import Action, System
from spec.induction.formulas.normal import negated, normal_form
from spec.induction.formulas.structure import Juries, universe_of
from spec.induction.layers.stack import system_of
from spec.induction.proving.by_z3 import NoAnswer
from spec.induction.proving.solve import check, gave_up, limit
from spec.models import FOUNDERS, REPLACE, SWAP

PLAIN = "slots are counted from zero, and alpha is 1"
PLACES = {
    PLAIN: {},
    "alpha is 2": {"window": frozenset({(0, 1), (0, 2)})},
    "slot 1 has no window": {"window": frozenset({(1, 2)})},
    "slot 1 follows nothing": {"follows": frozenset({(1, 2)})},
}
"""Where to look: in the structure below, and in others that the axioms allow, with what is different there.

No axiom says that slots can be counted, or that each has a window.
"""


@frozen(kw_only=True)
class Counterexample:
    """What appears without an invariant. With no action, the state is bad as it is."""

    dropped: str
    where: str
    """One of `PLACES`."""
    before: Facts
    action: str
    arguments: Mapping[str, Element]
    falls: str

    def lines(self) -> Iterator[str]:
        """As the page shows it."""
        facts = [fact_text(name, fact) for name, relation in self.before.items() for fact in sorted(relation, key=repr)]
        yield f"without {self.dropped}"
        if self.where != PLAIN:
            yield f"  where  {self.where}"
        yield f"  state  {' '.join(facts) or 'nothing'}"
        if self.action:
            yield f"  step   {fact_text(self.action, tuple(self.arguments.values()))}"
        yield f"  falls  {self.falls}"


def fact_text(name: str, args: tuple[Element, ...]) -> str:
    """A fact or a step, such as `left(1,0)`."""
    return f"{name}({','.join(map(str, args))})"


def small_universe(where: str = PLAIN) -> Universe:
    """Nodes 1 to 4, of which 1, 2, 3 are members at first, and 2, 3, 4 after a change; two ballots and two slots.

    A majority is called by its members, `12`; the configurations are called `first` and `next`.
    """
    m = Ballots(content=REPLACE | SWAP, first=FOUNDERS, alpha=1, nodes=range(1, 5), max_ballot=2, max_slot=2)
    found = universe_of(
        Juries(m), nodes=m.nodes, max_ballot=m.max_ballot, max_slot=m.max_slot, values=m.commands
    )  # fmt: skip
    calls = dict(zip(found.domains["Configuration"], ("first", "next"), strict=True))
    pairs = [quorum for quorum in found.domains["Quorum"] if len(quorum) == len("{1, 2}")]
    calls |= {quorum: "".join(re.findall(r"\d", quorum)) for quorum in pairs}

    def renamed(entry: tuple[Element, ...]) -> tuple[Element, ...]:
        return tuple(calls.get(element, element) if isinstance(element, str) else element for element in entry)

    three = set(found.domains["Quorum"]) - set(pairs)
    return Universe(
        domains={
            **found.domains,
            "Configuration": renamed(found.domains["Configuration"]),
            "Quorum": renamed(tuple(pairs)),
        },
        relations={
            name: frozenset(renamed(entry) for entry in relation if not three & set(entry))
            for name, relation in {**found.relations, **PLACES[where]}.items()
        },
        functions={**found.functions, "first": {(): "first"}},
    )


def counterexample(system: System, dropped: str) -> Counterexample | None:
    """One with the fewest facts, in the first place that has one, a step rather than a bad state; None if none has."""
    for bad_state in (False, True):
        for where in PLACES:
            search = _Search(system, where, dropped)
            steps = (one for act in system.actions.values() for one in search.by_step(act))
            found = list(search.by_state() if bad_state else steps)
            if found:
                return min(found, key=lambda one: sum(map(len, one.before.values())))
    return None


class _Search:
    """States that satisfy every invariant but one."""

    def __init__(self, system: System, where: str, dropped: str) -> None:
        self.system, self.where, self.dropped = system, where, dropped
        universe = self.universe = small_universe(where)
        self.state = {name: self._unknown(name) for name in system.relations}
        here = Ground(universe, self.state)
        s = system.state()
        kept = {name: predicate for name, predicate in system.invariants.items() if name != dropped}
        self.kept = kept
        self.premises = [here.formula(normal_form(predicate(s)), {}) for predicate in kept.values()]

    def _unknown(self, name: str) -> Known:
        sorts = tuple(sort.name() for sort in self.system.relations[name].sorts)
        return {args: z3.Bool(fact_text(name, args)) for args in self.universe.arguments(sorts)}

    def by_state(self) -> Iterator[Counterexample]:
        """States in which a safety property does not hold."""
        here, s = Ground(self.universe, self.state), self.system.state()
        for name, predicate in self.system.safety.items():
            model = self._fewest([here.formula(negated(normal_form(predicate(s))), {})])
            if model is not None:
                yield self._read(model, None, {}, name)

    def by_step(self, act: Action) -> Iterator[Counterexample]:
        """Steps after which another invariant does not hold."""
        here = Ground(self.universe, self.state)
        picks = {
            name: Pick.among(f"{act.name}.{name}", self.universe.domains[term.sort().name()])
            for name, term in {**act.parameters, **act.witnesses}.items()
        }
        names = {f"{act.name}.{name}": pick for name, pick in picks.items()}
        taken = [pick.exactly_one() for pick in picks.values()]
        taken += [here.formula(normal_form(conjunct), names) for conjunct in act.guard.values()]
        after = dict(self.state)
        for name, update in act.updates.items():
            sorts = self.system.relations[name].sorts
            places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(sorts)]
            form, called = normal_form(update(*places)), [place.decl().name() for place in places]
            after[name] = here.updated(form, called, tuple(sort.name() for sort in sorts), names)
        there, s = Ground(self.universe, after), self.system.state()
        for name, predicate in self.kept.items():
            model = self._fewest([*taken, there.formula(negated(normal_form(predicate(s))), {})])
            if model is not None:
                yield self._read(model, act, picks, name)

    def _fewest(self, wanted: list[Any]) -> Any:
        """A model with as few facts as can be; None if there is none. NoAnswer if z3 does not know."""
        if any(proposition is False for proposition in wanted):
            return None
        facts = [proposition for known in self.state.values() for proposition in known.values()]
        solver = z3.Optimize()
        limit(solver)
        solver.add(*(p for p in (*self.premises, *wanted) if p is not True))
        solver.minimize(z3.Sum(*(z3.If(fact, 1, 0) for fact in facts)))
        answer = check(solver)
        if answer == z3.unknown:
            raise NoAnswer(gave_up(solver))
        return solver.model() if answer == z3.sat else None

    def _read(self, model: Any, act: Action | None, picks: Mapping[str, Pick], falls: str) -> Counterexample:
        def holds(value: Any) -> bool:
            return value is True or z3.is_true(model.eval(value, model_completion=True))

        before = {name: frozenset(a for a, v in known.items() if holds(v)) for name, known in self.state.items()}
        chosen = {name: next(e for e, p in pick.chosen.items() if holds(p)) for name, pick in picks.items()}
        arguments = {name: chosen[name] for name in act.parameters} if act else {}
        return Counterexample(
            dropped=self.dropped,
            where=self.where,
            before=before,
            action=act.name if act else "",
            arguments=arguments,
            falls=falls,
        )


# The page.


_ENTRY = r"^without (\w+)\n(?:  where  (.*)\n)?  state  (.*)\n(?:  step   (.*)\n)?  falls  (\w+)$"


def read_counterexamples(system: System, text: str) -> Iterator[Counterexample]:
    """The counterexamples that a page shows."""
    for dropped, place, state, step, falls in re.findall(_ENTRY, text, re.MULTILINE):
        where = place or PLAIN
        universe = small_universe(where)
        before: dict[str, set[tuple[Element, ...]]] = {name: set() for name in system.relations}
        for name, args in re.findall(r"(\w+)\(([^)]*)\)", state):
            sorts = [sort.name() for sort in system.relations[name].sorts]
            before[name].add(_elements(universe, sorts, args))
        action, arguments = "", {}
        for action, args in re.findall(r"(\w+)\(([^)]*)\)", step):
            parameters = system.actions[action].parameters
            sorts = [term.sort().name() for term in parameters.values()]
            arguments = dict(zip(parameters, _elements(universe, sorts, args), strict=True))
        facts = {name: frozenset(found) for name, found in before.items()}
        yield Counterexample(
            dropped=dropped, where=where, before=facts, action=action, arguments=arguments, falls=falls
        )  # fmt: skip


def _elements(universe: Universe, sorts: list[str], args: str) -> tuple[Element, ...]:
    texts = args.split(",")
    pairs = zip(sorts, texts, strict=True)
    return tuple(next(e for e in universe.domains[sort] if str(e) == text) for sort, text in pairs)


def why_none(system: System, one: Counterexample) -> str:
    """Why something is no counterexample; empty if it is one."""
    universe, s = small_universe(one.where), system.state()
    for name, axiom in system.axioms.items():
        if not compiled(axiom, universe)({}):
            return f"the axiom {name} does not hold there"
    for name, predicate in system.invariants.items():
        if not compiled(predicate(s), universe)(one.before) and name != one.dropped:
            return f"{name} does not hold before"
    if compiled(system.invariants[one.dropped](s), universe)(one.before):
        return f"{one.dropped} holds before"
    after = one.before
    if one.action:
        act = system.actions[one.action]
        given = {act.parameters[name]: value for name, value in one.arguments.items()}
        wrong = refutation(act.enabled, universe, one.before, given)
        if wrong:
            return f"{one.action} is not enabled"
        after = _after(system, universe, act, one)
    predicates = {**system.invariants, **system.safety}
    if compiled(predicates[one.falls](s), universe)(after):
        return f"{one.falls} holds afterwards"
    return ""


def _after(system: System, universe: Universe, act: Action, one: Counterexample) -> Facts:
    after = dict(one.before)
    for name, update in act.updates.items():
        sorts = system.relations[name].sorts
        places = [z3.Const(f"place{at}", sort) for at, sort in enumerate(sorts)]
        holds = compiled(update(*places), universe, (*act.parameters.values(), *places))
        every = universe.arguments(tuple(sort.name() for sort in sorts))
        after[name] = frozenset(args for args in every if holds(one.before, *one.arguments.values(), *args))
    return after


def main() -> None:
    """Print the counterexample of each invariant of the base, to be pasted into the page when formulas change."""
    system = system_of("ballots")
    for name in system.invariants:
        found = counterexample(system, name)
        print("\n".join(found.lines() if found else [f"{name}: no small counterexample"]), end="\n\n")


if __name__ == "__main__":
    main()
