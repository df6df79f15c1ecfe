"""Which nodes a journal holds, by their cells: 24 bytes a node at rest, and nothing else of it is in memory.

The journal gives its folded nodes in the order of their cells, so they go into three columns that are searched by
halving. What comes out of that order, or later, stands beside them; so do the nodes of a cell that left it.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from physalia.journal import NodeKey
from physalia.model import CellId


class Index:
    """The nodes of a server. Of several nodes of one cell, all but one of which have left it, `find` finds the last."""

    def __init__(self, keys: Iterable[NodeKey] = ()) -> None:
        self._cells, self._lives, self._incarnations = array("q"), array("q"), array("q")
        self._others: dict[CellId, tuple[NodeKey, ...]] = {}
        for key in keys:
            self.add(key)

    def __len__(self) -> int:
        return len(self._cells) + sum(self._place(cell) is None for cell in self._others)

    def __iter__(self) -> Iterator[NodeKey]:
        """The node of every cell once, in no order. What is added meanwhile may be missed."""
        for place in range(len(self._cells)):
            if self._cells[place] not in self._others:
                yield NodeKey(self._cells[place], self._lives[place], self._incarnations[place])
        yield from [keys[-1] for keys in self._others.values()]

    def add(self, key: NodeKey) -> None:
        """One more node, or one that is to be the last of its cell."""
        if self._cells and key.cell <= self._cells[-1]:
            self._others[key.cell] = (*(other for other in self.all_of(key.cell) if other != key), key)
            return
        self._cells.append(key.cell)
        self._lives.append(key.life)
        self._incarnations.append(key.incarnation)

    def find(self, cell: CellId) -> NodeKey | None:
        """The node of a cell; None if there is none."""
        keys = self.all_of(cell)
        return keys[-1] if keys else None

    def has(self, key: NodeKey) -> bool:
        """Whether this node is one of them."""
        return key in self.all_of(key.cell)

    def crowded(self) -> list[CellId]:
        """The cells of which there are several nodes."""
        return [cell for cell, keys in self._others.items() if len(keys) > 1]

    def all_of(self, cell: CellId) -> tuple[NodeKey, ...]:
        """All nodes of a cell."""
        others = self._others.get(cell)
        if others is not None:
            return others
        place = self._place(cell)
        return () if place is None else (NodeKey(cell, self._lives[place], self._incarnations[place]),)

    def _place(self, cell: CellId) -> int | None:
        place = bisect_left(self._cells, cell)
        return place if place < len(self._cells) and self._cells[place] == cell else None
