"""What the client of a volume may observe of one sector: a register. Mirrors `tla/Register.tla`.

A write is asked, takes effect once, and is told; a read returns a value that the register had between its beginning and
its end. So the register is linearizable. A write that nobody was told of may take effect late, or never. Values are all
the writes so far, in their order, and not the last alone: so nothing is lost unseen, and nothing happens twice.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action, invariant
from spec.values import Function, function, put

Write: TypeAlias = int
Reader: TypeAlias = int


class Reading(NamedTuple):
    """A read: how long the contents were when it began, and how much of them it returned."""

    stage: str
    """"idle", "open" or "done"."""
    least: int
    result: int


NO_READ = Reading("idle", 0, 0)


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Write]
    contents: tuple[Write, ...]
    told: frozenset[Write]
    reads: Function[Reading]


@frozen(kw_only=True, slots=False, eq=False)
class Register(Machine[State]):
    """The constants, and the actions."""

    writes: range
    readers: range

    @property
    def batches(self) -> Iterator[tuple[Write, ...]]:
        """Writes that take effect in one step: below, one server takes over what the other does not hold yet."""
        for k in range(1, len(self.writes) + 1):
            yield from permutations(self.writes, k)

    @property
    def sizes(self) -> range:
        """How long the contents may be."""
        return range(len(self.writes) + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(asked=frozenset(), contents=(), told=frozenset(), reads=function(self.readers, NO_READ))

    @action(w="writes")
    def issue(self, s: State, w: Write) -> State | None:
        """A client asks."""
        if not (
            w not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {w})

    @action(b="batches")
    def perform(self, s: State, b: tuple[Write, ...]) -> State | None:
        """Writes take effect."""
        if not (
            all(w in s.asked - s.told and w not in s.contents for w in b)
        ):  # fmt: skip
            return None
        return s._replace(contents=s.contents + b)

    @action(w="writes")
    def tell(self, s: State, w: Write) -> State | None:
        """The client is told."""
        if not (
            w not in s.told
            and w in s.contents
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {w})

    @action(q="readers")
    def look(self, s: State, q: Reader) -> State | None:
        """A read begins."""
        if not (  # noqa: SIM201  # a guard says what must be
            s.reads[q] == NO_READ
        ):  # fmt: skip
            return None
        return s._replace(reads=put(s.reads, q, Reading("open", len(s.contents), 0)))

    @action(q="readers", k="sizes")
    def finish(self, s: State, q: Reader, k: int) -> State | None:
        """A read returns the first `k` writes."""
        if not (
            s.reads[q].stage == "open"
            and s.reads[q].least <= k <= len(s.contents)
        ):  # fmt: skip
            return None
        return s._replace(reads=put(s.reads, q, s.reads[q]._replace(stage="done", result=k)))

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.asked <= set(self.writes)
            and set(s.contents) <= set(self.writes)
            and s.told <= s.asked
            and all(
                s.reads[q].stage in ("idle", "open", "done")
                and s.reads[q].least in self.sizes
                and s.reads[q].result in self.sizes
                for q in self.readers
            )
        )

    @invariant
    def nothing_lost(self, s: State) -> bool:
        """What a client was told of is there."""
        return s.told <= set(s.contents)

    @invariant
    def at_most_once(self, s: State) -> bool:
        """Nothing takes effect twice."""
        return len(set(s.contents)) == len(s.contents)

    @invariant
    def reads_fresh(self, s: State) -> bool:
        """A read returns nothing older than what was there when it began."""
        return all(
            s.reads[q].least <= s.reads[q].result <= len(s.contents) for q in self.readers if s.reads[q].stage == "done"
        )
