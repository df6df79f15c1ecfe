"""What the cell does less than the layers `disk` and `outbox` allow, since it has a policy and a queue.

Each reason says for which states and arguments a guard must hold where the cell has no step; nowhere else may it hold.
Where it can be asked, the cell's own guard answers, in a state where nothing is missing but what the reason names.
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from conformance.induction.tie.disks import Disks, Record, lost, of_node, values_of
from conformance.induction.tie.readings import Args, has_step
from spec import cell
from spec.cell import Cell, Prepare, Promise, Proposal, Vote
from spec.commands import Ballot, Log, Name, Node, Slot
from spec.outbox import Messages, NoVote
from spec.values import function, put

NO_POLICY = "whom a node asks and follows, and which slot and value it takes, is the cell's policy"
WRITTEN_AGAIN = "a vote that was written may be written again, which changes nothing"
ANY_ORDER = "the layer `disk` sends what is written in any order"
ANY_REPLY = "the layer `disk` may answer for each ballot up to the promise"
KEPT_MORE = "a disk may keep what was written and not flushed; in the cell that is a flush of which nobody hears"
LATER = "any record that is later than all that wait may be the next"
BEHIND = (
    "before a promise or a vote something else may wait, a proposal or a decision, which is no record of the layers"
)
HEARD = "whatever was decided may be heard by anybody, in any order"
TOLD = "whoever knows a decision may tell it, and again"
ANSWERED_AGAIN = (
    "a round may be answered again, by any node and from any slot that it knows from the round's on; and what was voted"
    " for under its own ballot is no matter to it"
)
TAUGHT = "that a node is taught by another one is no step of `Cell`"
LOST_DISK = (
    "which disks are lost, and when, is a bound: in `Cell` none is, in `Lives` one that held something, once, and in"
    " `Leaving` some, each of a node that is there"
)

NO_EDGE: Mapping[str, str] = {"lose": LOST_DISK}
"""Actions of the layers that no graph takes, and why: their guards are compared, and their effects are not."""
NOT_TAUGHT: Mapping[str, str] = {**NO_EDGE, "install": TAUGHT}
"""The same where nodes know something."""
NO_LOST_DISK = "alive"
"""The conjunct of guards that for the same reason is compared with nothing: it is true in every state."""


class AnyValue(Cell):
    """The cell, where a proposer takes whatever is safe."""

    def free(self, *_: Any) -> bool:
        """Whether anybody wants the value is not asked."""
        return True


@frozen(slots=False)
class Exceptions:
    """Why a guard of a layer must hold where the cell has no step."""

    disks: Disks
    outbox: bool
    free: Cell = field(init=False)
    """The same cell, where everyone hears everything."""
    _led: dict[Node, Cell] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "free", self.free_machine())

    def free_machine(self) -> Cell:
        """The cell of `free`."""
        return AnyValue(**self.free_constants())

    def free_constants(self) -> dict[str, Any]:
        """Its constants."""
        m = self.disks.machine
        everyone = frozenset(m.nodes)
        return {
            "content": m.content, "first": m.first, "alpha": m.alpha, "early": m.early, "nodes": m.nodes,
            "max_ballot": m.max_ballot, "max_slot": m.max_slot, "owner": m.owner, "strays": everyone,
            "learners": everyone, "mortals": everyone,
        }  # fmt: skip

    def reason(self, s: cell.State, name: str, args: Args) -> str:
        """One of the reasons above; empty where the guard must not hold."""
        if name not in ("propose", "lose") and args[0] in lost(s):
            return ""
        return getattr(self, name)(s, *args)  # type: ignore[no-any-return]

    def lose(self, _: cell.State, n: Node) -> str:
        """Everywhere."""
        return LOST_DISK if n else ""

    def crash(self, s: cell.State, n: Node, promise: frozenset[Args], votes: frozenset[Args]) -> str:
        """Between disk and memory. The disk has no vote whose promise it has not: they are one record."""
        sent, written = (of_node(self.disks.facts_again(s), name, n) for name in ("votes", "accepted"))
        between = s.disk[n].promised <= len(promise) <= s.promised[n] and sent <= votes <= written
        return KEPT_MORE if between and all(b <= len(promise) for b, _, _ in votes) else ""

    def write_promise(self, s: cell.State, n: Node, b: Ballot, e: Record | None = None) -> str:
        """Where n would promise if it were asked, and had not answered."""
        if b == 0:
            return NO_POLICY if s.promised[n] == 0 and e is None else ""
        asked = s._replace(
            prepares=frozenset({Prepare(b, 0, frozenset({n}))}),
            promises=frozenset[Promise](),
            queue=put(s.queue, n, ()),
        )
        return self._later(s, n, e, (b, ()), NO_POLICY) if has_step(self.free, asked, "promise", (n, b)) else ""

    def write_vote(self, s: cell.State, n: Node, b: Ballot, i: Slot, e: Record | None = None) -> str:
        """Where n would vote if it heard of the proposal; in `disk` also if it did vote."""
        value = values_of(s).get((b, i), "")
        if has_step(self.free, s, "vote", (n, b, i)):
            return self._later(s, n, e, (b, (i, value)), NO_POLICY)
        if self.outbox:
            return ""
        forgot = s._replace(accepted=put(s.accepted, n, function(self.free.slots, NoVote)))
        return WRITTEN_AGAIN if has_step(self.free, forgot, "vote", (n, b, i)) else ""

    def _later(self, s: cell.State, n: Node, e: Record | None, says: tuple[object, ...], reason: str) -> str:
        """The same reason, or that a record is later than it need be; none if it cannot be the next."""
        if e is None:
            return reason
        waits = self.disks.waiting(s, n)
        return LATER if (e.ballot, e.vote) == says and all(f < e for f in waits) else ""

    def promise(self, s: cell.State, n: Node, b: Ballot, e: Record | None = None) -> str:
        """In `disk` for every ballot up to the promise, once; in `outbox` where it is the first record that waits."""
        if e is not None:
            return self._behind(s, n, e, (b, ()))
        once = all(m[:2] != (b, n) for m in s.promises)
        return ANY_REPLY if b <= s.promised[n] and once else ""

    def vote(self, s: cell.State, n: Node, b: Ballot, i: Slot, e: Record | None = None) -> str:
        """In `disk` for every vote that waits; in `outbox` where it is the first record that waits."""
        if e is not None:
            return self._behind(s, n, e, (b, (i, values_of(s).get((b, i), ""))))
        return ANY_ORDER if Vote(b, i, n) in self.free.waiting(s, n).votes else ""

    def _behind(self, s: cell.State, n: Node, e: Record, says: tuple[object, ...]) -> str:
        """Something that is no record is flushed before it."""
        waits = self.disks.waiting(s, n)
        sends = s.queue[n][0].sends if waits else Messages()
        first = bool(waits) and e == waits[0] and (e.ballot, e.vote) == says
        return BEHIND if first and not (sends.promises or sends.votes) else ""

    def propose(self, s: cell.State, b: Ballot, i: Slot, v: Name, *by: Node) -> str:
        """Where the owner of the ballot would if it led, knew all there is to know, and wanted the value."""
        if (b, i) in values_of(s) or b == 0 or i == 0:
            return ""
        o, log = self.proposer(s, b, *by)
        filled = frozenset({Proposal(b, j, v, frozenset()) for j in self.free.slots if j < i})
        led = s._replace(
            active=put(s.active, o, b),
            known=put(s.known, o, log[: i - 1]),
            queue=put(s.queue, o, ()),
            proposals=filled,
            promises=self.told_whole(s),
        )
        would = i <= len(log) + self.free.alpha and has_step(self.led_by(o), led, "propose", (b, i, v))
        return NO_POLICY if would else ""

    def proposer(self, s: cell.State, b: Ballot) -> tuple[Node, Log]:
        """Who proposes under a ballot, and the log by which it knows the configurations: what a majority voted for."""
        return self.free.owner[b], self.disks.below.machine.prefix(self.disks.machine.seen_from_above(s))

    def told_whole(self, s: cell.State) -> frozenset[Promise]:
        """The replies, each with all that it says of lower ballots."""
        return frozenset(m._replace(accepted=frozenset(self.disks.told(s, m))) for m in s.promises)

    def led_by(self, n: Node) -> Cell:
        """The same cell, where every ballot is the node's."""
        if n not in self._led:
            self._led[n] = evolve(self.free, owner=dict.fromkeys((0, *self.free.owner), n))
        return self._led[n]
