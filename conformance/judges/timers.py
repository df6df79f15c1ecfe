"""Timers: what is unanswered is sent again in time, not before its time, and to nobody who has answered.

The node's own clock is all that it has. The first tick after an action of the proposer starts the wait; the first tick
that comes `RESEND_AFTER_MS` later ends it, and what is still unanswered goes out again.
"""

from collections.abc import Iterator

from conformance.judges.hearing import Hearing
from conformance.judges.projection import Names
from conformance.refutation import Refuted
from conformance.wording import message_words
from conformance.world.outcomes import Outcome, Packet
from conformance.world.world import World
from physalia import model
from physalia.cell import RESEND_AFTER_MS
from physalia.model import NodeId
from spec import cell as spec
from spec.commands import is_majority


def is_leading(
    machine: spec.Cell,
    world: World,
    node: NodeId,
    state: spec.State,
    hearing: Hearing,
    refuses: frozenset[NodeId] = frozenset(),
) -> bool:
    """Whether the node leads a ballot, of which it does not know that too few for a majority are left.

    `refuses` are those who refuse it in the step that is judged.
    """
    members = machine.members_of(state, node, machine.first_unknown(state, node))
    refused = hearing.refused(world.nodes[node].active) | refuses
    if refused & members and node not in members:
        return False  # nobody who takes over asks it for anything, so that it may never hear of that
    return state.active[node] != 0 and is_majority(members - refused, members)


def window(machine: spec.Cell, state: spec.State, node: NodeId) -> frozenset[NodeId]:
    """Every member of the configurations of the slots that a node may fill next."""
    first = machine.first_unknown(state, node)
    slots = range(first, first + machine.alpha)
    return frozenset().union(*(machine.members_of(state, node, slot) for slot in slots))


class Timers:
    """Judges what the nodes of one world send again when they look at their clocks. `judge` raises `Refuted`."""

    def __init__(self, world: World, names: Names, machine: spec.Cell) -> None:
        self._world = world
        self._names = names
        self._machine = machine
        self._waits_since_ms: dict[NodeId, int] = {}
        self._acknowledged: dict[tuple[int, NodeId], int] = {}
        """Under each ballot, up to which slot each node of the leader's audience said that it knows everything."""

    def judge(self, outcome: Outcome, before: spec.State, hearing: Hearing) -> None:
        """`hearing` is what the node had heard before this step."""
        node, acted = outcome.node, isinstance(outcome.announces, model.Action)
        match outcome.event:
            case model.Tick(now_ms):
                since_ms = self._waits_since_ms.setdefault(node, now_ms)
                if now_ms - since_ms >= RESEND_AFTER_MS:
                    self._waits_since_ms[node] = now_ms
                    self._judge_resent(outcome, before, hearing)
                elif outcome.sent:
                    raise Refuted(f"node {node} sends again before its time", told(outcome.sent))
            case None:  # it crashed, and may use a ballot again of which it told nobody
                self._waits_since_ms.pop(node, None)
                for key in [key for key in self._acknowledged if self._machine.owner[key[0]] == node]:
                    del self._acknowledged[key]
            case model.Receive(sender, model.Ask(prefix)) if before.active[node]:
                last = len(before.known[node])
                if sender in window(self._machine, before, node) | self._machine.members_of(before, node, last):
                    key = (before.active[node], sender)
                    self._acknowledged[key] = max(prefix, self._acknowledged.get(key, 0))
            case model.Campaign() | model.Learn() if acted:
                self._waits_since_ms.pop(node, None)
            case model.Propose() | model.Decide() | model.Consult() | model.Serve() if acted:
                self._waits_since_ms.pop(node, None)

    def _judge_resent(self, outcome: Outcome, state: spec.State, hearing: Hearing) -> None:
        sent = {(packet.receiver, packet.message) for packet in outcome.sent}
        ballot = state.active[outcome.node]
        for receiver, message in self._unanswered(outcome.node, state, hearing):
            if (receiver, message) not in sent:
                raise Refuted(
                    f"node {outcome.node} does not send node {receiver} again what it did not answer: "
                    f"{message_words(message)}",
                    told(outcome.sent),
                )
        for receiver, message in sent:
            if self._is_answered(ballot, receiver, message, hearing):
                raise Refuted(
                    f"node {outcome.node} sends node {receiver} again what it has answered: {message_words(message)}"
                )

    def _unanswered(self, node: NodeId, state: spec.State, hearing: Hearing) -> Iterator[tuple[NodeId, model.Message]]:
        """What a leader must send again, and to whom."""
        if not is_leading(self._machine, self._world, node, state, hearing):
            return
        cell = self._world.nodes[node]
        ballot, members = self._names.ballot(cell.active), window(self._machine, state, node)
        prepares = state.prepares | self._machine.waiting(state, node).prepares
        prefix = next(m.prefix for m in prepares if m.ballot == ballot)
        wanted: list[tuple[NodeId, model.Message]] = [
            (member, model.Prepare(cell.active, prefix)) for member in members
        ]
        if cell.known:
            wanted += [(member, model.Decision(len(cell.known), cell.known[-1])) for member in members - {node}]
        prefix = len(cell.known)
        wanted += [(member, model.Ask(prefix)) for member, floor in hearing.dropped(ballot) if floor > prefix]
        for slot, value in hearing.proposed(cell.active):
            if slot > len(cell.known):
                proposal = model.Proposal(cell.active, slot, value)
                wanted += [(member, proposal) for member in self._machine.members_of(state, node, slot)]
        for member, message in wanted:
            if not self._is_answered(ballot, member, message, hearing):
                yield member, message

    def _is_answered(self, ballot: int, receiver: NodeId, message: model.Message, hearing: Hearing) -> bool:
        match message:
            case model.Prepare():
                return hearing.has_promise(ballot, receiver)
            case model.Proposal(slot=slot):
                return hearing.has_vote(ballot, slot, receiver)
            case model.Decision(slot):
                return self._acknowledged.get((ballot, receiver), 0) >= slot
            case _:
                return False


def told(packets: tuple[Packet, ...]) -> tuple[str, ...]:
    """What was sent, for people."""
    return tuple(f"sends {packet.receiver} {message_words(packet.message)}" for packet in packets) or ("sends nothing",)
