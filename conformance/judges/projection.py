"""The projection: from running nodes and the bytes they sent to the state of the specification.

It is total: whatever the code holds or says has an image, and what the specification does not know has an image that is
in none of its states. It is incremental, since one step touches one node and adds messages: what did not change is the
same object as before, so that states are compared quickly. ``whole`` projects everything anew and is held against that.

* Ballots are numbered by (round, node), which is their order; the owner of a number follows from it.
* Commands are their names, which hold everything that is in them.
* Places 1 to n of tuples are used, place 0 is not, as in ``spec/cell.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, assert_never

from attrs import Factory, define

from conformance import wording
from conformance.judges.judged import MAX_ROUND, BallotNumber
from conformance.refutation import Refuted
from conformance.world.scenario import Setup
from conformance.world.world import Cell, Outcome, World
from physalia import model
from physalia.model import NodeId, RequestId
from physalia.wire import decode_message
from spec import cell as spec
from spec import commands
from spec.values import function, put

T = TypeVar("T")

SentMessage: TypeAlias = spec.Prepare | spec.Promise | spec.Proposal | spec.Vote | spec.Decision

FIELD: dict[type[SentMessage], str] = {
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
        self._numbers: dict[model.Ballot, BallotNumber] = {}
        self.ballots: set[int] = set()
        """The ballots that were numbered so far."""
        self._messages: dict[bytes, SentMessage | None] = {}

    def ballot(self, ballot: model.Ballot) -> int:
        """The number of a ballot; 0 is none. Raises `Refuted` for a ballot that no node can own."""
        if 1 <= ballot.round <= MAX_ROUND and 1 <= ballot.node <= self._nodes:
            number = self._numbers.get(ballot)
            if number is None:
                place = (ballot.round - 1) * self._nodes + ballot.node
                number = self._numbers[ballot] = BallotNumber.of(place, wording.ballot_words(ballot))
                self.ballots.add(number)
            return number
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

    def sent(self, data: bytes) -> SentMessage | None:
        """The message of these bytes, or None if the specification reads no such messages."""
        if data not in self._messages:
            self._messages[data] = self.message(decode_message(data))
        return self._messages[data]

    def message(self, message: model.Message) -> SentMessage | None:
        """The image of a message."""
        match message:
            case model.Prepare(ballot, prefix):
                return spec.Prepare(self.ballot(ballot), prefix)
            case model.Promise(ballot, node, accepted, floor):
                reports = frozenset(
                    spec.Report(report.slot, self.ballot(report.ballot), self.command(report.value))
                    for report in accepted
                )
                return spec.Promise(self.ballot(ballot), node, reports, floor)
            case model.Proposal(ballot, slot, value):
                return spec.Proposal(self.ballot(ballot), slot, self.command(value))
            case model.Vote(ballot, slot, node):
                return spec.Vote(self.ballot(ballot), slot, node)
            case model.Decision(slot, value):
                return spec.Decision(slot, self.command(value))
            case model.Ask() | model.Refusal():
                return None
            case _:
                assert_never(message)

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
    """The variables of one node, with the objects of the code that they were last made from.

    `slots` are the places that changed when the node was last looked at, of its votes and of what it knows.
    """

    accepted: tuple[spec.Accepted, ...]
    raw_accepted: dict[int, model.Accepted] = Factory(dict)
    raw_known: list[model.Command] = Factory(list)
    known: tuple[str, ...] = ()
    slots: set[int] = Factory(set)


class Projection:
    """The state of one world, followed step by step."""

    def __init__(self, setup: Setup, names: Names) -> None:
        self.setup = setup
        self.names = names
        nothing = function(range(1, setup.slots + 1), spec.NoVote)
        self._images = {node: Image(nothing) for node in range(1, setup.nodes + 1)}

    def after(self, before: spec.State, outcome: Outcome, cell: Cell) -> spec.State:
        """The state after a step of one node, given the state before it."""
        changed: dict[str, Any] = {}
        self._add_sent(changed, before, (packet.data for packet in outcome.sent))
        match outcome.announces:
            case model.Action("issue", (command,)) if outcome.event is None:
                changed["asked"] = before.asked | {self.names.command(command)}
            case model.Action("decide", (_, int(slot))) if 0 < slot <= len(cell.known):
                # A cell of one has nobody to tell. That others are told is what `Manners` sees to.
                decision = spec.Decision(slot, self.names.command(cell.known[slot - 1]))
                if not any(isinstance(packet.message, model.Decision) for packet in outcome.sent):
                    changed["decisions"] = before.decisions | {decision}
        if outcome.answers:
            told = {self.names.told(request, verdict) for request, verdict in outcome.answers}
            if not told <= before.told:
                changed["told"] = before.told | told
        self._look_at(changed, before, outcome.node, cell)
        return before._replace(**changed) if changed else before

    def whole(self, world: World, state: spec.State) -> spec.State:
        """`state` with the variables of every node projected anew, from nothing that was remembered."""
        changed: dict[str, Any] = {}
        fresh = Projection(self.setup, self.names)
        for node, cell in world.nodes.items():
            state = state._replace(**changed)
            fresh._look_at(changed, state, node, cell)
        return state._replace(**changed)

    def changed_slots(self, node: NodeId) -> set[int]:
        """The slots in which the node votes or knows something else than the step before."""
        return self._images[node].slots

    def _add_sent(self, changed: dict[str, Any], before: spec.State, sent: Iterable[bytes]) -> None:
        seen: set[bytes] = set()
        for data in sent:
            if data in seen:
                continue
            seen.add(data)
            message = self.names.sent(data)
            if message is None:
                continue
            field = FIELD[type(message)]
            messages = changed.get(field, getattr(before, field))
            if message not in messages:
                changed[field] = messages | {message}

    def _look_at(self, changed: dict[str, Any], before: spec.State, node: NodeId, cell: Cell) -> None:
        """The four variables of one node. What compares equal to what was there before is not made again."""
        image = self._images[node]
        promised, active = self.names.ballot(cell.promised), self.names.ballot(cell.active)
        if promised != before.promised[node]:
            changed["promised"] = put(before.promised, node, promised)
        if active != before.active[node]:
            changed["active"] = put(before.active, node, active)
        image.slots.clear()
        if cell.accepted != image.raw_accepted:
            raw = dict(cell.accepted)
            image.slots |= _different(image.raw_accepted, raw)
            image.accepted = self._accepted(image.accepted, raw, image.slots)
            image.raw_accepted = raw
        if image.accepted is not before.accepted[node] and image.accepted != before.accepted[node]:
            changed["accepted"] = put(before.accepted, node, image.accepted)
        if cell.known != image.raw_known:
            raw_known = list(cell.known)
            same = _common(image.raw_known, raw_known)
            image.slots |= set(range(same + 1, max(len(raw_known), len(image.raw_known)) + 1))
            image.known = (*image.known[:same], *map(self.names.command, raw_known[same:]))
            image.raw_known = raw_known
        if image.known is not before.known[node] and image.known != before.known[node]:
            changed["known"] = put(before.known, node, image.known)

    def _accepted(
        self, before: tuple[spec.Accepted, ...], raw: dict[int, model.Accepted], slots: set[int]
    ) -> tuple[spec.Accepted, ...]:
        """The votes of a node, slot by slot, of which these slots changed.

        A vote that is kept in a slot that it was not cast in has an image that no vote has.
        """
        beyond = (spec.NoVote,) * (max(slots, default=0) + 1 - len(before))
        votes = [*before, *beyond]
        for slot in slots:
            vote = raw.get(slot)
            votes[slot] = spec.NoVote if vote is None else spec.Accepted(*self._vote(slot, vote))
        while len(votes) > self.setup.slots + 1 and votes[-1] == spec.NoVote:
            votes.pop()
        return tuple(votes)

    def _vote(self, slot: int, vote: model.Accepted) -> tuple[int, str]:
        value = self.names.command(vote.value) if vote.slot == slot else f"a vote in slot {vote.slot}"
        return self.names.ballot(vote.ballot), value


def _different(before: Mapping[int, T], after: Mapping[int, T]) -> set[int]:
    """The keys under which two mappings have different things, or only one has any."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _common(before: Sequence[T], after: Sequence[T]) -> int:
    """How many things two sequences begin with alike."""
    shorter = min(len(before), len(after))
    if before[:shorter] == after[:shorter]:
        return shorter
    return next(place for place in range(shorter) if before[place] != after[place])


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
