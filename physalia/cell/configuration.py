"""Which nodes decide in which slot (design rule R1).

The configuration of slot `i` is the jury after the first `i - alpha` entries of the log; the slots up to alpha have the
first members. So it is a function of what is known, and a slot beyond the window has no configuration yet.
"""

from collections.abc import Collection

from attrs import define

from physalia.model import NodeId, Slot


def is_majority(voters: Collection[NodeId], members: frozenset[NodeId]) -> bool:
    """Whether more than half of the members are among the voters; voters who are no members do not count."""
    return 2 * len(members.intersection(voters)) > len(members)


@define
class Configurations:
    """The fold of the known prefix: `of_slots[i - 1]` has the members for slot `i`, and the list ends with the window.

    The jury after the first `k` entries is the configuration of slot `k + alpha`; so an entry more adds one more slot.
    """

    alpha: int
    of_slots: list[frozenset[NodeId]]

    @classmethod
    def create(cls, first_members: frozenset[NodeId], alpha: int) -> "Configurations":
        """Nothing is known: the first members decide in the first `alpha` slots."""
        return cls(alpha, [first_members] * alpha)

    def copy(self) -> "Configurations":
        """The same, sharing nothing that can change."""
        return Configurations(self.alpha, self.of_slots.copy())

    @property
    def last(self) -> Slot:
        """The last slot of the window, which is the last one that has a configuration."""
        return len(self.of_slots)

    def extend(self, members: frozenset[NodeId]) -> None:
        """Another entry is known, and after it the jury consists of `members`."""
        self.of_slots.append(members)

    def members(self, slot: Slot) -> frozenset[NodeId]:
        """Members(n, i): the configuration of a slot of the window or before it. Raises `IndexError` beyond it."""
        return self.of_slots[slot - 1]

    def between(self, first: Slot, last: Slot) -> frozenset[NodeId]:
        """Everyone who is a member for one of the slots from `first`, or the first one, to `last`."""
        return frozenset().union(*self.of_slots[max(0, first - 1) : last])
