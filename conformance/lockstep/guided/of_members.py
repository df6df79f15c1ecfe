"""Rare scenarios about members: changes that contend, who left and is wanted again, reads that cross a change."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.guided.towards import Hint, arriving, asked_to_change, is_due, to_decide, to_lead
from conformance.world.leaving import LeavingWorld, juries
from conformance.world.orders import Create, LoseDisk
from conformance.world.scenario import Deliver, Duplicate, Give, Happening, Lose
from physalia.model import Change, Decide, Echo, Erase, HowFar, Learn, Learned, Leave, Propose, Round, Serve, Submit

READERS = "readers, 3 + 1 nodes, alpha 1 to 3"
LEAVING = "leaving, 3 + 3 nodes, alpha 1 to 3"
CHANGING = "3 + 1 nodes, alpha 3"


# A read's confirmation crosses a change.


def _a_round_goes_out(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    for packet in sight.sent(Round):
        round_, leader = packet.message, packet.sender
        assert isinstance(round_, Round)
        if leader in sight.after and _asks(sight, leader, round_) and leader == round_.ballot.node:
            yield {"leader": leader, "round": round_, "members": sight.members(leader)}


def _asks(sight: Sight, leader: int, round_: Round) -> bool:
    """Whether the leader still waits for the echoes of this round."""
    reading = sight.play.world.nodes[leader].reading
    return reading is not None and (reading.round.ballot, reading.round.read) == (round_.ballot, round_.read)


def _still_asks(sight: Sight, fixed: Fixed) -> bool:
    return fixed["leader"] in sight.after and _asks(sight, fixed["leader"], fixed["round"])


def _slots_to_go(sight: Sight, fixed: Fixed) -> int:
    """How far the leader is from a change that counts: slots, or many if no change is decided or proposed."""
    world, known, alpha = sight.play.world, sight.after[fixed["leader"]].known, sight.play.setup.alpha
    for slot in range(max(1, known + 2 - alpha), len(world.log) + 1):
        if isinstance(world.log[slot - 1], Change):
            return slot + alpha - known
    proposed = any(isinstance(vote.value, Change) for one in world.nodes.values() for vote in one.accepted.values()
                   if vote.slot > known)  # fmt: skip
    return FAR // 2 if proposed else FAR


FAR = 40


def _others_decide(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """The leader's next slot has other members than when it asked, by a change of which it has learned meanwhile."""
    now = sight.members(fixed["leader"])
    if fixed["members"] - now:
        yield {"now": now}


def _who_went_echoes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if _echo_of(sight, fixed) & (fixed["members"] - fixed["now"]):
        yield {}


def _echo_of(sight: Sight, fixed: Fixed) -> set[int]:
    """Whose echo of the round arrived, if one did."""
    match sight.arrived(Echo):
        case (_, receiver, Echo(ballot, _, node)) if receiver == fixed["leader"] and ballot == fixed["round"].ballot:
            return {node}
    return set()


def _answered(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Serve):
        case (node, Serve(ballot, read)) if (node, ballot, read) == (
            fixed["leader"], fixed["round"].ballot, fixed["round"].read,
        ):  # fmt: skip
            if sight.before[node].active == ballot and not _still_asks(sight, fixed):
                yield {}


def _a_change_counts(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """The leader is asked for a change that replaces one of the others, and for so much that it counts."""
    leader, members = fixed["leader"], fixed["members"]
    others = frozenset(sight.after) - members
    for out in sorted(members - {leader}):
        for into in sorted(others):
            yield asked_to_change(leader, members - {out} | {into})
    yield from to_decide(sight, leader)


def _is_an_echo(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    """An echo of the round would come too soon, or be lost."""
    match happening:
        case Deliver(_, receiver, Echo(ballot)) | Lose(_, receiver, Echo(ballot)):
            return bool(receiver == fixed["leader"] and ballot == fixed["round"].ballot)
    return False


def _who_went(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    for node in fixed["members"] - fixed["now"]:
        yield from arriving(sight, Round, receiver=node)
        yield from arriving(sight, Echo, sender=node, receiver=fixed["leader"])


def _all_echoes(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from arriving(sight, Round)
    yield from arriving(sight, Echo, receiver=fixed["leader"])
    yield from is_due(sight, fixed["leader"], Serve)


CROSSED_READ = Scenario(
    "a read's confirmation crosses a change",
    "Read confirmed by the majority of another configuration than slot r + 1's",
    READERS,
    (
        Stage("a leader asks whether it still leads", _a_round_goes_out, _still_asks, _slots_to_go, _a_change_counts,
              _is_an_echo),
        Stage("a change takes effect while it waits for echoes", _others_decide, _still_asks, brings=_who_went),
        Stage("the echo of a member comes that is none any more", _who_went_echoes, _still_asks, brings=_all_echoes),
        Stage("the read is answered", _answered),
    ),
)  # fmt: skip


# Two changes under one number contend, and who came in by the first of them leads.


def _a_change_is_proposed(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    match sight.given(Propose):
        case (_, Propose(ballot, slot, Change() as change)) if not sight.decided_in(change):
            yield {"ballot": ballot, "slot": slot, "change": change}


def _another_is_proposed(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    first = fixed["change"]
    match sight.given(Propose):
        case (_, Propose(ballot, _, Change() as other)) if other != first and other.expects == first.expects:
            if ballot != fixed["ballot"] and not sight.decided_in(first) and not sight.decided_in(other):
                yield {"other": other}


def _one_is_decided(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """One of them is decided, whichever; it brings somebody in."""
    for done, failed in ((fixed["change"], fixed["other"]), (fixed["other"], fixed["change"])):
        new = done.members - sight.play.setup.members
        if sight.decided_in(done) and not sight.decided_in(failed) and new and _counts(sight, done):
            yield {"done": done, "failed": failed, "new": new}


def _counts(sight: Sight, change: Change) -> bool:
    """Whether the change is effective: as many changes before it as it expects."""
    return change in list(_effective(sight))


def _effective(sight: Sight) -> Iterator[Change]:
    version = 0
    for command in sight.play.world.log:
        if isinstance(command, Change) and command.expects == version:
            version += 1
            yield command


def _the_other_too(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.decided_in(fixed["failed"]) > sight.decided_in(fixed["done"]):
        yield {}


def _slots_until_it_counts(sight: Sight, fixed: Fixed) -> int:
    """How many more slots must be known until the change counts for whoever knows most."""
    return max(0, sight.decided_in(fixed["done"]) + sight.play.setup.alpha - len(sight.play.world.log) - 1)


def _who_came_leads(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    for node in sorted(fixed["new"]):
        if node in sight.after and sight.leads(node) and node in sight.members(node):
            yield {"leader": node}


def _who_came_decides(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Decide):
        case (node, Decide()) if node == fixed["leader"] and sight.after[node].known > sight.before[node].known:
            yield {}


def _another_one(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Somebody else leads, and is asked for another change at the same version."""
    members, everyone = sight.play.setup.members, frozenset(sight.after)
    for node in sight.after:
        if sight.leads(node) and sight.after[node].active != fixed["ballot"]:
            for out in sorted(members):
                for into in sorted(everyone - members):
                    jury = members - {out} | {into}
                    if jury != fixed["change"].members:
                        yield asked_to_change(node, jury)
            yield from is_due(sight, node, Propose)
    yield from to_lead(sight, *sorted(members - {fixed["ballot"].node}))


def _is_decided_now(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    match happening:
        case Give(_, Decide(_, slot) | Learn(slot)):
            return slot == fixed["slot"] and not sight.decided_in(fixed["change"])
    return False


def _both(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Whoever leads is asked for both, or for what is not decided of them."""
    for node in filter(sight.leads, sight.after):
        yield from (Give(node, Submit(one)) for one in (fixed["change"], fixed["other"]) if not sight.decided_in(one))
        yield from to_decide(sight, node)
    if not any(map(sight.leads, sight.after)):
        yield from to_lead(sight, *sorted(sight.play.setup.members))


def _who_came_takes_over(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """It learns up to where it counts, by what others decide, and takes over."""
    ready = [node for node in sorted(fixed["new"]) if node in sight.after and node in sight.members(node)]
    yield from to_lead(sight, *ready)
    for node in sight.after if not ready else ():
        if sight.leads(node):
            yield from to_decide(sight, node)


def _it_decides(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_decide(sight, fixed["leader"])


CONTENDING_CHANGES = Scenario(
    "two changes under one number, and who came in leads",
    "Two configurations with one generation number",
    CHANGING,
    (
        Stage("a change is proposed", _a_change_is_proposed, brings=_another_one, spoils=_is_decided_now),
        Stage("under another ballot, another change is proposed for the same version", _another_is_proposed,
              brings=_both),
        Stage("one of them is decided, and brings somebody in", _one_is_decided, brings=_both),
        Stage("the other one is decided too, and fails", _the_other_too, distance=_slots_until_it_counts,
              brings=_who_came_takes_over),
        Stage("who came in leads as a member", _who_came_leads, brings=_it_decides),
        Stage("and decides a slot", _who_came_decides),
    ),
)  # fmt: skip


# A late duplicate of the order to make a node, after it was erased.


def _replaced(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    """A change that is decided replaced somebody who is still here."""
    world = sight.play.world
    jury, *former = reversed(juries(world))
    for node in sorted((frozenset[int]().union(*former) - jury) & world.nodes.keys() - world.departed):
        yield {"node": node}


def _not_wanted(sight: Sight, fixed: Fixed) -> int:
    """Whether nothing is on its way to it."""
    return int(not any(packet.receiver == fixed["node"] for packet in sight.in_flight))


def _left(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if fixed["node"] in sight.play.world.departed:
        yield {}


def _ordered_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.happening == Create(fixed["node"]):
        yield {}


def _a_member_is_lost(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    match sight.happening:
        case LoseDisk(node) if node in juries(sight.play.world)[-1]:
            yield {"lost": node}


def _wanted_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Somebody means who left, as if it were a member still."""
    match sight.happening:
        case Deliver(_, receiver) | Duplicate(_, receiver) if receiver == fixed["node"]:
            yield {}


def _is_here(sight: Sight, _: Fixed) -> bool:
    return isinstance(sight.play.world, LeavingWorld)


def _it_goes(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """It is told to go, and hears who holds what it holds."""
    yield Give(fixed["node"], Leave())
    yield from arriving(sight, HowFar, sender=fixed["node"])
    yield from arriving(sight, Learned, receiver=fixed["node"])
    yield from is_due(sight, fixed["node"], Erase)


def _is_the_last_for_it(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    """Nothing would be on its way to it any more."""
    match happening:
        case Deliver(_, receiver) | Lose(_, receiver) if receiver == fixed["node"]:
            return sum(packet.receiver == receiver for packet in sight.in_flight) == 1
    return False


def _an_order(_: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield Create(fixed["node"])


def _a_loss(sight: Sight, _: Fixed) -> Iterator[Hint]:
    yield from map(LoseDisk, sorted(juries(sight.play.world)[-1]))


def _means_it(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    for packet in sight.in_flight:
        if packet.receiver == fixed["node"]:
            yield Duplicate(packet.sender, packet.receiver, packet.message)


LATE_CREATE = Scenario(
    "a late duplicate of create, after erase",
    'A late duplicate of "create node" after "erase" makes it again, empty, under its old name',
    LEAVING,
    (
        Stage("a member is replaced", _replaced, _is_here, _not_wanted, _it_goes, _is_the_last_for_it),
        Stage("it leaves for good", _left, distance=_not_wanted, brings=_an_order, spoils=_is_the_last_for_it),
        Stage("the order to make it comes once more", _ordered_again, distance=_not_wanted, brings=_a_loss,
              spoils=_is_the_last_for_it),
        Stage("a member of today loses its disk", _a_member_is_lost, distance=_not_wanted, brings=_means_it,
              spoils=_is_the_last_for_it),
        Stage("a message comes that means who left", _wanted_again),
    ),
)  # fmt: skip

SCENARIOS = (CROSSED_READ, CONTENDING_CHANGES, LATE_CREATE)
