"""What a world starts from, as a value with a text form."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar, cast

from attrs import frozen

from conformance.wording import UnreadableWords
from physalia.model import NodeId
from physalia.store import LIMITS, Limits, Store

EXAMPLE = "world nodes 3 members 1,2,3 alpha 3 rates 1,1,1 clocks 0,0,0 slots 96"

SLOTS = 96
"""Enough for all runs but the long ones: a command fills one slot, and so does a hole."""


Make = TypeVar("Make", bound=Callable[..., Any])

SMALL = Limits(value_bytes=3, answer_bytes=4, partition_bytes=10, sessions=2, chunk_bytes=1, lesson_bytes=300)
"""Limits of a store that are soon reached."""


@frozen
class Setup:
    """What a world starts from: nodes 1 to `nodes`, the first configuration, alpha, and the clock of each node.

    `rates` has one rate per node, in node milliseconds per true millisecond; `clocks_ms` what each shows at first. The
    run says nothing any more once one of the first `slots` slots does not suffice.
    """

    nodes: int
    members: frozenset[NodeId]
    alpha: int
    rates: tuple[Fraction, ...]
    clocks_ms: tuple[int, ...]
    slots: int
    store_is_small: bool = False
    """Whether the store has the limits `SMALL`, and clients mostly ask for transactions."""
    newcomers: frozenset[NodeId] = frozenset()
    """Nodes that are yet to be made. Where there are some, nodes leave for good too, and whoever left stays away."""

    @property
    def limits(self) -> Limits:
        """What the store of every node is bounded by."""
        return SMALL if self.store_is_small else LIMITS

    def bounded(self, make_node: Make) -> Make:
        """Makes nodes whose stores have these limits."""
        return cast(Make, partial(make_node, store=Store(SMALL))) if self.store_is_small else make_node

    @classmethod
    def of(
        cls, nodes: int, members: int, alpha: int, rates: Iterable[str] = (), *, late_ms: int = 0, slots: int = SLOTS
    ) -> "Setup":
        """The first `members` of `nodes` nodes are the first configuration; without rates every clock runs true.

        No two clocks show the same, and all of them more than `late_ms`.
        """
        clocks_ms = tuple(late_ms + 1_000 * node for node in range(1, nodes + 1))
        true = tuple(map(Fraction, rates or ("1",) * nodes))
        return cls(nodes, frozenset(range(1, members + 1)), alpha, true, clocks_ms, slots)


def setup_words(setup: Setup) -> str:
    """The setup in one line."""
    members = ",".join(map(str, sorted(setup.members)))
    rates, clocks = ",".join(map(str, setup.rates)), ",".join(map(str, setup.clocks_ms))
    newcomers = ",".join(map(str, sorted(setup.newcomers)))
    return (
        f"world nodes {setup.nodes} members {members} alpha {setup.alpha} rates {rates} clocks {clocks} "
        f"slots {setup.slots}{' store small' if setup.store_is_small else ''}"
        f"{f' newcomers {newcomers}' if newcomers else ''}"
    )


def read_setup(words: list[str]) -> Setup:
    """The setup that `setup_words` wrote, split at its spaces. Raises `UnreadableWords` or `ValueError`."""
    newcomers = frozenset(map(int, words[-1].split(","))) if words[-2:-1] == ["newcomers"] else frozenset[NodeId]()
    words = words[:-2] if newcomers else words
    store_is_small = words[-2:] == ["store", "small"]
    words = words[:-2] if store_is_small else words
    keys, values = ("nodes", "members", "alpha", "rates", "clocks", "slots"), words[2::2]
    if words[:1] != ["world"] or tuple(words[1::2]) != keys or len(values) != len(keys):
        raise UnreadableWords(f"expected a line such as '{EXAMPLE}'")
    nodes, members, alpha, rates, clocks, slots = values
    setup = Setup(
        int(nodes),
        frozenset(map(int, members.split(","))),
        int(alpha),
        tuple(map(Fraction, rates.split(","))),
        tuple(map(int, clocks.split(","))),
        int(slots),
        store_is_small,
        newcomers,
    )
    if len(setup.rates) != setup.nodes or len(setup.clocks_ms) != setup.nodes:
        raise UnreadableWords(f"there must be one rate and one clock for each of {setup.nodes} nodes")
    return setup
