"""The layers of the proof by name, and which one each stands on."""

from functools import cache

from attrs import frozen

from spec.induction.formulas.kernel import Layer, System
from spec.induction.layers.ballots import Ballots
from spec.induction.layers.disk import Disk
from spec.induction.layers.knowledge import Knowledge
from spec.induction.layers.leaving import Leaving
from spec.induction.layers.outbox import Outbox
from spec.induction.layers.reads import Reads
from spec.induction.layers.truncation import Truncation
from spec.induction.layers.volume import Volume


@frozen
class Floor:
    """A layer, and the name of the layer that it extends; empty for the lowest."""

    layer: type[Layer]
    on: str


LAYERS: dict[str, Floor] = {
    "ballots": Floor(Ballots, ""),
    "disk": Floor(Disk, "ballots"),
    "outbox": Floor(Outbox, "disk"),
    "knowledge": Floor(Knowledge, "disk"),
    "reads": Floor(Reads, "knowledge"),
    "truncation": Floor(Truncation, "reads"),
    "leaving": Floor(Leaving, "truncation"),
    "volume": Floor(Volume, ""),
}
"""In the order in which they are proved."""


@cache
def system_of(name: str) -> System:
    """The formulas of a layer; KeyError if there is none of that name."""
    return LAYERS[name].layer().system()


def with_what_they_stand_on(names: tuple[str, ...]) -> tuple[str, ...]:
    """These layers and all that they extend, lowest first; all layers if none is named."""
    wanted = set(names or LAYERS)
    for name, floor in reversed(LAYERS.items()):
        if name in wanted and floor.on:
            wanted.add(floor.on)
    return tuple(name for name in LAYERS if name in wanted)
