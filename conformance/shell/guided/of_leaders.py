"""Rare scenarios of the shell about leaders: who drains, who lags, who is asked again, who holds a lock meanwhile."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.shell.drawing import ENDS, LEASES, SHORT_LOGS
from conformance.shell.guided.sights import Sight
from conformance.shell.guided.towards import Words, cut_off, mended, to_depose, to_lead, to_write
from conformance.shell.mirror import Mirror
from physalia.client.leases import Lease
from physalia.model import Accepted, Action, Install, Promised, Submit, Vote

ANY = ""


# A server that leads drains and ends, its successor dies, and it leads again as a new process.


def _a_leader_is_ended(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    if sight.done[:1] in (("stop",), ("hurry",)):
        server = sight.done[1]
        for plan in sight.colony.plans:
            if sight.colony.leader(plan.cell) == server and sight.is_up(server):
                yield {"cell": plan.cell, "server": server, "starts": sight.colony.machines[server].starts}


def _another_leads(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.step is not None:
        leader = sight.colony.leader(fixed["cell"])
        if leader not in ("", fixed["server"]):
            yield {"successor": leader}


def _the_successor_dies(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    deaths = (("kill", fixed["successor"]), ("power", fixed["successor"]))
    if sight.done in deaths and not sight.is_up(fixed["successor"]):
        yield {}


def _it_is_back(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    machine = sight.colony.machines[fixed["server"]]
    if machine.is_up and machine.starts > fixed["starts"]:
        yield {}


def _it_leads_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.step is not None and sight.colony.leader(fixed["cell"]) == fixed["server"]:
        yield {}


def _its_death(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "kill", fixed["successor"]
    yield "power", fixed["successor"]


def _its_return(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "start", fixed["server"]


def _its_turn(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_lead(sight, fixed["cell"], fixed["server"])


DRAINED = Scenario(
    "a drained leader's successor dies, and it leads again",
    'A "draining" flag survives being deposed and elected again',
    ENDS,
    (
        Stage("a server that leads is told to end", _a_leader_is_ended),
        Stage("another one leads", _another_leads, brings=_its_death),
        Stage("that one dies", _the_successor_dies, brings=_its_return),
        Stage("the first is started again", _it_is_back, brings=_its_turn),
        Stage("and leads", _it_leads_again),
    ),
)


# A client's request reaches a leader, which jumps over its slot by a snapshot, and is asked again.


def _asked(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    if (given := sight.given(Submit)) is not None:
        mirror, node, event = given
        if not _slot_of(mirror, event.command):
            yield {"cell": mirror.cell, "node": node, "command": event.command}


def _slot_of(mirror: Mirror, command: object) -> int:
    return mirror.decided.index(command) + 1 if command in mirror.decided else 0


def _decided_elsewhere(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (step := sight.step) is not None and step[0].cell == fixed["cell"]:
        mirror, command = step[0], fixed["command"]
        slot, here = _slot_of(mirror, command), mirror.nodes.get(fixed["node"])
        if slot and here is not None and len(here.known) < slot:
            yield {"slot": slot}


def _it_lags(sight: Sight, fixed: Fixed) -> bool:
    """It does not know the slot, or dropped it."""
    here = sight.colony.mirrors[fixed["cell"]].nodes.get(fixed["node"])
    return here is not None and (len(here.known) < fixed["slot"] or here.known.base >= fixed["slot"])


def _it_jumps(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (given := sight.given(Install)) is not None:
        mirror, node, event = given
        if (mirror.cell, node) == (fixed["cell"], fixed["node"]) and event.slot >= fixed["slot"]:
            yield {}


def _asked_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (given := sight.given(Submit)) is not None:
        mirror, node, event = given
        if (mirror.cell, node, event.command) == (fixed["cell"], fixed["node"], fixed["command"]):
            yield {}


def _asked_of_it(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """A new request comes to it as the leader."""
    if (given := sight.given(Submit)) is not None:
        mirror, node, _ = given
        if (mirror.cell, node) == (fixed["cell"], fixed["node"]) and sight.leads(mirror.cell, node):
            yield {}


def _is_deaf(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    """The node's server is cut off, and its client asks again, elsewhere."""
    yield from cut_off(sight, sight.home(fixed["cell"], fixed["node"]))
    yield from to_write(fixed["cell"])


def _others_go_on(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    """Others decide so much that they truncate it; then the links are mended."""
    mirror, server = sight.colony.mirrors[fixed["cell"]], sight.home(fixed["cell"], fixed["node"])
    base = max((node.known.base for node in mirror.nodes.values()), default=0)
    if base < fixed["slot"]:
        yield from cut_off(sight, server)
        yield from to_write(fixed["cell"])
    else:
        yield from mended(sight, server)


def _it_takes_over(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_lead(sight, fixed["cell"], sight.home(fixed["cell"], fixed["node"]))
    yield from to_write(fixed["cell"])


JUMPED = Scenario(
    "a leader jumps over the slot of a request it was asked for",
    "A client whose slot a snapshot jumped over is never answered",
    SHORT_LOGS,
    (
        Stage("a node is asked for something", _asked, brings=_is_deaf),
        Stage("it is decided, and that node does not know so", _decided_elsewhere, _it_lags, brings=_others_go_on),
        Stage("the node jumps over its slot by a snapshot", _it_jumps, brings=_it_takes_over),
        Stage("a request comes to it, which leads again", _asked_of_it),
    ),
)


# A vote waits for a slow disk while its node promises a higher ballot; it leaves, and the power goes.


def _a_slow_disk(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    """Under somebody who leads nothing, so that others are there who may."""
    for plan in sight.colony.plans if sight.done[:1] == ("slow",) else ():
        server = sight.done[1]
        if sight.is_up(server) and sight.colony.leader(plan.cell) not in ("", server):
            yield {"cell": plan.cell, "server": server}


def _is_slow(sight: Sight, fixed: Fixed) -> bool:
    machine = sight.colony.machines[fixed["server"]]
    return bool(machine.is_up and machine.disk.sync_s > SLOW_S)


def _slower(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "slow", fixed["server"], VERY_SLOW
    yield from to_write(fixed["cell"])


def _a_rival(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_depose(sight, fixed["cell"], fixed["server"])


def _its_power(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "power", fixed["server"]
    yield "fail-flush", fixed["server"]


def _all_again(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from (("start", name) for name in sight.colony.machines if not sight.is_up(name))
    yield from (("resume", name) for name in sight.colony.machines)
    yield from to_write(fixed["cell"])


def _a_vote_waits(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (step := sight.step) is not None and step[1].waits and step[0].cell == fixed["cell"]:
        mirror, outcome = step
        is_there = sight.home(mirror.cell, outcome.node) == fixed["server"]
        for record in outcome.stored if is_there else ():
            if isinstance(record, Accepted) and record.ballot.node != outcome.node:
                yield {"cell": mirror.cell, "node": outcome.node, "ballot": record.ballot, "slot": record.slot}


def _no_rival(sight: Sight, fixed: Fixed) -> int:
    """Whether nobody has taken a higher ballot, and whether the node's disk is quick."""
    mirror, server = sight.colony.mirrors[fixed["cell"]], sight.home(fixed["cell"], fixed["node"])
    has_rival = any(max(one.active, one.promised) > fixed["ballot"] for one in mirror.nodes.values())
    is_slow = sight.colony.machines[server].disk.sync_s > SLOW_S if server else False
    return 2 * (not has_rival) + (not is_slow)


SLOW_S = 0.01
VERY_SLOW = "1.5"
"""Seconds: longer than others wait until they suspect a leader that died."""


def _it_waits(sight: Sight, fixed: Fixed) -> bool:
    return any(map(fixed["ballot"].__eq__, _waiting_votes(sight, fixed)))


def _waiting_votes(sight: Sight, fixed: Fixed) -> Iterator[object]:
    queues = sight.colony.mirrors[fixed["cell"]].queues
    for waiting in queues.get(fixed["node"], ()):
        for packet in waiting.packets:
            if isinstance(packet.message, Vote) and packet.message.slot == fixed["slot"]:
                yield packet.message.ballot


def _a_higher_promise(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (step := sight.step) is not None and _is_there(step[0], step[1].node, fixed):
        for record in step[1].stored:
            if isinstance(record, Promised) and record.ballot > fixed["ballot"]:
                yield {"higher": record.ballot}


def _is_there(mirror: Mirror, node: int, fixed: Fixed) -> bool:
    return (mirror.cell, node) == (fixed["cell"], fixed["node"])


def _the_vote_leaves(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (step := sight.step) is not None and _is_there(step[0], step[1].node, fixed):
        outcome = step[1]
        left = [packet.message for packet in outcome.sent if isinstance(packet.message, Vote)]
        flushed = isinstance(outcome.announces, Action) and outcome.announces.name == "flush" and not outcome.is_lost
        if flushed and any((vote.ballot, vote.slot) == (fixed["ballot"], fixed["slot"]) for vote in left):
            yield {}


def _the_power_goes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    server = sight.home(fixed["cell"], fixed["node"])
    if sight.done in (("power", server), ("kill", server), ("fail-flush", server)):
        yield {}


def _it_decides(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """The slot is decided under the ballot that was promised meanwhile, or a higher one."""
    if (step := sight.step) is not None and step[0].cell == fixed["cell"]:
        announced = step[1].announces
        if isinstance(announced, Action) and announced.name == "decide":
            ballot, slot = announced.arguments
            if slot == fixed["slot"] and ballot >= fixed["higher"]:
                yield {}


OLD_VOTE = Scenario(
    "an old vote leaves after a higher promise, and the power goes",
    "A batcher lets an old vote leave after the promise of a higher ballot",
    ANY,
    (
        Stage("a disk is slow, of a server that does not lead", _a_slow_disk, _is_slow, brings=_slower),
        Stage("a vote waits for it", _a_vote_waits, _it_waits, _no_rival, _a_rival),
        Stage("its node promises a higher ballot meanwhile", _a_higher_promise),
        Stage("the vote leaves", _the_vote_leaves, brings=_its_power),
        Stage("the node's process ends at once, or a flush of it fails", _the_power_goes, brings=_all_again),
        Stage("the slot is decided under the higher ballot, or above", _it_decides),
    ),
)


# A lock is handed over while the old holder's clock runs slow and another server leads.


def _held(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    for (cell, key), holders in sorted(sight.colony.histories.holders.items()):
        if not holders:
            continue  # somebody wants it, and nobody ever had it
        process, lease = holders[-1]
        leader = sight.colony.leader(cell)
        if leader and process.is_alive and _believes(sight, process.name, lease):
            yield {"cell": cell, "key": key, "count": len(holders), "holder": process.name, "leader": leader}


def _believes(sight: Sight, name: str, lease: Lease) -> bool:
    """Whether the holder still believes in the lock, by its own clock."""
    clock = next(one.asks.process.clock for one in sight.colony.clients if one.asks.process.name == name)
    return lease._contender.left_ns(round(clock.shows_s(sight.colony.simulator.now_s) * 1e9)) > 0


def _rate(sight: Sight, name: str) -> float:
    return next(one.asks.process.clock.rate for one in sight.colony.clients if one.asks.process.name == name)


def _holders(sight: Sight, fixed: Fixed) -> int:
    return len(sight.colony.histories.holders[fixed["cell"], fixed["key"]])


def _nobody_since(sight: Sight, fixed: Fixed) -> bool:
    count: int = fixed["count"]
    return _holders(sight, fixed) == count


def _leader_changed(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    leader = sight.colony.leader(fixed["cell"])
    process, lease = sight.colony.histories.holders[fixed["cell"], fixed["key"]][-1]
    if leader not in ("", fixed["leader"]) and _nobody_since(sight, fixed) and _believes(sight, process.name, lease):
        yield {}


def _faster_wants_it(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Another client wants it, whose clock goes faster than that of the holder."""
    match sight.done:
        case (client, "lease", _, _, _, cell) if client != fixed["holder"] and int(cell) == fixed["cell"]:
            names = [one.asks.process.name for one in sight.colony.clients]
            if client in names and _rate(sight, client) > _rate(sight, fixed["holder"]):
                yield {"wants": client}


def _had_by_it(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    holders = sight.colony.histories.holders[fixed["cell"], fixed["key"]]
    if len(holders) > fixed["count"] and holders[fixed["count"]][0].name == fixed["wants"]:
        yield {}


def _another_leader(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_depose(sight, fixed["cell"], "")


def _somebody_faster(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    names = [one.asks.process.name for one in sight.colony.clients]
    for name in names:
        if name != fixed["holder"] and _rate(sight, name) > _rate(sight, fixed["holder"]):
            yield name, "lease", fixed["key"], "1:0.3", "cell", str(fixed["cell"])
        elif name != fixed["holder"]:
            yield "rate", name, "3"


HANDED_OVER = Scenario(
    "a lock goes to a faster clock, under another leader",
    "Lease survives leadership transfer",
    LEASES,
    (
        Stage("a client holds a lock", _held, _nobody_since, brings=_another_leader),
        Stage("another server leads while it does", _leader_changed, _nobody_since, brings=_somebody_faster),
        Stage("a client wants it whose clock goes faster", _faster_wants_it, _nobody_since),
        Stage("and has it next", _had_by_it),
    ),
)

SCENARIOS = (DRAINED, JUMPED, OLD_VOTE, HANDED_OVER)
