"""Departures: how nodes leave, and that those who left are gone (R11).

The specification says when a node may be erased. It does not say that whoever is told to leave asks those who replaced
it how far they have learned, that they say so, that the node goes as soon as it may, nor what it tells those who wait
for it. These rules do. Of a node that left everything is judged here: it does nothing any more, also after a restart.
"""

from collections.abc import Callable

from conformance.judges.gone_back import Waiters, must_rest
from conformance.judges.judged import JudgedCell
from conformance.judges.judged_leaving import JudgedLeaving
from conformance.judges.timers import told
from conformance.refutation import Refuted
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.model import NodeId
from spec import cell as spec
from spec.commands import is_majority

TOLD = "a node that was replaced is told to leave, and asks how far the others are"
STAYS = "a node that was told to leave stays: too few have learned enough"
WORKS_ON = "a node that was told to leave promises or votes"
MEMBER_TOLD = "a member is told to leave, and asks the others what it does not know"
YET_TO_COME = "a node that was no member yet is told to leave, and stays"
OUTSIDER_SAYS = "a node hears how far somebody is who did not replace it"
LESS = "a node hears of less than was said before"
ALREADY = "a node is asked how far it is, and has flushed all that it knows"
LATER = "a node leaves for a later slot than the last that it was a member for"
AFTER_A_JUMP = "a node leaves that was taught by a snapshot"
JUMPED_OVER = "a node leaves that jumped over its own removal"
JUMPED_LATER = "a node leaves that jumped over its own removal, and was no first member"
PASSED_BY = "a node leaves that jumped over all of its time as a member"
LOST_COUNTS = "a node leaves by the word of one that lost its disk since"
NEXT_GENERATION = "a node leaves that was no first member"
WAITING_ENDS = "a node leaves, and tells those who wait for it"
GONE_HEARS = "a node that left hears something, and says nothing"
GONE_RESTARTS = "a node that left restarts, and is as gone as before"
CREATED_AGAIN = "the order to make a node comes once more when it has left"

LEAVING = (
    "action settle", "action create", "action erase", "action lose", TOLD, STAYS, WORKS_ON, MEMBER_TOLD, YET_TO_COME,
    OUTSIDER_SAYS, LESS, ALREADY, LATER, AFTER_A_JUMP, JUMPED_OVER, JUMPED_LATER, PASSED_BY, LOST_COUNTS,
    NEXT_GENERATION, WAITING_ENDS, GONE_HEARS, GONE_RESTARTS, CREATED_AGAIN,
)  # fmt: skip
"""What a campaign of leaving must meet."""


class Departures:
    """Judges how the nodes of one world leave. `judge` and `rest` raise `Refuted`."""

    def __init__(self, world: World, machine: JudgedCell, reach: Callable[[str], None]) -> None:
        self._world = world
        self._machine = machine
        self._reach = reach
        self._duty: dict[NodeId, tuple[int, frozenset[NodeId]]] = {}
        """Of whom was told to leave and may: enough of these have to have learned every slot up to this one."""
        self._said: dict[NodeId, dict[NodeId, int]] = {}
        """What each of them heard since of how far others are."""
        self._waiters: dict[NodeId, Waiters] = {}
        self._jumped: dict[NodeId, int] = {}
        """To which slot each node jumped last."""
        self._never_knew: set[NodeId] = set()
        """Who did not know before its last jump that it was to be a member."""

    def judge(self, outcome: Outcome, before: spec.State) -> None:
        """A step of a node that is here, found right; `before` is the state before it."""
        node = outcome.node
        waiters = self._waiters.setdefault(node, Waiters())
        waiters.note(outcome)
        match outcome.event:
            case None:  # it crashed
                waiters.clear()
                self._duty.pop(node, None)
            case model.Install(_, slot) if isinstance(outcome.announces, model.Action):
                self._jumped[node] = slot
                change = self._never_knew.discard if self._served(before, node) else self._never_knew.add
                change(node)
            case model.Leave():
                self._judge_told(outcome, before)
            case model.Receive(sender, model.HowFar()):
                self._judge_says(outcome, sender)
            case model.Receive(sender, model.Learned(slot)):
                self._note_word(node, sender, slot)
            case model.Erase(slot) if isinstance(outcome.announces, model.Action):
                if waiters:
                    raise Refuted(f"node {node} leaves, and says nothing to {len(waiters)} who wait for it")
                self._note_gone(outcome, slot, before)
                return
            case model.Receive(_, model.Prepare() | model.Proposal()) if isinstance(outcome.announces, model.Action):
                if node in self._duty:
                    self._reach(WORKS_ON)
        self._judge_due(node)

    def rest(self, outcome: Outcome) -> None:
        """A step of a node that left before."""
        node = outcome.node
        if outcome.event is None:
            self._reach(CREATED_AGAIN if outcome.trouble == "late order" else GONE_RESTARTS)
        else:
            must_rest(outcome, "left for good")
            if isinstance(outcome.event, model.Receive):
                self._reach(GONE_HEARS)
        if self._world.due[node]:
            raise Refuted(f"node {node} has left for good, and says that something is due")

    def _judge_told(self, outcome: Outcome, before: spec.State) -> None:
        """Whoever replaced the node is asked, whatever became of what it knew: a snapshot tells who was a member."""
        node, known = outcome.node, before.known[outcome.node]
        served = self._served(before, node)
        last = len(known) + self._machine.alpha
        asked = {packet.receiver for packet in outcome.sent if isinstance(packet.message, model.HowFar)}
        may_go = bool(served) and max(served) < last
        members = self._machine.after(known).jury.members
        if asked != (members if may_go else frozenset()):
            raise Refuted(f"node {node} is told to leave, and does not ask just who replaced it", told(outcome.sent))
        self._duty.pop(node, None)
        self._said[node] = {}
        if asked:
            self._duty[node] = (last - 1, members)
        self._reach(TOLD if asked else MEMBER_TOLD if served else YET_TO_COME)

    def _judge_says(self, outcome: Outcome, asker: NodeId) -> None:
        """Who is asked how far it has learned says how much it knows, and lets that wait for its disk."""
        said = [(packet.receiver, packet.message) for packet in outcome.sent]
        if said != [(asker, model.Learned(len(self._world.nodes[outcome.node].known)))]:
            raise Refuted(f"node {outcome.node} does not say how far it has learned", told(outcome.sent))
        if isinstance(outcome.announces, model.Stutter):
            self._reach(ALREADY)

    def _note_word(self, node: NodeId, sender: NodeId, slot: int) -> None:
        if node not in self._duty:
            return
        said = self._said[node]
        if sender not in self._duty[node][1]:
            self._reach(OUTSIDER_SAYS)
        if slot < said.get(sender, 0):
            self._reach(LESS)
        said[sender] = max(slot, said.get(sender, 0))

    def _judge_due(self, node: NodeId) -> None:
        if node not in self._duty:
            return
        slot, members = self._duty[node]
        said = self._said[node]
        is_due = any(isinstance(event, model.Erase) for event in self._world.due[node])
        if is_majority(frozenset(one for one, learned in said.items() if learned >= slot), members) and not is_due:
            raise Refuted(f"node {node} has heard that enough have learned all that it may hold, and does not leave")
        if said and not is_due:
            self._reach(STAYS)

    def _note_gone(self, outcome: Outcome, slot: int, before: spec.State) -> None:
        node = outcome.node
        if slot > max(self._served(before, node)):
            self._reach(LATER)
        if node in self._jumped:
            self._reach(AFTER_A_JUMP)
        if self._jumped.get(node, 0) > max(self._served(before, node)):
            self._reach(JUMPED_OVER)
            if node not in self._machine.first:
                self._reach(JUMPED_LATER)
            if node in self._never_knew:
                self._reach(PASSED_BY)
        if any(one in self._world.lost and said >= slot for one, said in self._said.get(node, {}).items()):
            self._reach(LOST_COUNTS)
        if node not in self._machine.first:
            self._reach(NEXT_GENERATION)
        if outcome.rejects:
            self._reach(WAITING_ENDS)
        self._duty.pop(node, None)

    def _served(self, state: spec.State, node: NodeId) -> frozenset[int]:
        if not isinstance(self._machine, JudgedLeaving):
            return frozenset()
        return self._machine.served(state, node)
