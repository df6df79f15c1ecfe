"""Messages arrive as they were put in; short ones overtake long ones, and neither lane starves the other."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.transport import Refused
from physalia.transport.lanes import Inbox, Outbox
from physalia.transport.limits import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_WHOLE_BYTES

SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from(
        [MAX_WHOLE_BYTES - 1, MAX_WHOLE_BYTES, MAX_WHOLE_BYTES + 1, MAX_BODY_BYTES, 3 * MAX_BODY_BYTES + 7]
    ),
)


def bodies(outbox: Outbox) -> list[bytes]:
    made = []
    while outbox:
        made.append(outbox.body())
    return made


def message(number: int, size: int) -> bytes:
    return struct.pack(">I", number) + bytes(size)


@given(st.lists(SIZES, max_size=30))
def test_what_is_put_in_comes_out_in_the_order_of_its_lane(sizes: list[int]) -> None:
    outbox, inbox = Outbox(), Inbox()
    messages = [message(number, size) for number, size in enumerate(sizes)]
    assert all(outbox.put(one) for one in messages)
    made = bodies(outbox)
    assert all(0 < len(body) <= MAX_BODY_BYTES for body in made)
    out = [one for body in made for one in inbox.take(body)]
    for is_short in (True, False):
        assert [one for one in out if (len(one) <= MAX_WHOLE_BYTES) == is_short] == [
            one for one in messages if (len(one) <= MAX_WHOLE_BYTES) == is_short
        ]


def test_a_short_message_leaves_with_the_next_body_although_a_long_one_waits() -> None:
    outbox, inbox = Outbox(), Inbox()
    outbox.put(bytes(MAX_MESSAGE_BYTES))
    assert inbox.take(outbox.body()) == []
    outbox.put(b"now")
    assert inbox.take(outbox.body()) == [b"now"]


def test_a_long_message_goes_on_although_short_ones_never_end() -> None:
    outbox, inbox = Outbox(), Inbox()
    long = bytes(10 * MAX_BODY_BYTES)
    outbox.put(long)
    for _ in range(25):
        for _ in range(20):
            outbox.put(bytes(MAX_WHOLE_BYTES))
        if long in inbox.take(outbox.body()):
            break
    else:
        pytest.fail("the long message starves")


def test_a_full_lane_drops_and_counts_while_the_other_has_room() -> None:
    outbox = Outbox(limit_bytes=3 * MAX_WHOLE_BYTES)
    assert [outbox.put(bytes(MAX_WHOLE_BYTES)) for _ in range(4)] == [True, True, True, False]
    assert outbox.dropped == 1
    assert outbox.put(bytes(MAX_BODY_BYTES))  # the first of a lane, however long
    assert not outbox.put(bytes(MAX_BODY_BYTES))
    bodies(outbox)
    assert outbox.put(bytes(MAX_WHOLE_BYTES))


def test_the_longest_message_passes_and_no_longer_one() -> None:
    outbox, inbox = Outbox(), Inbox()
    longest = bytes(MAX_MESSAGE_BYTES)
    assert outbox.put(longest)
    with pytest.raises(ValueError, match="at most"):
        outbox.put(longest + b"x")
    assert [one for body in bodies(outbox) for one in inbox.take(body)] == [longest]


PART, LAST = (struct.pack(">BI", kind, 3) + b"abc" for kind in (2, 3))


@pytest.mark.parametrize(
    "body",
    [
        b"\x01",
        struct.pack(">BI", 1, 4) + b"abc",
        struct.pack(">BI", 1, 2**32 - 1) + b"abc",
        struct.pack(">BI", 0, 3) + b"abc",
        struct.pack(">BI", 4, 3) + b"abc",
        struct.pack(">BI", 2, 0),
        struct.pack(">BI", 3, 0),
        PART + b"\x01",
    ],
)
def test_what_no_outbox_makes_is_malformed(body: bytes) -> None:
    with pytest.raises(Refused, match="malformed"):
        Inbox().take(body)


def test_parts_without_end_are_oversized() -> None:
    inbox = Inbox()
    part = struct.pack(">BI", 2, MAX_BODY_BYTES) + bytes(MAX_BODY_BYTES)
    for _ in range(MAX_MESSAGE_BYTES // MAX_BODY_BYTES):
        inbox.take(part)
    with pytest.raises(Refused, match="oversized"):
        inbox.take(struct.pack(">BI", 3, 1) + b"x")
