"""TLC's counterexamples before the mirror's judgement: an invariant of one name must mean the same on both sides.

Graphs are compared without invariants, so a mirror's invariant that is always true would pass unseen. Every twin gives
a run in which an invariant falls in the last state and in none before it: the mirror's invariant must say so too.
"""

import re
from typing import Any

from conformance.decode import StateDecoder
from conformance.graph_dump import variables
from conformance.manifest import Twin
from conformance.tlc import TlcRun
from spec.machine import Machine
from spec.models import MODELS

_JUDGES = ("Commands.tla", "CellProperties.tla")
"""A bug in one of these is in TLC's invariants too; the mirror, which has no such bug, may well see it otherwise."""


def disagreements(twin: Twin, seen: TlcRun, violated: str) -> tuple[str, ...]:
    """How the mirror sees a twin's counterexample otherwise than TLC; nothing if it agrees or has no such invariant."""
    machine = MODELS.get(twin.model)
    invariant = re.sub(r"(?<!^)(?=[A-Z])", "_", violated).lower().replace("type_o_k", "type_ok")
    if machine is None or twin.file in _JUDGES or invariant not in machine.invariant_names():
        return ()
    (initial,) = machine.init()
    decoder = StateDecoder(type(initial))
    holds = [_holds(machine, invariant, decoder, state.text) for state in seen.trace]
    if holds[-1]:
        return (f"the mirror's {invariant} holds in the last state of TLC's counterexample to {violated}.",)
    if not all(holds[:-1]):
        return (f"the mirror's {invariant} is violated before the last state of TLC's counterexample to {violated}.",)
    return ()


def _holds(machine: Machine[Any], invariant: str, decoder: StateDecoder, text: str) -> bool:
    """Whether the invariant holds in a state that TLC printed; a state that is none of the mirror's violates all."""
    try:
        state = decoder.state(variables(text))
    except ValueError:
        return False
    return bool(getattr(machine, invariant)(state))
