"""Members leave: a world in which each change brings in a node, and those whom it replaced are told to go (R8, R11).

Chance alone seldom gets a node so far that it may go: it must know that it was replaced, and hear of enough of those
who replaced it. So a run begins with a whole departure, and tries for more of them all along, beside disks that are
lost, orders to make nodes that come again and too late, and words of how far somebody is that are old.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from random import Random

from conformance.lockstep.moves import Moves, pick
from conformance.world.leaving import LeavingWorld, juries
from conformance.world.orders import Create, LoseDisk
from conformance.world.scenario import (
    Deliver,
    Duplicate,
    EndFlush,
    FailFlush,
    Forge,
    Give,
    Happening,
    Haunt,
    Lose,
    Stray,
)
from physalia.model import NO_BALLOT, HowFar, Learned, Leave, Message, NodeId

CHANCE = 0.12
"""How often an event of the driver is followed by one about coming and going."""


class Departing:
    """The moves of coming and going in one world."""

    def __init__(self, moves: Moves, random: Random) -> None:
        assert isinstance(moves.world, LeavingWorld), "nobody leaves other worlds"
        self.moves = moves
        self.world = moves.world
        self.random = random

    def opening(self) -> Iterator[Happening]:
        """One node is replaced by another, with all that comes of it; sometimes the new one too, at once."""
        yield from self._maybe(self.moves.campaign(self.random.choice(sorted(self.world.setup.members))))
        yield from self._calm()
        for _ in range(self.random.choice((1, 1, 2))):
            yield from self.replace()
            if self.random.random() < HALF:
                yield from self._calm()
        yield from self._fill()
        for node in self.replaced():
            yield from self._send_away(node)

    def left_behind(self) -> Iterator[Happening]:
        """A member hears nothing of its own removal, until all others have forgotten what it lacks."""
        yield from self._led()
        leader = self.moves.to_leader(self.random.getrandbits(8))
        out = self.random.choice([node for node in self._jury() if node != leader] or [leader])
        yield from self._replace(leader, out)
        yield from self._fill(deaf=out)
        yield from self._taught_and_sent_away(out)

    def passed_by(self) -> Iterator[Happening]:
        """Somebody new hears nothing as long as it is a member, until all others have forgotten what it lacks."""
        yield from self._led()
        leader = self.moves.to_leader(self.random.getrandbits(8))
        others = [node for node in self._jury() if node != leader]
        if not others:
            return
        new = yield from self._brought_in(leader, self.random.choice(others))
        if new in self._jury():
            yield from self._brought_in(self.moves.to_leader(self.random.getrandbits(8)), new, deaf=new)
            yield from self._taught_and_sent_away(new)

    def _brought_in(self, leader: NodeId, out: NodeId, deaf: NodeId = 0) -> Generator[Happening, None, NodeId]:
        """A node that is made first replaces another, while it, or who is named, hears nothing; 0 if there is none."""
        jury = self._jury()
        change = self.moves.replace(leader, jury.index(out), self.random.getrandbits(8))
        if change is None:
            return 0
        (new,) = change.event.command.members.difference(jury)  # type: ignore[union-attr]
        yield Create(new)
        yield change
        yield from self._fill(deaf=deaf or new)
        return int(new)

    def _led(self) -> Iterator[Happening]:
        if not self.moves.leaders:
            yield from self._maybe(self.moves.campaign(self.random.choice(self._jury())))
            yield from self._calm()

    def _taught_and_sent_away(self, out: NodeId) -> Iterator[Happening]:
        """All others cut their logs; then the node asks, is taught a snapshot, and goes."""
        for packet in [packet for packet in self.world.in_flight if packet.receiver == out]:
            yield Lose(packet.sender, packet.receiver, packet.message)
        for node in sorted(self.world.nodes.keys() - {out} - self.world.departed):
            yield from self._maybe(self.moves.truncate(node, 0))
            yield from self._flushes()
        yield Give(out, Leave())
        yield from self._calm()
        yield from self._send_away(out)

    def one(self) -> Iterator[Happening]:
        """Something about coming and going, as far as it is possible when its turn comes."""
        weighted: tuple[tuple[Callable[[], Iterator[Happening]], int], ...] = (
            (self.replace, 3), (self._leave, 6), (self._anybody_leaves, 2), (self._create, 3), (self._lose_disk, 1),
            (self._words, 5), (self._whole_departure, 2), (self._gone, 2), (self._wait_at_a_leaver, 1),
            (self._told_twice, 2), (self.left_behind, 1), (self.passed_by, 1),
        )  # fmt: skip
        choices, weights = zip(*weighted, strict=True)
        chosen: Callable[[], Iterator[Happening]] = self.random.choices(choices, weights)[0]
        yield from chosen()

    def possible(self, happenings: Iterable[Happening]) -> Iterator[Happening]:
        """What can happen yet of what was chosen: since then a disk may be lost, or its message has arrived."""
        return (happening for happening in happenings if self._is_possible(happening))

    def _is_possible(self, happening: Happening) -> bool:
        match happening:
            case Create(node):
                return node not in self.world.lost
            case LoseDisk(node):
                return self.world.may_lose(node)
            case Deliver() | Duplicate() | Lose() | Forge() | Stray() | Haunt():
                ways = ((one.sender, one.receiver, one.message) for one in self.world.in_flight)
                is_there = not isinstance(happening, Stray) or happening.at in self.world.nodes
                return is_there and (happening.sender, happening.receiver, happening.message) in ways
            case EndFlush(node) | FailFlush(node):
                return bool(self.world.queues.get(node))
            case _:
                return getattr(happening, "node", 0) in self.world.nodes

    def replaced(self) -> list[NodeId]:
        """Who was a member, is none any more, and has not left."""
        jury, *former = reversed(juries(self.world))
        return sorted((jury.union(*former) - jury) & self.world.nodes.keys() - self.world.departed)

    def replace(self) -> Iterator[Happening]:
        """Somebody new, who is made now or later, is to replace a member."""
        yield from self._replace(self.moves.to_leader(self.random.getrandbits(8)), self.random.choice(self._jury()))

    def _jury(self) -> list[NodeId]:
        return sorted(juries(self.world)[-1])

    def _replace(self, leader: NodeId, out: NodeId) -> Iterator[Happening]:
        change = self.moves.replace(leader, self._jury().index(out), self.random.getrandbits(8))
        if change is None:
            return
        if self.random.random() < MADE_FIRST:
            brought_in = sorted(change.event.command.members - self.world.nodes.keys())  # type: ignore[union-attr]
            yield from map(Create, brought_in)
        yield change

    def _send_away(self, node: NodeId) -> Iterator[Happening]:
        """A node is told to leave; what it asks is answered, and it hears the answers, or most of them."""
        yield Give(node, Leave())
        for kind in (HowFar, Learned):
            yield from self._flushes()
            if kind is Learned and self.random.random() < TWICE:
                yield from self._lose_who_speaks(node)
            for packet in list(self.world.in_flight):
                if isinstance(packet.message, kind) and packet in self.world.in_flight and self.random.random() < MOST:
                    way = Duplicate if self.random.random() < TWICE else Deliver
                    yield way(packet.sender, packet.receiver, packet.message)
        yield from self._flushes()
        while self.random.random() < MOST and (due := self.moves.due(0)) is not None:
            yield due

    def _lose_who_speaks(self, node: NodeId) -> Iterator[Happening]:
        """Somebody loses its disk whose word is on its way."""
        words = [one for one in self.world.in_flight if one.receiver == node and isinstance(one.message, Learned)]
        yield from (LoseDisk(one.sender) for one in words[:1])

    def _whole_departure(self) -> Iterator[Happening]:
        if self.random.random() < HALF:
            yield from self._fill()
        for node in self.replaced()[:2]:
            if self.random.random() < HALF:
                yield from self._maybe(self.moves.truncate(node, 0))
            yield from self._send_away(node)

    def _wait_at_a_leaver(self) -> Iterator[Happening]:
        """Somebody asks a leader that was replaced, and then it is sent away."""
        for node in self.replaced():
            if self.world.nodes[node].active != NO_BALLOT:
                yield self.moves.query(node)
                yield from self._send_away(node)

    def _told_twice(self) -> Iterator[Happening]:
        """A node is told to leave, and once more when there was another change: it hears the newest words first."""
        for node in self.replaced()[:1]:
            yield Give(node, Leave())
            yield from self._hear(HowFar, sender=node)
            yield from self.replace()
            yield from self._fill(deaf=node, kind=Learned)
            yield from self._calm(deaf=node, kind=Learned)
            yield Give(node, Leave())
            yield from self._hear(HowFar, sender=node)
            yield from self._hear(Learned, receiver=node, is_newest_first=True)

    def _hear(
        self, kind: type[Message], *, sender: NodeId = 0, receiver: NodeId = 0, is_newest_first: bool = False
    ) -> Iterator[Happening]:
        """Those of these messages arrive that can, and what they cause is flushed."""
        of_kind = [packet for packet in self.world.in_flight if isinstance(packet.message, kind)]
        meant = [one for one in of_kind if sender in (0, one.sender) and receiver in (0, one.receiver)]
        for packet in reversed(meant) if is_newest_first else meant:
            yield Deliver(packet.sender, packet.receiver, packet.message)
            yield from self._flushes()

    def _leave(self) -> Iterator[Happening]:
        if replaced := self.replaced():
            yield Give(self.random.choice(replaced), Leave())

    def _anybody_leaves(self) -> Iterator[Happening]:
        yield Give(self.random.choice(self.moves.node_ids), Leave())

    def _create(self) -> Iterator[Happening]:
        yield Create(self._any())

    def _lose_disk(self) -> Iterator[Happening]:
        yield LoseDisk(self._any())

    def _gone(self) -> Iterator[Happening]:
        """Something happens to a node that left."""
        for node in sorted(self.world.departed)[:2]:
            meant = [packet for packet in self.world.in_flight if packet.receiver == node]
            yield from (Duplicate(one.sender, node, one.message) for one in meant[:2])
            yield self.random.choice((Create(node), self.moves.crash(node, 0), self.moves.query(node)))

    def _words(self) -> Iterator[Happening]:
        """Words of how far somebody is arrive, or are asked for; some stay on their way, and come again."""
        flight = [packet for packet in self.world.in_flight if isinstance(packet.message, HowFar | Learned)]
        if flight:
            packet = pick(flight, self.random.getrandbits(8))
            way = Duplicate if self.random.random() < HALF else Deliver
            yield way(packet.sender, packet.receiver, packet.message)

    def _any(self) -> NodeId:
        return self.random.choice(sorted(self.world.disks))

    def _fill(self, deaf: NodeId = 0, kind: type[Message] | None = None) -> Iterator[Happening]:
        """So many commands that what is decided by now takes effect."""
        yield from self._calm(deaf, kind)
        for _ in range(self.world.setup.alpha):
            yield from self._maybe(self.moves.write(self.moves.to_leader(0), 0))
            yield from self._calm(deaf, kind)

    def _calm(self, deaf: NodeId = 0, kind: type[Message] | None = None) -> Iterator[Happening]:
        """Most of what is due and on its way happens; the `deaf` node hears nothing, or nothing of a kind."""
        for _ in range(STEPS):
            places = (
                place
                for place, packet in enumerate(self.world.in_flight)
                if packet.receiver != deaf or (kind is not None and not isinstance(packet.message, kind))
            )
            place = next(places, None)
            delivery = None if place is None else self.moves.deliver(place)
            following = self.moves.due(0) or self.moves.flush(0) or delivery
            if following is None or self.random.random() < DISTURBED:
                return
            yield following

    def _flushes(self) -> Iterator[Happening]:
        while self.random.random() < MOST and (flush := self.moves.flush(0)) is not None:
            yield flush

    def _maybe(self, happening: Happening | None) -> Iterator[Happening]:
        if happening is not None:
            yield happening


HALF = 0.5
MADE_FIRST = 0.8
MOST = 0.95
TWICE = 0.15
DISTURBED = 0.004
STEPS = 200
