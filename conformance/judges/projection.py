"""The projection: from running nodes and the bytes they sent to the state of the specification.

It is total: whatever the code holds or says has an image, and what the specification does not know has an image that is
in none of its states. It is incremental, since one step touches one node and adds messages: what did not change is the
same object as before, so that states are compared quickly. ``whole`` projects everything anew and is held against that.

* Ballots are numbered by (round, node), which is their order; the owner of a number follows from it.
* Commands are their names, which hold everything that is in them.
* Places 1 to n of tuples are used, place 0 is not, as in ``spec/cell.py``.
* To whom a message goes is seen from the packets. Whoever writes down a decision counts as telling it to whoever asks.
* Memory is looked up in the node, the queue in what its steps stored and sent, the disk in the disk.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias, assert_never

from attrs import Factory, define

from conformance import wording
from conformance.refutation import Refuted
from conformance.world.scenario import Setup
from conformance.world.world import Cell, Durable, Outcome, Packet, World
from physalia import model
from physalia.model import NodeId, RequestId
from physalia.wire import decode_message
from spec import cell as spec
from spec import commands
from spec.values import function, put

MAX_SLOT = 96
"""The specification's bound on slots. No run comes near it: a command fills one slot, and so does a hole."""

MAX_ROUND = 60
"""The specification's bound on rounds of ballots."""

SentMessage: TypeAlias = spec.Prepare | spec.Promise | spec.Proposal | spec.Vote | spec.Decision
NOBODY: frozenset[NodeId] = frozenset()

_FIELD: dict[type[SentMessage], str] = {
    spec.Prepare: "prepares",
    spec.Promise: "promises",
    spec.Proposal: "proposals",
    spec.Vote: "votes",
    spec.Decision: "decisions",
}


class Names:
    """Numbers for ballots and names for commands, the same for every part of one run."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self.content: dict[str, commands.Content] = {}
        self.requests: dict[RequestId, str] = {}
        self._messages: dict[tuple[bytes, NodeId], SentMessage | None] = {}

    @property
    def owner(self) -> dict[int, NodeId]:
        """The constant function `Owner`, for the ballots of all rounds up to MAX_ROUND."""
        rounds, nodes = range(1, MAX_ROUND + 1), range(1, self._nodes + 1)
        return {self.ballot(model.Ballot(round_, node)): node for round_ in rounds for node in nodes}

    def ballot(self, ballot: model.Ballot) -> int:
        """The number of a ballot; 0 is none. Raises `Refuted` for a ballot that no node can own."""
        if ballot.round >= 1 and 1 <= ballot.node <= self._nodes:
            return (ballot.round - 1) * self._nodes + ballot.node
        if ballot == model.NO_BALLOT:
            return 0
        raise Refuted(f"there can be no ballot {wording.ballot_words(ballot)}")

    def register(self, command: model.Asked) -> str:
        """The name of a command that a client asks for; from now on the specification knows what it means."""
        name = wording.command_words(command)
        self.content[name] = _content(command)
        self.requests[command.request] = name
        return name

    def command(self, command: object) -> str:
        """The name of a command, known or not. What is no command at all has a name that no command has."""
        if isinstance(command, model.Write | model.Read | model.Change | model.NoOp):
            return wording.command_words(command)
        return f"no command: {command}"

    def told(self, request: RequestId, verdict: model.Verdict) -> commands.Told:
        """What a client was told."""
        name = self.requests.get(request, f"nobody's {request}")
        if not isinstance(verdict, model.Verdict):
            raise Refuted(f"{name} is answered with {verdict}, which is no verdict")
        return commands.Told(name, commands.Verdict(verdict.done, _record(verdict.saw)))

    def sent(self, data: bytes, sender: NodeId) -> SentMessage | None:
        """The message of these bytes, addressed to nobody, or None if the specification reads no such messages."""
        key = (data, sender)
        if key not in self._messages:
            self._messages[key] = self.message(decode_message(data), sender)
        return self._messages[key]

    def message(self, message: model.Message, sender: NodeId) -> SentMessage | None:
        """The image of a message, addressed to nobody."""
        match message:
            case model.Prepare(ballot, prefix):
                return spec.Prepare(self.ballot(ballot), prefix, NOBODY)
            case model.Promise(ballot, node, accepted, floor):
                reports = frozenset(
                    spec.Report(report.slot, self.ballot(report.ballot), self.command(report.value))
                    for report in accepted
                )
                return spec.Promise(self.ballot(ballot), node, reports, floor)
            case model.Proposal(ballot, slot, value):
                return spec.Proposal(self.ballot(ballot), slot, self.command(value), NOBODY)
            case model.Vote(ballot, slot, node):
                return spec.Vote(self.ballot(ballot), slot, node)
            case model.Decision(slot, value):
                return spec.Decision(slot, self.command(value), sender)
            case model.Ask() | model.Refusal():
                return None
            case _:
                assert_never(message)

    def record(self, record: model.DurableRecord) -> spec.Used | spec.Promised | spec.Voted | None:
        """The image of a record; None for a decision, of which the specification keeps the number alone."""
        match record:
            case model.UsedBallot(ballot):
                return spec.Used(self.ballot(ballot))
            case model.Promised(ballot):
                return spec.Promised(self.ballot(ballot))
            case model.Accepted(ballot, slot, value):
                return spec.Voted(self.ballot(ballot), slot, self.command(value))
            case model.Known() | model.Stopped():
                return None
            case _:
                assert_never(record)

    def arguments(self, action: model.Action) -> tuple[object, ...]:
        """The arguments of an announced action, as the specification's method takes them."""
        return tuple(self._argument(argument) for argument in action.arguments)

    def _argument(self, argument: object) -> object:
        match argument:
            case model.Ballot():
                return self.ballot(argument)
            case model.Write() | model.Read() | model.Change() | model.NoOp():
                return self.command(argument)
            case _:
                return argument


@define
class Image:
    """The variables of one node, with the objects of the code that they were last made from."""

    raw_accepted: dict[int, model.Accepted] = Factory(dict)
    accepted: tuple[spec.Accepted, ...] = function(range(1, MAX_SLOT + 1), spec.NoVote)
    raw_known: list[model.Command] = Factory(list)
    known: tuple[str, ...] = ()


class Projection:
    """The state of one world, followed step by step."""

    def __init__(self, setup: Setup, names: Names) -> None:
        self.setup = setup
        self.names = names
        self._images = {node: Image() for node in range(1, setup.nodes + 1)}

    def after(self, before: spec.State, outcome: Outcome, cell: Cell) -> spec.State:
        """The state after a step of one node, given the state before it."""
        changed: dict[str, Any] = {}
        match outcome.announces:
            case model.Action("issue", (command,)) if outcome.event is None:
                changed["asked"] = before.asked | {self.names.command(command)}
            case model.Action("flush") if outcome.event is None and before.queue[outcome.node]:
                first, *rest = before.queue[outcome.node]
                changed["queue"] = put(before.queue, outcome.node, tuple(rest))
                _add(changed, before, first.sends)
            case _:
                self._look_at(changed, before, outcome.node, cell)
                self._say(changed, before, outcome)
        if outcome.durable is not None:
            self._look_at_disk(changed, before, outcome.node, outcome.durable)
        return before._replace(**changed) if changed else before

    def _say(self, changed: dict[str, Any], before: spec.State, outcome: Outcome) -> None:
        """What the step had to say is sent, or waits in an entry of its own, or behind the last entry."""
        node, queue = outcome.node, before.queue[outcome.node]
        if outcome.event is None:  # it crashed
            if queue:
                changed["queue"] = put(before.queue, node, ())
            return
        says = self._messages(before, outcome)
        if not outcome.waits:
            _add(changed, before, says)
        elif isinstance(outcome.announces, model.Action):
            records = tuple(image for record in outcome.stored if (image := self.names.record(record)) is not None)
            changed["queue"] = put(before.queue, node, (*queue, spec.Entry(records, outcome.known, says)))
        elif queue and any(new := [some - old for some, old in zip(says, _said(before, node), strict=True)]):
            sends = spec.Messages._make(old | some for old, some in zip(queue[-1].sends, new, strict=True))
            changed["queue"] = put(before.queue, node, (*queue[:-1], queue[-1]._replace(sends=sends)))

    def _messages(self, before: spec.State, outcome: Outcome) -> spec.Messages:
        """What a step had to say. Bytes that a node was sent before are nothing new to it."""
        told = frozenset(self.names.told(request, verdict) for request, verdict in outcome.answers)
        if not isinstance(outcome.event, model.Decide):
            told -= before.told
        said: dict[str, set[Any]] = {
            "told": set(told), "prepares": set(), "promises": set(), "proposals": set(), "votes": set(),
            "decisions": {
                spec.Decision(record.slot, self.names.command(record.value), outcome.node)
                for record in outcome.stored
                if isinstance(record, model.Known)
            },
        }  # fmt: skip
        for message, receivers in self._receivers(outcome.sent).items():
            field = _FIELD[type(message)]
            if isinstance(message, spec.Prepare | spec.Proposal):
                earlier = (m for m in getattr(_said(before, outcome.node), field) if m[:-1] == message[:-1])
                to = receivers.difference(*(m.to for m in earlier))
                said[field] |= {message._replace(to=to)} if to else set()
            else:
                said[field].add(message)
        return spec.Messages(**{field: frozenset(some) for field, some in said.items()})

    def _receivers(self, packets: Iterable[Packet]) -> dict[SentMessage, frozenset[NodeId]]:
        """To whom each message goes."""
        found: dict[SentMessage, frozenset[NodeId]] = {}
        for packet in packets:
            message = self.names.sent(packet.data, packet.sender)
            if message is not None:
                found[message] = found.get(message, NOBODY) | {packet.receiver}
        return found

    def whole(self, world: World, state: spec.State) -> spec.State:
        """`state` with the variables of every node projected anew, from nothing that was remembered."""
        changed: dict[str, Any] = {}
        fresh = Projection(self.setup, self.names)
        for node, cell in world.nodes.items():
            state = state._replace(**changed)
            fresh._look_at(changed, state, node, cell)
            fresh._look_at_disk(changed, state, node, world.durable(node))
        return state._replace(**changed)

    def _look_at(self, changed: dict[str, Any], before: spec.State, node: NodeId, cell: Cell) -> None:
        """The four variables of one node. What compares equal to what was there before is not made again."""
        image = self._images[node]
        promised, active = self.names.ballot(cell.promised), self.names.ballot(cell.active)
        if promised != before.promised[node]:
            changed["promised"] = put(before.promised, node, promised)
        if active != before.active[node]:
            changed["active"] = put(before.active, node, active)
        if cell.accepted != image.raw_accepted:
            image.raw_accepted = dict(cell.accepted)
            image.accepted = self._accepted(image.raw_accepted)
        if image.accepted is not before.accepted[node] and image.accepted != before.accepted[node]:
            changed["accepted"] = put(before.accepted, node, image.accepted)
        if cell.known != image.raw_known:
            image.raw_known = list(cell.known)
            image.known = tuple(self.names.command(command) for command in image.raw_known)
        if image.known is not before.known[node] and image.known != before.known[node]:
            changed["known"] = put(before.known, node, image.known)

    def _look_at_disk(self, changed: dict[str, Any], before: spec.State, node: NodeId, durable: Durable) -> None:
        """What the disk of one node holds for certain."""
        used = frozenset(map(self.names.ballot, durable.used))
        disk = spec.Disk(used, self.names.ballot(durable.promised), self._accepted(dict(durable.accepted)))
        if disk != before.disk[node]:
            changed["disk"] = put(before.disk, node, disk)
        if durable.known != before.kept[node]:
            changed["kept"] = put(before.kept, node, durable.known)

    def _accepted(self, raw: dict[int, model.Accepted]) -> tuple[spec.Accepted, ...]:
        """The votes of a node, slot by slot. A vote that is kept in a slot that it was not cast in has no image."""
        votes = list(function(range(1, max(MAX_SLOT, *raw, 0) + 1), spec.NoVote))
        for slot, vote in raw.items():
            value = self.names.command(vote.value) if vote.slot == slot else f"a vote in slot {vote.slot}"
            votes[slot] = spec.Accepted(self.names.ballot(vote.ballot), value)
        return tuple(votes)


def _said(state: spec.State, node: NodeId) -> spec.Messages:
    """Everything that was sent, and everything that waits at the node."""
    waiting = [entry.sends for entry in state.queue[node]]
    return spec.Messages(
        *(getattr(state, field).union(*(getattr(sends, field) for sends in waiting)) for field in spec.Messages._fields)
    )


def _add(changed: dict[str, Any], before: spec.State, messages: spec.Messages) -> None:
    """The messages are sent."""
    for field, some in zip(messages._fields, messages, strict=True):
        sent = getattr(before, field)
        if not some <= sent:
            changed[field] = sent | some


class Hearing:
    """What one node received since it last started, and what it was asked for and did not reject.

    A node can act on nothing else. Its own proposals count as well, since it made them.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._heard: dict[str, frozenset[Any]] = {field: frozenset() for field in _FIELD.values()}
        self.asked: frozenset[str] = frozenset()
        self.in_order: list[str] = []
        """The same, in the order in which they were first asked."""
        self.revision = 0
        """Grows with everything that is heard for the first time."""
        self.promised: list[model.Promise] = []
        """What the node itself promised since it last started."""
        self._proposed: list[model.Proposal] = []
        self._refused: set[tuple[model.Ballot, NodeId]] = set()

    def note(self, outcome: Outcome) -> None:
        """Take note of a step of the node."""
        match outcome.event:
            case model.Receive(sender, message):
                self._add(self._names.message(message, sender))
                if isinstance(message, model.Refusal):
                    self._refused.add((message.ballot, sender))
                self.promised += [p.message for p in outcome.sent if isinstance(p.message, model.Promise)]
            case model.Submit(command) if not outcome.rejects:
                name = self._names.command(command)
                if name not in self.asked:
                    self.in_order.append(name)
                self.asked |= {name}
                self.revision += 1
            case model.Propose():
                for packet in outcome.sent:
                    self._add(self._names.sent(packet.data, packet.sender))
                self._proposed += {p.message for p in outcome.sent if isinstance(p.message, model.Proposal)}

    def view(self, state: spec.State) -> spec.State:
        """The state as this node can see it."""
        changed: dict[str, Any] = {"asked": self.asked, **self._heard}
        return state._replace(**changed)

    def is_reported(self, ballot: int, slot: int) -> bool:
        """Whether a promise of the ballot reports a vote in the slot."""
        return any(m.ballot == ballot and any(r.slot == slot for r in m.accepted) for m in self._heard["promises"])

    def has_promise(self, ballot: int, node: NodeId) -> bool:
        """Whether the node's promise of the ballot came."""
        return any(m[:2] == (ballot, node) for m in self._heard["promises"])

    def has_vote(self, ballot: int, slot: int, node: NodeId) -> bool:
        """Whether the node's vote came."""
        return spec.Vote(ballot, slot, node) in self._heard["votes"]

    def refused(self, ballot: model.Ballot) -> frozenset[NodeId]:
        """Who said that it promised a higher ballot than this one."""
        return frozenset(node for refused, node in self._refused if refused == ballot)

    def knows_decision_of(self, slot: int) -> bool:
        """Whether a decision of the slot came."""
        return any(m[0] == slot for m in self._heard["decisions"])

    def proposed(self, ballot: model.Ballot) -> Iterator[tuple[int, model.Command]]:
        """What the node itself proposed under a ballot, slot by slot."""
        return ((proposal.slot, proposal.value) for proposal in self._proposed if proposal.ballot == ballot)

    def _add(self, message: SentMessage | None) -> None:
        if message is not None:
            field = _FIELD[type(message)]
            if message not in self._heard[field]:
                self._heard[field] |= {message}
                self.revision += 1

    def candidates(self, ballot: int, slot: int, known: Sequence[str]) -> Iterator[str]:
        """The values that this node might be allowed to propose: what was reported, the no-op, and one that is free.

        Commands that are neither known nor proposed under the ballot are all alike to the specification.
        """
        yield from {
            report.value
            for promise in self._heard["promises"]
            if promise.ballot == ballot
            for report in promise.accepted
            if report.slot == slot
        }
        yield commands.NoOp
        spent = {m.value for m in self._heard["proposals"] if m.ballot == ballot}
        yield from islice((name for name in self.asked if name not in spent and name not in known), 1)


def _content(command: model.Asked) -> commands.Content:
    match command:
        case model.Write(_, expects, primary, replica):
            return commands.Write(expects, primary, replica)
        case model.Read():
            return commands.Read()
        case model.Change(_, expects, members):
            return commands.Change(expects, members)
        case _:
            assert_never(command)


def _record(record: model.Record) -> commands.Volume | commands.Jury:
    match record:
        case model.Volume(version, primary, replica):
            return commands.Volume(version, primary, replica)
        case model.Jury(version, members):
            return commands.Jury(version, members)
        case _:
            assert_never(record)
