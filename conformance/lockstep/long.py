"""Long runs: a cell that works for a long time, and meets what only time brings about.

The random driver's runs are short and troubled: thousands of its events decide a dozen slots. These decide hundreds.
Nearly everything arrives, in order; and what is long about them is said by the stages: a node that hears no decision
for a long time, and then is taught, or takes over; a restart with many votes; a client that repeats an old command; a
ballot of a very high round. Clients read meanwhile, with rounds that are confirmed, and with tokens that never go back.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from conformance.lockstep.far import far_above, insistence
from conformance.lockstep.moves import Moves
from conformance.lockstep.quarrel import quarrel, silence
from conformance.world.outcomes import Packet
from conformance.world.scenario import Deliver, Duplicate, Give, Happening, Lose
from physalia.model import NO_BALLOT, Ballot, Campaign, Decision, NodeId, Slot

JUMPS = (0, 0, 60, 2**31, 2**53)
"""By how many rounds a node takes over beyond what it needs."""

ROUGH = 0.02
"""The chance that something else happens to a message than that it arrives in its turn."""

CHANGES_IN_A_ROW = 14
"""So many changes of the members follow each other, each with a command between."""
READS = 0.2
"""The chance that clients read between two bursts of commands."""

MAX_IDLE = 8
"""So often all clocks tick and nothing comes of it, before somebody takes over."""


class LongRun:
    """One long run of a world, from one source of randomness: it goes on until `slots` slots are known."""

    def __init__(self, moves: Moves, random: Random, slots: int, lag: int) -> None:
        self.moves = moves
        self.random = random
        self.slots = slots
        self.lag = lag
        """For how many slots a deaf node hears no decision."""
        self._jumps = _highest_soon(random.sample(JUMPS, len(JUMPS)))
        self.readers = Random()  # noqa: S311  # set to what it is just below
        self.readers.setstate(random.getstate())
        self.token: Slot = 0
        """The last slot that the client saw who reads what any node knows: it never goes back."""
        self.deaf: NodeId | None = None
        self.idle = 0

    def happenings(self) -> Iterator[Happening]:
        """Everything that happens; every flush ends at once, but for accidents."""
        for happening in self._stages():
            yield happening
            while self.random.random() >= ROUGH and (flush := self.moves.flush(0)) is not None:
                yield flush

    def _stages(self) -> Iterator[Happening]:
        """The stages in turn, each with its own dice, until the run is long enough."""
        yield from self._take_over(self._node())
        stages: tuple[Callable[[], Iterator[Happening]], ...] = (self._taught, self._deaf_leader, self._unrest)
        while self.known < self.slots:
            for stage in stages:
                yield from stage()
        yield from self._teach_everybody()

    @property
    def known(self) -> int:
        """How many slots somebody knows."""
        return max(len(cell.known) for cell in self.moves.world.nodes.values())

    # The stages

    def _taught(self) -> Iterator[Happening]:
        """A node hears no decision, restarts, and is taught everything that it missed; old commands are repeated."""
        yield from self._work(self.lag // 8)
        self.deaf = self._follower()
        yield from self._work(self.lag)
        yield self.moves.crash(self.deaf, self.random.getrandbits(8))
        self.deaf = None
        yield from self._teach_everybody()
        for _ in range(16):
            yield from _if(self.moves.retry(self.moves.to_leader(self._node()), self.random.getrandbits(16)))
        yield from self._drain()

    def _deaf_leader(self) -> Iterator[Happening]:
        """A node hears no decision for a while and takes over: all that it does not know was voted for."""
        self.deaf = self._follower()
        yield from self._work(self.lag)
        deaf, self.deaf = self.deaf, None
        yield from self._take_over(deaf)
        yield from self._work(self.lag // 8)

    def _unrest(self) -> Iterator[Happening]:
        """Everybody restarts, some quarrel, and the members change where there are others."""
        for node in self.moves.node_ids:
            yield self.moves.crash(node, self.random.getrandbits(8))
        for _ in range(3):
            yield from quarrel(self.moves, self.random)
        yield from insistence(self.moves, self.random)
        yield from far_above(self.moves, self.random)
        yield from silence(self.moves, self._node())
        yield from self._take_over(self._node())
        for _ in range(CHANGES_IN_A_ROW):
            yield from self._change()
        yield from self._work(self.lag // 8)

    def _change(self) -> Iterator[Happening]:
        """One member makes room for a node that is none, if there is one."""
        members = self.moves.members_now()
        others = sorted(set(self.moves.node_ids) - members)
        if others:
            members = members - {self.random.choice(sorted(members))} | {self.random.choice(others)}
            yield from _if(self.moves.change(self.moves.to_leader(1), 0, members))
            yield from self._work(1)

    # What they are made of

    def _work(self, slots: int) -> Iterator[Happening]:
        """Clients ask and the cell decides, until so many more slots are known."""
        enough = self.known + slots
        while self.known < enough:
            before = self.known
            for _ in range(self.random.randint(1, self.moves.world.setup.alpha)):
                yield from _if(self._ask())
            if self.readers.random() < READS:
                yield from self._read()
            yield from self._drain()
            if self.known > before:
                self.idle = 0
                continue
            self.idle += 1
            yield from self._ticks()
            if self.idle % MAX_IDLE == 0 or not self.moves.leaders:
                yield from self._take_over(self._node())

    def _ask(self) -> Happening | None:
        """A leader is asked: for something new, or for something old."""
        leader = self.moves.to_leader(self.random.getrandbits(8))
        what = self.random.choice(("write", "write", "write", "read", "retry"))
        if what == "retry":
            return self.moves.retry(leader, self.random.getrandbits(16))
        return self.moves.read(leader) if what == "read" else self.moves.write(leader, 0)

    def _read(self) -> Iterator[Happening]:
        """Clients read: some what is true now, and one what any node knows, if that is no less than it saw before."""
        for _ in range(self.readers.randint(1, 3)):
            yield self.moves.query(self.moves.to_leader(self.readers.getrandbits(8)))
        node = self.readers.choice(self.moves.node_ids)
        yield self.moves.peek_from(node, self.token)
        self.token = max(self.token, len(self.moves.world.nodes[node].known))

    def _drain(self) -> Iterator[Happening]:
        """What is due is done and everything arrives, nearly all of it in its turn."""
        while True:
            due = self.moves.due(0) or self.moves.flush(0)
            if due is not None:
                yield due
                continue
            if not self.moves.world.in_flight:
                return
            yield self._arrival(self.moves.world.in_flight)

    def _arrival(self, flight: Sequence[Packet]) -> Happening:
        """The oldest message arrives, but for what a deaf node hears of decisions, and some accidents."""
        is_rough = self.random.random() < ROUGH
        packet = flight[self.random.randrange(len(flight)) if is_rough else 0]
        kind: type[Deliver | Duplicate | Lose] = self.random.choice((Duplicate, Lose, Deliver)) if is_rough else Deliver
        hears = packet.receiver == self.deaf and isinstance(packet.message, Decision)
        if hears:
            kind = Lose
        return kind(packet.sender, packet.receiver, packet.message)

    def _teach_everybody(self) -> Iterator[Happening]:
        """The leader tells what it knows last until everybody has asked for the rest."""
        for _ in range(2 + self.known // 64):
            yield from self._drain()
            yield from self._ticks()

    def _ticks(self) -> Iterator[Happening]:
        """Everybody looks at the clock, long enough after the last time."""
        for node in self.moves.node_ids:
            yield self.moves.tick(node, 700)

    def _take_over(self, node: NodeId) -> Iterator[Happening]:
        """A node takes over, perhaps with a round that is much too high, and whoever it asks answers."""
        ballot = self.moves.world.next_ballot(node)
        jump = next(self._jumps, 0)
        yield Give(node, Campaign(Ballot(ballot.round + jump, node)))
        yield from self._drain()
        if self.moves.world.nodes[node].active == NO_BALLOT:
            yield from self._ticks()

    def _follower(self) -> NodeId:
        """A member that does not lead: it votes."""
        followers = sorted(self.moves.members_now() - {*self.moves.leaders})
        return self.random.choice(followers)

    def _node(self) -> NodeId:
        return self.random.choice(self.moves.node_ids)


def _highest_soon(jumps: list[int]) -> Iterator[int]:
    """The jumps in their order, with the highest among the first three: in the longest run nobody else takes over."""
    at = jumps.index(max(JUMPS))
    jumps[min(at, 2)], jumps[at] = jumps[at], jumps[min(at, 2)]
    return iter(jumps)


def _if(happening: Happening | None) -> Iterator[Happening]:
    if happening is not None:
        yield happening
