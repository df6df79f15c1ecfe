"""What readers are told, one by one: the record as it was after a slot that the node knows (R7).

The specification speaks of rounds, and judges from which slot each may be answered. Which reads are in a round is the
code's own matter: those that wait when it begins, and none that comes later. So each reader is followed by itself.
"""

from collections.abc import Callable

from conformance.judges.coverage import BEGUN_AGAIN
from conformance.judges.projection import Names
from conformance.refutation import Refuted
from conformance.wording import request_words
from conformance.world.outcomes import Outcome
from physalia import model
from physalia.cell import Consultation
from physalia.model import NodeId, RequestId
from spec import cell as spec
from spec.commands import Volume
from spec.service.peeks import may_show


class Readers:
    """Judges what the nodes of one world tell readers. `judge` raises `Refuted`."""

    def __init__(self, names: Names, machine: spec.Cell, reach: Callable[[str], None]) -> None:
        self._names = names
        self._machine = machine
        self._reach = reach
        self._waiting: dict[NodeId, dict[RequestId, None]] = {}
        """The consistent reads that wait at each node."""
        self._in_round: dict[NodeId, set[RequestId]] = {}
        """Those of them that waited at each node when its last round began, and were not answered yet."""
        self.served: list[RequestId] = []
        """The consistent reads that were answered, in order."""

    def waiting(self, node: NodeId) -> tuple[RequestId, ...]:
        """The consistent reads that wait at a node."""
        return tuple(self._waiting.get(node, ()))

    def judge(self, outcome: Outcome, before: spec.State, reading: Consultation | None) -> None:
        """`before` is the state before the step, and `reading` the round that is under way at the node after it."""
        node = outcome.node
        waiting, in_round = self._waiting.setdefault(node, {}), self._in_round.setdefault(node, set())
        for request, _ in outcome.rejects:
            waiting.pop(request, None)
            in_round.discard(request)
        match outcome.event:
            case None:  # it crashed, and its readers hear nothing
                waiting.clear()
                in_round.clear()
            case model.Query(request) if not outcome.rejects:
                waiting[request] = None
            case model.Consult() if isinstance(outcome.announces, model.Action):
                self._in_round[node] = set(waiting)
            case model.Campaign() if isinstance(outcome.announces, model.Action):
                if reading is not None:
                    raise Refuted(f"node {node} takes another ballot, and goes on with a round of the last one")
                if in_round:
                    self._reach(BEGUN_AGAIN)
                in_round.clear()
            case model.Peek(request, token):
                _judge_peek(node, request, token, outcome, before)
        for found in outcome.found:
            self._judge_found(node, found, before)
            if not isinstance(outcome.event, model.Peek):
                self._judge_served(node, found.request)

    def _judge_found(self, node: NodeId, found: model.Found, before: spec.State) -> None:
        """It must be so."""
        reader, log = request_words(found.request), before.known[node]
        if found.slot > len(log):
            raise Refuted(f"node {node} tells {reader} of slot {found.slot}, and knows {len(log)} slots")
        volume = self._machine.after(log[: found.slot]).volume
        if Volume(found.saw.version, found.saw.primary, found.saw.replica) != volume:
            raise Refuted(f"node {node} tells {reader} what is not so after slot {found.slot}", (str(found.saw),))

    def _judge_served(self, node: NodeId, request: RequestId) -> None:
        """It must have been asked before the round began, and not be answered yet."""
        if request not in self._in_round[node]:
            raise Refuted(f"node {node} serves {request_words(request)} with a round that it was not in")
        self._in_round[node].discard(request)
        self._waiting[node].pop(request, None)
        self.served.append(request)


def _judge_peek(node: NodeId, request: RequestId, token: int, outcome: Outcome, before: spec.State) -> None:
    """Who saw no more than a node knows is shown something, and nobody else is."""
    may = may_show(before.known[node], token)
    if outcome.found and not may:
        raise Refuted(f"node {node} goes back behind slot {token}, which its reader has seen")
    if may and any(why == "behind" for _, why in outcome.rejects):
        raise Refuted(f"node {node} says to {request_words(request)} that it is behind slot {token}, and is not")
