"""The codec: one encoding of a value, and one error for everything else."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from physalia.model import (
    Accepted,
    Ask,
    Ballot,
    Change,
    Decision,
    Echo,
    Entry,
    Envelope,
    HowFar,
    Known,
    Learned,
    Left,
    NoOp,
    Origin,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Read,
    Refusal,
    Report,
    RequestId,
    Round,
    Stopped,
    UsedBallot,
    Vote,
    Write,
)
from physalia.wire import (
    CodecError,
    decode_command,
    decode_entry,
    decode_envelope,
    decode_message,
    decode_record,
    encode_command,
    encode_entry,
    encode_envelope,
    encode_message,
    encode_record,
)
from physalia.wire.limits import MAX_ENCODED_BYTES, MAX_MEMBERS, MAX_NATURAL, MAX_REPORTS, MAX_TEXT_CHARACTERS
from physalia.wire.shapes import Many, Natural, Row

COUNTS = st.integers(0, 300) | st.integers(0, MAX_NATURAL)
SLOTS = st.integers(1, 300) | st.integers(1, MAX_NATURAL)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT_CHARACTERS)
BALLOTS = st.builds(Ballot, SLOTS, SLOTS)
REQUESTS = st.builds(RequestId, TEXTS, COUNTS)
COMMANDS = st.one_of(
    st.builds(Write, REQUESTS, COUNTS, TEXTS, TEXTS),
    st.builds(Read, REQUESTS),
    st.builds(Change, REQUESTS, COUNTS, st.frozensets(SLOTS, min_size=1, max_size=MAX_MEMBERS)),
    st.just(NoOp()),
)
REPORTS = st.lists(st.builds(Report, SLOTS, BALLOTS, COMMANDS), max_size=4, unique_by=lambda report: report.slot).map(
    lambda reports: tuple(sorted(reports, key=lambda report: report.slot))
)
MESSAGES = st.one_of(
    st.builds(Prepare, BALLOTS, COUNTS),
    st.builds(Promise, BALLOTS, SLOTS, REPORTS, COUNTS),
    st.builds(Proposal, BALLOTS, SLOTS, COMMANDS),
    st.builds(Vote, BALLOTS, SLOTS, SLOTS),
    st.builds(Decision, SLOTS, COMMANDS),
    st.builds(Ask, COUNTS),
    st.builds(Refusal, BALLOTS, BALLOTS),
    st.builds(Round, BALLOTS, SLOTS),
    st.builds(Echo, BALLOTS, SLOTS, SLOTS),
    st.just(HowFar()),
    st.builds(Learned, COUNTS),
)
RECORDS = st.one_of(
    st.builds(UsedBallot, BALLOTS),
    st.builds(Promised, BALLOTS),
    st.builds(Accepted, BALLOTS, SLOTS, COMMANDS),
    st.builds(Known, SLOTS, COMMANDS),
    st.builds(Stopped, SLOTS, TEXTS),
    st.builds(Left, COUNTS, st.frozensets(SLOTS, min_size=1, max_size=MAX_MEMBERS)),
)
ORIGINS = st.builds(Origin, SLOTS, SLOTS, SLOTS)
ENVELOPES = st.builds(Envelope, ORIGINS, SLOTS, MESSAGES)
ENTRIES = st.builds(Entry, ORIGINS, RECORDS)

DECODERS: list[tuple[Callable[[Any], bytes], Callable[[bytes], object]]] = [
    (encode_message, decode_message),
    (encode_record, decode_record),
    (encode_command, decode_command),
    (encode_envelope, decode_envelope),
    (encode_entry, decode_entry),
]

B = Ballot(1, 2)
WRITE = Write(RequestId("c", 7), 0, "p", "r")
PLAIN_WRITE = [1, ["c", 7], 0, "p", "r"]
GOLDEN = [
    (encode_message, Prepare(B, 3), [1, [1, 2], 3]),
    (encode_message, Promise(B, 2, (Report(4, B, WRITE),), 0), [2, [1, 2], 2, [[4, [1, 2], PLAIN_WRITE]], 0]),
    (encode_message, Proposal(B, 5, WRITE), [3, [1, 2], 5, PLAIN_WRITE]),
    (encode_message, Vote(B, 5, 3), [4, [1, 2], 5, 3]),
    (encode_message, Decision(5, NoOp()), [5, 5, [4]]),
    (encode_message, Ask(6), [6, 6]),
    (encode_message, Refusal(B, Ballot(3, 4)), [7, [1, 2], [3, 4]]),
    (encode_message, Round(B, 5), [8, [1, 2], 5]),
    (encode_message, Echo(B, 5, 3), [9, [1, 2], 5, 3]),
    (encode_message, HowFar(), [12]),
    (encode_message, Learned(5), [13, 5]),
    (encode_record, Left(2, frozenset({3, 1})), [8, 2, [1, 3]]),
    (encode_record, UsedBallot(B), [1, [1, 2]]),
    (encode_record, Promised(B), [2, [1, 2]]),
    (encode_record, Accepted(B, 5, WRITE), [3, [1, 2], 5, PLAIN_WRITE]),
    (encode_record, Known(5, WRITE), [4, 5, PLAIN_WRITE]),
    (encode_record, Stopped(3, "its use"), [5, 3, "its use"]),
    (encode_command, WRITE, PLAIN_WRITE),
    (encode_command, Read(RequestId("c", 7)), [2, ["c", 7]]),
    (encode_command, Change(RequestId("c", 7), 8, frozenset({9, 3})), [3, ["c", 7], 8, [3, 9]]),
    (encode_command, NoOp(), [4]),
    (encode_envelope, Envelope(Origin(11, 12, 13), 14, Ask(6)), [[11, 12, 13], 14, [6, 6]]),
    (encode_entry, Entry(Origin(11, 12, 13), Promised(B)), [[11, 12, 13], [2, [1, 2]]]),
]


def packed(plain: object) -> bytes:
    return msgspec.msgpack.encode(plain)


def refuses(decode: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(data)


def judge(data: bytes) -> None:
    """Whatever the bytes, each decoder refuses them in the one way or takes them for what they encode."""
    for encode, decode in DECODERS:
        try:
            value = decode(data)
        except CodecError:
            continue
        assert encode(value) == data


@pytest.mark.parametrize(("encode", "value", "plain"), GOLDEN, ids=lambda entry: type(entry).__name__)
def test_the_format_is_what_it_was(encode: Callable[[object], bytes], value: object, plain: object) -> None:
    assert encode(value) == packed(plain)


@given(MESSAGES)
def test_messages_come_back(message: Any) -> None:
    assert decode_message(encode_message(message)) == message


@given(RECORDS)
def test_records_come_back(record: Any) -> None:
    assert decode_record(encode_record(record)) == record


@given(COMMANDS)
def test_commands_come_back(command: Any) -> None:
    assert decode_command(encode_command(command)) == command


@given(ENVELOPES)
def test_envelopes_come_back(envelope: Any) -> None:
    assert decode_envelope(encode_envelope(envelope)) == envelope


@given(ENTRIES)
def test_entries_come_back(entry: Any) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(st.binary(max_size=60))
@settings(max_examples=500)
@example(b"")
@example(b"\xc1")
@example(b"\xa1\xff")
@example(b"\xd7\xff" + b"\xff" * 8)
@example(b"\x81\x81\x01\x01\x01")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\x91" * 100_000)
@example(b"\x95\x02" + b"\x91" * 5000)
def test_random_bytes(data: bytes) -> None:
    judge(data)


@given(st.data())
@settings(max_examples=500)
def test_mutated_bytes(data: st.DataObject) -> None:
    encode, values = data.draw(
        st.sampled_from(
            [
                (encode_message, MESSAGES),
                (encode_record, RECORDS),
                (encode_command, COMMANDS),
                (encode_envelope, ENVELOPES),
                (encode_entry, ENTRIES),
            ]
        )
    )
    mutated = bytearray(encode(data.draw(values)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        if not mutated:
            break
    judge(bytes(mutated))


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=3)
    | st.floats(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)


@given(PLAIN, st.integers(0, 9))
@settings(max_examples=500)
def test_nested_garbage(plain: object, tag: int) -> None:
    judge(packed(plain))
    judge(packed([tag, plain, plain]))


@pytest.mark.parametrize(("encode", "value", "plain"), GOLDEN, ids=lambda entry: type(entry).__name__)
def test_every_prefix_and_every_tail_is_refused(
    encode: Callable[[object], bytes], value: object, plain: object
) -> None:
    decode = dict(DECODERS)[encode]
    data = encode(value)
    for length in range(len(data)):
        refuses(decode, data[:length])
    for tail in (b"\x00", b"\xc0", data):
        refuses(decode, data + tail)


def wrong_forms(plain: object) -> list[object]:
    """The plain form with one place of it made wrong, in every place and in many ways."""
    strange: list[object] = [None, True, False, -1, 1.0, 2**63, "x" * 256, b"x", [], {}, [[]], "", 10**18 + 0.5]
    if not isinstance(plain, list):
        return [other for other in strange if type(other) is not type(plain) or not may_stand_for(other, plain)]
    forms: list[object] = [[*plain, 1], plain[:-1], *(other for other in strange if other != [])]
    for place, part in enumerate(plain):
        forms += [[*plain[:place], wrong, *plain[place + 1 :]] for wrong in wrong_forms(part)]
    return forms


def may_stand_for(other: object, plain: object) -> bool:
    """A text or a number that is within the limits is another value, but no malformed one."""
    return other == "" if isinstance(plain, str) else other == plain


@pytest.mark.parametrize(("encode", "value", "plain"), GOLDEN, ids=lambda entry: type(entry).__name__)
def test_every_part_is_checked(encode: Callable[[object], bytes], value: object, plain: object) -> None:
    decode = dict(DECODERS)[encode]
    for form in wrong_forms(plain):
        if form != plain and not is_well_formed(form, plain):
            refuses(decode, packed(form))


def is_well_formed(form: object, plain: object) -> bool:
    """Some of the changes make another value: a promise without reports, and fewer members."""
    if not isinstance(form, list) or not isinstance(plain, list) or len(form) != len(plain):
        return False
    is_promise, is_change = plain[0] == 2 and len(plain) == 5, plain[0] == 3
    is_left = plain[:2] == [8, 2] and form[:2] == [8, 2] and form[2] in ([1], [3])
    return bool((is_promise and form[3] == []) or (is_change and form[3] == [3]) or is_left)


@pytest.mark.parametrize(("tag", "decode"), [(0, decode_message), (10, decode_message), (0, decode_record)])
@pytest.mark.parametrize("fields", [[], [1], [[1, 2]], [[1, 2], 3]])
def test_unknown_kinds_are_refused(tag: int, decode: Callable[[bytes], object], fields: list[object]) -> None:
    refuses(decode, packed([tag, *fields]))
    refuses(decode_record, packed([5, *fields]))
    refuses(decode_command, packed([5, *fields]))
    refuses(decode_command, packed([0, *fields]))


@pytest.mark.parametrize(
    "plain",
    [
        [1, [0, 1], 0],
        [1, [1, 0], 0],
        [3, [1, 1], 0, [4]],
        [4, [1, 1], 0, 1],
        [4, [1, 1], 1, 0],
        [5, 0, [4]],
        [2, [1, 1], 0, [], 0],
        [2, [1, 1], 1, [[0, [1, 1], [4]]], 0],
        [2, [1, 1], 1, [[2, [1, 1], [4]], [1, [1, 1], [4]]], 0],
        [2, [1, 1], 1, [[1, [1, 1], [4]], [1, [1, 1], [4]]], 0],
        [5, 1, [3, ["c", 1], 0, []]],
        [5, 1, [3, ["c", 1], 0, [0]]],
        [5, 1, [3, ["c", 1], 0, [2, 1]]],
        [5, 1, [3, ["c", 1], 0, [1, 1]]],
        [5, 1, [3, ["c", 1], 0, list(range(1, MAX_MEMBERS + 2))]],
        [True, [1, 1], 0],
    ],
    ids=str,
)
def test_what_no_node_says_is_refused(plain: object) -> None:
    refuses(decode_message, packed(plain))


def test_least_and_greatest_are_taken() -> None:
    top = Ballot(MAX_NATURAL, MAX_NATURAL)
    text = "\u20ac" * MAX_TEXT_CHARACTERS
    full = Change(RequestId("", 0), 0, frozenset(range(1, MAX_MEMBERS + 1)))
    for message in (
        Prepare(top, MAX_NATURAL),
        Prepare(Ballot(1, 1), 0),
        Decision(1, Write(RequestId(text, MAX_NATURAL), MAX_NATURAL, text, "")),
        Decision(MAX_NATURAL, full),
        Promise(top, 1, tuple(Report(slot, B, NoOp()) for slot in range(1, MAX_REPORTS + 1)), 0),
    ):
        assert decode_message(encode_message(message)) == message


@pytest.mark.parametrize(
    ("data", "canonical"),
    [
        (b"\x92\x06\xcc\x05", b"\x92\x06\x05"),
        (b"\x92\x06\xd0\x05", b"\x92\x06\x05"),
        (b"\xdc\x00\x02\x06\x05", b"\x92\x06\x05"),
        (b"\x92\xcd\x00\x06\x05", b"\x92\x06\x05"),
    ],
)
def test_a_second_encoding_of_a_value_is_refused(data: bytes, canonical: bytes) -> None:
    assert msgspec.msgpack.decode(data) == msgspec.msgpack.decode(canonical)
    assert decode_message(canonical) == Ask(5)
    refuses(decode_message, data)


def test_a_long_text_header_for_a_short_text_is_refused() -> None:
    data = encode_command(Read(RequestId("c", 7)))
    assert b"\xa1c" in data
    refuses(decode_command, data.replace(b"\xa1c", b"\xd9\x01c"))


def huge() -> Promise:
    text = "\u20ac" * MAX_TEXT_CHARACTERS
    value = Write(RequestId(text, 1), 0, text, text)
    return Promise(B, 2, tuple(Report(slot, B, value) for slot in range(1, 7500)), 0)


def test_what_is_too_long_is_neither_encoded_nor_decoded() -> None:
    promise = huge()
    with pytest.raises(CodecError, match=str(MAX_ENCODED_BYTES)):
        encode_message(promise)
    refuses(decode_message, b"\x92\x06\x05" + b"\x00" * MAX_ENCODED_BYTES)
    with pytest.raises(CodecError, match=str(MAX_ENCODED_BYTES)):
        decode_message(b"\xc4" * (MAX_ENCODED_BYTES + 1))
    with pytest.raises(CodecError, match="MessagePack"):
        decode_message(b"\xc4" * MAX_ENCODED_BYTES)


TOO_MANY = tuple(Report(slot, B, NoOp()) for slot in range(1, MAX_REPORTS + 2))
TWICE = (Report(1, B, NoOp()), Report(1, B, NoOp()))


@pytest.mark.parametrize(
    "message",
    [
        Ask(-1),
        Ask(MAX_NATURAL + 1),
        Ask(True),
        Ask("1"),  # type: ignore[arg-type]
        Prepare(Ballot(0, 0), 0),
        Prepare((1, 2), 0),  # type: ignore[arg-type]
        Decision(0, NoOp()),
        Decision(1, "noop"),  # type: ignore[arg-type]
        Decision(1, Prepare(B, 0)),  # type: ignore[arg-type]
        Decision(1, Read(RequestId("x" * (MAX_TEXT_CHARACTERS + 1), 1))),
        Decision(1, Read(RequestId("\ud800", 1))),
        Decision(1, Read(RequestId(b"c", 1))),  # type: ignore[arg-type]
        Decision(1, Change(RequestId("c", 1), 0, frozenset({0}))),
        Decision(1, Change(RequestId("c", 1), 0, frozenset(range(1, MAX_MEMBERS + 2)))),
        Decision(1, Change(RequestId("c", 1), 0, {1, 2})),  # type: ignore[arg-type]
        Decision(1, Change(RequestId("c", 1), 0, frozenset({1, "2"}))),  # type: ignore[arg-type]
        Promise(B, 2, TOO_MANY, 0),
        Promise(B, 2, TWICE, 0),
        Promise(B, 2, TWICE[::-1], 0),
        Promise(B, 2, [], 0),  # type: ignore[arg-type]
        UsedBallot(B),
        None,
    ],
    ids=lambda message: repr(message)[:60],
)
def test_what_is_beyond_the_limits_is_not_encoded(message: Any) -> None:
    with pytest.raises(CodecError):
        encode_message(message)


def test_too_many_reports_are_not_decoded() -> None:
    reports = [[report.slot, [1, 2], [4]] for report in TOO_MANY]
    assert decode_message(packed([2, [1, 2], 2, reports[:-1], 0])) == Promise(B, 2, TOO_MANY[:-1], 0)
    refuses(decode_message, packed([2, [1, 2], 2, reports, 0]))


def test_a_row_needs_every_field_in_order() -> None:
    with pytest.raises(TypeError, match="Ballot"):
        Row(Ballot, node=Natural(1), round=Natural(1))
    with pytest.raises(TypeError, match="Ballot"):
        Row(Ballot, round=Natural(1))


@pytest.mark.parametrize("plain", [[2, 1], [1, 1], [1, 2, 3, 4], (1, 2), None, [1, 0]])
def test_a_list_is_checked_before_anything_is_made_of_it(plain: object) -> None:
    shape = Many(Natural(1), key=lambda number: number, limit=3)
    assert shape.unpack([1, 2, 3]) == (1, 2, 3)
    with pytest.raises(CodecError):
        shape.unpack(plain)


def test_a_change_has_members() -> None:
    with pytest.raises(ValueError, match="members"):
        Change(RequestId("c", 1), 0, frozenset())


def test_values_are_frozen() -> None:
    """At run time, and for mypy, which would complain of the comments if not."""
    with pytest.raises(AttributeError):
        B.round = 2  # type: ignore[misc]
    command = Read(RequestId("c", 1))
    with pytest.raises(AttributeError):
        command.request = RequestId("c", 2)  # type: ignore[misc]
    assert command == Read(RequestId("c", 1))
    message = Ask(1)
    with pytest.raises(AttributeError):
        message.prefix = 2  # type: ignore[misc]
    assert message == Ask(1)
