"""Charters: one encoding of each, no record that is taken for one, and not much of a disk for any."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.model import Charter, Homes
from physalia.wire import (
    CodecError,
    decode_charter,
    decode_homes,
    decode_record,
    encode_charter,
    encode_homes,
    encode_record,
    is_charter,
    is_homes,
    record_kind,
)
from physalia.wire.charters import TAG
from physalia.wire.codec import RECORD
from physalia.wire.limits import MAX_ALPHA, MAX_HOMES, MAX_MEMBERS, MAX_NATURAL
from tests.physalia.wire.test_codec import RECORDS, SLOTS

BYTES_OF_SEVEN = 80


@st.composite
def charters(draw: st.DrawFn) -> Charter:
    homes = draw(st.dictionaries(SLOTS, SLOTS, min_size=1, max_size=9))
    members = draw(st.sets(st.sampled_from(sorted(homes)), min_size=1))
    return Charter(frozenset(members), draw(st.integers(1, MAX_ALPHA)), tuple(sorted(homes.items())))


@given(charters())
def test_what_is_kept_comes_back(charter: Charter) -> None:
    data = encode_charter(charter)
    assert is_charter(data)
    assert decode_charter(data) == charter
    with pytest.raises(CodecError):
        decode_record(data)


@given(charters(), st.data())
def test_changed_bytes_are_another_charter_or_an_error(charter: Charter, data: st.DataObject) -> None:
    changed = bytearray(encode_charter(charter))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_charter(bytes(changed))
    except CodecError:
        return
    assert other != charter
    assert encode_charter(other) == changed


HOMES = st.dictionaries(SLOTS, SLOTS, max_size=9).map(lambda homes: Homes(tuple(sorted(homes.items()))))


@given(HOMES, st.data())
def test_where_nodes_live_comes_back_and_is_neither_charter_nor_record(homes: Homes, data: st.DataObject) -> None:
    kept = encode_homes(homes)
    assert is_homes(kept)
    assert not is_charter(kept)
    assert decode_homes(kept) == homes
    assert record_kind(kept) is None
    changed = bytearray(kept)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_homes(bytes(changed))
    except CodecError:
        return
    assert other != homes


def test_of_so_many_nodes_it_is_known_where_they_live_and_of_no_more() -> None:
    most = tuple((node, 1) for node in range(1, MAX_HOMES + 1))
    assert decode_homes(encode_homes(Homes(most))) == Homes(most)
    with pytest.raises(CodecError):
        encode_homes(Homes((*most, (MAX_HOMES + 1, 1))))


@given(RECORDS)
def test_no_record_is_taken_for_a_charter(record: object) -> None:
    data = encode_record(record)  # type: ignore[arg-type]
    assert not is_charter(data)
    assert not is_homes(data)
    with pytest.raises(CodecError):
        decode_charter(data)


def test_the_tag_is_none_of_a_record() -> None:
    assert TAG not in RECORD.by_tag


def test_the_charter_of_seven_nodes_is_short() -> None:
    nodes = range(MAX_NATURAL - 6, MAX_NATURAL + 1)
    seven = Charter(frozenset(nodes), 3, tuple((node, server) for server, node in enumerate(nodes, start=1)))
    assert len(encode_charter(seven)) <= BYTES_OF_SEVEN


@pytest.mark.parametrize(
    "wrong",
    [
        Charter(frozenset(), 3, ((1, 1),)),
        Charter(frozenset({2}), 3, ((1, 1),)),
        Charter(frozenset({1}), 0, ((1, 1),)),
        Charter(frozenset({1}), MAX_ALPHA + 1, ((1, 1),)),
        Charter(frozenset({1}), 3, ((1, 0),)),
        Charter(frozenset({1}), 3, ((2, 1), (1, 1))),
        Charter(frozenset({1}), 3, tuple((node, 1) for node in range(1, MAX_MEMBERS + 2))),
    ],
)
def test_what_cannot_be_is_not_encoded(wrong: Charter) -> None:
    with pytest.raises(CodecError):
        encode_charter(wrong)


@pytest.mark.parametrize(
    "plain",
    [
        [TAG, 3, [1, 2], [1], []],
        [TAG, 3, [1, 2], [1, 2], [0, 1]],
        [TAG, 3, [1, 2], [1, 2], [2]],
        [TAG, 3, [2, 1], [1, 2], []],
        [TAG, True, [1], [1], []],
        [TAG, 3, [], [], []],
        [TAG, 3, [1], [1]],
        [6, 3, [1], [1], []],
        7,
    ],
)
def test_what_cannot_be_is_not_decoded(plain: object) -> None:
    with pytest.raises(CodecError):
        decode_charter(msgspec.msgpack.encode(plain))
