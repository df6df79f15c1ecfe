"""What readers are told, one by one: the record as it was after a slot, and a slot that is late enough (R7).

The specification speaks of rounds. Which reads are in one is the code's own matter, and a read that came when the round
had begun must not be. So each read is judged by itself: by what anybody had been told when it came.
"""

from conformance.judges.projection import Names
from conformance.refutation import Refuted
from conformance.wording import request_words
from conformance.world.outcomes import Outcome
from physalia import model
from physalia.model import NodeId, RequestId
from spec import cell as spec
from spec.commands import Volume


class Readers:
    """Judges what the nodes of one world tell readers. `judge` raises `Refuted`."""

    def __init__(self, names: Names, machine: spec.Cell) -> None:
        self._names = names
        self._machine = machine
        self._waiting: dict[NodeId, dict[RequestId, int]] = {}
        """The consistent reads that wait at each node, and the last slot that anybody had been told of as each came."""
        self._in_round: dict[NodeId, frozenset[RequestId]] = {}
        """Those of them that waited at each node when its last round began."""
        self.served: list[RequestId] = []
        """The consistent reads that were answered, in order."""

    def waiting(self, node: NodeId) -> tuple[RequestId, ...]:
        """The consistent reads that wait at a node."""
        return tuple(self._waiting.get(node, ()))

    def judge(self, outcome: Outcome, before: spec.State) -> None:
        """`before` is the state before the step."""
        node, waiting = outcome.node, self._waiting.setdefault(outcome.node, {})
        for request, _ in outcome.rejects:
            waiting.pop(request, None)
        match outcome.event:
            case None:  # it crashed, and its readers hear nothing
                waiting.clear()
            case model.Query(request) if not outcome.rejects:
                waiting.setdefault(request, max((m.slot for m in before.decisions), default=0))
            case model.Consult() if isinstance(outcome.announces, model.Action):
                self._in_round[node] = frozenset(waiting)
            case model.Peek(_, token) if any(found.slot < token for found in outcome.found):
                raise Refuted(f"node {node} goes back behind slot {token}, which its reader has seen")
        for found in outcome.found:
            self._judge_found(node, found, before, is_consistent=not isinstance(outcome.event, model.Peek))

    def _judge_found(self, node: NodeId, found: model.Found, before: spec.State, *, is_consistent: bool) -> None:
        reader = request_words(found.request)
        log = before.known[node]
        if found.slot > len(log):
            raise Refuted(f"node {node} tells {reader} of slot {found.slot}, and knows {len(log)} slots")
        volume = self._machine.after(log[: found.slot]).volume
        if Volume(found.saw.version, found.saw.primary, found.saw.replica) != volume:
            raise Refuted(f"node {node} tells {reader} what is not so after slot {found.slot}", (str(found.saw),))
        if not is_consistent:
            return
        seen = self._waiting[node].pop(found.request, None)
        if seen is None:
            raise Refuted(f"node {node} serves {reader}, who does not wait there")
        self.served.append(found.request)
        if found.request not in self._in_round.get(node, ()):
            raise Refuted(f"node {node} serves {reader} with a round that had begun when the read came")
        if found.slot < seen:
            raise Refuted(
                f"node {node} serves {reader} from slot {found.slot}, and slot {seen} was told before the read came"
            )
