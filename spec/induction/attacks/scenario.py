"""What an attack is, and how the run that was found is told: to readers, and to machines."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from spec.ballots import Ballots
from spec.induction.attacks.breaking import Break
from spec.induction.attacks.replay import Replayed
from spec.induction.proving.unroll import Run, Taken


@frozen(kw_only=True)
class Attack:
    """A broken rule, and what a run that exploits it looks like."""

    name: str
    rule: str
    what: str
    """What goes wrong, in a sentence."""
    layer: str
    broken: str
    """How the formulas are broken."""
    breaks: Break
    bounds: Ballots
    """The structure that the run lives in."""
    plan: tuple[str, ...]
    """Actions, and perhaps some of their arguments: `propose b=1`."""
    violates: str
    """An invariant or a safety property of the layer."""
    and_so: tuple[str, ...] = ()
    """What is false at the end of the run too: a safety property that stopped saying something would not be."""
    replays: Callable[[Ballots, Run], Replayed] | None = None
    """How the run is taken on a Python model; None if no model has these actions."""


@frozen(kw_only=True)
class Found:
    """A run that the solver found, and what became of it on the Python model."""

    attack: Attack
    run: Run
    replayed: Replayed | None
    seconds: float

    def lines(self) -> Iterator[str]:
        """The scenario, to be read."""
        attack, m = self.attack, self.attack.bounds
        yield f"{attack.name} ({attack.rule}): {attack.what}"
        yield f"  broken in layer {attack.layer}: {attack.broken}"
        yield f"  nodes 1..{len(m.nodes)}, ballots 1..{m.max_ballot}, slots 1..{m.max_slot}; alpha {m.alpha}"
        before = self.run.start
        for number, step in enumerate(self.run.steps, start=1):
            yield f"{number:4} {told(step)}"
            yield from (f"         {change}" for change in changes(before, step.facts))
            before = step.facts
        yield f"  violated: {self.run.violated} {self.run.values}"
        if self.replayed is None:
            yield "  not replayed: no Python model has these actions yet"
        else:
            steps = len(self.replayed.steps) - 1
            yield f"  replayed on {self.replayed.model} in {steps} steps: {self.replayed.sentence}"

    def as_json(self) -> Mapping[str, Any]:
        """The scenario, for machines."""
        before = self.run.start
        steps = []
        for step in self.run.steps:
            steps.append({
                "action": step.action,
                "arguments": {name: str(value) for name, value in step.arguments.items()},
                "witnesses": {name: str(value) for name, value in step.witnesses.items()},
                "changes": list(changes(before, step.facts)),
            })  # fmt: skip
            before = step.facts
        return {
            "name": self.attack.name, "rule": self.attack.rule, "what": self.attack.what, "layer": self.attack.layer,
            "broken": self.attack.broken, "violated": self.run.violated, "steps": steps, "seconds": self.seconds,
            "replay": self.replayed.as_json() if self.replayed else None,
        }  # fmt: skip


def told(step: Taken) -> str:
    """A step with its arguments, and with what it goes by."""
    by = ", ".join(f"{name} = {value}" for name, value in step.witnesses.items())
    return f"{step.action}({', '.join(map(str, step.arguments.values()))}){f' by {by}' if by else ''}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What a step changed, fact by fact."""
    for name in after:
        for sign, facts in (("+", after[name] - before[name]), ("-", before[name] - after[name])):
            yield from (f"{sign} {name}({', '.join(map(str, fact))})" for fact in sorted(facts, key=repr))
