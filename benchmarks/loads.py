"""What the clients of the benchmark of the cell ask for, one command after the other."""

from typing import Protocol

from attrs import Factory, define

from physalia.model import (
    Asked,
    Command,
    Done,
    Execute,
    HasVersion,
    Opened,
    OpenSession,
    Put,
    RequestId,
    Told,
    Transact,
    Transaction,
    Write,
)
from physalia.store import VERSION


class Load(Protocol):
    """Some clients."""

    def first(self, clients: int) -> list[Asked]:
        """What so many clients ask for at first."""

    def next(self, request: RequestId, told: Told) -> Asked:
        """What the client asks for next that is answered this."""

    def check(self, log: list[Command]) -> None:
        """Raise `AssertionError` if this log is not what the clients asked for."""


@define
class Bare:
    """Writes of the one record that the specification knows: each succeeds if all before it did."""

    asked: int = 0

    def first(self, clients: int) -> list[Asked]:
        """The first writes."""
        return [self._write() for _ in range(clients)]

    def next(self, request: RequestId, told: Told) -> Asked:
        """The next write."""
        del request, told
        return self._write()

    def _write(self) -> Asked:
        self.asked += 1
        return Write(RequestId("client", self.asked), self.asked - 1, "a", "b")

    def check(self, log: list[Command]) -> None:
        """Everything that was asked was decided, in order."""
        numbers = [command.request.number for command in log if isinstance(command, Write)]
        assert numbers == list(range(1, len(log) + 1)), "what was answered is not what was decided"


@define
class Transactions:
    """The same as transactions: clients that each have a session, and put an item if it is as they saw it last."""

    sessions: dict[str, int] = Factory(dict)
    done: int = 0

    def first(self, clients: int) -> list[Asked]:
        """Every client opens a session."""
        return [Execute(RequestId(f"client{client}", 0), VERSION, OpenSession()) for client in range(clients)]

    def next(self, request: RequestId, told: Told) -> Asked:
        """The next transaction, on the version that the last one gave to the client's own item."""
        client = request.client
        if isinstance(told, Opened):
            self.sessions[client] = told.session
            version = 0
        else:
            assert isinstance(told, Done), told
            assert told.succeeded, told
            self.done += 1
            version = told.version
        transaction = Transaction((HasVersion(client, version),), (Put(client, self.done),))
        return Execute(RequestId(client, request.number + 1), VERSION, Transact(self.sessions[client], transaction))

    def check(self, log: list[Command]) -> None:
        """Nearly everything that was decided is a transaction that was done."""
        asked = sum(isinstance(command, Execute) and isinstance(command.body, Transact) for command in log)
        assert self.done <= asked <= self.done + 2 * len(self.sessions), "what was answered is not what was decided"
