"""What commands and answers are called in a trace (docs/traces.md), and how its lines become JSON.

A command is named by its request and a checksum of what it asks for: two commands of one request have two names. What
it asks for stands where a client asks for it, and where a server writes short.
"""

from zlib import crc32

import msgspec

from physalia.model import Change, Command, NoOp, Told

NO_OP = "noop"
json = msgspec.json.Encoder().encode
json_lines = msgspec.json.Encoder().encode_lines


def checksum(said: Command | Told) -> str:
    """Eight digits that tell two commands of one request apart, and two answers to it."""
    told = [said.expects, sorted(said.members)] if type(said) is Change else said
    return f"{crc32(json(told)):08x}"


def name_of(command: Command) -> str:
    """The name of a command, such as ``c1#7:0badcafe``."""
    if type(command) is NoOp:  # by its very class: to ask whether it is an instance costs as much as all the rest
        return NO_OP
    request = command.request  # type: ignore[union-attr]
    return f"{request.client}#{request.number}:{checksum(command)}"
