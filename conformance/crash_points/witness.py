"""Who saw everything that left the servers of a cell, and judges it: no fork, nothing acknowledged lost.

The witness knows nothing of disks. It knows what each node said, and holds every later life of that node to it: what
was said of a promise, a vote or a ballot is in its memory whenever it comes back. It knows what was decided where, by
whoever knew it first, and holds every node to it for ever. And it knows what clients were told, which the judge of
clients holds against the decided log, with the verdicts of the specification.
"""

from attrs import Factory, define

from conformance.crash_points.ledger import Violation
from conformance.judges.clients import Clients
from conformance.refutation import Refuted
from conformance.wording import command_words
from physalia.cell import Node
from physalia.model import (
    NO_BALLOT,
    Answer,
    Asked,
    Ballot,
    Change,
    Command,
    Execute,
    Message,
    NodeId,
    Prepare,
    Promise,
    Read,
    RequestId,
    Slot,
    Told,
    Vote,
    Write,
)
from spec import commands


@define
class Said:
    """What a node said that its disk must bear out: its highest promise, its votes, and the ballots that it used."""

    promised: Ballot = NO_BALLOT
    votes: dict[Slot, Ballot] = Factory(dict)
    used: Ballot = NO_BALLOT


class Witness:
    """Of one cell. Raises `Violation` wherever something is not as it was promised."""

    def __init__(self, first_members: frozenset[NodeId], alpha: int) -> None:
        self.content: dict[commands.Name, commands.Content] = {}
        self.rules = commands.Commands(content=self.content, first=first_members, alpha=alpha)
        self.log: list[Command] = []
        """What was decided, slot 1 first, as far as anybody ever knew it."""
        self.clients = Clients()
        self.told: dict[RequestId, Told] = {}
        self.said: dict[NodeId, Said] = {}
        self._looked: dict[NodeId, Slot] = {}

    @property
    def contents(self) -> commands.Contents:
        """The state that the log leads to."""
        return self.rules.after(tuple(command_words(command) for command in self.log))

    def ask(self, command: Asked) -> None:
        """A client asks for a command."""
        self.clients.time += 1
        self.content[command_words(command)] = _content(command)
        self.clients.ask(command)

    def answered(self, answer: Answer) -> None:
        """A client was told."""
        self.clients.time += 1
        try:
            self.clients.answer(answer.request, answer.verdict)
        except Refuted as refuted:
            raise Violation(str(refuted)) from refuted
        self.told[answer.request] = answer.verdict

    def heard(self, node: NodeId, message: Message) -> None:
        """The message left the server of the node."""
        said = self.said.setdefault(node, Said())
        match message:
            case Prepare(ballot):
                said.used = max(said.used, ballot)
            case Promise(ballot):
                said.promised = max(said.promised, ballot)
            case Vote(ballot, slot):
                said.votes[slot] = max(said.votes.get(slot, NO_BALLOT), ballot)

    def look(self, node: Node) -> None:
        """A node took a step: whatever it knows is what everybody knows, and it has no reason to stop."""
        if node.stopped:
            raise Violation(f"nobody lost anything, but {node.stopped}")
        looked = self._looked.get(node.node_id, 0)
        for slot, command in enumerate(node.known[looked:], start=looked + 1):
            if slot > len(self.log):
                self.log.append(command)
            elif self.log[slot - 1] != command:
                raise Violation(
                    f"the cell forked: in slot {slot} node {node.node_id} knows {command_words(command)}, and "
                    f"{command_words(self.log[slot - 1])} was decided there"
                )
        self._looked[node.node_id] = len(node.known)

    def back(self, node: Node) -> None:
        """A node was made from its disk: it remembers all that it ever said."""
        self._looked[node.node_id] = 0
        self.look(node)
        said = self.said.get(node.node_id, Said())
        name = f"node {node.node_id} came back without"
        if node.next_ballot() <= said.used:
            raise Violation(f"{name} its use of {said.used}, of which it told others")
        if node.promised < said.promised:
            raise Violation(f"{name} its promise of {said.promised}, which it gave")
        for slot, ballot in said.votes.items():
            vote = node.accepted.get(slot)
            if vote is None or vote.ballot < ballot:
                raise Violation(f"{name} its vote in slot {slot} under {ballot}, of which it told others")

    def judge(self) -> None:
        """Judge all that clients were told."""
        try:
            self.clients.judge(self.rules, tuple(command_words(command) for command in self.log))
        except Refuted as refuted:
            raise Violation(" ".join((str(refuted), *refuted.lines))) from refuted


def _content(command: Asked) -> commands.Content:
    match command:
        case Write(_, expects, primary, replica):
            return commands.Write(expects, primary, replica)
        case Read():
            return commands.Read()
        case Change(_, expects, members):
            return commands.Change(expects, members)
        case Execute():
            raise Violation("nobody asks for the store here")
