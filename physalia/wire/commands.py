"""The format of commands, and of what every other part is made of."""

from typing import Any, Final

from physalia.model import Change, Command, Execute, NoOp, Read, Unread, Write
from physalia.wire.shapes import Choice, Members, Natural, Row, Text
from physalia.wire.transactions import REQUEST, Nested

BODY = Nested()
COUNT = Natural(0)
SLOT = Natural(1)
NODE = Natural(1)
TEXT = Text()
COMMANDS: Final[dict[int, Row[Any]]] = {
    1: Row(Write, request=REQUEST, expects=COUNT, primary=TEXT, replica=TEXT),
    2: Row(Read, request=REQUEST),
    3: Row(Change, request=REQUEST, expects=COUNT, members=Members()),
    4: Row(NoOp),
    5: Row(Execute, request=REQUEST, version=Natural(1), body=BODY),
}
COMMAND = Choice[Command](COMMANDS)


def sealed(command: Execute) -> Execute:
    """The same command, whose body is the bytes that it has: its own bytes are the same. Raises `CodecError`."""
    return Execute(command.request, command.version, Unread(BODY.pack(command.body)))
