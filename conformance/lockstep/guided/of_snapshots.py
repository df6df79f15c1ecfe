"""Rare scenarios about what nodes forget and teach: snapshots on their way while somebody else takes over."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.guided.towards import (
    Hint,
    arriving,
    is_learning,
    takes,
    to_be_taught,
    to_decide,
    to_jump,
    to_lead,
)
from conformance.world.scenario import Give, Happening
from physalia.model import Ask, Campaign, Chunk, Head, Inquire, Install, NodeId, Promise, Slot, Submit, Take, Truncate

FORGETTING = "forgetting, 3 + 1 nodes, alpha 1 to 3"


def from_a_jump(sight: Sight, node: NodeId, slot: Slot = 1) -> int:
    """How far a node is from a snapshot of that slot or a later one: 0 if all of one came; by chunks if one comes."""
    if node not in sight.after:
        return NOWHERE
    known = sight.after[node].known
    due = sight.play.world.due.get(node, ())
    if any(isinstance(event, Install) and event.slot >= slot for event in due):
        return 0
    chunks = [packet.message for packet in sight.sent(Chunk) if packet.receiver == node]
    firsts = [chunk.first for chunk in chunks if isinstance(chunk, Chunk) and chunk.slot >= slot]
    if firsts:
        return 1 + max(0, MANY_ROWS - max(firsts))
    teachers = {other for other, glance in sight.after.items() if glance.base > known}
    if any(packet.sender == node and packet.receiver in teachers for packet in sight.sent(Ask)):
        return NOWHERE - 3
    if teachers:
        return NOWHERE - 2
    return NOWHERE - (known < len(sight.play.world.log))


MANY_ROWS, NOWHERE = 40, 50


# A snapshot is being sent while a change is pending, and its teacher is deposed.


def _a_change_is_pending(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    """Somebody leads who knows of a change that does not count yet."""
    for node, glance in sight.after.items():
        if sight.pending(glance.known) and sight.leads(node):
            yield {"leader": node}


def _still_pending(sight: Sight, fixed: Fixed) -> bool:
    leader = sight.after.get(fixed["leader"])
    return leader is not None and sight.pending(leader.known) and sight.leads(fixed["leader"])


def _a_lesson(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """It forgets what another node lacks, and that one asks it; if nobody lacks anything, it decides more."""
    leader = fixed["leader"]
    here = sight.after[leader]
    behind = [node for node, glance in sight.after.items() if glance.known < here.known]
    for node in behind:
        if sight.after[node].known < here.base:
            yield Give(node, Inquire(frozenset({leader})))
            yield from arriving(sight, Ask, sender=node, receiver=leader)
    if not behind:
        yield from to_decide(sight, leader)
    elif here.base < here.known:
        yield Give(leader, Truncate(here.known))


def _who_lacks_it_learns(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    known = sight.after[fixed["leader"]].known
    return any(is_learning(happening, node) for node, glance in sight.after.items() if glance.known < known)


def _a_leader_teaches(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """A leader's snapshot is on its way, and a change that it knows does not count yet."""
    for packet in sight.sent(Chunk):
        chunk, teacher = packet.message, packet.sender
        assert isinstance(chunk, Chunk)
        is_more = chunk.first > 0 or (isinstance(chunk.rows[0], Head) and chunk.rows[0].rows > len(chunk.rows))
        is_its = fixed["leader"] == teacher != packet.receiver
        if is_more and is_its and sight.pending(chunk.slot) and sight.leads(teacher):
            ballot = sight.after[teacher].active
            yield {"teacher": teacher, "student": packet.receiver, "slot": chunk.slot, "ballot": ballot}


def _still_lacks_it(sight: Sight, fixed: Fixed) -> bool:
    student = sight.after.get(fixed["student"])
    return student is not None and student.known < fixed["slot"]


def _a_part_comes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Part of it comes to the student, which does not have all of it by now."""
    match sight.arrived(Chunk):
        case (sender, receiver, Chunk(slot)) if (sender, receiver, slot) == _way(fixed) and not _is_whole(sight, fixed):
            yield {}


def _is_whole(sight: Sight, fixed: Fixed) -> bool:
    return Install(fixed["teacher"], fixed["slot"]) in sight.play.world.due.get(fixed["student"], ())


def _way(fixed: Fixed) -> tuple[int, int, int]:
    return fixed["teacher"], fixed["student"], fixed["slot"]


def _deposed(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.is_deposed(fixed["ballot"]):
        yield {}


def _followers(sight: Sight, fixed: Fixed) -> int:
    """How many have promised no higher ballot than the teacher's."""
    return sum(glance.promised <= fixed["ballot"] for glance in sight.after.values())


def _another_part_comes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.arrived(Chunk):
        case (sender, receiver, Chunk(slot)) if (sender, receiver, slot) == _way(fixed):
            yield {}


def _installed(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Install):
        case (node, Install(teacher, slot)) if (teacher, node, slot) == _way(fixed) and _jumped(sight, node):
            yield {}


def _jumped(sight: Sight, node: int) -> bool:
    return sight.after[node].known > sight.before[node].known


def _its_chunks(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from arriving(sight, Chunk, sender=fixed["teacher"], receiver=fixed["student"])
    yield from arriving(sight, Take, sender=fixed["student"], receiver=fixed["teacher"])


def _its_whole(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_be_taught(sight, fixed["student"], fixed["teacher"])


def _would_be_whole(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    """Whether the student would have all of it, or learn its slots otherwise."""
    match happening:
        case Give(node, Install()) if node == fixed["student"]:
            return True
    return is_learning(happening, fixed["student"])


def _a_rival(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Somebody else takes over, and the members hear of it; least of all who is taught."""
    yield from to_lead(sight, *sorted(sight.members(fixed["teacher"]) - {fixed["teacher"]}))


DEPOSED_TEACHER = Scenario(
    "a deposed teacher's snapshot with a pending change",
    "Snapshot lacks dedup table, leases or pending membership",
    FORGETTING,
    (
        Stage("somebody leads who knows of a change that does not count yet", _a_change_is_pending, _still_pending,
              brings=_a_lesson, spoils=_who_lacks_it_learns),
        Stage("it sends a snapshot in which that change is pending", _a_leader_teaches, _still_lacks_it,
              brings=_its_chunks, spoils=_would_be_whole),
        Stage("part of it comes, and not all of it", _a_part_comes, _still_lacks_it, _followers, _a_rival,
              _would_be_whole),
        Stage("the teacher is deposed", _deposed, _still_lacks_it, brings=_its_chunks, spoils=_would_be_whole),
        Stage("another part of it comes all the same", _another_part_comes, _still_lacks_it, brings=_its_whole),
        Stage("the student jumps to it", _installed),
    ),
)  # fmt: skip


# A promise that is older than a truncation arrives after a snapshot was installed.


def _a_promise_flies(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    for packet in sight.sent(Promise):
        if packet.sender != packet.receiver:
            yield {"promise": packet}


def _flies(sight: Sight, fixed: Fixed) -> bool:
    return sight.flies(fixed["promise"])


def _its_node_forgets(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Whoever said the promise has dropped votes of which it did not say so."""
    promise = fixed["promise"]
    said_by = sight.after.get(promise.sender)
    if said_by is not None and said_by.floor > promise.message.floor:
        yield {}


def _its_owner_jumps(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Install):
        case (node, Install()) if node == fixed["promise"].receiver and _jumped(sight, node):
            yield {}


def _its_owner_tries_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Who jumps leads no more; now it does again, under a ballot of which this promise says nothing."""
    promise = fixed["promise"]
    owner = sight.after.get(promise.receiver)
    if owner is not None and owner.active > promise.message.ballot:
        yield {}


def _the_promise_comes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    promise = fixed["promise"]
    match sight.arrived(Promise):
        case (sender, receiver, message) if (sender, receiver) == (promise.sender, promise.receiver):
            if message == promise.message and sight.before[receiver].active > promise.message.ballot:
                yield {}


def _no_lesson(sight: Sight, fixed: Fixed) -> int:
    """How far the promise's owner is from a jump."""
    return from_a_jump(sight, fixed["promise"].receiver)


def _it_forgets(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Its node truncates what it knows; for that it must know more than it did."""
    sender = fixed["promise"].sender
    if sender in sight.after and sight.after[sender].known > fixed["promise"].message.floor:
        yield Give(sender, Truncate(sight.after[sender].known))
    for node in sight.after:
        if sight.leads(node):
            yield from to_decide(sight, node)


def _takes_the_promise(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    promise = fixed["promise"]
    return takes(happening, promise.message, promise.receiver)


def _keeps_from_a_jump(sight: Sight, fixed: Fixed, happening: Happening) -> bool:
    return _takes_the_promise(sight, fixed, happening) or is_learning(happening, fixed["promise"].receiver)


def _it_is_taught(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_jump(sight, fixed["promise"].receiver)


def _it_takes_another(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_lead(sight, fixed["promise"].receiver)


def _it_comes(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from arriving(sight, Promise, sender=fixed["promise"].sender, receiver=fixed["promise"].receiver)


OLD_PROMISE = Scenario(
    "a promise older than a truncation, after a jump",
    "No vote reported by a node that truncated the slot, read as free",
    FORGETTING,
    (
        Stage("a promise is on its way", _a_promise_flies, _flies, brings=_it_forgets, spoils=_keeps_from_a_jump),
        Stage("whoever said it drops votes above the floor that it tells of", _its_node_forgets, _flies, _no_lesson,
              _it_is_taught, _keeps_from_a_jump),
        Stage("whom it is for jumps over slots by a snapshot", _its_owner_jumps, _flies, brings=_it_takes_another,
              spoils=_takes_the_promise),
        Stage("and takes another ballot", _its_owner_tries_again, _flies, brings=_it_comes),
        Stage("the promise comes", _the_promise_comes),
    ),
)  # fmt: skip


# A client's retry reaches a leader that jumped over its slot by a snapshot.


def _asked(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    match sight.given(Submit):
        case (node, Submit(command)) if not sight.decided_in(command):
            yield {"node": node, "command": command}


def _decided_elsewhere(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Its command is decided, and the node that was asked does not know so."""
    slot = sight.decided_in(fixed["command"])
    node = sight.after.get(fixed["node"])
    if slot and node is not None and node.known < slot:
        yield {"slot": slot}


def _unknown_there(sight: Sight, fixed: Fixed) -> bool:
    node = sight.after.get(fixed["node"])
    return node is not None and (node.known < fixed["slot"] or node.base >= fixed["slot"])


def _from_its_jump(sight: Sight, fixed: Fixed) -> int:
    return from_a_jump(sight, fixed["node"], fixed["slot"])


def _jumps_over_it(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Install):
        case (node, Install()) if node == fixed["node"] and sight.before[node].known < fixed["slot"]:
            if sight.after[node].base >= fixed["slot"]:
                yield {}


def _it_leads(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.leads(fixed["node"]):
        yield {}


def _asked_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Submit):
        case (node, Submit(command)) if (node, command) == (fixed["node"], fixed["command"]) and sight.leads(node):
            yield {}


def _others_decide_it(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Another node leads, and is asked for the same command."""
    others = sorted(sight.members(fixed["node"]) - {fixed["node"]})
    for node in others:
        if sight.leads(node):
            yield Give(node, Submit(fixed["command"]))
            yield from to_decide(sight, node)
            return
    yield from to_lead(sight, *others)


def _it_learns(_: Sight, fixed: Fixed, happening: Happening) -> bool:
    return is_learning(happening, fixed["node"])


def _it_is_taught_it(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_jump(sight, fixed["node"], fixed["slot"])


def _it_takes_over(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_lead(sight, fixed["node"])


def _asks_again(_: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield Give(fixed["node"], Submit(fixed["command"]))


JUMPED_RETRY = Scenario(
    "a retry at a leader that jumped over its slot",
    "A client whose slot a snapshot jumped over is never answered",
    FORGETTING,
    (
        Stage("a node is asked for a command", _asked, brings=_others_decide_it, spoils=_it_learns),
        Stage("the command is decided, and that node does not know so", _decided_elsewhere, _unknown_there,
              _from_its_jump, _it_is_taught_it, _it_learns),
        Stage("the node jumps over its slot by a snapshot", _jumps_over_it, _unknown_there, brings=_it_takes_over),
        Stage("the node leads", _it_leads, _unknown_there, brings=_asks_again),
        Stage("the client asks it for the same again", _asked_again),
    ),
)  # fmt: skip


# Two transfers of two leaderships cross.


def _begun(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    match sight.arrived(Chunk):
        case (sender, receiver, Chunk(slot)) if receiver in sight.after and sight.after[receiver].known < slot:
            top = max(glance.promised for glance in sight.after.values())
            fixed = {"teacher": sender, "student": receiver, "slot": slot, "top": top}
            if not _is_whole(sight, fixed):
                yield fixed


def _another_leads(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """A ballot leads that is above all that anybody had promised when the transfer began."""
    for node, glance in sight.after.items():
        if glance.active > fixed["top"] and sight.leads(node):
            yield {}
            return


def _a_newer_one_comes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.arrived(Chunk):
        case (sender, receiver, Chunk(slot)) if receiver == fixed["student"] and slot > fixed["slot"]:
            if sender != fixed["teacher"]:
                yield {"second": sender, "newer": slot}


def _of_the_first(sight: Sight, fixed: Fixed) -> int:
    return from_a_jump(sight, fixed["student"], fixed["slot"])


def _of_the_second(sight: Sight, fixed: Fixed) -> int:
    return from_a_jump(sight, fixed["student"], fixed["newer"])


def _the_newer_installed(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    match sight.given(Install):
        case (node, Install(teacher, slot)) if node == fixed["student"] and _jumped(sight, node):
            if (teacher, slot) == (fixed["second"], fixed["newer"]):
                yield {}


def _somebody_leads(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    highest = max(glance.promised for glance in sight.after.values())
    members = sorted(sight.members(fixed["teacher"]))
    yield from (
        to_lead(sight, *members)
        if highest > fixed["top"]
        else (Give(node, Campaign(sight.play.world.next_ballot(node))) for node in members)
    )


def _a_newer_one(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    """Another node that knows more than the snapshot tells forgets what it knows, and is asked."""
    student, others = fixed["student"], sight.after.keys() - {fixed["teacher"], fixed["student"]}
    ahead = [node for node in sorted(others) if sight.after[node].known > fixed["slot"]]
    for node in ahead:
        if sight.after[node].base > fixed["slot"]:
            yield from to_be_taught(sight, student, node)
        else:
            yield Give(node, Truncate(sight.after[node].known))
    if not ahead:
        for node in sight.after:
            if sight.leads(node):
                yield from to_decide(sight, node)


def _the_second(sight: Sight, fixed: Fixed) -> Iterator[Hint]:
    yield from to_be_taught(sight, fixed["student"], fixed["second"])


CROSSING_TRANSFERS = Scenario(
    "two transfers of two leaderships cross",
    "A teaching transfer of an earlier leadership goes on beside the new one",
    FORGETTING,
    (
        Stage("part of a snapshot comes to a node, and not all of it", _begun, _still_lacks_it,
              brings=_somebody_leads, spoils=_would_be_whole),
        Stage("somebody leads under a ballot that nobody had promised then", _another_leads, _still_lacks_it,
              brings=_a_newer_one, spoils=_would_be_whole),
        Stage("part of a newer snapshot of another teacher comes to the same node", _a_newer_one_comes,
              _still_lacks_it, _of_the_first, _its_chunks, _would_be_whole),
        Stage("the first transfer goes on", _another_part_comes, _still_lacks_it, _of_the_first, _its_whole),
        Stage("the first is whole: the node jumps to it", _installed, distance=_of_the_second, brings=_the_second),
        Stage("and so is the second: it jumps again", _the_newer_installed),
    ),
)  # fmt: skip

SCENARIOS = (DEPOSED_TEACHER, OLD_PROMISE, JUMPED_RETRY, CROSSING_TRANSFERS)
