"""Every frame is believed once, in its place, as it was made; what else comes changes nothing and leaves nothing."""

import random
import struct
import tracemalloc
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.transport import CLIENT, Session
from physalia.transport.frames import HEAD_BYTES, TAG_BYTES, Opener, Sealer
from physalia.transport.limits import MAX_BODY_BYTES
from tests.physalia.transport.pairs import Pair, open_pair, pair, refusal, said


@given(st.lists(st.binary(max_size=100), max_size=20), st.integers(1, 50))
def test_messages_arrive_in_whatever_pieces_the_bytes_come(messages: list[bytes], size: int) -> None:
    made = open_pair()
    for message in messages:
        made.dialer.outbox.put(message)
        made.answerer.outbox.put(message)
    for sender, receiver in ((made.dialer, made.answerer), (made.answerer, made.dialer)):
        data = said(sender)
        pieces = [data[place : place + size] for place in range(0, len(data), size)]
        assert [message for piece in pieces for message in receiver.receive(piece)] == messages
        assert not receiver.is_inside


def test_nothing_is_sealed_before_the_other_side_is_known() -> None:
    made = pair()
    made.dialer.outbox.put(b"secret")
    assert b"secret" not in said(made.dialer)
    made.answerer.outbox.put(b"secret")
    assert said(made.answerer) == b""


def frame_of(sender: Session, message: bytes = b"write it down") -> bytes:
    sender.outbox.put(message)
    return said(sender)


def test_every_bit_of_a_frame_counts() -> None:
    """A length that is too long makes the receiver wait, and then the MAC is wrong."""
    frame = frame_of(open_pair().dialer)
    for bit in range(8 * len(frame)):
        changed = bytearray(frame)
        changed[bit // 8] ^= 1 << bit % 8
        receiver = open_pair().answerer
        assert refusal(receiver, bytes(changed) + bytes(MAX_BODY_BYTES + 1)) in ("mac", "oversized"), f"bit {bit}"


def test_a_frame_is_believed_once() -> None:
    made = open_pair()
    frame = frame_of(made.dialer)
    assert made.answerer.receive(frame) == [b"write it down"]
    assert refusal(made.answerer, frame) == "mac"


def test_a_frame_that_is_left_out_or_comes_too_early_is_missed() -> None:
    made = open_pair()
    first, second = frame_of(made.dialer), frame_of(made.dialer)
    assert first != second
    assert refusal(made.answerer, second) == "mac"


def test_a_frame_means_nothing_on_another_connection_nor_after_a_restart() -> None:
    """The same keys, the same servers, the same place in the connection: only the nonces are others."""
    assert refusal(open_pair(seed=2).answerer, frame_of(open_pair(seed=1).dialer)) == "mac"


def test_a_frame_means_nothing_to_who_said_it() -> None:
    made = open_pair()
    assert refusal(made.dialer, frame_of(made.dialer)) == "mac"


def test_a_length_beyond_the_limit_is_refused_before_anything_of_it_came() -> None:
    receiver = open_pair().answerer
    assert refusal(receiver, struct.pack(">I", MAX_BODY_BYTES + 1) + bytes(TAG_BYTES)) == "oversized"
    longest = Opener(b"k")
    assert longest.open(bytearray(Sealer(b"k").seal(bytes(MAX_BODY_BYTES)))) == [bytes(MAX_BODY_BYTES)]


def test_an_end_in_the_middle_is_seen() -> None:
    made = open_pair()
    frame = frame_of(made.dialer)
    made.answerer.receive(frame[:-1])
    assert made.answerer.is_inside


# Floods


def garbage(rng: random.Random, _frames: list[bytes]) -> bytes:
    return rng.randbytes(rng.randrange(HEAD_BYTES + 1, 400))


def truncated(rng: random.Random, frames: list[bytes]) -> bytes:
    return frames[0][: rng.randrange(len(frames[0]))] + frames[1]


def bit_flipped(rng: random.Random, frames: list[bytes]) -> bytes:
    changed = bytearray(frames[0])
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replayed(rng: random.Random, frames: list[bytes]) -> bytes:
    return frames[0] + frames[0]


def out_of_order(rng: random.Random, frames: list[bytes]) -> bytes:
    return frames[1]


def of_another_connection(rng: random.Random, frames: list[bytes]) -> bytes:
    return frame_of(open_pair(seed=rng.randrange(1, 1 << 30)).dialer)


def of_another_key(rng: random.Random, frames: list[bytes]) -> bytes:
    return Sealer(rng.randbytes(32)).seal(frames[0][HEAD_BYTES:])


def oversized(rng: random.Random, frames: list[bytes]) -> bytes:
    return struct.pack(">I", rng.randrange(MAX_BODY_BYTES + 1, 2**32)) + rng.randbytes(200)


def of_a_clients_connection(rng: random.Random, frames: list[bytes]) -> bytes:
    return frame_of(open_pair(own=CLIENT).dialer)


ATTACKS: list[Callable[[random.Random, list[bytes]], bytes]] = [
    garbage,
    truncated,
    bit_flipped,
    replayed,
    out_of_order,
    of_another_connection,
    of_another_key,
    oversized,
    of_a_clients_connection,
]
FLOOD_BYTES = 1 << 19
"""What a flood may leave behind in memory: a few buffers, whatever its length."""


def flood(count: int, make: Callable[[], Pair]) -> Counter[str]:
    """Attack so many fresh connections; return why each attack was refused."""
    rng, kinds = random.Random(7), Counter[str]()
    for number in range(count):
        made = make()
        frames = [frame_of(made.dialer, b"one"), frame_of(made.dialer, b"two")]
        receiver = made.answerer
        attack = ATTACKS[number % len(ATTACKS)]
        data = attack(rng, frames) + bytes(MAX_BODY_BYTES)  # whoever waits for more gets more
        kinds[f"{attack.__name__}: {refusal(receiver, data)}"] += 1
        assert receiver.outgoing() == b"", "a word was said"
    return kinds


def check_flood(count: int) -> None:
    flood(len(ATTACKS), open_pair)  # whatever is made once
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kinds = flood(count, open_pair)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < FLOOD_BYTES
    assert sum(kinds.values()) == count
    seen = {attack.__name__: {kind for kind in kinds if kind.startswith(f"{attack.__name__}: ")} for attack in ATTACKS}
    assert all(seen.values())
    refused = {"mac", "oversized"}
    assert {kind.partition(": ")[2] for kind in kinds} == refused
    assert seen["oversized"] == {"oversized: oversized"}
    assert seen["replayed"] == {"replayed: mac"}


def test_a_flood_of_wrong_frames_is_refused_and_leaves_nothing() -> None:
    check_flood(2_000)


@pytest.mark.slow
def test_a_hundred_thousand_wrong_frames_are_refused_and_leave_nothing() -> None:
    check_flood(100_000)


def test_strangers_get_no_word() -> None:
    """Whatever comes instead of a hello: nothing is answered, and no more is kept than one hello."""
    rng, kinds = random.Random(5), Counter[str]()
    hello = said(pair(seed=3).dialer)
    for number in range(2_000):
        receiver = pair(seed=number).answerer
        changed = bytearray(hello)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        data = bytes(changed) if number % 2 else rng.randbytes(rng.randrange(len(hello), 5000))
        kinds[refusal(receiver, data)] += 1
        assert receiver.outgoing() == b""
    assert {"garbage", "mac", "key"} <= kinds.keys()
    assert "" not in kinds
