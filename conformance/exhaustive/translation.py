"""From what the code says to what the specification says, in one scope.

Ballots of the specification are numbered from 1; the code's are (round, node), and the round is that number, so that
their order is the same. Commands have a name in the scope, which is their client in the code.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar, assert_never

from conformance.judges.vocabulary import FIELD, Vocabulary, verdict_of
from conformance.refutation import Refuted
from conformance.world.disk import Journal
from physalia import model
from physalia.model import NodeId
from spec import cell as spec
from spec import commands
from spec.service import reads
from spec.values import function_of

K = TypeVar("K")
V = TypeVar("V")

TO_WHOEVER_ASKS: frozenset[NodeId] = frozenset()
"""A decision has no address: whoever knows it tells it to whoever asks."""

NOBODY: NodeId = 0
"""The sender of what clients are told and ask for: it does not matter who says it."""


class Said(NamedTuple):
    """What one step said: a message and all to whom it went, an answer to a client, or what a client asks for.

    Of a round of reads, also what the specification notes when it begins or is answered. With a snapshot stands the log
    that it stands for.
    """

    sender: NodeId
    message: model.Message | model.Answer | model.Submit | reads.Round | reads.Answer
    to: frozenset[NodeId]
    log: tuple[model.Command, ...] = ()


Written: TypeAlias = tuple[str, Any]
"""A variable of the specification and what is put into it."""


class Translation(Vocabulary):
    """The words of one scope, whose constants are those of `machine`."""

    def __init__(self, machine: spec.Cell) -> None:
        self._machine = machine
        self._ballots = {model.Ballot(b, owner): b for b, owner in machine.owner.items()}
        self.ballots = {b: ballot for ballot, b in self._ballots.items()}
        self.commands = {name: _command(name, content) for name, content in machine.content.items()}
        self._names: dict[model.Command, str] = {command: name for name, command in self.commands.items()}
        self._names[model.NoOp()] = commands.NoOp
        self.values: dict[str, model.Command] = {name: command for command, name in self._names.items()}

    def ballot(self, ballot: model.Ballot) -> int:
        """The number of a ballot. Raises `Refuted` for one that this scope does not have."""
        if ballot == model.NO_BALLOT:
            return 0
        return _word(self._ballots, ballot)

    def command(self, command: model.Command) -> str:
        """The name of a command. Raises `Refuted` for one that nobody asked for."""
        return _word(self._names, command)

    def step(self, action: model.Action) -> tuple[str, tuple[object, ...]]:
        """The name and the arguments of an announced action, as the specification's method takes them."""
        return action.name, self.arguments(action)

    def written(self, said: Said) -> Written | None:
        """What the specification writes down of it; None if it reads no such messages."""
        sender, message, to = said[:3]
        match message:
            case model.Answer(request, model.Verdict() as verdict):
                return "told", commands.Told(request.client, verdict_of(verdict))
            case model.Submit(command):
                return "asked", self.command(command)
            case reads.Round():
                return "rounds", message
            case reads.Answer():
                return "answers", message
            case model.Answer():
                raise Refuted(f"the code answers {message}, and nobody asked the store for anything")
            case _:
                written = self.message(message, sender, to)
                return None if written is None else (FIELD[type(written)], written)

    def messages(self, some: tuple[Said, ...]) -> spec.Messages:
        """What the specification writes down of everything that a step said."""
        by_variable: dict[str, set[Any]] = {}
        for said in some:
            written = self.written(said)
            if written is not None:
                by_variable.setdefault(written[0], set()).add(written[1])
        return spec.Messages(**{variable: frozenset(values) for variable, values in by_variable.items()})

    def votes(self, accepted: dict[int, model.Accepted]) -> tuple[spec.Accepted, ...]:
        """accepted[n]. Raises `Refuted` for a vote outside the slots, or in another slot than it was cast in."""
        slots = self._machine.slots
        for slot, vote in accepted.items():
            if slot not in slots or vote.slot != slot:
                raise Refuted(f"the code keeps {vote} as its vote in slot {slot}; the slots are 1 to {len(slots)}")
        return function_of(
            spec.Accepted(self.ballot(accepted[i].ballot), self.command(accepted[i].value))
            if i in accepted
            else spec.NoVote
            for i in slots
        )

    def disk(self, journal: Journal) -> spec.Disk:
        """disk[n], from what a journal holds."""
        used = frozenset(self.ballot(ballot) for ballot in journal.used)
        return spec.Disk(used, self.ballot(journal.promised), self.votes(journal.accepted), journal.floor)


def _word(words: Mapping[K, V], word: K) -> V:
    if word not in words:
        raise Refuted(f"the code speaks of {word}, which there is not in this scope")
    return words[word]


def _command(name: str, content: commands.Content) -> model.Asked:
    request = model.RequestId(name, 1)
    match content:
        case commands.Write(expects, primary, replica):
            return model.Write(request, expects, primary, replica)
        case commands.Read():
            return model.Read(request)
        case commands.Change(expects, members):
            return model.Change(request, expects, members)
        case _:
            assert_never(content)
