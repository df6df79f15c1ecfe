"""Rules broken on purpose: a system of formulas in which one conjunct or one update is not what it should be.

It knows no protocol.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import evolve

from spec.induction.formulas.kernel import Action, System

Break: TypeAlias = Callable[[System], System]


def without(action: str, conjunct: str) -> Break:
    """A conjunct of a guard is left out."""
    return lambda system: _with(system, system.actions[action].without(conjunct))


def instead(action: str, conjunct: str, formula: Callable[[System, Action], Any]) -> Break:
    """A conjunct of a guard is another one."""

    def broken(system: System) -> System:
        act = system.actions[action]
        assert conjunct in act.guard
        return _with(system, evolve(act, guard={**act.guard, conjunct: formula(system, act)}))

    return broken


def forgetting(action: str, relation: str) -> Break:
    """An update is left out."""

    def broken(system: System) -> System:
        act = system.actions[action]
        assert relation in act.updates
        return _with(system, evolve(act, updates={k: v for k, v in act.updates.items() if k != relation}))

    return broken


def _with(system: System, act: Action) -> System:
    return evolve(system, actions={**system.actions, act.name: act})


def term_of(act: Action, name: str) -> Any:
    """A parameter or a witness of an action."""
    return {**act.parameters, **act.witnesses}[name]
