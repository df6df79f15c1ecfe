"""The acceptor: promises and votes (design rules R2 and R4).

It need not know any configuration: whoever counts its answers judges whether it is a member.
"""

from attrs import Factory, define

from physalia.cell.steps import IGNORED, resent
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Action,
    Ballot,
    Echo,
    Flush,
    NodeId,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Refusal,
    Report,
    Round,
    Send,
    Slot,
    Step,
    Store,
    Stutter,
    Vote,
)


@define
class Acceptor:
    """The durable `promised` and `accepted` of one node.

    `promised` is the highest ballot that was promised or voted under, `answered` the highest whose prepare was
    answered. They differ: a node that voted under a ballot before it was asked may still promise it, but only once.
    `reply` is that answer, in memory only, so a node that restarted stays silent for the ballot. Votes up to slot
    `floor` are dropped: a snapshot holds what came of them (R10).
    """

    node: NodeId
    promised: Ballot = NO_BALLOT
    answered: Ballot = NO_BALLOT
    accepted: dict[Slot, Accepted] = Factory(dict)
    reply: Promise | None = None
    floor: Slot = 0

    def copy(self) -> "Acceptor":
        """The same, sharing nothing that can change."""
        return Acceptor(
            self.node, self.promised, self.answered, self.accepted.copy(), self.reply, self.floor
        )  # fmt: skip

    def promise(self, prepare: Prepare) -> Step:
        """Promise(n, b): take no part below `b` any more, and report the votes above the prepare's prefix."""
        ballot = prepare.ballot
        if not self.promised <= ballot:
            return self._refuse(ballot)
        if self.answered == ballot:
            return IGNORED if self.reply is None else resent([Send(ballot.node, self.reply)])
        self.promised = ballot
        self.answered = ballot
        self.reply = Promise(ballot, self.node, self._reports_above(prepare.prefix), self.floor)
        effects = (Store(Promised(ballot)), Flush(), Send(ballot.node, self.reply))
        return Step(Action("promise", (self.node, ballot)), effects)

    def vote(self, proposal: Proposal) -> Step:
        """Vote(n, b, i): vote for what `b`'s owner proposed in slot `i`; that raises the promise to `b`."""
        ballot, slot = proposal.ballot, proposal.slot
        vote = Vote(ballot, slot, self.node)
        if not self.promised <= ballot:
            return self._refuse(ballot)
        if slot <= self.floor:
            return IGNORED
        if not self.voted_under(slot) < ballot:
            return resent([Send(ballot.node, vote)])
        accepted = Accepted(ballot, slot, proposal.value)
        self.promised = ballot
        self.accepted[slot] = accepted
        effects = (Store(accepted), Flush(), Send(ballot.node, vote))
        return Step(Action("vote", (self.node, ballot, slot)), effects)

    def echo(self, round_: Round) -> Step:
        """Echo(n, b, t): the promise of `b` still stands (R7). It is said as often as it is asked for."""
        ballot, read = round_.ballot, round_.read
        if ballot < self.promised:
            return self._refuse(ballot)
        if self.promised != ballot:
            return IGNORED
        echo = Echo(ballot, read, self.node)
        return Step(Action("echo", (self.node, ballot, read)), (Send(ballot.node, echo),))

    def forget_up_to(self, floor: Slot) -> None:
        """Drop the votes up to this slot; those above survive."""
        self.floor = floor
        self.accepted = {slot: vote for slot, vote in self.accepted.items() if slot > floor}

    def voted_under(self, slot: Slot) -> Ballot:
        """The ballot of the last vote in the slot; of one that was dropped, the highest that it can have been."""
        if slot <= self.floor:
            return self.promised
        accepted = self.accepted.get(slot)
        return NO_BALLOT if accepted is None else accepted.ballot

    def _reports_above(self, prefix: Slot) -> tuple[Report, ...]:
        slots = sorted(slot for slot in self.accepted if slot > prefix)
        return tuple(Report(slot, self.accepted[slot].ballot, self.accepted[slot].value) for slot in slots)

    def _refuse(self, ballot: Ballot) -> Step:
        return Step(Stutter("refused"), (Send(ballot.node, Refusal(ballot, self.promised)),))
