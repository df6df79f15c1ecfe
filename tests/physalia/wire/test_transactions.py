"""The format of what the store is asked for: one encoding, and nothing that cannot be carried."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Delete,
    Done,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    Opened,
    OpenSession,
    Put,
    Refused,
    Replies,
    RequestId,
    Transact,
    Transaction,
    Unread,
)
from physalia.store import LIMITS, Store
from physalia.wire import CodecError, decode_command, decode_reply, encode_command, encode_told
from physalia.wire.transactions import MOST_REMEMBERED, MOST_REMEMBERED_BYTES, Nested
from tests.physalia.store.random_logs import random_log
from tests.physalia.store.strategies import SMALL, transactions

ME = RequestId("me", 1)
INTEGERS = [0, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**64, 2**4000, -(2**4000)]


def asks(*operations: Any, if_: Any = ()) -> Execute:
    return Execute(ME, 1, Transact(7, Transaction(if_, operations)))


def body(command: Execute) -> Any:
    """The plain form of the command, with its body taken apart."""
    tag, request, version, data = msgspec.msgpack.decode(encode_command(command))
    return [tag, request, version, msgspec.msgpack.decode(data)]


@pytest.mark.parametrize(
    ("command", "plain"),
    [
        (Execute(ME, 1, OpenSession()), [5, ["me", 1], 1, [1]]),
        (asks(), [5, ["me", 1], 1, [2, 7, [[], [], []]]]),
        (
            asks(Put("a", value=True), Delete("b"), Add("c", -1), Get("d")),
            [5, ["me", 1], 1, [2, 7, [[], [[1, "a", True], [2, "b"], [3, "c", -1], [4, "d"]], []]]],
        ),
        (
            asks(if_=(Equals("a", b"x"), Exists("a"), Absent("a"), HasType("a", "bytes"), Compare("a", "<=", 1))),
            [5, ["me", 1], 1, [2, 7, [[[1, "a", b"x"], [2, "a"], [3, "a"], [4, "a", "bytes"], [5, "a", "<=", 1]],
                                      [], []]]],
        ),
        (asks(if_=(HasVersion("a", 0),)), [5, ["me", 1], 1, [2, 7, [[[6, "a", 0]], [], []]]]),
        (asks(Put("a", 2**64)), [5, ["me", 1], 1, [2, 7, [[], [[1, "a", [b"\x01" + bytes(8)]]], []]]]),
        (
            Execute(ME, 1, Batch(((ME, Transact(7, Transaction())),))),
            [5, ["me", 1], 1, [3, [[["me", 1], [7, [[], [], []]]]]]],
        ),
    ],
    ids=range(7),
)  # fmt: skip
def test_the_format_is_what_it_was(command: Execute, plain: object) -> None:
    assert body(command) == plain
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize("number", INTEGERS)
def test_integers_of_any_size_come_back(number: int) -> None:
    command = asks(Put("a", number), Add("a", number), if_=(Compare("a", "!=", number),))
    assert decode_command(encode_command(command)) == command


@settings(max_examples=60, deadline=None)
@given(st.builds(Execute, st.just(ME), st.integers(1, 9), st.builds(Transact, st.integers(1, 2**62), transactions)))
def test_bodies_come_back(command: Execute) -> None:
    assert decode_command(encode_command(command)) == command


def test_types_come_back() -> None:
    for value in (True, 1, b"1", False, 0, b""):
        back = decode_command(encode_command(asks(Put("a", value))))
        assert isinstance(back, Execute)
        assert isinstance(back.body, Transact)
        (put,) = back.body.transaction.then
        assert isinstance(put, Put)
        assert type(put.value) is type(value)


UNREADABLE = [
    b"",
    b"\x01",
    msgspec.msgpack.encode([9, "what comes yet"]),
    msgspec.msgpack.encode([2, 7, [[], [[9, "a"]], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[1, "a", 1.5]], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[1, "", 1]], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[3, "a", True]], []]]),
    msgspec.msgpack.encode([2, 7, [[[5, "a", "=", 1]], [], []]]),
    msgspec.msgpack.encode([2, 7, [[[4, "a", "float"]], [], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[1, "a", [b"\x01"]]], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[1, "a", 2**63]], []]]),
    msgspec.msgpack.encode([2, 7, [[], [[4, "a"]] * (LIMITS.transaction_steps + 1), []]]),
    msgspec.msgpack.encode([3, [[["me", 1]]]]),
    msgspec.msgpack.encode([1]) + b"\x01",
    b"\xdc\x00\x01\x01",
    b"\x91" * 5000,
]


@pytest.mark.parametrize("data", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_carried_as_it_is(data: bytes) -> None:
    command = Execute(ME, 1, Unread(data))
    plain = msgspec.msgpack.encode([5, ["me", 1], 1, data])
    assert encode_command(command) == plain
    assert decode_command(plain) == command


@pytest.mark.parametrize(
    "plain",
    [
        [5, ["me", 1], 1, [1]],
        [5, ["me", 1], 0, b"\x91\x01"],
        [5, ["me", 1], 1],
        [5, ["me", -1], 1, b"\x91\x01"],
        [5, ["me", 1], True, b"\x91\x01"],
    ],
)
def test_what_is_no_command_is_refused(plain: object) -> None:
    with pytest.raises(CodecError):
        decode_command(msgspec.msgpack.encode(plain))


ANY: Any = None


@pytest.mark.parametrize(
    "command",
    [
        asks(Put("a", 1.5)),  # type: ignore[arg-type]
        asks(Put("", 1)),
        asks(Put("\ud800", 1)),
        asks(Add("a", amount=True)),
        asks(if_=[Exists("a")]),
        asks(if_=(HasType("a", "float"),)),  # type: ignore[arg-type]
        Execute(ME, 1, ANY),
        Execute(ME, 1, Batch(((ANY, ANY),))),
        Execute(ME, 1, Transact(0, Transaction())),
    ],
    ids=range(9),
)
def test_what_is_beyond_the_format_is_not_encoded(command: Execute) -> None:
    with pytest.raises(CodecError):
        encode_command(command)


def test_replies_come_back_and_have_one_encoding() -> None:
    kinds = set()
    for seed in range(8):
        store = Store(SMALL)
        for slot, command in enumerate(random_log(Random(seed), 60), start=1):
            reply = store.apply(slot, command)
            data = encode_told(reply)
            assert decode_reply(data) == reply
            for place in range(len(data)):
                with pytest.raises(CodecError):
                    decode_reply(data[:place])
            kinds.add(type(reply))
    assert kinds == {Opened, Done, Refused, Replies}


def test_damaged_bytes_are_refused_or_say_something_else() -> None:
    """Whatever the bytes are, they are no command, or one that has exactly these bytes."""
    random, readable, refused = Random(5), 0, 0
    for command in random_log(random, 150):
        data = bytearray(encode_command(command))
        for _ in range(10):
            data[random.randrange(len(data))] = random.getrandbits(8)
            try:
                back = decode_command(bytes(data))
            except CodecError:
                refused += 1
            else:
                assert encode_command(back) == data
                readable += 1
    assert min(readable, refused) > 100


def test_a_body_that_was_read_is_remembered_for_a_while_if_it_is_short() -> None:
    """Whoever reads the same again is given the same, and what it says is not written anew."""
    nested, packed = Nested(), Nested()
    data = [packed.pack(asks(Put("a", number)).body) for number in range(MOST_REMEMBERED + 1)]
    first = nested.unpack(data[0])
    assert nested.unpack(data[0]) is first
    assert nested.pack(first) is data[0]
    other = asks(Put("a", 0)).body
    assert other == first
    assert nested.pack(other) == data[0]
    assert nested.pack(other) is not data[0], "it was never read"
    for one in data[1:]:
        nested.unpack(one)
    again = nested.unpack(data[0])
    assert again == first
    assert again is not first, "it is remembered for ever"
    assert nested.pack(first) == data[0]
    long = packed.pack(asks(Put("a", bytes(MOST_REMEMBERED_BYTES))).body)
    assert nested.unpack(long) is not nested.unpack(long)
