"""What is tied: the layers of the proof, by which models, in which profile; and what is not, and why."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from conformance.graph.mirror import machine_of
from conformance.induction.tie.consulting import read_reads
from conformance.induction.tie.crashes import read_disk, read_lives, read_outbox
from conformance.induction.tie.declared import NO_EDGE, NOT_TAUGHT
from conformance.induction.tie.forgetting import NOBODY_CRASHES, NOT_READ
from conformance.induction.tie.knowing import read_knowledge
from conformance.induction.tie.leaving import read_leaving, read_truncation
from conformance.induction.tie.readings import Reading, reading_of
from conformance.links import Profile
from conformance.manifest import HOLDS, Manifest, Model
from spec.cell import Cell
from spec.induction.layers.stack import LAYERS, system_of
from spec.lives import Lives

TIED_RUNGS = ("Window", "Ballots", "Cell")
MOST_STATES_OF_CELL = {Profile.QUICK: 0, Profile.DEFAULT: 1_000, Profile.DEEP: 100_000}
"""Larger models of `Cell` are not held against the base of the proof in a profile."""
MOST_STATES_OF_DISKS = {Profile.QUICK: 1_500, Profile.DEFAULT: 1_500, Profile.DEEP: 20_000}
MOST_STATES_OF_OUTBOXES = {Profile.QUICK: 1_500, Profile.DEFAULT: 1_500, Profile.DEEP: 10_000}
"""Larger models in which a node crashes are not held against the layers `disk` and `outbox`: records cost most."""


def models_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models that the base is tied to in a profile, in the order of the manifest."""
    for model in manifest.models:
        if model.rung not in TIED_RUNGS or model.expect != HOLDS or not profile.includes(model.profile):
            continue
        if model.rung != "Cell" or (model.graph is not None and model.distinct <= MOST_STATES_OF_CELL[profile]):
            yield model


def crashes_of(manifest: Manifest, profile: Profile, most_states: int) -> Iterator[Model]:
    """The models in which nodes crash and whose graphs are compared, up to a size."""
    for model in manifest.models:
        if model.rung != "Cell" or model.expect != HOLDS or model.graph is None or not profile.includes(model.profile):
            continue
        machine = machine_of(manifest, model.name)
        if model.distinct <= most_states and isinstance(machine, Cell) and machine.mortals:
            yield model


LIVES = "Lives"
"""The rung whose disks may be lost."""
MOST_STATES_OF_LIVES = {Profile.QUICK: 0, Profile.DEFAULT: 3_000, Profile.DEEP: 20_000}


def disks_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models for the layer `disk`: nodes crash, or a disk counts as lost."""
    yield from crashes_of(manifest, profile, MOST_STATES_OF_DISKS[profile])
    for model in manifest.models:
        if model.rung != LIVES or model.expect != HOLDS or not profile.includes(model.profile):
            continue
        machine = machine_of(manifest, model.name)
        if model.distinct <= MOST_STATES_OF_LIVES[profile] and isinstance(machine, Lives) and machine.law == "retire":
            yield model


def outboxes_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models for the layer `outbox`: nodes crash."""
    yield from crashes_of(manifest, profile, MOST_STATES_OF_OUTBOXES[profile])


MOST_STATES_OF_KNOWLEDGE = {Profile.QUICK: 200, Profile.DEFAULT: 500, Profile.DEEP: 2_200}
"""Larger models of `Cell` are not held against the layer `knowledge`: who counts is compared for every node."""


def knowledge_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models of `Cell` whose graphs are compared, up to a size."""
    for model in manifest.models:
        if model.rung != "Cell" or model.expect != HOLDS or model.graph is None or not profile.includes(model.profile):
            continue
        if model.distinct <= MOST_STATES_OF_KNOWLEDGE[profile]:
            yield model


MOST_STATES_OF_READS = {Profile.QUICK: 0, Profile.DEFAULT: 3_000, Profile.DEEP: 10_000}
"""In the profile `quick` no graph of `Reads` is compared with TLC's."""


def reads_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models of `Reads`, up to a size."""
    for model in manifest.models:
        if model.rung != "Reads" or model.expect != HOLDS or not profile.includes(model.profile):
            continue
        if model.distinct <= MOST_STATES_OF_READS[profile]:
            yield model


MOST_STATES_OF_FLOORS = {
    "Teaching": {Profile.QUICK: 0, Profile.DEFAULT: 0, Profile.DEEP: 1_100},
    "Leaving": {Profile.QUICK: 0, Profile.DEFAULT: 0, Profile.DEEP: 650},
}
"""By the rung; who counts is compared for every node, every majority and every ballot. In `default` tests look."""


def floors_of(rung: str) -> Callable[[Manifest, Profile], Iterator[Model]]:
    """The models of `Teaching`, or of `Leaving`, in which nobody crashes, up to a size."""

    def models(manifest: Manifest, profile: Profile) -> Iterator[Model]:
        for model in manifest.models:
            if model.rung != rung or model.expect != HOLDS or not profile.includes(model.profile):
                continue
            if model.distinct > MOST_STATES_OF_FLOORS[rung][profile]:
                continue
            machine = machine_of(manifest, model.name)
            if isinstance(machine, Cell) and not machine.mortals:
                yield model

    return models


def read_disks(machine: Cell | Lives) -> Reading[Any]:
    """Either as the layer `disk`."""
    return read_lives(machine) if isinstance(machine, Lives) else read_disk(machine)


@frozen(kw_only=True)
class TiedLayer:
    """How a layer of the proof is tied."""

    reads: Callable[[Any], Reading[Any]]
    models: Callable[[Manifest, Profile], Iterator[Model]]
    share: int = 1
    """One in so many of the flips and of the evaluations by z3 is enough: the rest is the base's."""
    no_edge: Mapping[str, str] = field(factory=dict)
    """Actions that no graph of its models takes, and why."""
    ends: bool = False
    """Whether nodes end in its models even where no disk is lost, so that it matters whether they are alive."""


TIED: Mapping[str, TiedLayer] = {
    "ballots": TiedLayer(reads=reading_of, models=models_of),
    "disk": TiedLayer(reads=read_disks, models=disks_of, share=5, no_edge=NO_EDGE),
    "outbox": TiedLayer(reads=read_outbox, models=outboxes_of, share=5, no_edge=NO_EDGE),
    "knowledge": TiedLayer(reads=read_knowledge, models=knowledge_of, share=5, no_edge=NOT_TAUGHT),
    "reads": TiedLayer(reads=read_reads, models=reads_of, share=5, no_edge=NOT_TAUGHT),
    "truncation": TiedLayer(
        reads=read_truncation, models=floors_of("Teaching"), share=5, no_edge={**NO_EDGE, "serve": NOT_READ},
    ),
    "leaving": TiedLayer(
        reads=read_leaving, models=floors_of("Leaving"), share=5, ends=True,
        no_edge={**NO_EDGE, "echo": NOT_READ, "crash": NOBODY_CRASHES},
    ),
}  # fmt: skip


def is_seen_below(name: str, action: str, conjunct: str) -> bool:
    """Whether the layer below asks the same, so that leaving it out was tried there."""
    below, own = LAYERS[name].on, system_of(name).actions[action].guard[conjunct]
    if not below or action not in system_of(below).actions:
        return False
    guard = system_of(below).actions[action].guard
    return conjunct in guard and bool(guard[conjunct].eq(own))


def is_taken_below(name: str, action: str) -> bool:
    """Whether the action is one of the layer below, unchanged, and that layer is tied: its edges are compared there."""
    below = LAYERS[name].on
    if below not in TIED or action not in system_of(below).actions:
        return False
    there, system = system_of(below), system_of(name)
    before, here = there.actions[action], system.actions[action]
    if before.guard.keys() != here.guard.keys() or before.updates.keys() != here.updates.keys():
        return False
    effects, same = system.effects(here), there.effects(before)
    return all(is_seen_below(name, action, conjunct) for conjunct in here.guard) and all(
        bool(effects[relation].eq(same[relation])) for relation in here.updates
    )


NOT_TIED: Mapping[str, str] = {
    "volume": "graphs of `Volume` have writes in sequence, and the layer knows which of them a copy holds",
}
"""The other layers of the proof, and why they are not tied yet."""
