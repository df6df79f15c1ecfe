"""One model's Python mirror on its own: explored whole, or walked at random, and held against the manifest."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from attrs import frozen

from conformance.describe import difference
from conformance.graph.sight import overlooked
from conformance.links import BadInput, Progress, Verdict
from conformance.manifest import HOLDS, Manifest, Model
from spec.differences import call
from spec.machine import Exploration, Limits, Machine, Status, Step, explore, walk
from spec.models import MODELS

SCHEMA_VERSION = 1
SPARE_STATES = 5_000
"""A mirror with so many more than twice the states of its model is not followed to wherever it leads, or to no end."""


def machine_of(manifest: Manifest, model: str) -> Machine[Any]:
    """The machine that mirrors a model; BadInput when there is no such model, or it has no mirror."""
    known = manifest.model(model)
    if known.name not in MODELS:
        raise BadInput(
            f"{manifest.path}: model {model} has no Python mirror; write its constants down in spec/models.py, under "
            "the same name in MODELS, as CONTRIBUTING says."
        )
    return MODELS[known.name]


@frozen(kw_only=True)
class Checked:
    """What an exploration found, beside the manifest: the differences are empty when all is as it should be.

    ``unsaid`` are the numbers that a new model's entry does not have yet; as long as there are some, nothing holds.
    """

    model: Model
    found: Exploration[Any]
    differences: tuple[str, ...]
    unsaid: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Refuted by any difference; inconclusive if there is nothing to compare with."""
        if self.differences:
            return Verdict.REFUTED
        return Verdict.INCONCLUSIVE if self.unsaid else Verdict.HOLDS

    @property
    def why(self) -> tuple[str, ...]:
        """The differences, what is not said yet, and where to go from there."""
        if self.differences and not self.violated and self.model.graph is not None:
            where = f"`physalia spec graph {self.model.name}` shows where the two part."
            return (*self.differences, where, *self.unsaid)
        return (*self.differences, *self.unsaid)

    @property
    def violated(self) -> str:
        """The name of what does not hold; empty when everything does."""
        return self.found.violation.name if self.found.violation else ""

    @property
    def path(self) -> tuple[Step, ...]:
        """A shortest path to what does not hold."""
        return self.found.violation.path if self.found.violation else ()

    def as_json(self) -> Mapping[str, Any]:
        """The exploration for machines, as docs/spec-check.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "model": self.model.name,
            "violated": self.violated,
            "distinct": self.found.distinct,
            "generated": self.found.generated,
            "depth": self.found.depth,
            "seconds": self.found.seconds,
            "taken": dict(self.found.taken),
            "differences": list(self.why),
            "counterexample": list(steps_as_json(self.path)),
        }


def enough(distinct: int) -> Limits:
    """A mirror with more states than these differs already; it need not be followed to wherever it leads."""
    return Limits(states=2 * distinct + SPARE_STATES)


def check(manifest: Manifest, name: str, progress: Progress, *, record: bool = False) -> Checked:
    """Explore a model's mirror with its invariants, and with the refinement of the rung above.

    With ``record`` all edges are kept.
    """
    machine, model = machine_of(manifest, name), manifest.model(name)

    def on_progress(status: Status) -> None:
        progress.update(name, status.distinct, "states", queue=status.queue, depth=status.depth)

    progress.update(name, 0, "states")
    limits = enough(model.distinct) if model.expect == HOLDS and model.distinct else None
    found = explore(machine, refinement=machine.above() is not None, record=record, limits=limits, progress=on_progress)
    progress.finish(name, f"{found.distinct:,} states, depth {found.depth}")
    return Checked(
        model=model,
        found=found,
        differences=(*_unseen(), *_unexpected(model, found)),
        unsaid=tuple(_unsaid(model, found)),
    )


@cache
def _unseen() -> tuple[str, ...]:
    """What the explorer gets wrong: then it proves nothing of any model."""
    return tuple(f"the explorer is not to be believed: {what}." for what in overlooked())


def _unexpected(model: Model, found: Exploration[Any]) -> Iterator[str]:
    if found.violation:
        if found.violation.name.replace("_", "") != model.violates.lower():
            yield f"violation: the manifest says {model.violates or 'none'}, the mirror says {found.violation.name}."
        elif len(found.violation.path) != model.length:
            length = len(found.violation.path)
            yield f"states in the counterexample: the manifest says {model.length}, the mirror says {length}."
    elif model.expect == HOLDS:
        # TLC stops at the violation of a model that is to be refuted, so that its counts say nothing here. Generated
        # states are not compared: TLC counts a step once for each way in which a disjunction in its guard holds.
        for what, expected, got in (
            ("distinct states", model.distinct, found.distinct),
            ("depth", model.depth, found.depth),
        ):
            if expected and expected != got:
                yield f"{what}: the manifest says {expected:,}, the mirror says {got:,}."


def _unsaid(model: Model, found: Exploration[Any]) -> Iterator[str]:
    numbers = [("distinct", model.distinct, found.distinct), ("depth", model.depth, found.depth)]
    missing = [f"{key} = {got}" for key, said, got in numbers if not said and model.expect == HOLDS]
    if missing:
        yield f"The manifest does not say yet, and the mirror says: {', '.join(missing)}."


def simulate(machine: Machine[Any], seed: int, most_steps: int) -> tuple[tuple[Step, ...], str]:
    """A random walk, and the invariant that its last state violates: the walk ends there, or the name is empty."""
    steps = []
    for step in walk(machine, seed, most_steps=most_steps):
        steps.append(step)
        for name in machine.invariant_names():
            if not getattr(machine, name)(step.state):
                return tuple(steps), name
    return tuple(steps), ""


def narrate(steps: tuple[Step, ...]) -> Iterator[str]:
    """The steps as numbered actions with their arguments, each with what it changed."""
    for number, (step, changes) in enumerate(_with_changes(steps), start=1):
        yield f"{number:3} {call(step.name, step.args)}"
        yield from (f"      {change}" for change in changes)


def steps_as_json(steps: tuple[Step, ...]) -> Iterator[Mapping[str, Any]]:
    """The steps for machines."""
    for step, changes in _with_changes(steps):
        yield {"action": step.name, "arguments": [str(argument) for argument in step.args], "changes": list(changes)}


def _with_changes(steps: tuple[Step, ...]) -> Iterator[tuple[Step, tuple[str, ...]]]:
    before = steps[0].state if steps else None
    for step in steps:
        yield step, difference(before, step.state)  # type: ignore[arg-type]  # it works on the states of any machine
        before = step.state
