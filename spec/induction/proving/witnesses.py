"""Not vacuous: what must be possible, is. A proof about a system that cannot move would be worth nothing.

Every action fires, and changes something, from a state that satisfies the invariants. Every claim can fail: there is a
state in which it is false, since what no state violates says nothing. And from the initial state there is a run in
which two slots are decided under two configurations that have no member in common.
"""

import time
from collections.abc import Iterator, Mapping

import z3
from attrs import frozen

from spec.induction.formulas.evaluate import Universe, refutation
from spec.induction.formulas.kernel import Formula, System
from spec.induction.layers.vocabulary import And, Implies, Not, exists, forall, majority, member, window
from spec.induction.proving.queries import axioms_of, guard_of, invariants_of
from spec.induction.proving.solve import Effort, Outcome, satisfiable
from spec.induction.proving.unroll import NoRun, Run, find_run

TWO_SLOTS: Mapping[str, tuple[str, ...]] = {
    "ballots": (
        "leave", "propose", "vote", "choose", "extend",
        "leave", "propose", "vote", "choose",
    ),
    "leaving": (
        "write_promise", "promise", "propose", "write_vote", "vote", "choose", "believe",
        "write_promise", "promise", "propose", "write_vote", "vote", "choose",
    ),
    "outbox": (
        "write_promise", "promise", "propose", "write_vote", "vote", "choose", "extend",
        "write_promise", "promise", "propose", "write_vote", "vote", "choose",
    ),
}  # fmt: skip
"""For some layers, the actions of a run that decides two slots; their arguments are the solver's to find."""


@frozen(kw_only=True, eq=False)
class Witness:
    """Something that must be possible: PROVED if it is, REFUTED if it is not."""

    name: str
    outcome: Outcome
    seconds: float
    run: Run | None = None


def firings(system: System, effort: Effort) -> Iterator[Witness]:
    """Every action fires from a state that satisfies the invariants, and changes it."""
    s = system.state()
    known = [*axioms_of(system).values(), *invariants_of(system, s).values()]
    for act in system.actions.values():
        after = system.after(act)
        changes = z3.Or(*(z3.Not(system.same(name, s, after)) for name in act.updates))
        outcome, _, seconds = satisfiable([*known, *guard_of(act).values(), changes], effort)
        yield Witness(name=f"{system.name}/fires/{act.name}", outcome=outcome, seconds=seconds)


def failings(system: System, effort: Effort, below: System | None = None) -> Iterator[Witness]:
    """Every invariant and safety property is false in some state. Those that the layer below has are tried there."""
    s, axioms = system.state(), list(axioms_of(system).values())
    known = {**below.invariants, **below.safety} if below else {}
    for name, claim in {**system.invariants, **system.safety}.items():
        if name not in known or not known[name](s).eq(claim(s)):
            outcome, _, seconds = satisfiable([*axioms, z3.Not(claim(s))], effort)
            yield Witness(name=f"{system.name}/can_fail/{name}", outcome=outcome, seconds=seconds)


def two_slots(system: System) -> Witness | None:
    """A run that decides two slots under two disjoint configurations; None for a layer that has none listed.

    It is looked for with two nodes, each a configuration by itself, and alpha 1: what is possible there is possible.
    """
    plan = TWO_SLOTS.get(system.name)
    if plan is None:
        return None
    universe = two_configurations()
    name = f"{system.name}/reaches/two_slots_under_disjoint_configurations"
    start = time.monotonic()
    for axiom, formula in system.axioms.items():
        if refutation(formula, universe, {}, {}):
            name = f"{name}, as axiom {axiom} forbids"
            return Witness(name=name, outcome=Outcome.REFUTED, seconds=time.monotonic() - start)
    try:
        run = find_run(system, universe, plan, {"both_chosen": z3.Not(_both_chosen(system))})
    except NoRun as none:
        outcome = Outcome.REFUTED if none.proved else Outcome.UNKNOWN
        return Witness(name=name, outcome=outcome, seconds=time.monotonic() - start)
    return Witness(name=name, outcome=Outcome.PROVED, seconds=time.monotonic() - start, run=run)


def two_configurations() -> Universe:
    """Two nodes, two slots, two ballots, and one value, which replaces the configuration {1} by {2}; alpha is 1."""
    return Universe(
        domains={
            "Node": (1, 2), "Ballot": (0, 1, 2), "Slot": (0, 1, 2), "Value": ("replace",),
            "Configuration": ("{1}", "{2}"), "Quorum": ("all of {1}", "all of {2}"),
            "Read": ("read",), "Record": (1, 2, 3, 4),
        },
        relations={
            "below": frozenset({(0, 1), (0, 2), (1, 2)}),
            "before": frozenset({(0, 1), (0, 2), (1, 2)}),
            "follows": frozenset({(0, 1), (1, 2)}),
            "window": frozenset({(0, 1), (1, 2)}),
            "opens_before": frozenset({(1, 1), (1, 2), (2, 2)}),
            "member": frozenset({(1, "all of {1}"), (2, "all of {2}")}),
            "majority": frozenset({("all of {1}", "{1}"), ("all of {2}", "{2}")}),
            "leads_to": frozenset({("{1}", "replace", "{2}")}),
            "belongs": frozenset({(1, "{1}"), (2, "{2}")}),
            "removed": frozenset({(1, "{2}")}),
            "ahead": frozenset({(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)}),
            "promises": frozenset({(1, 1), (3, 2)}),
            "casts": frozenset({(2, 1, 1, "replace"), (4, 2, 2, "replace")}),
        },
        functions={"bot": {(): 0}, "zero": {(): 0}, "first": {(): "{1}"}},
    )  # fmt: skip


def _both_chosen(system: System) -> Formula:
    """Two slots are chosen whose configurations have no member in common."""
    s = system.state()
    return exists(
        lambda i, j, i2, j2, v, w, x, y: And(
            s.chosen(i, v), window(j, i), s.configuration(j, x),
            s.chosen(i2, w), window(j2, i2), s.configuration(j2, y),
            forall(
                lambda q, r, n: Implies(
                    And(majority(q, x), majority(r, y)), Not(And(member(n, q), member(n, r)))
                )
            ),
        )
    )  # fmt: skip
