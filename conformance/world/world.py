"""The simulated world: real cells, the bytes between them, their disks and their clocks, and nothing left to chance.

Every choice comes in as an event of the alphabet in ``conformance.world.scenario``; the world carries it out, hands the
node its event, carries out the effects in order, and reports what the step was. The network loses, duplicates, delays
and reorders as it is told to. Every message and every record goes through the codec, and nodes share no memory.

Writing, flushing and sending are three moments: what a step wants flushed waits, with what it sends, until an event of
the world ends the flush, first in, first out; the node goes on meanwhile, and may crash between any two of them. A
flush may fail: nothing that waits is ever sent, and the node starts anew from what it reads. A disk may be full: it
refuses what waits before it is written, and the node is read back (R16). A disk may be exchanged for an older copy of
itself: then it counts as lost, nobody hears its node any more, and what that node hears of itself must stop it (R16).

Every packet is an envelope (R15), and passes the border of the node that it is for; some are of another cell, life or
incarnation. The world holds the cell to the law of effects: whatever a message depends on is flushed before it is sent.
Any implementation with the few members of ``Cell`` can be put in, by a factory.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar, assert_never

from conformance.refutation import How, Refuted
from conformance.wording import event_words, message_words
from conformance.world.cells import Cell, MakeNode
from conformance.world.disk import Disk, Journal, bears_loss
from conformance.world.mail import Mail, haunted, hold_law, names_its_sender, origin_of, said
from conformance.world.orders import Create, LoseDisk
from conformance.world.outcomes import RIDE_ALONG, Durable, Outcome, Packet, Trouble, Waiting, kept_of
from conformance.world.restarting import begin
from conformance.world.scenario import (
    Calm,
    Crash,
    Deliver,
    Duplicate,
    EndFlush,
    FailFlush,
    FillDisk,
    Forge,
    FreeDisk,
    Give,
    Given,
    GoBack,
    Happening,
    Haunt,
    Lose,
    Pass,
    Stray,
)
from conformance.world.setup import Setup
from physalia.cell import Border, Node
from physalia.model import (
    Action,
    Answer,
    Asked,
    Ballot,
    Campaign,
    Change,
    Command,
    Consult,
    Decide,
    Departed,
    DurableRecord,
    Envelope,
    Event,
    Flush,
    Found,
    Internal,
    Known,
    Message,
    NodeId,
    Proposal,
    Propose,
    Reason,
    Reject,
    RequestId,
    Send,
    Serve,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    Told,
)
from physalia.model.value import evolve

T = TypeVar("T")


class NotPossible(Exception):
    """The event cannot happen in this world as it is: the message is not in flight, or there is no such node."""


class World:
    """`setup.nodes` nodes made by `make_node`, and everything between them. Deterministic."""

    def __init__(self, setup: Setup, make_node: MakeNode = Node) -> None:
        self.setup = setup
        self.make_node = setup.bounded(make_node)
        self.disks = {node: Disk() for node in range(1, setup.nodes + 1)}
        self.queues: dict[NodeId, list[Waiting]] = {node: [] for node in self.disks if node not in setup.newcomers}
        """What waits for a flush at each node, in order."""
        self.full: set[NodeId] = set()
        """Whose disk is full."""
        self.went_back: dict[NodeId, Journal] = {}
        """Whose disk went back in time, and what was flushed there before: they count as lost disks."""
        self.lost: set[NodeId] = set()
        """Whose disk is lost, and the node with it."""
        self.departed: set[NodeId] = set()
        """Who left for good."""
        self.borders: dict[NodeId, Border] = {}
        self.nodes: dict[NodeId, Cell] = {node: self._restart(node, ()) for node in self.queues}
        self.due: dict[NodeId, tuple[Internal, ...]] = {node: self._due(node) for node in self.nodes}
        """What each node said was due after its last step."""
        self.in_flight: list[Packet] = []
        self.asked: set[Asked] = set()
        self.decided: list[Command] = []
        """Whatever was written down as decided, slot by slot, by whoever came first. Nobody judges by it."""
        self.now_ms = Fraction(0)
        self.mail = Mail()

    def apply(self, happening: Happening) -> tuple[Outcome, ...]:
        """Let it happen; return the steps that it was, in order. A loss is none, and a first request is two.

        Raises `NotPossible`, and `Refuted` if the node breaks the law of effects, raises an exception, or says what
        the codec does not give back.
        """
        return tuple(
            one if one.node not in self.went_back or one.foreign or one.is_issue else evolve(one, is_lost_disk=True)
            for one in self._apply(happening)
        )

    def _apply(self, happening: Happening) -> tuple[Outcome, ...]:
        match happening:
            case Give(node, event):
                self._must_be_about_nodes(event)
                return (*self._issue(node, event), self._step(node, event))
            case Deliver() | Duplicate() | Forge() | Stray() | Haunt():
                return (self._arrive(happening),)
            case Lose(sender, receiver, message):
                del self.in_flight[self._find(sender, receiver, message)]
                return ()
            case Pass(node, elapsed_ms):
                self._node(node)
                self.now_ms += elapsed_ms
                return (self._step(node, Tick(self.clock_ms(node))),)
            case EndFlush(node):
                self._node(node)
                return (self._refuse(node) if node in self.full else self._end_flush(node),)
            case FailFlush(node, keep):
                self._must_wait(node)
                return self._end(node, keep, "failed flush")
            case FillDisk(node) | FreeDisk(node):
                self._change_room(node, is_full=isinstance(happening, FillDisk))
                return ()
            case Crash(node, keep):
                return self._end(node, keep, "crash")
            case GoBack(node, records):
                return (self._go_back(node, records),)
            case Calm() | Create() | LoseDisk():
                raise NotPossible(
                    "calm is not one event of the world, but what follows is; and here nobody comes or goes"
                )
            case _:
                assert_never(happening)

    def _arrive(self, happening: Deliver | Duplicate | Forge | Stray | Haunt) -> Outcome:
        """A message in flight arrives: for once, or once more, in a wrong name, at a wrong place, or as of another."""
        place = self._find(happening.sender, happening.receiver, happening.message)
        packet = self.in_flight[place]
        match happening:
            case Deliver():
                del self.in_flight[place]
                return self._receive(packet.receiver, self.mail.open(packet))
            case Duplicate():
                return self._receive(packet.receiver, self.mail.open(packet))
            case Forge(sender, receiver, message, name):
                if name == sender or not names_its_sender(message):
                    raise NotPossible(f"nobody could tell that {message_words(message)} is not from {name}")
                return self._receive(receiver, evolve(self.mail.open(packet), origin=origin_of(name)))
            case Stray(sender, receiver, message, at):
                if at == receiver or not isinstance(message, Proposal):
                    raise NotPossible(f"{message_words(message)} does not go astray to {at}")
                self._node(at)
                return self._receive(at, evolve(self.mail.open(packet), to=at))
            case Haunt(_, receiver, _, another):
                return self._haunt(receiver, self.mail.open(packet), another)
            case _:
                assert_never(happening)

    @property
    def log(self) -> list[Command]:
        """What somebody knows to be decided by now, as far as it was written down."""
        return self.decided[: max(len(cell.known) for cell in self.nodes.values())]

    def clock_ms(self, node: NodeId) -> int:
        """What the node's own clock shows, in milliseconds. It started somewhere and runs at its own rate."""
        return self.setup.clocks_ms[node - 1] + int(self.now_ms * self.setup.rates[node - 1])

    def unflushed(self, node: NodeId) -> int:
        """How many records a crash of the node may take now, and as many may survive; on a full disk there are none."""
        return 0 if node in self.full else len(self.disks[node].unflushed)

    def next_ballot(self, node: NodeId) -> Ballot:
        """A ballot that the node may campaign with, if it may at all."""
        return self._ask(node, self.nodes[node].next_ballot)

    def may_go_back(self, node: NodeId, records: int) -> bool:
        """Whether the disk of a node lost an act if it had the first `records` alone, and the cell survives that."""
        return self.survives(node) and node not in self.went_back and self.disks[node].loses(records)

    def survives(self, node: NodeId) -> bool:
        """Whether every configuration that there may be survives the loss of this disk too."""
        configurations = (self.setup.members, *(each.members for each in self.asked if isinstance(each, Change)))
        return all(bears_loss(members, self.lost_disks | {node}) for members in configurations)

    @property
    def lost_disks(self) -> set[NodeId]:
        """Whose disk is lost, or counts as that."""
        return self.lost | self.went_back.keys()

    @property
    def unheard(self) -> set[NodeId]:
        """Who answers nobody: it is not made yet, left, or lost its disk."""
        return self.lost_disks | self.departed | (self.disks.keys() - self.nodes.keys())

    def _due(self, node: NodeId) -> tuple[Internal, ...]:
        return self._ask(node, self.nodes[node].due)

    def _ask(self, node: NodeId, question: Callable[[], T]) -> T:
        try:
            return question()
        except Exception as error:
            title = f"node {node} raised {type(error).__name__}: {error}"
            raise Refuted(title, (f"asked for {getattr(question, '__name__', 'something')}",), How.RAISED) from error

    def _node(self, node: NodeId) -> Cell:
        if node not in self.nodes:
            raise NotPossible(f"there is no node {node}")
        return self.nodes[node]

    def _must_be_about_nodes(self, event: Given) -> None:
        """Nobody asks for members that there are not, or gives an event under the ballot of no node."""
        match event:
            case Submit(Change(members=members)) if not members <= self.disks.keys():
                raise NotPossible(f"not all of the nodes {sorted(members)} are there")
            case Submit(Change(members=members)) if not bears_loss(members, self.lost_disks):
                raise NotPossible(f"of the nodes {sorted(members)} too many have lost their disks")
            case Campaign(ballot) | Propose(ballot) | Decide(ballot) | Consult(ballot) | Serve(ballot) if (
                ballot.node not in self.disks
            ):
                raise NotPossible(f"there is no node {ballot.node}")

    def _find(self, sender: NodeId, receiver: NodeId, message: Message) -> int:
        for place, packet in enumerate(self.in_flight):
            if packet.sender == sender and packet.receiver == receiver and packet.message == message:
                return place
        raise NotPossible(f"{message_words(message)} is not in flight from {sender} to {receiver}")

    def _issue(self, node: NodeId, event: Given) -> tuple[Outcome, ...]:
        if not isinstance(event, Submit) or event.command in self.asked:
            return ()
        self.asked.add(event.command)
        return (Outcome(node, None, Action("issue", (event.command,))),)

    def _receive(self, node: NodeId, envelope: Envelope) -> Outcome:
        """An envelope of this cell and life comes to the border of the node that it is for."""
        event = self.borders[node].receive(envelope)
        if event is None:
            raise Refuted(f"node {node} refuses what is meant for it", (message_words(envelope.message),))
        return self._step(node, event)

    def _haunt(self, node: NodeId, envelope: Envelope, another: str) -> Outcome:
        """What was meant for somebody else comes to the border of a node."""
        refused = self.borders[node].refused
        before = sum(refused.values())
        event = self.borders[node].receive(haunted(envelope, another, node + self.setup.nodes))
        is_counted = sum(refused.values()) == before + 1
        if event is not None:
            return evolve(self._step(node, event), foreign=another, is_counted=is_counted)
        return Outcome(node, None, Stutter("ignored"), foreign=another, is_counted=is_counted)

    def _step(self, node: NodeId, event: Event) -> Outcome:
        cell = self._node(node)
        try:
            step = cell.step(event)
        except Exception as error:
            raise Refuted(
                f"node {node} raised {type(error).__name__}: {error}", (f"given: {event_words(event)}",), How.RAISED
            ) from error
        self.due[node] = self._due(node)
        return self._carry_out(node, event, step)

    def _carry_out(self, node: NodeId, event: Event, step: Step) -> Outcome:
        """The effects, in their order. What must wait for a flush does, and so does what comes after it."""
        disk, known, records = self.disks[node], len(self.disks[node].written.known), 0
        stored: list[DurableRecord] = []
        sent: list[Packet] = []
        answers: list[tuple[RequestId, Told]] = []
        rejects: list[tuple[RequestId, Reason]] = []
        found: list[Found] = []
        for effect in step.effects:
            match effect:
                case Store(record):
                    self._store(node, record)
                    if isinstance(record, Known) and record.slot == len(self.decided) + 1:
                        self.decided.append(record.value)
                    stored.append(record)
                case Flush():
                    records = disk.ask()
                case Send():
                    packet = self._send(node, effect, sent[-1] if sent else None)
                    hold_law(node, packet.message, disk.unsafe(packet.message))
                    sent.append(packet)
                case Answer(request, verdict):
                    hold_law(node, None, disk.unsafe(None))
                    answers.append((request, verdict))
                case Found():
                    hold_law(node, None, disk.unsafe(None))
                    found.append(effect)
                case Reject(request, reason):
                    rejects.append((request, reason))
                case Departed():
                    self.departed.add(node)
                case _:
                    raise Refuted(f"node {node} asks for {effect}, which is no effect")
        waits = self._wait(node, step, Waiting(records, known, tuple(sent), tuple(answers)))
        if not waits:
            self._post(node, sent)
        return Outcome(
            node, event, step.announces, tuple(sent), tuple(answers), tuple(rejects), tuple(found), tuple(stored),
            known, waits,
        )  # fmt: skip

    def _wait(self, node: NodeId, step: Step, waiting: Waiting) -> bool:
        """Let it wait, if it must: for a flush of its own, or behind what waits already."""
        queue = self.queues[node]
        is_entry = isinstance(step.announces, Action) and step.announces.name not in RIDE_ALONG
        if waiting.records or (queue and is_entry):
            queue.append(waiting)
            return True
        if queue:
            last = queue[-1]
            queue[-1] = evolve(last, packets=last.packets + waiting.packets, answers=last.answers + waiting.answers)
        return bool(queue)

    def _must_wait(self, node: NodeId) -> None:
        self._node(node)
        if not self.queues[node]:
            raise NotPossible(f"nothing waits for a flush at node {node}")

    def _end_flush(self, node: NodeId, *, lost_in: Trouble = "") -> Outcome:
        """The first of what waits is flushed and sent, or lost in the trouble that comes next."""
        self._must_wait(node)
        first = self.queues[node].pop(0)
        if first.records:
            self.disks[node].flush(first.records)
        if not lost_in:
            self._post(node, first.packets)
        return Outcome(
            node, None, Action("flush", (node,)), first.packets, first.answers,
            durable=self.durable(node), is_lost=lost_in != "", trouble=lost_in,
        )  # fmt: skip

    def _refuse(self, node: NodeId) -> Outcome:
        """The disk is full: what waits was never written, so the node's memory is ahead of it and must be read back.

        What it does next comes again to the disk, which takes it as soon as there is room.
        """
        self._must_wait(node)
        return self._begin_anew(node, self.disks[node].survivors(0)[0], "full disk")

    def _change_room(self, node: NodeId, *, is_full: bool) -> None:
        self._node(node)
        if is_full == (node in self.full):
            raise NotPossible(f"the disk of node {node} is {'full' if is_full else 'not full'} already")
        self.full ^= {node}

    def _end(self, node: NodeId, keep: int, trouble: Trouble) -> tuple[Outcome, ...]:
        """The process ends: it crashed, or a flush of its journal failed. It starts anew from what it reads.

        A full disk took nothing that was not flushed.
        """
        self._node(node)
        records, known = self.disks[node].survivors(0 if node in self.full else keep)
        return (*self._survive(node, records, known, trouble), self._begin_anew(node, records, trouble))

    def _go_back(self, node: NodeId, records: int) -> Outcome:
        """The node restarts on an older copy of its disk, which is whole, so that it cannot tell by itself (R16)."""
        self._node(node)
        if not self.may_go_back(node, records):
            raise NotPossible(f"the disk of node {node} cannot go back to {records} records")
        self.went_back[node] = self.disks[node].flushed
        return evolve(self._begin_anew(node, max(0, records), "older disk"), announces=Stutter("restarted"))

    def _post(self, sender: NodeId, packets: Sequence[Packet]) -> None:
        """Give messages to the network. Nobody hears a node whose disk counts as lost."""
        if sender not in self.went_back:
            self.in_flight += packets

    def _survive(self, node: NodeId, records: int, known: int, trouble: Trouble) -> tuple[Outcome, ...]:
        """What a crash keeps of what waits was flushed, for whoever comes after; but it was never sent."""
        kept = kept_of(self.queues[node], records, known)
        return tuple(self._end_flush(node, lost_in=trouble) for _ in range(kept))

    def durable(self, node: NodeId) -> Durable:
        """What the disk of a node holds for certain now."""
        flushed = self.disks[node].flushed
        return Durable(
            frozenset(flushed.used), flushed.promised, dict(flushed.accepted), len(flushed.known), flushed.floor
        )  # fmt: skip

    def _store(self, node: NodeId, record: DurableRecord) -> None:
        try:
            self.disks[node].store(record)
        except Exception as error:
            raise Refuted(f"node {node} stores what cannot be encoded: {said(error)}", (str(record),)) from error

    def _send(self, sender: NodeId, effect: Send, previous: Packet | None) -> Packet:
        if effect.to not in self.disks:
            raise Refuted(f"node {sender} sends to node {effect.to}, which there is not", (str(effect.message),))
        return self.mail.seal(sender, effect, self.borders[sender].send(effect), previous)

    def _begin_anew(self, node: NodeId, records: int, trouble: Trouble) -> Outcome:
        """Crash(n, k) if something is lost or found, else a restart that nothing shows.

        What is read is written anew and flushed before anything depends on it (R16): after a failed flush, and after a
        killed process, it may be in the page cache alone.
        """
        before, disk = self._node(node), self.disks[node]
        is_idle, had, flushed = before.active.round == 0, len(disk.written.known), len(disk.flushed.known)
        nothing_waits = not self.queues[node]
        self.queues[node].clear()
        self.nodes[node] = self._restart(node, disk.crash(records))
        disk.write_anew()
        self.due[node] = self._due(node)
        kept = len(disk.written.known)
        if is_idle and nothing_waits and kept == had == flushed:
            return Outcome(node, None, Stutter("restarted"), durable=self.durable(node), trouble=trouble)
        return Outcome(node, None, Action("crash", (node, kept)), durable=self.durable(node), trouble=trouble)

    def _restart(self, node: NodeId, records: Sequence[DurableRecord]) -> Cell:
        self.borders[node] = Border(origin_of(node))
        return begin(self.make_node, node, self.setup, records)
