"""The rule-based state machine: Hypothesis chooses, move by move, what happens in a world.

Every number that a rule takes means something and shrinks to the simplest choice: the oldest message, the first node,
the version that is right. Most rules are one event; ``flow`` is a run of deliveries, since nothing gets far otherwise.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings, target
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from conformance.judges.coverage import Coverage
from conformance.lockstep.moves import OF_ANOTHER, Moves
from conformance.lockstep.play import Play
from conformance.lockstep.shrink import Finding
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.scenario import Calm, Happening
from conformance.world.setup import Setup
from physalia.cell import Node

_places = st.integers(0, 40)
_nodes = st.integers(1, 8)
_afterwards = st.sampled_from((0, 12, 24))
_slips = st.sampled_from((0, 0, 1, -1))


class LockstepRules(RuleBasedStateMachine):
    """One world under Hypothesis. Subclasses, made by `rules_of`, say which world and where to report to."""

    setup: Setup
    make_node: MakeNode
    coverage: Coverage
    done: Callable[[Play], None]

    def __init__(self) -> None:
        super().__init__()
        self.run = Play(self.setup, type(self).make_node, self.coverage)
        self.moves = Moves(self.run.world)
        self.failed = False

    def play(self, happening: Happening | None) -> None:
        """Let it happen, if there is anything to happen."""
        if happening is None:
            return
        try:
            self.run.play(happening)
        except Refuted as refuted:
            self.failed = True
            raise _Found(Finding(self.run.scenario, refuted)) from refuted

    @precondition(lambda self: self.moves.world.in_flight or any(self.moves.world.due.values()))
    @rule(count=st.integers(1, 24), place=_places)
    def flow(self, count: int, place: int) -> None:
        """Messages arrive one after the other; what is due is done and flushed in between."""
        self._flow(count, place)

    def _flow(self, count: int, place: int) -> None:
        for _ in range(count):
            self.play(self.moves.due(0) or self.moves.flush(0) or self.moves.deliver(place))

    @precondition(lambda self: self.moves.world.in_flight)
    @rule(place=_places)
    def deliver(self, place: int) -> None:
        """One message arrives; what it makes due waits."""
        self.play(self.moves.deliver(place))

    @precondition(lambda self: any(self.moves.world.queues.values()))
    @rule(place=_places)
    def flush(self, place: int) -> None:
        """One flush ends."""
        self.play(self.moves.flush(place))

    @precondition(lambda self: any(self.moves.world.due.values()))
    @rule(place=_places)
    def due(self, place: int) -> None:
        """One internal event happens."""
        self.play(self.moves.due(place))

    @precondition(lambda self: self.moves.world.in_flight)
    @rule(place=_places)
    def duplicate(self, place: int) -> None:
        """A message arrives and stays in flight."""
        self.play(self.moves.duplicate(place))

    @precondition(lambda self: self.moves.world.in_flight)
    @rule(place=_places, name=_nodes, is_stray=st.booleans())
    def forge(self, place: int, name: int, is_stray: bool) -> None:
        """A message arrives under a wrong name, or a proposal at a wrong place."""
        self.play(self.moves.stray(place, name) if is_stray else self.moves.forge(place, name))

    @precondition(lambda self: self.moves.world.in_flight)
    @rule(place=_places, count=st.integers(1, 4))
    def lose(self, place: int, count: int) -> None:
        """Some messages are lost."""
        for _ in range(count):
            self.play(self.moves.lose(place))

    @rule(node=_nodes, jump=st.sampled_from((0, 0, 0, 1, 3, -1, -2, OF_ANOTHER)), then=_afterwards)
    def campaign(self, node: int, jump: int, then: int) -> None:
        """A node takes over, or tries to, and some messages arrive."""
        self.play(self.moves.campaign(node, jump))
        self._flow(then, 0)

    @rule(node=_nodes, count=st.integers(1, 4), slip=_slips, then=_afterwards)
    def write(self, node: int, count: int, slip: int, then: int) -> None:
        """A leader is asked for writes, and some messages arrive."""
        for _ in range(count):
            self.play(self.moves.write(self.moves.to_leader(node), slip))
        self._flow(then, 0)

    @rule(node=_nodes)
    def read(self, node: int) -> None:
        """A leader is asked for a read."""
        self.play(self.moves.read(self.moves.to_leader(node)))

    @rule(node=_nodes, count=st.integers(1, 3), then=_afterwards)
    def query(self, node: int, count: int, then: int) -> None:
        """A leader is asked what is true now, and some messages arrive."""
        for _ in range(count):
            self.play(self.moves.query(self.moves.to_leader(node)))
        self._flow(then, 0)

    @rule(node=_nodes)
    def peek(self, node: int) -> None:
        """A client that saw what a node knows asks all of them; some may know less."""
        seen = len(self.moves.world.nodes[self.moves.node(node)].known)
        for other in self.moves.node_ids:
            self.play(self.moves.peek_from(other, seen))

    @rule(node=_nodes, place=_places)
    def retry(self, node: int, place: int) -> None:
        """A client asks again, at any node."""
        self.play(self.moves.retry(self.moves.node(node), -1 - place))

    @precondition(lambda self: self.setup.nodes > len(self.setup.members))
    @rule(node=_nodes, slip=_slips, out=_places, into=_places)
    def change(self, node: int, slip: int, out: int, into: int) -> None:
        """The control plane replaces one member by another node."""
        members = self.moves.members_now()
        others = sorted(set(self.moves.node_ids) - members)
        if others:
            leaving = sorted(members)[out % len(members)]
            members = members - {leaving} | {others[into % len(others)]}
            self.play(self.moves.change(self.moves.to_leader(node), slip, members))

    @rule(node=_nodes, keep=st.integers(0, 3))
    def crash(self, node: int, keep: int) -> None:
        """A node crashes and restarts."""
        self.play(self.moves.crash(node, keep))

    @precondition(lambda self: any(self.moves.world.queues.values()))
    @rule(place=_places, keep=st.integers(0, 3))
    def fail_flush(self, place: int, keep: int) -> None:
        """A flush fails."""
        self.play(self.moves.fail_flush(place, keep))

    @rule(node=_nodes)
    def change_room(self, node: int) -> None:
        """A disk is full, or has room again."""
        self.play(self.moves.change_room(node))

    @precondition(lambda self: self.moves.world.in_flight)
    @rule(place=_places, kind=st.integers(0, 2))
    def haunt(self, place: int, kind: int) -> None:
        """A message of another cell, life or incarnation arrives."""
        self.play(self.moves.haunt(place, kind))

    @rule(node=_nodes, elapsed_ms=st.sampled_from((300, 10)))
    def tick(self, node: int, elapsed_ms: int) -> None:
        """A node looks at its clock."""
        self.play(self.moves.tick(node, elapsed_ms))

    @rule(node=_nodes, place=_places, kind=_places)
    def undue(self, node: int, place: int, kind: int) -> None:
        """A node is given an internal event that need not be due."""
        self.play(self.moves.undue(self.moves.to_leader(node), place, kind))

    @rule(ahead=st.integers(0, 1))
    def learn_ahead(self, ahead: int) -> None:
        """The node that knows least is to learn out of order."""
        self.play(self.moves.learn_ahead(ahead))

    def teardown(self) -> None:
        """The calm, and what can only be judged at the end."""
        if self.failed:
            return
        self.play(Calm())
        try:
            self.run.finish()
        except Refuted as refuted:
            raise _Found(Finding(self.run.scenario, refuted)) from refuted
        target(float(max(len(cell.known) for cell in self.run.world.nodes.values())), label="slots known")
        target(float(len(self.run.judge.state.prepares)), label="ballots prepared")
        type(self).done(self.run)


class _Found(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.refuted.title)
        self.finding = finding


def explore(
    setup: Setup, scenarios: int, steps: int, random_seed: int, coverage: Coverage, done: Callable[[Play], None],
    make_node: MakeNode = Node,
) -> Finding | None:  # fmt: skip
    """Let Hypothesis play so many scenarios of at most so many rules each; return the first finding, if there is one.

    Seed 0 stands for the scenarios that follow from the rules alone. `done` hears of every run that holds. The finding
    is not shrunk: leaving out events of its scenario says more than making Hypothesis's numbers smaller.
    """
    machine: Any = type(
        "LockstepRulesOf",
        (LockstepRules,),
        {"setup": setup, "make_node": staticmethod(make_node), "coverage": coverage, "done": staticmethod(done)},
    )
    chosen = settings(
        max_examples=scenarios,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=random_seed == 0,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=tuple(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    if random_seed != 0:
        machine = seed(random_seed)(machine)
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except _Found as found:
        return found.finding
    return None
