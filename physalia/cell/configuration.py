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
    """The fold of the known prefix: `juries[k]` has the members after its first `k` entries."""

    alpha: int
    juries: list[frozenset[NodeId]]

    def copy(self) -> "Configurations":
        """The same, sharing nothing that can change."""
        return Configurations(self.alpha, self.juries.copy())

    @property
    def last(self) -> Slot:
        """The last slot of the window, which is the last one that has a configuration."""
        return len(self.juries) - 1 + self.alpha

    def extend(self, members: frozenset[NodeId]) -> None:
        """Another entry is known, and after it the jury consists of `members`."""
        self.juries.append(members)

    def members(self, slot: Slot) -> frozenset[NodeId]:
        """Members(n, i): the configuration of a slot of the window or before it. Raises `IndexError` beyond it."""
        return self.juries[max(0, slot - self.alpha)]

    def between(self, first: Slot, last: Slot) -> frozenset[NodeId]:
        """Everyone who is a member for one of the slots from `first` to `last`."""
        return frozenset().union(*self.juries[max(0, first - self.alpha) : max(0, last - self.alpha) + 1])
