"""Manners: what the specification leaves open and a cell must do all the same, or it would wait for ever.

The specification says which messages may be sent, and that each may be lost. It does not say to whom they go, nor that
one is sent again: to a duplicate, to a node that lags, or on a timer. These rules do. Whatever they refute is safe, and
useless. Each takes a step that the judge found right, with the state before it.
"""

from collections.abc import Collection, Iterator
from itertools import accumulate

from conformance.judges.hearing import Hearing
from conformance.judges.lessons import is_lighter, lower
from conformance.judges.projection import Names
from conformance.judges.timers import is_leading, told, window
from conformance.refutation import Refuted
from conformance.wording import ballot_words, event_words, message_words
from conformance.world.cells import Cell
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.cell import learner
from physalia.cell.image import weigh
from physalia.model import NodeId
from spec import cell as spec
from spec.commands import Change, Log


class Manners:
    """Judges how the nodes of one world treat each other and their clients. `judge` raises `Refuted`."""

    def __init__(self, world: World, names: Names, machine: spec.Cell) -> None:
        self._world = world
        self._names = names
        self._machine = machine
        self._refused_for: dict[NodeId, model.Ballot] = {}
        self._taught: dict[NodeId, dict[NodeId, int]] = {}
        """Up to which slot each node has taught each other one since it last looked at its clock."""
        self._given: dict[NodeId, set[NodeId]] = {}
        """Whom each node has taught its snapshot instead of the log since then."""

    def judge(self, outcome: Outcome, before: spec.State, after: spec.State, hearing: Hearing) -> None:
        """`hearing` is what the node had heard before this step."""
        node, event = outcome.node, outcome.event
        packets = [(packet.receiver, packet.data) for packet in outcome.sent]
        if len(set(packets)) < len(packets):
            raise Refuted(f"node {node} sends the same message to the same node twice in one step", told(outcome.sent))
        clients = [request for request, _ in (*outcome.answers, *outcome.rejects)]
        if len(set(clients)) < len(clients):
            raise Refuted(f"node {node} speaks twice to the same client in one step", tuple(map(str, clients)))
        match outcome.announces:
            case model.Action(name):
                firsts = tuple(self._firsts(name, outcome, before, after, hearing))
                self._want(outcome, iter(firsts))
                self._judge_recipients(outcome, firsts)
        match event:
            case model.Receive(sender, message):
                self._judge_deposed(outcome, before, after, hearing)
                self._want(outcome, self._replies(node, sender, message, before, hearing))
                self._judge_receipt(outcome, sender, message)
            case model.Campaign():
                self._want(outcome, self._told_by_an_outsider(outcome, before))
                self._judge_next_ballot(node)
            case None:  # it crashed, and what it had heard is forgotten
                self._refused_for.pop(node, None)
                self._taught.pop(node, None)
                self._given.pop(node, None)
                self._judge_next_ballot(node)
            case model.Learn() | model.Decide():
                self._judge_deposed(outcome, before, after, hearing)
            case model.Tick():
                self._taught.pop(node, None)
                self._given.pop(node, None)
            case model.Inquire(nodes):
                self._judge_inquiry(outcome, nodes - {node})
            case model.Propose(_, slot, value):
                self._judge_turn(outcome, slot, value, before, hearing)
            case model.Submit(command):
                self._judge_client(outcome, command, before, hearing)

    def _judge_receipt(self, outcome: Outcome, sender: NodeId, message: model.Message) -> None:
        """What follows from a message that asks to be taught, or refuses."""
        node = outcome.node
        match message:
            case model.Ask(theirs):
                self._judge_choice(outcome, sender, theirs)
                self._judge_lesson(outcome, sender, theirs)
            case model.Take() if outcome.sent:
                self._given.setdefault(node, set()).add(sender)
            case model.Refusal(ballot, promised) if ballot == self._world.nodes[node].active:
                passed = self._refused_for.get(node, model.NO_BALLOT)
                self._refused_for[node] = max(promised, passed)
                self._judge_next_ballot(node)

    def _want(self, outcome: Outcome, wanted: Iterator[tuple[NodeId, model.Message]]) -> None:
        """These messages must be among what was sent."""
        sent = {(packet.receiver, packet.message) for packet in outcome.sent}
        for receiver, message in wanted:
            if (receiver, message) not in sent:
                raise Refuted(
                    f"node {outcome.node} does not send node {receiver} what it needs: {message_words(message)}",
                    (f"event: {event_words(outcome.event)}", *told(outcome.sent)),
                )

    def _judge_recipients(self, outcome: Outcome, wanted: Collection[tuple[NodeId, model.Message]]) -> None:
        """What asks for something or tells of it goes to those whom it concerns, and to nobody else."""
        for packet in outcome.sent:
            is_for_some = isinstance(packet.message, model.Prepare | model.Proposal | model.Decision)
            if is_for_some and (packet.receiver, packet.message) not in wanted:
                raise Refuted(
                    f"node {outcome.node} sends node {packet.receiver} what does not concern it: "
                    f"{message_words(packet.message)}"
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
                yield from ((member, prepare) for member in window(self._machine, after, node))
            case model.Propose(ballot, slot, value):
                proposal = model.Proposal(ballot, slot, value)
                yield from ((member, proposal) for member in self._machine.members_of(before, node, slot))
            case model.Receive(owner, model.Prepare() | model.Proposal() | model.Round()):
                if not any(packet.receiver == owner for packet in outcome.sent):
                    raise Refuted(f"node {node} does not send its {action} to node {owner}", told(outcome.sent))
                yield from lower(self._world, node, owner, outcome.event.message)
            case model.Decide(_, slot):
                decision = model.Decision(slot, known[-1])
                audience = window(self._machine, after, node) | self._machine.members_of(before, node, slot)
                yield from ((member, decision) for member in audience - {node})
                yield from self._invitations(node, before, after)
            case model.Learn():
                yield from self._invitations(node, before, after)
                name = self._names.command(known[-1])
                if name in hearing.asked and name not in before.known[node] and not outcome.answers:
                    raise Refuted(f"node {node} learns what became of a command and does not answer its client")

    def _invitations(
        self, node: NodeId, before: spec.State, after: spec.State
    ) -> Iterator[tuple[NodeId, model.Message]]:
        """Whoever enters the window of a leader is sent the leader's old prepare."""
        active = self._world.nodes[node].active
        if active == model.NO_BALLOT:
            return
        ballot = self._names.ballot(active)
        prepares = after.prepares | self._machine.waiting(after, node).prepares
        prefix = next(m.prefix for m in prepares if m.ballot == ballot)
        slots = self._first_slots(before.known[node], prefix + 1)
        invited = frozenset().union(*(self._machine.members_of(before, node, slot) for slot in slots))
        for member in window(self._machine, after, node) - invited:
            yield member, model.Prepare(active, prefix)

    def _first_slots(self, known: Log, first: int) -> Iterator[int]:
        """Of the slots from the first on to the end of the window, those whose configuration may be a new one.

        Only a change can make it differ from that of the slot before; logs are long, and changes are few.
        """
        alpha, content = self._machine.alpha, self._machine.content
        yield first
        for slot, command in enumerate(known, start=1):
            if slot + alpha > first and isinstance(content.get(command), Change):
                yield slot + alpha

    def _told_by_an_outsider(self, outcome: Outcome, before: spec.State) -> Iterator[tuple[NodeId, model.Message]]:
        """Who may not campaign for being no member teaches the members, and asks them, or perhaps nobody ever may."""
        node, known = outcome.node, self._world.nodes[outcome.node].known
        match outcome.event:
            case model.Campaign(ballot) if ballot.node == node and isinstance(outcome.announces, model.Stutter):
                b = self._names.ballot(ballot)
                is_used = b in self._machine.used(before, node)
                if is_used or before.promised[node] >= b or before.active[node] >= b:
                    return
                members = window(self._machine, before, node) | self._machine.members_of(before, node, len(known))
                for member in members - {node}:
                    yield member, model.Ask(len(known))
                    if known:
                        yield member, model.Decision(len(known), known[-1])

    # What is sent again

    def _replies(
        self, node: NodeId, sender: NodeId, message: model.Message, before: spec.State, hearing: Hearing
    ) -> Iterator[tuple[NodeId, model.Message]]:
        """To a duplicate, and to and from a node that lags (R9)."""
        cell, alpha = self._world.nodes[node], self._machine.alpha
        prefix = len(cell.known)
        yield from lower(self._world, node, sender, message)
        match message:
            case model.Proposal(ballot, slot) if sender == ballot.node and slot > cell.floor:
                if before.promised[node] <= self._names.ballot(ballot):
                    yield sender, model.Vote(ballot, slot, node)
        match message:
            case model.Prepare(ballot) if sender == ballot.node and cell.promised == ballot:
                yield from ((sender, promise) for promise in hearing.promised if promise.ballot == ballot)
            case model.Ask(theirs) if theirs >= cell.known.base:
                first = max(theirs, self._taught_to(node, sender)) + 1
                last = self._at_once(cell, theirs)
                if first <= last and is_lighter(cell, theirs, last) is False:
                    for slot in range(first, last + 1):
                        yield sender, model.Decision(slot, cell.known[slot - 1])
            case model.Proposal(slot=slot) if slot - alpha > prefix and not hearing.knows_decision_of(prefix + 1):
                yield sender, model.Ask(prefix)
            case model.Decision(slot) if slot <= prefix:
                yield sender, model.Ask(prefix)
            case model.Decision(slot) if slot > prefix + 1 and not hearing.knows_decision_of(prefix + 1):
                yield sender, model.Ask(prefix)
            case model.Prepare(prefix=theirs) if theirs > prefix and not hearing.knows_decision_of(prefix + 1):
                yield sender, model.Ask(prefix)

    def _at_once(self, cell: Cell, theirs: int) -> int:
        """Up to which slot a node teaches at once that still has of its log what comes after slot `theirs`.

        All that is lacking, unless these are too many slots or together too heavy; but one slot, whatever that weighs.
        """
        last = min(len(cell.known), theirs + learner.TAUGHT_AT_ONCE_SLOTS)
        weights = accumulate(weigh(cell.known[slot - 1]) for slot in range(theirs + 1, last + 1))
        light = sum(weighs <= self._world.setup.limits.lesson_bytes for weighs in weights)
        return min(theirs + max(1, light), last)

    def _judge_choice(self, outcome: Outcome, sender: NodeId, theirs: int) -> None:
        """Who lacks more than one lesson is taught the snapshot if that is the lighter one, and otherwise the log."""
        node, cell = outcome.node, self._world.nodes[outcome.node]
        if theirs < cell.known.base or self._taught_to(node, sender) >= (last := self._at_once(cell, theirs)):
            return
        given = self._given.setdefault(node, set())
        has_chunk = any(isinstance(packet.message, model.Chunk) for packet in outcome.sent)
        is_taught = has_chunk or sender in given
        match is_lighter(cell, theirs, last):
            case True:
                is_right = is_taught
            case False:
                is_right = not has_chunk
            case None:  # either will do
                is_right = is_taught or any(isinstance(packet.message, model.Decision) for packet in outcome.sent)
        if not is_right:
            raise Refuted(f"node {node} does not teach node {sender} what is lighter, the log or the snapshot")
        if has_chunk:
            given.add(sender)

    def _judge_lesson(self, outcome: Outcome, sender: NodeId, theirs: int) -> None:
        """A lesson is given once in a tick, or one that arrives twice makes ever more of them; and it has an end."""
        node, taught = outcome.node, self._taught_to(outcome.node, sender)
        slots = [packet.message.slot for packet in outcome.sent if isinstance(packet.message, model.Decision)]
        if slots and min(slots) <= taught:
            raise Refuted(f"node {node} teaches node {sender} slot {min(slots)} again in the same tick")
        if slots and max(slots) > self._at_once(self._world.nodes[node], theirs):
            raise Refuted(f"node {node} teaches node {sender} more at once than it may: up to slot {max(slots)}")
        if slots:
            self._taught.setdefault(node, {})[sender] = max(slots)

    def _judge_inquiry(self, outcome: Outcome, others: frozenset[NodeId]) -> None:
        """Who is told to ask others asks each of them for what it does not know, and nobody else."""
        asked = {(packet.receiver, packet.message) for packet in outcome.sent}
        if asked != {(other, model.Ask(len(self._world.nodes[outcome.node].known))) for other in others}:
            raise Refuted(f"node {outcome.node} does not ask just those whom it is told to ask", told(outcome.sent))

    def _taught_to(self, node: NodeId, asking: NodeId) -> int:
        return self._taught.get(node, {}).get(asking, 0)

    def _judge_next_ballot(self, node: NodeId) -> None:
        """The next ballot is the node's own, above all it promised, ever used, or was refused for."""
        ballot, used = self._world.next_ballot(node), self._world.disks[node].written.used
        cell, refused_for = self._world.nodes[node], self._refused_for.get(node, model.NO_BALLOT)
        for below in (cell.promised, cell.active, refused_for, *used):
            if ballot.node != node or ballot <= below:
                raise Refuted(
                    f"node {node} would campaign with {ballot_words(ballot)}, "
                    f"which must be its own and above {ballot_words(below)}"
                )

    # Clients

    def _judge_turn(
        self, outcome: Outcome, slot: int, value: model.Command, before: spec.State, hearing: Hearing
    ) -> None:
        """Of the commands that may be proposed, the one that waits longest is."""
        node, name = outcome.node, self._names.command(value)
        ballot = before.active[node]
        if not isinstance(outcome.announces, model.Action) or hearing.is_reported(ballot, slot):
            return
        spent = {m.value for m in self._machine.proposals_of(before, node) if m.ballot == ballot} | set(
            before.known[node]
        )
        waiting = [other for other in hearing.in_order if other not in spent]
        if waiting and name != waiting[0]:
            raise Refuted(f"node {node} proposes {name}, and {waiting[0]} waits longer")

    def _judge_deposed(self, outcome: Outcome, before: spec.State, after: spec.State, hearing: Hearing) -> None:
        """Who leads no more tells whoever waits that it does not know what comes of it (R6), and nobody else."""
        node = outcome.node
        is_deposed = before.active[node] != 0 and after.active[node] == 0
        if not is_deposed and before.active[node] == after.active[node]:
            refuses: frozenset[NodeId] = frozenset()
            match outcome.event:
                case model.Receive(sender, model.Refusal(ballot)) if ballot == self._world.nodes[node].active:
                    refuses = frozenset({sender})
            led = is_leading(self._machine, self._world, node, before, hearing)
            is_deposed = led and not is_leading(self._machine, self._world, node, after, hearing, refuses)
        waiting = [name for name in hearing.in_order if name not in after.known[node]] if is_deposed else []
        wanted = {(self._names.asked[name], "outcome unknown") for name in waiting}
        if {told for told in outcome.rejects if told[1] == "outcome unknown"} != wanted:
            raise Refuted(
                f"node {node} {'leads no more' if is_deposed else 'is not deposed'}, and tells its clients otherwise",
                (f"- {sorted(map(str, wanted))}", f"+ {sorted(map(str, outcome.rejects))}"),
            )

    def _judge_client(self, outcome: Outcome, command: model.Asked, before: spec.State, hearing: Hearing) -> None:
        """A client is answered at once, taken on, or rejected; and rejected only for one of the two reasons (R12)."""
        node, name = outcome.node, self._names.command(command)
        known, ballot = before.known[node], before.active[node]
        if name in known:
            if not outcome.answers:
                raise Refuted(f"node {node} knows what became of {name} and does not answer its client")
            return
        if outcome.answers and isinstance(command, model.Execute):
            return  # nothing else can come of it: the judge of the stores sees to that
        leads = is_leading(self._machine, self._world, node, before, hearing)
        if name in hearing.asked and leads:
            if outcome.rejects:
                raise Refuted(f"node {node} rejects {name}, which it has taken on")
            return
        proposals = self._machine.proposals_of(before, node)
        open_values = {m.slot: m.value for m in proposals if m.ballot == ballot and m.slot > len(known)}
        waiting = hearing.asked - set(known) - set(open_values.values())
        reason = None
        if isinstance(command, model.Execute) and _named_sessions(command) - set(range(len(known) + 1)):
            reason = "session ahead"
        elif not leads:
            reason = "not the proposer"
        elif len(open_values) + len(waiting) >= self._machine.alpha:
            reason = "pipeline full"
        if outcome.rejects != (() if reason is None else ((command.request, reason),)):
            raise Refuted(
                f"node {node} should {'take on' if reason is None else 'reject'} {name}: "
                f"{len(open_values)} slots are open, {len(waiting)} commands wait, alpha is {self._machine.alpha}",
                (f"rejects: {outcome.rejects}",),
            )


def _named_sessions(command: model.Execute) -> set[int]:
    """The slots that a command names as sessions."""
    match command.body:
        case model.Transact(session):
            return {session}
        case model.Batch(entries):
            return {asked.session for _, asked in entries}
    return set()
