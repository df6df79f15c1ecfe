"""Which rows of the append table belong to which node: those that are not folded yet, and so are few."""

from collections.abc import Iterable, Iterator, Sequence

from physalia.journal.keys import NodeKey


class Tail:
    """The rows of each node in the append table, in memory, so that the table needs no index on disk."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[NodeKey, list[int]]] = {}

    def __contains__(self, key: NodeKey) -> bool:
        return key in self._rows.get(key.cell, ())

    def __iter__(self) -> Iterator[NodeKey]:
        for nodes in self._rows.values():
            yield from nodes

    def add(self, keys: Iterable[NodeKey], first: int) -> None:
        """The rows from `first` on belong to these nodes, and come after their others."""
        for number, key in enumerate(keys, first):
            nodes = self._rows.get(key[0])
            if nodes is None:
                nodes = self._rows[key[0]] = {}
            rows = nodes.get(key)
            if rows is None:
                nodes[key] = [number]
            else:
                rows.append(number)

    def of(self, key: NodeKey) -> Sequence[int]:
        """The rows of a node, in their order."""
        return self._rows.get(key.cell, {}).get(key, ())

    def of_cell(self, cell: int) -> Sequence[NodeKey]:
        """The nodes of a cell that have rows."""
        return tuple(self._rows.get(cell, ()))

    def cut(self, through: int, keys: Sequence[NodeKey]) -> None:
        """The rows of these nodes up to `through` are folded."""
        for key in keys:
            nodes = self._rows[key.cell]
            left = [number for number in nodes.pop(key) if number > through]
            if left:
                nodes[key] = left
            elif not nodes:
                del self._rows[key.cell]
