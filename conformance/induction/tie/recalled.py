"""Cells that remember what the proof's layers `knowledge` and `reads` speak of, and the cell forgets.

Who decides a slot may crash before anybody hears of it: then no node knows it, and yet it was chosen. So beside the
state of the cell stands, for each slot, by whom it was first decided. No guard reads it: without it, the graph is the
graph of the model.
"""

from collections import namedtuple
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from attrs import fields, frozen, make_class

from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Name, Nodes, Slot
from spec.machine import action
from spec.observed import changes_of
from spec.values import Map

Kind = TypeVar("Kind", bound=CellProperties)


class First(NamedTuple):
    """How a slot was decided for the first time: for what, under which ballot, and whose votes were counted."""

    value: Name
    ballot: Ballot
    voters: Nodes


@lru_cache
def _remembering(variables: tuple[str, ...]) -> Any:
    """States with these variables of the model, by its own names, and what was decided, by slot."""
    make: Any = namedtuple
    return make("State", (*variables, "first_decided"))


@frozen(kw_only=True, slots=False, eq=False)
class Recalling(CellProperties):
    """A cell beside which stands what was decided, and how."""

    def init(self) -> Iterator[Any]:
        """Nothing was decided."""
        for s in super().init():
            yield _remembering(s._fields)(*s, first_decided=Map())

    @action(b="ballots", i="slots")
    def decide(self, s: Any, b: Ballot, i: Slot) -> Any:
        """As in the cell; the first time, it is noted."""
        after = super().decide(s, b, i)
        proposal = self.proposal(s, b, i)
        if after is None or proposal is None or i in s.first_decided:
            return after
        counted = self.voters(s, b, i) & self.members_of(s, self.owner[b], i)
        noted = s.first_decided.put(i, First(proposal.value, b, counted))
        return s._replace(**{**changes_of(after), "first_decided": noted})


def recalling(machine: Kind) -> Kind:
    """The same cell, of whatever kind, and beside it what was decided."""
    bases = (Recalling, type(machine))
    kind: Any = make_class("Recalled", {}, bases=bases, frozen=True, kw_only=True, slots=False, eq=False)
    return kind(**{field.name: getattr(machine, field.name) for field in fields(type(machine))})  # type: ignore[no-any-return]


def decided_log(s: Any) -> Log:
    """Everything that anybody ever decided, in the order of the slots: nobody decides above a hole."""
    return tuple(s.first_decided[i].value for i in range(1, len(s.first_decided) + 1))
