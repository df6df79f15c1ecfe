"""What a batch of runs has reached: nothing passes because nothing happened.

A mark is a sentence that some run made true. A profile names the marks that it must reach; with one of them missing its
verdict is inconclusive, however many steps were right.
"""

from collections import Counter
from collections.abc import Iterable

from attrs import Factory, define, frozen

from conformance import wording
from conformance.judges.hearing import is_from
from conformance.world.outcomes import Outcome
from physalia import model
from physalia.cell import learner
from spec import cell as spec

ACTIONS = tuple(f"action {name}" for name in spec.Cell.action_names())
STUTTERS = tuple(f"stutter {kind}" for kind in ("recorded", "resent", "ignored", "refused", "rejected", "restarted"))

RE_PROPOSED = "a new proposer re-proposes an old value"
CHOICE = "a proposer chooses between votes of different ballots"
HOLE = "a hole is filled with the no-op"
LOST_KNOWLEDGE = "a crash loses knowledge"
LOST_LEADER = "a crash deposes a leader"
LOST_WRITE = "a crash takes a promise or a vote that waits for its flush"
LOST_MESSAGE = "a crash keeps a promise or a vote whose message is never sent"
FAILED_FLUSH = "a flush of a promise or a vote fails, and its node starts anew"
PAGE_CACHE = "a failed flush leaves a promise or a vote for the restart to read"
REFUSED = "a full disk refuses a promise or a vote, and its node is read back"
BESIDE_FULL = "a node goes on while its full disk refuses what it says"
ROOM_AGAIN = "what a full disk refused before is flushed when there is room"
OLD_VOTE = "a vote leaves when its node has promised a higher ballot"
PIPELINED_DISK = "a proposal waits for the disk"
DUPLICATE = "a duplicate arrives"
PIPELINE_FULL = "a full pipeline rejects a command"
DEPOSED = "a leader that a majority has left rejects a command"
OUTSIDER = "a node that may not campaign teaches those who may"
PIPELINED = "two slots are open under one ballot"
HEARSAY = "a hole is filled of which only nodes tell that are no members for it"
TWICE = "a command is decided twice"
FAILED_WRITE = "a write fails its condition"
SETTLED = "a troubled cell settles when the trouble ends"
TWO_CONFIGURATIONS = "two slots are decided under different configurations"
LATE_PROMISE = "a new member promises late"
FAILED_CHANGE = "a change fails its condition"
CONTESTED_CHANGE = "a change is effective under two ballots"
FORGED = "a message arrives in the name of another node"
LATE_CLOCK_MS = 2**31
LATE_RESEND = f"something is sent again by a clock beyond {LATE_CLOCK_MS:,} ms"
OUTSIDE_VOTE = "a vote of a node that is no member arrives"
AGAIN_WHILE_ONE_WAITS = "a proposal is sent again while another command could be proposed"
FEW = 4
MANY_RESENDS = f"more than {FEW} proposals are sent again at once"
PASSED_ACKNOWLEDGEMENT = "an acknowledgement is passed by a later one, and the leader looks at its clock"


def refuses(another: str) -> str:
    """The mark of a message of another cell, life or incarnation."""
    return f"a message of another {another} is refused"


FOREIGN = tuple(map(refuses, ("cell", "life", "incarnation")))
MANY = 64
HIGH_ROUND = 2**53
LONG_PROMISE = f"a promise reports more than {MANY} votes"
LONG_RECOVERY = f"a node restarts with more than {MANY} votes"
OLD_RETRY = f"a client repeats a command that was decided more than {MANY} slots ago"
HIGH_VERSION = f"a volume's version is beyond {MANY}"
HIGH_BALLOT = f"a round is beyond {HIGH_ROUND:,}"
LONG_LESSON = f"a node asks for more than the {learner.TAUGHT_AT_ONCE_SLOTS} decisions that it is taught at once"
HEAVY_LESSON = "a lesson ends where it would weigh too much"
LATE_QUESTION = "a question arrives once more, after the lesson that followed the one that it brought"
REPEATED_LESSON = "a node asks for what it was taught in this tick"
FAR_AHEAD = f"a node hears a decision more than {learner.HEARD_AHEAD_SLOTS} slots beyond what it knows"

REFUSED_ROUND = "a round of reads is refused"
READ_AGAIN = "a round of reads is asked about again"
READ_REJECTED = "a read is rejected by a node that leads no more"
BEGUN_AGAIN = "a node takes another ballot while a round of reads is under way"
MANY_ROUNDS = f"more than {MANY} rounds of reads under one ballot"
MANY_USED = 8
MANY_BALLOTS = f"a node hears from itself, and has used more than {MANY_USED} ballots above its promise"
HIGH_REFUSAL = "a refusal tells of a round that is more than 2^31 above"
MANY_CHANGES = 8
HIGH_JURY = f"more than {MANY_CHANGES} changes of the members are effective"
READ_AND_PEEKED = ("action consult", "action echo", "action serve", "stutter peeked")
READING = (
    *READ_AND_PEEKED, REFUSED_ROUND, READ_AGAIN, READ_REJECTED, BEGUN_AGAIN, MANY_ROUNDS,
)  # fmt: skip

ALWAYS = (
    *ACTIONS, *STUTTERS, RE_PROPOSED, CHOICE, LOST_KNOWLEDGE, LOST_LEADER, LOST_WRITE, LOST_MESSAGE,
    FAILED_FLUSH, PAGE_CACHE, REFUSED, BESIDE_FULL, ROOM_AGAIN, *FOREIGN,
    DUPLICATE, PIPELINE_FULL, FAILED_WRITE, SETTLED, FORGED,
)  # fmt: skip
LONG = (
    LONG_PROMISE, LONG_RECOVERY, OLD_RETRY, HIGH_VERSION, HIGH_BALLOT, LONG_LESSON, REPEATED_LESSON, MANY_BALLOTS,
    HIGH_REFUSAL, SETTLED,
)  # fmt: skip
WITH_FEW_NODES = (DEPOSED, OLD_VOTE)
WITH_PIPELINE = (PIPELINED, PIPELINED_DISK, HOLE, TWICE, AGAIN_WHILE_ONE_WAITS, PASSED_ACKNOWLEDGEMENT)
WITH_PIPELINED_CHANGES = (HEARSAY,)
WITH_CHANGES = (TWO_CONFIGURATIONS, LATE_PROMISE, FAILED_CHANGE, CONTESTED_CHANGE, OUTSIDER, OUTSIDE_VOTE)


@frozen
class _Lead:
    """A ballot was prepared, and these nodes were asked for their promise then."""

    invited: frozenset[int]


@define
class Coverage:
    """Counts the marks of many runs; `begin` starts a run."""

    marks: Counter[str] = Factory(Counter)
    _leads: dict[int, _Lead] = Factory(dict)
    _decided_under: set[frozenset[int]] = Factory(set)
    _received: set[tuple[int, model.Message]] = Factory(set)
    _acknowledged: dict[tuple[int, int], int] = Factory(dict)
    """Under each ballot, how far each node said that it knows."""
    _passed: set[tuple[int, int]] = Factory(set)
    _heavy: dict[tuple[int, int, int], int] = Factory(dict)
    """Of who was taught from a prefix on no more than what is light enough: where that lesson ended."""
    _taught: dict[tuple[int, int], int] = Factory(dict)
    """Those of them that said less afterwards."""
    _refused: set[int] = Factory(set)
    """Whose disk refused a promise or a vote since it flushed one."""

    def begin(self) -> None:
        """A new run starts."""
        self._refused.clear()
        self._leads.clear()
        self._decided_under.clear()
        self._received.clear()
        self._acknowledged.clear()
        self._passed.clear()
        self._heavy.clear()
        self._taught.clear()

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """The wanted marks that no run has reached."""
        return tuple(mark for mark in wanted if not self.marks[mark])

    def reach(self, mark: str) -> None:
        """A run made this true."""
        self.marks[mark] += 1

    def stutter(
        self, machine: spec.Cell, outcome: Outcome, kind: model.StutterKind, before: spec.State, *, waits: bool
    ) -> None:
        """Take note of a stutter that was right. `waits` says whether the node could propose another command."""
        leads = before.active[outcome.node] != 0
        self.reach(f"stutter {kind}")
        self._receipt(outcome)
        self._heard(machine, outcome, before)
        if isinstance(outcome.event, model.Tick) and kind == "resent" and outcome.event.now_ms > LATE_CLOCK_MS:
            self.reach(LATE_RESEND)
        again = {packet.message for packet in outcome.sent if isinstance(packet.message, model.Proposal)}
        if isinstance(outcome.event, model.Tick) and len(again) > FEW:
            self.reach(MANY_RESENDS)
        if isinstance(outcome.event, model.Tick) and leads:
            if waits and any(isinstance(packet.message, model.Proposal) for packet in outcome.sent):
                self.reach(AGAIN_WHILE_ONE_WAITS)
            if self._passed & {(before.active[outcome.node], node) for node in machine.nodes}:
                self.reach(PASSED_ACKNOWLEDGEMENT)
        self._of_clients(outcome, before)
        self._of_readers(outcome, kind)
        if any(reason == "pipeline full" for _, reason in outcome.rejects):
            self.reach(PIPELINE_FULL)
        if leads and any(reason == "not the proposer" for _, reason in outcome.rejects):
            self.reach(DEPOSED)
        if isinstance(outcome.event, model.Campaign) and outcome.sent:
            self.reach(OUTSIDER)

    def action(
        self,
        machine: spec.Cell,
        outcome: Outcome,
        name: str,
        args: tuple[object, ...],
        before: spec.State,
        after: spec.State,
    ) -> None:
        """Take note of an action that was right."""
        self.reach(f"action {name}")
        self._receipt(outcome)
        if outcome.rejects:
            self.reach(READ_REJECTED)
        self._of_juries(outcome)
        match name, args:
            case "prepare", (int(b),):
                self._prepared(machine, b, before)
                if b > HIGH_ROUND * len(machine.nodes):
                    self.reach(HIGH_BALLOT)
            case "promise", (int(n), int(b)):
                promises = after.promises | machine.waiting(after, n).promises
                if any(m.ballot == b and m.node == n and len(m.accepted) > MANY for m in promises):
                    self.reach(LONG_PROMISE)
                self._promised(machine, n, b, before)
            case "consult", (int(), int(t)) if t > MANY:
                self.reach(MANY_ROUNDS)
            case "propose", (int(b), int(i), str(v)):
                self._proposed(machine, b, i, v, before)
            case "decide", (int(b), int(i)):
                self._decided(machine, b, i, before, after)
            case "flush", (int(n),):
                self._flushed(outcome, n, before)
            case "crash", (int(n), int(k)):
                self._crashed(n, k, before)
                self._met_trouble(outcome, before)

    def _promised(self, machine: spec.Cell, n: int, b: int, before: spec.State) -> None:
        if b in self._leads and n not in self._leads[b].invited:
            self.reach(LATE_PROMISE)
        used = [ballot for ballot in machine.used(before, n) if ballot > before.promised[n]]
        if machine.owner[b] == n and len(used) > MANY_USED:
            self.reach(MANY_BALLOTS)

    def _of_juries(self, outcome: Outcome) -> None:
        seen = [verdict.saw for _, verdict in outcome.answers if isinstance(verdict, model.Verdict)]
        if any(isinstance(saw, model.Jury) and saw.version > MANY_CHANGES for saw in seen):
            self.reach(HIGH_JURY)

    def _heard(self, machine: spec.Cell, outcome: Outcome, before: spec.State) -> None:
        node = outcome.node
        match outcome.event:
            case model.Receive(sender, model.Ask(prefix)) if prefix < len(before.known[node]) and not outcome.sent:
                self.reach(REPEATED_LESSON)
                if 0 < self._heavy.get((node, sender, prefix), 0) < self._taught[node, sender]:
                    self.reach(LATE_QUESTION)
        match outcome.event:
            case model.Receive(_, model.Refusal(ballot, promised)) if promised.round - ballot.round > LATE_CLOCK_MS:
                self.reach(HIGH_REFUSAL)
        match outcome.event:
            case model.Receive(sender, message) if not is_from(sender, message):
                self.reach(FORGED)
                self.reach(forged(type(message)))
            case model.Receive(sender, model.Vote(ballot, slot)) if ballot.node == node and before.active[node]:
                if slot > len(before.known[node]) and sender not in machine.members_of(before, node, slot):
                    self.reach(OUTSIDE_VOTE)
            case model.Receive(sender, model.Ask(prefix)) if before.active[node]:
                key = (before.active[node], sender)
                if prefix < self._acknowledged.get(key, 0):
                    self._passed.add(key)
                self._acknowledged[key] = max(prefix, self._acknowledged.get(key, 0))
                if len(before.known[node]) - prefix > learner.TAUGHT_AT_ONCE_SLOTS:
                    self.reach(LONG_LESSON)
                lesson = [one.message.slot for one in outcome.sent if isinstance(one.message, model.Decision)]
                if lesson and max(lesson) < min(len(before.known[node]), prefix + learner.TAUGHT_AT_ONCE_SLOTS):
                    self.reach(HEAVY_LESSON)
                    self._heavy[node, sender, prefix] = max(lesson)
                self._taught[node, sender] = max(lesson, default=self._taught.get((node, sender), 0))
            case model.Receive(_, model.Decision(slot)) if slot > len(before.known[node]) + learner.HEARD_AHEAD_SLOTS:
                self.reach(FAR_AHEAD)

    def _of_clients(self, outcome: Outcome, before: spec.State) -> None:
        known = before.known[outcome.node]
        match outcome.event:
            case model.Submit(command) if outcome.answers and len(known) > MANY:
                if wording.command_words(command) in known[:-MANY]:
                    self.reach(OLD_RETRY)
                seen = [verdict.saw for _, verdict in outcome.answers if isinstance(verdict, model.Verdict)]
                if any(isinstance(saw, model.Volume) and saw.version > MANY for saw in seen):
                    self.reach(HIGH_VERSION)

    def _of_readers(self, outcome: Outcome, kind: model.StutterKind) -> None:
        match outcome.event:
            case model.Receive(_, model.Round()) if kind == "refused":
                self.reach(REFUSED_ROUND)
            case model.Tick() if any(isinstance(packet.message, model.Round) for packet in outcome.sent):
                self.reach(READ_AGAIN)

    def _receipt(self, outcome: Outcome) -> None:
        if isinstance(outcome.event, model.Receive):
            receipt = (outcome.node, outcome.event.message)
            if receipt in self._received:
                self.reach(DUPLICATE)
            self._received.add(receipt)

    def _prepared(self, machine: spec.Cell, b: int, before: spec.State) -> None:
        o = machine.owner[b]
        first = machine.first_unknown(before, o)
        window = range(first, first + machine.alpha)
        self._leads[b] = _Lead(frozenset().union(*(machine.members_of(before, o, i) for i in window)))

    def _proposed(self, machine: spec.Cell, b: int, i: int, v: str, before: spec.State) -> None:
        if v == "noop":
            self.reach(HOLE)
            tell = {m.node for m in before.promises if m.ballot == b and any(r.slot > i for r in m.accepted)}
            if not tell & machine.members_of(before, machine.owner[b], i):
                self.reach(HEARSAY)
        if any(m.slot == i and m.value == v and m.ballot < b for m in before.proposals):
            self.reach(RE_PROPOSED)
        if len({r.ballot for m in before.promises if m.ballot == b for r in m.accepted if r.slot == i}) > 1:
            self.reach(CHOICE)
        self.reach(open_at_once(i - len(before.known[machine.owner[b]])))
        if any(m.ballot == b and m.slot == i - 1 for m in before.proposals):
            self.reach(PIPELINED)

    def _decided(self, machine: spec.Cell, b: int, i: int, before: spec.State, after: spec.State) -> None:
        o = machine.owner[b]
        members, value = machine.members_of(before, o, i), after.known[o][-1]
        self.reach(decided_by(len(members)))
        self._decided_under.add(members)
        if len(self._decided_under) > 1:
            self.reach(TWO_CONFIGURATIONS)
        if members != machine.first:
            self.reach(effective_change(machine.alpha))
            if len({m.ballot for m in before.votes if m.slot == i}) > 1:
                self.reach(CONTESTED_CHANGE)
        if value in before.known[o]:
            self.reach(TWICE)
        elif value in machine.content and not machine.after(after.known[o]).verdicts[value].done:
            self.reach(FAILED_CHANGE if value.startswith("change") else FAILED_WRITE)

    def _crashed(self, n: int, k: int, before: spec.State) -> None:
        if sum(vote != spec.NoVote for vote in before.accepted[n][1:]) > MANY:
            self.reach(LONG_RECOVERY)
        if k < len(before.known[n]):
            self.reach(LOST_KNOWLEDGE)
        if before.active[n] != 0:
            self.reach(LOST_LEADER)
        if any(entry.records for entry in before.queue[n]):
            self.reach(LOST_WRITE)

    def _met_trouble(self, outcome: Outcome, before: spec.State) -> None:
        """A flush failed, or a full disk refused one."""
        node, lost = outcome.node, [entry for entry in before.queue[outcome.node] if entry.records]
        if outcome.trouble == "failed flush" and lost:
            self.reach(FAILED_FLUSH)
        if outcome.trouble == "full disk" and lost:
            self.reach(REFUSED)
            self._refused.add(node)
            if len(before.queue[node]) > 1:
                self.reach(BESIDE_FULL)

    def _flushed(self, outcome: Outcome, n: int, before: spec.State) -> None:
        sends = before.queue[n][0].sends
        if outcome.trouble == "failed flush" and before.queue[n][0].records:
            self.reach(PAGE_CACHE)
        if not outcome.is_lost and before.queue[n][0].records and n in self._refused:
            self.reach(ROOM_AGAIN)
            self._refused.discard(n)
        if outcome.is_lost and (sends.promises or sends.votes):
            self.reach(LOST_MESSAGE)
        if any(vote.ballot < before.promised[n] for vote in sends.votes):
            self.reach(OLD_VOTE)
        if sends.proposals:
            self.reach(PIPELINED_DISK)


def decided_by(members: int) -> str:
    """The mark of a slot that so many members decided."""
    return f"a slot is decided by {members} members"


def open_at_once(slots: int) -> str:
    """The mark of a leader with so many open slots."""
    return f"{slots} slots are open at once"


def stops_for(what: str) -> str:
    """The mark of a node that hears of an act of its own that its disk lost, such as "a vote"."""
    return f"a node hears of {what} that its disk lost, and stops for good"


def effective_change(alpha: int) -> str:
    """The mark of a slot that was decided by members that a change brought in."""
    return f"a change takes effect at alpha {alpha}"


def forged(kind: type[model.Message]) -> str:
    """The mark of a message of this kind in the name of a node that did not send it."""
    return f"a {kind.__name__.lower()} arrives in the name of another node"
