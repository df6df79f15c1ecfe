"""The campaigns of the lockstep: worlds of some kind, who drives them, how much of them a profile runs, and what for.

Three kinds. *Short* runs of small cells are full of trouble, and meet every corner of the protocol. Cells of every
*size* do the same in less depth: majorities of 1 to 9, windows of 1 to 8, clocks that have run for long. *Long* runs
have little trouble and hundreds of slots: whatever a node forgets, counts too far, or does only so often shows there.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, count, islice
from random import Random

from attrs import evolve, frozen

from conformance.judges.coverage import (
    ALWAYS,
    FAILED_WRITE,
    FAR_AHEAD,
    FORGED,
    HEAVY_LESSON,
    HIGH_JURY,
    LATE_QUESTION,
    LATE_RESEND,
    LONG,
    MANY_RESENDS,
    READ_AND_PEEKED,
    READING,
    SETTLED,
    WITH_CHANGES,
    WITH_FEW_NODES,
    WITH_PIPELINE,
    WITH_PIPELINED_CHANGES,
    decided_by,
    effective_change,
    forged,
    open_at_once,
    stops_for,
)
from conformance.judges.databases import REPLIES
from conformance.judges.departures import LEAVING
from conformance.judges.gone_back import STAYS_STOPPED, TELLS_THOSE_WHO_WAIT, UNHEARD
from conformance.judges.lessons import TEACHING
from conformance.links import Profile
from conformance.lockstep.departing import CHANCE, Departing
from conformance.lockstep.driver import THREE, Driver
from conformance.lockstep.long import LongRun
from conformance.lockstep.moves import Moves
from conformance.lockstep.quarrel import asked_twice, forgotten, outweighed, overtaken, waited_for
from conformance.world.scenario import Arrival, Duplicate, Happening
from conformance.world.setup import Setup
from physalia.model import Echo, Prepare, Promise, Proposal, Round, Vote

MAX_COMMANDS = 24
"""So many commands a short run makes up at most, so that it stays within the specification's slots."""

Steer = Callable[[Moves, Random, int], Iterator[Happening]]
"""Chooses the events of one run of a certain length."""


@frozen(kw_only=True)
class Amount:
    """How much of a campaign a profile runs.

    `runs` runs of the seeded driver of a certain `length`, of which more follow, up to `most_runs`, while something
    that should be reached is not; and `scenarios` of Hypothesis with at most `moves` moves each. The length is counted
    in events, and in slots for long runs.
    """

    runs: int
    most_runs: int
    length: int
    scenarios: int = 0
    moves: int = 0


@frozen(kw_only=True)
class Campaign:
    """Worlds of one kind, what they must reach, and how much of it each profile runs; no amount, not at all.

    Runs take the setups in turn; Hypothesis takes the first.
    """

    name: str
    setups: tuple[Setup, ...]
    marks: tuple[str, ...]
    amounts: Mapping[Profile, Amount]
    steer: Steer


def troubled(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The random driver: so many events, with much trouble and few commands."""
    moves.max_commands = MAX_COMMANDS
    return Driver(moves, random).happenings(events)


def busy(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The random driver with more commands, after a while in which all goes well and the store gets about."""
    moves.max_commands = 4 * MAX_COMMANDS
    moves.seed = random.getrandbits(32)
    yield from islice(orderly(moves, random), events // 2)
    yield from Driver(moves, random).happenings(events // 2)


def orderly(moves: Moves, random: Random) -> Iterator[Happening]:
    """A leader, and one command after the other, each until nothing is left to do."""
    wanted: Iterator[Happening | None] = chain(
        [moves.campaign(random.choice(moves.node_ids))], (moves.write(moves.to_leader(0), 0) for _ in count())
    )
    for happening in wanted:
        if happening is None:
            return
        yield happening
        while (next_one := moves.due(0) or moves.flush(0) or moves.deliver(0)) is not None:
            yield next_one


def reading(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The same, with clients that read: mostly from who leads, and what is true now; sometimes for long first."""
    if random.random() < LONG_READINGS:
        yield from much_reading(moves, random)
    for happening in troubled(moves, random, events):
        if isinstance(happening, Arrival) and not _is_in_flight(moves, happening):
            continue  # it was chosen before what readers did, and that took the message
        yield happening
        if random.random() < FORGED_ECHOES:
            forged_one = moves.forge_one(Echo, random.getrandbits(8), random.choice(moves.node_ids))
            yield from () if forged_one is None else (forged_one,)
        if random.random() < READS_PER_EVENT:
            node = moves.to_leader(random.getrandbits(8))
            if random.random() < OPEN_SLOTS:
                yield from overtaken(moves, node)
                continue
            yield moves.query(node)
            if random.random() < ASKED_AGAIN:
                yield moves.query_again(node, random.getrandbits(1))
            if random.random() < LATE_ANSWERS and (due := moves.due(0)) is not None:
                yield from (due, moves.tick(node, 300), moves.tick(node, 300))
        if random.random() < READS_PER_EVENT / 4:
            yield moves.peek(random.choice(moves.node_ids), random.getrandbits(1))


def forgetting(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The random driver after two have forgotten what the third never heard of, and in a world that forgets on.

    Where stores are small the two forget nothing now and then, and yet the log of it is too much to teach, at all or at
    once.
    """
    moves.max_commands = 2 * MAX_COMMANDS
    driver = Driver(moves, random)
    if len(moves.world.setup.members) >= THREE:
        is_much = moves.world.setup.store_is_small and random.random() < OUTWEIGHED
        opening = random.choice((outweighed, asked_twice)) if is_much else forgotten
        yield from driver.flushed(opening(moves, random))
    for happening in driver.happenings(events):
        yield happening
        if random.random() < TRUNCATIONS_PER_EVENT and (one := moves.truncate(random.choice(moves.node_ids), 0)):
            yield one
        if random.random() < INQUIRIES_PER_EVENT:
            yield moves.inquire(random.choice(moves.node_ids), random.choice((0, 1, 2, 3)))


OUTWEIGHED = 0.5
TRUNCATIONS_PER_EVENT = 0.05
INQUIRIES_PER_EVENT = 0.03


def leaving(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The random driver after somebody has left, and in a world in which more of them do."""
    moves.max_commands = 2 * MAX_COMMANDS
    driver, departing = Driver(moves, random), Departing(moves, random)
    opening = random.choice((departing.opening, departing.opening, departing.left_behind, departing.passed_by))
    yield from departing.possible(driver.flushed(opening()))
    for happening in driver.happenings(events):
        yield from departing.possible((happening,))
        if random.random() < CHANCE:
            yield from departing.possible(departing.one())


def _is_in_flight(moves: Moves, wanted: Arrival) -> bool:
    ways = ((one.sender, one.receiver, one.message) for one in moves.world.in_flight)
    return (wanted.sender, wanted.receiver, wanted.message) in ways


def much_reading(moves: Moves, random: Random) -> Iterator[Happening]:
    """One leader answers one read after the other, with a write now and then, and nothing goes wrong."""
    node = random.choice(sorted(moves.world.setup.members))
    wanted = [moves.campaign(node), *(None for _ in range(ROUNDS_IN_A_ROW))]
    for at, asked in enumerate(wanted):
        happening = asked or (moves.write(node, 0) if at % MOST_READ == 0 else None) or moves.query(node)
        yield happening
        while (next_one := moves.due(0) or moves.flush(0) or moves.deliver(0)) is not None:
            yield next_one


READS_PER_EVENT = 0.1
LONG_READINGS = 0.15
ROUNDS_IN_A_ROW = 80
MOST_READ = 10
LATE_ANSWERS = 0.2
ASKED_AGAIN = 0.3
FORGED_ECHOES = 0.2
OPEN_SLOTS = 0.3


def going_back(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The same with readers, in whose worlds a disk is exchanged for an older copy: mostly that of who leads.

    Much of what is on its way to that node tells of what it lost; some of it arrives at once. Then it crashes.
    """
    for happening in reading(moves, random, events):
        yield happening
        if random.random() < OLDER_DISKS:
            node = moves.to_leader(random.getrandbits(8))
            older = moves.go_back(node, random.choice((0, 0, 1, 2, 5)))
            if older is None:
                continue
            yield older
            coming = [packet for packet in moves.world.in_flight if packet.receiver == node]
            if random.random() < LEADS_AGAIN:
                yield from waited_for(moves, node)
            coming = [packet for packet in coming if packet in moves.world.in_flight]
            for packet in random.sample(coming, min(len(coming), 4)):
                yield Duplicate(packet.sender, packet.receiver, packet.message)
                if random.random() < OLDER_DISKS:
                    yield moves.crash(node, random.getrandbits(2))


OLDER_DISKS = 0.2
LEADS_AGAIN = 0.3


def long(moves: Moves, random: Random, slots: int) -> Iterator[Happening]:
    """So many slots, for nearly half of which one node hears of no decision."""
    moves.max_commands = 4 * slots
    return LongRun(moves, random, slots, lag=slots * 7 // 16).happenings()


def very_long(moves: Moves, random: Random, slots: int) -> Iterator[Happening]:
    """So many slots, for nearly all of which one node hears of no decision."""
    moves.max_commands = 4 * slots
    return LongRun(moves, random, slots, lag=slots * 7 // 8).happenings()


ALWAYS_BUT_WRITES = tuple(mark for mark in ALWAYS if mark != FAILED_WRITE)
SHORT_AMOUNTS = {
    Profile.QUICK: Amount(runs=32, most_runs=640, length=160, scenarios=14, moves=30),
    Profile.DEFAULT: Amount(runs=90, most_runs=900, length=200, scenarios=45, moves=40),
    Profile.DEEP: Amount(runs=3_000, most_runs=4_000, length=300, scenarios=1_000, moves=60),
}
SIZE_AMOUNTS = {
    Profile.QUICK: Amount(runs=9, most_runs=540, length=120),
    Profile.DEFAULT: Amount(runs=54, most_runs=540, length=160),
    Profile.DEEP: Amount(runs=1_800, most_runs=2_700, length=240),
}
READERS_AMOUNTS = {
    Profile.QUICK: Amount(runs=9, most_runs=540, length=120, scenarios=6, moves=30),
    Profile.DEFAULT: Amount(runs=54, most_runs=540, length=160, scenarios=20, moves=40),
    Profile.DEEP: Amount(runs=1_800, most_runs=2_700, length=240, scenarios=300, moves=60),
}
FORGETTING_AMOUNTS = {
    Profile.QUICK: Amount(runs=18, most_runs=360, length=200),
    Profile.DEFAULT: Amount(runs=54, most_runs=540, length=240),
    Profile.DEEP: Amount(runs=1_000, most_runs=1_500, length=300),
}
LEAVING_AMOUNTS = {
    Profile.QUICK: Amount(runs=18, most_runs=540, length=160),
    Profile.DEFAULT: Amount(runs=54, most_runs=540, length=200),
    Profile.DEEP: Amount(runs=1_000, most_runs=1_500, length=300),
}
STORE_AMOUNTS = {
    Profile.QUICK: Amount(runs=12, most_runs=120, length=480),
    Profile.DEFAULT: Amount(runs=40, most_runs=240, length=480, scenarios=10, moves=40),
    Profile.DEEP: Amount(runs=1_200, most_runs=1_600, length=600, scenarios=300, moves=60),
}
LONG_AMOUNTS = {
    Profile.QUICK: Amount(runs=1, most_runs=8, length=320),
    Profile.DEFAULT: Amount(runs=4, most_runs=16, length=480),
    Profile.DEEP: Amount(runs=60, most_runs=90, length=900),
}
VERY_LONG_AMOUNTS = {
    Profile.DEFAULT: Amount(runs=1, most_runs=4, length=1_250),
    Profile.DEEP: Amount(runs=12, most_runs=16, length=3_000),
}


SLOW_TO_FAST = ("1", "1/2", "3/2", "1", "1/3", "1", "1", "1", "2")
LATE_MS = (2**31, 2**32, 2**53)
"""Clocks run at different rates, and in some worlds they show very much."""


def setup(nodes: int, members: int, alpha: int, late: int = 0, slots: int = 96) -> Setup:
    """A world of a campaign."""
    return Setup.of(nodes, members, alpha, SLOW_TO_FAST[:nodes], late_ms=late, slots=slots)


def _short(name: str, world: Setup, marks: tuple[str, ...]) -> Campaign:
    return Campaign(name=name, setups=(world,), marks=marks, amounts=SHORT_AMOUNTS, steer=troubled)


def _small_campaigns() -> tuple[Campaign, ...]:
    """Cells of three nodes, perhaps with another one to come, for each window."""
    return (
        _short("3 nodes, alpha 3", setup(3, 3, 3), (*ALWAYS, *WITH_FEW_NODES, *WITH_PIPELINE)),
        *(
            _short(
                f"3 + 1 nodes, alpha {alpha}",
                setup(4, 3, alpha),
                (
                    *ALWAYS,
                    *WITH_FEW_NODES,
                    *WITH_CHANGES,
                    effective_change(alpha),
                    *((*WITH_PIPELINE, *WITH_PIPELINED_CHANGES) if alpha > 1 else ()),
                ),
            )
            for alpha in (1, 2, 3)
        ),
    )


def _campaigns() -> tuple[Campaign, ...]:
    """Campaigns of a few dozen slots."""
    sizes = ((1, 1, 1), (2, 2, 2), (4, 3, 7), (5, 4, 4), (5, 5, 5), (6, 6, 6), (8, 7, 3), (8, 8, 2), (9, 9, 8))
    return (
        *_small_campaigns(),
        Campaign(
            name="readers, 3 + 1 nodes, alpha 1 to 3",
            setups=tuple(setup(4, 3, alpha) for alpha in (1, 2, 3)),
            marks=(*READING, *map(forged, (Round, Echo)), SETTLED),
            amounts=READERS_AMOUNTS,
            steer=reading,
        ),
        Campaign(
            name="forgetting, 3 + 1 nodes, alpha 1 to 3",
            setups=tuple(
                evolve(setup(4, 3, alpha, slots=192), store_is_small=is_small)
                for is_small in (False, True)
                for alpha in (1, 2, 3)
            ),
            marks=(*TEACHING, HEAVY_LESSON, LATE_QUESTION, SETTLED),
            amounts=FORGETTING_AMOUNTS,
            steer=forgetting,
        ),
        _leaving(),
        Campaign(
            name="older disks, 3 and 5 nodes",
            setups=(setup(3, 3, 3), setup(5, 5, 2)),
            marks=(
                *map(stops_for, ("a ballot", "a ballot of its reads", "a promise", "a vote")),
                STAYS_STOPPED,
                TELLS_THOSE_WHO_WAIT,
                UNHEARD,
                SETTLED,
            ),
            amounts=SIZE_AMOUNTS,
            steer=going_back,
        ),
        _short("7 + 1 nodes, alpha 3", setup(8, 7, 3), (*ALWAYS, effective_change(3))),
        Campaign(
            name="the store, 3 nodes",
            setups=(evolve(setup(3, 3, 3, slots=192), store_is_small=True),),
            marks=(*ALWAYS_BUT_WRITES, *REPLIES),
            amounts=STORE_AMOUNTS,
            steer=busy,
        ),
        Campaign(
            name="1 to 9 members, alpha 1 to 8",
            setups=tuple(setup(*size, late=LATE_MS[place % 3]) for place, size in enumerate(sizes)),
            marks=(
                SETTLED,
                FORGED,
                *map(forged, (Prepare, Promise, Proposal, Vote)),
                LATE_RESEND,
                *map(decided_by, range(1, 10)),
                *map(open_at_once, range(1, 6)),
            ),
            amounts=SIZE_AMOUNTS,
            steer=troubled,
        ),
    )


def _leaving() -> Campaign:
    """Members leave, and others come."""
    return Campaign(
        name="leaving, 3 + 3 nodes, alpha 1 to 3",
        setups=tuple(evolve(setup(6, 3, alpha, slots=192), newcomers=frozenset({4, 5, 6})) for alpha in (1, 2, 3)),
        marks=(*LEAVING, SETTLED),
        amounts=LEAVING_AMOUNTS,
        steer=leaving,
    )


def _long_campaigns() -> tuple[Campaign, ...]:
    """Campaigns of thousands of slots."""
    return (
        Campaign(
            name="long, 3 + 1 nodes",
            setups=tuple(setup(4, 3, alpha, late, slots=2_000) for alpha, late in zip((8, 3, 2), LATE_MS, strict=True)),
            marks=(*LONG, *READ_AND_PEEKED, HIGH_JURY, MANY_RESENDS, *map(open_at_once, range(1, 9))),
            amounts=LONG_AMOUNTS,
            steer=long,
        ),
        Campaign(
            name="very long, 3 nodes",
            setups=(setup(3, 3, 3, slots=6_000),),
            marks=(*LONG, *READ_AND_PEEKED, FAR_AHEAD),
            amounts=VERY_LONG_AMOUNTS,
            steer=very_long,
        ),
    )


CAMPAIGNS = (*_campaigns(), *_long_campaigns())
