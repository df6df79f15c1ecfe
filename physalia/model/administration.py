"""What an operator asks of a server, and what cells tell caches of themselves."""

from typing import TypeAlias

from physalia.model.ids import CellId, Life, NodeId
from physalia.model.value import value


@value
class Founding:
    """A cell as it is created: its life, its window, and its nodes, each with its server and whether it is a member.

    Lives and incarnations are minted at random by whoever founds it (design rule R15). `nodes` rise by their names.
    """

    cell: CellId
    life: Life
    alpha: int
    nodes: tuple[tuple[NodeId, int], ...]
    members: frozenset[NodeId]


@value
class Create:
    """An operator founds a cell: the server is to bring its node of it into being, once.

    It is born if the server has the disk of this name still: one that lost its disk has forgotten that the node ever
    was, and what it promised (R8, R15).
    """

    number: int
    founding: Founding
    disk: bytes


@value
class Cap:
    """An operator sets how many bytes the journal of the server may have; 0 is no limit but the disk's."""

    number: int
    most_bytes: int


@value
class Pace:
    """An operator lets the clock of the server go faster or slower: so many thousandths of a second in a second."""

    number: int
    thousandths: int


@value
class Join:
    """An operator brings a new node into a cell that is there, which is taught from now on and is a member of nothing.

    It is born on the server that is asked, if that has the disk of this name still: one that lost its disk has
    forgotten which nodes left, and must not make one of them anew (R11). `founding` is that of the cell, and the cell
    has nodes at `homes` now. Asked again, the node asks these for what it lacks.
    """

    number: int
    founding: Founding
    node: NodeId
    disk: bytes
    homes: tuple[tuple[NodeId, int], ...]


@value
class House:
    """An operator says where nodes of a cell live that the charter does not name."""

    number: int
    cell: CellId
    life: Life
    homes: tuple[tuple[NodeId, int], ...]


@value
class Release:
    """An operator lets a node leave its cell that a change has removed: as soon as others hold what it holds (R11)."""

    number: int
    cell: CellId
    life: Life
    node: NodeId


@value
class Inspect:
    """An operator wants to know what the server's node of a cell is, knows and waits for."""

    number: int
    cell: CellId


@value
class Inspected:
    """The answer to inspect `number`: plain data, as JSON."""

    number: int
    told: bytes


@value
class Seek:
    """A server heard from a node and does not know that it lives there: it asks others of the cell."""

    cell: CellId
    life: Life
    node: NodeId


@value
class Moved:
    """A server says who the members of a cell are as of `version`, and where they live, and some other nodes.

    Of a node that left there is nothing else to say, whoever speaks to it (design rule R11).
    """

    cell: CellId
    life: Life
    version: int
    members: tuple[NodeId, ...]
    homes: tuple[tuple[NodeId, int], ...]


@value
class Elsewhere:
    """The answer to a client's request `number` where the cell was: nothing was done about it here; ask there."""

    number: int
    known: "Whereabouts"


@value
class Granted:
    """What the operator asked for under this number is done, and durable."""

    number: int


@value
class Denied:
    """What the operator asked for under this number is not done: why, in a sentence."""

    number: int
    why: str


@value
class Whereabouts:
    """Where a cell is, as of its `version`: its members, in order, and at which address each can be asked."""

    cell: CellId
    life: Life
    version: int
    members: tuple[tuple[NodeId, str], ...]


@value
class Push:
    """A server tells a cache where cells are that it leads."""

    entries: tuple[Whereabouts, ...]


@value
class Find:
    """Somebody asks a cache where a cell is."""

    number: int
    cell: CellId


@value
class Where:
    """What a cache knows of it, as an answer to find `number`; it may be old."""

    number: int
    known: Whereabouts | None


Administration: TypeAlias = Create | Cap | Pace | Join | House | Release | Inspect | Inspected | Granted | Denied
Moving: TypeAlias = Seek | Moved | Elsewhere
Discovery: TypeAlias = Push | Find | Where
