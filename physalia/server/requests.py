"""What clients asked for, and whom to tell what became of it.

A command is named by its request, which a client never uses for another one. Who asks for the same command again, on
whatever connection, takes the place of the earlier attempt: its client counts that one as uncertain already.

Reads that need a round (design rule R7) get a name here that nobody else knows, since an earlier round must not answer
a later read. One whose node forgot it is never answered; its client asks again. That is so of the command `Read` too:
what a client asks a server with it takes no slot of the log.
"""

import secrets
from itertools import count
from typing import NamedTuple, Protocol

from physalia.cell import Node
from physalia.journal import NodeKey
from physalia.model import (
    Answer,
    Asked,
    Change,
    Decline,
    Found,
    Look,
    NoOp,
    Read,
    Reason,
    Refused,
    Reject,
    Reply,
    Request,
    RequestId,
    Scan,
    Traffic,
    Verdict,
)
from physalia.server.looks import show
from physalia.wire import CodecError, decode_command, encode_told

MAX_WAITING = 1024
"""How many requests of one connection may wait for their answers."""


class Asker(Protocol):
    """Who asked: a connection. It never waits."""

    def say(self, said: Traffic) -> None:
        """Tell it something."""


class Taken(NamedTuple):
    """A request that was taken on: who asked, under which number, and for what."""

    asker: Asker
    number: int
    key: NodeKey
    wanted: Asked | Look | Scan


class Requests:
    """The requests that wait for an answer."""

    def __init__(self, most_of_one: int = MAX_WAITING) -> None:
        self.is_closed = False
        """Whether nothing new is taken on. What waits may be asked for again."""
        self._most_of_one = most_of_one
        self._taken: dict[RequestId, Taken] = {}
        self._of: dict[Asker, dict[RequestId, None]] = {}
        self._reader, self._reads = f"reader-{secrets.token_hex(16)}", count(1)

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, asker: Asker, request: Request, key: NodeKey, *, may_change: bool = True) -> Asked | None:
        """The command that somebody wants of a node here; None if it was declined, and told so.

        Who has no operator's key may not change who the members of a cell are. A `Read` is returned under the name of
        its round.
        """
        try:
            command = decode_command(request.command)
        except CodecError:
            command = NoOp()
        if isinstance(command, NoOp):
            asker.say(Decline(request.number, "malformed", ""))
            return None
        if isinstance(command, Change) and not may_change:
            asker.say(Decline(request.number, "not allowed", ""))
            return None
        if isinstance(command, Read):
            name = self._take_round(asker, request.number, key, command)
            return None if name is None else Read(name)
        earlier = self._taken.get(command.request)
        is_other = earlier is not None and (earlier.key, earlier.wanted) != (key, command)
        if earlier is None and self.is_closed:
            asker.say(Decline(request.number, "draining", ""))
            return None
        if is_other or not self._has_room(asker, command.request):
            asker.say(Decline(request.number, "busy", ""))
            return None
        self._forget(command.request)
        self._take(command.request, Taken(asker, request.number, key, command))
        return command

    def take_read(self, asker: Asker, asked: Look | Scan, key: NodeKey) -> RequestId | None:
        """A name for a read that needs a round of a node here; None if it was declined, and told so."""
        return self._take_round(asker, asked.number, key, asked)

    def _take_round(self, asker: Asker, number: int, key: NodeKey, asked: Read | Look | Scan) -> RequestId | None:
        request = RequestId(self._reader, next(self._reads))
        if self.is_closed:
            asker.say(Decline(number, "draining", ""))
        elif not self._has_room(asker, request):
            asker.say(Decline(number, "busy", ""))
        else:
            self._take(request, Taken(asker, number, key, asked))
            return request
        return None

    def whose(self, request: RequestId) -> Taken | None:
        """The request of this name, if it waits."""
        return self._taken.get(request)

    def found(self, said: Found, node: Node | None) -> None:
        """A round has confirmed what the node knew up to a slot: it shows that, or what is newer, to who asked."""
        taken = self._forget(said.request)
        if taken is None:
            return
        if isinstance(taken.wanted, Read):
            taken.asker.say(Reply(taken.number, encode_told(Verdict(True, said.saw))))
        elif isinstance(taken.wanted, Look | Scan):
            taken.asker.say(show(node, taken.wanted, said.slot))

    def tell(self, said: Answer | Reject, leader: str) -> None:
        """A node answered or rejected: tell who asked, if that is still there; `leader` is who may know better."""
        if isinstance(said, Reject) and said.reason == "outcome unknown":
            return  # the answer may come yet; else the client's own deadline ends the request as unknown
        taken = self._forget(said.request)
        if taken is None:
            return
        match said:
            case Answer():
                taken.asker.say(Reply(taken.number, encode_told(said.verdict)))
            case Reject():
                self._reject(taken, said.reason, leader)

    def _reject(self, taken: Taken, reason: Reason, leader: str) -> None:
        """What is refused at the door is a reply: another server would say the same."""
        if isinstance(reason, Refused):
            taken.asker.say(Reply(taken.number, encode_told(reason)))
        elif reason != "outcome unknown":
            taken.asker.say(Decline(taken.number, reason, leader))

    def withdraw(self, request: RequestId) -> None:
        """Nothing will be done about this request here, and whoever asked is told so."""
        self._forget(request)

    def abandon(self, key: NodeKey) -> None:
        """A node left or begins anew: what became of its requests nobody here will know; they may be asked for anew."""
        for request in [request for request, taken in self._taken.items() if taken.key == key]:
            self._forget(request)

    def gone(self, asker: Asker) -> None:
        """Nobody is there any more to be told."""
        for request in tuple(self._of.get(asker, ())):
            self._forget(request)

    def _has_room(self, asker: Asker, request: RequestId) -> bool:
        """Whether one more of somebody's requests may wait. The oldest makes room if it is a read.

        A client does not say when it has given a read up, and asks for it under another name.
        """
        mine = self._of.get(asker, {})
        if len(mine) < self._most_of_one or request in mine:
            return True
        oldest = next(iter(mine))
        if not isinstance(self._taken[oldest].wanted, Read | Look | Scan):
            return False
        self._forget(oldest)
        return True

    def _take(self, request: RequestId, taken: Taken) -> None:
        self._taken[request] = taken
        self._of.setdefault(taken.asker, {})[request] = None

    def _forget(self, request: RequestId) -> Taken | None:
        taken = self._taken.pop(request, None)
        if taken is not None:
            mine = self._of[taken.asker]
            del mine[request]
            if not mine:
                del self._of[taken.asker]
        return taken
