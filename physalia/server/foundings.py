"""The cells that were founded while the server ran: a file beside its journal, one line a cell, which only grows.

A line is there before anybody is told that the cell is. The node's birth is in the journal before the line is: so of a
crash in between a birth is left that nobody was told of, and never a cell whose node the journal does not know. Each
line has a checksum. A last line that is not whole was never acknowledged, and is cut; any other damage is refused.
"""

import json
from binascii import crc32

from physalia.journal import Files, JournalDamaged
from physalia.model import Founding

NAME = "cells"
_SUM_DIGITS = 8


class Foundings:
    """Those of one server, read and made safe when it starts. Raises `JournalDamaged` and `OSError`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        data = files.read(NAME) if NAME in files.names() else b""
        *lines, torn = data.split(b"\n")
        self.read = [_founding(files, number, line) for number, line in enumerate(lines, start=1)]
        self._size_bytes = len(data) - len(torn)
        if data:
            files.replace(NAME, data[: self._size_bytes])  # what is acted on is on disk (design rule R16)

    def add(self, founding: Founding) -> None:
        """Note a cell; it is on disk when this returns. Raises `OSError`: then nobody may be told of it."""
        text = json.dumps(
            {
                "cell": founding.cell,
                "life": founding.life,
                "alpha": founding.alpha,
                "nodes": [list(node) for node in founding.nodes],
                "members": sorted(founding.members),
            }
        ).encode()
        line = b"%0*x " % (_SUM_DIGITS, crc32(text)) + text + b"\n"
        if not self._size_bytes:
            self._files.replace(NAME, b"")
        self._files.write(NAME, line, self._size_bytes)
        self._files.sync(NAME)
        self._size_bytes += len(line)


def _founding(files: Files, number: int, line: bytes) -> Founding:
    text = line[_SUM_DIGITS + 1 :]
    if line[: _SUM_DIGITS + 1] != b"%0*x " % (_SUM_DIGITS, crc32(text)):
        raise JournalDamaged(
            f"{files.path(NAME)} is damaged in line {number}: the cells of this server are not known any more. "
            "Count its nodes as lost, and keep the files for whoever looks for the cause."
        )
    plain = json.loads(text)
    nodes = tuple((node, server) for node, server in plain["nodes"])
    return Founding(plain["cell"], plain["life"], plain["alpha"], nodes, frozenset(plain["members"]))
