"""After the trouble: when nothing is lost any more, a cell must come to rest with everything decided and known.

A hidden variable can make a node wait for ever without ever being wrong. So a run may end in a calm: every disk has
room, every message arrives, clocks tick, and when that is not enough the failure detector names a leader. Then every
command that this leader took on must be decided, all members must know what the leader knows, and a new command and a
read must be answered.
"""

from collections.abc import Callable

from conformance import describe
from conformance.judges import coverage
from conformance.judges.judge import Judge
from conformance.refutation import Refuted
from conformance.wording import message_words
from conformance.world.orders import Create
from conformance.world.outcomes import Packet
from conformance.world.scenario import Deliver, EndFlush, FreeDisk, Give, Happening, Pass
from conformance.world.world import World
from physalia.model import NO_BALLOT, Campaign, NodeId, Prepare, Query, Read, RequestId, Submit

MAX_ROUNDS = 16
"""So many rounds of ticks must be enough, with a campaign in every other one."""

SILENT_ROUNDS = 2
"""So many of them in turn in which a leader sends nothing show that it rests."""

MAX_DELIVERIES = 4_000
"""So many messages in one round, and 16 more for each node and slot, are a storm that does not end."""

TICK_MS = 1_000
"""Long enough for the slowest clock to see that a resend is due."""


def settle(world: World, judge: Judge, happen: Callable[[Happening], None]) -> None:
    """Let the calm happen. Raises `Refuted` if the cell does not come to rest."""
    for node in sorted(world.full):
        happen(FreeDisk(node))
    for node in sorted(world.disks.keys() - world.nodes.keys() - world.lost):
        happen(Create(node))
    _drain(world, happen)
    for round_ in range(MAX_ROUNDS):
        leader = _leader(world)
        if leader is not None and _is_settled(world, judge, leader) and _serves(world, judge, leader, happen):
            _must_fall_silent(world, judge, leader, happen)
            judge.coverage.reach(coverage.SETTLED)
            return
        if round_ % 2 == 1 or leader is None:
            candidate = _candidate(world, judge)
            # Where none may, as far as it knows, each must do its part that one may soon.
            for node in world.nodes if candidate is None else (candidate,):
                happen(Give(node, Campaign(world.next_ballot(node))))
            _drain(world, happen)
        for node in world.nodes:
            happen(Pass(node, TICK_MS))
            _drain(world, happen)
    raise Refuted(
        f"the cell does not settle within {MAX_ROUNDS} rounds in which nothing is lost",
        (f"leader: node {_leader(world)}", *describe.describe_state(judge.state)),
    )


def _must_fall_silent(world: World, judge: Judge, leader: NodeId, happen: Callable[[Happening], None]) -> None:
    """The leader of a cell at rest sends nothing (R14), except a prepare, on which a node may have to keep silent.

    The second look at the clock after an action is the one that sends again, so two in turn must find nothing to send.
    What goes out before that may bring an action. Readers of nodes that were deposed are told by the clock too, and are
    waited for; a node that leads a lower ballot and was never asked for a promise of the higher one may go on trying.
    """
    silent, sent = 0, list[Packet]()
    for _ in range(MAX_ROUNDS):
        for node in world.nodes:
            happen(Pass(node, TICK_MS))
            if node == leader:
                heard = [packet for packet in world.in_flight if packet.receiver not in world.unheard]
                sent = [packet for packet in heard if not _is_unanswered(judge, leader, packet)]
                silent = 0 if sent else silent + 1
            _drain(world, happen)
        if silent >= SILENT_ROUNDS and not any(map(judge.readers.waiting, world.nodes.keys() - world.unheard)):
            return
    if silent < SILENT_ROUNDS:
        raise Refuted(
            f"node {leader} does not rest: everything is decided, known and acknowledged, and it still sends",
            tuple(message_words(packet.message) for packet in sent[:1]),
        )


def _is_unanswered(judge: Judge, leader: NodeId, packet: Packet) -> bool:
    """Whether it is a prepare whose promise never came: who was silent once is silent for that ballot for ever."""
    message = packet.message
    if not isinstance(message, Prepare):
        return False
    return not judge.hearings[leader].has_promise(judge.names.ballot(message.ballot), packet.receiver)


def _drain(world: World, happen: Callable[[Happening], None]) -> None:
    """Everything due is done, everything waiting is flushed, everything in flight arrives, until nothing is left."""
    longest = max(len(cell.known) for cell in world.nodes.values())
    for _ in range(MAX_DELIVERIES + 16 * len(world.nodes) * longest):
        due = next((Give(node, event) for node, events in world.due.items() for event in events), None)
        waiting = next((node for node, queue in world.queues.items() if queue), None)
        if due is not None:
            happen(due)
        elif waiting is not None:
            happen(EndFlush(waiting))
        elif world.in_flight:
            packet = world.in_flight[0]
            happen(Deliver(packet.sender, packet.receiver, packet.message))
        else:
            return
    raise Refuted("the cell does not fall silent: its messages cause messages without end")


def _leader(world: World) -> NodeId | None:
    """Who leads the highest ballot, of those who are heard."""
    heard = [(node, cell) for node, cell in world.nodes.items() if node not in world.unheard]
    leading = [(cell.active, node) for node, cell in heard if cell.active != NO_BALLOT]
    return max(leading)[1] if leading else None


def _candidate(world: World, judge: Judge) -> NodeId | None:
    """Of those that may campaign, as far as they know, the one that knows most."""
    able = [
        node
        for node in world.nodes.keys() - world.unheard
        if judge.successor(judge.state, ("prepare", (judge.names.ballot(world.next_ballot(node)),))) is not None
    ]
    return max(able, key=lambda node: (len(world.nodes[node].known), -node), default=None)


def _is_settled(world: World, judge: Judge, leader: NodeId) -> bool:
    state, known = judge.state, judge.state.known[leader]
    ballot = state.active[leader]
    is_open = any(m.ballot == ballot and m.slot > len(known) for m in state.proposals)
    waits = not judge.hearings[leader].asked <= set(known)
    first = len(known) + 1
    window = range(first, first + judge.machine.alpha)
    members = frozenset().union(*(judge.machine.members_of(state, leader, slot) for slot in window))
    return (
        not is_open
        and not waits
        and all(state.known[node] == known for node in members & world.nodes.keys() - world.unheard)
    )


def _serves(world: World, judge: Judge, leader: NodeId, happen: Callable[[Happening], None]) -> bool:
    """Whether the leader takes one more command and one more read (R7), and leaves no reader waiting."""
    if not _takes_one_more(world, judge, leader, happen):
        return False
    before = len(judge.readers.served)
    happen(Give(leader, Query(RequestId("calm-reader", before + 1))))  # no name that a command of the calm may have
    _drain(world, happen)
    return len(judge.readers.served) > before and not judge.readers.waiting(leader)


def _takes_one_more(world: World, judge: Judge, leader: NodeId, happen: Callable[[Happening], None]) -> bool:
    """Whether the leader takes one more command, decides it and answers.

    It may be unable to: a node whose promise was lost, and which crashed, keeps silent for this ballot for ever.
    """
    number = 1 + sum(command.request.client == "calm" for command in world.asked)
    command = Read(RequestId("calm", number))
    happen(Give(leader, Submit(command)))
    _drain(world, happen)
    return any(told.command == judge.names.command(command) for told in judge.state.told)
