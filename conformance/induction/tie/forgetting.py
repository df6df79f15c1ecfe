"""What `Teaching` and `Leaving` do less than the layers `truncation` and `leaving` allow: bounds, and who is there.

As in `declared.py`: a guard must hold without a step exactly where a reason is given, and the machine's own guard
answers where it can be asked, in a state where nothing is missing but what the reason names.
"""

from typing import Any

from attrs import frozen

from conformance.induction.tie.consulting import RoundsExceptions
from conformance.induction.tie.declared import TOLD, AnyValue
from conformance.induction.tie.readings import Args, has_step
from spec.commands import Node, Slot
from spec.leaving import Leaving, Nowhere
from spec.teaching import Teaching
from spec.values import function_of, put

FORGETFUL = "which nodes may truncate is a bound"
FORGOTTEN_AGAIN = "what was truncated may be truncated again, and so may nothing, which changes nothing"
UNMADE = "that a node must be made before it does anything is no part of the layer `leaving`"
ERASED_ACTS = "who is erased may propose and count by what it knew: the layer asks who is there of whoever writes alone"
RETIRED = "which nodes may be erased is a bound; and any majority may be counted by whose word a node retires"
ERASED_AGAIN = "who is erased may be erased again, by what it knew"

NOT_READ = "in `Teaching` and `Leaving` nobody reads"
NOBODY_CRASHES = "in the models of `Teaching` and `Leaving` that are tied nobody crashes"


class _AnyValueTeaching(AnyValue, Teaching):
    """A cell that forgets, where a proposer takes whatever is safe."""


class _AnyValueLeaving(AnyValue, Leaving):
    """A cell whose nodes leave, where a proposer takes whatever is safe."""


@frozen(slots=False)
class FloorsExceptions(RoundsExceptions):
    """Why a guard of the layer `truncation` must hold where `Teaching` has no step."""

    def free_machine(self) -> Teaching:
        """Where everyone may forget, and be taught."""
        return _AnyValueTeaching(**self.free_constants())

    def free_constants(self) -> dict[str, Any]:
        """Nobody crashes, so that all that is known is durable."""
        everyone = frozenset(self.disks.machine.nodes)
        return {**super().free_constants(), "mortals": frozenset(), "truncators": everyone, "students": everyone}

    def truncate(self, s: Any, n: Node, i: Slot) -> str:
        """Where n would if it might; and up to wherever it would if it had forgotten nothing, down to no slot."""
        if has_step(self.free, s, "truncate", (n, i)):
            return FORGETFUL
        remembers = s._replace(disk=put(s.disk, n, s.disk[n]._replace(floor=0)))
        return FORGOTTEN_AGAIN if i == 0 or has_step(self.free, remembers, "truncate", (n, i)) else ""


ALIVE = ("write_promise", "promise", "write_vote", "vote", "crash", "truncate")
"""What nodes do only if they are neither erased nor without a disk."""


@frozen(slots=False)
class LeavingExceptions(FloorsExceptions):
    """Why a guard of the layer `leaving` must hold where `Leaving` has no step.

    What nobody does by himself, who is erased or without a disk does as well: a decision is heard, a disk is lost.
    """

    def free_machine(self) -> Leaving:
        """Where everyone may leave as well."""
        everyone = frozenset(self.disks.machine.nodes)
        return _AnyValueLeaving(**self.free_constants(), newcomers=frozenset(), leavers=everyone, frail=everyone)

    def reason(self, s: Any, name: str, args: Args) -> str:
        """One of the reasons above; empty where the guard must not hold."""
        found: str
        if name in ALIVE and s.pointer[args[0]] == Nowhere:
            found = self._by(s, args[0], name, args, UNMADE)
        elif name in ALIVE:
            found = ""
        elif name == "propose":
            found = self._by(s, args[3], name, args, self._missing(s, args[3]))
        elif name == "choose":
            found = self._by(s, args[2], name, args, self._missing(s, args[2]))
        else:
            found = getattr(self, name)(s, *args)
        return found

    def _missing(self, s: Any, n: Node) -> str:
        """Why a node that has its disk is not there, if it is not."""
        return UNMADE if s.pointer[n] == Nowhere else ERASED_ACTS

    def _by(self, s: Any, n: Node, name: str, args: Args, missing: str) -> str:
        """The reason for what n does, or that it is not there, if nothing else is missing; none without a disk."""
        if s.place[n] == "lost":
            return ""
        act = getattr(self, name)
        found: str = act(s, *args)
        if found or s.place[n] == "here":
            return found
        return missing if act(s._replace(place=put(s.place, n, "here")), *args) else ""

    def acknowledge(self, s: Any, i: Slot) -> str:
        """Whoever knows a decision, and has its disk."""
        return TOLD if any(len(s.known[n]) >= i for n in self.free.nodes if s.place[n] != "lost") else ""

    def erase(self, s: Any, n: Node, j: Slot, q: str) -> str:
        """Where n would be erased if it might, and was not yet, and nobody but this majority had learned anything."""
        i, counted = j + self.free.alpha - 1, self._members(q)
        if s.place[n] == "lost" or not counted <= self.free.members_of(s, n, i + 1):
            return ""
        silent = s._replace(
            place=put(s.place, n, "here"),
            known=function_of(s.known[m] if m == n or m in counted else () for m in self.free.nodes),
        )
        heard = counted <= self._free_leaving.learned(silent, i)
        if not (heard and has_step(self.free, silent, "erase", (n, i))):
            return ""
        return RETIRED if s.pointer[n] == Nowhere else ERASED_AGAIN

    @property
    def _free_leaving(self) -> Leaving:
        assert isinstance(self.free, Leaving)
        return self.free
