"""A quarrel: somebody takes over, and what he sends arrives here and there, or does not.

Everything that is subtle about this protocol lies in what a new proposer finds out of an old one's half-finished work.
Chance alone seldom leaves such work behind, so some runs begin with a few of these.
"""

from collections.abc import Collection, Iterator
from random import Random

from conformance.lockstep.moves import Moves
from conformance.world.outcomes import Packet
from conformance.world.scenario import Deliver, Duplicate, Give, Happening, Lose, Stray
from physalia.model import (
    Ask,
    Chunk,
    Consult,
    Decision,
    Echo,
    Install,
    Internal,
    Message,
    NodeId,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Refusal,
    Round,
    Take,
    Vote,
)


def quarrel(moves: Moves, random: Random) -> Iterator[Happening]:
    """One campaign with a few commands, of whose messages a part arrives; each kind has a chance of its own."""
    leader = random.choice(moves.node_ids)
    yield from _maybe(moves.campaign(leader))
    yield from _sift(moves, random, Prepare, random.choice((0.7, 0.9, 1.0)))
    yield from _sift(moves, random, Promise, random.choice((0.8, 1.0)))
    for _ in range(random.randint(0, moves.world.setup.alpha + 1)):
        yield from _maybe(_command(moves, random, leader))
    yield from _all_due(moves, random, 0.9)
    yield from _sift(moves, random, Proposal, random.choice((0.2, 0.4, 0.6, 1.0)))
    yield from _sift(moves, random, Vote, random.choice((0.0, 0.3, 0.6, 1.0)))
    yield from _all_due(moves, random, 0.7)
    yield from _sift(moves, random, Decision, random.choice((0.0, 0.5, 1.0)))
    yield from _all_due(moves, random, 0.7)


def echo(moves: Moves, random: Random) -> Iterator[Happening]:
    """Three leaders in turn, so that a command that a client repeats ends up in two slots.

    The first gets one vote for it in slot 1. The second, unaware of that, fails with another command in slot 1 and gets
    one vote for the repeated one in slot 2. The third hears of both votes, and is bound by both.
    """
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    everyone = frozenset(moves.node_ids)
    yield from _lead(moves, first, 0, everyone)
    yield from _maybe(moves.write(first, 0))
    yield from _propose(moves, {first})
    yield from _lead(moves, second, 2, everyone - {first})
    yield from _maybe(moves.write(second, 0))
    yield from _maybe(moves.retry(second, -2))
    yield from _propose(moves, {third}, above_slot=1)
    yield from _lead(moves, third, 2, everyone)
    yield from _propose(moves, everyone)
    yield from _only(moves, Vote, everyone)
    yield from _all_due(moves, random, 1.0)


def waited_for(moves: Moves, leader: NodeId) -> Iterator[Happening]:
    """Somebody leads, and others wait at that node: for a read, and for a command."""
    yield from _lead(moves, leader, 2, frozenset(moves.node_ids))
    yield moves.query(leader)
    yield from _maybe(moves.write(leader, 0))


def silence(moves: Moves, leader: NodeId) -> Iterator[Happening]:
    """Somebody fills a window to which nobody answers, and sends all of it again."""
    yield from _lead(moves, leader, 2, frozenset(moves.node_ids))
    for _ in range(moves.world.setup.alpha):
        yield from _maybe(moves.write(leader, 0))
    yield from _propose(moves, ())
    for _ in range(2):
        yield moves.tick(leader, 700)


def hole(moves: Moves, random: Random) -> Iterator[Happening]:
    """A leader pipelines two commands, of which only the second gets votes; its successor has nothing to put below."""
    first, second = random.sample(sorted(moves.world.setup.members), 2)
    everyone = frozenset(moves.node_ids)
    yield from _lead(moves, first, 0, everyone)
    yield from _maybe(moves.write(first, 0))
    yield from _maybe(moves.write(first, 1))
    yield from _propose(moves, everyone, above_slot=1)
    yield from _lead(moves, second, 2, everyone)
    yield from _propose(moves, everyone)


def dispute(moves: Moves, random: Random) -> Iterator[Happening]:
    """Two leaders get one vote each for different commands in slot 1; the third hears of both, in either order.

    Half of the time the second knows nothing of the first, so that their ballots are of one round.
    """
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    everyone = frozenset(moves.node_ids)
    is_unaware = random.random() < 0.5  # noqa: PLR2004  # half of the time
    if is_unaware:
        first, second = sorted((first, second))
    yield from _lead(moves, first, 0, everyone - {second} if is_unaware else everyone)
    yield from _maybe(moves.write(first, 0))
    yield from _propose(moves, {first})
    yield from _lead(moves, second, 0 if is_unaware else 2, everyone - {first})
    yield from _maybe(moves.write(second, 0))
    yield from _propose(moves, {second})
    yield from _lead(moves, third, 2, everyone)


def hearsay(moves: Moves, random: Random) -> Iterator[Happening]:
    """A hole of which only a newcomer tells, who is no member for it and voted above it, where the change counts."""
    setup = moves.world.setup
    first, second, leaving = random.sample(sorted(setup.members), 3)
    others = sorted(set(moves.node_ids) - setup.members)
    if not others or setup.alpha == 1:
        return
    newcomer, everyone = random.choice(others), frozenset(moves.node_ids)
    yield from _lead(moves, first, 0, everyone)
    yield from _changed(moves, random, first, setup.members - {leaving} | {newcomer})
    for _ in range(setup.alpha):
        yield from _maybe(moves.write(first, 0))
    yield from _propose(moves, {newcomer}, above_slot=setup.alpha)
    yield from _lead(moves, second, 2, everyone)
    yield from _propose(moves, everyone)


def impatience(moves: Moves, random: Random) -> Iterator[Happening]:
    """A leader whose proposal got lost looks at its clock until it sends it again, and another command waits then."""
    leader = random.choice(sorted(moves.world.setup.members))
    everyone = frozenset(moves.node_ids)
    yield from _lead(moves, leader, 0, everyone)
    yield from _maybe(moves.write(leader, 0))
    yield from _propose(moves, ())
    yield from _maybe(moves.write(leader, 1))
    for _ in range(2):
        yield moves.tick(leader, 700)
    yield from _only(moves, Proposal, everyone)


def acknowledgements(moves: Moves, random: Random) -> Iterator[Happening]:
    """A member acknowledges two decisions, the later one arrives first, and the leader looks at its clock."""
    leader, member = random.sample(sorted(moves.world.setup.members), 2)
    everyone = frozenset(moves.node_ids)
    yield from _lead(moves, leader, 0, everyone)
    for slip in (0, 0):
        yield from _maybe(moves.write(leader, slip))
        yield from _propose(moves, everyone)
        yield from _only(moves, Vote, {leader})
        yield from _all_due(moves, random, 1.0)
        told = [p for p in moves.world.in_flight if isinstance(p.message, Decision) and p.receiver == member]
        for packet in told:
            yield Duplicate(packet.sender, packet.receiver, packet.message)
            yield from _all_due(moves, random, 1.0)
            yield Deliver(packet.sender, packet.receiver, packet.message)
    asks = [p for p in moves.world.in_flight if isinstance(p.message, Ask) and p.sender == member]
    for packet in sorted(asks, key=_prefix, reverse=True):
        yield Deliver(packet.sender, packet.receiver, packet.message)
    for _ in range(2):
        yield moves.tick(leader, 700)


def forgotten(moves: Moves, random: Random) -> Iterator[Happening]:
    """Two of three decide and truncate; the third takes over, unaware, with what it voted for last.

    A change is among what was decided, and now and then it counts no sooner than what comes next.
    """
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    everyone = frozenset(moves.node_ids)
    others = sorted(set(moves.node_ids) - moves.world.setup.members)
    yield from _lead(moves, first, 0, everyone)
    for place in range(random.choice((2, 3, 4))):
        is_change = place == 1 and others and random.choice((True, False))
        leaving, newcomer = random.choice((third, second)), random.choice(others or [first])
        members = moves.world.setup.members - {leaving} | {newcomer}
        yield from _maybe(moves.change(first, 0, members) if is_change else moves.write(first, 0))
        hears = everyone if random.choice((True, False)) else everyone - {third}
        yield from _propose(moves, hears)
        yield from _only(moves, Vote, {first})
        yield from _all_due(moves, random, 1.0)
        yield from _only(moves, Decision, {second})
        yield from _all_due(moves, random, 1.0)
    for node in random.sample((first, second), random.choice((1, 2, 2))):
        yield from _maybe(moves.truncate(node, random.choice((0, 0, 1))))
    yield from _maybe(moves.campaign(third, 2))
    yield from _maybe(moves.write(third, 0))
    yield from _maybe(moves.query(third))
    yield from _only(moves, Prepare, everyone)
    for kind in (Promise, Decision, Ask):
        yield from _only(moves, kind, everyone)
    yield from _sift(moves, random, Chunk, random.choice((0.5, 1.0)))


SOME_COMMANDS = (5, 6)
"""Of a small store: the log of so many weighs more than a lesson may, and less than what they leave behind."""
MANY_COMMANDS = 12
"""Of a small store: the log of so many weighs more than what they leave behind, sessions and all."""


def outweighed(moves: Moves, random: Random) -> Iterator[Happening]:
    """Two of three decide much that overwrites itself; the third, which heard nothing of it, is told to ask.

    And once more, as soon as it knows what it was taught: that lesson is of no use any more.
    """
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    yield from _lead(moves, first, 0, frozenset(moves.node_ids))
    for _ in range(2):
        yield from _overwritten(moves, random, first, second, MANY_COMMANDS)
        yield moves.inquire(third, len(moves.node_ids))
        yield from _only(moves, Ask, {first, second})
        yield from _sift(moves, random, Chunk, random.choice((0.5, 1.0)))
        while any(isinstance(packet.message, Take | Chunk) for packet in moves.world.in_flight):
            for kind in (Take, Chunk):
                yield from _only(moves, kind, frozenset(moves.node_ids))
        yield from (Give(third, event) for event in _due_at(moves, third, Install))


def asked_twice(moves: Moves, random: Random) -> Iterator[Happening]:
    """Two of three decide more than one lesson may weigh, and less than a snapshot does.

    The third asks twice for all of it, and once it knows what it was taught, twice for the rest. Of either question
    one arrives at once, and the others when both were answered: they bring nothing.
    """
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    yield from _lead(moves, first, 0, frozenset(moves.node_ids))
    yield from _overwritten(moves, random, first, second, random.choice(SOME_COMMANDS))
    for _ in range(2):
        prefix = len(moves.world.nodes[third].known)
        for _ in range(2):
            yield moves.inquire(third, len(moves.node_ids))
        asked = [one for one in moves.world.in_flight if one.message == Ask(prefix) and one.receiver == first]
        yield from arrive(moves, asked[:1])
        yield from _only(moves, Decision, {third})
        yield from _all_due(moves, random, 1.0)
    yield from _only(moves, Ask, {first})


def _overwritten(moves: Moves, random: Random, first: NodeId, second: NodeId, commands: int) -> Iterator[Happening]:
    """These two decide so many commands, of which only the last ones are to be seen."""
    for _ in range(commands):
        yield from _maybe(moves.transact(first))
        yield from _propose(moves, {first, second})
        yield from _only(moves, Vote, {first})
        yield from _all_due(moves, random, 1.0)
        yield from _only(moves, Decision, {second})
        yield from _all_due(moves, random, 1.0)


def straying(moves: Moves, random: Random) -> Iterator[Happening]:
    """A proposal goes astray to a node that is no member, and its vote is the first to arrive.

    Then that node becomes one, and votes for what went astray again, in a slot before its own, the last that anybody
    voted in: whoever takes over hears of that from nobody who counts there, and there is nothing to fill.
    """
    members = sorted(moves.world.setup.members)
    others = sorted(set(moves.node_ids) - moves.world.setup.members)
    if not others:
        return
    leader, outsider, everyone = random.choice(members), random.choice(others), frozenset(moves.node_ids)
    yield from _lead(moves, leader, 0, everyone)
    yield from _maybe(moves.write(leader, 0))
    yield from _all_due(moves, random, 1.0)
    for packet in [packet for packet in moves.world.in_flight if isinstance(packet.message, Proposal)][:1]:
        yield Stray(packet.sender, packet.receiver, packet.message, outsider)
    yield from _only(moves, Vote, {leader})
    yield from _only(moves, Proposal, everyone)
    yield from _only(moves, Vote, everyone)
    yield from _all_due(moves, random, 1.0)
    leaving, second = random.sample([node for node in members if node != leader], 2)
    yield from _changed(moves, random, leader, moves.world.setup.members - {leaving} | {outsider})
    yield from _maybe(moves.write(leader, 0))
    yield from _all_due(moves, random, 1.0)
    for packet in [packet for packet in moves.world.in_flight if isinstance(packet.message, Proposal)][:1]:
        yield Stray(packet.sender, packet.receiver, packet.message, outsider)
    yield from _only(moves, Proposal, ())
    yield from _lead(moves, second, 2, everyone)
    yield from _propose(moves, everyone)


def _changed(moves: Moves, random: Random, leader: NodeId, members: frozenset[NodeId]) -> Iterator[Happening]:
    """A change of the members is decided, and everybody hears of it."""
    everyone = frozenset(moves.node_ids)
    yield from _maybe(moves.change(leader, 0, members))
    yield from _propose(moves, everyone)
    for kind in (Vote, Decision, Prepare, Promise):
        yield from _only(moves, kind, everyone)
        yield from _all_due(moves, random, 1.0)


def _prefix(packet: Packet) -> int:
    return packet.message.prefix if isinstance(packet.message, Ask) else 0


def outbid(moves: Moves, random: Random) -> Iterator[Happening]:
    """A leader's proposal is refused by two who follow different higher ballots, and the higher refusal comes first."""
    first, second, third = random.sample(sorted(moves.world.setup.members), 3)
    yield from _lead(moves, first, 0, frozenset(moves.node_ids))
    yield from _lead(moves, second, 2, frozenset({second}))
    yield from _lead(moves, third, 5, frozenset({third}))
    yield from _maybe(moves.write(first, 0))
    yield from _propose(moves, {second, third})
    for sender in (third, second):
        yield from (Deliver(*packet) for packet in _refusals(moves, sender))


def _refusals(moves: Moves, sender: int) -> list[tuple[int, int, Message]]:
    return [
        (packet.sender, packet.receiver, packet.message)
        for packet in moves.world.in_flight
        if isinstance(packet.message, Refusal) and packet.sender == sender
    ]


def _lead(moves: Moves, leader: int, jump: int, heard_by: frozenset[int]) -> Iterator[Happening]:
    yield from _maybe(moves.campaign(leader, jump))
    yield from _only(moves, Prepare, heard_by)
    yield from _only(moves, Promise, heard_by)


def _propose(moves: Moves, heard_by: Collection[int], above_slot: int = 0) -> Iterator[Happening]:
    while (due := moves.due(0)) is not None:
        yield due
    yield from _only(moves, Proposal, heard_by, above_slot)


def _only(moves: Moves, kind: type[Message], receivers: Collection[int], above_slot: int = 0) -> Iterator[Happening]:
    """The messages of a kind arrive at these nodes, if they are for a slot above that one, and are lost elsewhere."""
    for packet in [packet for packet in moves.world.in_flight if isinstance(packet.message, kind)]:
        slot = packet.message.slot if isinstance(packet.message, Proposal) else 1
        event = Deliver if packet.receiver in receivers and slot > above_slot else Lose
        yield event(packet.sender, packet.receiver, packet.message)


def _command(moves: Moves, random: Random, leader: int) -> Happening | None:
    """An old command once more, or a new one; changes where there are nodes to change to."""
    what = random.choice(("retry", "retry", "change", "write", "write"))
    if what == "retry":
        return moves.retry(leader, random.getrandbits(8))
    others = sorted(set(moves.node_ids) - moves.members_now())
    if what == "change" and others:
        members = moves.members_now()
        return moves.change(leader, 0, members - {random.choice(sorted(members))} | {random.choice(others)})
    return moves.write(leader, random.choice((0, 0, 1)))


def _sift(moves: Moves, random: Random, kind: type[Message], chance: float) -> Iterator[Happening]:
    """Every message of a kind that is in flight now arrives with this chance, and is lost otherwise or left there."""
    packets = [packet for packet in moves.world.in_flight if isinstance(packet.message, kind)]
    random.shuffle(packets)
    for packet in packets:
        if random.random() < chance:
            yield Deliver(packet.sender, packet.receiver, packet.message)
        elif random.choice((True, True, True, False)):
            yield Lose(packet.sender, packet.receiver, packet.message)


def _all_due(moves: Moves, random: Random, chance: float) -> Iterator[Happening]:
    """What is due is done, with this chance after each step, until nothing is left."""
    while random.random() < chance:
        due = moves.due(random.getrandbits(8))
        if due is None:
            return
        yield due


def _maybe(happening: Happening | None) -> Iterator[Happening]:
    if happening is not None:
        yield happening


def overtaken(moves: Moves, node: NodeId) -> Iterator[Happening]:
    """A read comes when a slot is open, and its echoes are faster than the votes: it has to wait for them (R7)."""
    if (write := moves.write(node, 0)) is not None:
        yield write
    for event in _due_at(moves, node, Propose):
        yield Give(node, event)
    yield moves.query(node)
    for event in _due_at(moves, node, Consult):
        yield Give(node, event)
    for kind in (Round, Echo):
        yield from arrive(moves, [one for one in moves.world.in_flight if isinstance(one.message, kind)])


def arrive(moves: Moves, packets: Collection[Packet]) -> Iterator[Happening]:
    """These messages arrive, in this order, as far as they are still in flight."""
    for packet in packets:
        if packet in moves.world.in_flight:
            yield Deliver(packet.sender, packet.receiver, packet.message)


def _due_at(moves: Moves, node: NodeId, kind: type[Internal]) -> list[Internal]:
    return [event for event in moves.world.due[node] if isinstance(event, kind)]
