"""TLC's counterexamples beside the mirror: what the steps were, and whether the last state is as bad as TLC says.

TLC prints states and the names of actions. The mirror finds the arguments: those with which its action of that name
leads from one state to the next. A bug twin's own step is none of the mirror's; then the arguments are those whose
effect it has, and the guard that should have stopped it is named.

Graphs are compared without invariants, so a mirror's invariant that is always true would pass unseen. Every twin gives
a run in which an invariant falls in the last state and in none before it: the mirror's invariant must say so too.
"""

import re
from itertools import pairwise
from typing import Any

from attrs import frozen

from conformance.manifest import Twin
from conformance.tlc.decode import StateDecoder
from conformance.tlc.dump import variables
from conformance.tlc.messages import TraceState
from conformance.tlc.run import TlcRun
from conformance.tlc.values import differences, parse_state
from spec.differences import call
from spec.explain import effect, explain
from spec.machine import Args, Machine, successor
from spec.models import MODELS, PROGRESS

_JUDGES = ("Commands.tla", "CellProperties.tla", "Losses.tla", "Serving.tla")
"""A bug in one of these is in TLC's invariants too; the mirror, which has no such bug, may well see it otherwise."""


def disagreements(twin: Twin, seen: TlcRun, violated: str) -> tuple[str, ...]:
    """How the mirror sees a twin's counterexample otherwise than TLC; nothing if it agrees or has no such invariant."""
    machine = MODELS.get(twin.model)
    invariant = mirrored(violated)
    if machine is None or twin.file in _JUDGES or invariant not in machine.invariant_names():
        return ()
    initial = next(iter(machine.init()))
    decoder = StateDecoder(type(initial))
    holds = [_holds(machine, invariant, decoder, state.text) for state in seen.trace]
    if holds[-1]:
        return (f"the mirror's {invariant} holds in the last state of TLC's counterexample to {violated}.",)
    if not all(holds[:-1]):
        return (f"the mirror's {invariant} is violated before the last state of TLC's counterexample to {violated}.",)
    return ()


def mirrored(claim: str) -> str:
    """What the mirror calls an invariant of TLA+."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", claim).lower().replace("type_o_k", "type_ok")


def _holds(machine: Machine[Any], invariant: str, decoder: StateDecoder, text: str) -> bool:
    """Whether the invariant holds in a state that TLC printed; a state that is none of the mirror's violates all."""
    try:
        state = decoder.state(variables(text))
    except ValueError:
        return False
    return bool(getattr(machine, invariant)(state))


@frozen(kw_only=True)
class ShownStep:
    """A step of a counterexample: TLC's name of the action, what it changed, and what the mirror says of it.

    ``arguments`` is every list of arguments with which the mirror takes this step, or would if its guard allowed it:
    then ``remark`` says which part of the guard is false. Without a list ``remark`` says why there is none.
    """

    action: str
    arguments: tuple[Args, ...] = ()
    remark: str = ""
    changes: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        """The action with its arguments; where several lists lead to the same state, all of them."""
        return " or ".join(call(self.action, args) for args in self.arguments) or self.action


def shown_steps(model: str, run: TlcRun) -> tuple[ShownStep, ...]:
    """The trace of a run of ``model``, step by step; empty when there is none."""
    if not run.trace:
        return ()
    parsed = [{}, *(parse_state(state.text) for state in run.trace)]
    changes = [tuple(differences(before, after)) for before, after in pairwise(parsed)]
    first = ShownStep(action=run.trace[0].action, changes=changes[0], text=run.trace[0].text)
    named = (_found(model, before, after) for before, after in pairwise(run.trace))
    steps = zip(run.trace[1:], named, changes[1:], strict=True)
    return first, *(
        ShownStep(action=state.action, arguments=arguments, remark=remark, changes=changed, text=state.text)
        for state, (arguments, remark), changed in steps
    )


def narrate(model: str, run: TlcRun) -> tuple[str, ...]:
    """The counterexample as numbered actions with their arguments, each with what it changed."""
    lines: list[str] = []
    for number, step in enumerate(shown_steps(model, run), start=1):
        below = (f"({step.remark})", *step.changes) if step.remark else step.changes
        lines += [f"{number:3} {step.title}", *(f"      {line}" for line in below)]
    if run.loops_to:
        where = "stays there" if run.loops_to == len(run.trace) else f"goes back to state {run.loops_to}"
        lines.append(f"    and then it {where} for ever")
    return tuple(lines)


def _found(model: str, before: TraceState, after: TraceState) -> tuple[tuple[Args, ...], str]:
    """The arguments of the step between two states of TLC, and a remark where the mirror does not take it."""
    machine = {**MODELS, **PROGRESS}.get(model)
    if machine is None:
        return (), "no arguments: the model has no mirror"
    name = after.action.lower()
    if name not in machine.action_names():
        return (), "no arguments: the mirror has no such action"
    initial = next(iter(machine.init()))
    decoder = StateDecoder(type(initial))
    try:
        source, target = (decoder.state(variables(state.text)) for state in (before, after))
    except ValueError:
        return (), "no arguments: such a state is none of the mirror's"
    taken = tuple(args for args in machine.arguments(name) if successor(machine, source, name, args) == target)
    if taken:
        return taken, ""
    refused = tuple(args for args in machine.arguments(name) if effect(machine, source, name, args) == target)
    if refused:
        return refused, f"the mirror refuses it: false is {explain(machine, source, name, refused[0])}"
    return (), "no arguments: the mirror's action never does this"
