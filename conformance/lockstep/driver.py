"""The seeded random driver: long runs that get somewhere, each with habits of its own.

A uniform choice of events hardly ever decides anything, and one fixed mixture always finds the same things. So every
run draws its habits first (how lossy, how hasty, how quarrelsome, how crash-prone it is) and then lives by them; a
run goes through moods, in some of which the network is cut in two.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random

from attrs import frozen

from conformance.lockstep.moves import OF_ANOTHER, Moves
from conformance.lockstep.quarrel import (
    acknowledgements,
    dispute,
    echo,
    hearsay,
    hole,
    impatience,
    outbid,
    quarrel,
    straying,
)
from conformance.world.outcomes import Packet
from conformance.world.scenario import Crash, Deliver, Duplicate, EndFlush, Happening
from physalia.model import NodeId, Proposal

THREE = 3

_JUMPS = (0, 0, 0, 0, 0, 1, 3, -1, -2, OF_ANOTHER)
"""How many rounds a campaign goes above what it needs."""


@frozen(kw_only=True)
class Habits:
    """How one run behaves. Weights are relative to each other; chances are between 0 and 1."""

    deliver: float
    lose: float
    duplicate: float
    submit: float
    change: float
    campaign: float
    crash: float
    tick: float
    prompt: float
    undue: float
    forge: float
    linger: float
    disorder: float
    upside_down: float
    quarrels: int
    opening: Callable[[Moves, Random], Iterator[Happening]] | None
    patience: float
    fail: float
    fill: float
    haunt: float
    truncate: float

    @classmethod
    def draw(cls, random: Random, *, with_changes: bool, members: int) -> "Habits":
        """Habits for one run. Most runs lack some kind of trouble, so that others get far. Openings take three."""
        openings = (dispute, echo, hearsay, hole, outbid, impatience, acknowledgements, straying, None, None)

        def sometimes(chance: float, low: float, high: float) -> float:
            return random.uniform(low, high) if random.random() < chance else 0.0

        return cls(
            deliver=60,
            lose=sometimes(0.5, 1, 12),
            duplicate=sometimes(0.6, 1, 12),
            submit=random.uniform(3, 12),
            change=random.uniform(1, 5) if with_changes else 0.0,
            campaign=random.choice((0.3, 1, 3, 6)),
            crash=sometimes(0.7, 0.5, 5),
            tick=random.uniform(0.5, 4),
            prompt=random.choice((1.0, 0.9, 0.6, 0.3)),
            undue=random.choice((1.0, 4.0, 10.0)),
            forge=sometimes(0.5, 2, 8),
            linger=sometimes(0.5, 0.05, 0.6),
            disorder=random.choice((0.0, 0.2, 1.0)),
            upside_down=sometimes(0.4, 0.1, 0.9),
            quarrels=random.choice((0, 2, 4, 7)),
            opening=random.choice(openings) if members >= THREE else None,
            patience=random.choice((0.0, 0.5, 0.9)),
            fail=sometimes(0.4, 0.02, 0.2),
            fill=sometimes(0.4, 0.3, 1.5),
            haunt=sometimes(0.4, 0.3, 3),
            truncate=sometimes(0.5, 0.5, 4),
        )


class Driver:
    """Chooses what happens next in one world, from one source of randomness and nothing else."""

    def __init__(self, moves: Moves, random: Random) -> None:
        self.moves = moves
        self.random = random
        setup = moves.world.setup
        self.with_changes = setup.nodes > len(setup.members)
        self.habits = Habits.draw(random, with_changes=self.with_changes, members=len(setup.members))
        self.cut: frozenset[NodeId] = frozenset()
        self.is_busy = True
        self.plan: deque[Happening] = deque()
        self._weighted: list[tuple[Callable[[], Happening | None], float]] = [
            (self._deliver, self.habits.deliver),
            (self._lose, self.habits.lose),
            (self._duplicate, self.habits.duplicate),
            (self._submit, self.habits.submit),
            (self._change, self.habits.change),
            (self._campaign, self.habits.campaign),
            (self._crash, self.habits.crash),
            (self._tick, self.habits.tick),
            (self._flush, self.habits.deliver / 4),
            (self._undue, self.habits.undue),
            (self._forge, self.habits.forge),
            (self._fill, self.habits.fill),
            (self._free, 3 * self.habits.fill),
            (self._haunt, self.habits.haunt),
            (self._truncate, self.habits.truncate),
        ]
        self._choices = [move for move, _ in self._weighted]
        self._weights = [weight for _, weight in self._weighted]

    def happenings(self, length: int) -> Iterator[Happening]:
        """`length` events, each chosen when the one before it has happened."""
        yield from islice(self._all(), length)

    def _all(self) -> Iterator[Happening]:
        if self.habits.opening is not None:
            yield from self.flushed(self.habits.opening(self.moves, self.random))
        for _ in range(self.habits.quarrels):
            yield from self.flushed(quarrel(self.moves, self.random))
            if self._likely(self.habits.crash / 5):
                yield self.moves.crash(self._node(), self.random.getrandbits(8))
        while True:
            happening = self.next()
            if happening is not None:
                yield happening

    def flushed(self, happenings: Iterator[Happening]) -> Iterator[Happening]:
        """Whoever planned these counts on flushes that end at once, and mostly they do."""
        for happening in happenings:
            yield happening
            is_late = self._likely((1 - self.habits.prompt) / 4)
            while not is_late and (flush := self.moves.flush(0)) is not None:
                yield flush

    def next(self) -> Happening | None:
        """The next event, or None if the move that came up has nothing to do."""
        while self.plan:
            planned = self.plan.popleft()
            if self._is_possible(planned):
                return planned
        random = self.random
        if self._likely(self.habits.prompt) and (flush := self._disk()) is not None:
            return flush
        if self._likely(0.03):
            self._change_mood()
        if self._likely(self.habits.undue / 100):
            return self._undue()
        if not self._likely(self.habits.linger):
            due = self.moves.due(random.getrandbits(16))
            if due is not None:
                return due
        if not self.moves.leaders and self._likely(0.3):
            return self._campaign()
        move: Callable[[], Happening | None] = random.choices(self._choices, self._weights)[0]
        return move()

    def _is_possible(self, planned: Happening) -> bool:
        """Whether what was to be delivered is still in flight: whoever steers may have had it delivered meanwhile."""
        if not isinstance(planned, Deliver):
            return True
        ways = ((one.sender, one.receiver, one.message) for one in self.moves.world.in_flight)
        return (planned.sender, planned.receiver, planned.message) in ways

    def _likely(self, chance: float) -> bool:
        return self.random.random() < chance

    def _change_mood(self) -> None:
        """Cut the network in two or mend it; clients go away or come back."""
        self.is_busy = self._likely(0.6)
        ids = self.moves.node_ids
        size = self.random.choice((0, 0, 1, len(ids) // 2))
        self.cut = frozenset(self.random.sample(list(ids), size))

    def _place(self) -> int:
        """A message that may cross the network now, the oldest or any; -1 if there is none."""
        flight, random = self.moves.world.in_flight, self.random
        places: Sequence[int] = range(len(flight))
        if self.cut:
            places = [p for p in places if (flight[p].sender in self.cut) == (flight[p].receiver in self.cut)]
        if not places:
            return -1
        if self._likely(self.habits.upside_down):
            return max(places, key=lambda place: (_proposed_slot(flight[place]), -place))
        return random.choice(places) if self._likely(self.habits.disorder) else places[0]

    def _deliver(self) -> Happening | None:
        place = self._place()
        return None if place < 0 else self.moves.deliver(place)

    def _duplicate(self) -> Happening | None:
        place = self._place()
        return None if place < 0 else self.moves.duplicate(place)

    def _lose(self) -> Happening | None:
        """Any message is lost; or, where the world is upside down, what is proposed in the lowest slot."""
        flight, random = self.moves.world.in_flight, self.random
        if flight and self._likely(self.habits.upside_down):
            proposals = [place for place, packet in enumerate(flight) if _proposed_slot(packet) > 0]
            return self.moves.lose(min(proposals, key=lambda place: _proposed_slot(flight[place]), default=0))
        return self.moves.lose(random.getrandbits(16))

    def _forge(self) -> Happening | None:
        """A message under a wrong name, or a proposal at a wrong place."""
        move = self.moves.forge if self._likely(0.5) else self.moves.stray
        return move(self.random.getrandbits(16), self._node())

    def _node(self) -> NodeId:
        return self.random.choice(self.moves.node_ids)

    def _target(self) -> NodeId:
        """Whom a client asks: mostly who leads."""
        return self.moves.to_leader(self.random.getrandbits(8)) if self._likely(0.85) else self._node()

    def _submit(self) -> Happening | None:
        if not self.is_busy:
            return None
        what = self.random.choice(("retry", "read", "write", "write", "write"))
        if what == "retry":
            return self.moves.retry(self._target(), -1 - self.random.getrandbits(2))
        return self.moves.read(self._target()) if what == "read" else self.moves.write(self._target(), self._slip())

    def _change(self) -> Happening | None:
        setup = self.moves.world.setup
        if setup.newcomers:
            return self.moves.replace(self._target(), self.random.getrandbits(8), self.random.getrandbits(8))
        usual = len(setup.members)
        size = min(setup.nodes, self.random.choice((usual, usual, max(1, usual - 1), 2)))
        members = frozenset(self.random.sample(list(self.moves.node_ids), size))
        return self.moves.change(self._target(), self._slip(), members)

    def _slip(self) -> int:
        """By how much a conditional command expects another version than the present one: mostly not."""
        return self.random.choice((0, 0, 0, 0, 1, -1))

    def _campaign(self) -> Happening | None:
        if self.moves.leaders and self._likely(self.habits.patience):
            return None
        return self.moves.campaign(self._node(), self.random.choice(_JUMPS))

    def _crash(self) -> Happening | None:
        """A crash: often of a leader, often between two arrivals of one message."""
        place = self._place()
        if place >= 0 and self._likely(0.4):
            packet = self.moves.world.in_flight[place]
            self.plan += (
                Crash(packet.receiver, self.random.getrandbits(1)),
                Deliver(packet.sender, packet.receiver, packet.message),
            )
            return Duplicate(packet.sender, packet.receiver, packet.message)
        node = self._target() if self._likely(0.5) else self._node()
        return self.moves.crash(node, self.random.getrandbits(8))

    def _flush(self) -> Happening | None:
        return self.moves.flush(self.random.getrandbits(8))

    def _disk(self) -> Happening | None:
        """A flush ends, or fails. On a full disk much may come together before it is refused."""
        if self._likely(self.habits.fail):
            return self.moves.fail_flush(self.random.getrandbits(8), self.random.getrandbits(8))
        flush = self._flush()
        is_refused = isinstance(flush, EndFlush) and flush.node in self.moves.world.full
        return None if is_refused and self._likely(0.9) else flush

    def _fill(self) -> Happening | None:
        node = self._target()
        return None if node in self.moves.world.full else self.moves.change_room(node)

    def _free(self) -> Happening | None:
        full = self.moves.world.full
        return self.moves.change_room(min(full)) if full else None

    def _haunt(self) -> Happening | None:
        return self.moves.haunt(self.random.getrandbits(16), self.random.getrandbits(2))

    def _truncate(self) -> Happening | None:
        """Mostly all that is known, by one who leads or another."""
        node = self._target() if self._likely(0.5) else self._node()
        return self.moves.truncate(node, self.random.choice((0, 0, 1, 2)))

    def _tick(self) -> Happening | None:
        return self.moves.tick(self._node(), self.random.choice((10, 150, 300)))

    def _undue(self) -> Happening | None:
        if self._likely(0.25):
            return self.moves.learn_ahead(self.random.getrandbits(1))
        return self.moves.undue(self._target(), self.random.getrandbits(8), self.random.getrandbits(8))


def _proposed_slot(packet: Packet) -> int:
    """The slot of a proposal in flight, 0 for any other message."""
    return packet.message.slot if isinstance(packet.message, Proposal) else 0
