"""The specification's cell as the judge runs it: the same actions and invariants, for runs that may be long.

What the bounds of a model keep small is large here: ballots of any round, thousands of slots. So the constants are
computed instead of listed, a log is folded once for each of its entries, and phase 1 looks at no promise of another
ballot. None of this changes what an action or an invariant says; a test compares them.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import TypeVar

from attrs import field, frozen

from spec.cell import State
from spec.commands import Ballot, Content, Contents, Log, Name, Node, Nodes, Slot
from spec.service.reads import Reads

MAX_ROUND = 2**62
"""The specification's bound on rounds of ballots: nearly all that the codec can say."""

MAX_FOLDS = 512
"""So many logs are remembered with what they lead to. They are forgotten together, which costs one fold."""

T = TypeVar("T")


class BallotNumber(int):
    """The number of a ballot, which reads as the ballot everywhere: as ``2.1``."""

    words: str

    @classmethod
    def of(cls, number: int, words: str) -> "BallotNumber":
        """A number with its words."""
        ballot = cls(number)
        ballot.words = words
        return ballot

    def __repr__(self) -> str:
        return self.words

    __str__ = __repr__


class EachBallot(Mapping[Ballot, T]):
    """A function over all ballots that is computed, since there are too many to list."""

    def __init__(self, last: Ballot, value: Callable[[Ballot], T]) -> None:
        self._last = last
        self._value = value

    def __getitem__(self, ballot: Ballot) -> T:
        if not 1 <= ballot <= self._last:
            raise KeyError(ballot)
        return self._value(ballot)

    def __iter__(self) -> Iterator[Ballot]:
        return iter(range(1, self._last + 1))

    def __len__(self) -> int:
        return self._last


@frozen(kw_only=True, slots=False, eq=False)
class JudgedCell(Reads):
    """`Reads` for nodes 1 to n that may all learn and crash, with ballots (round - 1) * n + node."""

    seen: Set[Ballot]
    """The ballots that occurred so far: what `ballots` lists."""
    rounds: Set[int] = frozenset()
    """The numbers of rounds of reads that occurred so far: up to one more is what `reads` lists."""
    _folds: dict[Log, Contents] = field(init=False, factory=dict)

    @classmethod
    def of(
        cls,
        content: Mapping[Name, Content],
        first: Nodes,
        alpha: int,
        nodes: range,
        slots: int,
        seen: Set[Ballot],
        rounds: Set[int] = frozenset(),
    ) -> "JudgedCell":
        """The cell of so many nodes and slots; `content` and the ballots that were `seen` may grow."""
        size = len(nodes)
        last, everyone = MAX_ROUND * size, frozenset(nodes)

        def owner(ballot: Ballot) -> Node:
            return (ballot - 1) % size + 1

        return cls(
            content=content, first=first, alpha=alpha, nodes=nodes, max_slot=slots, max_ballot=last, seen=seen,
            rounds=rounds, owner=EachBallot(last, owner), audience=EachBallot(last, lambda _: everyone),
            learners=everyone, mortals=everyone, strays=everyone, max_reads=EachBallot(last, lambda _: MAX_ROUND),
        )  # fmt: skip

    @property
    def ballots(self) -> tuple[Ballot, ...]:  # type: ignore[override]
        """The ballots that occurred."""
        return tuple(sorted(self.seen))

    @property
    def reads(self) -> range:
        """The rounds of reads that occurred, and one more."""
        return range(1, max(self.rounds, default=0) + 2)

    def after(self, log: Log) -> Contents:
        """What `log` leads to, from what the log without its last entries leads to."""
        known = len(log)
        while known and log[:known] not in self._folds:
            known -= 1
        contents = self._folds[log[:known]] if known else self.beginning()
        if known == len(log):
            return contents
        contents = self.after_from(contents, log[known:])
        if len(self._folds) >= MAX_FOLDS:
            self._folds.clear()
        self._folds[log] = contents
        return contents

    def allowed(self, s: State, b: Ballot, i: Slot, v: Name) -> bool:
        """R3, slot by slot, for the promises of `b`."""
        return super().allowed(s._replace(promises=frozenset(m for m in s.promises if m.ballot == b)), b, i, v)
