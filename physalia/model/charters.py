"""What is fixed when a cell is created."""

from attrs import frozen

from physalia.model.ids import NodeId


@frozen
class Charter:
    """The first members and the window of a cell (design rule R1), and the server of each node that it began with.

    `homes` rises by node, and is empty where somebody else knows where nodes live. The life of the cell and the name of
    a node stand around whatever a server keeps of it (R15), and not here.
    """

    first_members: frozenset[NodeId]
    alpha: int
    homes: tuple[tuple[NodeId, int], ...] = ()


@frozen
class Homes:
    """Where nodes of a cell live, as far as the server of one of them knows: it stands for whatever it noted before."""

    homes: tuple[tuple[NodeId, int], ...]


@frozen
class Pointer:
    """What is left of a node that left its cell (R11): who its members are as of `version`, and on which servers."""

    version: int
    members: tuple[tuple[NodeId, int], ...]
