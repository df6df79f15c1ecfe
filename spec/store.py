"""What clients may observe: one store, on which commands take effect one after the other. Mirrors `tla/Store.tla`.

This is the top of the ladder and says nothing of nodes, slots or ballots. A command is asked, takes effect, and is
answered, in this order and in three steps: so its effect lies between question and answer, which makes the store
linearizable. A command that was asked may never take effect, and one that took effect may never be answered.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from attrs import frozen

from spec.commands import Change, Commands, Contents, Name, Told, Write
from spec.machine import Machine, action, invariant


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Name]
    contents: Contents
    told: frozenset[Told]


@frozen(kw_only=True, slots=False, eq=False)
class Store(Commands, Machine[State]):
    """The constants, and the actions."""

    early: frozenset[Name] = frozenset()
    """Commands asked before the first step: a bound."""

    @property
    def batches(self) -> Iterator[tuple[Name, ...]]:
        """Commands that take effect in one step: below, a hole that is filled makes everything above it count."""
        for k in range(1, len(self.commands) + 1):
            yield from permutations(self.commands, k)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(asked=self.early, contents=self.beginning(), told=frozenset())

    @action(c="commands")
    def issue(self, s: State, c: Name) -> State | None:
        """A client asks."""
        if not (
            c not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {c})

    @action(b="batches")
    def perform(self, s: State, b: tuple[Name, ...]) -> State | None:
        """Commands take effect, at most once each (R6): what has a verdict has taken effect."""
        if not (
            all(c in s.asked and c not in s.contents.verdicts for c in b)
        ):  # fmt: skip
            return None
        return s._replace(contents=self.after_from(s.contents, b))

    @action(c="commands")
    def answer(self, s: State, c: Name) -> State | None:
        """A client is told the verdict."""
        if not (
            c in s.contents.verdicts
            and all(t.command != c for t in s.told)
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {Told(c, s.contents.verdicts[c])})

    def done(self, s: State, kind: type[Write | Change]) -> list[Name]:
        """The commands of a kind that were done."""
        return [c for c, verdict in s.contents.verdicts.items() if isinstance(self.content[c], kind) and verdict.done]

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.asked <= set(self.commands)
            and s.contents.volume.version >= 0
            and s.contents.jury.version >= 0
            and set(s.contents.verdicts) <= s.asked
            and all(t.command in s.asked for t in s.told)
        )

    @invariant
    def verdicts_true(self, s: State) -> bool:
        """What a client was told is what happened, and it is told once."""
        return all(
            t.command in s.contents.verdicts and t.verdict == s.contents.verdicts[t.command] for t in s.told
        ) and all(t == u for t in s.told for u in s.told if t.command == u.command)

    @invariant
    def versions_count_writes(self, s: State) -> bool:
        """A version is one done write: none is lost, none is counted twice."""
        return (
            s.contents.volume.version == len(self.done(s, Write))
            and s.contents.jury.version == len(self.done(s, Change))
        )  # fmt: skip

    @invariant
    def conditions_hold(self, s: State) -> bool:
        """Of two conditional writes on the same version at most one is done."""
        for c in (*self.done(s, Write), *self.done(s, Change)):
            content = self.content[c]
            assert isinstance(content, Write | Change)
            if s.contents.verdicts[c].saw.version != content.expects + 1:
                return False
        return True
