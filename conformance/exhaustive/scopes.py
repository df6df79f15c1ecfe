"""The scopes: what is explored whole, by the constants of a model, and what the network does beside."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import evolve, frozen

from conformance.exhaustive.forgetting import as_performed, leavers
from conformance.exhaustive.reading import eager
from conformance.links import Profile
from spec.cell import Cell
from spec.commands import Ballot, Node
from spec.models import MODELS
from spec.service.reads import Reads
from spec.teaching import Teaching


class Network(StrEnum):
    """Whom a message reaches: those whom it is addressed to, or everyone within the bounds."""

    ADDRESSED = "addressed"
    BROADCAST = "broadcast"


@frozen(kw_only=True)
class Scope:
    """A cell small enough to be taken through everything.

    `model` names the model whose constants it has. With `chatter` questions and refusals travel too, which no guard of
    the specification reads; with `ticks` the nodes' clocks go on, so that they send again what was not answered.
    Where the model has rounds of reads, so many `readers` want to read, again and again.
    """

    name: str
    model: str
    machine: Cell
    network: Network
    profile: Profile
    chatter: bool = False
    ticks: bool = False
    readers: int = 1

    def __attrs_post_init__(self) -> None:
        if self.chatter and isinstance(self.machine, Teaching):
            raise ValueError(f"{self.name}: a snapshot has no address, so nobody asks for it")
        if leavers(self.machine) & self.machine.mortals:
            raise ValueError(f"{self.name}: a node that leaves flushes at once, so it does not crash here")
        if self.ticks and isinstance(self.machine, Reads):
            raise ValueError(f"{self.name}: a round that takes long begins again, which no model of reads has")
        if (self.chatter or self.ticks) and self.machine.mortals:
            raise ValueError(f"{self.name}: what no guard reads waits in no queue, so nodes that crash have no chatter")


def scope(
    model: str,
    profile: Profile,
    network: Network = Network.ADDRESSED,
    *,
    audience: Mapping[Ballot, set[Node]] | None = None,
    learners: set[Node] | None = None,
    chatter: bool = False,
    ticks: bool = False,
    readers: int = 1,
) -> Scope:
    """The scope of a model of `spec.models`, but that all nodes are `strays` of a broadcast network, and else none.

    A smaller `audience` may be given, where that of the model is too much for the code's many states; and `learners`,
    who hear decisions, where the model has none.
    """
    machine = MODELS[model]
    assert isinstance(machine, Cell)
    strays = frozenset(machine.nodes) if network is Network.BROADCAST else frozenset()
    machine = evolve(eager(machine) if isinstance(machine, Reads) else as_performed(machine), strays=strays)
    if audience is not None:
        machine = evolve(machine, audience={b: frozenset(heard) for b, heard in audience.items()})
    if learners is not None:
        machine = evolve(machine, learners=frozenset(learners))
    heard_by = " ".join("".join(map(str, sorted(heard))) or "-" for heard in (audience or {}).values())
    extras = [(f"audience {heard_by}", audience is not None), ("chatter", chatter), ("ticks", ticks)]
    extras.append((f"{readers} readers", readers > 1))
    extras.append((f"learners {''.join(map(str, sorted(learners or ())))}", learners is not None))
    name = ", ".join([f"{model} {network}", *(word for word, is_so in extras if is_so)])
    return Scope(
        name=name, model=model, machine=machine, network=network, profile=profile, chatter=chatter, ticks=ticks,
        readers=readers,
    )  # fmt: skip


_B = Network.BROADCAST

SCOPES: tuple[Scope, ...] = (
    scope("MCCellTwoBallotsRefines", Profile.QUICK, chatter=True),
    scope("MCCellTwoBallotsRefines", Profile.QUICK, _B, ticks=True),
    scope("MCCellNewcomer", Profile.QUICK),
    scope("MCCellChangeRefines", Profile.QUICK, _B),
    scope("MCCellSharedCrash", Profile.QUICK),
    scope("MCCellPipeline", Profile.QUICK),
    scope("MCCellTwoBallots", Profile.QUICK, audience={1: {1, 2, 3}, 2: set()}),
    scope("MCCellThreeBallots", Profile.QUICK, audience={1: {1, 3}, 2: {2, 3}, 3: {1, 2}}),
    scope("MCReadsTwice", Profile.QUICK),
    scope("MCReads", Profile.QUICK),
    scope("MCTeachingJump", Profile.QUICK, audience={1: {1, 2}}, learners={3}),
    scope("MCTeachingStudent", Profile.QUICK, audience={1: {1, 3}, 2: set()}),
    scope("MCTeachingCrash", Profile.QUICK, audience={1: {1, 3}, 2: {1, 2}}),
    scope("MCLeaving", Profile.QUICK),
    scope("MCLeavingFloor", Profile.QUICK),
    scope("MCCellSharedCrash", Profile.DEFAULT, _B),
    scope("MCCellFailedChange", Profile.DEFAULT, _B),
    scope("MCCellChangeIssued", Profile.DEFAULT),
    scope("MCCellNewcomer", Profile.DEFAULT, chatter=True),
    scope("MCCellNewcomerAlpha2", Profile.DEFAULT),
    scope("MCCellChangeAlpha2", Profile.DEFAULT),
    scope("MCCellTwoChanges", Profile.DEFAULT),
    scope("MCCellHole", Profile.DEFAULT),
    scope("MCCellContest", Profile.DEFAULT),
    scope("MCCellChangeCrash", Profile.DEFAULT),
    scope("MCCellContestCrash", Profile.DEFAULT),
    scope("MCReadsTwice", Profile.DEFAULT, audience={1: {1, 3}, 2: set()}, readers=2),
    scope("MCReadsCrash", Profile.DEFAULT),
    scope("MCReadsPipeline", Profile.DEFAULT, audience={1: set(), 2: {2, 3}}),
    scope("MCReadsChange", Profile.DEFAULT),
    scope("MCTeachingChange", Profile.DEFAULT),
    scope("MCTeachingLeader", Profile.DEFAULT, audience={1: {1, 3}, 2: {2, 3}, 3: set()}),
    scope("MCLeavingLost", Profile.DEFAULT),
    scope("MCLeavingCrash", Profile.DEFAULT),
    scope("MCLeavingContest", Profile.DEFAULT),
    scope("MCLeavingAlpha2", Profile.DEFAULT),
    scope("MCCellCrashAlpha2", Profile.DEEP),
    scope("MCCellChange", Profile.DEEP, _B),
    scope("MCCellCrash", Profile.DEEP),
    scope("MCCellTwoBallots", Profile.DEEP),
    scope("MCCellChangeTwoBallots", Profile.DEEP),
    scope("MCCellThreeBallots", Profile.DEEP),
    scope("MCTeachingCrash", Profile.DEEP),
    scope("MCTeachingJump", Profile.DEEP),
)
"""Small ones first: whoever breaks something sees it soon."""
