"""What clients ask of the store: transactions on few keys, in few sessions, so that everything meets everything."""

from collections.abc import Iterable
from random import Random

from physalia.model import (
    Absent,
    Add,
    Batch,
    Command,
    Compare,
    Condition,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
    Operation,
    Put,
    RequestId,
    Slot,
    Transact,
    Transaction,
    Value,
)
from physalia.store import VERSION, batches

KEYS = ("a", "b", "é")
HALF = 0.5
OPENING = 10_000
"""The number of the request that opens a session: no other one has it."""
NEVER = 10_000
"""A session that nobody opened, and that no run gets far enough to open."""


def request(random: Random, log: Iterable[Command], asked: Iterable[object]) -> Execute | None:
    """The next command of a client that knows this log, and what was asked before; None while a session is opened."""
    opened = [
        (command.request.client, slot)
        for slot, command in enumerate(log, start=1)
        if isinstance(command, Execute) and opens_a_session(command)
    ]
    before = [command for command in asked if isinstance(command, Execute)]
    opening = [command for command in before if opens_a_session(command)]
    if not opened and opening and len(before) % 4:
        return None
    kind = random.choice(("open", "open", *12 * ("do",), "batch", "batch", "again", "again")) if opened else "open"
    if kind == "open":
        return Execute(RequestId(f"client{len(before)}", OPENING), VERSION, OpenSession())
    done = [command for command in log if isinstance(command, Execute) and isinstance(command.body, Transact)]
    if kind == "again" and done:
        return random.choice(done[-2:])
    if kind == "batch":
        some = [_transact(random, opened, before) for _ in range(3)]
        entries = max(batches(some, most=3), key=len)
        return Execute(RequestId("batcher", len(before)), VERSION, Batch(entries))
    who, what = _transact(random, opened, before)
    return Execute(who, VERSION, what)


def opens_a_session(command: Command) -> bool:
    """Whether the command opens a session."""
    return isinstance(command, Execute) and isinstance(command.body, OpenSession)


def _transact(random: Random, opened: list[tuple[str, Slot]], before: list[Execute]) -> tuple[RequestId, Transact]:
    """A request in one of the last sessions, whose number is mostly the next one."""
    client, session = random.choice(
        [*4 * opened[-3:], *6 * opened[-2:-1], *opened, ("stranger", NEVER), ("stranger", opened[-1][1])]
    )
    used = [number for command in before for number in _numbers(command, session)]
    number = max(1, max(used, default=0) + random.choice((1, 1, 1, 1, 1, 2, 0, -1)))
    return RequestId(client, number), Transact(session, _transaction(random))


def _numbers(command: Execute, session: Slot) -> list[int]:
    match command.body:
        case Transact(at) if at == session:
            return [command.request.number]
        case Batch(entries):
            return [who.number for who, asked in entries if asked.session == session]
    return []


def _transaction(random: Random) -> Transaction:
    conditions = tuple(_condition(random) for _ in range(random.choice((0, 1))))
    then = tuple(_operation(random) for _ in range(random.choice((1, 2, 4, 6))))
    return Transaction(conditions, then, tuple(_operation(random) for _ in range(random.choice((0, 1)))))


def _value(random: Random) -> Value:
    return random.choice(
        (
            True,
            1,
            random.random() < HALF,
            random.randint(-1, 1),
            2**23 - 1,
            2**23 - 1,
            random.randbytes(random.randint(0, 3)),
        )
    )


def _condition(random: Random) -> Condition:
    key = random.choice(KEYS)
    return random.choice(
        (
            Equals(key, _value(random)),
            Equals(key, value=True),
            Equals(key, 1),
            Equals(key, 1),
            Exists(key),
            Absent(key),
            HasType(key, random.choice(("bytes", "integer", "boolean"))),
            Compare(key, random.choice(("<", "<=", ">", ">=", "!=")), _value(random)),
            HasVersion(key, random.choice((0, random.randint(1, 9)))),
        )
    )


def _operation(random: Random) -> Operation:
    key = random.choice(KEYS)
    return random.choice(
        (Put(key, _value(random)), Put(key, _value(random)), Delete(key), Add(key, random.choice((-1, 1, 2**22))),
         Get(key), Get(key))
    )  # fmt: skip
