"""Frames: a length, a MAC, and a body. One direction of one connection.

The MAC covers the number of the frame, which both sides count and nobody sends. So a frame is believed once, in its
place, on its connection, and in its direction: what is replayed, left out, exchanged or reflected is a wrong MAC.
"""

import hmac
import struct

from physalia.transport.limits import MAX_BODY_BYTES
from physalia.transport.refused import Refused

_LENGTH = struct.Struct(">I")
_NUMBERED = struct.Struct(">QI")
TAG_BYTES = 16
"""Half of an HMAC-SHA-256 (RFC 2104 allows no less)."""
HEAD_BYTES = _LENGTH.size + TAG_BYTES


class _Tags:
    """The tags of one direction. The MAC of nothing is made once for a key, and copied for each frame."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod="sha256")

    def of(self, number: int, body: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(_NUMBERED.pack(number, len(body)))
        mac.update(body)
        return mac.digest()[:TAG_BYTES]


class Sealer:
    """Makes frames under one key."""

    def __init__(self, key: bytes) -> None:
        self._tags = _Tags(key)
        self._number = 0

    def seal(self, body: bytes) -> bytes:
        """The next frame. The body is not longer than `MAX_BODY_BYTES`."""
        assert len(body) <= MAX_BODY_BYTES
        tag = self._tags.of(self._number, body)
        self._number += 1
        return b"".join((_LENGTH.pack(len(body)), tag, body))


class Opener:
    """Opens frames under one key, out of bytes that come in pieces."""

    def __init__(self, key: bytes) -> None:
        self._tags = _Tags(key)
        self._number = 0

    def open(self, buffer: bytearray) -> list[bytes]:
        """Take every frame that the buffer holds whole out of it; return their bodies.

        Raises `Refused` for a length beyond the limit, as soon as it is read, and for a wrong MAC.
        """
        bodies, place = [], 0
        while len(buffer) - place >= HEAD_BYTES:
            (length,) = _LENGTH.unpack_from(buffer, place)
            if length > MAX_BODY_BYTES:
                raise Refused("oversized")
            begin = place + HEAD_BYTES
            if len(buffer) < begin + length:
                break
            body = bytes(buffer[begin : begin + length])
            tag = self._tags.of(self._number, body)
            if not hmac.compare_digest(tag, bytes(buffer[place + _LENGTH.size : begin])):
                raise Refused("mac")
            self._number += 1
            bodies.append(body)
            place = begin + length
        del buffer[:place]
        return bodies
