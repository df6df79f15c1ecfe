"""What nodes are given and say, in the words of a trace (docs/traces.md): values that are soon JSON.

A command is named by its request and a checksum of what it asks for: two commands of one request have two names. What
it asks for stands where a client asks for it, and nowhere else.
"""

from collections.abc import Callable
from typing import Any, TypeAlias
from zlib import crc32

import msgspec

from physalia.model import (
    Ask,
    Ballot,
    Change,
    Chunk,
    Command,
    Decision,
    Echo,
    HowFar,
    Learned,
    NoOp,
    Prepare,
    Promise,
    Proposal,
    Refusal,
    Round,
    Take,
    Told,
    Vote,
)

NO_OP = "noop"
MOST_REMEMBERED = 512
"""So many names of commands are remembered: of those under way. They are forgotten together."""

Said: TypeAlias = tuple[object, ...]

json = msgspec.json.Encoder().encode
json_lines = msgspec.json.Encoder().encode_lines


def checksum(said: Command | Told) -> str:
    """Eight digits that tell two commands of one request apart, and two answers to it."""
    told = [said.expects, sorted(said.members)] if type(said) is Change else said
    return f"{crc32(json(told)):08x}"


def name_of(command: Command) -> str:
    """The name of a command, such as ``c1#7:0badcafe``."""
    if isinstance(command, NoOp):
        return NO_OP
    request = command.request
    return f"{request.client}#{request.number}:{checksum(command)}"


class Words:
    """Says things in these words. It remembers the names of the commands that it was given last."""

    def __init__(self) -> None:
        self._named: dict[Command, str] = {}

    def name(self, command: Command) -> str:
        """The name of a command."""
        name = self._named.get(command)
        if name is None:
            if len(self._named) >= MOST_REMEMBERED:
                self._named.clear()
            name = self._named[command] = name_of(command)
        return name

    def arguments(self, given: tuple[object, ...]) -> tuple[object, ...]:
        """Those of an action: a command is its name, and everything else itself."""
        if type(given[-1]) is int or type(given[-1]) is Ballot:  # nearly all of them: under what ballot, and where
            return given
        return (*given[:-1], self.name(given[-1]))  # type: ignore[arg-type]

    def _proposal(self, said: Proposal) -> Said:
        return "proposal", said.ballot, said.slot, self.name(said.value)

    def _vote(self, said: Vote) -> Said:
        return "vote", said.ballot, said.slot, said.node

    def _decision(self, said: Decision) -> Said:
        return "decision", said.slot, self.name(said.value)

    def _promise(self, said: Promise) -> Said:
        reports = [(each.slot, each.ballot, self.name(each.value)) for each in said.accepted]
        return "promise", said.ballot, said.node, reports, said.floor

    def _prepare(self, said: Prepare) -> Said:
        return "prepare", said.ballot, said.prefix

    def _round(self, said: Round) -> Said:
        return "round", said.ballot, said.read

    def _echo(self, said: Echo) -> Said:
        return "echo", said.ballot, said.nonce, said.node

    def _ask(self, said: Ask) -> Said:
        return "ask", said.prefix

    def _chunk(self, said: Chunk) -> Said:
        return "chunk", said.slot

    def _take(self, said: Take) -> Said:
        return "take", said.slot

    def _refusal(self, said: Refusal) -> Said:
        return "refusal", said.ballot, said.promised

    def _how_far(self, _said: HowFar) -> Said:
        return ("howfar",)

    def _learned(self, said: Learned) -> Said:
        return "learned", said.slot


OF: dict[type, Callable[[Words, Any], Said]] = {
    Prepare: Words._prepare,
    Promise: Words._promise,
    Proposal: Words._proposal,
    Vote: Words._vote,
    Decision: Words._decision,
    Round: Words._round,
    Echo: Words._echo,
    Ask: Words._ask,
    Chunk: Words._chunk,
    Take: Words._take,
    Refusal: Words._refusal,
    HowFar: Words._how_far,
    Learned: Words._learned,
}
"""A message by its class: its name, and what the specification reads of it."""
