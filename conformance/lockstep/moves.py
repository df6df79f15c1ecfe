"""What can happen next: events of the scenario alphabet, made from small numbers and the state of a world.

Both drivers choose by these moves: the rules of the Hypothesis machine, which hand in numbers that shrink to 0, and the
seeded random driver. A move returns None where there is nothing to do. No move judges anything; a move may look at a
node only to find an event that is worth a try.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar, get_args

from conformance.lockstep.requests import opens_a_session, request
from conformance.world.leaving import brings_back, juries
from conformance.world.mail import names_its_sender
from conformance.world.outcomes import Packet
from conformance.world.scenario import (
    Another,
    Crash,
    Deliver,
    Duplicate,
    EndFlush,
    FailFlush,
    FillDisk,
    Forge,
    FreeDisk,
    Give,
    GoBack,
    Happening,
    Haunt,
    Lose,
    Pass,
    Stray,
)
from conformance.world.world import World
from physalia.model import (
    NO_BALLOT,
    Asked,
    Ballot,
    Campaign,
    Change,
    Command,
    Consult,
    Decide,
    Erase,
    Execute,
    Inquire,
    Install,
    Internal,
    Learn,
    Message,
    NodeId,
    NoOp,
    Peek,
    Proposal,
    Propose,
    Query,
    Read,
    RequestId,
    Serve,
    Submit,
    Truncate,
    Write,
)

MAX_ROUND = 2**61
"""No campaign goes beyond this round: the codec's naturals are bounded, and so are the specification's ballots."""

OF_ANOTHER = -9
"""A jump to a ballot that another node owns."""

SERVERS = ("a", "b", "c", "d")
CLIENTS = ("x", "y", "z")

T = TypeVar("T")


def pick(things: Sequence[T], place: int) -> T:
    """One of the things; numbers beyond the last one start again, so that every number means something."""
    return things[place % len(things)]


class Moves:
    """The moves in one world, with the commands that were made up for it so far."""

    def __init__(self, world: World, max_commands: int = 24) -> None:
        self.world = world
        self.max_commands = max_commands
        self.seed = 0
        self.commands: list[Asked] = []
        self.readers = 0

    @property
    def node_ids(self) -> Sequence[NodeId]:
        """All nodes that are there, also those of which only a pointer is."""
        world = self.world
        return sorted(world.nodes) if world.setup.newcomers else range(1, world.setup.nodes + 1)

    @property
    def leaders(self) -> list[NodeId]:
        """The nodes that lead a ballot, and are heard."""
        unheard = self.world.unheard
        return [node for node, cell in self.world.nodes.items() if cell.active != NO_BALLOT and node not in unheard]

    def node(self, number: int) -> NodeId:
        """The node of that number; numbers beyond the last node start again."""
        return pick(self.node_ids, number - 1)

    # Messages

    def deliver(self, place: int) -> Happening | None:
        """The message at that place of the network arrives; 0 is the oldest."""
        packet = self._packet(place)
        return None if packet is None else Deliver(packet.sender, packet.receiver, packet.message)

    def duplicate(self, place: int) -> Happening | None:
        """The message arrives and stays in flight."""
        packet = self._packet(place)
        return None if packet is None else Duplicate(packet.sender, packet.receiver, packet.message)

    def lose(self, place: int) -> Happening | None:
        """The message is lost."""
        packet = self._packet(place)
        return None if packet is None else Lose(packet.sender, packet.receiver, packet.message)

    def forge(self, place: int, name: int) -> Happening | None:
        """A message that says who sent it arrives in the name of another node."""
        return self._forge(names_its_sender, place, name)

    def forge_one(self, kind: type[Message], place: int, name: int) -> Happening | None:
        """A message of a kind arrives in the name of a node that did not send it."""
        return self._forge(lambda message: isinstance(message, kind), place, name)

    def _forge(self, is_fit: Callable[[Message], bool], place: int, name: int) -> Happening | None:
        packet = self._packet(place, is_fit)
        if packet is None or self.node(name) == packet.sender:
            return None
        return Forge(packet.sender, packet.receiver, packet.message, self.node(name))

    def stray(self, place: int, at: int) -> Happening | None:
        """A proposal arrives at a node that it is not for."""
        packet = self._packet(place, lambda message: isinstance(message, Proposal))
        if packet is None or self.node(at) == packet.receiver:
            return None
        return Stray(packet.sender, packet.receiver, packet.message, self.node(at))

    def haunt(self, place: int, kind: int) -> Happening | None:
        """A message arrives as it was said in another cell, an earlier life, or to an earlier incarnation."""
        packet = self._packet(place)
        if packet is None:
            return None
        return Haunt(packet.sender, packet.receiver, packet.message, pick(get_args(Another), kind))

    def _packet(self, place: int, is_fit: Callable[[Message], bool] = lambda _: True) -> Packet | None:
        packets = [packet for packet in self.world.in_flight if is_fit(packet.message)]
        return pick(packets, place) if packets else None

    # Nodes

    def due(self, place: int) -> Happening | None:
        """One of the internal events that some node could take."""
        events = [Give(node, event) for node, due in self.world.due.items() for event in due]
        return pick(events, place) if events else None

    def undue(self, node: int, place: int, kind: int) -> Happening:
        """An internal event that is just beside what is due: each guard of the node must see to one of these."""
        chosen = self.node(node)
        cell = self.world.nodes[chosen]
        window = len(cell.known) + self.world.setup.alpha
        slot = max(1, len(cell.known) + place % (self.world.setup.alpha + 3))
        ballot = cell.active if cell.active != NO_BALLOT else Ballot(1, chosen)
        values: list[Command] = [NoOp(), *self.commands[-3:], *(d.value for d in self._proposals_due(chosen))]
        older = Ballot(max(1, ballot.round - 1), chosen)
        events: list[Internal | Truncate] = [
            Learn(slot),
            Decide(ballot, slot),
            Decide(older, len(cell.known) + 1),
            Propose(ballot, slot, pick(values, place // 3)),
            Propose(ballot, window + 1, values[-1]),
            Propose(older, slot, values[-1]),
            *(Propose(ballot, due.slot, pick(values, place // 3)) for due in self._proposals_due(chosen)),
            *(Propose(older, due.slot, due.value) for due in self._proposals_due(chosen)),
            *(Decide(older, due.slot) for due in self.world.due[chosen] if isinstance(due, Decide)),
            Truncate(len(cell.known) + 1 + place % 2),
            Truncate(max(1, cell.floor)),
            Install(self.node(place), slot),
            Consult(ballot, 1 + place % 3),
            Serve(ballot, 1 + place % 3),
            *([Erase(slot)] if self.world.setup.newcomers else []),
        ]
        return Give(chosen, pick(events, kind))

    def truncate(self, node: int, back: int) -> Happening | None:
        """A node truncates its log and its votes, up to so many slots before the last that it knows."""
        chosen = self.node(node)
        cell = self.world.nodes[chosen]
        return Give(chosen, Truncate(max(1, len(cell.known) - back))) if cell.known else None

    def inquire(self, node: int, size: int) -> Happening:
        """Somebody has a node ask so many nodes, perhaps itself among them, for what it does not know."""
        return Give(self.node(node), Inquire(frozenset(self.node(node + step) for step in range(size))))

    def learn_ahead(self, ahead: int) -> Happening:
        """The node that knows least is to learn a slot beyond the one that it lacks: it may have heard of that."""
        laggard = min(self.node_ids, key=lambda node: len(self.world.nodes[node].known))
        return Give(laggard, Learn(len(self.world.nodes[laggard].known) + 2 + ahead % 2))

    def _proposals_due(self, node: NodeId) -> list[Propose]:
        return [event for event in self.world.due[node] if isinstance(event, Propose)]

    def campaign(self, node: int, jump: int = 0) -> Happening | None:
        """A node takes over, `jump` rounds higher than it needs to, or so many too low; -9 is another node's ballot."""
        chosen = self.node(node)
        ballot = self.world.next_ballot(chosen)
        if jump == OF_ANOTHER:
            ballot = Ballot(ballot.round, self.node(node + 1))
        else:
            ballot = Ballot(max(1, ballot.round + jump), ballot.node)
        return Give(chosen, Campaign(ballot)) if ballot.round <= MAX_ROUND else None

    def flush(self, place: int) -> Happening | None:
        """At one of the nodes where something waits for a flush, the first one ends."""
        waiting = [node for node, queue in self.world.queues.items() if queue]
        return EndFlush(pick(waiting, place)) if waiting else None

    def crash(self, node: int, keep: int) -> Happening:
        """A node crashes; of its unflushed records the first `keep` survive, at most all of them."""
        chosen = self.node(node)
        return Crash(chosen, keep % (self.world.unflushed(chosen) + 1))

    def fail_flush(self, place: int, keep: int) -> Happening | None:
        """At one of the nodes where something waits for a flush, it fails; so many records stay in the page cache."""
        waiting = [node for node, queue in self.world.queues.items() if queue]
        if not waiting:
            return None
        chosen = pick(waiting, place)
        return FailFlush(chosen, keep % (self.world.unflushed(chosen) + 1))

    def change_room(self, node: int) -> Happening:
        """A disk is full, or has room again."""
        chosen = self.node(node)
        return FreeDisk(chosen) if chosen in self.world.full else FillDisk(chosen)

    def go_back(self, node: int, lost: int) -> Happening | None:
        """A disk is exchanged for an older copy, that lacks the last so many acts: ballots, promises or votes."""
        chosen = self.node(node)
        last = self.world.disks[chosen].safe - 1 - lost
        kept = next((kept for kept in range(last, -1, -1) if self.world.may_go_back(chosen, kept)), None)
        return None if kept is None else GoBack(chosen, kept)

    def tick(self, node: int, elapsed_ms: int) -> Happening:
        """Time passes, and a node looks at its clock."""
        return Pass(self.node(node), elapsed_ms)

    # Clients

    def to_leader(self, node: int) -> NodeId:
        """A node that leads, if there is one."""
        return pick(self.leaders or self.node_ids, node)

    def retry(self, node: NodeId, place: int) -> Happening | None:
        """A client asks again, perhaps elsewhere. Not for a session: the first may be gone, and there would be two."""
        commands = [command for command in self.commands if not opens_a_session(command)]
        return Give(node, Submit(pick(commands, place))) if commands else None

    def write(self, node: NodeId, slip: int) -> Happening | None:
        """A conditional write; with `slip` 0 it expects what is known to be the volume's version.

        Where the store is small, mostly another thing that clients ask of it.
        """
        place = len(self.commands)
        if self.world.setup.store_is_small and place % 6 and (command := self._store_command(place)) is not None:
            return self._ask(node, command)
        primary, replica = pick(SERVERS, place), pick(SERVERS, place + 1)
        return self._ask(node, Write(self._request(), max(0, self.volume_version() + slip), primary, replica))

    def transact(self, node: NodeId) -> Happening | None:
        """What a client asks of the store, which remembers no more of many than of a few."""
        command = self._store_command(len(self.commands))
        return None if command is None else self._ask(node, command)

    def _store_command(self, place: int) -> Execute | None:
        """Made from what there is to see, so that the same run makes the same."""
        log = self.world.log
        seed = self.seed + 97 * len(self.world.in_flight) + place
        return request(Random(seed), log, self.commands)  # noqa: S311  # repeatable, no secret

    def read(self, node: NodeId) -> Happening | None:
        """A read, which is a command of the log."""
        return self._ask(node, Read(self._request()))

    def query(self, node: NodeId) -> Happening:
        """A read that takes no slot of the log."""
        self.readers += 1
        return Give(node, Query(RequestId("reader", self.readers)))

    def query_again(self, node: NodeId, back: int) -> Happening:
        """A reader that hears nothing asks again: the last one, or so many before it."""
        return Give(node, Query(RequestId("reader", max(1, self.readers - back))))

    def peek(self, node: NodeId, behind: int) -> Happening:
        """A read that may be stale, by a client that saw what the first node knows, or so many slots less."""
        return self.peek_from(node, max(0, len(self.world.nodes[self.node_ids[0]].known) - behind))

    def peek_from(self, node: NodeId, token: int) -> Happening:
        """A read that may be stale, by a client that saw this slot."""
        self.readers += 1
        return Give(node, Peek(RequestId("reader", self.readers), token))

    def change(self, node: NodeId, slip: int, members: frozenset[NodeId]) -> Happening | None:
        """A change of the members; with `slip` 0 it expects what is known to be the jury's version.

        Where nodes leave, nobody who was replaced comes back, and none is asked for whose disk is lost.
        """
        change, world = Change(self._request(), max(0, self.jury_version() + slip), members), self.world
        if world.setup.newcomers and (brings_back(world, change.expects, members) or members & world.lost_disks):
            return None
        return self._ask(node, change)

    def replace(self, node: NodeId, out: int, into: int) -> Happening | None:
        """A change that replaces one of the present members by a node that was no member yet, and has its disk."""
        world = self.world
        jury, *former = reversed(juries(world))
        fresh = sorted(world.disks.keys() - jury.union(*former) - world.lost_disks)
        if not fresh:
            return None
        members = jury - {pick(sorted(jury), out)} | {pick(fresh, into)}
        return self._ask(node, Change(self._request(), len(former), members))

    def _request(self) -> RequestId:
        place = len(self.commands)
        return RequestId(pick(CLIENTS, place), place // len(CLIENTS) + 1)

    def _ask(self, node: NodeId, command: Asked) -> Happening | None:
        if len(self.commands) >= self.max_commands:
            return None
        self.commands.append(command)
        return Give(node, Submit(command))

    def volume_version(self) -> int:
        """How many writes were done in the longest known prefix."""
        return self._done(Write)

    def jury_version(self) -> int:
        """How many changes were effective in the longest known prefix."""
        return self._done(Change)

    def members_now(self) -> frozenset[NodeId]:
        """The jury after the longest known prefix."""
        log = self.world.log
        members, version = self.world.setup.members, 0
        for command in log:
            if isinstance(command, Change) and command.expects == version:
                members, version = command.members, version + 1
        return members

    def _done(self, kind: type[Write] | type[Change]) -> int:
        log = self.world.log
        version = 0
        for command in log:
            if isinstance(command, kind) and command.expects == version:
                version += 1
        return version
