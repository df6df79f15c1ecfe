"""What a cache knows, sans-I/O: of each cell the newest list of members that it heard of.

Lists come in any order, late, twice, or not at all. An older one never replaces a newer one; of two lives of one cell
the one that was heard of first is believed, since a cell is never made anew (design rule R15). Nothing is on a disk: a
cache that was lost is filled again by servers. It holds so many cells; beyond, those are forgotten of which it heard
longest ago. What it says may be wrong in any way: it costs who believes it a hop, and nothing else.
"""

from collections import OrderedDict

from attrs import Factory, define

from physalia.model import CellId, Whereabouts

MOST_CELLS = 1_000_000


@define
class Cache:
    """So many cells. `stale` counts lists that were older than what was known, `foreign` those of another life."""

    most_cells: int = MOST_CELLS
    stale: int = 0
    foreign: int = 0
    forgotten: int = 0
    _known: OrderedDict[CellId, Whereabouts] = Factory(OrderedDict)

    def __len__(self) -> int:
        return len(self._known)

    def take(self, news: Whereabouts) -> bool:
        """A server says where a cell is; whether that is news."""
        before = self._known.get(news.cell)
        if before is not None and before.life != news.life:
            self.foreign += 1
            return False
        if before is not None and before.version >= news.version:
            self.stale += before.version > news.version
            self._known.move_to_end(news.cell)
            return False
        self._known[news.cell] = news
        self._known.move_to_end(news.cell)
        if len(self._known) > self.most_cells:
            self._known.popitem(last=False)
            self.forgotten += 1
        return True

    def find(self, cell: CellId) -> Whereabouts | None:
        """Where a cell is, as far as is known."""
        return self._known.get(cell)
