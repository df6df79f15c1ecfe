"""What a batch of runs has reached: nothing passes because nothing happened.

A mark is a sentence that some run made true. A profile names the marks that it must reach; with one of them missing its
verdict is inconclusive, however many steps were right.
"""

from collections import Counter
from collections.abc import Iterable

from attrs import Factory, define, frozen

from conformance.world.world import Outcome
from physalia import model
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

ALWAYS = (
    *ACTIONS, *STUTTERS, RE_PROPOSED, CHOICE, LOST_KNOWLEDGE, LOST_LEADER, LOST_WRITE, LOST_MESSAGE,
    DUPLICATE, PIPELINE_FULL, FAILED_WRITE, SETTLED,
)  # fmt: skip
WITH_FEW_NODES = (DEPOSED, OLD_VOTE)
WITH_PIPELINE = (PIPELINED, PIPELINED_DISK, HOLE, TWICE)
WITH_PIPELINED_CHANGES = (HEARSAY,)
WITH_CHANGES = (TWO_CONFIGURATIONS, LATE_PROMISE, FAILED_CHANGE, CONTESTED_CHANGE, OUTSIDER)


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

    def begin(self) -> None:
        """A new run starts."""
        self._leads.clear()
        self._decided_under.clear()
        self._received.clear()

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """The wanted marks that no run has reached."""
        return tuple(mark for mark in wanted if not self.marks[mark])

    def reach(self, mark: str) -> None:
        """A run made this true."""
        self.marks[mark] += 1

    def stutter(self, outcome: Outcome, kind: model.StutterKind, *, leads: bool) -> None:
        """Take note of a stutter that was right, of a node that leads a ballot or not."""
        self.reach(f"stutter {kind}")
        self._receipt(outcome)
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
        match name, args:
            case "prepare", (int(b),):
                self._prepared(machine, b, before)
            case "promise", (int(n), int(b)):
                if b in self._leads and n not in self._leads[b].invited:
                    self.reach(LATE_PROMISE)
            case "propose", (int(b), int(i), str(v)):
                self._proposed(machine, b, i, v, before)
            case "decide", (int(b), int(i)):
                self._decided(machine, b, i, before, after)
            case "flush", (int(n),):
                self._flushed(outcome, n, before)
            case "crash", (int(n), int(k)):
                self._crashed(n, k, before)

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
        if any(m.ballot == b and m.slot == i - 1 for m in before.proposals):
            self.reach(PIPELINED)

    def _decided(self, machine: spec.Cell, b: int, i: int, before: spec.State, after: spec.State) -> None:
        o = machine.owner[b]
        members, value = machine.members_of(before, o, i), after.known[o][-1]
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
        if k < len(before.known[n]):
            self.reach(LOST_KNOWLEDGE)
        if before.active[n] != 0:
            self.reach(LOST_LEADER)
        if any(entry.records for entry in before.queue[n]):
            self.reach(LOST_WRITE)

    def _flushed(self, outcome: Outcome, n: int, before: spec.State) -> None:
        sends = before.queue[n][0].sends
        if outcome.is_lost and (sends.promises or sends.votes):
            self.reach(LOST_MESSAGE)
        if any(vote.ballot < before.promised[n] for vote in sends.votes):
            self.reach(OLD_VOTE)
        if sends.proposals:
            self.reach(PIPELINED_DISK)


def effective_change(alpha: int) -> str:
    """The mark of a slot that was decided by members that a change brought in."""
    return f"a change takes effect at alpha {alpha}"
