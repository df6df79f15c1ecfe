"""The specification's cell as the judge runs it: the same actions and invariants, for runs that may be long.

What the bounds of a model keep small is large here: ballots of any round, thousands of slots. So the constants are
computed instead of listed, a log is folded once for each of its entries, and phase 1 looks at no promise of another
ballot. None of this changes what an action or an invariant says; a test compares them.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from attrs import field, frozen

from conformance.plain import word
from physalia.store import LIMITS, Limits
from spec.cell import State
from spec.commands import Ballot, Contents, Log, Name, Node, Nodes, Slot, Verdict
from spec.machine import invariant
from spec.service import transactions
from spec.service.reads import Reads
from spec.teaching import Teaching
from spec.values import Map

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


class Asked(NamedTuple):
    """What the store is asked for: a command as the reference has it. The specification knows only its name."""

    command: transactions.Plain


class Stored(NamedTuple):
    """The store after a log, the reply to its last command as a word, and those to each of them, wherever it stands."""

    state: transactions.State
    reply: str
    replies: Map[Name, tuple[str, ...]]


@frozen(kw_only=True, slots=False, eq=False)
class JudgedCell(Reads, Teaching):
    """`Reads` and `Teaching` for nodes 1 to n that may all learn and crash, with ballots (round - 1) * n + node."""

    seen: Set[Ballot]
    """The ballots that occurred so far: what `ballots` lists."""
    reference: transactions.Transactions
    """The reference for the commands of the store; for the specification they are reads that see nothing."""
    rounds: Set[int] = frozenset()
    """The numbers of rounds of reads that occurred so far: up to one more is what `reads` lists."""
    _folds: dict[Log, Contents] = field(init=False, factory=dict)
    _members: dict[tuple[int, Slot], tuple[Log, Nodes]] = field(init=False, factory=dict)
    """By the identity of a log, which is kept: a log that a node knows is asked about again and again."""
    _stored: dict[Log, Stored] = field(init=False, factory=dict)

    @classmethod
    def of(
        cls,
        content: Mapping[Name, Any],
        first: Nodes,
        alpha: int,
        nodes: range,
        slots: int,
        seen: Set[Ballot],
        rounds: Set[int] = frozenset(),
        limits: Limits = LIMITS,
        **more: Any,
    ) -> "JudgedCell":
        """The cell of so many nodes and slots; `content` and the ballots that were `seen` may grow.

        `more` are the constants that a cell has beside these.
        """
        size = len(nodes)
        last, everyone = MAX_ROUND * size, frozenset(nodes)
        reference = transactions.Transactions(
            value_bytes=limits.value_bytes, answer_bytes=limits.answer_bytes,
            partition_bytes=limits.partition_bytes, sessions=limits.sessions,
        )  # fmt: skip

        def owner(ballot: Ballot) -> Node:
            return (ballot - 1) % size + 1

        return cls(
            content=content, first=first, alpha=alpha, nodes=nodes, max_slot=slots, max_ballot=last, seen=seen,
            rounds=rounds, owner=EachBallot(last, owner), audience=EachBallot(last, lambda _: everyone),
            learners=everyone, mortals=everyone, strays=everyone,
            truncators=everyone, students=everyone, max_reads=EachBallot(last, lambda _: MAX_ROUND),
            reference=reference, **more,
        )  # fmt: skip

    @property
    def ballots(self) -> tuple[Ballot, ...]:  # type: ignore[override]
        """The ballots that occurred."""
        return tuple(sorted(self.seen))

    @property
    def reads(self) -> range:
        """The rounds of reads that occurred, and one more."""
        return range(1, max(self.rounds, default=0) + 2)

    def members(self, log: Log, i: Slot) -> Nodes:
        """The configuration of slot `i`, for whoever knows `log`."""
        known = self._members.get((id(log), i))
        if known is not None:
            return known[1]
        if len(self._members) >= MAX_FOLDS:
            self._members.clear()
        found = self.after(log[: max(0, i - self.alpha)]).jury.members
        self._members[id(log), i] = log, found
        return found

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

    def applied(self, state: Contents, value: Name) -> Contents:
        """`state` after one more value; a command of the store is a read here, and `stored` knows what it does."""
        if isinstance(self.content.get(value), Asked):
            return self.judged(state, value, Verdict(True, state.volume))
        return super().applied(state, value)

    def verdict_on(self, log: Log, c: Name) -> Verdict:
        """What the log says of its last command, or of any other that is none of the store's."""
        if log and log[-1] == c and isinstance(self.content.get(c), Asked):
            return self.stored(log).reply  # type: ignore[return-value]
        return super().verdict_on(log, c)

    @invariant
    def verdicts_true(self, s: State) -> bool:
        """What clients were told is what the decided log says; of a command of the store, at one of its places."""
        told = {t for t in s.told if isinstance(self.content.get(t.command), Asked)}
        replies = self.stored(self.decided_log(s)).replies
        others = s if not told else s._replace(told=s.told - told)
        return super().verdicts_true(others) and all(str(t.verdict) in replies.get(t.command, ()) for t in told)

    def stored(self, log: Log) -> Stored:
        """The store after `log`, from what it was after the log without its last entries."""
        known = len(log)
        while known and log[:known] not in self._stored:
            known -= 1
        stored = self._stored[log[:known]] if known else Stored(transactions.beginning(), "", Map())
        for slot in range(known + 1, len(log) + 1):
            name = log[slot - 1]
            asked = self.content.get(name)
            stored = stored._replace(reply="")
            if isinstance(asked, Asked):
                state, reply = self.reference.apply(stored.state, slot, asked.command)
                replies = (*stored.replies.get(name, ()), word(reply))
                stored = Stored(state, word(reply), stored.replies.put(name, replies))
        if len(self._stored) >= MAX_FOLDS:
            self._stored.clear()
        self._stored[log] = stored
        return stored

    def digest(self, log: Log, name_of: Callable[[Node], int] = int) -> bytes:
        """What a node that knows `log` must say of its state; `name_of` a node is what nodes call it."""
        contents = self.after(log)
        jury = (contents.jury.version, tuple(sorted(map(name_of, contents.jury.members))))
        volume = ("Volume", *contents.volume)
        state = (len(log), volume, *jury, transactions.digest(self.stored(log).state))
        return sha256(transactions.encode(state)).digest()

    def allowed(self, s: State, b: Ballot, i: Slot, v: Name) -> bool:
        """R3, slot by slot, for the promises of `b`."""
        return super().allowed(s._replace(promises=frozenset(m for m in s.promises if m.ballot == b)), b, i, v)
