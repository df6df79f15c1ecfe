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
    """An operator founds a cell: the server is to bring its node of it into being, once."""

    number: int
    founding: Founding


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


Administration: TypeAlias = Create | Cap | Pace | Granted | Denied
Discovery: TypeAlias = Push | Find | Where
