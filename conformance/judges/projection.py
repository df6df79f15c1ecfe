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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, assert_never, cast

from attrs import Factory, define

from conformance import wording
from conformance.judges.judged import MAX_ROUND, Asked, BallotNumber
from conformance.judges.vocabulary import FIELD, NOBODY, SentMessage, Vocabulary, verdict_of
from conformance.plain import plain, word
from conformance.refutation import Refuted
from conformance.world.cells import Cell
from conformance.world.outcomes import RIDE_ALONG, Durable, Outcome, Packet
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia import model
from physalia.cell import Log
from physalia.model import NodeId, RequestId
from physalia.wire import decode_message
from spec import cell as spec
from spec import commands, outbox
from spec.service import reads
from spec.values import function, put

T = TypeVar("T")


class Names(Vocabulary):
    """Numbers for ballots and names for commands, the same for every part of one run."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self.content: dict[str, Any] = {}
        self.requests: dict[RequestId, str] = {}
        self.asked: dict[str, RequestId] = {}
        self._numbers: dict[model.Ballot, BallotNumber] = {}
        self.ballots: set[int] = set()
        """The ballots that were numbered so far."""
        self.rounds: set[int] = set()
        """The numbers of rounds of reads that were announced so far."""
        self._messages: dict[tuple[bytes, NodeId], SentMessage | None] = {}

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

    def arguments(self, action: model.Action) -> tuple[object, ...]:
        """The arguments of an announced action; the number of a round of reads is noted."""
        if action.name in RIDE_ALONG:
            self.rounds |= {last for last in action.arguments[-1:] if isinstance(last, int)}
        return super().arguments(action)

    def register(self, command: model.Asked) -> str:
        """The name of a command that a client asks for; from now on the specification knows what it means."""
        name = wording.command_words(command)
        self.name_content(name, command)
        return name

    def name_content(self, name: str, command: model.Asked) -> None:
        """Whoever asks for the command of that name asks for this."""
        self.content[name] = content_of(command)
        self.requests[command.request] = name
        self.asked[name] = command.request

    def command(self, command: object) -> str:
        """The name of a command, known or not. What is no command at all has a name that no command has."""
        if isinstance(command, model.Write | model.Read | model.Change | model.NoOp | model.Execute):
            return wording.command_words(command)
        return f"no command: {command}"

    def told(self, request: RequestId, verdict: model.Told, about: model.Command | None = None) -> commands.Told:
        """What a client was told, about this command if its request is that; a client may use a number twice."""
        name = self.requests.get(request, f"nobody's {request}")
        if about is not None and not isinstance(about, model.NoOp) and about.request == request:
            name = self.command(about)
        if isinstance(self.content.get(name), Asked) and isinstance(verdict, model.StoreReply):
            return commands.Told(name, word(plain(verdict)))  # type: ignore[arg-type]
        if not isinstance(verdict, model.Verdict):
            raise Refuted(f"{name} is answered with {verdict}, which is no verdict")
        return commands.Told(name, verdict_of(verdict))

    def sent(self, data: bytes, sender: NodeId) -> SentMessage | None:
        """The message of these bytes, addressed to nobody, or None if the specification reads no such messages."""
        key = (data, sender)
        if key not in self._messages:
            self._messages[key] = self.message(decode_message(data), sender)
        return self._messages[key]

    def is_asked_again(self, told: commands.Told) -> bool:
        """Whether somebody asked for a command of the store again, and is told what became of it by now.

        The specification's clients are told one thing. What these are told is judged by the reference alone.
        """
        return isinstance(self.content.get(told.command), Asked)


@define
class Image:
    """The variables of one node, with the objects of the code that they were last made from.

    `slots` are the places that changed when the node was last looked at, of its votes and of what it knows.
    """

    accepted: tuple[spec.Accepted, ...]
    raw_accepted: dict[int, model.Accepted] = Factory(dict)
    raw_known: Log = Factory(Log)
    known: tuple[str, ...] = ()
    slots: set[int] = Factory(set)


class Projection:
    """The state of one world, followed step by step."""

    def __init__(self, setup: Setup, names: Names) -> None:
        self.setup = setup
        self.names = names
        nothing = function(range(1, setup.slots + 1), spec.NoVote)
        self._images = {node: Image(nothing) for node in range(1, setup.nodes + 1)}
        self._disks = {node: Image(nothing) for node in range(1, setup.nodes + 1)}

    def after(self, before: spec.State, outcome: Outcome, cell: Cell | None) -> spec.State:
        """The state after a step of one node, given the state before it."""
        changed: dict[str, Any] = {}
        match outcome.announces:
            case model.Action("issue", (command,)) if outcome.event is None:
                changed["asked"] = before.asked | {self.names.command(command)}
            case model.Action("flush") if outcome.event is None and before.queue[outcome.node]:
                first, *rest = before.queue[outcome.node]
                changed["queue"] = put(before.queue, outcome.node, tuple(rest))
                _add(changed, before, first.sends)
            case model.Action("erase" | "lose") if hasattr(before, "place"):
                changed |= _gone(before, outcome)
            case _:
                assert cell is not None, "whose disk is lost does nothing"
                if outcome.announces == model.Action("create", (outcome.node,)) and hasattr(before, "place"):
                    changed["place"] = put(cast(Any, before).place, outcome.node, "here")
                self._look_at(changed, before, outcome.node, cell)
                self._say(changed, before, outcome)
                if isinstance(outcome.announces, model.Action):
                    changed |= self._of_reads(before, outcome, outcome.announces, cell)
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
        elif isinstance(outcome.announces, model.Action) and outcome.announces.name not in RIDE_ALONG:
            records: tuple[outbox.Record, ...] = tuple(
                image for record in outcome.stored if (image := self.names.record(record)) is not None
            )
            if outcome.announces.name == "settle":
                records = (outbox.Learned(outcome.known),)
            changed["queue"] = put(before.queue, node, (*queue, spec.Entry(records, outcome.known, says)))
        elif queue and any(new := [some - old for some, old in zip(says, _said(before, node), strict=True)]):
            sends = spec.Messages._make(old | some for old, some in zip(queue[-1].sends, new, strict=True))
            changed["queue"] = put(before.queue, node, (*queue[:-1], queue[-1]._replace(sends=sends)))

    def _of_reads(
        self, before: spec.State, outcome: Outcome, action: model.Action, cell: Cell
    ) -> dict[str, frozenset[Any]]:
        """What a step said of reads: it waits in no queue. What anybody had been told is noted with a round."""
        seen: Any = before
        match self.names.arguments(action):
            case (int(b), int(t)) if action.name == "consult":
                reading, to = cell.reading, frozenset(packet.receiver for packet in outcome.sent)
                slot = -1 if reading is None else reading.slot
                told = max((m.slot for m in before.decisions), default=0)
                return {"rounds": seen.rounds | {reads.Round(b, t, slot, to, told)}}
            case (int(b), int(t)) if action.name == "serve":
                return {"answers": seen.answers | {reads.Answer(b, t, found.slot) for found in outcome.found}}
            case _ if action.name == "echo":
                return {"echoes": seen.echoes | self._receivers(outcome.sent).keys()}
        return {}

    def _messages(self, before: spec.State, outcome: Outcome) -> spec.Messages:
        """What a step had to say. Bytes that a node was sent before are nothing new to it."""
        told = frozenset(self.names.told(request, verdict, _answered(outcome)) for request, verdict in outcome.answers)
        if not isinstance(outcome.event, model.Decide):
            told = frozenset(one for one in told if one not in before.told and not self.names.is_asked_again(one))
        said: dict[str, set[Any]] = {
            "told": set(told), "prepares": set(), "promises": set(), "proposals": set(), "votes": set(),
            "decisions": set(self._written_down(before, outcome)),
        }  # fmt: skip
        for message, receivers in self._receivers(outcome.sent).items():
            field = FIELD[type(message)]
            if field not in said:
                continue
            if isinstance(message, spec.Prepare | spec.Proposal):
                earlier = (m for m in getattr(_said(before, outcome.node), field) if m[:-1] == message[:-1])
                to = receivers.difference(*(m.to for m in earlier))
                said[field] |= {message._replace(to=to)} if to else set()
            elif isinstance(message, spec.Decision) and message in _said(before, outcome.node).decisions:
                continue
            else:
                said[field].add(message)
        return spec.Messages(**{field: frozenset(some) for field, some in said.items()})

    def _written_down(self, before: spec.State, outcome: Outcome) -> Iterator[spec.Decision]:
        """The decisions that a step wrote down: one, or all that a snapshot jumped over."""
        for record in outcome.stored:
            if isinstance(record, model.Known):
                yield spec.Decision(record.slot, self.names.command(record.value), outcome.node)
            elif isinstance(record, model.Snapshot) and record.slot > outcome.known:
                decided = {m.slot: m.value for m in before.decisions}
                for slot in range(outcome.known + 1, record.slot + 1):
                    yield spec.Decision(slot, decided.get(slot, f"nobody decided slot {slot}"), outcome.node)

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
            if node in world.went_back or node in world.departed:
                continue  # a lost disk, or a node that left: to the specification it has done nothing since
            state = state._replace(**changed)
            fresh._look_at(changed, state, node, cell)
            fresh._look_at_disk(changed, state, node, world.durable(node))
        return state._replace(**changed)

    def changed_slots(self, node: NodeId) -> set[int]:
        """The slots in which the node votes or knows something else than the step before."""
        return self._images[node].slots

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
        image.accepted = _as_before(image.accepted, before.accepted[node])
        if image.accepted is not before.accepted[node]:
            changed["accepted"] = put(before.accepted, node, image.accepted)
        if cell.known != image.raw_known:
            self._look_at_log(image, cell.known, before)
        image.known = _as_before(image.known, before.known[node])
        if image.known is not before.known[node]:
            changed["known"] = put(before.known, node, image.known)

    def _look_at_log(self, image: Image, log: Log, before: spec.State) -> None:
        """What the node knows, entry by entry; what it dropped is what it was, or what it was taught by a snapshot."""
        old, base = image.raw_known, log.base
        if base <= len(image.known):
            dropped = image.known[:base]
        else:
            decided = {m.slot: m.value for m in before.decisions}
            dropped = tuple(decided.get(slot, f"nobody decided slot {slot}") for slot in range(1, base + 1))
        start = max(base, old.base)
        same = _common(old.entries[start - old.base :], log.entries[start - base :]) if start <= len(old) else 0
        image.slots |= set(range(start + same + 1, max(len(log), len(old)) + 1))
        is_old = base >= old.base and dropped == image.known[:base]
        kept = min(start + same, len(image.known)) if is_old else base
        image.known = (*dropped, *image.known[base:kept], *map(self.names.command, log.entries[kept - base :]))
        image.raw_known = log.copy()

    def _look_at_disk(self, changed: dict[str, Any], before: spec.State, node: NodeId, durable: Durable) -> None:
        """What the disk of one node holds for certain."""
        used, image = frozenset(map(self.names.ballot, durable.used)), self._disks[node]
        raw = dict(durable.accepted)
        image.accepted = self._accepted(image.accepted, raw, _different(image.raw_accepted, raw))
        image.raw_accepted = raw
        disk = spec.Disk(used, self.names.ballot(durable.promised), image.accepted, durable.floor)
        if disk != before.disk[node]:
            changed["disk"] = put(before.disk, node, disk)
        if durable.known != before.kept[node]:
            changed["kept"] = put(before.kept, node, durable.known)

    def _accepted(
        self, before: tuple[spec.Accepted, ...], raw: dict[int, model.Accepted], slots: set[int]
    ) -> tuple[spec.Accepted, ...]:
        """The votes of a node, slot by slot, of which these slots changed.

        A vote that is kept in a slot that it was not cast in has an image that no vote has.
        """
        if not slots:
            return before
        beyond = (spec.NoVote,) * (max(slots) + 1 - len(before))
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


def _gone(before: Any, outcome: Outcome) -> dict[str, Any]:
    """What becomes of a node that left, whose pointer is what it stored last; or of one whose disk is lost."""
    node = outcome.node
    if outcome.announces == model.Action("lose", (node,)):
        return {"place": put(before.place, node, "lost")}
    left = [record for record in outcome.stored if isinstance(record, model.Left)]
    pointers = [commands.Jury(record.version, record.members) for record in left]
    return {
        "place": put(before.place, node, "absent"),
        "pointer": put(before.pointer, node, pointers[-1] if pointers else before.pointer[node]),
    }


def _answered(outcome: Outcome) -> model.Command | None:
    """The command that the step's answer is about: the one that was asked for, or that has become known."""
    if isinstance(outcome.event, model.Submit):
        return outcome.event.command
    return next((record.value for record in outcome.stored if isinstance(record, model.Known)), None)


def _said(state: spec.State, node: NodeId) -> spec.Messages:
    """Everything that was sent, and everything that waits at the node."""
    waiting = [entry.sends for entry in state.queue[node]]
    if not waiting:
        return spec.Messages(*(getattr(state, field) for field in spec.Messages._fields))
    return spec.Messages(
        *(getattr(state, field).union(*(getattr(sends, field) for sends in waiting)) for field in spec.Messages._fields)
    )


def _add(changed: dict[str, Any], before: spec.State, messages: spec.Messages) -> None:
    """The messages are sent."""
    for field, some in zip(messages._fields, messages, strict=True):
        sent = getattr(before, field)
        if not some <= sent:
            changed[field] = sent | some


def _as_before(image: T, before: T) -> T:
    """The image, or what was there before if that is equal: so that the two are not compared again, which is long."""
    return before if image is before or image == before else image


def _different(before: Mapping[int, T], after: Mapping[int, T]) -> set[int]:
    """The keys under which two mappings have different things, or only one has any. Most are the very same."""
    others = [key for key, thing in after.items() if before.get(key) is not thing]
    gone = before.keys() - after.keys() if len(before) > len(after) - len(others) else ()
    return {key for key in others if before.get(key) != after[key]}.union(gone)


def _common(before: Sequence[T], after: Sequence[T]) -> int:
    """How many things two sequences begin with alike."""
    shorter = min(len(before), len(after))
    if before[:shorter] == after[:shorter]:
        return shorter
    return next(place for place in range(shorter) if before[place] != after[place])


def content_of(command: model.Asked) -> commands.Content | Asked:
    """What a command asks for, in the words of the specification."""
    match command:
        case model.Write(_, expects, primary, replica):
            return commands.Write(expects, primary, replica)
        case model.Read():
            return commands.Read()
        case model.Change(_, expects, members):
            return commands.Change(expects, members)
        case model.Execute():
            return Asked(plain(command))
        case _:
            assert_never(command)
