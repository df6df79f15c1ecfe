"""What one node has heard: all that it can act on, since nodes share no memory.

What is due is judged on this view of the state, so that nothing which a node never heard of makes it do anything, and
nothing that it heard and hides from itself keeps it from what it must do.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from conformance.judges.projection import Names
from conformance.judges.vocabulary import FIELD, SentMessage
from conformance.world.outcomes import Outcome
from physalia import model
from physalia.cell import learner
from physalia.model import NodeId
from spec import cell as spec
from spec import commands
from spec.values import function_of

CROWD = 64
"""A node that heard less than this forgets nothing."""


class Hearing:
    """What one node received since it last started, and what it was asked for and did not reject.

    A node can act on nothing else. Its own proposals count as well, since it made them. What it can't act on any more
    is forgotten: what was asked for and is known, what concerns the slots that it knows, and the promises of ballots
    that it does not lead. A slot that a node knows it knows until it crashes, and then it has heard nothing; a ballot
    that it does not lead any more it never leads again.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._heard: dict[str, frozenset[Any]] = {field: frozenset() for field in FIELD.values()}
        self.asked: frozenset[str] = frozenset()
        self.in_order: list[str] = []
        """The same, in the order in which they were first asked."""
        self.revision = 0
        """Grows with everything that is heard for the first time."""
        self.promised: list[model.Promise] = []
        """What the node itself promised since it last started."""
        self._crowded = CROWD
        self._reported: tuple[frozenset[Any], int, Mapping[int, set[str]]] = (frozenset(), 0, {})
        self._proposed: list[model.Proposal] = []
        self._refused: set[tuple[model.Ballot, NodeId]] = set()
        self._learned: dict[NodeId, int] = {}
        """How far each other node said that it has learned durably."""
        self._coming: dict[NodeId, tuple[int, bytes, int, int]] = {}
        """Of the snapshot that each node teaches: slot, digest, how many rows came in order, and of how many."""

    def note(self, outcome: Outcome, prefix: int) -> None:
        """Take note of a step of the node, which knew so many slots before."""
        match outcome.event:
            case model.Receive(_, model.Decision(slot)) if slot > prefix + learner.HEARD_AHEAD_SLOTS:
                return
            case model.Receive(sender, model.Chunk() as chunk):
                self._note_chunk(sender, chunk, prefix)
            case model.Receive(sender, message) if is_from(sender, message):
                self._add(self._names.message(message, sender))
                if isinstance(message, model.Learned) and message.slot > self._learned.get(sender, 0):
                    self._learned[sender] = message.slot
                    self.revision += 1
                if isinstance(message, model.Refusal):
                    self._refused.add((message.ballot, sender))
                self.promised += [p.message for p in outcome.sent if isinstance(p.message, model.Promise)]
            case model.Install() if isinstance(outcome.announces, model.Action):
                self.asked, self.in_order = frozenset(), []
            case model.Submit(command) if not (outcome.rejects or outcome.answers):
                name = self._names.command(command)
                if name not in self.asked:
                    self.in_order.append(name)
                self.asked |= {name}
                self.revision += 1
            case model.Propose():
                for packet in outcome.sent:
                    self._add(self._names.sent(packet.data, packet.sender))
                self._proposed += {p.message for p in outcome.sent if isinstance(p.message, model.Proposal)}

    def forget(self, known: Sequence[str], active: model.Ballot) -> None:
        """Forget what a node that knows this and leads this ballot can't act on any more."""
        if known and known[-1] in self.asked:
            self.asked -= {known[-1]}
            self.in_order.remove(known[-1])
        if sum(map(len, self._heard.values())) < self._crowded:
            return
        prefix, decided, ballot = len(known), frozenset(known), self._names.ballot(active)
        heard = self._heard
        heard["prepares"] = frozenset()  # nothing that a node may do by itself asks for one
        heard["promises"] = frozenset(m for m in heard["promises"] if m.ballot == ballot)
        heard["echoes"] = frozenset(m for m in heard["echoes"] if m.ballot == ballot)
        heard["votes"] = frozenset(m for m in heard["votes"] if m.slot > prefix)
        heard["decisions"] = frozenset(m for m in heard["decisions"] if m.slot > prefix)
        heard["proposals"] = frozenset(
            m for m in heard["proposals"] if m.ballot == ballot and (m.slot > prefix or m.value not in decided)
        )
        self._proposed = [proposal for proposal in self._proposed if proposal.ballot == active]
        self._crowded = 2 * sum(map(len, heard.values())) + CROWD

    def view(self, state: spec.State) -> spec.State:
        """The state as this node can see it."""
        changed: dict[str, Any] = {"asked": self.asked, **self._heard}
        return state._replace(**changed)

    def _note_chunk(self, teacher: NodeId, chunk: model.Chunk, prefix: int) -> None:
        """Rows count in their order, and those of two snapshots never together. The first row says how many come."""
        transfer = self.transfer(teacher, chunk, prefix)
        if transfer is not None and transfer != self._coming.get(teacher):
            self._coming[teacher] = transfer
            self.revision += 1

    def transfer(self, teacher: NodeId, chunk: model.Chunk, prefix: int) -> tuple[int, bytes, int, int] | None:
        """What came, with this chunk, of the snapshot that it is of; None if it does not belong anywhere."""
        slot, digest, came, of = self._coming.get(teacher, (0, b"", 0, 0))
        if chunk.slot <= prefix:
            return None
        if (slot, digest) != (chunk.slot, chunk.digest):
            if chunk.first > 0 or not chunk.rows or not isinstance(chunk.rows[0], model.Head):
                return None
            came, of = 0, chunk.rows[0].rows
        if chunk.first > came:
            return None
        more = len(chunk.rows) if chunk.first == came < of else 0
        return chunk.slot, chunk.digest, came + more, of

    def is_of_another(self, teacher: NodeId, chunk: model.Chunk) -> bool:
        """Whether a chunk is of another snapshot of its teacher than the one that came last."""
        return self._coming.get(teacher, (0, b""))[:2] != (chunk.slot, chunk.digest)

    def snapshots(self, prefix: int) -> Iterator[tuple[NodeId, int]]:
        """The snapshots that came whole and lead beyond what is known: of whom, and to which slot."""
        for teacher, (slot, _, came, of) in self._coming.items():
            if came == of and slot > prefix:
                yield teacher, slot

    def transfers(self, prefix: int) -> Iterator[tuple[NodeId, int, int]]:
        """The snapshots that come in beyond what is known: of whom, at which slot, and the rows that are kept of it.

        Of one that came whole no rows are kept, but where it leads.
        """
        for teacher, (slot, _, came, of) in self._coming.items():
            if slot > prefix:
                yield teacher, slot, 0 if came == of else came

    def slots_after(self, prefix: int) -> frozenset[int]:
        """The slots beyond what is known whose decisions came."""
        return frozenset(m[0] for m in self._heard["decisions"] if m[0] > prefix)

    def coming(self) -> Iterator[int]:
        """The slots of the snapshots that come in."""
        return (slot for slot, *_ in self._coming.values())

    def view_with(self, state: spec.State, teacher: NodeId, slot: int) -> spec.State:
        """The state as this node sees it beside a snapshot: all decisions of its teacher up to its slot."""
        view = self.view(state)
        taught = frozenset(m for m in state.decisions if m.by == teacher and m.slot <= slot)
        return view._replace(decisions=view.decisions | taught)

    def view_of_learned(self, state: spec.State) -> spec.State:
        """The state as this node sees it, where others have learned durably what they said, and no more."""
        learned = (self._learned.get(node, 0) for node in range(1, len(state.kept)))
        return self.view(state)._replace(kept=function_of(learned))

    def is_reported(self, ballot: int, slot: int) -> bool:
        """Whether a promise of the ballot reports a vote in the slot."""
        return any(m.ballot == ballot and any(r.slot == slot for r in m.accepted) for m in self._heard["promises"])

    def has_promise(self, ballot: int, node: NodeId) -> bool:
        """Whether the node's promise of the ballot came."""
        return any(m[:2] == (ballot, node) for m in self._heard["promises"])

    def dropped(self, ballot: int) -> Iterator[tuple[NodeId, int]]:
        """Who promised the ballot, and up to which slot each had dropped by then what it knows."""
        return ((promise.node, promise.floor) for promise in self._heard["promises"] if promise.ballot == ballot)

    def has_vote(self, ballot: int, slot: int, node: NodeId) -> bool:
        """Whether the node's vote came."""
        return spec.Vote(ballot, slot, node) in self._heard["votes"]

    def refused(self, ballot: model.Ballot) -> frozenset[NodeId]:
        """Who said that it promised a higher ballot than this one."""
        return frozenset(node for refused, node in self._refused if refused == ballot)

    def knows_decision_of(self, slot: int) -> bool:
        """Whether a decision of the slot came."""
        return any(m[0] == slot for m in self._heard["decisions"])

    def proposed(self, ballot: model.Ballot) -> Iterator[tuple[int, model.Command]]:
        """What the node itself proposed under a ballot, slot by slot."""
        return ((proposal.slot, proposal.value) for proposal in self._proposed if proposal.ballot == ballot)

    def _add(self, message: SentMessage | None) -> None:
        if message is not None:
            field = FIELD[type(message)]
            if message not in self._heard[field]:
                self._heard[field] |= {message}
                self.revision += 1

    def candidates(self, ballot: int, slot: int, known: Sequence[str]) -> Iterator[str]:
        """The values that this node might be allowed to propose: what was reported, the no-op, and one that is free.

        Commands that are neither known nor proposed under the ballot are all alike to the specification.
        """
        yield from self._reports(ballot).get(slot, ())
        yield commands.NoOp
        if not self.asked:
            return
        spent = {m.value for m in self._heard["proposals"] if m.ballot == ballot}
        yield from islice((name for name in self.asked if name not in spent and name not in known), 1)

    def _reports(self, ballot: int) -> Mapping[int, set[str]]:
        """The values that promises of this ballot report, slot by slot; made anew when another promise came."""
        promises = self._heard["promises"]
        if self._reported[:2] != (promises, ballot):
            values: dict[int, set[str]] = {}
            for promise in promises:
                for report in promise.accepted if promise.ballot == ballot else ():
                    values.setdefault(report.slot, set()).add(report.value)
            self._reported = (promises, ballot, values)
        return self._reported[2]


def is_from(sender: NodeId, message: model.Message) -> bool:
    """Whether this sender may say this. Who asks, refuses or tells of a decision does not name itself."""
    match message:
        case model.Prepare(ballot) | model.Proposal(ballot) | model.Round(ballot):
            return sender == ballot.node
        case model.Promise(node=node) | model.Vote(node=node) | model.Echo(node=node):
            return sender == node
        case _:
            return True
