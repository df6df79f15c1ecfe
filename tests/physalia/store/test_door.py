"""The door: what is no request or too large is refused with its name, and nothing happens."""

from typing import Any

import pytest

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
    Put,
    Refused,
    RequestId,
    Transact,
    Transaction,
    Unread,
)
from physalia.store import LIMITS, refusal

ME = RequestId("me", 1)
WIDE = "é" * 256
BIG = bytes(LIMITS.value_bytes)


def command(*operations: Any, if_: Any = (), session: Any = 1, request: Any = ME) -> Execute:
    return Execute(request, 1, Transact(session, Transaction(if_, operations)))


GOOD = [
    Execute(ME, 1, OpenSession()),
    command(Get("a")),
    command(if_=(Exists("a"),)),
    command(Put("a", 1), Delete("b"), Add("c", -1), if_=(Equals("a", b""), Absent("b"), HasVersion("c", 0))),
    command(if_=(HasType("a", "boolean"), Compare("a", "!=", value=True))),
    command(Put(WIDE, BIG)),
    command(Put("a", 2 ** (8 * LIMITS.value_bytes - 1) - 1)),
    command(*[Get("a")] * LIMITS.transaction_steps),
    command(Put("a", BIG), Put("b", bytes(LIMITS.transaction_bytes - len(BIG) - 2))),
    Execute(ME, 1, Batch(tuple((ME, Transact(session, Transaction((), (Get("a"),)))) for session in (1, 2)))),
]  # fmt: skip


@pytest.mark.parametrize("good", GOOD, ids=range(len(GOOD)))
def test_what_is_just_within_the_limits_passes(good: Execute) -> None:
    assert refusal(good) is None


def limit(name: str, size: int) -> Refused:
    return Refused("limit", name, size, getattr(LIMITS, name))


def invalid(about: str) -> Refused:
    return Refused("invalid", about)


TOO_MANY = (Get("a"),) * (LIMITS.transaction_steps + 1)
ANY: Any = None
BAD: list[tuple[Execute, Refused]] = [
    (command(), limit("transaction_steps", 0)),
    (command(*TOO_MANY), limit("transaction_steps", len(TOO_MANY))),
    (Execute(ME, 1, Transact(1, Transaction((), (), TOO_MANY))), limit("transaction_steps", len(TOO_MANY))),
    (command(Get("")), limit("key_bytes", 0)),
    (command(Get(WIDE + "a")), limit("key_bytes", 513)),
    (command(if_=(Exists(WIDE + "a"),)), limit("key_bytes", 513)),
    (command(Put("a", BIG + b"1")), limit("value_bytes", len(BIG) + 1)),
    (command(Put("a", 2 ** (8 * LIMITS.value_bytes - 1))), limit("value_bytes", len(BIG) + 1)),
    (command(Add("a", 2 ** (8 * LIMITS.value_bytes - 1))), limit("value_bytes", len(BIG) + 1)),
    (command(if_=(Equals("a", BIG + b"1"),)), limit("value_bytes", len(BIG) + 1)),
    (command(if_=(Compare("a", "<", BIG + b"1"),)), limit("value_bytes", len(BIG) + 1)),
    (command(Put("a", BIG), Put("b", BIG)), limit("transaction_bytes", 2 * len(BIG) + 2)),
    (command(Put("a", 1.5)), invalid("value")),  # type: ignore[arg-type]
    (command(Put("a", ANY)), invalid("value")),
    (command(Put("a", "text")), invalid("value")),  # type: ignore[arg-type]
    (command(if_=(Equals("a", 1.0),)), invalid("value")),  # type: ignore[arg-type]
    (command(Add("a", 1.5)), invalid("amount")),  # type: ignore[arg-type]
    (command(Add("a", amount=True)), invalid("amount")),
    (command(Get("\ud800")), invalid("key")),
    (command(Get(b"a")), invalid("key")),  # type: ignore[arg-type]
    (command(if_=(Get("a"),)), invalid("condition")),
    (command(if_=("exists",)), invalid("condition")),
    (command(Exists("a")), invalid("operation")),
    (command(if_=(Compare("a", "=", 1),)), invalid("relation")),  # type: ignore[arg-type]
    (command(if_=(Compare("a", ["<"], 1),)), invalid("relation")),  # type: ignore[arg-type]
    (command(if_=(HasType("a", "float"),)), invalid("type")),  # type: ignore[arg-type]
    (command(if_=(HasType("a", ANY),)), invalid("type")),
    (command(if_=(HasVersion("a", -1),)), invalid("version")),
    (command(if_=(HasVersion("a", version=True),)), invalid("version")),
    (command(Get("a"), session=0), invalid("request")),
    (command(Get("a"), session=2**63), invalid("request")),
    (command(Get("a"), request=RequestId("me", 0)), invalid("request")),
    (command(Get("a"), request=RequestId("me", 2**63)), invalid("request")),
    (command(Get("a"), request=RequestId(ANY, 1)), invalid("request")),
    (command(Get("a"), request=RequestId("\ud800", 1)), invalid("request")),
    (Execute(RequestId("me", -1), 1, OpenSession()), invalid("request")),
    (Execute(RequestId("me", number=True), 1, OpenSession()), invalid("request")),
    (Execute(RequestId(b"me", 1), 1, OpenSession()), invalid("request")),  # type: ignore[arg-type]
    (Execute(ME, 1, Batch(((RequestId(ANY, 1), Transact(1, Transaction((), (Get("a"),)))),))), invalid("request")),
    (command(Get("a"), request="me"), invalid("command")),
    (Execute(ME, 0, OpenSession()), invalid("command")),
    (Execute(ME, 1, Unread(b"")), invalid("command")),
    (Execute(ME, 1, ANY), invalid("command")),
    (Execute(ME, 1, Transact(1, ANY)), invalid("transaction")),
    (Execute(ME, 1, Transact(1, Transaction(ANY))), invalid("transaction")),
    (Execute(ME, 1, Transact(1, Transaction((), [Get("a")]))), invalid("transaction")),  # type: ignore[arg-type]
    (Execute(ME, 1, Batch(())), limit("batch_entries", 0)),
    (Execute(ME, 1, Batch(ANY)), invalid("batch")),
    (Execute(ME, 1, Batch((ANY,))), invalid("request")),
    (Execute(ME, 1, Batch(((ME, ANY),))), invalid("request")),
]
A_READ, A_WRITE = Transaction((), (Get("a"),)), Transaction((), (), (Put("a", 1),))
INTERACTING = [
    (Transact(1, A_READ), Transact(2, A_WRITE)),
    (Transact(1, A_WRITE), Transact(2, A_READ)),
    (Transact(1, A_WRITE), Transact(2, A_WRITE)),
    (Transact(1, A_WRITE), Transact(2, Transaction((Absent("a"),), (Put("b", 1),)))),
    (Transact(1, A_READ), Transact(1, A_READ)),
]


@pytest.mark.parametrize(("bad", "refused"), BAD, ids=range(len(BAD)))
def test_what_is_not_is_refused_by_name(bad: Execute, refused: Refused) -> None:
    assert refusal(bad) == refused


@pytest.mark.parametrize("pair", INTERACTING, ids=range(len(INTERACTING)))
def test_a_batch_whose_requests_interact_is_refused(pair: tuple[Transact, Transact]) -> None:
    assert refusal(Execute(ME, 1, Batch(tuple((ME, asked) for asked in pair)))) == Refused("interacting", "batch")


def test_a_batch_beyond_the_limit_is_refused() -> None:
    entries = tuple((ME, Transact(session, A_READ)) for session in range(1, LIMITS.batch_entries + 2))
    assert refusal(Execute(ME, 1, Batch(entries[:-1]))) is None
    assert refusal(Execute(ME, 1, Batch(entries))) == limit("batch_entries", len(entries))


def test_every_limit_of_the_door_is_crossed() -> None:
    crossed = {refused.about for _, refused in BAD if refused.fault == "limit"}
    assert crossed == {"key_bytes", "value_bytes", "transaction_steps", "transaction_bytes", "batch_entries"}
