"""The binary codec. What comes from outside is believed only after it went through here."""

from physalia.wire.charters import decode_charter, decode_homes, encode_charter, encode_homes, is_charter, is_homes
from physalia.wire.codec import (
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
    record_kind,
)
from physalia.wire.commands import sealed
from physalia.wire.shapes import CodecError
from physalia.wire.traffic import (
    bundles,
    decode_reply,
    decode_traffic,
    decode_verdict,
    encode_told,
    encode_traffic,
    encode_verdict,
)

__all__ = [
    "CodecError",
    "bundles",
    "decode_charter",
    "decode_command",
    "decode_entry",
    "decode_envelope",
    "decode_homes",
    "decode_message",
    "decode_record",
    "decode_reply",
    "decode_traffic",
    "decode_verdict",
    "encode_charter",
    "encode_command",
    "encode_entry",
    "encode_envelope",
    "encode_homes",
    "encode_message",
    "encode_record",
    "encode_told",
    "encode_traffic",
    "encode_verdict",
    "is_charter",
    "is_homes",
    "record_kind",
    "sealed",
]
