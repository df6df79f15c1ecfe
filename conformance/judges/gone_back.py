"""The judge of a node whose disk went back in time: what it must notice, and what it may not claim (R15, R16).

The specification knows no such node: it counts as a lost disk, and nobody hears it. But it hears the others, and what
they tell of it may be what its disk lost. A ballot that it used, a promise, a vote: each was durable before anybody
heard of it, so a node that hears of one and has no record of it must stop for good, and stay so after a restart. What
is below its promise cannot be told any more, since the promise stands for it. With any other cause it must not stop.
Whoever waits for it when it stops is told that it says nothing more (R6).

What is lost is known here from the disk as it was before; the node's own evidence is not asked.
"""

from collections.abc import Iterator

from conformance.judges.coverage import Coverage, stops_for
from conformance.refutation import Refuted
from conformance.wording import event_words
from conformance.world.disk import Disk, Journal
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.model import NO_BALLOT, Ballot, Slot

UNHEARD = "a node whose disk went back hears nothing of what it lost, and goes on"
TELLS_THOSE_WHO_WAIT = "a node that stops for good tells those who wait for it"
STAYS_STOPPED = "a node that stopped for good stays so after a restart"


class Waiters:
    """Who asked a node since it last started, and was told nothing yet."""

    def __init__(self) -> None:
        self._requests: set[model.RequestId] = set()

    def __len__(self) -> int:
        return len(self._requests)

    def note(self, outcome: Outcome) -> None:
        """Take note of a step of the node."""
        match outcome.event:
            case model.Submit(command):
                self._requests.add(command.request)
            case model.Query(request):
                self._requests.add(request)
        self._requests.difference_update(request for request, _ in (*outcome.rejects, *outcome.answers))
        self._requests.difference_update(found.request for found in outcome.found)

    def clear(self) -> None:
        """The node starts anew."""
        self._requests.clear()


def must_rest(outcome: Outcome, why: str) -> None:
    """Raise `Refuted` if a node that does nothing any more does something; clients are told that it has stopped."""
    is_quiet = not (outcome.sent or outcome.stored or outcome.answers or outcome.found)
    kind = outcome.announces.kind if isinstance(outcome.announces, model.Stutter) else "an action"
    match outcome.event:
        case model.Submit(command):
            told = [command.request]
        case model.Query(request) | model.Peek(request):
            told = [request]
        case _:
            told = []
    right = ("rejected" if told else "ignored", tuple((request, "stopped") for request in told))
    if (kind, outcome.rejects) != right or not is_quiet:
        raise Refuted(
            f"node {outcome.node} has {why}, and still does something ({kind})",
            (f"event: {event_words(outcome.event)}",),
        )


class GoneBack:
    """Follows one node from the moment at which its disk went back; `before` is what was flushed until then."""

    def __init__(self, world: World, node: int, before: Journal, coverage: Coverage) -> None:
        now = world.disks[node].written
        self.node = node
        self.coverage = coverage
        self.stopped = False
        self._waiting = Waiters()
        self._world = world
        self._uses = before.used - now.used
        self._promises = before.answered - now.answered
        self._votes = before.voted - now.voted
        self._remember(world.disks[node])

    def step(self, outcome: Outcome) -> None:
        """Judge one step. Raises `Refuted` if the node is at fault."""
        disk = self._world.disks[self.node]
        if outcome.event is None:
            if outcome.trouble and not outcome.is_lost:
                self._restarted(disk.written.stopped)
        elif self.stopped:
            must_rest(outcome, "stopped for good")
        else:
            self._must_notice(outcome, disk)
        if self.stopped and self._world.due[self.node]:
            raise Refuted(f"node {self.node} has stopped for good, and says that something is due")
        self._remember(disk)

    def _remember(self, disk: Disk) -> None:
        """What the node remembers before its next step, as its disk says it; the judge of the disk holds them equal."""
        self._promised, self._used, self._answered = (
            disk.written.promised,
            set(disk.written.used),
            set(disk.written.answered),
        )
        self._accepted = {slot: vote.ballot for slot, vote in disk.written.accepted.items()}

    def _restarted(self, is_written: bool) -> None:
        self._waiting.clear()
        if self.stopped and is_written:
            self.coverage.reach(STAYS_STOPPED)
        self.stopped = is_written

    def _must_notice(self, outcome: Outcome, disk: Disk) -> None:
        self._waiting.note(outcome)
        told = next(self._told(outcome.event), "")
        has_stopped = outcome.announces == model.Stutter("stopped", getattr(outcome.announces, "reason", ""))
        if has_stopped != bool(told):
            what = f"hears of {told}, which its disk lost, and goes on" if told else "stops for good without a cause"
            raise Refuted(f"node {self.node} {what}", (f"event: {event_words(outcome.event)}",))
        if not has_stopped:
            self.coverage.reach(UNHEARD)
            return
        is_safe = not disk.unasked and [type(record) for record in outcome.stored] == [model.Stopped]
        if not is_safe or outcome.sent or outcome.answers:
            raise Refuted(f"node {self.node} stops for good, and does not write down and flush that, and that alone")
        if self._waiting:
            raise Refuted(f"node {self.node} stops for good, and says nothing to {len(self._waiting)} who wait for it")
        self.stopped = True
        self.coverage.reach(stops_for(told))
        if outcome.rejects:
            self.coverage.reach(TELLS_THOSE_WHO_WAIT)

    def _told(self, event: model.Event | None) -> Iterator[str]:
        """What is lost of all that the event tells."""
        message = event.message if isinstance(event, model.Receive) else None
        uses: set[Ballot] = set()
        promises: set[Ballot] = set()
        votes: set[tuple[Ballot, Slot]] = set()
        match message:
            case model.Prepare(ballot) | model.Proposal(ballot) | model.Round(ballot) | model.Echo(ballot):
                uses = {ballot}
            case model.Refusal(ballot, promised):
                uses = {ballot, promised}
            case model.Vote(ballot, slot, node):
                uses, votes = {ballot}, {(ballot, slot)} if node == self.node else set()
            case model.Promise(ballot, node, accepted):
                uses = {ballot, *(report.ballot for report in accepted)}
                if node == self.node:
                    promises, votes = {ballot}, {(report.ballot, report.slot) for report in accepted}
        if any(self._accepted.get(slot, NO_BALLOT) < ballot for ballot, slot in votes & self._votes):
            yield "a vote"
        if any(self._promised < ballot for ballot in promises & self._promises):
            yield "a promise"
        if any(self._promised < ballot and ballot not in self._used for ballot in uses & self._uses):
            yield "a ballot of its reads" if isinstance(message, model.Round | model.Echo) else "a ballot"
