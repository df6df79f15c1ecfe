"""Runs of the layer `truncation`, taken on `Teaching`: what is truncated there is a step of its own, with its flush."""

from collections.abc import Callable
from itertools import product

from spec import cell
from spec.ballots import Ballots
from spec.commands import Ballot, Name, Slot
from spec.induction.attacks.replay import NotReplayed, Replayed, cell_calls, taken
from spec.induction.proving.unroll import Run
from spec.teaching import Teaching


def on_teaching(broken: type[Teaching]) -> Callable[[Ballots, Run], Replayed]:
    """Replay a run of the layer `truncation` on a broken `Teaching`, where everybody may learn and truncate."""

    def replayed(m: Ballots, run: Run) -> Replayed:
        problems, everyone = [], frozenset(m.nodes)
        for owners in product(m.nodes, repeat=m.max_ballot):
            machine = broken(
                content=m.content, first=m.first, alpha=m.alpha, early=m.early, nodes=m.nodes,
                max_ballot=m.max_ballot, max_slot=m.max_slot, owner=dict(enumerate(owners, start=1)),
                learners=everyone, mortals=everyone, truncators=everyone, students=frozenset(),
            )  # fmt: skip
            try:
                return taken(machine, "spec/teaching.py", cell_calls(machine, run))
            except NotReplayed as problem:
                problems.append(str(problem))
        raise NotReplayed(problems[0])

    return replayed


class FloorsAreNoMatter(Teaching):
    """A promise counts for a slot whatever its floor is."""

    def allowed(self, s: cell.State, b: Ballot, i: Slot, v: Name) -> bool:
        """Broken: the floor is not looked at."""
        return super().allowed(s._replace(promises=frozenset(m._replace(floor=0) for m in s.promises)), b, i, v)
