"""What the code says, in the words of the specification: messages, records, actions and verdicts.

How ballots are numbered and what commands are called differs from place to place, and is left to whoever has the words;
everything that is made of ballots and commands is said in one way.
"""

from abc import ABC, abstractmethod
from typing import TypeAlias, assert_never

from physalia import model
from physalia.model import NodeId
from spec import cell as spec
from spec import commands
from spec.service import reads

SentMessage: TypeAlias = spec.Prepare | spec.Promise | spec.Proposal | spec.Vote | spec.Decision | reads.Echo
NOBODY: frozenset[NodeId] = frozenset()

FIELD: dict[type[SentMessage], str] = {
    spec.Prepare: "prepares",
    spec.Promise: "promises",
    spec.Proposal: "proposals",
    spec.Vote: "votes",
    spec.Decision: "decisions",
    reads.Echo: "echoes",
}


class Vocabulary(ABC):
    """Numbers for ballots and names for commands, and what is said with them."""

    @abstractmethod
    def ballot(self, ballot: model.Ballot) -> int:
        """The number of a ballot; 0 is none. Raises `Refuted` for a ballot that there cannot be."""

    @abstractmethod
    def command(self, command: model.Command) -> str:
        """The name of a command."""

    def message(self, message: model.Message, sender: NodeId, to: frozenset[NodeId] = NOBODY) -> SentMessage | None:
        """A message to these nodes; None if the specification reads no such messages."""
        match message:
            case model.Prepare(ballot, prefix):
                return spec.Prepare(self.ballot(ballot), prefix, to)
            case model.Promise(ballot, node, accepted, floor):
                reports = frozenset(
                    spec.Report(report.slot, self.ballot(report.ballot), self.command(report.value))
                    for report in accepted
                )
                return spec.Promise(self.ballot(ballot), node, reports, floor)
            case model.Proposal(ballot, slot, value):
                return spec.Proposal(self.ballot(ballot), slot, self.command(value), to)
            case model.Vote(ballot, slot, node):
                return spec.Vote(self.ballot(ballot), slot, node)
            case model.Decision(slot, value):
                return spec.Decision(slot, self.command(value), sender)
            case model.Echo(ballot, nonce, node):
                return reads.Echo(self.ballot(ballot), nonce, node)
            case model.Round() | model.Ask() | model.Chunk() | model.Take() | model.Refusal():
                return None
            case model.HowFar() | model.Learned():
                return None
            case _:
                assert_never(message)

    def record(self, record: model.DurableRecord) -> spec.Used | spec.Promised | spec.Voted | spec.Snapshot | None:
        """A record; None for a decision, of which the specification keeps the number alone.

        A stop is not in its words either: no disk goes back there, and that no node stops is a law of its own.
        """
        match record:
            case model.UsedBallot(ballot):
                return spec.Used(self.ballot(ballot))
            case model.Promised(ballot):
                return spec.Promised(self.ballot(ballot))
            case model.Accepted(ballot, slot, value):
                return spec.Voted(self.ballot(ballot), slot, self.command(value))
            case model.Snapshot(_, floor):
                return spec.Snapshot(floor)
            case model.Known() | model.Part() | model.Stopped() | model.Left():
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
            case model.Write() | model.Read() | model.Change() | model.NoOp() | model.Execute():
                return self.command(argument)
            case _:
                return argument


def verdict_of(verdict: model.Verdict) -> commands.Verdict:
    """What a client is told."""
    return commands.Verdict(verdict.done, _contents(verdict.saw))


def _contents(record: model.Record) -> commands.Volume | commands.Jury:
    match record:
        case model.Volume(version, primary, replica):
            return commands.Volume(version, primary, replica)
        case model.Jury(version, members):
            return commands.Jury(version, members)
        case _:
            assert_never(record)
