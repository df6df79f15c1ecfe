"""Scans as they must be: whole copies of what was there, one for each moment at which a scan began.

A page is read from one moment, that of the first page, whatever happens meanwhile. How long moments are remembered is
bounded by their number and by what changed since; a scan whose moment is gone is told so.
"""

from collections.abc import Mapping

from attrs import Factory, define

from conformance.plain import plain
from physalia.model import Page, Refused, Token
from physalia.store import Limits
from spec.service.transactions import Items, Plain, refused, size


@define
class Moments:
    """The moments that scans began at, the oldest first: what was there, and which keys changed before the next one."""

    limits: Limits
    there: dict[int, Items] = Factory(dict)
    changed: dict[int, set[str]] = Factory(dict)

    def begin(self, slot: int, items: Items) -> None:
        """A scan begins after the command of this slot."""
        if slot not in self.there:
            self.there[slot], self.changed[slot] = items, set()
            while len(self.there) > self.limits.snapshots:
                self._forget_oldest()

    def change(self, before: Items, after: Items) -> None:
        """A command made one of the other."""
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key) and self.there and key not in self.changed[max(self.there)]:
                self.changed[max(self.there)].add(key)
                if sum(map(len, self.changed.values())) > self.limits.snapshot_changes:
                    self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = min(self.there)
        del self.there[oldest], self.changed[oldest]

    def page(self, slot: int, after: str, prefix: str, most_items: int) -> Plain:
        """The page of the scan that began at a slot, with the keys after `after`."""
        if slot not in self.there:
            return refused("scan expired", size=slot)
        wanted = in_order(self.there[slot], prefix, after)
        found: list[tuple[str, Plain]] = []
        for key, item in wanted[: max(1, min(most_items, self.limits.page_items))]:
            if found and sum(size(one[1]) for _, one in (*found, (key, item))) > self.limits.answer_bytes:
                break
            found.append((key, item))
        token = ("Token", slot, found[-1][0]) if len(found) < len(wanted) else None
        return "Page", tuple(found), token


def in_order(items: Mapping[str, Plain], prefix: str, after: str) -> list[tuple[str, Plain]]:
    """What a scan reads in all: in the order of the UTF-8 bytes."""
    keys = [key for key in items if key.startswith(prefix) and key.encode() > after.encode()]
    return [(key, items[key]) for key in sorted(keys, key=str.encode)]


def said(page: Page | Refused) -> tuple[Plain, Token | None]:
    """A page in plain form, and where the scan goes on."""
    return plain(page), page.token if isinstance(page, Page) else None
