"""Many messages in one body, and long ones in parts: two lanes, so that no short message waits behind a long one.

A body is made when it can be written, not before. While long messages wait, half of each body is theirs.
Messages of different lanes may overtake each other; those of one lane do not.
"""

import struct
from collections import deque

from physalia.transport.limits import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_QUEUED_BYTES,
    MAX_WHOLE_BYTES,
    SHARED_BODY_BYTES,
)
from physalia.transport.refused import Refused

_HEAD = struct.Struct(">BI")
_WHOLE, _PART, _LAST = 1, 2, 3


class Outbox:
    """What waits to be sent. `dropped` counts the messages for which there was no room."""

    def __init__(self, limit_bytes: int = MAX_QUEUED_BYTES) -> None:
        self.dropped = 0
        self._limit_bytes = limit_bytes
        self._short: deque[bytes] = deque()
        self._short_bytes = 0
        self._long: deque[bytes] = deque()
        self._long_bytes = 0
        self._sent_of_long = 0

    def __bool__(self) -> bool:
        return bool(self._short or self._long)

    def put(self, message: bytes) -> bool:
        """Let a message wait; False if there is no room for it, and it is dropped.

        There is always room for the first of a lane. Raises `ValueError` beyond `MAX_MESSAGE_BYTES`.
        """
        size = len(message)
        if size > MAX_MESSAGE_BYTES:
            raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
        is_short = size <= MAX_WHOLE_BYTES
        waiting = self._short_bytes if is_short else self._long_bytes
        if waiting and waiting + size > self._limit_bytes:
            self.dropped += 1
            return False
        if is_short:
            self._short.append(message)
            self._short_bytes += size
        else:
            self._long.append(message)
            self._long_bytes += size
        return True

    def body(self) -> bytes:
        """The next body, at most `MAX_BODY_BYTES` long; empty if nothing waits."""
        room = SHARED_BODY_BYTES if self._long else MAX_BODY_BYTES
        pieces: list[bytes] = []
        while self._short and len(self._short[0]) + _HEAD.size <= room:
            message = self._short.popleft()
            self._short_bytes -= len(message)
            room -= len(message) + _HEAD.size
            pieces += (_HEAD.pack(_WHOLE, len(message)), message)
        if self._long:
            pieces += self._part(room + MAX_BODY_BYTES - SHARED_BODY_BYTES - _HEAD.size)
        return b"".join(pieces)

    def _part(self, room: int) -> tuple[bytes, bytes]:
        message, begin = self._long[0], self._sent_of_long
        part = message[begin : begin + room]
        self._sent_of_long += len(part)
        is_last = self._sent_of_long == len(message)
        if is_last:
            self._long.popleft()
            self._long_bytes -= len(message)
            self._sent_of_long = 0
        return _HEAD.pack(_LAST if is_last else _PART, len(part)), part


class Inbox:
    """Takes bodies apart. It holds the parts of one long message at most."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def take(self, body: bytes) -> list[bytes]:
        """The messages that this body completes. Raises `Refused` for a body that no outbox makes."""
        messages, place = [], 0
        while place < len(body):
            if place + _HEAD.size > len(body):
                raise Refused("malformed")
            kind, size = _HEAD.unpack_from(body, place)
            place += _HEAD.size
            if size > len(body) - place:
                raise Refused("malformed")
            piece = body[place : place + size]
            place += size
            if kind == _WHOLE:
                messages.append(piece)
            elif kind in (_PART, _LAST):
                messages += self._join(piece, kind == _LAST)
            else:
                raise Refused("malformed")
        return messages

    def _join(self, piece: bytes, is_last: bool) -> list[bytes]:
        if not piece:
            raise Refused("malformed")
        if len(self._parts) + len(piece) > MAX_MESSAGE_BYTES:
            raise Refused("oversized")
        self._parts += piece
        if not is_last:
            return []
        message = bytes(self._parts)
        self._parts = bytearray()
        return [message]
