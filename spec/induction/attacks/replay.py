"""Runs of the formulas, taken on the Python models: the same rule is broken there, by a subclass.

What a run of the formulas calls by the model's names is the model's step. On the cell a write of the formulas is the
model's own promise or vote, and what they send is a flush there. What follows from votes is left out where the model
takes it at once with others. A step of the model that the formulas do not have is put in: Prepare, with its flush,
before the first promise of a ballot.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

from attrs import frozen

from spec import ballots, cell
from spec.ballots import Ballots
from spec.cell import Disk, NoVote
from spec.cell_properties import CellProperties
from spec.commands import Ballot, Log, Name, Node, Nodes, Slot, is_majority, majorities
from spec.explain import explain
from spec.induction.proving.unroll import Run, Taken
from spec.machine import Machine, Step, action, invariant, successor
from spec.values import function, put

Call: TypeAlias = tuple[str, tuple[Any, ...]]


class NotReplayed(Exception):
    """The model does not take a step of the run."""


@frozen(kw_only=True)
class Replayed:
    """The run on the model, and the invariant that its last state violates."""

    model: str
    steps: tuple[Step, ...]
    """First ("init", (), state), then a step each."""
    violated: str

    @property
    def sentence(self) -> str:
        """What came of it."""
        return f"{self.violated} is violated" if self.violated else "nothing is violated"

    def as_json(self) -> Mapping[str, Any]:
        """The same for machines."""
        steps = [{"action": step.name, "arguments": [str(arg) for arg in step.args]} for step in self.steps[1:]]
        return {"model": self.model, "violated": self.violated, "steps": steps}


def taken(machine: Machine[Any], model: str, calls: Iterator[Call]) -> Replayed:
    """Take the steps. NotReplayed if one is not enabled; the invariants are looked at in the last state."""
    (state,) = machine.init()
    steps = [Step("init", (), state)]
    for name, args in calls:
        after = successor(machine, state, name, args)
        if after is None:
            raise NotReplayed(f"{name}{args}: {explain(machine, state, name, args)}")
        state = after
        steps.append(Step(name, args, state))
    violated = [name for name in machine.invariant_names() if not getattr(machine, name)(state)]
    # What the run is about says more than what else went wrong on the way.
    headlines = [name for name in HEADLINES if name in violated]
    return Replayed(model=model, steps=tuple(steps), violated=(headlines or violated or [""])[0])


HEADLINES = ("agreement", "one_value_chosen", "reads_see_acknowledged", "recoverable")


# On Ballots: Leave, Propose and Vote are the model's own, and what is chosen follows from votes.


def on_ballots(broken: type[Ballots]) -> Callable[[Ballots, Run], Replayed]:
    """Replay a run of the layer `ballots` on a broken `Ballots`."""

    def replayed(m: Ballots, run: Run) -> Replayed:
        machine = broken(
            content=m.content, first=m.first, alpha=m.alpha, early=m.early, nodes=m.nodes, max_ballot=m.max_ballot,
            max_slot=m.max_slot,
        )  # fmt: skip
        own = ("leave", "propose", "vote")
        calls = ((step.action, tuple(step.arguments.values())) for step in run.steps if step.action in own)
        return taken(machine, "spec/ballots.py", calls)

    return replayed


class BallotsThatForgetPromises(Ballots):
    """A node votes under a ballot that it has left."""

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: ballots.State, n: Node, b: Ballot, i: Slot) -> ballots.State | None:
        """Broken: left[n] <= b is not asked for."""
        if not (
            any(p.ballot == b and p.slot == i for p in s.proposals)
            and ballots.Vote(b, i, n) not in s.votes
        ):  # fmt: skip
            return None
        return s._replace(votes=s.votes | {ballots.Vote(b, i, n)}, left=put(s.left, n, max(b, s.left[n])))


class BallotsThatTakeAnyVote(Ballots):
    """A proposer adopts any vote that was reported."""

    def safe(self, s: ballots.State, majority: Nodes, b: Ballot, i: Slot, v: Name) -> bool:
        """Broken: that the vote is the highest is not asked for."""
        if super().safe(s, majority, b, i, v):
            return True
        cast = {w.ballot for w in s.votes if w.slot == i and w.node in majority and w.ballot < b}
        return any(ballots.Proposal(c, i, v) in s.proposals for c in cast)


class BallotsOfAnyPhase1(Ballots):
    """A proposer asks a majority of any configuration that was in force."""

    @action(b="ballots", i="slots", v="values")
    def propose(self, s: ballots.State, b: Ballot, i: Slot, v: Name) -> ballots.State | None:
        """Broken: the configuration is not that of the slot."""
        log = self.prefix(s)
        if not (
            all(p.ballot != b or p.slot != i for p in s.proposals)
            and i <= len(log) + self.alpha
            and any(
                all(s.left[n] >= b for n in majority) and self.safe(s, majority, b, i, v)
                for members in in_force(self, log)
                for majority in majorities(members)
            )
        ):  # fmt: skip
            return None
        return s._replace(proposals=s.proposals | {ballots.Proposal(b, i, v)})


class BallotsOfStaleJuries(Ballots):
    """Votes are counted by any configuration that was in force."""

    @invariant
    def one_value_chosen(self, s: ballots.State) -> bool:
        """The invariant of `Ballots`, where whoever counts may count by an old configuration."""
        log = self.prefix(s)
        chosen = {
            (p.slot, p.value)
            for p in s.proposals
            for members in in_force(self, log)
            if is_majority(self.voters(s, p.ballot, p.slot), members)
        }
        return len({slot for slot, _ in chosen}) == len(chosen)


def in_force(machine: Ballots, log: Log) -> set[Nodes]:
    """Every configuration that a beginning of the log leads to."""
    return {machine.after(log[:length]).jury.members for length in range(len(log) + 1)}


# On Cell: writing and sending are two steps, and a decision and what follows from it are one.


def on_cell(broken: type[CellProperties]) -> Callable[[Ballots, Run], Replayed]:
    """Replay a run of the layer `disk` on a broken `Cell`, with the first owners of its ballots with which it works."""

    def replayed(m: Ballots, run: Run) -> Replayed:
        problems = []
        for owners in product(m.nodes, repeat=m.max_ballot):
            machine = broken(
                content=m.content, first=m.first, alpha=m.alpha, early=m.early, nodes=m.nodes,
                max_ballot=m.max_ballot, max_slot=m.max_slot, owner=dict(enumerate(owners, start=1)),
                learners=frozenset(), mortals=frozenset(m.nodes),
            )  # fmt: skip
            try:
                return taken(machine, "spec/cell.py", cell_calls(machine, run))
            except NotReplayed as problem:
                problems.append(str(problem))
        raise NotReplayed(problems[0])

    return replayed


def cell_calls(machine: CellProperties, run: Run) -> Iterator[Call]:
    """The steps of the cell that a run of the formulas is."""
    for _, calls in calls_of_steps(machine, run):
        yield from calls


def calls_of_steps(machine: CellProperties, run: Run) -> Iterator[tuple[Taken, tuple[Call, ...]]]:
    """Each step of the run with the steps of the cell that it is."""
    prepared = set()
    for step in run.steps:
        given = {**step.arguments, **step.witnesses}
        b = given.get("b")
        prepares: tuple[Call, ...] = ()
        if step.action == "write_promise" and b not in prepared:
            prepared.add(b)
            prepares = ("prepare", (b,)), ("flush", (machine.owner[b],))  # type: ignore[index]
        yield step, (*prepares, *_calls_of(machine, step, given))


def _calls_of(machine: CellProperties, step: Taken, given: Mapping[str, Any]) -> Iterator[Call]:
    match step.action:
        case "write_promise":
            yield "promise", (given["n"], given["b"])
        case "write_vote":
            yield "vote", (given["n"], given["b"], given["i"])
        case "promise" | "vote":
            yield "flush", (given["n"],)
        case "propose":
            yield "propose", tuple(step.arguments.values())
        case "choose":
            yield "decide", (given["b"], given["i"])
        case "truncate":
            if given["n"] != machine.owner[1]:  # who led has decided; everybody else learns what it forgets
                yield "learn", (given["n"], given["i"])
            yield "truncate", (given["n"], given["i"])
            yield "flush", (given["n"],)
        case "crash" | "lose":
            yield "crash", (given["n"], 0)


class CellLosesVotes(CellProperties):
    """Votes are sent before they are durable."""

    @action(n="nodes", k="lengths")
    def crash(self, s: cell.State, n: Node, k: int) -> cell.State | None:
        """Broken: what was accepted is gone."""
        return _restarted(s, n, k, s.disk[n]._replace(accepted=function(self.slots, NoVote)))


class CellLosesPromises(CellProperties):
    """Promises are sent before they are durable."""

    @action(n="nodes", k="lengths")
    def crash(self, s: cell.State, n: Node, k: int) -> cell.State | None:
        """Broken: of the promise only what a durable vote implies is left."""
        voted = max(vote.ballot for vote in s.disk[n].accepted[1:])
        return _restarted(s, n, k, s.disk[n]._replace(promised=voted))


class CellLosesDisks(CellProperties):
    """A node that lost its disk stays a member."""

    @action(n="nodes", k="lengths")
    def crash(self, s: cell.State, n: Node, k: int) -> cell.State | None:
        """Broken: everything is gone, and the node goes on under its old name."""
        return _restarted(s, n, k, Disk(frozenset(), 0, function(self.slots, NoVote)))


def _restarted(s: cell.State, n: Node, k: int, disk: Disk) -> cell.State:
    """`n` restarts from such a disk, which it takes for its own."""
    return s._replace(
        promised=put(s.promised, n, disk.promised), accepted=put(s.accepted, n, disk.accepted),
        active=put(s.active, n, 0), known=put(s.known, n, s.known[n][:k]), queue=put(s.queue, n, ()),
        disk=put(s.disk, n, disk),
    )  # fmt: skip
