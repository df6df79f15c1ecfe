"""The world of a contest: processes that want one lock, their clocks, one store, and everything between them.

A contest decides nothing. Whose clock goes how far, who looks, asks, asks again, gives the lock back or restarts, which
question reaches the store, how often, and which answer arrives: each is an event, and each is judged.

Each process does one thing after the other, as a client library does: it looks, asks or gives back, and until it hears
an answer it may only repeat. What it repeats, and what it sent in a former life, may reach the store at any time.
"""

from collections.abc import Sequence

from attrs import Factory, define

from physalia.lease import Contender, Record, read_record
from physalia.model import (
    Done,
    Execute,
    Get,
    Item,
    Opened,
    OpenSession,
    Put,
    RequestId,
    Slot,
    Transact,
    Transaction,
)
from physalia.store import VERSION, Store

KEY = "lock"
TICK_NS = 1_000_000
"""What one step of the specification's time is by a clock."""
LOOK = Transaction(then=(Get(KEY),))


@define
class Process:
    """One process: its contender, its clock, which goes on through all lives, and its session.

    `request` is the one that waits for an answer: a question that has no answer is asked again under its number.
    """

    name: int
    length: int
    contender: Contender
    clock_ns: int
    life: int = 0
    session: Slot = 0
    number: int = 0
    request: Execute | None = None


@define
class Contest:
    """The processes want the lock for so many ticks each; clocks show different times in the beginning."""

    processes: dict[int, Process]
    store: Store = Factory(Store)
    slot: Slot = 0
    versions: list[Slot] = Factory(list)
    """In which slot the record came to be what it is, each time that it changed."""
    questions: list[Execute] = Factory(list)
    answers: list[tuple[Execute, Item | None]] = Factory(list)
    """What was answered, and is under way: the request, and what it said of the record."""

    @classmethod
    def of(cls, lengths: Sequence[int], clocks_ns: Sequence[int]) -> "Contest":
        """A contest for a lock that nobody ever held."""
        contest = cls({})
        for name, (length, clock_ns) in enumerate(zip(lengths, clocks_ns, strict=True), start=1):
            process = Process(name, length, contender(name, 0, length), clock_ns)
            contest.processes[name] = process
            contest._begin_session(process)
        return contest

    def _begin_session(self, process: Process) -> None:
        client = f"{process.name}-{process.life}"
        opened = self.store.apply(self._next(), Execute(RequestId(client, 1), VERSION, OpenSession()))
        assert isinstance(opened, Opened)
        process.session, process.number, process.request = opened.session, 1, None

    def _next(self) -> Slot:
        self.slot += 1
        return self.slot

    def noise(self) -> None:
        """Somebody changes something else: versions of the record are slots, and others take slots too."""
        who = RequestId("noise", self.slot + 1)
        opened = self.store.apply(self._next(), Execute(who, VERSION, OpenSession()))
        assert isinstance(opened, Opened)
        put = Transact(opened.session, Transaction(then=(Put("other", self.slot),)))
        self.store.apply(self._next(), Execute(RequestId("noise", self.slot + 1), VERSION, put))

    def send(self, process: Process, transaction: Transaction) -> None:
        """The process asks this, as its next request."""
        process.number += 1
        client = f"{process.name}-{process.life}"
        body = Transact(process.session, transaction)
        process.request = Execute(RequestId(client, process.number), VERSION, body)
        self.questions.append(process.request)

    def send_again(self, process: Process) -> None:
        """The process sends its open request again, the very same."""
        assert process.request is not None
        self.questions.append(process.request)

    def arrive(self, question: Execute) -> bool:
        """A question reaches the store, and is answered. Whether the record changed."""
        before = self.store.items.now.get(KEY)
        reply = self.store.apply(self._next(), question)
        after = self.store.items.now.get(KEY)
        if before != after:
            self.versions.append(self.slot)
        if isinstance(reply, Done):
            said = reply.results[0] if reply.succeeded else reply.failed[0].saw
            self.answers.append((question, said))
        return before != after

    def restart(self, process: Process) -> None:
        """The process forgets everything but what time it is. What it sent is still under way."""
        process.life += 1
        process.contender = contender(process.name, process.life, process.length)
        self._begin_session(process)

    def wants(self, question: Execute) -> Record | None:
        """The record that a question wants to make; None for one that only looks."""
        assert isinstance(question.body, Transact)
        match question.body.transaction.then:
            case (Put(_, data),):
                return read_record(KEY, Item(data, 1))
        return None


def contender(name: int, life: int, length: int) -> Contender:
    """A contender of a process in one life."""
    return Contender(KEY, f"{name}-{life}", length * TICK_NS)
