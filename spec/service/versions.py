"""Software of several versions: a node stops before what it does not understand. Mirrors `tla/Versions.tla`.

A command says by which version of the rules it is to be carried out. A node that comes to one which its software does
not understand writes the decision down and stops before it (R5). It goes on with software that understands; rolled
back, it reads what it wrote down up to where the old software understands it.
"""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action, invariant
from spec.values import Function, function, function_of, put

Command: TypeAlias = int
Node: TypeAlias = int
Version: TypeAlias = int
Slot: TypeAlias = int


class Answer(NamedTuple):
    """The answer to a read: after which slot, and what the node made of the log then."""

    slot: Slot
    saw: tuple[Command, ...]


class State(NamedTuple):
    """The variables."""

    log: tuple[Command, ...]
    software: Function[Version]
    changed: Function[int]
    """How often each node was started with other software."""
    written: Function[Slot]
    """How many decisions its disk has."""
    applied: Function[Slot]
    """How many of them it applied."""
    state: Function[tuple[Command, ...]]
    """What it made of them: commands that took effect, in order."""
    answers: frozenset[Answer]


@frozen(kw_only=True, slots=False, eq=False)
class Versions(Machine[State]):
    """The constants, the steps, and what they are for."""

    needs: Mapping[Command, Version]
    """The version that understands a command."""
    first: Mapping[Node, Version]
    """The version of a node's software in the beginning."""
    changes: Mapping[Node, int]
    """How often it is started with other software: a bound."""
    max_slot: int
    """How long the log grows: a bound."""

    @property
    def commands(self) -> range:
        """Commands."""
        return range(1, len(self.needs) + 1)

    @property
    def nodes(self) -> range:
        """Nodes."""
        return range(1, len(self.first) + 1)

    @property
    def versions(self) -> tuple[Version, ...]:
        """Versions of the software."""
        return tuple(sorted({*self.needs.values(), *self.first.values()}))

    def understands(self, v: Version, c: Command) -> bool:
        """Whether software of version `v` knows what the command means."""
        return self.needs[c] <= v

    def stopped(self, s: State, n: Node) -> bool:
        """Whether a node has written down what it does not understand."""
        return s.applied[n] < s.written[n]

    def is_majority_running(self, s: State) -> bool:
        """Whether a majority is not stopped."""
        return 2 * sum(not self.stopped(s, n) for n in self.nodes) > len(self.nodes)

    def readable(self, s: State, v: Version, k: Slot) -> tuple[Command, ...]:
        """The first `k` decisions up to the first one that software of version `v` does not understand."""
        return tuple(takewhile(lambda c: self.understands(v, c), s.log[:k]))

    def init(self) -> Iterator[State]:
        """The one initial state."""
        nothing = function(self.nodes, 0)
        yield State(
            log=(), software=function_of(self.first.values()), changed=nothing, written=nothing, applied=nothing,
            state=function(self.nodes, ()), answers=frozenset(),
        )  # fmt: skip

    @action(n="nodes", c="commands")
    def decide(self, s: State, n: Node, c: Command) -> State | None:
        """Node `n` leads, and has a command decided that it understands. Whoever votes need not understand it."""
        if not (
            len(s.log) < self.max_slot
            and c not in s.log
            and not self.stopped(s, n)
            and self.understands(s.software[n], c)
            and self.is_majority_running(s)
        ):  # fmt: skip
            return None
        return s._replace(log=(*s.log, c))

    @action(n="nodes")
    def apply(self, s: State, n: Node) -> State | None:
        """It writes down the next decision, and applies it."""
        if not (
            not self.stopped(s, n)
            and s.applied[n] < len(s.log)
            and self.understands(s.software[n], s.log[s.applied[n]])
        ):  # fmt: skip
            return None
        return s._replace(
            written=put(s.written, n, s.written[n] + 1),
            applied=put(s.applied, n, s.applied[n] + 1),
            state=put(s.state, n, (*s.state[n], s.log[s.applied[n]])),
        )

    @action(n="nodes")
    def stop(self, s: State, n: Node) -> State | None:
        """It writes down the next decision, which it does not understand, and stops."""
        if not (
            not self.stopped(s, n)
            and s.applied[n] < len(s.log)
            and not self.understands(s.software[n], s.log[s.applied[n]])
        ):  # fmt: skip
            return None
        return s._replace(written=put(s.written, n, s.written[n] + 1))

    @action(n="nodes", v="versions")
    def start(self, s: State, n: Node, v: Version) -> State | None:
        """It is started with software of another version, and makes anew what that understands of its disk."""
        if not (
            v != s.software[n]
            and s.changed[n] < self.changes[n]
        ):  # fmt: skip
            return None
        state = self.readable(s, v, s.written[n])
        return s._replace(
            software=put(s.software, n, v),
            changed=put(s.changed, n, s.changed[n] + 1),
            applied=put(s.applied, n, len(state)),
            state=put(s.state, n, state),
        )

    @action(n="nodes")
    def read(self, s: State, n: Node) -> State | None:
        """It answers a read from what it made of the log."""
        if self.stopped(s, n):
            return None
        return s._replace(answers=s.answers | {Answer(s.applied[n], s.state[n])})

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            set(s.log) <= set(self.commands)
            and len(s.log) <= self.max_slot
            and all(
                s.software[n] in self.versions
                and 0 <= s.changed[n] <= self.changes[n]
                and 0 <= s.applied[n] <= s.written[n] <= len(s.log)
                and (s.written[n] <= s.applied[n] + 1 or s.changed[n] > 0)
                for n in self.nodes
            )
        )

    @invariant
    def never_forks(self, s: State) -> bool:
        """Nodes that applied the same decisions are in the same state: none ever skipped one."""
        return all(
            s.state[n] == s.state[m] for n in self.nodes for m in self.nodes if s.applied[n] == s.applied[m]
        )  # fmt: skip

    @invariant
    def state_is_the_logs(self, s: State) -> bool:
        """A node is in the state that the log leads to."""
        return all(s.state[n] == s.log[: s.applied[n]] for n in self.nodes)

    @invariant
    def applies_what_it_understands(self, s: State) -> bool:
        """A node made nothing of what its software does not understand."""
        return all(self.understands(s.software[n], c) for n in self.nodes for c in s.state[n])

    @invariant
    def reads_agree(self, s: State) -> bool:
        """Reads are answered from the log, whoever answers."""
        return all(a.saw == b.saw for a in s.answers for b in s.answers if a.slot == b.slot)
