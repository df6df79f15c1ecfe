"""Guards with a conjunct left out: edges alone accept each of them, and the comparison of guards must catch them.

A formula that asks for less still allows every edge of a graph. Whoever looks at edges alone would never notice a proof
about something else than what runs. That a guard holds *only* where the graph has an edge is what catches it; and for a
derived step, that nothing of it is left to be done in any state.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from attrs import frozen

from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.model import Tie
from spec.differences import call

NOTHING = 0
"""No ballot, and no slot."""


@frozen(kw_only=True)
class Weakened:
    """An action without one conjunct of its guard."""

    layer: str
    action: str
    conjunct: str
    edges: int
    """How many edges were evaluated; without the conjunct all are accepted, unless `refused`."""
    refused: int
    caught: str
    """The model, and the first guard there that holds where there is no edge; empty if nothing caught it."""

    def __str__(self) -> str:
        where = "" if self.layer == "ballots" else f" ({self.layer})"
        return f"{self.action} without {self.conjunct}{where}"

    @property
    def accepted(self) -> bool:
        """Whether the edges alone accept it: at least one was evaluated, and none was refused."""
        return self.edges > 0 and not self.refused


Conjuncts: TypeAlias = Callable[[str, str], bool]
"""Whether a conjunct of an action, both by name, is one of them."""


def weakened_guards(
    ties: Iterable[Tie], layer: str = "ballots", skipped: Conjuncts = lambda *_: False
) -> Iterator[Weakened]:
    """Leave out each conjunct of each guard, and look in these models, in order, until one catches it."""
    ties = [tie for tie in ties if tie.reading.guards]
    for name in dict.fromkeys(name for tie in ties for name in tie.formulas.actions):
        mine = [tie for tie in ties if name in tie.formulas.actions]
        conjuncts = dict.fromkeys(conjunct for tie in mine for conjunct in tie.formulas.actions[name].action.guard)
        for conjunct in conjuncts:
            if skipped(name, conjunct):
                continue
            having = [tie for tie in mine if conjunct in tie.formulas.actions[name].action.guard]
            yield _judged(layer, name, conjunct, having)


def _judged(layer: str, name: str, conjunct: str, ties: list[Tie]) -> Weakened:
    edges = refused = 0
    # Arguments that the machine itself can have say more than "no ballot" and "no slot", which all guards must refuse.
    for own_arguments in (True, False):
        for tie in ties:
            derived = name in tie.reading.derived
            if derived and own_arguments:
                continue
            weak = tie.formulas.without(name, conjunct)
            if derived or own_arguments:
                tried, wrong = _by_edges(tie, name, weak)
                edges, refused = edges + tried, refused + wrong
            caught = _by_derived(tie, weak) if derived else _by_guards(tie, name, weak, own_arguments=own_arguments)
            if caught:
                return Weakened(
                    layer=layer, action=name, conjunct=conjunct, edges=edges, refused=refused, caught=caught
                )
    return Weakened(layer=layer, action=name, conjunct=conjunct, edges=edges, refused=refused, caught="")


def _by_edges(tie: Tie, name: str, weak: Formulas) -> tuple[int, int]:
    """How many edges the action has a part in, and how many of these the formulas refuse."""
    tried = refused = 0
    takes = tie.reading.paths if name in tie.reading.derived else (name,)
    for edge in tie.edges():
        for move in tie.moves(edge):
            if move.action not in takes:
                continue
            if name not in tie.reading.derived or weak.middle(move.action, move.before, move.after) != move.after:
                tried += 1
                refused += weak.leads(move.action, move.args, move.before, move.after) is None
    return tried, refused


def _by_guards(tie: Tie, name: str, weak: Formulas, *, own_arguments: bool) -> str:
    """The first guard that holds where it must not; empty if there is none."""
    taken = {(edge[0], move.args) for edge in tie.edges() for move in tie.moves(edge)[:1] if move.action == name}
    act = weak.actions[name]
    for number in range(tie.found.distinct):
        for args in act.arguments(tie.facts(number)):
            if own_arguments and NOTHING in args:
                continue
            held = act.enabled(tie.facts(number), *args) and (number, args) not in taken
            if held and not tie.reading.exception(tie.found.state(number), name, args):
                return f"{tie.name}: {call(name, args)} in state {number}"
    return ""


def _by_derived(tie: Tie, weak: Formulas) -> str:
    for number in range(tie.found.distinct):
        step = weak.unfinished(tie.facts(number))
        if step is not None:
            return f"{tie.name}: {call(*step)} in state {number}"
    return ""
