"""What commands and answers are called in a trace (docs/traces.md), and how its lines become JSON.

A command is named by its request and a checksum of what it asks for: two commands of one request have two names. What
it asks for stands where a client asks for it, and where a server writes short.
"""

from typing import Any
from zlib import crc32

import msgspec

from physalia.model import Command, Execute, NoOp, Told, Unread
from physalia.wire import encode_command, encode_told, sealed

NO_OP = "noop"
json = msgspec.json.Encoder().encode
json_lines = msgspec.json.Encoder().encode_lines
_in_order = msgspec.json.Encoder(order="deterministic").encode
"""The members of a set in rising order: two sets that are equal may come in two orders otherwise."""


def checksum(said: Command | Told) -> str:
    """Eight digits that tell two commands of one request apart, and two answers to it."""
    return f"{crc32(_bytes_of(said)):08x}"


def _bytes_of(said: Command | Told) -> bytes:
    if type(said) is not Execute or type(said.body) is not Unread:
        try:
            return _in_order(said)
        except ValueError:  # see `writable`
            pass
    return encode_command(said) if type(said) is Execute else encode_told(said)  # type: ignore[arg-type]


def writable(one: Any) -> Any:
    """The same, with the bytes of each transaction in its place.

    An integer may have so many digits that Python refuses to write them down: it would take too long.
    """
    if type(one) is Execute:
        return sealed(one)
    if isinstance(one, msgspec.Struct):
        return msgspec.structs.replace(one, **{name: writable(getattr(one, name)) for name in one.__struct_fields__})
    if isinstance(one, tuple | list):
        return [writable(each) for each in one]
    return one


def name_of(command: Command) -> str:
    """The name of a command, such as ``c1#7:0badcafe``."""
    if type(command) is NoOp:  # by its very class: to ask whether it is an instance costs as much as all the rest
        return NO_OP
    request = command.request  # type: ignore[union-attr]
    return f"{request.client}#{request.number}:{checksum(command)}"
