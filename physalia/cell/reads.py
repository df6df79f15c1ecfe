"""Reads that take no slot of the log (design rule R7).

A consistent read waits for a round. When one begins, the proposer notes the highest slot that it knows of, and asks the
members of the next one whether their promises still stand; a majority of them, who reported no vote there, must echo.
Reads that arrive meanwhile wait for the round after. All of this is volatile, and a read that is rejected has done
nothing. A read that may be stale is answered at once, from a prefix that is at least as long as the one seen last.
"""

from attrs import Factory, define

from physalia.cell.configuration import is_majority
from physalia.cell.proposer import Proposer
from physalia.cell.steps import IGNORED, RECORDED, sends
from physalia.model import (
    NO_BALLOT,
    Action,
    Ballot,
    Consult,
    Echo,
    Effect,
    Found,
    Internal,
    NodeId,
    Peek,
    Query,
    Reject,
    RequestId,
    Round,
    Serve,
    Slot,
    Step,
    Stutter,
)

MAX_READS = 1024
"""So many consistent reads wait for the next round; beyond, they are rejected at once (design rule R12)."""


NO_ROUND = Round(NO_BALLOT, 0)


@define
class Consultation:
    """The round that is under way: the reads in it, the slot that they must see, who is asked, and who echoed."""

    round: Round
    slot: Slot
    members: frozenset[NodeId]
    requests: tuple[RequestId, ...]
    echoes: set[NodeId] = Factory(set)

    def copy(self) -> "Consultation":
        """The same, sharing nothing that can change."""
        return Consultation(self.round, self.slot, self.members, self.requests, self.echoes.copy())


@define
class Reads:
    """What clients want to read from one node, in the order of arrival; `last` is the last round that it began."""

    proposer: Proposer
    waiting: dict[RequestId, None] = Factory(dict)
    under_way: Consultation | None = None
    last: Round = NO_ROUND

    def copy(self, proposer: Proposer) -> "Reads":
        """The same beside a copy of the proposer, sharing nothing that can change."""
        under_way = None if self.under_way is None else self.under_way.copy()
        return Reads(proposer, self.waiting.copy(), under_way, self.last)

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for a read."""
        return bool(self.waiting) or self.under_way is not None

    # The actions

    def consult(self, ballot: Ballot, read: int) -> Step:
        """Consult(b, t): begin a round for all that wait, and ask the members of the slot after all known ones."""
        round_ = self.next_round()
        if round_ != Round(ballot, read):
            return IGNORED
        slot = self.highest
        members = self.members_after(slot)
        self.last = round_
        self.under_way = Consultation(round_, slot, members, tuple(self.waiting))
        self.waiting.clear()
        return Step(Action("consult", (ballot, read)), tuple(sends(members, round_)))

    def serve(self, ballot: Ballot, read: int) -> Step:
        """Serve(b, t): a majority vouches, and all up to the round's slot is applied: answer from what is known now."""
        served = self.under_way
        if served is None or served.round != Round(ballot, read) or not self.is_vouched(served):
            return IGNORED
        self.under_way = None
        learner = self.proposer.learner
        found = (Found(request, learner.prefix, learner.state.volume) for request in served.requests)
        return Step(Action("serve", (ballot, read)), tuple(found))

    # What the guards ask

    @property
    def highest(self) -> Slot:
        """The highest slot that this node knows to be decided or, as a leader, has proposed in."""
        return self.proposer.next_slot - 1

    def members_after(self, slot: Slot) -> frozenset[NodeId]:
        """Who would have to have voted for anything beyond the slot: the members of the next one."""
        return self.proposer.learner.configurations.members(slot + 1)

    def vouching(self, slot: Slot) -> list[NodeId]:
        """Who promised the active ballot, and reported no vote in the slot and a floor below it."""
        leadership = self.proposer.leadership
        promised = [(node, promise) for node, promise in leadership.promises.items() if promise.floor < slot]
        if slot > leadership.reported:  # nobody reported anything there
            return [node for node, _ in promised]
        return [node for node, promise in promised if all(report.slot != slot for report in promise.accepted)]

    def next_round(self) -> Round | None:
        """The round that could begin: if reads wait, no other is under way, and a majority could vouch for it."""
        if not self.waiting or self.under_way is not None:
            return None
        ballot, slot = self.proposer.active, self.highest
        if ballot == NO_BALLOT:
            return None
        if slot + 1 > self.proposer.learner.configurations.last:
            return None
        if not is_majority(self.vouching(slot + 1), self.members_after(slot)):
            return None
        return Round(ballot, self.last.read + 1 if self.last.ballot == ballot else 1)

    def is_vouched(self, read: Consultation) -> bool:
        """Whether the round is confirmed by the members of the slot after it, and all that it must see is applied."""
        if 2 * len(read.echoes) <= len(read.members):  # asked after every step: what is cheap first
            return False
        if read.round.ballot != self.proposer.active or read.slot > self.proposer.learner.prefix:
            return False
        return is_majority(read.echoes.intersection(self.vouching(read.slot + 1)), read.members)

    @property
    def lacks_promises(self) -> bool:
        """Whether enough have echoed, and the round waits for nothing but the promise of one of them."""
        read = self.under_way
        if read is None or read.round.ballot != self.proposer.active or read.slot > self.proposer.learner.prefix:
            return False
        return is_majority(read.echoes, read.members) and not self.is_vouched(read)

    def due(self) -> list[Internal]:
        """The round that could begin, or the one that could be answered."""
        read = self.under_way
        if read is not None:
            return [Serve(read.round.ballot, read.round.read)] if self.is_vouched(read) else []
        begin = self.next_round()
        return [] if begin is None else [Consult(begin.ballot, begin.read)]

    # What it hears

    def query(self, event: Query) -> Step:
        """A client wants to read what is true now."""
        request = event.request
        if not self.proposer.is_leading:
            return Step(Stutter("rejected"), (Reject(request, "not the proposer"),))
        if request in self.waiting or (self.under_way is not None and request in self.under_way.requests):
            return IGNORED
        if len(self.waiting) >= MAX_READS:
            return Step(Stutter("rejected"), (Reject(request, "pipeline full"),))
        self.waiting[request] = None
        return RECORDED

    def peek(self, event: Peek) -> Step:
        """A client wants to read what this node knows, if that is no less than it saw before."""
        learner = self.proposer.learner
        if learner.prefix < event.token:
            return Step(Stutter("rejected"), (Reject(event.request, "behind"),))
        return Step(Stutter("peeked"), (Found(event.request, learner.prefix, learner.state.volume),))

    def record_echo(self, sender: NodeId, echo: Echo) -> Step:
        """Remember who echoed the round that is under way, and no other."""
        read = self.under_way
        if read is None or echo.node != sender or sender in read.echoes:
            return IGNORED
        if echo.nonce != read.round.read or echo.ballot != read.round.ballot:
            return IGNORED
        read.echoes.add(sender)
        return RECORDED

    def silent(self) -> frozenset[NodeId]:
        """Who owes an echo to the round that is under way, or may owe one to a round that cannot begin yet."""
        if self.under_way is not None:
            return self.under_way.members - self.under_way.echoes
        learner = self.proposer.learner
        return learner.configurations.members(learner.first_unknown) if self.waiting else frozenset()

    # When it takes long

    def begin_again(self) -> None:
        """The reads that are under way go into another round, of a new ballot or later slot, before those that wait."""
        if self.under_way is not None:
            self.waiting = dict.fromkeys((*self.under_way.requests, *self.waiting))
            self.under_way = None

    def give_up(self) -> list[Effect]:
        """The node leads no more: whoever waits is told."""
        self.begin_again()
        rejects: list[Effect] = [Reject(request, "not the proposer") for request in self.waiting]
        self.waiting.clear()
        return rejects

    def unanswered(self) -> list[Effect]:
        """The question of the round that is under way, to those who did not echo; none if a later slot was proposed in.

        What was proposed since may be just what keeps a majority from vouching.
        """
        read = self.under_way
        if read is None:
            return []
        if read.slot < self.highest:
            self.begin_again()
            return []
        return sends(read.members - read.echoes, read.round)
