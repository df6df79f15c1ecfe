"""The scopes: what is explored whole, by the constants of a model, and what the network does beside."""

from enum import StrEnum

from attrs import evolve, frozen

from conformance.links import Profile
from spec.cell import Cell
from spec.models import MODELS


class Network(StrEnum):
    """Whom a message reaches: those whom it is addressed to, or everyone within the bounds."""

    ADDRESSED = "addressed"
    BROADCAST = "broadcast"


@frozen(kw_only=True)
class Scope:
    """A cell small enough to be taken through everything.

    `model` names the model whose constants it has. With `chatter` questions and refusals travel too, which no guard of
    the specification reads; with `ticks` the nodes' clocks go on, so that they send again what was not answered.
    """

    name: str
    model: str
    machine: Cell
    network: Network
    profile: Profile
    chatter: bool = False
    ticks: bool = False

    def __attrs_post_init__(self) -> None:
        if (self.chatter or self.ticks) and self.machine.mortals:
            raise ValueError(f"{self.name}: what no guard reads waits in no queue, so nodes that crash have no chatter")


def scope(
    model: str, profile: Profile, network: Network = Network.ADDRESSED, *, chatter: bool = False, ticks: bool = False
) -> Scope:
    """The scope of a model of `spec.models`, but that all nodes are `strays` of a broadcast network, and else none."""
    machine = MODELS[model]
    assert isinstance(machine, Cell)
    strays = frozenset(machine.nodes) if network is Network.BROADCAST else frozenset()
    machine = evolve(machine, strays=strays)
    extras = [word for word, is_on in (("chatter", chatter), ("ticks", ticks)) if is_on]
    name = ", ".join([f"{model} {network}", *extras])
    return Scope(
        name=name, model=model, machine=machine, network=network, profile=profile, chatter=chatter, ticks=ticks
    )


SCOPES: tuple[Scope, ...] = (
    scope("MCCellTwoBallotsRefines", Profile.QUICK, Network.BROADCAST),
    scope("MCCellSharedCrash", Profile.QUICK),
)  # fmt: skip
