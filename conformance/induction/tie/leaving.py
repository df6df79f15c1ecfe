"""`Teaching` and `Leaving` as the layers `truncation` and `leaving` of the proof: floors, and what is left of nodes.

States and steps are compared, in models in which nobody crashes: a floor is durable at once then, and so is what is
learned. A snapshot that is installed is read as its decisions learned one after the other, and then truncated. That a
guard holds only where there is an edge is not compared; nor who holds a slot (`held_by`), which no state of a cell
says, and which prefix is the longest (`latest`), which follows from others at once and is no fact that stays.
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from conformance.induction.tie.consulting import RoundsSteps
from conformance.induction.tie.disks import values_of
from conformance.induction.tie.knowing import RELATIONS, Knowing
from conformance.induction.tie.readings import Args, Part, Reading, Taken
from conformance.induction.tie.recalled import recalling
from spec.cell import Promise, Report
from spec.commands import Node
from spec.induction.formulas.evaluate import Facts
from spec.induction.formulas.structure import named
from spec.leaving import Leaving, Nowhere
from spec.machine import successor
from spec.teaching import Teaching
from spec.values import put

FIRST = ("first_ballot", "first_quorum", "acknowledged")
FLOORS = ("floor", "reported_floor")
LEFT = ("durable", "said", "erased")
OF_A_NODE = ("promised", "accepted", "knows", "believes", "floor", "durable")
"""What is lost with a disk."""
STEPS = ("write_promise", "promise", "write_vote", "vote", "learn", "acknowledge", "truncate")


def read_truncation(machine: Teaching) -> Reading[Any]:
    """`Teaching` as the layer `truncation`."""
    return _read(machine, relations=(*RELATIONS, *FIRST, *FLOORS), steps=STEPS, derived=("extend", "believe"))


def read_leaving(machine: Leaving) -> Reading[Any]:
    """`Leaving` as the layer `leaving`; what a node knows it has stored."""
    return _read(
        machine,
        relations=(*RELATIONS, *FIRST, *FLOORS, *LEFT),
        steps=(*STEPS, "erase", "lose"),
        derived=("extend", "believe", "store"),
    )


def _read(
    machine: Teaching, *, relations: tuple[str, ...], steps: tuple[str, ...], derived: tuple[str, ...]
) -> Reading[Any]:
    if machine.mortals:
        raise ValueError("what waits for a flush is not read in these layers")
    floors = Floors(recalling(machine))
    facts = floors.facts
    given = {"choose": ("n", "q", "b"), "propose": ("n",)}
    return Reading(
        machine=floors.machine,
        universe=floors.universe,
        facts=lambda s: {name: facts(s)[name] for name in relations},
        relations=relations,
        steps={name: Part(action=name, gives=given.get(name, ())) for name in (*steps, *given)},
        derived=derived,
        paths=("choose", "learn"),
        stutters=("issue", "prepare", "create"),
        read_step=FloorsSteps(floors, outbox=False, whole=floors.machine).read,
        guards=False,
    )


@frozen(slots=False)
class Floors(Knowing):
    """The facts of states of `Teaching`, and of `Leaving`."""

    def facts(self, s: Any) -> Facts:
        """As the layer `knowledge` has them, with floors, and with what is left of nodes that are gone."""
        nodes = self.machine.nodes
        pointer = getattr(s, "pointer", (Nowhere,) * (len(nodes) + 1))
        gone = lost(s)
        found: Facts = {
            **super().facts(s),
            "first_ballot": frozenset((i, first.ballot) for i, first in s.first_decided.items()),
            "first_quorum": frozenset((i, named(first.voters)) for i, first in s.first_decided.items()),
            "acknowledged": frozenset((d.slot,) for d in s.decisions),
            "floor": frozenset((n, j) for n in nodes for j in upto(s.disk[n].floor)),
            "reported_floor": frozenset((m.node, m.ballot, j) for m in s.promises for j in upto(m.floor)),
            "durable": frozenset((n, i) for n in nodes for i in range(1, len(s.known[n]) + 1)),
            "said": frozenset((n, i) for n in nodes for i in range(1, len(s.known[n]) + 1)),
            "erased": frozenset((n,) for n in nodes if pointer[n] != Nowhere),
            "lost": frozenset((n,) for n in gone),
        }
        kept = {name: frozenset(fact for fact in found[name] if fact[0] not in gone) for name in OF_A_NODE}
        return {**found, **kept}

    def _accepted(self, s: Any) -> Iterator[Args]:
        """And the votes at or below a floor, which the layer keeps as what happened."""
        yield from super()._accepted(s)
        value = values_of(s)
        for w in s.votes:
            if w.slot <= s.disk[w.node].floor:
                yield w.node, w.ballot, w.slot, value[w.ballot, w.slot]

    def told(self, s: Any, m: Promise) -> set[Report]:
        """Nothing of what is at or below the floor."""
        return {r for r in super().told(s, m) if r.slot > m.floor}


@frozen(slots=False)
class FloorsSteps(RoundsSteps):
    """What the steps of `Teaching` and `Leaving` are in the layers."""

    def read(self, s: Any, name: str, args: Args) -> tuple[Taken[Any], ...]:
        """As in the layer `reads`, and what raises a floor, or ends a node."""
        match name:
            case "truncate" | "lose":
                return (Taken(name, args),)
            case "erase":
                return (Taken(name, args[:1]),)
            case "install":
                return tuple(self._installed(s, args))
            case _:
                return super().read(s, name, args)

    def _installed(self, s: Any, args: Args) -> Iterator[Taken[Any]]:
        """Every decision is learned, and then all of them are forgotten."""
        n, i = args
        after = successor(self.whole, s, "install", args)
        assert after is not None, "it is an edge of the graph"
        for j in range(len(s.known[n]) + 1, i + 1):
            learned = s._replace(known=put(s.known, n, after.known[n][:j]))
            yield Taken("learn", (n, j, after.known[n][j - 1]), learned)
        yield Taken("truncate", args)


def lost(s: Any) -> frozenset[Node]:
    """The nodes whose disks are lost."""
    return frozenset(n for n, one in enumerate(getattr(s, "place", ())) if one == "lost")


def upto(floor: int) -> range:
    """All that is at or below a floor; nothing if nothing was truncated."""
    return range(floor + 1 if floor else 0)
