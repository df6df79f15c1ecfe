"""The binary format of messages, of records on disk, and of commands: MessagePack arrays that start with a tag.

There is one encoding of a value: whatever decodes is, encoded again, the same bytes. What is malformed, in whatever
way, raises `CodecError` and nothing else. Integrity is not the codec's: frames and their MACs come around it.

Tags are for ever: a kind that is no longer used leaves its number behind. An unknown kind is refused here, before any
node acts on it; what the store is asked for is carried as it is, also where nobody understands it (design rule R5).
"""

from typing import TypeVar

import msgspec

from physalia.model import (
    Accepted,
    Ask,
    Ballot,
    Chunk,
    Command,
    Decision,
    DurableRecord,
    Echo,
    Entry,
    Envelope,
    HowFar,
    Known,
    Learned,
    Left,
    Message,
    Origin,
    Part,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Refusal,
    Report,
    Round,
    Snapshot,
    Stopped,
    Take,
    UsedBallot,
    Vote,
)
from physalia.wire.commands import COMMAND, COUNT, NODE, SLOT, TEXT
from physalia.wire.limits import MAX_ENCODED_BYTES, MAX_REPORTS
from physalia.wire.shapes import Choice, CodecError, Many, Members, Natural, Row, Shape
from physalia.wire.snapshots import ROWS, Digest

T = TypeVar("T")

BALLOT = Row(Ballot, round=Natural(1), node=NODE)
REPORTS = Many(Row(Report, slot=SLOT, ballot=BALLOT, value=COMMAND), key=lambda report: report.slot, limit=MAX_REPORTS)
MESSAGE = Choice[Message](
    {
        1: Row(Prepare, ballot=BALLOT, prefix=COUNT),
        2: Row(Promise, ballot=BALLOT, node=NODE, accepted=REPORTS, floor=COUNT),
        3: Row(Proposal, ballot=BALLOT, slot=SLOT, value=COMMAND),
        4: Row(Vote, ballot=BALLOT, slot=SLOT, node=NODE),
        5: Row(Decision, slot=SLOT, value=COMMAND),
        6: Row(Ask, prefix=COUNT),
        7: Row(Refusal, ballot=BALLOT, promised=BALLOT),
        8: Row(Round, ballot=BALLOT, read=Natural(1)),
        9: Row(Echo, ballot=BALLOT, nonce=Natural(1), node=NODE),
        10: Row(Chunk, slot=SLOT, digest=Digest(), first=COUNT, rows=ROWS),
        11: Row(Take, slot=SLOT, rows=Natural(1)),
        12: Row(HowFar),
        13: Row(Learned, slot=COUNT),
    }
)
RECORD = Choice[DurableRecord](
    {
        1: Row(UsedBallot, ballot=BALLOT),
        2: Row(Promised, ballot=BALLOT),
        3: Row(Accepted, ballot=BALLOT, slot=SLOT, value=COMMAND),
        4: Row(Known, slot=SLOT, value=COMMAND),
        5: Row(Stopped, teller=NODE, lost=TEXT),
        6: Row(Part, first=COUNT, rows=ROWS),
        7: Row(Snapshot, slot=SLOT, floor=SLOT, rows=ROWS),
        8: Row(Left, version=COUNT, members=Members()),
    }
)
ORIGIN = Row(Origin, cell=Natural(1), life=Natural(1), node=NODE)
ENVELOPE = Row(Envelope, origin=ORIGIN, to=NODE, message=MESSAGE)
ENTRY = Row(Entry, origin=ORIGIN, record=RECORD)


def encode_message(message: Message) -> bytes:
    """The bytes of a message. Raises `CodecError` if it is beyond a limit."""
    return encode(MESSAGE, message)


def decode_message(data: bytes) -> Message:
    """The message of these bytes. Raises `CodecError` if there is none."""
    return decode(MESSAGE, data)


def encode_record(record: DurableRecord) -> bytes:
    """The bytes of a durable record. Raises `CodecError` if it is beyond a limit."""
    return encode(RECORD, record)


def decode_record(data: bytes) -> DurableRecord:
    """The durable record of these bytes. Raises `CodecError` if there is none."""
    return decode(RECORD, data)


def record_kind(data: bytes) -> type[DurableRecord] | None:
    """Of which kind a record is meant to be, by its tag alone; None if it is of none."""
    row = RECORD.by_tag.get(data[1]) if len(data) > 1 else None
    return None if row is None else row.cls


def encode_envelope(envelope: Envelope) -> bytes:
    """The bytes of a message with whose it is and whom it is for. Raises `CodecError` if it is beyond a limit."""
    return encode(ENVELOPE, envelope)


def decode_envelope(data: bytes) -> Envelope:
    """The envelope of these bytes. Raises `CodecError` if there is none."""
    return decode(ENVELOPE, data)


def encode_entry(entry: Entry) -> bytes:
    """The bytes of a durable record with whose it is. Raises `CodecError` if it is beyond a limit."""
    return encode(ENTRY, entry)


def decode_entry(data: bytes) -> Entry:
    """The entry of these bytes. Raises `CodecError` if there is none."""
    return decode(ENTRY, data)


def encode_command(command: Command) -> bytes:
    """The bytes of a command. Raises `CodecError` if it is beyond a limit."""
    return encode(COMMAND, command)


def decode_command(data: bytes) -> Command:
    """The command of these bytes. Raises `CodecError` if there is none."""
    return decode(COMMAND, data)


def encode(shape: Shape[T], value: T) -> bytes:
    """The bytes of a value of this shape. Raises `CodecError` if it is beyond a limit."""
    try:
        data = msgspec.msgpack.encode(shape.pack(value))
    except UnicodeEncodeError as error:
        raise CodecError("a text holds half a surrogate pair") from error
    if len(data) > MAX_ENCODED_BYTES:
        raise CodecError(f"expected at most {MAX_ENCODED_BYTES} bytes")
    return data


def decode(shape: Shape[T], data: bytes) -> T:
    """The value of this shape that these bytes are. Raises `CodecError` if there is none."""
    if len(data) > MAX_ENCODED_BYTES:
        raise CodecError(f"expected at most {MAX_ENCODED_BYTES} bytes")
    try:
        plain = msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError(f"no MessagePack: {type(error).__name__}") from error
    value = shape.unpack(plain)
    if msgspec.msgpack.encode(plain) != data:  # `plain` is what packing the value gives: shapes leave no choice
        raise CodecError("not the one encoding of this value")
    return value
