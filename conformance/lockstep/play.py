"""One run: a world and its judges, event by event."""

from collections.abc import Iterable

from conformance.judges.clients import Clients
from conformance.judges.coverage import Coverage
from conformance.judges.judge import Judge, OutOfBounds
from conformance.lockstep.settling import settle
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.leaving import LeavingWorld
from conformance.world.scenario import Calm, Happening, Scenario
from conformance.world.setup import Setup
from conformance.world.world import NotPossible, World
from physalia.cell import Node
from physalia.model import Action
from spec import cell as spec


class Play:
    """A run of the world that `setup` describes, judged after every step.

    `happened` is the scenario so far; `steps` counts the steps of the code that were actions, `stutters` the others.
    """

    def __init__(self, setup: Setup, make_node: MakeNode = Node, coverage: Coverage | None = None) -> None:
        self.setup = setup
        self.coverage = Coverage() if coverage is None else coverage
        self.coverage.begin()
        self.world = (LeavingWorld if setup.newcomers else World)(setup, make_node)
        self.judge = Judge(setup, self.world, self.coverage)
        self.clients = Clients()
        self.happened: list[Happening] = []
        self._digest = _Digest()
        self._state_hash = self._digest.of(self.judge.state)
        self.state_hashes: set[int] = {self._state_hash}
        self.edge_hashes: set[tuple[int, int]] = set()
        self.steps = 0
        self.stutters = 0
        self.out_of_bounds = False

    @property
    def scenario(self) -> Scenario:
        """What happened."""
        return Scenario(self.setup, tuple(self.happened))

    def play(self, happening: Happening) -> None:
        """Let it happen and judge what comes of it. Raises `Refuted`, and `NotPossible` if it cannot happen.

        Once the run has left the specification's bounds, nothing happens any more.
        """
        if self.out_of_bounds:
            return
        self.happened.append(happening)
        try:
            if isinstance(happening, Calm):
                settle(self.world, self.judge, self._carry_out)
                self.clients.judge_ends(self.world.lost_disks)
            else:
                self._carry_out(happening)
        except NotPossible:
            self.happened.pop()
            raise
        except OutOfBounds:
            self.out_of_bounds = True

    def finish(self) -> None:
        """Judge what can only be judged on the whole run: every node anew, and what the clients saw."""
        self.judge.whole()
        log = {decision.slot: decision.value for decision in self.judge.state.decisions}
        self.clients.judge(self.judge.machine, tuple(log[slot] for slot in sorted(log)))

    def _carry_out(self, happening: Happening) -> None:
        for outcome in self.world.apply(happening):
            self.judge.step(outcome)
            self.clients.note(outcome)
            if isinstance(outcome.announces, Action):
                self.steps += 1
                self._count(self._digest.of(self.judge.state))
            else:
                self.stutters += 1

    def _count(self, state_hash: int) -> None:
        self.edge_hashes.add((self._state_hash, state_hash))
        self.state_hashes.add(state_hash)
        self._state_hash = state_hash


class _Digest:
    """Hashes of states, of which only what changed is hashed again: a node's votes are many."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], tuple[object, int]] = {}

    def of(self, state: spec.State) -> int:
        """The same for equal states."""
        return hash(tuple(map(self._of_field, state._fields, state)))

    def _of_field(self, name: str, value: object) -> int:
        if not isinstance(value, tuple):
            return hash(value)
        return hash(tuple(self._of_place(name, place, part) for place, part in enumerate(value)))

    def _of_place(self, name: str, place: int, part: object) -> int:
        last = self._last.get((name, place))
        if last is None or last[0] is not part:
            last = self._last[name, place] = (part, hash(part))
        return last[1]


def play(setup: Setup, happenings: Iterable[Happening], make_node: MakeNode = Node) -> tuple[Scenario, Refuted | None]:
    """Play events until one is refuted; return what happened and the refutation, if there was one.

    An event that cannot happen is left out, so that a scenario from which others were removed still means something.
    """
    run: Play | None = None
    try:
        run = Play(setup, make_node)
        for happening in happenings:
            try:
                run.play(happening)
            except NotPossible:
                continue
        run.finish()
    except Refuted as refuted:
        return (Scenario(setup, ()) if run is None else run.scenario), refuted
    return run.scenario, None
