"""`Teaching` and `Leaving` as the layers `truncation` and `leaving` of the proof: floors, and what is left of nodes.

States, steps and guards are compared, in models in which nobody crashes: a floor is durable at once then, and so is
what is learned. A snapshot that is installed is read as its decisions learned one after the other, and then truncated;
who retires, as erased by a prefix and by those who said that they learned. What these machines do less than the layers
allow is in `forgetting.py`.

Not compared is what nobody does here: the guards of reads (`ask`, `echo`, `serve`), and that one node is taught by
another, which has none. Nor is who holds a slot (`held_by`), which no state of a cell says, and which prefix is the
longest (`latest`), which follows from others at once and is no fact that stays; no guard asks for either.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from attrs import frozen

from conformance.induction.tie.consulting import RoundsSteps
from conformance.induction.tie.disks import values_of
from conformance.induction.tie.forgetting import FloorsExceptions, LeavingExceptions
from conformance.induction.tie.knowing import RELATIONS, Knowing, every, part
from conformance.induction.tie.readings import Args, Part, Reading, Taken
from conformance.induction.tie.recalled import recalling
from spec.cell import Promise, Report
from spec.commands import Node, Slot
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
STEPS = (
    "write_promise", "promise", "propose", "write_vote", "vote", "choose", "learn", "acknowledge", "truncate",
)  # fmt: skip
"""What a step can be in both layers."""
ENDS = ("erase", "lose", "crash")
"""And in `leaving`; nobody crashes, but who is erased must not."""


def read_truncation(machine: Teaching) -> Reading[Any]:
    """`Teaching` as the layer `truncation`."""
    floors = floors_of(machine)
    return _read(
        floors,
        relations=(*RELATIONS, *FIRST, *FLOORS),
        steps=STEPS,
        derived=("extend", "believe"),
        exception=FloorsExceptions(floors, outbox=False).reason,
    )


def read_leaving(machine: Leaving) -> Reading[Any]:
    """`Leaving` as the layer `leaving`; what a node knows it has stored."""
    floors = floors_of(machine)
    return _read(
        floors,
        relations=(*RELATIONS, *FIRST, *FLOORS, *LEFT),
        steps=(*STEPS, *ENDS),
        derived=("extend", "believe", "store"),
        exception=LeavingExceptions(floors, outbox=False).reason,
    )


def floors_of(machine: Teaching) -> "Floors":
    """How the states of a machine in which nobody crashes are read."""
    if machine.mortals:
        raise ValueError("what waits for a flush is not read in these layers")
    return Floors(recalling(machine))


def _read(
    floors: "Floors",
    *,
    relations: tuple[str, ...],
    steps: tuple[str, ...],
    derived: tuple[str, ...],
    exception: Callable[[Any, str, Args], str],
) -> Reading[Any]:
    facts = floors.facts
    return Reading(
        machine=floors.machine,
        universe=floors.universe,
        facts=lambda s: {name: facts(s)[name] for name in relations},
        relations=relations,
        steps={name: floors_part(name, floors) for name in steps},
        derived=derived,
        paths=("choose", "learn"),
        stutters=("issue", "prepare", "create"),
        read_step=FloorsSteps(floors, outbox=False, whole=floors.machine).read,
        exception=exception,
    )


def floors_part(name: str, floors: "Floors") -> Part:
    """How an action is compared: with all who may count, and all whose words may count."""
    universe, alpha = floors.universe, floors.machine.alpha
    match name:
        case "choose":
            given = partial(every, universe, ("Node", "Quorum", "Ballot"))
            return Part(action=name, gives=("n", "q", "b"), more=given)
        case "erase":
            # The last slot that the prefix j leads to is one of the model's.
            lengths = [j for j in universe.domains["Slot"] if j + alpha - 1 <= floors.machine.max_slot]
            words = tuple(product(lengths, universe.domains["Quorum"]))
            return Part(action=name, gives=("j", "q"), more=lambda *_: words)
        case _:
            return part(name, universe)


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
                return (Taken(name, self._retired(s, *args)),)
            case "install":
                return tuple(self._installed(s, args))
            case _:
                return super().read(s, name, args)

    def _retired(self, s: Any, n: Node, i: Slot) -> Args:
        """By which prefix it was replaced, and whose words are counted."""
        machine = self.disks.machine
        assert isinstance(machine, Leaving)
        return n, i + 1 - machine.alpha, named(machine.learned(s, i) & machine.members_of(s, n, i + 1))

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
