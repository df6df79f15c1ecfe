"""One sequence of values that only grows. Mirrors `tla/Log.tla`.

A client is told what its command came to once it stands in the log. This is consensus, said once for the whole log:
nothing is ever changed or taken away.

Refines `Store`: the contents are what the log leads to. A no-op and the second place of a command change nothing there.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from attrs import frozen

from spec import store
from spec.commands import Commands, Name, NoOp, Told
from spec.commands import Log as Entries
from spec.machine import Machine, action, invariant


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Name]
    log: Entries
    told: frozenset[Told]


@frozen(kw_only=True, slots=False, eq=False)
class Log(Commands, Machine[State]):
    """The constants, and the actions."""

    max_slot: int
    early: frozenset[Name] = frozenset()
    """Commands asked before the first step: a bound."""

    @property
    def extensions(self) -> Iterator[Entries]:
        """What one step may append: several, because the rung below may fill a hole under values chosen before."""
        for k in range(1, self.max_slot + 1):
            yield from product(self.values, repeat=k)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(asked=self.early, log=(), told=frozenset())

    @action(c="commands")
    def issue(self, s: State, c: Name) -> State | None:
        """A client asks."""
        if not (
            c not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {c})

    @action(e="extensions")
    def extend(self, s: State, e: Entries) -> State | None:
        """The log grows. A command may stand in it twice: two proposers may both have got it decided."""
        if not (
            len(s.log) + len(e) <= self.max_slot
            and all(v in s.asked or v == NoOp for v in e)
        ):  # fmt: skip
            return None
        return s._replace(log=s.log + e)

    @action(c="commands")
    def answer(self, s: State, c: Name) -> State | None:
        """A client is told the verdict."""
        if not (
            c in s.log
            and all(t.command != c for t in s.told)
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {Told(c, self.verdict_on(s.log, c))})

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.asked <= set(self.commands)
            and set(s.log) <= set(self.values)
            and len(s.log) <= self.max_slot
            and all(t.command in s.asked for t in s.told)
        )

    @invariant
    def entries_asked(self, s: State) -> bool:
        """Nobody is given what nobody asked for."""
        return all(v in s.asked or v == NoOp for v in s.log)

    @invariant
    def verdicts_true(self, s: State) -> bool:
        """A verdict stays true while the log grows: it depends on the prefix up to the first place alone."""
        verdicts = self.after(s.log).verdicts
        return all(t.command in verdicts and t.verdict == verdicts[t.command] for t in s.told)

    def above(self) -> store.Store:
        """The store."""
        return store.Store(content=self.content, first=self.first, alpha=self.alpha, early=self.early)

    def seen_from_above(self, s: State) -> store.State:
        """The contents are what the log leads to."""
        return store.State(asked=s.asked, contents=self.after(s.log), told=s.told)
