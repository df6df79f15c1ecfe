"""Which nodes decide in which slot (design rule R1).

The configuration of slot `i` is the jury after the first `i - alpha` entries of the log; the slots up to alpha have the
first members. So it is a function of what is known, and a slot beyond the window has no configuration yet.
"""

from collections.abc import Collection, Iterable

from attrs import define

from physalia.model import NodeId, Slot


def is_majority(voters: Collection[NodeId], members: frozenset[NodeId]) -> bool:
    """Whether more than half of the members are among the voters; voters who are no members do not count."""
    return 2 * len(members.intersection(voters)) > len(members)


@define
class Configurations:
    """The fold of the known prefix: `of_slots[i - 1 - base]` has the members for slot `i`; the last is the window's.

    The jury after the first `k` entries is the configuration of slot `k + alpha`; so an entry more adds one more slot.
    Of the first `base` slots, which are known, it is forgotten who decided; the state has who ever did.
    """

    alpha: int
    of_slots: list[frozenset[NodeId]]
    base: Slot = 0

    @classmethod
    def create(cls, first_members: frozenset[NodeId], alpha: int) -> "Configurations":
        """Nothing is known: the first members decide in the first `alpha` slots."""
        return cls(alpha, [first_members] * alpha)

    def copy(self) -> "Configurations":
        """The same, sharing nothing that can change."""
        return Configurations(self.alpha, self.of_slots.copy(), self.base)

    @property
    def last(self) -> Slot:
        """The last slot of the window, which is the last one that has a configuration."""
        return self.base + len(self.of_slots)

    def extend(self, members: frozenset[NodeId]) -> None:
        """Another entry is known, and after it the jury consists of `members`."""
        self.of_slots.append(members)

    def forget_below(self, slot: Slot) -> None:
        """Nobody asks any more who decided before this slot."""
        forgotten = max(0, slot - 1 - self.base)
        del self.of_slots[:forgotten]
        self.base += forgotten

    def jump(self, slot: Slot, members: Iterable[frozenset[NodeId]]) -> None:
        """All up to `slot` became known at once; the members are those for this slot and the window after it."""
        self.base, self.of_slots = slot - 1, list(members)

    def members(self, slot: Slot) -> frozenset[NodeId]:
        """Members(n, i): the configuration of a slot that is not forgotten, up to the window. Else `LookupError`."""
        if slot <= self.base:
            raise LookupError(f"who decided in slot {slot} is forgotten")
        return self.of_slots[slot - 1 - self.base]

    def last_of(self, node: NodeId) -> Slot:
        """The last slot for which this node is a member; 0 if it is for none of those that are not forgotten."""
        for place in range(len(self.of_slots), 0, -1):
            if node in self.of_slots[place - 1]:
                return self.base + place
        return 0

    def between(self, first: Slot, last: Slot) -> frozenset[NodeId]:
        """Everyone who is a member for one of the slots from `first`, or the first one, to `last`."""
        return frozenset().union(*self.of_slots[max(0, first - 1 - self.base) : max(0, last - self.base)])
