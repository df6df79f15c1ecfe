"""Rare scenarios about members: changes that contend, who left and is wanted again, reads that cross a change."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.lockstep.guided.sights import Sight
from conformance.world.leaving import LeavingWorld, juries
from conformance.world.orders import Create, LoseDisk
from conformance.world.scenario import Deliver, Duplicate
from physalia.model import Change, Decide, Echo, Propose, Round, Serve

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


CROSSED_READ = Scenario(
    "a read's confirmation crosses a change",
    "Read confirmed by the majority of another configuration than slot r + 1's",
    READERS,
    (
        Stage("a leader asks whether it still leads", _a_round_goes_out, _still_asks, _slots_to_go),
        Stage("a change takes effect while it waits for echoes", _others_decide, _still_asks),
        Stage("the echo of a member comes that is none any more", _who_went_echoes, _still_asks),
        Stage("the read is answered", _answered),
    ),
)


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


CONTENDING_CHANGES = Scenario(
    "two changes under one number, and who came in leads",
    "Two configurations with one generation number",
    CHANGING,
    (
        Stage("a change is proposed", _a_change_is_proposed),
        Stage("under another ballot, another change is proposed for the same version", _another_is_proposed),
        Stage("one of them is decided, and brings somebody in", _one_is_decided),
        Stage("the other one is decided too, and fails", _the_other_too, distance=_slots_until_it_counts),
        Stage("who came in leads as a member", _who_came_leads),
        Stage("and decides a slot", _who_came_decides),
    ),
)


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


LATE_CREATE = Scenario(
    "a late duplicate of create, after erase",
    'A late duplicate of "create node" after "erase" makes it again, empty, under its old name',
    LEAVING,
    (
        Stage("a member is replaced", _replaced, _is_here, _not_wanted),
        Stage("it leaves for good", _left, distance=_not_wanted),
        Stage("the order to make it comes once more", _ordered_again, distance=_not_wanted),
        Stage("a member of today loses its disk", _a_member_is_lost, distance=_not_wanted),
        Stage("a message comes that means who left", _wanted_again),
    ),
)

SCENARIOS = (CROSSED_READ, CONTENDING_CHANGES, LATE_CREATE)
