"""What nodes are given and say, in the words of a trace (docs/traces.md): texts of JSON, made in no time.

A command is named by its request and a checksum of what it asks for: two commands of one request have two names. What
it asks for stands where a client asks for it, and nowhere else.
"""

from collections.abc import Callable, Sequence
from typing import Any
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
MOST_REMEMBERED = 4096
"""So many names of commands and clients are remembered. They are forgotten together."""

json = msgspec.json.Encoder().encode


def checksum(said: Command | Told) -> str:
    """Eight digits that tell two commands of one request apart, and two answers to it."""
    if type(said) is Change:
        return f"{crc32(json([said.expects, sorted(said.members)])):08x}"
    return f"{crc32(json(said)):08x}"


def name_of(command: Command) -> str:
    """The name of a command, such as ``c1#7:0badcafe``."""
    if isinstance(command, NoOp):
        return NO_OP
    return f"{command.request.client}#{command.request.number}:{checksum(command)}"


class Words:
    """Writes JSON. It remembers the names of the commands that it was given last."""

    def __init__(self) -> None:
        self._named: dict[int, tuple[Command, str]] = {}
        self._clients: dict[str, str] = {}

    def name(self, command: Command) -> str:
        """The name of a command as JSON."""
        known = self._named.get(id(command))
        if known is not None:
            return known[1]
        if type(command) is NoOp:
            return f'"{NO_OP}"'
        assert not isinstance(command, NoOp)
        client = command.request.client
        quoted = self._clients.get(client)
        if quoted is None:
            if len(self._clients) >= MOST_REMEMBERED:
                self._clients.clear()
            quoted = self._clients[client] = json(client).decode()[:-1]
        if len(self._named) >= MOST_REMEMBERED:
            self._named.clear()
        told = checksum(command) if type(command) is Change else f"{crc32(json(command)):08x}"
        name = f'{quoted}#{command.request.number}:{told}"'
        self._named[id(command)] = command, name  # the command is kept: nothing else gets its id meanwhile
        return name

    def arguments(self, given: Sequence[object]) -> str:
        """Those of an action: a ballot is a list of round and node, a command its name, a number itself."""
        last: Any = given[-1]
        if len(given) == 2 and type(last) is int:  # noqa: PLR2004  # nearly all of them: who, or under what, and where
            first: Any = given[0]
            return f"[{first},{last}]" if type(first) is int else f"[[{first[0]},{first[1]}],{last}]"
        return f"[{','.join(map(self._argument, given))}]"

    def _argument(self, given: Any) -> str:
        if type(given) is int:
            return str(given)
        return f"[{given.round},{given.node}]" if type(given) is Ballot else self.name(given)

    def _proposal(self, said: Proposal) -> str:
        ballot = said.ballot
        return f'["proposal",[{ballot[0]},{ballot[1]}],{said.slot},{self.name(said.value)}]'

    def _vote(self, said: Vote) -> str:
        ballot = said.ballot
        return f'["vote",[{ballot[0]},{ballot[1]}],{said.slot},{said.node}]'

    def _decision(self, said: Decision) -> str:
        return f'["decision",{said.slot},{self.name(said.value)}]'

    def _promise(self, said: Promise) -> str:
        reports = ",".join(f"[{each.slot},{list(each.ballot)},{self.name(each.value)}]" for each in said.accepted)
        return f'["promise",{list(said.ballot)},{said.node},[{reports}],{said.floor}]'

    def _prepare(self, said: Prepare) -> str:
        return f'["prepare",{list(said.ballot)},{said.prefix}]'

    def _round(self, said: Round) -> str:
        return f'["round",{list(said.ballot)},{said.read}]'

    def _echo(self, said: Echo) -> str:
        return f'["echo",{list(said.ballot)},{said.nonce},{said.node}]'

    def _ask(self, said: Ask) -> str:
        return f'["ask",{said.prefix}]'

    def _chunk(self, said: Chunk) -> str:
        return f'["chunk",{said.slot}]'

    def _take(self, said: Take) -> str:
        return f'["take",{said.slot}]'

    def _refusal(self, said: Refusal) -> str:
        return f'["refusal",{list(said.ballot)},{list(said.promised)}]'


OF: dict[type, Callable[[Words, Any], str]] = {
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
}
"""A message by its class: its name, and what the specification reads of it."""
