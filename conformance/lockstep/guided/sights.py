"""What a step of the lockstep shows to those who watch a run: what happened, and the nodes before and after it."""

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from conformance.lockstep.play import Play
from conformance.world.outcomes import Packet
from conformance.world.scenario import Deliver, Duplicate, Give, Happening
from physalia.model import NO_BALLOT, Ballot, Change, Command, Event, Message, NodeId, Slot


@frozen
class Glance:
    """A node at a moment: what it leads and promised, how far it knows, and where its log and its votes begin."""

    active: Ballot
    promised: Ballot
    known: Slot
    base: Slot
    floor: Slot


@frozen
class Sight:
    """One event of a run. `before` has every node as it was; the world of `play` is what it is afterwards."""

    play: Play
    happening: Happening
    before: Mapping[NodeId, Glance]
    after: Mapping[NodeId, Glance]

    @property
    def in_flight(self) -> list[Packet]:
        """The messages that are in flight now."""
        return self.play.world.in_flight

    def flies(self, packet: Packet) -> bool:
        """Whether this very message is still on its way."""
        return packet in self.play.world.in_flight

    def given(self, kind: type[Event]) -> tuple[NodeId, Event] | None:
        """The node and the event, if a node was given one of this kind."""
        match self.happening:
            case Give(node, event) if isinstance(event, kind):
                return node, event
        return None

    def arrived(self, kind: type[Message]) -> tuple[NodeId, NodeId, Message] | None:
        """Sender, receiver and message, if one of this kind arrived where it belongs."""
        match self.happening:
            case Deliver(sender, receiver, message) | Duplicate(sender, receiver, message) if isinstance(message, kind):
                return sender, receiver, message
        return None

    def sent(self, kind: type[Message]) -> Iterator[Packet]:
        """The messages of a kind that are on their way."""
        return (packet for packet in self.play.world.in_flight if isinstance(packet.message, kind))

    def leads(self, node: NodeId) -> bool:
        """Whether a node leads: it has the promises of a majority of those who decide its next slot."""
        ballot = self.after[node].active if node in self.after else NO_BALLOT
        return ballot != NO_BALLOT and self.is_followed(ballot)

    def is_followed(self, ballot: Ballot) -> bool:
        """Whether a majority of the members, as the ballot's owner knows them, has said a promise of it."""
        judge = self.play.judge
        number = judge.names.ballot(ballot)
        promised = {message.node for message in judge.state.promises if message.ballot == number}
        members = self.members(ballot.node)
        return 2 * len(promised & members) > len(members)

    def is_deposed(self, ballot: Ballot) -> bool:
        """Whether a majority of the members, as the ballot's owner knows them, has promised a higher ballot."""
        members = self.members(ballot.node)
        gone = {node for node in members if node in self.after and self.after[node].promised > ballot}
        return 2 * len(gone) > len(members)

    def members(self, node: NodeId, ahead: Slot = 1) -> frozenset[NodeId]:
        """Who decides the next slot of a node, or one further ahead, as far as it knows."""
        judge = self.play.judge
        slot = judge.machine.first_unknown(judge.state, node) + ahead - 1
        return frozenset(judge.machine.members_of(judge.state, node, slot))

    def pending(self, slot: Slot) -> bool:
        """Whether, for whoever knows the first `slot` slots, a change is decided that does not count for the next."""
        alpha, decided = self.play.setup.alpha, self.play.world.decided
        return any(isinstance(command, Change) for command in decided[max(0, slot + 1 - alpha) : slot])

    def decided_in(self, command: Command) -> Slot:
        """The first slot in which it is decided, as far as anybody knows; 0 if in none."""
        log = self.play.world.log
        return log.index(command) + 1 if command in log else 0


@define
class Looking:
    """Looks at a run, event by event."""

    play: Play
    _before: Mapping[NodeId, Glance] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._before = self._glances()

    def look(self) -> Sight:
        """What the last event shows."""
        before, self._before = self._before, self._glances()
        return Sight(self.play, self.play.happened[-1], before, self._before)

    def _glances(self) -> Mapping[NodeId, Glance]:
        return {
            node: Glance(cell.active, cell.promised, len(cell.known), cell.known.base, cell.floor)
            for node, cell in self.play.world.nodes.items()
        }
