"""What a node shows of itself is so: for people who ask why it does not serve, and for whoever drives it (R8, R14).

Nothing of it is a step. What is shown is held, now and then, against the specification's state and what the node heard.
"""

from typing import Any

from conformance.judges.hearing import Hearing
from conformance.judges.judged import JudgedCell
from conformance.judges.projection import Names
from conformance.judges.timers import is_leading
from conformance.refutation import How, Refuted
from conformance.wording import event_words
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.cell import Node, inspect, life_of
from physalia.cell.memory import Key
from physalia.model import NodeId
from spec import cell as spec
from spec.commands import is_majority
from spec.service import transactions

SMALL = 24
"""Up to so many known slots the whole memory is compared step by step."""
EVERY = 8
"""After so many steps of a node it is looked at. A look takes longer than a step."""


class Shown:
    """Looks at the nodes of one world, as far as they can be looked at. `judge` raises `Refuted`.

    An exception when somebody looks is kept as the `accident`, and the run goes on: it may show what is wrong.
    """

    def __init__(self, world: World, names: Names, machine: JudgedCell) -> None:
        self._world = world
        self._names = names
        self._machine = machine
        self._steps: dict[NodeId, int] = {}
        self._keys: dict[NodeId, Key] = {}
        """What each node remembered after its last step, as long as that is not much."""
        self._waited_for: dict[NodeId, frozenset[NodeId]] = {}
        """Whom each node that leaves asks how far they have learned."""
        self._learned: dict[NodeId, dict[NodeId, int]] = {}
        """And what they said, since it last started."""
        self._readers: set[NodeId] = set()
        """Whom somebody has asked for a read."""
        self.accident: Refuted | None = None

    def judge(self, outcome: Outcome, state: spec.State, hearing: Hearing) -> None:
        """`state` is that after the step, and `hearing` what the node has heard by then."""
        try:
            self._judge(outcome, state, hearing)
        except Refuted as refuted:
            if refuted.how is How.JUDGED:
                raise
            self.accident = self.accident or refuted

    def _judge(self, outcome: Outcome, state: spec.State, hearing: Hearing) -> None:
        node = outcome.node
        cell = self._world.nodes[node]
        if not isinstance(cell, Node):
            return
        if cell.stopped:
            self._judge_stopped(node, cell)
            return
        self._judge_memory(outcome, cell)
        self._note_learned(outcome, cell, state)
        if isinstance(outcome.event, model.Query):
            self._readers.add(node)
        if isinstance(outcome.event, model.Tick) and outcome.sent:
            self._judge_silent(outcome, cell)
        self._steps[node] = self._steps.get(node, 0) + 1
        if self._steps[node] % EVERY and outcome.event is not None:
            return
        told, wanted = _told(cell), self._wanted(node, cell, state, hearing)
        for name, value in wanted.items():
            if told[name] != value:
                raise Refuted(f"node {node} shows a wrong `{name}`", (f"- {value}", f"+ {told[name]}"))
        self._judge_flags(node, cell, state, hearing)

    def _judge_stopped(self, node: NodeId, cell: Node) -> None:
        """Who has stopped says why, and who left for good is gone."""
        told, state = _told(cell), "gone" if cell.pointer is not None else ""
        if told["stopped"] != cell.stopped or told["does_not_serve"] != cell.stopped:
            raise Refuted(f"node {node} has stopped, and does not show why")
        if state and told["life_state"] != state:
            raise Refuted(f"node {node} has left for good, and shows that it is {told['life_state']}")

    def _note_learned(self, outcome: Outcome, cell: Node, state: spec.State) -> None:
        """Take note of who has to have learned what a node that leaves holds, and what they say (R11)."""
        node = outcome.node
        match outcome.event:
            case None:
                self._learned.pop(node, None)
            case model.Leave() if cell.duty is not None:
                self._waited_for[node] = self._machine.after(state.known[node]).jury.members
            case model.Receive(sender, model.Learned(slot)) if cell.duty is not None:
                if sender in self._waited_for[node]:
                    learned = self._learned.setdefault(node, {})
                    learned[sender] = max(slot, learned.get(sender, slot))

    def _judge_memory(self, outcome: Outcome, cell: Node) -> None:
        """Who ignores or rejects something remembers nothing of it, and who says that it recorded it remembers it.

        Only who looks at the clock forgets by that whom it has taught.
        """
        node, before, event = outcome.node, self._keys.pop(outcome.node, None), outcome.event
        if cell.prefix > SMALL:
            return
        key = self._keys[node] = cell.key()
        if before is None or event is None or isinstance(event, model.Tick):
            return
        is_asked = isinstance(event, model.Submit | model.Query | model.Peek)
        match outcome.announces:
            case model.Stutter("ignored" | "rejected" as kind) if key != before and (is_asked or kind == "ignored"):
                raise Refuted(f"node {node} says that it {kind} something, and remembers it", _event(outcome))
            case model.Stutter("recorded") if key == before and isinstance(
                event, model.Receive | model.Submit | model.Query
            ):
                raise Refuted(f"node {node} says that it recorded something, and remembers nothing", _event(outcome))

    def _judge_silent(self, outcome: Outcome, cell: Node) -> None:
        """Who is sent something again owes an answer, and nobody else does (R14)."""
        receivers, silent = {packet.receiver for packet in outcome.sent}, cell.silent()
        if not receivers <= silent or (outcome.node not in self._readers and receivers != silent):
            raise Refuted(
                f"node {outcome.node} says that others owe it an answer than those to whom it sends again",
                (f"- {sorted(receivers)}", f"+ {sorted(silent)}"),
            )

    def _judge_flags(self, node: NodeId, cell: Node, state: spec.State, hearing: Hearing) -> None:
        open_slots = self._open(node, cell, state)
        if node not in self._readers and cell.is_idle != (not hearing.asked and not open_slots):
            raise Refuted(f"node {node} {'is idle' if cell.is_idle else 'is not idle'}, as it says, and that is wrong")
        if state.active[node] and cell.was_refused != bool(hearing.refused(cell.active)):
            raise Refuted(f"node {node} does not say whether it was refused")

    def _open(self, node: NodeId, cell: Node, state: spec.State) -> dict[int, frozenset[NodeId]]:
        """The slots in which the node has proposed under its ballot, and does not know the decision; and the voters."""
        ballot, machine = state.active[node], self._machine
        slots = {m.slot for m in machine.proposals_of(state, node) if m.ballot == ballot and m.slot > cell.prefix}
        return {slot: machine.members(state.known[node], slot) for slot in slots} if ballot else {}

    def _wanted(self, node: NodeId, cell: Node, state: spec.State, hearing: Hearing) -> dict[str, Any]:
        machine, known, ballot = self._machine, state.known[node], state.active[node]
        prefix, contents = len(known), machine.after(known)
        window = [machine.members(known, slot) for slot in range(prefix + 1, prefix + machine.alpha + 1)]
        leads = is_leading(machine, self._world, node, state, hearing)
        promised = frozenset(member for member in window[0] if hearing.has_promise(ballot, member))
        is_elected = is_majority(promised, window[0])
        store, votes = machine.stored(known).state, [vote for vote in state.accepted[node][1:] if vote != spec.NoVote]
        in_force = prefix + 1 + max((at for at in range(1, len(window)) if window[at] != window[at - 1]), default=0)
        return {
            "life_state": self._life(node, cell, state, hearing, is_member=any(node in members for members in window)),
            "prefix": prefix,
            "floor": machine.floor(state, node),
            "digest": machine.digest(known).hex(),
            "promised": [cell.promised.round, str(cell.promised.node)],
            "leads": leads,
            "members": _said(window[0]),
            "version_of_members": contents.jury.version,
            "next_members": _said(contents.jury.members),
            "alpha": machine.alpha,
            "in_force_from_slot": in_force,
            "items": len(store.items),
            "state_bytes": transactions.total(store.items),
            "log_slots": prefix - cell.known.base,
            "votes": len(votes),
            "waits_for": self._waits(node, cell, state, hearing, elects=leads and not is_elected),
            "does_not_serve": self._why_not(node, cell, window[0], leads=leads, is_elected=is_elected),
            "stopped": "",
        }

    def _life(self, node: NodeId, cell: Node, state: spec.State, hearing: Hearing, *, is_member: bool) -> str:
        known, machine = state.known[node], self._machine
        if is_member:
            return "member"
        served = max((slot for slot in range(1, len(known) + 1) if node in machine.members(known, slot)), default=0)
        if node in machine.first or (served and (served > cell.known.base or life_of(cell) == "leaving")):
            return "leaving"  # who jumped over all of its time as a member may not know that it was one
        if hearing.slots_after(len(known)) or [*hearing.transfers(len(known))]:
            return "learning"
        return "caught up" if known else "created"

    def _waits(self, node: NodeId, cell: Node, state: spec.State, hearing: Hearing, *, elects: bool) -> dict[str, Any]:
        waits: dict[str, Any] = {}
        prefix, ballot, machine = len(state.known[node]), state.active[node], self._machine
        if elects:
            invited = frozenset().union(
                *(machine.members(state.known[node], slot) for slot in self._invited(node, state))
            )
            waits["promises_of"] = _said(frozenset(one for one in invited if not hearing.has_promise(ballot, one)))
        if votes := self._open(node, cell, state):
            waits["votes"] = {
                str(slot): _said(frozenset(one for one in members if not hearing.has_vote(ballot, slot, one)))
                for slot, members in votes.items()
            }
        if slots := hearing.slots_after(prefix):
            waits["slots_before"] = min(slots)
        if transfers := {str(one): {"slot": slot, "rows": rows} for one, slot, rows in hearing.transfers(prefix)}:
            waits["snapshots"] = transfers
        if cell.duty is not None:
            known, learned = state.known[node], self._learned.get(node, {})
            served = (slot for slot in range(1, prefix + machine.alpha + 1) if node in machine.members(known, slot))
            last, shown = max(served, default=0), cell.duty.slot  # any slot will do from its last on
            by = {str(member): learned.get(member) for member in self._waited_for[node]}
            waits["learned"] = {"slot": shown if last <= shown < prefix + machine.alpha else last, "by": by}
        if silent := cell.silent():
            waits["answers_of"] = _said(silent)
        return waits

    def _invited(self, node: NodeId, state: spec.State) -> range:
        """The slots whose members were asked for a promise of the node's ballot."""
        prepares = state.prepares | self._machine.waiting(state, node).prepares
        first = next(m.prefix for m in prepares if m.ballot == state.active[node]) + 1
        return range(first, len(state.known[node]) + self._machine.alpha + 1)

    def _why_not(self, node: NodeId, cell: Node, members: frozenset[NodeId], *, leads: bool, is_elected: bool) -> str:
        if cell.active == model.NO_BALLOT:
            if node not in members:
                return "it is no member"
            is_free = cell.promised == model.NO_BALLOT
            return "nobody asked it for anything yet" if is_free else f"it follows node {cell.promised.node}"
        if not leads:
            return "others promised a higher ballot than its own"
        return "" if is_elected else "no majority promised its ballot yet"


def _event(outcome: Outcome) -> tuple[str, ...]:
    """The event, for people."""
    return (f"event: {event_words(outcome.event)}",)


def _told(cell: Node) -> dict[str, Any]:
    try:
        return inspect(cell)
    except Exception as error:
        title = f"node {cell.node_id} raises {type(error).__name__} when somebody looks at it: {error}"
        raise Refuted(title, how=How.RAISED) from error


def _said(nodes: frozenset[NodeId]) -> list[str]:
    return [str(node) for node in sorted(nodes)]
