"""Which rows of the append table belong to which node: those that are not folded yet, and so are few."""

from collections.abc import Iterable, Iterator, Sequence

from physalia.journal.keys import NodeKey


class Tail:
    """The rows of each node in the append table, in memory, so that the table needs no index on disk.

    A flush only notes which nodes its rows hold; they are sorted by node when somebody asks.
    """

    def __init__(self) -> None:
        self._rows: dict[int, dict[NodeKey, list[int]]] = {}
        self._unsorted: list[tuple[int, Sequence[NodeKey]]] = []

    def __contains__(self, key: NodeKey) -> bool:
        return key in self._sorted().get(key.cell, ())

    def __iter__(self) -> Iterator[NodeKey]:
        for nodes in self._sorted().values():
            yield from nodes

    def add(self, number: int, keys: Sequence[NodeKey]) -> None:
        """The row holds records of these nodes, and comes after all others."""
        self._unsorted.append((number, keys))

    def of(self, key: NodeKey) -> Sequence[int]:
        """The rows of a node, in their order."""
        return self._sorted().get(key.cell, {}).get(key, ())

    def of_cell(self, cell: int) -> Sequence[NodeKey]:
        """The nodes of a cell that have rows."""
        return tuple(self._sorted().get(cell, ()))

    def cut(self, through: int, keys: Iterable[NodeKey]) -> None:
        """The rows of these nodes up to `through` are folded."""
        rows = self._sorted()
        for key in keys:
            nodes = rows[key.cell]
            left = [number for number in nodes.pop(key) if number > through]
            if left:
                nodes[key] = left
            elif not nodes:
                del rows[key.cell]

    def _sorted(self) -> dict[int, dict[NodeKey, list[int]]]:
        for number, keys in self._unsorted:
            for key in set(keys):
                self._rows.setdefault(key.cell, {}).setdefault(key, []).append(number)
        self._unsorted.clear()
        return self._rows
