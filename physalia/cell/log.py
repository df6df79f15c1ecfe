"""The log of a node: the decided prefix, of which only the end may be kept (design rule R10)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from physalia.model import Command, Slot


class Log(Sequence[Command]):
    """As long as the known prefix; entry `slot - 1` is that of `slot`. Those of the first `base` slots are dropped.

    Whoever looks for one of these gets a `LookupError`, and nobody an entry of another slot.
    """

    def __init__(self, base: Slot = 0, entries: Iterable[Command] = ()) -> None:
        self.base = base
        self.entries = list(entries)

    def __repr__(self) -> str:
        return f"Log({self.base}, {self.entries})"

    def __len__(self) -> int:
        return self.base + len(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Log) and self.base == other.base and self.entries == other.entries

    __hash__ = None  # type: ignore[assignment]  # it changes

    @overload
    def __getitem__(self, place: int) -> Command: ...
    @overload
    def __getitem__(self, place: slice) -> list[Command]: ...
    def __getitem__(self, place: int | slice) -> Command | list[Command]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = place + len(self) if place < 0 else place
        if not self.base <= number < len(self):
            raise IndexError(f"slot {number + 1} is not there: the log has slots {self.base + 1} to {len(self)}")
        return self.entries[number - self.base]

    def __iter__(self) -> Iterator[Command]:
        if self.base:
            raise LookupError(f"the log begins after slot {self.base}: ask for a part of it")
        return iter(self.entries)

    def copy(self) -> "Log":
        """The same, sharing nothing that can change."""
        return Log(self.base, self.entries)

    def truncate(self, base: Slot) -> None:
        """Drop the entries of the first `base` slots, as far as they are still there."""
        dropped = max(0, base - self.base)
        del self.entries[:dropped]
        self.base += dropped
