"""Rare scenarios about ballots and votes: choices that are not finished, and disks that are full in between."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.guided.towards import Hint, arriving, asked_to_write, is_due, to_lead
from conformance.world.scenario import Crash, Deliver, EndFlush, FailFlush, FreeDisk, Give, Happening
from physalia.model import Accepted, Ballot, Decide, Learn, Prepare, Promise, Proposal, Propose, Vote

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


def _chosen(sight: Sight, fixed: Fixed, ballots: int = 3) -> Iterator[Fixed]:
    """Somebody has heard of votes of so many ballots in the slot, and proposes there."""
    match sight.given(Propose):
        case (node, Propose(ballot, slot, _)) if slot == fixed["slot"] and sight.before[node].active == ballot:
            judge = sight.play.judge
            number = judge.names.ballot(ballot)
            heard = judge.hearings[node].view(judge.state).promises
            told = {r.ballot for m in heard if m.ballot == number for r in m.accepted if r.slot == slot}
            if len(told) >= ballots:
                yield {"ballot": ballot}


def _gone(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """The proposer's process ends before anybody else has voted for its choice."""
    match sight.happening:
        case Crash(node) | FailFlush(node) if node == fixed["ballot"].node:
            if all(vote.ballot != fixed["ballot"] for vote in _votes(sight, fixed["slot"])):
                yield {}


def _chosen_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    for more in _chosen(sight, fixed, 2):
        if more["ballot"] > fixed["ballot"]:
            yield {"last": more["ballot"]}


def _decided(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Decide):
        case (node, Decide(ballot, slot)) if (ballot, slot) == (fixed["last"], fixed["slot"]):
            if sight.after[node].known >= slot:
                yield {}


def _decides(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    """The slot would be decided before its time, or come nearer to that."""
    match happening:
        case Deliver(_, _, Vote(_, slot)) | Give(_, Decide(_, slot) | Learn(slot)):
            return bool(slot == fixed["slot"])
    return False


def _crowds(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    """The same; or who voted there already would vote again, under another ballot."""
    match happening:
        case Deliver(_, receiver, Proposal(_, slot)) if slot == fixed["slot"] and receiver in sight.after:
            return slot in sight.play.world.nodes[receiver].accepted
    return _decides(sight, fixed, happening)


def _one_more_votes(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Who has not voted there takes over, proposes, and votes; or one of those who did does so again."""
    nodes = sight.play.world.nodes
    others = sorted(node for node in nodes if fixed["slot"] not in nodes[node].accepted) or sorted(nodes)
    yield from to_lead(sight, *others)
    for node in filter(sight.leads, others):
        yield asked_to_write(node)
        yield from is_due(sight, node, Propose)
        yield from arriving(sight, Proposal, sender=node, receiver=node)


def _is_early(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    """Somebody would choose before the last promise came; or the slot would be decided, or lose one of its votes."""
    match happening:
        case Give(node, Propose(_, slot)) if slot == fixed["slot"]:
            return any(packet.receiver == node for packet in sight.sent(Promise)) or any(sight.sent(Prepare))
    return _crowds(sight, fixed, happening)


def _somebody_chooses(sight: Sight, _: Fixed) -> Iterator[Hint]:
    """Everybody promises to somebody, who hears all of that, and proposes only then."""
    yield from to_lead(sight, *sight.after)
    asked = [*arriving(sight, Prepare), *arriving(sight, Promise)]
    yield from asked
    for node in sight.after if not asked else ():
        yield from is_due(sight, node, Propose)


def _its_end(_: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield Crash(fixed["ballot"].node, 0)


def _votes_for_it(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    match happening:
        case Deliver(_, _, Proposal(ballot, slot)) if (ballot, slot) == (fixed["ballot"], fixed["slot"]):
            return True
    return _decides(sight, fixed, happening)


CHOSEN_TWICE = Scenario(
    "a choice among three ballots is made twice",
    "Leader adopts any reported vote, not the highest ballot",
    THREE_NODES,
    (
        Stage("two nodes voted for different values in an open slot", _two_voted, _is_open, brings=_one_more_votes,
              spoils=_crowds),
        Stage("three did, under three ballots", _three_voted, _is_open, brings=_somebody_chooses,
              spoils=_is_early),
        Stage("a proposer hears of all three there, and chooses", _chosen, _is_open, brings=_its_end,
              spoils=_votes_for_it),
        Stage("it is gone before anybody votes for its choice", _gone, _is_open, brings=_somebody_chooses,
              spoils=_crowds),
        Stage("another proposer has the choice again", _chosen_again),
        Stage("and decides", _decided),
    ),
)  # fmt: skip


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


def _its_flush_ends(_: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield EndFlush(fixed["node"])


def _room(_: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield FreeDisk(fixed["node"])


def _something_to_vote_for(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    node = fixed["node"]
    yield from (hint for hint in arriving(sight, Proposal, receiver=node) if _is_another(hint, node))
    for leader in sight.after:
        if leader != node and sight.leads(leader):
            yield asked_to_write(leader)
            yield from is_due(sight, leader, Propose)


def _is_another(hint: Hint, node: int) -> bool:
    return isinstance(hint, Deliver) and hint.sender != node


def _the_flush_fails(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield FailFlush(fixed["node"], sight.play.world.unflushed(fixed["node"]))


def _is_flushed(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    return happening == EndFlush(fixed["node"])


def _others_ask(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_lead(sight, *(other for other in sight.after if other != fixed["node"]))


def _they_propose(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_lead(sight, fixed["ballot"].node)
    yield from is_due(sight, fixed["ballot"].node, Propose)


FULL_DISK = Scenario(
    "a vote of the page cache, after a full disk",
    '"Needs flush" is cleared before the flush and not restored when it fails',
    THREE_NODES,
    (
        Stage("a vote waits for a full disk", _vote_waits_on_full, brings=_its_flush_ends),
        Stage("the disk refuses it", _refused, brings=_room),
        Stage("there is room again", _has_room, brings=_something_to_vote_for, spoils=_is_flushed),
        Stage("another vote waits for its flush", _a_vote_waits, brings=_the_flush_fails, spoils=_is_flushed),
        Stage("the flush fails, and the restart finds the vote in the page cache", _its_flush_fails,
              brings=_others_ask),
        Stage("a promise to another ballot tells of it", _reports_it, brings=_they_propose),
        Stage("that ballot proposes in its slot", _adopted),
    ),
)  # fmt: skip

SCENARIOS = (CHOSEN_TWICE, FULL_DISK)
