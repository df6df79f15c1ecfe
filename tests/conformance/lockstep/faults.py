"""The faults that the lockstep must find in the running cell, each one line of its source."""

from tests.conformance.lockstep.broken_cells import Fault

FAULTS = (
    Fault(
        "an acceptor votes below its promise", "acceptor",
        "vote = Vote(ballot, slot, self.node)\n        if not self.promised <= ballot:",
        "vote = Vote(ballot, slot, self.node)\n        if False:",
    ),
    Fault(
        "an acceptor promises below its promise", "acceptor",
        "ballot = prepare.ballot\n        if not self.promised <= ballot:",
        "ballot = prepare.ballot\n        if False:",
    ),
    Fault(
        "a vote forgets to raise the promise", "acceptor",
        "accepted = Accepted(ballot, slot, proposal.value)\n        self.promised = ballot",
        "accepted = Accepted(ballot, slot, proposal.value)",
    ),
    Fault(
        "a promise reports the promised ballot in place of the vote's", "acceptor",
        "Report(slot, self.accepted[slot].ballot, self.accepted[slot].value)",
        "Report(slot, self.promised, self.accepted[slot].value)",
    ),
    Fault("a promise leaves out the first vote", "acceptor", "if slot > prefix)", "if slot > prefix + 1)"),
    Fault(
        "a promise leaves before it is flushed", "acceptor",
        "(Store(Promised(ballot)), Flush(), Send(ballot.node, self.reply))",
        "(Store(Promised(ballot)), Send(ballot.node, self.reply), Flush())",
    ),
    Fault(
        "a vote is never written down", "acceptor",
        "(Store(accepted), Flush(), Send(ballot.node, vote))", "(Flush(), Send(ballot.node, vote))",
    ),
    Fault(
        "a proposer adopts any reported vote", "proposer",
        "return max(reports, key=lambda report: report.ballot).value", "return reports[0].value",
    ),
    Fault(
        "half is a majority", "configuration",
        "2 * len(members.intersection(voters)) > len(members)",
        "2 * len(members.intersection(voters)) >= len(members)",
    ),
    Fault(
        "phase 1 of the first configuration serves all slots", "proposer",
        "members = self.learner.configurations.members(slot)\n        promises",
        "members = self.learner.configurations.members(1)\n        promises",
    ),
    Fault(
        "the newest configuration decides older slots", "proposer",
        "is_majority(votes, self.learner.configurations.members(slot))",
        "is_majority(votes, self.learner.configurations.members(self.learner.configurations.last))",
    ),
    Fault(
        "votes are counted for the configuration before", "proposer",
        "is_majority(votes, self.learner.configurations.members(slot))",
        "is_majority(votes, self.learner.configurations.members(slot - 1))",
    ),
    Fault(
        "a hole is filled without phase 1", "proposer",
        "if not is_majority(majority, members):\n            return None",
        "if not is_majority(majority, members):\n            return NoOp() if promises else None",
    ),
    Fault("a hole is not filled", "proposer", "return NoOp() if is_hole else None", "return None"),
    Fault(
        "a change is effective at once", "configuration",
        "return self.of_slots[slot - 1 - self.base]",
        "return self.of_slots[min(slot + self.alpha - 1, self.last) - 1 - self.base]",
    ),
    Fault(
        "a change is effective one slot late", "configuration",
        "return self.of_slots[slot - 1 - self.base]", "return self.of_slots[max(0, slot - 2 - self.base)]",
    ),
    Fault(
        "a change that failed is counted", "state",
        "done = command.expects == self.jury.version\n                if done:",
        "done = command.expects == self.jury.version\n                if True:",
    ),
    Fault(
        "a promise is not restored", "recovery",
        "case Promised(ballot):\n            acceptor.promised = ballot\n            acceptor.answered = ballot",
        "case Promised(ballot):\n            acceptor.answered = ballot",
    ),
    Fault(
        "that a ballot was answered is not restored", "recovery",
        "            acceptor.promised = ballot\n            acceptor.answered = ballot",
        "            acceptor.promised = ballot",
    ),
    Fault("a vote is not restored", "recovery", "            acceptor.accepted[slot] = record\n", ""),
    Fault("a used ballot is not restored", "recovery", "proposer.use(ballot, acceptor.promised)", "pass"),
    Fault("a command decided twice counts twice", "state", "if verdict is None:", "if True:"),
    Fault(
        "decisions are learned out of order", "node",
        "slot = learner.first_unknown\n        if slot in learner.heard:",
        "slot = min(self._learner.heard, default=0)\n        if slot:",
    ),
    Fault(
        "a cell ignores every second voter", "proposer",
        "voters is None or sender in voters or", "voters is None or voters or",
    ),
    Fault(
        "a condition is judged wrongly", "state",
        "done = command.expects == self.volume.version", "done = True",
    ),
    Fault(
        "a decision is believed for the slot before", "learner",
        "self.heard[slot] = decision.value", "self.heard[slot - 1] = decision.value",
    ),
    Fault(
        "a deposed leader leads on", "node",
        "if self._proposer.fall_idle_below(self.promised):", "if False:",
    ),
    Fault(
        "a new member is not asked for its promise", "proposer",
        "return sends(newcomers, leadership.prepare)", "return []",
    ),
    Fault(
        "nothing is sent again", "node",
        "return resent(self._proposer.unacknowledged() + self._reads.unanswered())", "return IGNORED",
    ),
    Fault(
        "what is beyond the window is proposed", "proposer",
        " and slot <= self.learner.configurations.last:\n            value = self.choice(slot)\n",
        ":\n            value = self.choice(min(slot, self.learner.configurations.last))\n",
    ),
    Fault(
        "a client is answered the opposite", "state",
        "return Verdict(done, self.volume)", "return Verdict(not done, self.volume)",
    ),
    Fault(
        "everybody is told of every decision", "proposer",
        "return configurations.between(self.learner.prefix, configurations.last) - {self.node}",
        "return configurations.between(1, configurations.last) - {self.node}",
    ),
    Fault(
        "a proposer starts a ballot below the one that it leads", "proposer",
        "if not (promised < ballot and self.active < ballot):", "if not promised < ballot:",
    ),
    Fault(
        "a later decision fills the first unknown slot", "learner",
        "if slot != self.first_unknown:", "if slot < self.first_unknown:",
    ),
    Fault(
        "the command that came last is proposed first", "proposer",
        "for command in self.waiting:\n            if command not in",
        "for command in reversed(self.waiting):\n            if command not in",
    ),
    Fault(
        "what is unanswered is sent again at every tick", "node",
        "self._resend_at_ms is not None and now_ms < self._resend_at_ms", "False",
    ),
    Fault(
        "a client is answered twice", "proposer",
        "effects.append(Answer(value.request, verdict))", "effects += 2 * [Answer(value.request, verdict)]",
    ),
    Fault("an outsider teaches nobody", "proposer", "return resent(self.tell_and_ask())", "return IGNORED"),
    Fault(
        "an outsider asks nobody", "proposer",
        "return effects + sends(members, Ask(learner.prefix))", "return effects",
    ),
    Fault(
        "a leader that everybody has left takes commands on", "proposer",
        "return is_majority(members - refused, members)", "return True",
    ),
    Fault(
        "half of the members are not enough to depose", "proposer",
        "return is_majority(members - refused, members)", "return not is_majority(refused, members)",
    ),
    Fault(
        "one refusal deposes", "proposer",
        "return is_majority(members - refused, members)", "return not refused",
    ),
    Fault(
        "a client is not answered by who learns", "node",
        "if self._proposer.waiting and value in self._proposer.waiting and not isinstance(value, NoOp):", "if False:",
    ),
    Fault("a full pipeline takes on more", "proposer", "if self.load() >= self", "if self.load() > self"),
    Fault(
        "a node takes its own ballot for one that its disk lost", "loss",
        "ballot <= acceptor.promised or ballot in proposer.used", "ballot <= acceptor.promised",
    ),
    Fault(
        "a node takes its own vote for one that its disk lost", "loss",
        "acceptor.voted_under(message.slot) < message.ballot", "acceptor.voted_under(message.slot) <= message.ballot",
    ),
)  # fmt: skip
