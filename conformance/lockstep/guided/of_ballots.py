"""Rare scenarios about ballots and votes: choices that are not finished, and disks that are full in between."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.lockstep.guided.sights import Sight
from conformance.world.scenario import Crash, EndFlush, FailFlush
from physalia.model import Accepted, Ballot, Decide, Promise, Propose, Vote

THREE_NODES = "3 nodes, alpha 3"


# Votes of three ballots for one slot: a choice is made, and its proposer is gone before anybody votes for it.


def _votes(sight: Sight, slot: int) -> list[Accepted]:
    return [vote for node in sight.play.world.nodes.values() if (vote := node.accepted.get(slot)) is not None]


def _two_voted(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    alpha, first = sight.play.setup.alpha, len(sight.play.world.log) + 1
    for slot in range(first, first + alpha):
        votes = _votes(sight, slot)
        if len({vote.ballot for vote in votes}) > 1 and len({repr(vote.value) for vote in votes}) > 1:
            yield {"slot": slot}


def _is_open(sight: Sight, fixed: Fixed) -> bool:
    slot: int = fixed["slot"]
    return len(sight.play.world.log) < slot


def _three_voted(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if len({vote.ballot for vote in _votes(sight, fixed["slot"])}) > 2:  # noqa: PLR2004  # three ballots
        yield {}


def _chosen(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Somebody was told of votes of several ballots in the slot, and proposes there."""
    match sight.given(Propose):
        case (node, Propose(ballot, slot, _)) if slot == fixed["slot"] and sight.before[node].active == ballot:
            judge = sight.play.judge
            number = judge.names.ballot(ballot)
            told = {r.ballot for m in judge.state.promises if m.ballot == number for r in m.accepted if r.slot == slot}
            if len(told) > 1:
                yield {"ballot": ballot}


def _gone(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """The proposer's process ends before anybody else has voted for its choice."""
    match sight.happening:
        case Crash(node) | FailFlush(node) if node == fixed["ballot"].node:
            if all(vote.ballot != fixed["ballot"] for vote in _votes(sight, fixed["slot"])):
                yield {}


def _chosen_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    for more in _chosen(sight, fixed):
        if more["ballot"] > fixed["ballot"]:
            yield {"last": more["ballot"]}


def _decided(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Decide):
        case (node, Decide(ballot, slot)) if (ballot, slot) == (fixed["last"], fixed["slot"]):
            if sight.after[node].known >= slot:
                yield {}


CHOSEN_TWICE = Scenario(
    "a choice among three ballots is made twice",
    "Leader adopts any reported vote, not the highest ballot",
    THREE_NODES,
    (
        Stage("two nodes voted for different values in an open slot", _two_voted, _is_open),
        Stage("three did, under three ballots", _three_voted, _is_open),
        Stage("a proposer hears of several ballots there, and chooses", _chosen, _is_open),
        Stage("it is gone before anybody votes for its choice", _gone, _is_open),
        Stage("another proposer has the choice again", _chosen_again),
        Stage("and decides", _decided),
    ),
)


# A full disk refuses a vote; when there is room again a flush fails, and the node leads from what it has left.


def _vote_waits_on_full(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    world = sight.play.world
    for node in sorted(world.full):
        if any(isinstance(one.message, Vote) for waiting in world.queues.get(node, ()) for one in waiting.packets):
            yield {"node": node}


def _refused(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.happening == EndFlush(fixed["node"]) and fixed["node"] in sight.play.world.full:
        yield {}


def _has_room(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if fixed["node"] not in sight.play.world.full:
        yield {}


def _a_vote_waits(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """A vote waits for its flush, of a ballot that somebody else leads."""
    for waiting in sight.play.world.queues.get(fixed["node"], ()):
        for packet in waiting.packets:
            if isinstance(packet.message, Vote) and packet.message.ballot.node != fixed["node"]:
                yield {"vote": packet.message}


def _its_flush_fails(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """The flush fails, and the page cache shows the vote to the restart."""
    vote = fixed["vote"]
    match sight.happening:
        case FailFlush(node) if node == fixed["node"]:
            found = sight.play.world.nodes[node].accepted.get(vote.slot)
            if found is not None and found.ballot == vote.ballot:
                yield {}


def _reports_it(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Of what nobody was told, a promise to somebody else tells now."""
    vote = fixed["vote"]
    for packet in sight.sent(Promise):
        promise = packet.message
        assert isinstance(promise, Promise)
        if packet.sender == fixed["node"] != packet.receiver and _tells_of(promise, vote.slot, vote.ballot):
            yield {"ballot": promise.ballot}


def _tells_of(promise: Promise, slot: int, ballot: Ballot) -> bool:
    return promise.ballot > ballot and any((one.slot, one.ballot) == (slot, ballot) for one in promise.accepted)


def _adopted(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Propose):
        case (node, Propose(ballot, slot, _)) if (ballot, slot) == (fixed["ballot"], fixed["vote"].slot):
            if sight.before[node].active == ballot:
                yield {}


FULL_DISK = Scenario(
    "a vote of the page cache, after a full disk",
    '"Needs flush" is cleared before the flush and not restored when it fails',
    THREE_NODES,
    (
        Stage("a vote waits for a full disk", _vote_waits_on_full),
        Stage("the disk refuses it", _refused),
        Stage("there is room again", _has_room),
        Stage("another vote waits for its flush", _a_vote_waits),
        Stage("the flush fails, and the restart finds the vote in the page cache", _its_flush_fails),
        Stage("a promise to another ballot tells of it", _reports_it),
        Stage("that ballot proposes in its slot", _adopted),
    ),
)

SCENARIOS = (CHOSEN_TWICE, FULL_DISK)
