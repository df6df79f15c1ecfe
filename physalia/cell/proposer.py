"""The distinguished proposer: one ballot for all slots, pipelined inside the alpha window (design rule R3).

Everything here but the used ballots is volatile. What it counts it keeps by node, so that a duplicate counts once.
"""

from attrs import Factory, define

from physalia.cell.configuration import is_majority
from physalia.cell.learner import Learner
from physalia.cell.steps import IGNORED, RECORDED, rejected, resent, sends
from physalia.model import (
    NO_BALLOT,
    Action,
    Answer,
    Ask,
    Ballot,
    Command,
    Decide,
    Decision,
    Effect,
    Execute,
    Flush,
    Internal,
    Known,
    NodeId,
    NoOp,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Reason,
    Refusal,
    Reject,
    RequestId,
    Slot,
    Step,
    Store,
    UsedBallot,
    Vote,
)
from physalia.store import VERSION, max_session, refusal


@define
class Leadership:
    """What one active ballot has done and heard; it is forgotten as a whole.

    `prepare` was sent to `invited`, and slot `reported` is the last in which one of the promises reports a vote.
    `proposals` and `votes` have the slots that are still unknown, and `spent` every value ever proposed under the
    ballot that is not known, since it must not be proposed as a new one again. `acknowledged` says how far the other
    nodes are known to know; `refused` has those who promised a higher ballot.
    """

    prepare: Prepare
    invited: frozenset[NodeId]
    promises: dict[NodeId, Promise] = Factory(dict)
    reported: Slot = 0
    proposals: dict[Slot, Command] = Factory(dict)
    votes: dict[Slot, set[NodeId]] = Factory(dict)
    spent: set[Command] = Factory(set)
    acknowledged: dict[NodeId, Slot] = Factory(dict)
    refused: set[NodeId] = Factory(set)

    def copy(self) -> "Leadership":
        """The same, sharing nothing that can change."""
        return Leadership(
            self.prepare,
            self.invited,
            self.promises.copy(),
            self.reported,
            self.proposals.copy(),
            {slot: voters.copy() for slot, voters in self.votes.items()},
            self.spent.copy(),
            self.acknowledged.copy(),
            self.refused.copy(),
        )


def idle() -> Leadership:
    """Of no ballot: nobody is invited, so nothing will ever be counted."""
    return Leadership(Prepare(NO_BALLOT, 0), frozenset())


@define
class Proposer:
    """One node as proposer, and the commands that `waiting` clients asked it for and that are not known yet.

    `waiting` outlives a ballot: a command that was proposed may be decided yet, so the client can't be told otherwise.
    `heard_round` is the highest round that a refusal named.
    """

    learner: Learner
    used: frozenset[Ballot] = frozenset()
    leadership: Leadership = Factory(idle)
    waiting: dict[Command, None] = Factory(dict)
    heard_round: int = 0

    def copy(self, learner: Learner) -> "Proposer":
        """The same beside a copy of the learner, sharing nothing that can change."""
        return Proposer(learner, self.used, self.leadership.copy(), self.waiting.copy(), self.heard_round)

    @property
    def node(self) -> NodeId:
        """The node that this is the proposer of."""
        return self.learner.node

    @property
    def active(self) -> Ballot:
        """The ballot that this node leads, NO_BALLOT when it is idle."""
        return self.leadership.prepare.ballot

    @property
    def is_leading(self) -> bool:
        """Whether the active ballot may get anything decided yet, as far as the node heard.

        Once so many have left it for a higher one that the others are no majority it cannot, and yet only an own
        promise or vote makes the node idle. One that is no member itself is asked for none of these by who takes over:
        so one refusal is enough for it, or it might wait for ever for a member that is lost.
        """
        refused = self.leadership.refused
        if not refused:
            return self.active != NO_BALLOT
        members = self.learner.configurations.members(self.learner.first_unknown)
        if self.active == NO_BALLOT or (refused & members and self.learner.node not in members):
            return False
        return is_majority(members - refused, members)

    @property
    def is_elected(self) -> bool:
        """Whether a majority promised the active ballot, for the first unknown slot."""
        members = self.learner.configurations.members(self.learner.first_unknown)
        return is_majority(self.leadership.promises, members)

    @property
    def next_slot(self) -> Slot:
        """The lowest slot that is neither known nor proposed under the active ballot; both are without gaps."""
        return self.learner.first_unknown + len(self.leadership.proposals)

    # The actions

    def prepare(self, ballot: Ballot, promised: Ballot) -> Step:
        """Prepare(b): lead with ballot `b`, and ask every member of the window for its promise.

        `promised` is the promise of this node's acceptor.
        """
        configurations = self.learner.configurations
        if ballot.node != self.node or ballot in self.used:
            return IGNORED
        if not (promised < ballot and self.active < ballot):
            return IGNORED
        if self.node not in configurations.members(self.learner.first_unknown):
            return resent(self.tell_and_ask())
        self.use(ballot, promised)
        invited = configurations.between(self.learner.first_unknown, configurations.last)
        self.leadership = Leadership(Prepare(ballot, self.learner.prefix), invited)
        effects = (Store(UsedBallot(ballot)), Flush(), *sends(invited, self.leadership.prepare))
        return Step(Action("prepare", (ballot,)), effects)

    def propose(self, ballot: Ballot, slot: Slot, value: Command) -> Step:
        """Propose(b, i, v): ask the slot's members to vote for the value that the promises leave to choose."""
        if self.active != ballot:
            return IGNORED
        if slot != self.next_slot:
            return IGNORED
        if slot > self.learner.configurations.last:
            return IGNORED
        choice = self.choice(slot)
        if value is not choice and value != choice:
            return IGNORED
        self.leadership.proposals[slot] = value
        self.leadership.votes[slot] = set()
        self.leadership.spent.add(value)
        effects = sends(self.learner.configurations.members(slot), Proposal(ballot, slot, value))
        return Step(Action("propose", (ballot, slot, value)), tuple(effects))

    def decide(self, ballot: Ballot, slot: Slot) -> Step:
        """Decide(b, i): a majority voted for the first unknown slot's proposal: know it, tell members and client."""
        if self.active != ballot:
            return IGNORED
        if slot != self.learner.first_unknown:
            return IGNORED
        if not self.has_majority(slot):
            return IGNORED
        value = self.leadership.proposals[slot]
        verdict = self.learner.append(value)
        effects: list[Effect] = [Store(Known(slot, value))]
        effects += sends(self.audience(), Decision(slot, value))
        if verdict is not None and not isinstance(value, NoOp):
            effects.append(Answer(value.request, verdict))
        effects += self.settle(slot, value)
        return Step(Action("decide", (ballot, slot)), tuple(effects))

    # What the guards ask

    def choice(self, slot: Slot) -> Command | None:
        """What the active ballot may propose in a slot of the window; None if nothing, or if no majority promised yet.

        Everyone of the slot's configuration who promised is the majority; the highest vote among exactly their reports
        binds. Otherwise it is the command that waits longest, or the no-op below a slot that may be decided.
        """
        leadership = self.leadership
        fresh = self._fresh()
        if fresh is None and leadership.reported < slot:
            return None
        members = self.learner.configurations.members(slot)
        promises = leadership.promises
        majority = {node: promise for node, promise in promises.items() if node in members and promise.floor < slot}
        if not is_majority(majority, members):
            return None
        reports = [report for promise in majority.values() for report in promise.accepted if report.slot == slot]
        if reports:
            return max(reports, key=lambda report: report.ballot).value
        if fresh is not None:
            return fresh
        is_hole = slot < leadership.reported
        return NoOp() if is_hole else None

    def _fresh(self) -> Command | None:
        """Of the commands that wait, the one that waits longest and that the active ballot has not proposed."""
        for command in self.waiting:
            if command not in self.leadership.spent:
                return command
        return None

    def has_majority(self, slot: Slot) -> bool:
        """Whether a majority of the slot's configuration voted for what the active ballot proposed there (R4)."""
        votes = self.leadership.votes.get(slot)
        return votes is not None and is_majority(votes, self.learner.configurations.members(slot))

    def audience(self) -> frozenset[NodeId]:
        """The other members of the last known slot and of the window after it: who is told of decisions."""
        configurations = self.learner.configurations
        return configurations.between(self.learner.prefix, configurations.last) - {self.node}

    def due(self) -> list[Internal]:
        """The proposals and decisions that are enabled: at most one of each, since both go in order."""
        events: list[Internal] = []
        leadership, first_unknown = self.leadership, self.learner.first_unknown
        ballot = leadership.prepare.ballot
        slot = first_unknown + len(leadership.proposals)
        is_wanted = slot <= leadership.reported or not leadership.spent.issuperset(self.waiting)
        if is_wanted and slot <= self.learner.configurations.last:
            value = self.choice(slot)
            if value is not None:
                events.append(Propose(ballot, slot, value))
        if leadership.votes.get(first_unknown) and self.has_majority(first_unknown):
            events.append(Decide(ballot, first_unknown))
        return events

    # What the actions share

    def use(self, ballot: Ballot, promised: Ballot) -> None:
        """Mark the ballot as used. Used ballots below the promise are forgotten: the promise forbids them as well."""
        self.used = frozenset(used for used in self.used if used >= promised) | {ballot}

    def settle(self, slot: Slot, value: Command) -> list[Effect]:
        """The slot has just become known: close it, and invite whoever is new in the window with the old prepare."""
        self.waiting.pop(value, None)
        if self.active == NO_BALLOT:
            return []
        leadership, configurations = self.leadership, self.learner.configurations
        leadership.proposals.pop(slot, None)
        leadership.votes.pop(slot, None)
        leadership.spent.discard(value)
        newcomers = configurations.members(configurations.last) - leadership.invited
        if not newcomers:
            return []
        leadership.invited |= newcomers
        return sends(newcomers, leadership.prepare)

    def abandon(self) -> tuple[bool, list[Effect]]:
        """All that waits was jumped over, or may have been: tell everybody what is known of it, or that nothing is.

        A node that jumps cannot tell what became of its own proposals either, so it leads no more. Whether it led.
        """
        was_leading = self.active != NO_BALLOT
        told: dict[RequestId, Effect] = {}
        for command in tuple(self.waiting):
            if not isinstance(command, NoOp):
                verdict, request = self.learner.state.verdict(command), command.request
                told[request] = Reject(request, "outcome unknown") if verdict is None else Answer(request, verdict)
        self.waiting.clear()
        self.leadership = idle()
        return was_leading, list(told.values())

    def fall_idle_below(self, ballot: Ballot) -> bool:
        """The node promised `ballot` or voted under it, and leads no lower one any more. Whether it led one."""
        was_leading = NO_BALLOT < self.active < ballot
        if was_leading:
            self.leadership = idle()
        return was_leading

    # What it hears

    def submit(self, command: Command) -> Step:
        """A client asks for a command. At most alpha of them are in progress (design rule R12)."""
        if isinstance(command, NoOp):
            return IGNORED
        reason = self._objection(command) if type(command) is Execute else None
        if reason is not None:
            return rejected(command, reason)
        verdict = self.learner.state.answer(command)
        if verdict is not None:
            return resent([Answer(command.request, verdict)])
        if type(command) is Execute and max_session(command) > self.learner.prefix:
            return rejected(command, "session ahead")
        if not self.is_leading:
            return rejected(command, "not the proposer")
        if command in self.waiting:
            return IGNORED
        if self.load() >= self.learner.configurations.alpha:
            return rejected(command, "pipeline full")
        self.waiting[command] = None
        return RECORDED

    def _objection(self, command: Execute) -> Reason | None:
        """Why nobody should propose the command, whoever leads; it may not even be fit to be looked up."""
        store = self.learner.state.store
        if command.version != VERSION and not store.is_understood(command):
            return "not understood"
        return refusal(command, store.limits)

    def doubts(self) -> list[Effect]:
        """Tell everybody who waits that this node cannot say what becomes of it. It keeps what it was asked for."""
        requests = dict.fromkeys(command.request for command in self.waiting if not isinstance(command, NoOp))
        return [Reject(request, "outcome unknown") for request in requests]

    def load(self) -> int:
        """How many slots are open and how many waiting commands will need one yet."""
        proposals = self.leadership.proposals
        return len(proposals) + len(self.waiting.keys() - set(proposals.values()))

    def record_promise(self, sender: NodeId, promise: Promise) -> Step:
        """Remember a promise of the active ballot, of somebody who was asked for it."""
        leadership = self.leadership
        if promise.node != sender or promise.ballot != self.active:
            return IGNORED
        if sender not in leadership.invited or sender in leadership.promises:
            return IGNORED
        leadership.promises[sender] = promise
        leadership.reported = max([leadership.reported, *(report.slot for report in promise.accepted)])
        return RECORDED

    def record_vote(self, sender: NodeId, vote: Vote) -> Step:
        """Remember a vote of the active ballot in an open slot, of somebody who is a member for that slot."""
        if vote.node != sender or vote.ballot != self.active:
            return IGNORED
        voters = self.leadership.votes.get(vote.slot)
        if voters is None or sender in voters or sender not in self.learner.configurations.members(vote.slot):
            return IGNORED
        voters.add(sender)
        return RECORDED

    def record_refusal(self, sender: NodeId, refusal: Refusal) -> Step:
        """Remember who left the active ballot, and how high the next one must be."""
        if refusal.ballot != self.active:
            return IGNORED
        if sender in self.leadership.refused and refusal.promised.round <= self.heard_round:
            return IGNORED
        self.leadership.refused.add(sender)
        self.heard_round = max(self.heard_round, refusal.promised.round)
        return RECORDED

    def record_acknowledgement(self, sender: NodeId, prefix: Slot) -> Step:
        """Remember how far one of the audience knows."""
        acknowledged = self.leadership.acknowledged
        if self.active == NO_BALLOT or sender not in self.audience() or prefix <= acknowledged.get(sender, 0):
            return IGNORED
        acknowledged[sender] = prefix
        return RECORDED

    def tell_and_ask(self) -> list[Effect]:
        """Tell the members what this node knows last, and ask them for more.

        A node that is no member, as far as it knows, cannot take over. Perhaps the members don't know yet that they
        are, and nobody else is left to teach them; perhaps it is one itself, and does not know.
        """
        learner, members = self.learner, self.audience()
        effects = sends(members, Decision(learner.prefix, learner.known[-1])) if learner.known else []
        return effects + sends(members, Ask(learner.prefix))

    def unacknowledged(self) -> list[Effect]:
        """Everything sent under the active ballot that its recipient did not answer, while an answer may help (R14)."""
        if not self.is_leading:
            return []
        leadership, learner = self.leadership, self.learner
        effects = sends(leadership.invited - leadership.promises.keys(), leadership.prepare)
        for slot, value in leadership.proposals.items():
            silent = learner.configurations.members(slot) - leadership.votes[slot]
            effects += sends(silent, Proposal(self.active, slot, value))
        if learner.known:
            told = Decision(learner.prefix, learner.known[-1])
            acknowledged = leadership.acknowledged
            effects += sends((node for node in self.audience() if acknowledged.get(node, 0) < learner.prefix), told)
        return effects + sends(self._ahead(), Ask(learner.prefix))

    def _ahead(self) -> list[NodeId]:
        """Who dropped, before it promised, what is not known here: it teaches that, and again if it was lost."""
        promises = self.leadership.promises
        return [node for node, promise in promises.items() if promise.floor > self.learner.prefix]
