"""Simpler scenarios: fewer nodes and members, a smaller window, plain clocks, low ballots, plain commands.

`complexity` says what simpler means; it is a well-founded order, so making simpler ends. Every proposal is tried by
whoever shrinks, and only taken if it still refutes the code.
"""

from collections.abc import Iterator
from fractions import Fraction

from conformance.world.orders import Create, LoseDisk
from conformance.world.scenario import (
    Calm,
    Crash,
    Deliver,
    Duplicate,
    EndFlush,
    FailFlush,
    FillDisk,
    Forge,
    FreeDisk,
    Give,
    GoBack,
    Happening,
    Haunt,
    Lose,
    Pass,
    Scenario,
    Stray,
)
from conformance.world.setup import Setup
from physalia.model import Ballot, Campaign, NodeId, Read, RequestId, Submit, Write
from physalia.model.value import evolve

NOBODY = 0
"""The name of a node that there is not."""

CALM_EVENTS = 10
"""What calm counts for: it stands for many events, which whoever reads it does not see."""

Simple = tuple[Setup, tuple[Happening, ...]]


def complexity(scenario: Scenario) -> tuple[int, ...]:
    """Events first, then the world, then what the events say."""
    setup, happenings = scenario.setup, scenario.happenings
    clocks = sum(rate != 1 for rate in setup.rates) + sum(clock != 0 for clock in setup.clocks_ms)
    rounds = sum(h.event.ballot.round for h in happenings if isinstance(h, Give) and isinstance(h.event, Campaign))
    kinds = sum(_weight(happening) for happening in happenings)
    ids = sum(_node(happening) for happening in happenings)
    world = setup.nodes, len(setup.members), setup.alpha, clocks
    return _events(happenings), *world, kinds, rounds, ids, _said(happenings)


def _events(happenings: tuple[Happening, ...]) -> int:
    return sum(CALM_EVENTS if isinstance(happening, Calm) else 1 for happening in happenings)


def simpler(scenario: Scenario) -> Iterator[Simple]:
    """Everything that is one step simpler, the largest steps first."""
    yield from _worlds(scenario)
    yield from _renamed(scenario)
    yield from _lowered(scenario)
    setup, happenings = scenario.setup, scenario.happenings
    for place, happening in enumerate(happenings):
        for plain in _plainer(happening, place):
            yield setup, (*happenings[:place], plain, *happenings[place + 1 :])


def _worlds(scenario: Scenario) -> Iterator[Simple]:
    """The same events in a smaller or plainer world; what concerns a node that is gone is left out."""
    setup, happenings = scenario.setup, scenario.happenings
    yield from _without_a_node(scenario)
    for members in range(1, len(setup.members)):
        yield evolve(setup, members=frozenset(range(1, members + 1))), happenings
    for alpha in range(1, setup.alpha):
        yield evolve(setup, alpha=alpha), happenings
    yield evolve(setup, rates=(Fraction(1),) * setup.nodes, clocks_ms=(0,) * setup.nodes), happenings
    yield evolve(setup, rates=(Fraction(1),) * setup.nodes), happenings
    yield evolve(setup, clocks_ms=(0,) * setup.nodes), happenings


def _without_a_node(scenario: Scenario) -> Iterator[Simple]:
    """One node less, whose part nobody takes, or another node."""
    setup, happenings = scenario.setup, scenario.happenings
    everyone = range(1, setup.nodes + 1)
    for gone in everyone if setup.nodes > 1 else ():
        left = {node: node - (node > gone) for node in everyone if node != gone}
        members = frozenset(left[node] for node in setup.members - {gone})
        newcomers = frozenset(left[node] for node in setup.newcomers - {gone})
        smaller = evolve(Setup.of(setup.nodes - 1, 1, setup.alpha, slots=setup.slots), newcomers=newcomers)
        if bool(newcomers) != bool(setup.newcomers) or newcomers & (members or smaller.members):
            continue  # nobody leaves a world that nobody comes to
        for heir in (NOBODY, *left.values()):
            names = {**left, gone: heir}
            renamed = tuple(_rename(happening, names) for happening in happenings)
            yield evolve(smaller, members=members or smaller.members), renamed


def _lowered(scenario: Scenario) -> Iterator[Simple]:
    """All rounds as low as their order allows, or lower by as much as the lowest can be."""
    setup, happenings = scenario.setup, scenario.happenings
    rounds = sorted({h.event.ballot.round for h in happenings if isinstance(h, Give) and isinstance(h.event, Campaign)})
    ranks = {round_: rank for rank, round_ in enumerate(rounds, start=1)}
    shifts = {round_: round_ - rounds[0] + 1 for round_ in rounds}
    for new in (ranks, shifts):
        if new.keys() != set(new.values()):
            yield setup, tuple(_with_rounds(happening, new) for happening in happenings)


def _with_rounds(happening: Happening, rounds: dict[int, int]) -> Happening:
    match happening:
        case Give(node, Campaign(ballot)):
            return Give(node, Campaign(Ballot(rounds[ballot.round], ballot.node)))
        case _:
            return happening


def _renamed(scenario: Scenario) -> Iterator[Simple]:
    """Two nodes change places, if both are members or neither is: clocks stay where they are."""
    setup, happenings = scenario.setup, scenario.happenings
    for one in range(1, setup.nodes):
        for other in range(one + 1, setup.nodes + 1):
            if (one in setup.members) == (other in setup.members):
                names = {one: other, other: one}
                yield setup, tuple(_rename(happening, names) for happening in happenings)


def _rename(happening: Happening, names: dict[NodeId, NodeId]) -> Happening:
    """The event with other nodes. Messages are not rewritten: the one that takes their place is found in flight."""

    def new(node: NodeId) -> NodeId:
        return names.get(node, node)

    match happening:
        case Give(node, Campaign(ballot)):
            return Give(new(node), Campaign(Ballot(ballot.round, new(ballot.node))))
        case (
            Give(node)
            | Pass(node)
            | EndFlush(node)
            | FailFlush(node)
            | FillDisk(node)
            | FreeDisk(node)
            | Crash(node)
            | GoBack(node)
            | Create(node)
            | LoseDisk(node)
        ):
            return evolve(happening, node=new(node))
        case Forge(sender, receiver, _, name):
            return evolve(happening, sender=new(sender), receiver=new(receiver), name=new(name))
        case Stray(sender, receiver, _, at):
            return evolve(happening, sender=new(sender), receiver=new(receiver), at=new(at))
        case Deliver(sender, receiver) | Duplicate(sender, receiver) | Lose(sender, receiver) | Haunt(sender, receiver):
            return evolve(happening, sender=new(sender), receiver=new(receiver))
        case _:
            return happening


def _plainer(happening: Happening, place: int) -> Iterator[Happening]:
    """The event with less in it. A command is named after its place, so that no two have one request."""
    match happening:
        case Duplicate(sender, receiver, message):
            yield Deliver(sender, receiver, message)
        case Give(node, Campaign(ballot)):
            for round_ in (*range(1, min(ballot.round, 8)), ballot.round // 2, ballot.round - 1):
                if 1 <= round_ < ballot.round:
                    yield Give(node, Campaign(Ballot(round_, ballot.node)))
        case Give(node, Submit(command)):
            request = RequestId("x", place + 1)
            yield Give(node, Submit(Read(request)))
            if isinstance(command, Write):
                yield Give(node, Submit(Write(request, 0, "a", "b")))
                yield Give(node, Submit(evolve(command, request=request)))
        case Pass(node, elapsed_ms):
            yield from (Pass(node, shorter) for shorter in (1, 200) if shorter < elapsed_ms)
        case Crash(node, keep) if keep > 0:
            yield Crash(node, 0)
        case GoBack(node, records):
            yield from (GoBack(node, fewer) for fewer in range(records))
        case FailFlush(node, keep):
            yield Crash(node, keep)
            yield FailFlush(node, 0)


def _node(happening: Happening) -> int:
    match happening:
        case (
            Give(node)
            | Pass(node)
            | EndFlush(node)
            | FailFlush(node)
            | FillDisk(node)
            | FreeDisk(node)
            | Crash(node)
            | GoBack(node)
            | Create(node)
            | LoseDisk(node)
        ):
            return node
        case Deliver(sender, receiver) | Duplicate(sender, receiver) | Lose(sender, receiver) | Haunt(sender, receiver):
            return sender + receiver
        case _:
            return 0


def _weight(happening: Happening) -> int:
    """A plain arrival weighs less than a duplicate, a restart that keeps nothing less than one that keeps something."""
    match happening:
        case Duplicate() | Forge() | Stray() | Haunt():
            return 1
        case Pass(_, elapsed_ms):
            return elapsed_ms
        case Crash(_, keep):
            return keep
        case FailFlush(_, keep):
            return 1 + keep
        case GoBack(_, records):
            return records
        case _:
            return 0


def _said(happenings: tuple[Happening, ...]) -> int:
    """How much the commands say that clients ask for."""
    commands = [h.event.command for h in happenings if isinstance(h, Give) and isinstance(h.event, Submit)]
    return sum(2 * (not isinstance(command, Read)) + getattr(command, "expects", 0) for command in commands)
