"""States, actions and differences of the specification in words, for whoever has to find the fault."""

from collections.abc import Iterator, Sequence
from itertools import product

from spec import cell as spec
from spec.commands import NoOp
from spec.differences import call
from spec.explain import explain
from spec.machine import Step

NEARBY = 12
"""So many ballots, slots and commands are looked at for what is enabled instead."""

MAX_LINES = 40
"""More lines of one kind than this help nobody."""


def refusal(machine: spec.Cell, state: spec.State, name: str, arguments: tuple[object, ...]) -> tuple[str, ...]:
    """Why an action is not enabled: the first guard that is false, what is enabled instead, and the state."""
    return (f"first false guard: {explain(machine, state, name, arguments)}", *instead(machine, state))


def instead(machine: spec.Cell, state: spec.State) -> tuple[str, ...]:
    """What is enabled in a state, and the state."""
    others = [call(step.name, step.args) for step in _enabled(machine, state)]
    return (
        "enabled instead: " + (", ".join(others[:MAX_LINES]) or "nothing"),
        "last matching state:",
        *(f"  {line}" for line in describe_state(state)),
    )


def _enabled(machine: spec.Cell, state: spec.State) -> Iterator[Step]:
    """What is enabled among the last ballots, slots and commands that are in use; the bounds allow far more."""
    ballots = sorted({m.ballot for m in state.prepares} | {b for b in state.active[1:] if b})[-NEARBY:]
    last = max({0} | {m.slot for m in state.proposals} | {len(log) for log in state.known[1:]})
    known = frozenset.intersection(*(frozenset(log) for log in state.known[1:]))
    waiting = sorted(state.asked - known)
    domains: dict[str, Sequence[object]] = {
        "nodes": machine.nodes,
        "ballots": ballots,
        "slots": range(max(1, last - NEARBY), min(machine.max_slot, last + 1) + 1),
        "lengths": range(max(0, last - NEARBY), last + 1),
        "values": (*waiting[:NEARBY], NoOp),
        "commands": sorted(set(machine.commands) - state.asked)[:NEARBY],
        "reads": getattr(machine, "reads", ())[-NEARBY:],
    }
    for name in machine.action_names():
        act = getattr(machine, name)
        for arguments in product(*(domains[domain] for domain in act.domains.values())):
            after = act(state, *arguments)
            if after is not None:
                yield Step(name, arguments, after)


def describe_state(state: spec.State) -> tuple[str, ...]:
    """The variables of a state, a line each; places 0 and slots without a vote are left out."""
    return tuple(f"{field}: {_words(value)}" for field, value in state._asdict().items())


def difference(expected: spec.State, found: spec.State) -> tuple[str, ...]:
    """What differs, part by part: - is what the specification has, + is what the code has."""
    pairs = zip(expected._fields, expected, found, strict=True)
    lines = [line for field, wanted, had in pairs for line in _differ(field, wanted, had)]
    return tuple(lines[:MAX_LINES])


def _differ(path: str, expected: object, found: object) -> Iterator[str]:
    if expected == found:
        return
    match expected, found:
        case frozenset(), frozenset():
            yield from (f"- {path}: {_words(value)}" for value in sorted(expected - found, key=str))
            yield from (f"+ {path}: {_words(value)}" for value in sorted(found - expected, key=str))
        case tuple(), tuple() if not hasattr(expected, "_fields"):
            shorter = min(len(expected), len(found))
            for place in range(shorter):
                yield from _differ(f"{path}[{place}]", expected[place], found[place])
            yield from (f"- {path}[{shorter + more}]: {_words(v)}" for more, v in enumerate(expected[shorter:]))
            yield from (f"+ {path}[{shorter + more}]: {_words(v)}" for more, v in enumerate(found[shorter:]))
        case _:
            yield f"- {path}: {_words(expected)}"
            yield f"+ {path}: {_words(found)}"


def _words(value: object) -> str:
    match value:
        case frozenset():
            return "{" + ", ".join(sorted(_words(element) for element in value)) + "}"
        case tuple() if hasattr(value, "_fields"):
            fields = zip(value._fields, value, strict=True)
            return f"{type(value).__name__}({', '.join(f'{name}={_words(part)}' for name, part in fields)})"
        case tuple():
            places = ((place, part) for place, part in enumerate(value) if part is not None and part != spec.NoVote)
            return "[" + ", ".join(f"{place}: {_words(part)}" for place, part in places) + "]"
        case _:
            return str(value)
