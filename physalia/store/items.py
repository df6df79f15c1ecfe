"""The items of a partition, with what scans need: their order, and how things were when a scan began.

A snapshot costs nothing when it is taken. What changes afterwards leaves what it was in the newest snapshot, once; an
older snapshot sees through the newer ones. So a commit costs the same whether somebody scans or not, and how many
changes are remembered is bounded: the oldest snapshots are dropped, and whoever still reads them is told so.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import dropwhile, takewhile
from typing import Any

from attrs import Factory, define, field
from sortedcontainers import SortedList

from physalia.model import Item, Slot
from physalia.store.digests import Sum
from physalia.store.limits import Limits
from physalia.store.values import size_bytes


@define
class Items:
    """`now` has every item under its key, and `size_bytes` how large they are together, with their keys.

    `snapshots` has, under the slot of each, what has changed since then and before the next one: the item that was
    there, None where there was none; `changes` counts these. `order` has the keys in order, once a scan asked for them.
    """

    limits: Limits = field(repr=False)
    now: dict[str, Item] = Factory(dict)
    size_bytes: int = 0
    sum: Sum[str, Item] = field(factory=Sum, eq=False, repr=False)
    order: Any = field(default=None, eq=False)
    snapshots: dict[Slot, dict[str, Item | None]] = field(factory=dict, eq=False)
    changes: int = field(default=0, eq=False)

    def copy(self) -> "Items":
        """The same, sharing nothing that can change; without the snapshots, which belong to whoever scans."""
        return Items(self.limits, self.now.copy(), self.size_bytes, self.sum.copy())

    def change(self, changed: dict[str, Item | None], size: int) -> None:
        """From now on these items, or nothing where it is None, are under their keys; that makes so many bytes."""
        now, before, order, is_watched = self.now, self.sum.before, self.order, bool(self.snapshots)
        for key, item in changed.items():
            old = now.get(key)
            if item is not None:
                now[key] = item
            elif old is None:
                continue
            else:
                del now[key]
            if key not in before:
                self.sum.note(key, old, now)
            if order is not None and (old is None) != (item is None):
                order.remove(key) if item is None else order.add(key)
            if is_watched:
                self._remember(key, old)
        self.size_bytes = size

    def keep(self, key: str, item: Item) -> None:
        """The item is one of those that somebody else has, who teaches them all."""
        self.change({key: item}, self.size_bytes + grown_bytes(key, self.now.get(key), item))

    # Snapshots

    def snapshot(self, slot: Slot) -> None:
        """Remember how everything is now, after the command of this slot."""
        if slot not in self.snapshots:
            self.snapshots[slot] = {}
            self._drop(self.limits.snapshots)

    def _remember(self, key: str, old: Item | None) -> None:
        if not self.snapshots:
            return
        newest = self.snapshots[next(reversed(self.snapshots))]
        if key not in newest:
            newest[key] = old
            self.changes += 1
            if self.changes > self.limits.snapshot_changes:
                self._drop(len(self.snapshots) - 1)

    def _drop(self, most: int) -> None:
        """Forget the oldest snapshots until there are so many. What they alone remember is of no use to the others."""
        while len(self.snapshots) > most:
            self.changes -= len(self.snapshots.pop(next(iter(self.snapshots))))

    def scan(self, slot: Slot, prefix: str, after: str) -> Iterator[tuple[str, Item]]:
        """The items of a snapshot whose keys begin with the prefix and come after `after`, in the order of their keys.

        The order is that of the code points, which is that of the keys' UTF-8 bytes. Raises `KeyError` if there is no
        such snapshot; nothing may change while this is being read.
        """
        since = [changes for at, changes in self.snapshots.items() if at >= slot]
        if slot not in self.snapshots:
            raise KeyError(slot)
        if self.order is None:
            self.order = SortedList(self.now)
        was: dict[str, Item | None] = {}
        for changes in reversed(since):
            was.update(changes)
        gone = sorted(key for key in was if key not in self.now)
        keys = merge(self.order.irange(max(prefix, after)), gone)
        in_range = dropwhile(lambda key: key <= after or key < prefix, keys)
        for key in takewhile(lambda key: key.startswith(prefix), in_range):
            item = was[key] if key in was else self.now[key]
            if item is not None:
                yield key, item


def grown_bytes(key: str, old: Item | None, new: Item | None) -> int:
    """By how many bytes the partition grows if `new` takes the place of `old` under the key."""
    if old is not None and new is not None:
        return size_bytes(new.value) - size_bytes(old.value)
    if old is not None:
        return -len(key.encode()) - size_bytes(old.value)
    return 0 if new is None else len(key.encode()) + size_bytes(new.value)
