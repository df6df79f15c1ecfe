"""The name under which a journal keeps a node."""

from typing import NamedTuple

MAX_ID = 2**63 - 1
"""The largest part of a key, as in `physalia.wire.limits`: what SQLite and every other part can hold."""


class NodeKey(NamedTuple):
    """A node: its cell, the life of the cell, and its own incarnation (design rule R15), each from 0 to `MAX_ID`."""

    cell: int
    life: int
    incarnation: int

    def is_possible(self) -> bool:
        """Whether every part is an integer within its bounds."""
        return all(type(part) is int and 0 <= part <= MAX_ID for part in self)

    def __str__(self) -> str:
        return f"node {self.incarnation} of cell {self.cell} in life {self.life}"
