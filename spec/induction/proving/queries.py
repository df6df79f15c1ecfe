"""What there is to prove of a layer: initiation, consecution, safety and refinement, one named query each.

A query is a list of premises and a claim; it is proved when no structure satisfies the premises and not the claim. Its
premises are named, so that a proof can say which of them it used.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

import z3
from attrs import frozen

from spec.induction.formulas.kernel import Action, Becomes, Formula, Refinement, State, System


class Kind(StrEnum):
    """What a query is for."""

    INITIATION = "initiation"
    """An invariant holds in the initial state."""
    CONSECUTION = "consecution"
    """An action keeps an invariant."""
    SAFETY = "safety"
    """What it is all for follows from the invariants."""
    INCLUSION = "inclusion"
    """An invariant of the layer below, which this layer does not have, follows from those that it has."""
    REFINEMENT = "refinement"
    """A step is a step of the layer above, or changes nothing there."""


@frozen(eq=False)
class Query:
    """One thing to prove. `about` names the action, if there is one, and what is claimed."""

    layer: str
    kind: Kind
    about: tuple[str, ...]
    premises: Mapping[str, Formula]
    """By `axiom NAME`, `invariant NAME` or `guard ACTION.NAME`."""
    claim: Formula

    @property
    def name(self) -> str:
        """What the query is called everywhere: `disk/vote/agreement`."""
        return "/".join((self.layer, *([] if self.kind is Kind.CONSECUTION else [self.kind]), *self.about))

    @property
    def assertions(self) -> list[Formula]:
        """The formulas that must not be satisfiable together."""
        return [*self.premises.values(), z3.Not(self.claim)]


def axioms_of(system: System) -> dict[str, Formula]:
    """The axioms as premises."""
    return {f"axiom {name}": formula for name, formula in system.axioms.items()}


def invariants_of(system: System, s: State) -> dict[str, Formula]:
    """The invariants as premises on `s`."""
    return {f"invariant {name}": predicate(s) for name, predicate in system.invariants.items()}


def guard_of(act: Action) -> dict[str, Formula]:
    """The guard's conjuncts as premises."""
    return {f"guard {act.name}.{name}": formula for name, formula in act.guard.items()}


def premises_of(system: System) -> dict[str, Formula]:
    """Everything that a query of a layer may have as a premise."""
    guards = {name: f for act in system.actions.values() for name, f in guard_of(act).items()}
    return {**axioms_of(system), **invariants_of(system, system.state()), **guards}


def initiation(system: System) -> Iterator[Query]:
    """Every invariant holds in the initial state."""
    axioms, initial = axioms_of(system), system.initial()
    for name, predicate in system.invariants.items():
        yield Query(system.name, Kind.INITIATION, (name,), axioms, predicate(initial))


def consecution(system: System) -> Iterator[Query]:
    """Every action keeps every invariant.

    Where an action changes nothing that the invariant speaks of, the claim is the invariant itself, and no other
    premise is given: three in four of all queries are such frames.
    """
    invariants = invariants_of(system, system.state())
    known = {**axioms_of(system), **invariants}
    for act in system.actions.values():
        premises, after = {**known, **guard_of(act)}, system.after(act)
        for name, predicate in system.invariants.items():
            claim, same = predicate(after), f"invariant {name}"
            frame = claim.eq(invariants[same])
            given = {same: invariants[same]} if frame else premises
            yield Query(system.name, Kind.CONSECUTION, (act.name, name), given, claim)


def safety(system: System) -> Iterator[Query]:
    """What it is all for follows from the invariants."""
    s = system.state()
    premises = {**axioms_of(system), **invariants_of(system, s)}
    for name, predicate in system.safety.items():
        yield Query(system.name, Kind.SAFETY, (name,), premises, predicate(s))


def inclusion(system: System, below: System) -> Iterator[Query]:
    """Invariants of the layer below that this one states otherwise, or does without, follow from those that it has."""
    s = system.state()
    premises = {**axioms_of(system), **invariants_of(system, s)}
    for name in system.implied:
        yield Query(system.name, Kind.INCLUSION, (below.name, name), premises, below.invariants[name](s))


def refinement(system: System) -> Iterator[Query]:
    """Every step is one of the layer above, or changes nothing there; so is the beginning."""
    if system.refinement is None:
        return
    above = system.refinement.above
    for name in above.relations:
        claim = system.same(name, system.initial(), above.initial())
        yield Query(system.name, Kind.REFINEMENT, ("init", name), axioms_of(system), claim)
    known = {**axioms_of(system), **invariants_of(system, system.state())}
    for act in system.actions.values():
        yield from _step_above(system, system.refinement, act, {**known, **guard_of(act)})


def _step_above(system: System, refines: Refinement, act: Action, premises: Mapping[str, Formula]) -> Iterator[Query]:
    """One action: each conjunct of the guard above, then what becomes of each relation above."""
    after, above = system.after(act), refines.above
    becomes = refines.becomes.get(act.name)
    nothing = {name: system.same(name, after, system.state()) for name in above.relations}
    if becomes is None:
        for name, claim in nothing.items():
            yield Query(system.name, Kind.REFINEMENT, (act.name, "nothing", name), premises, claim)
        return
    guard, after_above = _with_arguments_of(act, becomes, above)
    for name, formula in guard.items():
        claim = z3.Or(formula, z3.And(*nothing.values())) if becomes.or_nothing else formula
        yield Query(system.name, Kind.REFINEMENT, (act.name, becomes.name, "guard", name), premises, claim)
    for name in above.relations:
        claim = system.same(name, after, after_above)
        yield Query(system.name, Kind.REFINEMENT, (act.name, becomes.name, name), premises, claim)


def _with_arguments_of(act: Action, becomes: Becomes, above: System) -> tuple[dict[str, Formula], State]:
    """The guard and the next state of the action above, taken with this action's arguments."""
    theirs = above.actions[becomes.name]
    mine = {**act.parameters, **act.witnesses}
    pairs = [(term, mine[name]) for name, term in {**theirs.parameters, **theirs.witnesses}.items()]

    def substituted(formula: Formula) -> Formula:
        return z3.substitute(formula, *pairs)

    updates = {
        name: lambda *places, update=update: substituted(update(*places)) for name, update in theirs.updates.items()
    }
    return {name: substituted(formula) for name, formula in theirs.guard.items()}, above.state().with_(updates)


def queries_of(system: System, below: System | None = None) -> Iterator[Query]:
    """Everything that there is to prove of a layer, whether or not it was proved below."""
    yield from initiation(system)
    if below is not None:
        yield from inclusion(system, below)
    yield from consecution(system)
    yield from safety(system)
    yield from refinement(system)
