"""The cell as the layer `knowledge` of the proof: what each node knows, and what it takes for the configuration.

What a node knows in the cell, it has applied: Decide is the layer's Choose and Believe, Learn is its Learn and Believe.
What is chosen is what was ever decided; see `recalled.py`.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from typing import Any

from attrs import evolve, frozen

from conformance.induction.tie.crashes import WRITES_AND_SENDS, Steps, choices
from conformance.induction.tie.declared import HEARD, KEPT_MORE, NO_POLICY, TAUGHT, Exceptions
from conformance.induction.tie.disks import Disks, of_node
from conformance.induction.tie.readings import Args, Part, Reading, Taken, has_step
from conformance.induction.tie.recalled import decided_log, recalling
from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Name, Node, NoOp, Slot
from spec.induction.formulas.evaluate import Facts, Universe
from spec.machine import successor
from spec.values import put

RELATIONS = (
    "left", "proposals", "votes", "chosen", "configuration", "promised", "accepted", "answered", "reports", "lost",
    "knows", "believes",
)  # fmt: skip
STEPS = (*WRITES_AND_SENDS, "choose", "learn", "install")


def read_knowledge(machine: CellProperties) -> Reading[Any]:
    """`Cell` as the layer `knowledge`."""
    knowing = Knowing(recalling(machine))
    universe = knowing.universe

    return Reading(
        machine=knowing.machine,
        universe=universe,
        facts=knowing.facts,
        relations=RELATIONS,
        steps={name: part(name, universe) for name in STEPS},
        derived=("extend", "believe"),
        paths=("choose", "learn"),
        stutters=("issue", "prepare"),
        read_step=KnowingSteps(knowing, outbox=False, whole=knowing.machine).read,
        exception=KnowingExceptions(knowing, outbox=False).reason,
    )


def part(name: str, universe: Universe) -> Part:
    """How an action of the layer is compared; what it does depends on who acts."""
    match name:
        case "crash":
            return Part(action=name, more=partial(kept_choices, universe))
        case "choose" | "propose":
            return Part(action=name, gives=("n",), more=partial(every, universe, ("Node",)))
        case _:
            return Part(action=name)


@frozen(slots=False)
class Knowing(Disks):
    """The facts of states of a cell that remembers what was decided."""

    def facts(self, s: Any) -> Facts:
        """As on disks; and what is decided in the place of what a majority voted for."""
        after, log = self.below.juries.after, decided_log(s)
        return {
            **super().facts(s),
            "chosen": frozenset(enumerate(log, start=1)),
            "configuration": frozenset((j, after(log[:j])) for j in range(len(log) + 1)),
            "knows": frozenset((n, i, v) for n in self.machine.nodes for i, v in enumerate(s.known[n], start=1)),
            "believes": frozenset(
                (n, j, after(s.known[n][:j])) for n in self.machine.nodes for j in range(len(s.known[n]) + 1)
            ),
        }


@frozen(slots=False)
class KnowingSteps(Steps):
    """What the steps of a cell are in the layer `knowledge`."""

    def read(self, s: Any, name: str, args: Args) -> tuple[Taken[Any], ...]:
        """As on disks, and by whom; what somebody decides or learns follows from what it knows."""
        owner = self.disks.machine.owner
        if name == "decide":
            b, i = args
            after = successor(self.whole, s, name, args)
            assert after is not None, "it is an edge of the graph"
            return (Taken("choose", (i, after.known[owner[b]][-1], *self.counted(after, b, i))),)
        if name == "learn":
            n, i = args
            after = successor(self.whole, s, name, args)
            assert after is not None, "it is an edge of the graph"
            return (Taken("learn", (n, i, after.known[n][-1])),)
        taken = super().read(s, name, args)
        return tuple(
            evolve(one, args=(*one.args, owner[one.args[0]])) if one.action == "propose" else one for one in taken
        )

    def counted(self, _: Any, b: Ballot, __: Slot) -> Args:
        """Who counts the votes."""
        return (self.disks.machine.owner[b],)

    def kept(self, s: Any, n: Node) -> Args:
        """And what it knows."""
        facts = self.disks.facts_again(s)
        return (*super().kept(s, n), of_node(facts, "knows", n), of_node(facts, "believes", n))


@frozen(slots=False)
class KnowingExceptions(Exceptions):
    """Why a guard of the layer must hold where the cell has no step."""

    def crash(self, s: Any, n: Node, promise: Any, votes: Any, known: Any = (), believed: Any = ()) -> str:
        """Of what it knows any part may be gone."""
        facts = self.disks.facts_again(s)
        some = set(known) <= of_node(facts, "knows", n) and set(believed) <= of_node(facts, "believes", n)
        return KEPT_MORE if super().crash(s, n, promise, votes) and some else ""

    def proposer(self, s: Any, _: Ballot, *by: Node) -> tuple[Node, Log]:
        """Any node, by what it knows."""
        (n,) = by
        return n, s.known[n]

    def choose(self, s: Any, i: Slot, v: Name, *by: Any) -> str:
        """Where a node would decide if it led under some ballot, and knew all before the slot."""
        (n,) = by
        ballots = (p.ballot for p in s.proposals if p.slot == i and p.value == v)
        return NO_POLICY if any(self.would_decide(s, b, i, n) for b in ballots) else ""

    def would_decide(self, s: Any, b: Ballot, i: Slot, n: Node) -> bool:
        """Whether node `n` would, which must know the configuration of the slot and need not know more."""
        log = s.known[n][: i - 1]
        if i == 0 or len(log) < i - self.free.alpha:
            return False
        led = s._replace(
            active=put(s.active, n, b), queue=put(s.queue, n, ()),
            known=put(s.known, n, (*log, *[NoOp] * (i - 1 - len(log)))),
        )  # fmt: skip
        return has_step(self.led_by(n), led, "decide", (b, i))

    def learn(self, s: Any, _: Node, i: Slot, v: Name) -> str:
        """Whatever was decided may be heard by anybody, in any order."""
        return HEARD if i in s.first_decided and s.first_decided[i].value == v else ""

    def install(self, _: Any, n: Node, m: Node) -> str:
        """Everywhere."""
        return TAUGHT if n and m else ""


# What guards are compared with beside the arguments of the actions.


def every(universe: Universe, sorts: tuple[str, ...], _: Facts, __: Args) -> Iterable[Args]:
    """Every list of elements of these sorts."""
    return universe.arguments(sorts)


def kept_choices(universe: Universe, facts: Facts, args: Args) -> Iterator[Args]:
    """What disks may keep of promises and votes with all that is known; and all of these with a little more or less."""
    n = args[0]
    knows, believes = of_node(facts, "knows", n), of_node(facts, "believes", n)
    below = list(choices(universe, facts, args))
    yield from ((*kept, knows, believes) for kept in below)
    promise, votes = of_node(facts, "promised", n), of_node(facts, "accepted", n)
    known = [knows, frozenset(), *(knows ^ {fact} for fact in knows | facts["chosen"])]
    believed = [believes, frozenset(), *(believes ^ {fact} for fact in believes | facts["configuration"])]
    yield from ((promise, votes, *kept) for kept in product(known, believed))
