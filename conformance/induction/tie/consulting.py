"""`Reads` as the layer `reads` of the proof: rounds, echoes and answers, and what was acknowledged when a round began.

A decision that was sent is acknowledged: who sends it has applied it. The note `seen` of a round says up to where that
was so when it began. Who first chose a slot is remembered; see `recalled.py`.
"""

from functools import partial
from typing import Any

from attrs import evolve, frozen

from conformance.induction.tie.declared import ANSWERED_AGAIN, NO_POLICY, TOLD, AnyValue
from conformance.induction.tie.knowing import RELATIONS, STEPS, Knowing, KnowingExceptions, KnowingSteps, every, part
from conformance.induction.tie.readings import Args, Part, Reading, Taken, has_step
from conformance.induction.tie.recalled import recalling
from spec.cell import Cell
from spec.commands import Ballot, Name, Node, Slot
from spec.induction.formulas.evaluate import Facts, Universe
from spec.induction.formulas.structure import Juries, named, universe_of
from spec.machine import successor
from spec.service.reads import Answer, Read, Reads
from spec.values import put

Round = tuple[Ballot, Read]
"""A read of the formulas: a round, by its ballot and its number."""


def read_reads(machine: Reads) -> Reading[Any]:
    """`Reads` as the layer `reads`."""
    rounds = Rounds(recalling(machine))
    universe = with_rounds(rounds.below.juries, machine)

    def of(name: str) -> Part:
        if name == "choose":
            given = partial(every, universe, ("Node", "Quorum", "Ballot"))
            return Part(action=name, gives=("n", "q", "b"), more=given)
        return part(name, universe)

    return Reading(
        machine=rounds.machine,
        universe=universe,
        given=up_to_the_last_slot(universe, machine),
        facts=rounds.facts,
        relations=(
            *RELATIONS,
            "first_ballot", "first_quorum", "acknowledged", "reading", "acknowledged_at", "echoed", "served",
        ),
        steps={name: of(name) for name in (*STEPS, "acknowledge", "ask", "echo", "serve")},
        derived=("extend", "believe"),
        paths=("choose", "learn"),
        stutters=("issue", "prepare"),
        read_step=RoundsSteps(rounds, outbox=False, whole=rounds.machine).read,
        exception=RoundsExceptions(rounds, outbox=False).reason,
    )  # fmt: skip


def with_rounds(juries: Juries, machine: Reads) -> Universe:
    """Every round that there may be is a read, and one more slot may be the next after all that a round must see."""
    m, rounds = machine, [(b, t) for b in machine.ballots for t in range(1, machine.max_reads[b] + 1)]
    universe = universe_of(juries, nodes=m.nodes, max_ballot=m.max_ballot, max_slot=m.max_slot + 1)
    return evolve(universe, domains={**universe.domains, "Read": tuple(rounds)})


def up_to_the_last_slot(universe: Universe, machine: Reads) -> Universe:
    """Without that slot: nothing happens there."""
    return evolve(universe, domains={**universe.domains, "Slot": (0, *machine.slots)})


@frozen(slots=False)
class Rounds(Knowing):
    """The facts of states of `Reads` that remember who decided first."""

    def facts(self, s: Any) -> Facts:
        """As the layer `knowledge` has them, and what was said about reads."""
        of_nonce = {(m.ballot, self._reads.nonce(m.read)): (m.ballot, m.read) for m in s.rounds}
        return {
            **super().facts(s),
            "first_ballot": frozenset((i, first.ballot) for i, first in s.first_decided.items()),
            "first_quorum": frozenset((i, named(first.voters)) for i, first in s.first_decided.items()),
            "acknowledged": frozenset((d.slot,) for d in s.decisions),
            "reading": frozenset(((m.ballot, m.read), m.ballot, m.slot) for m in s.rounds),
            "acknowledged_at": frozenset(((m.ballot, m.read), k) for m in s.rounds for k in range(1, m.seen + 1)),
            "echoed": frozenset((of_nonce[m.ballot, m.nonce], m.node) for m in s.echoes),
            "served": frozenset(((m.ballot, m.read), m.slot) for m in s.answers),
        }

    @property
    def _reads(self) -> Reads:
        assert isinstance(self.machine, Reads)
        return self.machine


@frozen(slots=False)
class RoundsSteps(KnowingSteps):
    """What the steps of `Reads` are in the layer."""

    def read(self, s: Any, name: str, args: Args) -> tuple[Taken[Any], ...]:
        """As in the layer `knowledge`; and a decision that is sent is acknowledged."""
        owner = self.disks.machine.owner
        if name == "echo":
            n, b, t = args
            return (Taken("echo", ((b, t), n, b)),)
        if name in ("consult", "serve"):
            b, t = args
            o = owner[b]
            slot = self._slot(s, name, b, t)
            return (Taken("ask" if name == "consult" else "serve", ((b, t), o, b, slot)),)
        after = successor(self.whole, s, name, args)
        assert after is not None, "it is an edge of the graph"
        taken = super().read(s, name, args)
        told = tuple(Taken[Any]("acknowledge", (d.slot,)) for d in after.decisions - s.decisions)
        if taken and told:
            before_that = after._replace(decisions=s.decisions)
            return (*taken[:-1], evolve(taken[-1], leads_to=before_that), *told)
        return (*taken, *told)

    def _slot(self, s: Any, name: str, b: Ballot, t: Read) -> Slot:
        """The slot that a round must see, or that its reads are answered from."""
        after = successor(self.whole, s, name, (b, t))
        assert after is not None, "it is an edge of the graph"
        said = after.rounds - s.rounds if name == "consult" else after.answers - s.answers
        (one,) = said
        return one.slot  # type: ignore[no-any-return]

    def counted(self, after: Any, b: Ballot, i: Slot) -> Args:
        """And whose votes, which are those that are noted if it is the first time."""
        o = self.disks.machine.owner[b]
        voters = self.disks.machine.voters(after, b, i) & self.disks.machine.members_of(after, o, i)
        return o, named(voters), b


class _AnyValue(AnyValue, Reads):
    """A cell that reads, where a proposer takes whatever is safe."""


@frozen(slots=False)
class RoundsExceptions(KnowingExceptions):
    """Why a guard of the layer must hold where `Reads` has no step."""

    def free_machine(self) -> Cell:
        """With reads."""
        return _AnyValue(**self.free_constants(), max_reads=self._machine.max_reads)

    def choose(self, s: Any, i: Slot, v: Name, *by: Any) -> str:
        """Where a node would decide if it heard of these votes alone."""
        n, q, b = by
        if i == 0 or b == 0 or all(p[:3] != (b, i, v) for p in s.proposals):
            return ""
        counted = {m for m in self.free.voters(s, b, i) if m in self._members(q)}
        heard = s._replace(votes=frozenset(w for w in s.votes if w.node in counted))
        mine = len(counted) == len(self._members(q)) and self._members(q) <= self.free.members_of(s, n, i)
        return NO_POLICY if mine and self.would_decide(heard, b, i, n) else ""

    def _members(self, quorum: str) -> frozenset[Node]:
        members = self.disks.universe.relations["member"]
        return frozenset(n for n, q in members if q == quorum)

    def acknowledge(self, s: Any, i: Slot) -> str:
        """Whoever knows a decision may tell it, and again."""
        return TOLD if any(len(s.known[n]) >= i for n in self.free.nodes) else ""

    def ask(self, s: Any, t: Round, n: Node, b: Ballot, i: Slot) -> str:
        """Where a node would ask for no less if it led; and for a slot that is higher than it need be."""
        if any((m.ballot, m.read) == t for m in s.rounds):
            return ""
        sent = s._replace(queue=put(s.queue, n, ()))
        return NO_POLICY if i >= self._led_reads(n).highest(sent, b) else ""

    def echo(self, s: Any, t: Round, n: Node, b: Ballot) -> str:
        """Where a node would if it was asked."""
        everyone = frozenset(self.free.nodes)
        asked = s._replace(rounds=frozenset(m._replace(to=everyone) for m in s.rounds))
        return NO_POLICY if t[0] == b and has_step(self._led_reads(n), asked, "echo", (n, *t)) else ""

    def serve(self, s: Any, t: Round, n: Node, b: Ballot, i: Slot) -> str:
        """Where a node would if it led, had not answered, and knew no more.

        What was voted for under the round's own ballot is no matter to the layer.
        """
        if t[0] != b or len(s.known[n]) < i:
            return ""
        led = s._replace(
            active=put(s.active, n, b),
            known=put(s.known, n, s.known[n][:i]),
            promises=self.told_whole(s),
            answers=frozenset[Answer](),
        )
        return ANSWERED_AGAIN if has_step(self._led_reads(n), led, "serve", t) else ""

    @property
    def _machine(self) -> Reads:
        machine = self.disks.machine
        assert isinstance(machine, Reads)
        return machine

    def _led_reads(self, n: Node) -> Reads:
        machine = self.led_by(n)
        assert isinstance(machine, Reads)
        return machine
