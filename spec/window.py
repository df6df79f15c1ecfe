"""Values are chosen slot by slot, in any order, inside the window. Mirrors `tla/Window.tla`.

Never is one chosen further than alpha slots ahead of the first that is empty. The window makes the configuration of a
slot well defined before anybody works on the slot, because every change that could still matter to it has been chosen
(R1).

Refines `Log`: the log is the prefix without holes.
"""

from collections.abc import Iterator
from typing import NamedTuple

from attrs import frozen

from spec import log
from spec.commands import Commands, Name, Nodes, NoOp, Slot, Told
from spec.commands import Log as Entries
from spec.machine import Machine, action, invariant
from spec.values import Function, function, put

Nothing = "none"
"""An empty slot; `None` in TLA+, which means something else in Python."""


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Name]
    chosen: Function[Name]
    told: frozenset[Told]


@frozen(kw_only=True, slots=False, eq=False)
class Window(Commands, Machine[State]):
    """The constants, and the actions."""

    max_slot: int
    early: frozenset[Name] = frozenset()
    """Commands asked before the first step: a bound."""

    @property
    def slots(self) -> range:
        """Slots."""
        return range(1, self.max_slot + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(asked=self.early, chosen=function(self.slots, Nothing), told=frozenset())

    def prefix(self, s: State) -> Entries:
        """The prefix without holes: what may be applied."""
        values = s.chosen[1:]
        return values[: values.index(Nothing)] if Nothing in values else values

    def open(self, s: State, i: Slot) -> bool:
        """Whether the last value that the configuration of `i` depends on is chosen. Chosen slots are never emptied."""
        return i <= len(self.prefix(s)) + self.alpha

    def configuration(self, s: State, i: Slot) -> Nodes:
        """Who decides slot `i`, once it is open."""
        return self.members(self.prefix(s), i)

    @action(c="commands")
    def issue(self, s: State, c: Name) -> State | None:
        """A client asks."""
        if not (
            c not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {c})

    @action(i="slots", v="values")
    def choose(self, s: State, i: Slot, v: Name) -> State | None:
        """A value is chosen, once and for ever."""
        if not (
            self.open(s, i)
            and s.chosen[i] == Nothing
            and (v in s.asked or v == NoOp)
        ):  # fmt: skip
            return None
        return s._replace(chosen=put(s.chosen, i, v))

    @action(c="commands")
    def answer(self, s: State, c: Name) -> State | None:
        """A client is answered when everything below its command is chosen too: until then nobody can know."""
        if not (
            c in self.prefix(s)
            and all(t.command != c for t in s.told)
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {Told(c, self.verdict_on(self.prefix(s), c))})

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.asked <= set(self.commands)
            and all(s.chosen[i] in (*self.values, Nothing) for i in self.slots)
            and all(t.command in s.asked for t in s.told)
        )

    @invariant
    def chosen_inside_window(self, s: State) -> bool:
        """Only open slots have values."""
        return all(self.open(s, i) for i in self.slots if s.chosen[i] != Nothing)

    @invariant
    def told_in_prefix(self, s: State) -> bool:
        """Nobody is told about a command above a hole."""
        verdicts = self.after(self.prefix(s)).verdicts
        return all(t.command in verdicts and t.verdict == verdicts[t.command] for t in s.told)

    def above(self) -> log.Log:
        """The log."""
        return log.Log(
            content=self.content, first=self.first, alpha=self.alpha, max_slot=self.max_slot, early=self.early
        )

    def seen_from_above(self, s: State) -> log.State:
        """The log is the prefix without holes."""
        return log.State(asked=s.asked, log=self.prefix(s), told=s.told)
