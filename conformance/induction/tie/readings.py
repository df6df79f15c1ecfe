"""How a machine is read as a system of formulas: states as facts, actions as actions, and what is declared to differ.

Whatever is declared here is printed with the result: the steps that no formula has, the steps that follow from others
at once, and the guards that a formula does not have. Everything else must agree exactly.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from spec import ballots, cell, window
from spec.ballots import Ballots
from spec.cell import Cell
from spec.commands import Log, Name, NoOp
from spec.induction.formulas.evaluate import Element, Facts, Universe
from spec.induction.formulas.structure import Juries, universe_of
from spec.machine import Machine, successor
from spec.values import put
from spec.window import Nothing, Window

State = TypeVar("State", bound=tuple[Any, ...])
Args = tuple[Element, ...]

NOT_ASKED = "what clients asked for has no formula"
CHOSEN_ONCE = "that a slot is empty is no part of the formula: asking it would assume Agreement"


@frozen(kw_only=True)
class Part:
    """One action of the formulas, as far as a machine has something to compare with it."""

    action: str
    leaves_out: tuple[str, ...] = ()
    """Conjuncts of its guard that speak of what the machine does not have."""
    gives: tuple[str, ...] = ()
    """Witnesses that the reading names, since what the action does depends on them."""
    more: Callable[[Facts, Args], Iterable[Args]] | None = None
    """For the facts of a state and the arguments: the values of these witnesses, and the choices, to compare with."""


@frozen
class Taken(Generic[State]):
    """An action of the formulas that a step of a machine takes."""

    action: str
    args: Args
    leads_to: State | None = None
    """The state between this one and the next that the same step takes; None for the last."""


@frozen(kw_only=True)
class Reading(Generic[State]):
    """How the states and steps of one machine are read."""

    machine: Machine[State]
    universe: Universe
    given: Universe | None = None
    """The elements that actions are given, if these are fewer: no step of the machine has others."""
    facts: Callable[[State], Facts]
    """A state as facts; as few relations as the machine speaks of."""
    relations: tuple[str, ...]
    """The relations that the facts give."""
    steps: Mapping[str, Part]
    """The actions of the machine that are actions of the formulas with the same arguments."""
    derived: tuple[str, ...] = ("choose", "extend")
    """Actions of the formulas that the machine takes at once, as part of the steps in `paths`."""
    paths: tuple[str, ...] = ("vote",)
    stutters: tuple[str, ...] = ("issue", "answer")
    """The actions of the machine that no formula speaks of: they must change no fact."""
    read_step: Callable[[State, str, Args], tuple[Taken[State], ...]] = lambda _, name, args: (Taken(name, args),)
    """The actions that a step of the machine is, one after the other; none if it must change no fact."""
    exception: Callable[[State, str, Args], str] = lambda *_: ""
    """Why a guard must hold where the machine has no step: nothing but what is declared is missing. Empty elsewhere."""
    guards: bool = True
    """Whether the machine takes every step that the guards allow. A machine with a policy of its own does not."""


def read_ballots(machine: Ballots) -> Reading[ballots.State]:
    """`Ballots` as the base of the proof."""
    structure = BallotsFacts(machine, Juries(machine))

    def exception(s: ballots.State, name: str, args: Args) -> str:
        if name != "propose" or args[2] in s.asked or args[2] == NoOp:
            return ""
        return NOT_ASKED if has_step(machine, s._replace(asked=s.asked | {args[2]}), name, args) else ""

    return Reading(
        machine=machine,
        universe=structure.universe,
        facts=structure.facts,
        relations=("left", "proposals", "votes", "chosen", "configuration"),
        steps={name: Part(action=name) for name in ("leave", "propose", "vote")},
        exception=exception,
    )


def read_window(machine: Window) -> Reading[window.State]:
    """`Window` as what the proof says of slots and configurations; it has no votes."""
    juries = Juries(machine)

    def facts(s: window.State) -> Facts:
        return _slots_facts(juries, machine.prefix(s), dict(enumerate(s.chosen[1:], start=1)))

    def exception(s: window.State, name: str, args: Args) -> str:
        i, v = args
        free = s._replace(asked=s.asked | {v}, chosen=put(s.chosen, i, Nothing))
        if free == s or not has_step(machine, free, name, args):
            return ""
        return CHOSEN_ONCE if s.chosen[i] != Nothing else NOT_ASKED

    return Reading(
        machine=machine,
        # Nobody votes: one node and one ballot are there because a sort has an element.
        universe=universe_of(juries, nodes=range(1, 2), max_ballot=0, max_slot=machine.max_slot),
        facts=facts,
        relations=("chosen", "configuration"),
        steps={"choose": Part(action="choose", leaves_out=("majority", "voted"))},
        derived=("extend",),
        paths=("choose",),
        exception=exception,
    )


def has_step(machine: Machine[Any], s: Any, name: str, args: Args) -> bool:
    """Whether a machine has a step with these arguments, which it may not have at all."""
    return args in machine.arguments(name) and successor(machine, s, name, args) is not None


def read_cell(machine: Cell) -> Reading[cell.State]:
    """`Cell` as the base of the proof, by its refinement mapping: what was sent. Its policy is its own."""
    above = machine.above()
    assert isinstance(above, Ballots)
    structure = BallotsFacts(above, Juries(above))
    read: dict[ballots.State, Facts] = {}

    def facts(s: cell.State) -> Facts:
        seen = machine.seen_from_above(s)
        if seen not in read:
            read[seen] = structure.facts(seen)
        return read[seen]

    def read_step(s: cell.State, name: str, args: Args) -> tuple[Taken[cell.State], ...]:
        """A step is what it sends: that of a flush was taken before, and one that waits is none yet."""
        after = successor(machine, s, name, args)
        assert after is not None, "it is an edge of the graph"
        for w in after.votes - s.votes:
            return (Taken("vote", (w.node, w.ballot, w.slot)),)
        for p in after.proposals - s.proposals:
            return (Taken("propose", (p.ballot, p.slot, p.value)),)
        for m in after.promises - s.promises:
            if machine.seen_from_above(s).left[m.node] < m.ballot:
                return (Taken("leave", (m.node, m.ballot)),)
        return ()

    return Reading(
        machine=machine,
        universe=structure.universe,
        facts=facts,
        relations=("left", "proposals", "votes", "chosen", "configuration"),
        steps={name: Part(action=name) for name in ("leave", "propose", "vote")},
        stutters=("issue", "prepare", "decide", "learn", "crash"),
        read_step=read_step,
        guards=False,
    )


def reading_of(machine: Machine[Any]) -> Reading[Any]:
    """How a machine is read. KeyError if no formulas speak of it."""
    for kind, read in READERS.items():
        if isinstance(machine, kind):
            return read(machine)
    raise KeyError(type(machine).__name__)


READERS: Mapping[type[Machine[Any]], Callable[[Any], Reading[Any]]] = {
    Ballots: read_ballots,
    Window: read_window,
    Cell: read_cell,
}


@frozen(slots=False)
class BallotsFacts:
    """The facts of states of `Ballots`."""

    machine: Ballots
    juries: Juries
    universe: Universe = field(init=False)

    def __attrs_post_init__(self) -> None:
        m = self.machine
        found = universe_of(self.juries, nodes=m.nodes, max_ballot=m.max_ballot, max_slot=m.max_slot)
        object.__setattr__(self, "universe", found)

    def facts(self, s: ballots.State) -> Facts:
        """A state: a vote gets the value that was proposed, and left[n] becomes the ballots below it.

        A vote for what was not proposed gets a value that is none, which no invariant lets pass.
        """
        value = {(p.ballot, p.slot): p.value for p in s.proposals}
        chosen = dict(enumerate(self.machine.seen_from_above(s).chosen[1:], start=1))
        return {
            "left": frozenset((n, c) for n in self.machine.nodes for c in range(s.left[n])),
            "proposals": frozenset(map(tuple, s.proposals)),
            "votes": frozenset((w.node, w.ballot, w.slot, value.get((w.ballot, w.slot), Nothing)) for w in s.votes),
            **_slots_facts(self.juries, self.machine.prefix(s), chosen),
        }


def _slots_facts(juries: Juries, prefix: Log, chosen: Mapping[int, Name]) -> Facts:
    """What is chosen, and the configuration that each beginning of the prefix leads to."""
    return {
        "chosen": frozenset((i, v) for i, v in chosen.items() if v != Nothing),
        "configuration": frozenset((j, juries.after(prefix[:j])) for j in range(len(prefix) + 1)),
    }
