"""What clients ask: it is taken on, and waits until the node is in memory; or they are told who may know better.

Of a cell that left this server a pointer is here, and whoever asks is told where the cell is now (design rule R11).
"""

from functools import partial

from attrs import frozen

from physalia.journal import NodeKey
from physalia.model import (
    Asked,
    Decline,
    DeclineReason,
    Elsewhere,
    Look,
    Read,
    Request,
    RequestId,
    Scan,
    Scanned,
    ScannedAt,
    Traffic,
)
from physalia.server.atlas import Atlas
from physalia.server.leadership import Leadership
from physalia.server.looks import needs_round, show
from physalia.server.members.moving import whereabouts
from physalia.server.nodes import Nodes
from physalia.server.requests import Requests
from physalia.server.settings import Settings
from physalia.transport import LACKS_SINCE, MOMENTS_SINCE, MOVES_SINCE, Connection
from physalia.wire import encode_traffic


@frozen(eq=False)
class Caller:
    """Who is at the other end of a connection that came in, as somebody to be told something."""

    connection: Connection

    def say(self, said: Traffic) -> None:
        """Tell it. What has no room is dropped: clients ask again."""
        if isinstance(said, ScannedAt) and self.connection.version < MOMENTS_SINCE:
            said = Scanned(said.number, said.page)
        self.connection.send(encode_traffic(said))


class Reception:
    """Where clients are received."""

    def __init__(
        self, nodes: Nodes, atlas: Atlas, requests: Requests, leadership: Leadership, settings: Settings
    ) -> None:
        self._nodes, self._atlas, self._requests, self._leadership = nodes, atlas, requests, leadership
        self._settings = settings

    def asked(self, caller: Caller, request: Request) -> None:
        """Somebody wants a command done."""
        key = self._atlas.here(request.cell)
        if key is None:
            caller.say(Decline(request.number, "unknown cell", ""))
            return
        is_operator = caller.connection.peer.role == "operator"
        command = self._requests.take(caller, request, key, may_change=is_operator)
        if isinstance(command, Read):
            self._nodes.when_loaded(key, partial(self._query, caller, request.number, key, command.request))
        elif command is not None:
            self._nodes.when_loaded(key, partial(self._submit, caller, request.number, key, command))

    def _moved(self, caller: Caller, number: int, key: NodeKey) -> bool:
        """Whether only a pointer is here; then whoever asked is told where to ask."""
        pointer = self._nodes.host.pointers.get(key)
        if pointer is None:
            return False
        if caller.connection.version >= MOVES_SINCE:
            caller.say(Elsewhere(number, whereabouts(key, pointer, self._settings.known_address)))
        else:
            caller.say(Decline(number, "unknown cell", ""))
        return True

    def looked(self, caller: Caller, asked: Look | Scan) -> None:
        """Somebody wants to see something."""
        key = self._atlas.here(asked.cell)
        if key is None:
            caller.say(Decline(asked.number, "unknown cell", ""))
            return
        if not needs_round(asked):
            self._nodes.when_loaded(key, partial(self._show, caller, asked, key))
            return
        request = self._requests.take_read(caller, asked, key)
        if request is not None:
            self._nodes.when_loaded(key, partial(self._query, caller, asked.number, key, request))

    def _is_in_vain(self, caller: Caller, number: int, key: NodeKey) -> bool:
        """Whether this could not be done, since too few members of the cell are there; then whoever asked is told so.

        Nothing was begun. Otherwise nobody would know whether it was done, until somebody is back.
        """
        if not self._leadership.lacks_majority(key):
            return False
        reason: DeclineReason = "no majority" if caller.connection.version >= LACKS_SINCE else "not the proposer"
        caller.say(Decline(number, reason, ""))
        return True

    def _show(self, caller: Caller, asked: Look | Scan, key: NodeKey) -> None:
        if not self._moved(caller, asked.number, key):
            caller.say(show(self._nodes.host.node(key), asked))

    def _submit(self, caller: Caller, number: int, key: NodeKey, command: Asked) -> None:
        if self._moved(caller, number, key) or self._is_in_vain(caller, number, key):
            self._requests.withdraw(command.request)
            return
        self._leadership.wanted(key)
        self._nodes.submit(key, command)

    def _query(self, caller: Caller, number: int, key: NodeKey, request: RequestId) -> None:
        if self._moved(caller, number, key) or self._is_in_vain(caller, number, key):
            self._requests.withdraw(request)
            return
        self._leadership.wanted(key)
        self._nodes.query(key, request)
