"""Manners: what the specification leaves open and a cell must do all the same, or it would wait for ever.

The specification says which messages may be sent, and that each may be lost. It does not say to whom they go, nor that
one is sent again: to a duplicate, to a node that lags, or on a timer. These rules do. Whatever they refute is safe, and
useless. Each takes a step that the judge found right, with the state before it.
"""

from collections.abc import Iterator

from conformance.projection import Hearing, Names
from conformance.refutation import Refuted
from conformance.wording import message_words
from conformance.world import Outcome, Packet, World
from physalia import model
from physalia.cell import RESEND_AFTER_MS
from physalia.model import NodeId
from spec import cell as spec
from spec.commands import is_majority


class Manners:
    """Judges how the nodes of one world treat each other and their clients. `judge` raises `Refuted`."""

    def __init__(self, world: World, names: Names, machine: spec.Cell) -> None:
        self._world = world
        self._names = names
        self._machine = machine
        self._ticked_at_ms: dict[NodeId, int] = {}

    def judge(self, outcome: Outcome, before: spec.State, after: spec.State, hearing: Hearing) -> None:
        """`hearing` is what the node had heard before this step."""
        node, event = outcome.node, outcome.event
        packets = [(packet.receiver, packet.data) for packet in outcome.sent]
        if len(set(packets)) < len(packets):
            raise Refuted(f"node {node} sends the same message to the same node twice in one step", _told(outcome.sent))
        match outcome.announces:
            case model.Action(name):
                self._want(outcome, self._firsts(name, outcome, before, after, hearing))
        match event:
            case model.Receive(sender, message):
                self._want(outcome, self._replies(node, sender, message, before, hearing))
                if isinstance(message, model.Refusal) and message.ballot == self._world.nodes[node].active:
                    self._judge_next_ballot(node, message.promised)
            case model.Campaign() | None:
                self._want(outcome, self._told_by_an_outsider(outcome, before))
                self._judge_next_ballot(node, self._world.nodes[node].promised)
            case model.Submit(command):
                self._judge_client(outcome, command, before, hearing)
            case model.Tick(now_ms):
                self._judge_timer(outcome, now_ms, before, hearing)
        if not isinstance(event, model.Tick):
            self._ticked_at_ms.pop(node, None)

    def _want(self, outcome: Outcome, wanted: Iterator[tuple[NodeId, model.Message]]) -> None:
        """These messages must be among what was sent."""
        sent = {(packet.receiver, packet.message) for packet in outcome.sent}
        for receiver, message in wanted:
            if (receiver, message) not in sent:
                raise Refuted(
                    f"node {outcome.node} does not send node {receiver} what it needs: {message_words(message)}",
                    (f"event: {outcome.event}", *_told(outcome.sent)),
                )

    # To whom something is sent for the first time

    def _firsts(
        self, action: str, outcome: Outcome, before: spec.State, after: spec.State, hearing: Hearing
    ) -> Iterator[tuple[NodeId, model.Message]]:
        node = outcome.node
        known = self._world.nodes[node].known
        match outcome.event:
            case model.Campaign(ballot):
                prepare = model.Prepare(ballot, len(known))
                yield from ((member, prepare) for member in self._window(after, node))
            case model.Propose(ballot, slot, value):
                proposal = model.Proposal(ballot, slot, value)
                yield from ((member, proposal) for member in self._machine.members_of(before, node, slot))
            case model.Receive(owner, model.Prepare() | model.Proposal()):
                if not any(packet.receiver == owner for packet in outcome.sent):
                    raise Refuted(f"node {node} does not send its {action} to node {owner}", _told(outcome.sent))
            case model.Decide(_, slot):
                decision = model.Decision(slot, known[-1])
                told = self._window(after, node) | self._machine.members_of(before, node, slot)
                yield from ((member, decision) for member in told - {node})
                yield from self._invitations(node, before, after)
            case model.Learn():
                yield from self._invitations(node, before, after)
                name = self._names.command(known[-1])
                if name in hearing.asked and name not in before.known[node] and not outcome.answers:
                    raise Refuted(f"node {node} learns what became of a command and does not answer its client")

    def _window(self, state: spec.State, node: NodeId) -> frozenset[NodeId]:
        """Every member of the configurations of the slots that a node may fill next."""
        first = self._machine.first_unknown(state, node)
        window = range(first, first + self._machine.alpha)
        return frozenset().union(*(self._machine.members_of(state, node, slot) for slot in window))

    def _invitations(
        self, node: NodeId, before: spec.State, after: spec.State
    ) -> Iterator[tuple[NodeId, model.Message]]:
        """Whoever enters the window of a leader is sent the leader's old prepare."""
        active = self._world.nodes[node].active
        if active == model.NO_BALLOT:
            return
        ballot = self._names.ballot(active)
        prefix = next(m.prefix for m in after.prepares if m.ballot == ballot)
        slots = range(prefix + 1, len(before.known[node]) + self._machine.alpha + 1)
        invited = frozenset().union(*(self._machine.members_of(before, node, slot) for slot in slots))
        for member in self._window(after, node) - invited:
            yield member, model.Prepare(active, prefix)

    def _told_by_an_outsider(self, outcome: Outcome, before: spec.State) -> Iterator[tuple[NodeId, model.Message]]:
        """Who may not campaign for being no member teaches the members, and asks them, or perhaps nobody ever may."""
        node, known = outcome.node, self._world.nodes[outcome.node].known
        match outcome.event:
            case model.Campaign(ballot) if ballot.node == node and isinstance(outcome.announces, model.Stutter):
                b = self._names.ballot(ballot)
                is_used = any(m.ballot == b for m in before.prepares)
                if is_used or before.promised[node] >= b or before.active[node] >= b:
                    return
                members = self._window(before, node) | self._machine.members_of(before, node, len(known))
                for member in members - {node}:
                    yield member, model.Ask(len(known))
                    if known:
                        yield member, model.Decision(len(known), known[-1])

    # What is sent again

    def _replies(
        self, node: NodeId, sender: NodeId, message: model.Message, before: spec.State, hearing: Hearing
    ) -> Iterator[tuple[NodeId, model.Message]]:
        """To a duplicate, and to and from a node that lags."""
        cell = self._world.nodes[node]
        prefix = len(cell.known)
        match message:
            case model.Proposal(ballot, slot) if sender == ballot.node:
                if before.promised[node] <= self._names.ballot(ballot):
                    yield sender, model.Vote(ballot, slot, node)
            case model.Prepare(ballot) if sender == ballot.node and cell.promised == ballot:
                yield from ((sender, promise) for promise in hearing.promised if promise.ballot == ballot)
            case model.Ask(theirs):
                for slot in range(theirs + 1, prefix + 1):
                    yield sender, model.Decision(slot, cell.known[slot - 1])
            case model.Decision(slot) if slot <= prefix:
                yield sender, model.Ask(prefix)
            case model.Decision(slot) if slot > prefix + 1 and not hearing.knows_decision_of(prefix + 1):
                yield sender, model.Ask(prefix)
            case model.Prepare(prefix=theirs) if theirs > prefix and not hearing.knows_decision_of(prefix + 1):
                yield sender, model.Ask(prefix)

    def _judge_timer(self, outcome: Outcome, now_ms: int, before: spec.State, hearing: Hearing) -> None:
        """When nothing happened to a leader from one tick to another, what is unanswered is sent again."""
        node = outcome.node
        last_ms = self._ticked_at_ms.get(node)
        self._ticked_at_ms[node] = now_ms
        if last_ms is not None and now_ms - last_ms >= RESEND_AFTER_MS:
            self._want(outcome, self._unanswered(node, before, hearing))

    def _unanswered(self, node: NodeId, state: spec.State, hearing: Hearing) -> Iterator[tuple[NodeId, model.Message]]:
        cell = self._world.nodes[node]
        ballot = self._names.ballot(cell.active)
        if not self._is_leading(node, state, hearing):
            return
        prefix = next(m.prefix for m in state.prepares if m.ballot == ballot)
        for member in self._window(state, node):
            if not hearing.has_promise(ballot, member):
                yield member, model.Prepare(cell.active, prefix)
        for member in self._window(state, node) - {node} if cell.known else ():
            if hearing.acknowledged.get(member, 0) < len(cell.known):
                yield member, model.Decision(len(cell.known), cell.known[-1])
        for slot, value in hearing.proposed(cell.active):
            for member in self._machine.members_of(state, node, slot) if slot > len(cell.known) else ():
                if not hearing.has_vote(ballot, slot, member):
                    yield member, model.Proposal(cell.active, slot, value)

    def _is_leading(self, node: NodeId, state: spec.State, hearing: Hearing) -> bool:
        """Whether the node leads a ballot, of which it does not know that a majority has left it."""
        first = self._machine.first_unknown(state, node)
        refused = hearing.refused(self._world.nodes[node].active)
        return state.active[node] != 0 and not is_majority(refused, self._machine.members_of(state, node, first))

    def _judge_next_ballot(self, node: NodeId, passed: model.Ballot) -> None:
        """The next ballot is the node's own, above all it promised, ever used, or was refused for."""
        ballot, used = self._world.next_ballot(node), self._world.disks[node].written.used
        for below in (passed, self._world.nodes[node].active, *used):
            if ballot.node != node or ballot <= below:
                raise Refuted(f"node {node} would campaign with {ballot}, which must be its own and above {below}")

    # Clients

    def _judge_client(self, outcome: Outcome, command: model.Asked, before: spec.State, hearing: Hearing) -> None:
        """A client is answered at once, taken on, or rejected; and rejected only for one of the two reasons."""
        node, name = outcome.node, self._names.command(command)
        known, ballot = before.known[node], before.active[node]
        if name in known:
            if not outcome.answers:
                raise Refuted(f"node {node} knows what became of {name} and does not answer its client")
            return
        is_leading = self._is_leading(node, before, hearing)
        if name in hearing.asked and is_leading:
            if outcome.rejects:
                raise Refuted(f"node {node} rejects {name}, which it has taken on")
            return
        open_values = {m.slot: m.value for m in before.proposals if m.ballot == ballot and m.slot > len(known)}
        waiting = hearing.asked - set(known) - set(open_values.values())
        reason = None
        if not is_leading:
            reason = "not the proposer"
        elif len(open_values) + len(waiting) >= self._machine.alpha:
            reason = "pipeline full"
        if outcome.rejects != (() if reason is None else ((command.request, reason),)):
            raise Refuted(
                f"node {node} should {'take on' if reason is None else 'reject'} {name}: "
                f"{len(open_values)} slots are open, {len(waiting)} commands wait, alpha is {self._machine.alpha}",
                (f"rejects: {outcome.rejects}",),
            )


def _told(packets: tuple[Packet, ...]) -> tuple[str, ...]:
    return tuple(f"sends {packet.receiver} {message_words(packet.message)}" for packet in packets) or ("sends nothing",)
